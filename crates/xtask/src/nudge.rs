//! Changes each number of the rules by one and looks whether a test of the rules notices.
//!
//! The tests are compiled once: in them, `Policy::default()` reads the name of the number to change from the
//! environment.

use crate::processes::Running;
use crate::{Outcome, Problem, paths, tools};
use rules::Policy;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

/// Names the number that the tests are to change and what it is to be, as `start_gaps/1=7`.
const NUDGE: &str = "TALLYLIGHT_NUDGE";

/// A changed number may keep a scenario from ever ending; that is noticed too.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the tests of the rules once for each number.
pub fn run() -> Outcome {
    let tests = compile()?;
    if let Some(found) = tests_that_fail(&tests, None)? {
        return Err(Problem::new(format!(
            "The tests of the rules fail with the documented numbers already: {found}."
        )));
    }
    let numbers = Policy::DOCUMENTED.numbers();
    let longest = numbers.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut unnoticed = Vec::new();
    for (name, number) in &numbers {
        let found = tests_that_fail(&tests, Some(format!("{name}={}", number + 1)))?;
        let told = found.as_deref().unwrap_or("NOTHING NOTICES");
        println!("{name:longest$}  {number:>6} + 1  {told}");
        if found.is_none() {
            unnoticed.push(name.as_str());
        }
    }
    println!("{} numbers, {} that no test notices", numbers.len(), unnoticed.len());
    if unnoticed.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(format!("No test of crates/rules notices a change of {}.", unnoticed.join(", "))))
    }
}

/// Compiles the unit tests of the rules and returns the program.
fn compile() -> Outcome<PathBuf> {
    let mut cargo = tools::cargo()?;
    cargo
        .args([
            "test",
            "--package",
            "rules",
            "--lib",
            "--no-run",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stdout(Stdio::piped());
    let mut running = Running::start("cargo test", &mut cargo)?;
    let program = running.take_output().and_then(|output| {
        let lines = BufReader::new(output).lines().map_while(io::Result::ok);
        lines.filter_map(|line| test_program(&line)).last()
    });
    let compiled = running.wait()?.success();
    program
        .filter(|_| compiled)
        .ok_or_else(|| Problem::new("The tests of the rules do not compile: see cargo's own message above."))
}

/// The program that a message of cargo tells of, if it is the one of the unit tests of the rules.
fn test_program(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let ours = message["reason"] == "compiler-artifact"
        && message["target"]["name"] == "rules"
        && message["profile"]["test"] == true;
    message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
}

/// Which tests fail under this nudge, in words; none if all pass.
fn tests_that_fail(program: &Path, nudge: Option<String>) -> Outcome<Option<String>> {
    let folder = paths::root().join("crates/rules");
    let log = paths::target().join("nudge.log");
    let written = |error| Problem::new(format!("{} cannot be written: {error}.", log.display()));
    fs::create_dir_all(paths::target()).map_err(written)?;
    let output = fs::File::create(&log).map_err(written)?;
    let mut command = Command::new(program);
    command
        .current_dir(&folder)
        .env("CARGO_MANIFEST_DIR", &folder)
        // A test that fails on purpose must not leave a proposal for a new snapshot behind.
        .env("INSTA_UPDATE", "no")
        .env("RUST_BACKTRACE", "0")
        .env_remove(NUDGE)
        .stderr(Stdio::null())
        .stdout(output);
    if let Some(nudge) = nudge {
        command.env(NUDGE, nudge);
    }
    match Running::start("The tests of the rules", &mut command)?.wait_at_most(LIMIT)? {
        Some(status) if status.success() => Ok(None),
        Some(_) => Ok(Some(failed_tests(&fs::read_to_string(&log).unwrap_or_default()))),
        None => Ok(Some(format!("no end within {} s", LIMIT.as_secs()))),
    }
}

/// The first failed test of what libtest printed, and how many others failed.
fn failed_tests(output: &str) -> String {
    let mut failed =
        output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    match (failed.next(), failed.count()) {
        (Some(first), 0) => first.to_owned(),
        (Some(first), others) => format!("{first} and {others} more"),
        (None, _) => "the program of the tests ended early".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_counted_by_their_names() {
        let output = "test a ... ok\ntest b::c ... FAILED\ntest d ... FAILED\n\nfailures:\n    d\n";
        assert_eq!(failed_tests(output), "b::c and 1 more");
    }

    #[test]
    fn the_program_of_the_tests_is_told_apart_from_the_library() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"rules"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        assert_eq!(test_program(&message(true, "\"/t/rules-1\"")), Some(PathBuf::from("/t/rules-1")));
        assert_eq!(test_program(&message(false, "null")), None);
    }
}
