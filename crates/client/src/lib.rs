//! One client without I/O: what a page or an attendant knows of the journal, which leases it holds, and when it posts
//! which call.
//!
//! Messages and instants go in, actions come out; nothing here opens a socket, reads a clock or draws a random number.
//! The driver moves bytes and time:
//!
//! 1. [`Client::poll`] after every event, and at the instant that [`Action::WakeAt`] names. Do what it says, in order.
//! 2. [`Action::Connect`]: open the stream; then [`Client::connected`], [`Client::received`] for every message, and
//!    [`Client::closed`] once, also when it never opened. [`Action::CloseSocket`]: drop the socket and call
//!    [`Client::closed`] without waiting for the other side. Messages of a dropped socket are not handed in.
//! 3. [`Action::Post`]: send it with the [`CommandContext`] and call [`Client::answered`] exactly once, with
//!    [`PostOutcome::Unreachable`] when no answer came within a time-out of the driver's own.
//!
//! A heartbeat is an event like the others, so a page whose timers are held back still acts when one arrives.

mod client;
mod clock;
mod connection;
mod controller;
mod early;
mod mirror;
mod opened;

pub use client::{Action, Client, CommandContext, Eyes};
pub use clock::{Moment, SILENCE};
pub use connection::{EndedBecause, Liveness, close};
pub use controller::{Hands, PostId, PostOutcome, Refusal, Request};

/// Reads a body or a message of the proxy.
///
/// # Errors
/// When the text is not JSON, or not of this type.
pub fn read<T: from_json::FromJson>(text: &str) -> Result<T, from_json::ReadError> {
    from_json::from_text(text)
}
