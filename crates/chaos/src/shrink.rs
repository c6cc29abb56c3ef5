//! The shortest schedule that still shows a violation: steps are left out as long as the same invariant breaks.

use crate::judge::Invariant;
use crate::schedule::Schedule;
use crate::simulation;

/// The places of the steps that are left; the violation is of the same invariant.
pub fn shrink(schedule: &Schedule, invariant: Invariant) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..schedule.steps.len()).collect();
    let breaks = |kept: &[usize]| {
        simulation::run(&schedule.only(kept), false)
            .violation
            .is_some_and(|violation| violation.invariant == invariant)
    };
    let mut chunk = (kept.len() / 2).max(1);
    loop {
        let mut shorter = false;
        let mut from = 0;
        while from < kept.len() {
            let to = (from + chunk).min(kept.len());
            let without: Vec<usize> = [&kept[..from], &kept[to..]].concat();
            if breaks(&without) {
                kept = without;
                shorter = true;
            } else {
                from = to;
            }
        }
        if chunk > 1 {
            chunk /= 2;
        } else if !shorter {
            return kept;
        }
    }
}
