//! The simulation: built fast in a profile of its own, then run with the options that it was given.

use crate::{Outcome, planted, processes, tools};
use std::process::Command;

/// What `cargo xtask chaos` takes: everything that the simulation itself takes.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Options {
    /// See `cargo xtask chaos --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds it and runs it.
pub fn run(options: &Options) -> Outcome {
    let arguments: Vec<&str> = options.arguments.iter().map(String::as_str).collect();
    run_with(&arguments)
}

/// Builds it and runs it with these arguments.
pub fn run_with(arguments: &[&str]) -> Outcome {
    processes::run(
        &mut command(arguments)?,
        "The simulation found something, or could not be run: see above.",
    )
}

/// The command that builds it and runs it with these arguments.
pub fn command(arguments: &[&str]) -> Outcome<Command> {
    let mut command = if arguments.iter().any(|name| matches!(*name, "--bug" | "--sensitivity")) {
        planted::cargo_run()?
    } else {
        let mut command = tools::cargo()?;
        command.args(["run", "--quiet", "--package", "chaos", "--bin", "chaos", "--profile", "chaos", "--"]);
        command
    };
    command.args(arguments);
    Ok(command)
}
