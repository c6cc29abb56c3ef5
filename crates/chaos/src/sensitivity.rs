//! Whether the simulation finds what is wrong: each planted bug is switched on alone, and seeds are run until one breaks an
//! invariant.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::judge::Invariant;
use crate::planted::{self, Bug};
use crate::schedule::Schedule;
use crate::simulation;

/// What came of one bug.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The bug.
    pub bug: Bug,
    /// The first seed that found it and what it broke; none within the limit.
    pub by: Option<(u64, Invariant)>,
}

/// Switches on the bug of this number (counted from 1) and runs seeds from 1 on, at most `within`. The first seed that
/// finds it is the same with any number of threads. The bug is switched off again.
pub fn search(number: usize, within: u64, threads: usize) -> Option<Found> {
    let bug = *planted::BUGS.get(number.checked_sub(1)?)?;
    planted::plant(number);
    let next = AtomicU64::new(1);
    let best: Mutex<Option<(u64, Invariant)>> = Mutex::new(None);
    let locked = || best.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > within || locked().is_some_and(|(found, _)| found < seed) {
                        break;
                    }
                    let report = simulation::run(&Schedule::draw(seed), false);
                    if let Some(violation) = report.violation {
                        let mut best = locked();
                        if best.is_none_or(|(found, _)| seed < found) {
                            *best = Some((seed, violation.invariant));
                        }
                    }
                }
            });
        }
    });
    planted::plant(0);
    let by = *locked();
    Some(Found { bug, by })
}
