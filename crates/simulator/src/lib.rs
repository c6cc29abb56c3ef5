//! A simulated Agora Cloud Recording service that fails on request.
//!
//! It does no I/O and has no clock: [`Service::handle`] takes a request and the time, and says what to answer and when.
//! The same seed and the same requests at the same times give the same answers and the same ledger. Its HTTP shell is
//! the program `tallylight-simulator`.
mod config;
mod fault;
mod ledger;
mod random;
mod service;
mod session;
mod wire;

pub use config::{Config, Range};
pub use fault::{ActiveFault, Calls, Domain, Fault, FaultKind, FaultsAccepted, Manner, StrangeBody, Target};
pub use ledger::{EndedHow, Ledger, LedgerLeg, LedgerRequest, LedgerSession, SessionState};
pub use service::{REQUESTS_MAX, SESSIONS_MAX, Service};
pub use wire::{Handled, Incoming, Outcome, Reply};
