//! A whole control desk in one thread and in virtual time, from one seed.
//!
//! - [`schedule`]: what staff do and what breaks, drawn from a seed.
//! - [`simulation`]: the real service, the real switchboard, real clients and a network, driven through it.
//! - [`judge`] and [`rest`]: the invariants, by a second reading of the journal ([`history`]).
//! - [`compare`]: the engine beside a reference model of the rule table, after every event.
//! - [`shrink`]: the shortest schedule that still shows a violation.
//! - [`small`]: every small world within a bound.
//! - `speed`: events a second beside a bare loop. `wasm`: the same seeds in WebAssembly.
//! - [`planted`], [`sensitivity`]: rules that are broken on purpose, and which seed finds them.
//! - [`desk`], [`chance`]: what the parts stand on.

pub mod chance;
pub mod compare;
pub mod desk;
pub mod history;
mod instants;
pub mod judge;
mod model;
pub mod planted;
mod reading;
pub mod rest;
pub mod schedule;
pub mod sensitivity;
pub mod shrink;
pub mod simulation;
pub mod small;
#[cfg(not(target_family = "wasm"))]
pub mod speed;
#[cfg(not(target_family = "wasm"))]
pub mod wasm;

pub use judge::{Invariant, Tally, Violation};
pub use schedule::Schedule;
pub use simulation::{Report, run};

/// The seeds whose trace is compared between a native build and a WebAssembly one.
pub const TRACED_SEEDS: core::ops::RangeInclusive<u64> = 1..=60;

/// The trace hash of these seeds, as `cargo xtask chaos --json` prints it: the order in which they are run does not matter.
pub fn trace_hash(seeds: core::ops::RangeInclusive<u64>) -> u64 {
    seeds.fold(0, |sum, seed| sum.wrapping_add(trace_of(seed, run(&Schedule::draw(seed), false).hash)))
}

/// What one seed adds to the hash of many.
pub fn trace_of(seed: u64, hash: u64) -> u64 {
    hash.rotate_left(u32::try_from(seed % 63).unwrap_or(0))
}
