//! The proxy without I/O: numbering, leases, budget, guards, idempotency.
//!
//! Time is an argument, randomness is handed in, and what is to be done comes out as data. See [`ports`] for what it
//! needs from outside.

pub mod ports;
