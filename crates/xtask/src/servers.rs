//! Builds the servers with the profile of the tests, so that nothing is compiled twice.

use crate::{Outcome, processes, tools};

/// The program that serves the page and keeps the journal.
pub const PROXY: &str = "tallylight";

/// The simulated Cloud Recording service.
pub const SIMULATOR: &str = "tallylight-simulator";

/// Builds both servers, and the attendant.
pub fn build() -> Outcome {
    tools::c_compiler()?;
    let mut cargo = tools::cargo()?;
    cargo.args(["build", "--package", "proxy", "--package", "simulator-server", "--package", "attendant"]);
    processes::run(&mut cargo, "The servers could not be built: see cargo's own message above.")
}
