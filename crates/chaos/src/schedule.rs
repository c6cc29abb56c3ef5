//! A schedule: what staff do and what breaks, when. Drawn from one seed, and nothing else.
//!
//! Each seed turns on a random part of the faults ("swarm"): one that never happens lets the others show what they do
//! alone. A step names what it means loosely ("the third recording there is"), so that it still means something when
//! other steps are left out, as the search for a shorter schedule does.

use agora::Operation;
use simulator::{Domain, Manner, StrangeBody};

use crate::chance::Chance;

/// What the parts are like in one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// How much faster than the wall the journal's time runs: a faster one makes heartbeats, leases and the network slow
    /// beside the rules.
    pub rate: u32,
    /// Pages of people who may act.
    pub pages: usize,
    /// Pages that only look on.
    pub viewers: usize,
    /// Whether the first page is an attendant.
    pub attendant: bool,
    /// Which policy recordings are asked for with: its place in [`crate::desk::POLICIES`].
    pub policy: usize,
    /// How many channels there are.
    pub channels: u64,
    /// After how many empty seconds a session ends by itself.
    pub idle_seconds: u32,
    /// For how many hours a session can be controlled.
    pub control_hours: u16,
    /// How many sessions the service lets run at a time.
    pub concurrent: u32,
    /// Whether a second start on a resource ID is told the `sid` of the first.
    pub tells_sid: bool,
    /// How long the upload after a stop takes at most, in seconds: more than 20 are code 50.
    pub upload_seconds: u64,
    /// How slow the way between a page and the proxy is, in real milliseconds.
    pub latency: u64,
    /// How notifications come; none: no webhook is set up.
    pub webhook: Option<Webhook>,
}

/// How notifications come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Of a thousand, how many get lost for good.
    pub lost: u16,
    /// Of a thousand deliveries, how many come a second time.
    pub doubled: u16,
    /// Of a thousand deliveries, how many take up to two minutes.
    pub late: u16,
    /// Every one comes on two paths.
    pub redundant: bool,
    /// Those of the second path have ids of their own.
    pub own_ids: bool,
    /// What is not answered with 200 is sent again.
    pub repeats: bool,
    /// Notification 13 exists.
    pub registers: bool,
    /// R2: the policies go on after an idle exit.
    pub restarts: bool,
    /// V4: recordings are asked for with the policy that waits for notification 13, where that is permitted.
    pub vigilant: bool,
}

/// One thing that happens at an instant. Spans are milliseconds: real ones for pages and proxy, the service's own for its
/// faults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "a field is what its name says of the step")]
pub enum Step {
    /// A person asks for a recording; `again` posts it a second time under the same key, as a page does that heard nothing.
    Ask { page: usize, channel: u64, beside: bool, again: bool },
    /// A person stops a recording.
    Stop { page: usize, which: u64, undo_ms: u64 },
    /// A person stops one session.
    StopSession { page: usize, which: u64, session: u64 },
    /// A person takes a stop back.
    Withdraw { page: usize, which: u64 },
    /// A person wants the next query now.
    Hurry { page: usize, which: u64 },
    /// A person lets it be tried again.
    TryAgain { page: usize, which: u64 },
    /// A person has seen the alarms.
    Acknowledge { page: usize, which: u64 },
    /// A person takes an orphan off the board.
    Dismiss { page: usize, which: u64 },
    /// A person changes the policy.
    Policy { page: usize, which: u64, policy: usize },
    /// So many publishers are in the channel from now on.
    Publishers { channel: u64, count: u32 },

    /// The next calls are answered with this.
    Answer {
        operation: Option<Operation>,
        status: u16,
        code: Option<u32>,
        carried_out: bool,
        times: u32,
        retry_after: Option<u64>,
    },
    /// The next calls are answered with a body that is not the service's.
    Strange { operation: Option<Operation>, status: u16, body: StrangeBody, carried_out: bool, times: u32 },
    /// The answers to the next calls come late.
    Delay { operation: Option<Operation>, millis: u64, times: u32 },
    /// The next calls are carried out, and their answers lost.
    AnswerLost { operation: Option<Operation>, times: u32 },
    /// The next calls are lost.
    RequestLost { operation: Option<Operation>, times: u32 },
    /// A domain is down.
    Down { domain: Domain, manner: Manner, millis: u64 },
    /// The next notifications (of this event type) get lost.
    NoticesLost { event: Option<u16>, times: u32 },
    /// The next notifications come late, and so after others.
    NoticesLate { event: Option<u16>, millis: u64, times: u32 },
    /// The next notifications come twice.
    NoticesTwice { event: Option<u16>, times: u32 },
    /// A notification comes about a session that is not ours, in one of our channels.
    NoticeOfOthers { channel: u64, event: u16, times: u32 },
    /// The servers of a channel are killed.
    ServerKilled { channel: u64, resumes: Option<u64> },
    /// The servers of a channel lose their connection.
    ServerCut { channel: u64, resumes: Option<u64> },
    /// The sessions of a channel end for good, without a word.
    SessionEnds { channel: u64 },

    /// A page is closed, or crashes.
    Close { page: usize },
    /// A page is opened where one was closed.
    Open { page: usize },
    /// A laptop sleeps; `ticking` is whether its monotonic clock goes on meanwhile.
    Sleep { page: usize, millis: u64, ticking: bool },
    /// A page is hidden: its timers fire only so often, messages still arrive.
    Throttle { page: usize, granularity: u64 },
    /// A page neither hears nor says anything for a while, and its connection stays open.
    Mute { page: usize, millis: u64 },
    /// A page's socket breaks.
    Cut { page: usize },
    /// A page's wall clock is set.
    WallClock { page: usize, by: i64 },
    /// The way between page and proxy becomes this slow.
    Slow { page: usize, millis: u64 },
    /// The next posts of a page do not arrive, or their answers do not.
    PostsLost { page: usize, arrive: bool, times: u32 },

    /// The proxy is killed now, and runs again after this.
    Kill { down: u64 },
    /// The proxy is killed in the middle of a write: just before it is durable, or just after. It runs again after this.
    KillAtWrite { writes: u32, durable: bool, down: u64 },
    /// The disk is full for this long.
    DiskFull { millis: u64 },
    /// The proxy's clock is set.
    ProxyClock { by: i64 },
}

impl Step {
    /// The kind of fault that it is; none for what people do.
    pub const fn fault(&self) -> Option<Kind> {
        Some(match self {
            Self::Ask { .. }
            | Self::Stop { .. }
            | Self::StopSession { .. }
            | Self::Withdraw { .. }
            | Self::Hurry { .. }
            | Self::TryAgain { .. }
            | Self::Acknowledge { .. }
            | Self::Dismiss { .. }
            | Self::Policy { .. }
            | Self::Open { .. } => return None,
            Self::Publishers { .. } => Kind::Empty,
            Self::Answer { status: 429, .. } => Kind::RateLimit,
            Self::Answer { status: 500..=599, .. } => Kind::Storm,
            Self::Answer { .. } => Kind::Codes,
            Self::Strange { .. } => Kind::Strange,
            Self::Delay { .. } => Kind::Late,
            Self::AnswerLost { .. } => Kind::AnswerLost,
            Self::RequestLost { .. } => Kind::RequestLost,
            Self::Down { .. } => Kind::Domain,
            Self::NoticesLost { .. } => Kind::NoticesLost,
            Self::NoticesLate { .. } => Kind::NoticesLate,
            Self::NoticesTwice { .. } => Kind::NoticesTwice,
            Self::NoticeOfOthers { .. } => Kind::NoticesOfOthers,
            Self::ServerKilled { .. } | Self::ServerCut { .. } => Kind::Failover,
            Self::SessionEnds { .. } => Kind::Death,
            Self::Close { .. } => Kind::Close,
            Self::Sleep { .. } => Kind::Sleep,
            Self::Throttle { .. } => Kind::Throttle,
            Self::Mute { .. } => Kind::Mute,
            Self::Cut { .. } => Kind::Cut,
            Self::WallClock { .. } => Kind::WallClock,
            Self::Slow { .. } => Kind::Slow,
            Self::PostsLost { .. } => Kind::PostsLost,
            Self::Kill { .. } => Kind::Kill,
            Self::KillAtWrite { .. } => Kind::KillAtWrite,
            Self::DiskFull { .. } => Kind::DiskFull,
            Self::ProxyClock { .. } => Kind::ProxyClock,
        })
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident),* $(,)?) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$meta])* $kind),* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];
        }
    };
}

kinds! {
    /// Nobody is in the channel.
    Empty,
    /// 429.
    RateLimit,
    /// 50x.
    Storm,
    /// 206, 201, 40x.
    Codes,
    /// HTML, the gateway's words, half a JSON.
    Strange,
    /// Late answers.
    Late,
    /// Carried out, and the answer lost.
    AnswerLost,
    /// Not carried out, and no answer.
    RequestLost,
    /// A domain is down.
    Domain,
    /// Another server goes on.
    Failover,
    /// A session ends for good.
    Death,
    /// A tab closed.
    Close,
    /// A laptop asleep.
    Sleep,
    /// Timers held back.
    Throttle,
    /// Half-open connections.
    Mute,
    /// Sockets cut.
    Cut,
    /// A page's clock set.
    WallClock,
    /// A slow network.
    Slow,
    /// Posts or their answers lost.
    PostsLost,
    /// The proxy killed.
    Kill,
    /// The proxy killed at a write.
    KillAtWrite,
    /// The disk full.
    DiskFull,
    /// The proxy's clock set.
    ProxyClock,
    /// Notifications lost.
    NoticesLost,
    /// Notifications late.
    NoticesLate,
    /// Notifications twice.
    NoticesTwice,
    /// Notifications about sessions of others.
    NoticesOfOthers,
}

impl Kind {
    /// Whether it is about notifications.
    const fn is_of_notices(self) -> bool {
        matches!(self, Self::NoticesLost | Self::NoticesLate | Self::NoticesTwice | Self::NoticesOfOthers)
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The seed it was drawn from, which also decides what chance decides while it runs.
    pub seed: u64,
    /// What the parts are like.
    pub world: World,
    /// What happens, with the real millisecond, in order.
    pub steps: Vec<(u64, Step)>,
    /// When faults are switched off, in real milliseconds.
    pub calm_at: u64,
}

const OPERATIONS: [Option<Operation>; 6] = [
    None,
    Some(Operation::Acquire),
    Some(Operation::Start),
    Some(Operation::Start),
    Some(Operation::Query),
    Some(Operation::Stop),
];

impl Schedule {
    /// The schedule of this seed.
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed, 1);
        let world = draw_world(&mut chance);
        let rate = u64::from(world.rate);
        // Few are long, with much that breaks; most are short, so that there can be many.
        let long = chance.percent(10);
        // From two and a half to five minutes of the journal's time, or to eleven; where control ends after an hour, often as
        // long as until a session is changed over for it, and sometimes longer than the hour.
        let control_ends = world.control_hours == 1 && rate >= 20;
        let span = match chance.below(100) {
            0..=6 if control_ends => chance.between(3_300_000, 4_200_000),
            0..=34 if control_ends => chance.between(1_900_000, 2_300_000),
            _ if long => chance.between(240_000, 660_000),
            _ => chance.between(150_000, 300_000),
        };
        let possible = |kind: &Kind| world.webhook.is_some() || !kind.is_of_notices();
        let swarm: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|kind| chance.percent(35) && possible(kind)).collect();
        let most = if long { 26 } else { 11 };
        let faults = if swarm.is_empty() { 0 } else { chance.between(4, most) };
        let presses = chance.between(2, if long { 12 } else { 5 });
        let mut steps = vec![(500, draw_ask(&mut chance, &world))];
        for _ in 0..faults {
            let at = chance.below(span);
            let kind = *chance.pick(&swarm);
            steps.push((at / rate, draw_fault(&mut chance, &world, kind)));
            if kind == Kind::Death && chance.percent(40) {
                // Each replacement dies as well.
                for next in 1..=chance.between(2, 5) {
                    let later = at + next * chance.between(115_000, 160_000);
                    steps.push((later.min(span) / rate, draw_fault(&mut chance, &world, kind)));
                }
            }
            if kind == Kind::Failover && chance.percent(40) {
                // Several in a row: the fourth is a death.
                for next in 1..=chance.between(1, 4) {
                    let later = at + next * chance.between(20_000, 100_000);
                    steps.push((later.min(span) / rate, draw_fault(&mut chance, &world, kind)));
                }
            }
        }
        if let Some(webhook) = world.webhook.as_ref().filter(|webhook| webhook.vigilant && webhook.registers)
        {
            // V4: after three starts with their 13, one without; more than one start is needed for that.
            for _ in 0..chance.between(4, 6) {
                let at = chance.below(span) / rate;
                steps.push((at, draw_ask(&mut chance, &world)));
                if webhook.lost == 0 {
                    steps.push((at, Step::NoticesLost { event: Some(13), times: chance.below(2) as u32 }));
                }
            }
        }
        if world.channels > 3 {
            // A bell rings: every lesson begins.
            let at = chance.below(span) / rate;
            for channel in 0..world.channels {
                let page = page(&mut chance, &world);
                let at = at + chance.below(200);
                steps.push((at, Step::Ask { page, channel, beside: false, again: false }));
                if chance.percent(50) {
                    let stop = Step::Stop { page, which: chance.below(world.channels), undo_ms: 0 };
                    steps.push((at + 20_000 / rate + chance.below(100), stop));
                }
            }
        }
        for _ in 0..presses {
            let at = chance.below(span) / rate;
            let press = draw_press(&mut chance, &world);
            if chance.percent(25) {
                // Two people at once.
                steps.push((at + chance.below(2_000), draw_press(&mut chance, &world)));
            }
            steps.push((at, press));
        }
        steps.sort_by_key(|(at, _)| *at);
        Self { seed, world, steps, calm_at: span / rate + 1 }
    }

    /// The same with only these steps, by their places.
    pub fn only(&self, kept: &[usize]) -> Self {
        let steps = self.steps.iter().enumerate().filter(|(place, _)| kept.contains(place));
        Self { steps: steps.map(|(_, step)| step.clone()).collect(), ..self.clone() }
    }

    /// How many kinds of fault it holds.
    pub fn kinds(&self) -> usize {
        let mut kinds: Vec<Kind> = self.steps.iter().filter_map(|(_, step)| step.fault()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    }
}

fn draw_world(chance: &mut Chance) -> World {
    World {
        // Few at the real rate: most of what happens there is heartbeats.
        rate: if chance.below(400) == 0 {
            1
        } else {
            *chance.pick(&[5, 10, 20, 20, 20, 30, 30, 30, 30, 30, 40, 40, 40, 40, 40, 40])
        },
        pages: usize::try_from(chance.between(1, 3)).unwrap_or(1),
        viewers: usize::from(chance.percent(20)),
        attendant: chance.percent(25),
        policy: *chance.pick(&[0, 0, 0, 0, 0, 0, 1, 2]),
        channels: if chance.percent(2) { 12 } else { chance.between(1, 3) },
        idle_seconds: *chance.pick(&[30, 60, 300, 300]),
        control_hours: *chance.pick(&[1, 24, 720, 720]),
        concurrent: *chance.pick(&[1, 2, 50, 50, 50]),
        tells_sid: chance.percent(50),
        upload_seconds: *chance.pick(&[5, 5, 30]),
        latency: *chance.pick(&[2, 10, 10, 40, 200]),
        webhook: draw_webhook(chance),
    }
}

/// Half of the worlds have a webhook, half of those a good one.
fn draw_webhook(chance: &mut Chance) -> Option<Webhook> {
    let (set_up, good, vigilant) = (chance.percent(50), chance.percent(50), chance.percent(50));
    let mut share = |bad: &[u16]| {
        let drawn = *chance.pick(bad);
        if good { 0 } else { drawn }
    };
    let (lost, doubled, late) = (share(&[0, 50, 200, 600]), share(&[0, 50, 300]), share(&[0, 50, 300]));
    let webhook = Webhook {
        lost,
        doubled,
        late,
        redundant: chance.percent(25),
        own_ids: chance.percent(50),
        repeats: chance.percent(75),
        registers: chance.percent(75),
        restarts: chance.percent(30),
        vigilant,
    };
    set_up.then_some(webhook)
}

/// Which notifications a fault meets.
fn draw_event(chance: &mut Chance) -> Option<u16> {
    *chance.pick(&[
        None,
        None,
        Some(11),
        Some(12),
        Some(13),
        Some(13),
        Some(40),
        Some(41),
        Some(31),
        Some(42),
    ])
}

fn page(chance: &mut Chance, world: &World) -> usize {
    usize::try_from(chance.below(u64::try_from(world.pages).unwrap_or(1))).unwrap_or(0)
}

fn draw_ask(chance: &mut Chance, world: &World) -> Step {
    Step::Ask {
        page: page(chance, world),
        channel: chance.below(world.channels),
        beside: chance.percent(30),
        again: chance.percent(15),
    }
}

fn draw_press(chance: &mut Chance, world: &World) -> Step {
    let page = page(chance, world);
    let which = chance.below(8);
    match chance.below(20) {
        0..=4 => draw_ask(chance, world),
        5..=9 => {
            let undo_ms = if chance.percent(20) { chance.between(1_000, 10_000) } else { 0 };
            Step::Stop { page, which, undo_ms }
        }
        10 => Step::StopSession { page, which, session: chance.below(3) },
        11 => Step::Withdraw { page, which },
        12 | 13 => Step::Hurry { page, which },
        14 | 15 => Step::TryAgain { page, which },
        16 => Step::Acknowledge { page, which },
        17 => Step::Dismiss { page, which },
        18 => Step::Policy { page, which, policy: usize::try_from(chance.below(3)).unwrap_or(0) },
        _ => Step::Open { page },
    }
}

fn draw_fault(chance: &mut Chance, world: &World, kind: Kind) -> Step {
    let channel = chance.below(world.channels);
    let page = page(chance, world);
    let operation = *chance.pick(&OPERATIONS);
    let times = 1 + u32::try_from(chance.skewed(12)).unwrap_or(0);
    match kind {
        Kind::Empty => Step::Publishers { channel, count: u32::from(chance.percent(40)) },
        Kind::RateLimit => {
            let retry_after = chance.percent(30).then(|| chance.between(1, 20));
            Step::Answer { operation, status: 429, code: None, carried_out: false, times, retry_after }
        }
        Kind::Storm => {
            let status = *chance.pick(&[500, 500, 501, 502, 503, 504]);
            // 502 without another code is code 502, which says that nothing was started.
            let carried_out = status != 502 && chance.percent(30);
            Step::Answer { operation, status, code: None, carried_out, times, retry_after: None }
        }
        Kind::Codes => {
            let (operation, status, code) = *chance.pick(&[
                (operation, 206, Some(65)),
                (operation, 206, Some(65)),
                (Some(Operation::Start), 504, Some(62)),
                (Some(Operation::Start), 201, Some(7)),
                (Some(Operation::Start), 400, Some(53)),
                (Some(Operation::Start), 500, Some(502)),
                (Some(Operation::Start), 400, Some(433)),
                (Some(Operation::Start), 400, Some(2)),
                (Some(Operation::Acquire), 400, Some(406)),
                (Some(Operation::Query), 404, Some(404)),
                (Some(Operation::Query), 401, None),
                (Some(Operation::Stop), 404, Some(404)),
                (Some(Operation::Stop), 400, Some(2)),
                (operation, 403, Some(2)),
            ]);
            // A refusal changes nothing, and code 502 says that nothing was started.
            let may = (status >= 500 && code != Some(502)) || status == 206;
            let carried_out = may && chance.percent(30);
            Step::Answer { operation, status, code, carried_out, times, retry_after: None }
        }
        Kind::Strange => {
            let body = *chance.pick(&[
                StrangeBody::Empty,
                StrangeBody::Html,
                StrangeBody::Gateway,
                StrangeBody::Gateway,
                StrangeBody::Cut,
            ]);
            let status = *chance.pick(&[200, 404, 404, 502, 503]);
            Step::Strange { operation, status, body, carried_out: status != 404 && chance.percent(30), times }
        }
        Kind::Late => Step::Delay { operation, millis: chance.between(2_000, 95_000), times },
        Kind::AnswerLost => Step::AnswerLost { operation, times },
        Kind::RequestLost => Step::RequestLost { operation, times },
        Kind::Domain => Step::Down {
            domain: *chance.pick(&[Domain::Primary, Domain::Primary, Domain::Secondary, Domain::Region]),
            manner: *chance.pick(&[Manner::Close, Manner::Refuse, Manner::Hang]),
            millis: chance.between(5_000, 400_000),
        },
        Kind::Failover => {
            let resumes = chance.percent(30).then(|| chance.between(1_000, 88_000));
            if chance.percent(60) {
                Step::ServerKilled { channel, resumes }
            } else {
                Step::ServerCut { channel, resumes }
            }
        }
        Kind::Death => {
            // A failover that takes longer than documented looks like a death until it comes back.
            if chance.percent(40) {
                Step::ServerKilled { channel, resumes: Some(chance.between(91_000, 400_000)) }
            } else {
                Step::SessionEnds { channel }
            }
        }
        Kind::Close => Step::Close { page },
        Kind::Sleep => {
            Step::Sleep { page, millis: chance.between(1_000, 120_000), ticking: chance.percent(50) }
        }
        Kind::Throttle => Step::Throttle { page, granularity: *chance.pick(&[1_000, 1_000, 60_000, 1]) },
        Kind::Mute => Step::Mute { page, millis: chance.between(1_000, 40_000) },
        Kind::Cut => Step::Cut { page },
        Kind::WallClock => {
            let by =
                *chance.pick(&[-315_000_000_000_i64, -3_600_000, -2_500, 1_500, 60_000, 315_000_000_000]);
            Step::WallClock { page, by }
        }
        Kind::Slow => Step::Slow { page, millis: chance.between(50, 4_000) },
        Kind::PostsLost => Step::PostsLost { page, arrive: chance.percent(50), times },
        Kind::Kill => Step::Kill { down: chance.skewed(60_000) },
        Kind::KillAtWrite => Step::KillAtWrite {
            writes: 1 + u32::try_from(chance.skewed(20)).unwrap_or(0),
            durable: chance.percent(50),
            down: chance.skewed(20_000),
        },
        Kind::DiskFull => Step::DiskFull { millis: chance.between(500, 30_000) },
        Kind::NoticesLost => Step::NoticesLost { event: draw_event(chance), times },
        Kind::NoticesLate => {
            let event = draw_event(chance);
            Step::NoticesLate { event, millis: chance.between(1_000, 200_000), times }
        }
        Kind::NoticesTwice => Step::NoticesTwice { event: draw_event(chance), times },
        Kind::NoticesOfOthers => Step::NoticeOfOthers {
            channel,
            event: *chance.pick(&[40, 41, 11, 12, 31, 13]),
            times: times.min(3),
        },
        Kind::ProxyClock => {
            Step::ProxyClock { by: *chance.pick(&[-300_000, -5_000, -700, 700, 5_000, 300_000]) }
        }
    }
}
