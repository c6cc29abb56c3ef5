//! Builds the servers with the profile of the tests, so that nothing is compiled twice.

use crate::{Outcome, paths, processes, tools};
use std::process::Command;

/// The program that serves the page and keeps the journal.
pub const PROXY: &str = "tallylight";

/// The simulated Cloud Recording service.
pub const SIMULATOR: &str = "tallylight-simulator";

/// Builds both servers.
pub fn build() -> Outcome {
    tools::c_compiler()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--package", "proxy", "--package", "simulator-server"]).current_dir(paths::root());
    processes::run(&mut cargo, "The servers could not be built: see cargo's own message above.")
}
