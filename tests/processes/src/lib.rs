//! Tests of the real binaries over real HTTP: what they need, for all of them.
//!
//! [`Rig`] starts the simulated service and the control desk in a folder of their own; [`Controller`] is a page without a
//! screen; [`Attendant`] is the program that acts without one;
//! [`Cutter`] breaks connections; [`Rig::agree`] is the checker that every journey uses.

mod attendant;
mod binaries;
mod chance;
mod controller;
mod cutter;
mod http;
mod rig;

pub use attendant::Attendant;
pub use chance::Chance;
pub use controller::Controller;
pub use cutter::Cutter;
pub use http::{Answer, Http};
pub use rig::{APP, ATTENDANT, NOTIFICATION_SECRETS, Options, Rig, eventually};
