//! How fast the rules are, beside the least that any state machine costs on the machine that it runs on: a bare loop over
//! records with a `match` in it, in the same process.

use core::fmt::Write as _;
use core::hint::black_box;
use std::time::{Duration, Instant};

use rules::{Board, BoardFacts, Recording};

use crate::schedule::Schedule;
use crate::simulation;

/// What was measured, each the best of several rounds: a machine that does something else meanwhile is only ever slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Transitions a second of the bare loop.
    pub bare: f64,
    /// Entries a second that the rules fold, each followed by the question what is next.
    pub rules: f64,
    /// Events a second of the whole simulation, with every invariant and the reference model.
    pub simulation: f64,
}

const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(400);

/// What a session can be, in the bare loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Acquired,
    Accepted,
    Live,
    Doubt,
    Ending,
    Lost,
    Over,
}

/// A record of 56 bytes.
#[derive(Debug, Clone, Copy)]
struct Session {
    state: State,
    tries: u32,
    since: u64,
    due: u64,
    last_good: u64,
    t0: u64,
    calls: u64,
    failovers: u32,
}

const _: () = assert!(size_of::<Session>() == 56, "the record that other figures are for");

impl Session {
    /// One of twelve transitions, or none.
    const fn take(&mut self, event: u8, now: u64) {
        self.calls += 1;
        let (state, wait) = match (self.state, event) {
            (State::Idle, 0) => (State::Acquired, 0),
            (State::Acquired, 1) => (State::Accepted, 5_000),
            (State::Acquired, 4) => {
                self.tries += 1;
                (State::Acquired, 3_000 * self.tries as u64)
            }
            (State::Accepted | State::Live, 2) => {
                self.last_good = now;
                (State::Live, 120_000)
            }
            (State::Accepted, 3) => (State::Accepted, 15_000),
            (State::Live, 3) => {
                self.t0 = now;
                (State::Doubt, 5_000)
            }
            (State::Doubt, 2) => {
                self.failovers += 1;
                (State::Live, 120_000)
            }
            (State::Doubt, 3) if now >= self.t0 + 90_000 => (State::Lost, 15_000),
            (State::Doubt, 3) => (State::Doubt, 15_000),
            (State::Live | State::Doubt, 5) => (State::Ending, 15_000),
            (State::Ending | State::Lost, 3) => (State::Over, 0),
            (State::Over, 0) => (State::Idle, 0),
            (state, _) => (state, 1_000),
        };
        self.state = state;
        self.since = now;
        self.due = now + wait;
    }
}

/// Measures all three.
pub fn measure() -> Speed {
    Speed { bare: bare(), rules: rules_alone(), simulation: whole() }
}

/// The time that this thread has had a core for: what others do on the machine meanwhile is not in it. Where the system
/// does not tell, the time that passed.
fn core_time(begin: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| begin.elapsed(), Duration::from_nanos)
}

/// The best rate of several rounds, each of which does `work` until its time is over; `work` says how much it did.
fn best(mut work: impl FnMut() -> u64) -> f64 {
    let mut best: f64 = 0.0;
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        let from = core_time(begin);
        let mut done = 0;
        while core_time(begin) - from < ROUND {
            done += work();
        }
        best = best.max(done as f64 / (core_time(begin) - from).as_secs_f64());
    }
    best
}

fn bare() -> f64 {
    let session = Session {
        state: State::Idle,
        tries: 0,
        since: 0,
        due: 0,
        last_good: 0,
        t0: 0,
        calls: 0,
        failovers: 0,
    };
    let mut sessions = vec![session; 1_000];
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut now = 0;
    best(|| {
        const STEPS: u64 = 100_000;
        for _ in 0..STEPS {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            now += 7;
            let place = usize::try_from(random % 1_000).unwrap_or(0);
            let event = u8::try_from((random >> 32) % 6).unwrap_or(0);
            sessions[place].take(event, now);
        }
        black_box(&sessions);
        STEPS
    })
}

fn rules_alone() -> f64 {
    let journals: Vec<_> = (1..=40).map(|seed| simulation::journal(&Schedule::draw(seed))).collect();
    let facts = BoardFacts { has_region: true, ..BoardFacts::default() };
    best(|| {
        let mut entries = 0;
        for lines in &journals {
            let mut board = Board::restore(facts.clone());
            let mut recordings: Vec<Recording> = Vec::new();
            for line in lines {
                let place = recordings.iter().position(|recording| recording.id == line.recording);
                let Some(place) = place else {
                    recordings.extend(Recording::begin(line.recording.clone(), &line.entry));
                    continue;
                };
                let recording = &mut recordings[place];
                rules::fold(recording, &line.entry);
                board.apply(recording, &line.entry);
                black_box(rules::next(recording, &board, line.entry.at));
                entries += 1;
            }
        }
        entries
    })
}

fn whole() -> f64 {
    let mut seed = 0;
    best(|| {
        seed += 1;
        simulation::run(&Schedule::draw(seed), false).events
    })
}

impl Speed {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let rows = [
            ("bare loop over 1000 records of 56 bytes", self.bare),
            ("rules alone: fold an entry and ask what is next", self.rules),
            ("simulation with all invariants and the model", self.simulation),
        ];
        for (name, rate) in rows {
            let _ = writeln!(
                text,
                "{name:<50} {rate:>12.0} a second of one core  {:>8.5} of the bare loop",
                rate / self.bare
            );
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> String {
        let Self { bare, rules, simulation } = self;
        format!(
            "{{\"bare_per_second\":{bare:.0},\"rules_per_second\":{rules:.0},\"events_per_second\":{simulation:.0},\"rules_ratio\":{:.6},\"events_ratio\":{:.6}}}",
            rules / bare,
            simulation / bare
        )
    }
}
