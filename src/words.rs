//! Every sentence of the page. State labels are nouns and adjectives; a sentence says what happened, what the system does,
//! when, and what one can do.

pub mod reasons;

use agora::Timestamp;

use crate::parts::age::Countdown;
use crate::parts::pips::Failovers;
use crate::parts::scale::Mark;
use crate::parts::strip::Probe;

pub const RECORDINGS: &str = "Recordings";
pub const LOADING: &str = "Loading recordings…";
pub const ATTENTION: &str = "Attention";
pub const WORST_FIRST: &str = "worst first";
pub const OPEN: &str = "Open";
pub const STOP: &str = "Stop…";
pub const NO_SID: &str = "no sid yet";
pub const NO_SESSION: &str = "no session";
pub const FAILOVER_WINDOW: &str = "Failover window";
pub const TIMELINE_REGION: &str = "Timeline, scrolls sideways on small screens";
pub const WINDOW_KEY: [&str; 3] = [
    "to 30 s: process killed, new server",
    "to 60 s: server lost, reconnecting",
    "to 90 s: switched to another",
];

/// `0:05`, `42:18`, `1:31:40`: for durations that are compared with each other.
pub fn stopwatch(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// A countdown as text.
pub fn countdown(left: Countdown) -> String {
    match left {
        Countdown::In(seconds) => stopwatch(seconds),
        Countdown::Now => "now".to_owned(),
        Countdown::Overdue(seconds) => format!("overdue {}", stopwatch(seconds)),
    }
}

/// `12 s`, `4 min`, `3 h`: how old something is, in the unit that matters.
pub fn age(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A duration in words, `38 min 47 s`.
pub fn duration(seconds: i64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A duration with its tenths, `30.6 s`, without floating numbers.
pub fn tenths(millis: i64) -> String {
    if millis >= 120_000 { duration(millis / 1000) } else { format!("{}.{} s", millis / 1000, millis / 100 % 10) }
}

pub fn idle(seconds: i64) -> String {
    format!("{} idle", duration(seconds))
}

/// "1 session", "2 sessions".
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// The first letter large, for the begin of a sentence.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub fn need_you(count: usize) -> String {
    if count == 1 { "1 needs you".to_owned() } else { format!("{count} need you") }
}

pub fn being_handled(count: usize) -> String {
    match count {
        1 => "1 is being handled; no action needed".to_owned(),
        count => format!("{count} are being handled; no action needed"),
    }
}

pub fn more(count: usize) -> String {
    format!("{count} more")
}

pub fn more_below(count: usize) -> String {
    format!("{count} more in the list below")
}

pub fn open(channel: &str) -> String {
    format!("Open {channel}")
}

pub fn action_for(action: &str, channel: &str) -> String {
    format!("{action} {channel}")
}

pub fn sid_of(channel: &str) -> String {
    format!("sid of {channel}")
}

pub fn stop_of(channel: &str) -> String {
    format!("Stop {channel}…")
}

/// Failovers used, for who cannot see the marks.
pub fn failovers_used(failovers: &Failovers) -> String {
    let Failovers { proved, possible, running, allowed } = *failovers;
    let used = if possible > proved { format!("{proved} to {possible}") } else { proved.to_string() };
    let running = if running { ", one may be running" } else { "" };
    format!("{used} of {allowed} failovers used{running}")
}

/// The strip of answers, for who cannot see it.
pub fn last_answers(probes: &[Probe]) -> String {
    let count = |probe| probes.iter().filter(|other| **other == probe).count();
    let mut parts = vec![format!("{} answered", count(Probe::Good) + count(Probe::Back))];
    for (probe, word) in [(Probe::Doubt, "in doubt"), (Probe::Back, "of these after a doubt"), (Probe::Lost, "lost")] {
        let count = count(probe);
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    format!("Last {}: {}", if probes.len() == 1 { "query".to_owned() } else { format!("{} queries", probes.len()) }, parts.join(", "))
}

pub fn of_window(seconds: i64) -> String {
    format!("{} of 1:30", stopwatch(seconds))
}

pub fn left_of_window(seconds: i64) -> String {
    if seconds > 0 { format!("{} left", stopwatch(seconds)) } else { "over".to_owned() }
}

pub fn now_at(seconds: i64) -> String {
    format!("now {}", stopwatch(seconds))
}

pub fn first_404_at(clock: &str) -> String {
    format!("first 404, {clock}")
}

/// The failover window, for who cannot see it.
pub fn window_described(asked: &[(Timestamp, Mark)], ahead: &[Timestamp], t0: Timestamp) -> String {
    let after = |at: &Timestamp| ((at.millis() - t0.millis() + 500) / 1000).to_string();
    let asked: Vec<_> = asked.iter().map(|(at, _)| after(at)).collect();
    let ahead: Vec<_> = ahead.iter().map(after).collect();
    format!(
        "Failover window of 90 seconds from the first 404. Queries sent at {} seconds. Queries to come at {} seconds.",
        asked.join(", "),
        if ahead.is_empty() { "no".to_owned() } else { ahead.join(", ") }
    )
}

#[cfg(test)]
mod tests {
    use super::{age, duration, stopwatch, tenths};

    #[test]
    fn durations_are_written_as_people_compare_them() {
        assert_eq!(stopwatch(5), "0:05");
        assert_eq!(stopwatch(2_538), "42:18");
        assert_eq!(stopwatch(5_500), "1:31:40");
        assert_eq!(age(119), "119 s");
        assert_eq!(age(240), "4 min");
        assert_eq!(duration(2_327), "38 min 47 s");
        assert_eq!(tenths(30_649), "30.6 s");
    }
}
