//! The simulation: built fast in a profile of its own, then run with the options that it was given.

use crate::{Outcome, paths, planted, processes, tools};
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
    let module;
    let arguments = if arguments == ["--wasm"] {
        module = trace_module()?;
        &["--wasm", &module][..]
    } else {
        arguments
    };
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

/// Builds the WebAssembly module that tells the trace of the first seeds; the file of it.
fn trace_module() -> Outcome<String> {
    tools::add_wasm_target()?;
    let mut command = tools::cargo()?;
    command.args([
        "build",
        "--quiet",
        "--package",
        "chaos",
        "--bin",
        "trace",
        "--profile",
        "chaos",
        "--target",
    ]);
    command.arg(tools::WASM).arg("--target-dir").arg(paths::target());
    processes::run(&mut command, "The simulation could not be built for WebAssembly.")?;
    let file = paths::target().join(tools::WASM).join("chaos").join("trace.wasm");
    Ok(file.to_string_lossy().into_owned())
}
