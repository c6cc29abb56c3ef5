//! Every small world within a bound: one channel, two clients, and up to three faults, each at every step of what happens.
//!
//! A world is a script (what the two people press) and a list of faults with their instants. The instants are not drawn:
//! a world is run, and each further fault is put just before, or just after, every step that this run had after its last
//! fault. A step is an instant at which something was written down; between two of them nothing happens that a fault
//! could tell apart but messages on their way, which the fault meets there. So every order of faults and steps comes up.
//!
//! The bound: one fault of every kind, before and after every step; two of the kinds that lose or repeat a call, after
//! every step; three of the hardest, after every step until the recording is confirmed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use agora::Operation;

use crate::judge::{Invariant, Violation};
use crate::schedule::{Schedule, Step, World};
use crate::simulation;

/// Real milliseconds after which nothing breaks any more: half a minute of the journal's time for each of them.
const CALM_AT: u64 = 14_000;
const RATE: u32 = 20;
/// Until then, in real milliseconds, a recording that nothing disturbs is confirmed.
const CONFIRMED_BY: u64 = 1_100;

/// One fault, or one press that comes as unasked for as a fault.
struct Kind {
    name: &'static str,
    step: fn() -> Step,
    /// It comes twice, and three times.
    twice: bool,
    thrice: bool,
}

const fn one(name: &'static str, step: fn() -> Step) -> Kind {
    Kind { name, step, twice: false, thrice: false }
}

const fn two(name: &'static str, step: fn() -> Step) -> Kind {
    Kind { twice: true, ..one(name, step) }
}

const fn three(name: &'static str, step: fn() -> Step) -> Kind {
    Kind { thrice: true, ..two(name, step) }
}

const fn answer(operation: Option<Operation>, status: u16, code: Option<u32>, carried_out: bool) -> Step {
    Step::Answer { operation, status, code, carried_out, times: 1, retry_after: None }
}

const KINDS: [Kind; 22] = [
    three("carried out, and the answer lost", || Step::AnswerLost { operation: None, times: 1 }),
    three("not carried out, and no answer", || Step::RequestLost { operation: None, times: 1 }),
    three("the proxy killed at its next write, which is durable", || Step::KillAtWrite {
        writes: 1,
        durable: true,
        down: 300,
    }),
    two("the proxy killed at its next write, which is lost", || Step::KillAtWrite {
        writes: 1,
        durable: false,
        down: 300,
    }),
    two("50x, carried out", || answer(None, 500, None, true)),
    two("code 65, carried out", || answer(None, 206, Some(65), true)),
    two("a server killed, another goes on after 40 s", || Step::ServerKilled {
        channel: 0,
        resumes: Some(40_000),
    }),
    two("the session ends for good", || Step::SessionEnds { channel: 0 }),
    two("the other person stops it", || Step::Stop { page: 1, which: 0, undo_ms: 0 }),
    one("50x, not carried out", || answer(None, 503, None, false)),
    one("429", || answer(None, 429, None, false)),
    one("a 404 of somebody else", || answer(None, 404, Some(404), false)),
    one("the UID is in use", || answer(Some(Operation::Start), 400, Some(53), false)),
    one("no worker", || answer(Some(Operation::Start), 500, Some(502), false)),
    one("an answer that comes 20 s late", || Step::Delay { operation: None, millis: 20_000, times: 1 }),
    one("a server killed, back too late", || Step::ServerKilled { channel: 0, resumes: Some(150_000) }),
    one("the first page closed", || Step::Close { page: 0 }),
    one("the first page's socket cut", || Step::Cut { page: 0 }),
    one("the first page asleep for 4 s", || Step::Sleep { page: 0, millis: 4_000, ticking: false }),
    one("the answer to a page's post lost", || Step::PostsLost { page: 0, arrive: true, times: 1 }),
    one("a full disk", || Step::DiskFull { millis: 700 }),
    one("the other person lets it be tried again", || Step::TryAgain { page: 1, which: 0 }),
];

/// What the two people press, faults apart.
struct Script {
    name: &'static str,
    steps: fn() -> Vec<(u64, Step)>,
}

const SCRIPTS: [Script; 3] = [
    Script { name: "one asks, nobody stops", steps: || vec![(500, ask(0))] },
    Script {
        name: "one asks, the other stops",
        steps: || vec![(500, ask(0)), (3_000, Step::Stop { page: 1, which: 0, undo_ms: 0 })],
    },
    Script {
        name: "both ask at once, and both stop at once",
        steps: || {
            let stop = |page| (3_000, Step::Stop { page, which: 0, undo_ms: 0 });
            vec![(500, ask(0)), (500, ask(1)), stop(1), stop(0)]
        },
    },
];

const fn ask(page: usize) -> Step {
    Step::Ask { page, channel: 0, beside: false, again: false }
}

const fn world(policy: usize) -> World {
    World {
        rate: RATE,
        pages: 2,
        viewers: 0,
        attendant: false,
        policy,
        channels: 1,
        idle_seconds: 300,
        control_hours: 720,
        concurrent: 50,
        tells_sid: policy == 0,
        upload_seconds: 5,
        latency: 2,
        webhook: None,
    }
}

/// How far the search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// How many faults a world has at most.
    pub faults: usize,
    /// Of the worlds with so many faults as the bound allows only every so many-th is run; 1 runs them all.
    pub every: usize,
}

/// What the search came to.
#[derive(Debug, Default, Clone)]
pub struct Searched {
    /// How many worlds had no fault, one, two and three.
    pub worlds: [u64; 4],
    /// How many instants something happened at, in all of them.
    pub events: u64,
    /// A hash over all of them, which does not depend on their order.
    pub hash: u64,
    /// The first that broke an invariant: its script, its faults, and what broke.
    pub broken: Option<(String, Violation)>,
}

/// The faults of a world so far: the place of the kind, and the real millisecond.
type Faults = Vec<(usize, u64)>;

struct Search {
    bound: Bound,
    found: Mutex<Searched>,
}

impl Search {
    fn schedule(script: usize, policy: usize, faults: &Faults) -> Schedule {
        let mut steps = (SCRIPTS[script].steps)();
        steps.extend(faults.iter().map(|(kind, at)| (*at, (KINDS[*kind].step)())));
        steps.sort_by_key(|(at, _)| *at);
        Schedule { seed: 1, world: world(policy), steps, calm_at: CALM_AT }
    }

    /// Runs a world, and every world with one more fault that the bound allows.
    fn go(&self, script: usize, policy: usize, faults: &mut Faults, own: &mut Searched) {
        let schedule = Self::schedule(script, policy, faults);
        let report = simulation::run(&schedule, false);
        own.worlds[faults.len().min(3)] += 1;
        own.events += report.events;
        own.hash = own.hash.wrapping_add(report.hash);
        if let Some(violation) = report.violation {
            own.broken.get_or_insert_with(|| (Self::text(script, policy, faults), violation));
            return;
        }
        for fault in self.further(policy, faults, &report.moments) {
            if own.broken.is_some() {
                break;
            }
            faults.push(fault);
            self.go(script, policy, faults, own);
            faults.pop();
        }
    }

    /// The faults that may come next.
    fn further(&self, policy: usize, faults: &Faults, moments: &[u64]) -> Faults {
        let count = faults.len();
        // The policies that differ in one rule only are looked at with one fault.
        if count >= self.bound.faults || count > 0 && policy > 0 {
            return Vec::new();
        }
        let since = faults.last().map_or(0, |(_, at)| *at);
        let fits = |kind: &Kind| match count {
            0 => true,
            1 => kind.twice,
            _ => kind.thrice,
        };
        // What a first fault that comes once leads to has been seen.
        let before = |wanted: fn(&Kind) -> bool| faults.iter().all(|(kind, _)| wanted(&KINDS[*kind]));
        if count == 1 && !before(|kind| kind.twice) || count == 2 && !before(|kind| kind.thrice) {
            return Vec::new();
        }
        let mut further = Vec::new();
        for moment in moments.iter().copied().filter(|at| *at >= since && *at < CALM_AT) {
            if count == 2 && moment > CONFIRMED_BY {
                break;
            }
            for (place, _) in KINDS.iter().enumerate().filter(|(_, kind)| fits(kind)) {
                if count == 0 {
                    further.push((place, moment));
                }
                further.push((place, moment + 1));
            }
        }
        if count + 1 == self.bound.faults && self.bound.every > 1 {
            let from = usize::try_from(since).unwrap_or(0) % self.bound.every;
            further = further.into_iter().skip(from).step_by(self.bound.every).collect();
        }
        further
    }

    fn text(script: usize, policy: usize, faults: &Faults) -> String {
        let mut text = format!("{}; policy {}", SCRIPTS[script].name, crate::desk::POLICIES[policy].0);
        for (kind, at) in faults {
            text.push_str(&format!("; at {at} ms: {}", KINDS[*kind].name));
        }
        text
    }
}

/// Goes through all worlds within the bound, on so many threads.
pub fn search(bound: Bound, threads: usize) -> Searched {
    let search = Search { bound, found: Mutex::new(Searched::default()) };
    // The worlds without a fault first; each of their first faults is one piece of work.
    let mut pieces: Vec<(usize, usize, (usize, u64))> = Vec::new();
    let mut none = Searched::default();
    for script in 0..SCRIPTS.len() {
        for policy in 0..crate::desk::POLICIES.len() {
            let schedule = Search::schedule(script, policy, &Vec::new());
            let report = simulation::run(&schedule, false);
            none.worlds[0] += 1;
            none.events += report.events;
            none.hash = none.hash.wrapping_add(report.hash);
            if let Some(violation) = report.violation {
                none.broken.get_or_insert_with(|| (Search::text(script, policy, &Vec::new()), violation));
            }
            let first = search.further(policy, &Vec::new(), &report.moments);
            pieces.extend(first.into_iter().map(|fault| (script, policy, fault)));
        }
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut own = Searched::default();
                while let Some((script, policy, fault)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                    search.go(*script, *policy, &mut vec![*fault], &mut own);
                    if own.broken.is_some() {
                        break;
                    }
                }
                let mut found = search.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                for (all, one) in found.worlds.iter_mut().zip(own.worlds) {
                    *all += one;
                }
                found.events += own.events;
                found.hash = found.hash.wrapping_add(own.hash);
                found.broken = found.broken.take().or(own.broken);
            });
        }
    });
    let mut found = search.found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (all, one) in found.worlds.iter_mut().zip(none.worlds) {
        *all += one;
    }
    found.events += none.events;
    found.hash = found.hash.wrapping_add(none.hash);
    found.broken = none.broken.or(found.broken);
    found
}

impl Searched {
    /// What it came to, for people.
    pub fn text(&self) -> String {
        let [none, one, two, three] = self.worlds;
        let mut text = format!(
            "{} small worlds: {none} without a fault, {one} with one, {two} with two, {three} with three; {} events, hash {:016x}\n",
            none + one + two + three,
            self.events,
            self.hash
        );
        if let Some((world, violation)) = &self.broken {
            let Violation { invariant, what, at } = violation;
            text.push_str(&format!("{world}\n{} at {at} ms: {what}\n", Invariant::id(*invariant)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fault_alone_breaks_anything_in_a_small_world() {
        let searched = search(Bound { faults: 1, every: 7 }, 2);
        assert!(searched.broken.is_none(), "{}", searched.text());
        assert!(searched.worlds[1] > 100, "{}", searched.text());
    }
}
