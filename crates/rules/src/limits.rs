//! I1, B1, B2: what fits an idle time, and how near an App ID is to the service's limits. Nothing here blocks a call.

use core::time::Duration;

use agora::limits;

/// From so many percent of a limit on staff are warned (B2).
pub const WARN_PERCENT: u32 = 80;

/// I1: the `maxIdleTime` in seconds that outlives breaks of this length: twice the break, not below the service's own
/// default, below which a short break of the network ends the recording.
pub fn idle_time_for(break_length: Duration) -> u32 {
    let twice = u32::try_from(break_length.as_secs().saturating_mul(2)).unwrap_or(u32::MAX);
    twice.clamp(limits::MAX_IDLE_SECONDS_DEFAULT, limits::MAX_IDLE_SECONDS_MAX)
}

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Less than [`WARN_PERCENT`] of it.
    Well,
    /// From there up to all of it.
    Nearly,
    /// More than there is.
    Over,
}

/// How much of `limit` are `used`.
pub const fn used_of(used: u32, limit: u32) -> Use {
    if used > limit {
        Use::Over
    } else if used as u64 * 100 >= limit as u64 * WARN_PERCENT as u64 {
        Use::Nearly
    } else {
        Use::Well
    }
}

/// B1: the calls a second, rounded up, that so many sessions need for their routine queries alone.
pub fn calls_per_second(sessions: u32, query_interval: Duration) -> u32 {
    let millis = query_interval.as_millis().max(1);
    u32::try_from((u128::from(sessions) * 1000).div_ceil(millis)).unwrap_or(u32::MAX)
}

/// Where sessions record, as the service's table of streams has it (B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Mainland China.
    China,
    /// Europe.
    Europe,
    /// America.
    America,
    /// Asia without mainland China.
    Asia,
}

/// How many streams are recorded in a region, by the resolution of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    /// SD.
    pub sd: u32,
    /// HD.
    pub hd: u32,
    /// Full HD.
    pub fhd: u32,
}

/// B2: how many streams of each resolution a region takes.
pub const fn streams_max(region: Region) -> Streams {
    match region {
        Region::China => Streams { sd: 100, hd: 50, fhd: 30 },
        Region::Europe => Streams { sd: 50, hd: 30, fhd: 10 },
        Region::America | Region::Asia => Streams { sd: 50, hd: 50, fhd: 30 },
    }
}

/// B2: how near a region is to its limit. Each resolution has its own; of several, all together have the largest of
/// theirs, as the examples of the document say (SD and HD in Europe 50, HD and Full HD 30).
pub fn streams_used(region: Region, used: Streams) -> Use {
    let most = streams_max(region);
    let each = [(used.sd, most.sd), (used.hd, most.hd), (used.fhd, most.fhd)];
    let total = each.iter().fold(0u32, |total, (used, _)| total.saturating_add(*used));
    let together = each.iter().filter(|(used, _)| *used > 0).map(|(_, most)| *most).max();
    let all = together.map(|together| (total, together));
    let rank = |fill: &Use| match fill {
        Use::Well => 0,
        Use::Nearly => 1,
        Use::Over => 2,
    };
    let fills = each.into_iter().chain(all).map(|(used, limit)| used_of(used, limit));
    fills.max_by_key(rank).unwrap_or(Use::Well)
}
