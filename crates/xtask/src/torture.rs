//! `cargo xtask torture`: the real servers and two pages of Chromium, pressed and broken as a seed says, and judged by what
//! truly happened. The runs and the checker are in `tests/torture/`, because a browser is driven from there.

use crate::{Outcome, check, processes};
use std::process::Command;

/// What `cargo xtask torture` takes.
#[derive(clap::Args)]
pub struct Options {
    /// How many runs; those that were made before with the same servers and page are not made again
    #[arg(long, value_name = "N", default_value_t = 200)]
    runs: u32,
    /// The first seed; a run is a seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    first: u64,
    /// Only this run, again; may be given more than once
    #[arg(long, value_name = "SEED")]
    again: Vec<u64>,
    /// How many runs are made side by side
    #[arg(long, value_name = "N", default_value_t = 2)]
    lanes: u32,
    /// Forget the results that are there
    #[arg(long)]
    anew: bool,
    /// Write the result into this file, as docs/torture.md has it
    #[arg(long, value_name = "FILE")]
    report: Option<String>,
}

/// Builds the servers and runs it.
pub fn run(options: &Options) -> Outcome {
    check::needs_the_built_page()?;
    crate::servers::build()?;
    let mut command = command(options.runs, options.anew)?;
    command.args(["--first", &options.first.to_string(), "--lanes", &options.lanes.to_string()]);
    for seed in &options.again {
        command.args(["--again", &seed.to_string()]);
    }
    if let Some(file) = &options.report {
        command.args(["--report", file]);
    }
    processes::run(&mut command, "A run found something, or could not be made: see above.")
}

/// The command that makes so many runs with the servers and the page that are built.
pub fn command(runs: u32, anew: bool) -> Outcome<Command> {
    let mut command = check::node_in_tests()?;
    command.arg("torture/main.mjs").args(["--runs", &runs.to_string()]);
    if anew {
        command.arg("--anew");
    }
    Ok(command)
}

/// The command that tests the checker.
pub fn checker_tests() -> Outcome<Command> {
    let mut command = check::node_in_tests()?;
    command.args(["--test", "torture/checker.test.mjs"]);
    Ok(command)
}
