//! Everything that CI checks, in stages, each with its time; the last line says how many checks passed and failed.

use crate::processes::{self, Running};
use crate::{Outcome, Problem, chaos, page, paths, supply, tools, torture};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{fs, io};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub struct Options {
    /// Leave out the simulation, the browser journeys and the torture
    #[arg(long)]
    quick: bool,
}

/// The packages that a browser or another host without I/O must be able to run.
const WASM_PACKAGES: [&str; 7] =
    ["dashboard", "agora", "rules", "client", "switchboard", "simulator", "from-json"];

/// How many schedules the simulation runs.
const SCHEDULES: &str = "200000";

/// How many runs of the torture are made, those that found something once among them.
const TORTURE_RUNS: u32 = 10;

/// How many checks of a stage passed and failed.
#[derive(Clone, Copy, Default)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    fn of_one(outcome: &Outcome) -> Self {
        if outcome.is_ok() { Self { passed: 1, failed: 0 } } else { Self { passed: 0, failed: 1 } }
    }

    /// The count of a program that printed one: if the program failed and no check of it did, the program counts as one.
    fn of_program(self, success: bool) -> Self {
        if success || self.failed > 0 { self } else { Self { failed: 1, ..self } }
    }
}

/// Runs all stages, also after one that failed.
pub fn run(options: &Options) -> Outcome {
    let mut total = Count::default();
    let mut failed_stages = Vec::new();
    let mut stage = |name: &'static str, work: &dyn Fn() -> Count| -> Outcome<bool> {
        if processes::interrupted() {
            return Err(Problem::new(""));
        }
        println!("== {name}");
        let start = Instant::now();
        let count = work();
        let seconds = start.elapsed().as_secs();
        println!("== {name}: {} passed, {} failed, {seconds} s", count.passed, count.failed);
        total.passed += count.passed;
        total.failed += count.failed;
        if count.failed > 0 {
            failed_stages.push(name);
        }
        Ok(count.failed == 0)
    };

    stage("formatting", &|| one(cargo(&["fmt", "--all", "--", "--check"])))?;
    stage("lints, native", &|| {
        one(tools::c_compiler()
            .and_then(|()| cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])))
    })?;
    stage("lints, wasm32", &|| {
        let packages = WASM_PACKAGES.iter().flat_map(|package| ["--package", package]);
        let arguments: Vec<&str> = ["clippy", "--target", tools::WASM]
            .into_iter()
            .chain(packages)
            .chain(["--", "-D", "warnings"])
            .collect();
        one(tools::add_wasm_target().and_then(|()| cargo(&arguments)))
    })?;
    stage("supply chain", &|| one(supply::check()))?;
    // The same selection of packages as for the tests: another one could unite other features and compile everything again.
    let servers = stage("servers", &|| one(cargo(&["build", "--workspace", "--bins"])))?;
    stage("unit and integration tests", &|| rust_tests(&["--workspace", "--no-fail-fast"]))?;
    // In the profile that is made for many cases: 100 000 of each property, which unoptimised take minutes.
    stage("notifications in any order", &|| {
        rust_tests(&["--profile", "chaos", "--package", "switchboard", "--test", "notice_properties"])
    })?;
    if options.quick {
        println!("== simulation: left out");
    } else {
        stage("simulation", &simulation)?;
        stage("small worlds", &|| one(chaos::run_with(&["--small"])))?;
        stage("the same trace in WebAssembly", &|| one(chaos::run_with(&["--wasm"])))?;
    }
    let page = stage("page", &|| one(page::build()))?;
    if page {
        stage("size of the first load", &|| one(page::compress_and_weigh()))?;
    }
    if options.quick {
        println!("== browser journeys and torture: left out");
    } else if servers && page {
        stage("browser journeys", &journeys)?;
        stage("torture", &tortured)?;
    } else {
        stage("browser journeys", &|| {
            one(Err(Problem::new(
                "The browser journeys need the servers and the page, which could not be built.",
            )))
        })?;
    }
    if processes::interrupted() {
        return Err(Problem::new(""));
    }
    if !failed_stages.is_empty() {
        println!("Failed: {}.", failed_stages.join(", "));
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err(Problem::new("")) }
}

fn one(outcome: Outcome) -> Count {
    if let Err(problem) = &outcome
        && !problem.0.is_empty()
    {
        println!("{problem}");
    }
    Count::of_one(&outcome)
}

fn cargo(arguments: &[&str]) -> Outcome {
    let failure = format!("`cargo {}` failed.", arguments.join(" "));
    processes::run(tools::cargo()?.args(arguments), &failure)
}

/// Runs `cargo test` and adds up what each test binary says.
fn rust_tests(arguments: &[&str]) -> Count {
    let outcome = tools::cargo().and_then(|mut command| {
        command.arg("test").args(arguments);
        count_lines("cargo test", &mut command, count_of_libtest)
    });
    outcome.unwrap_or_else(|problem| one(Err(problem)))
}

/// Runs the simulation; each of its invariants counts as one check.
fn simulation() -> Count {
    let outcome = chaos::command(&["--schedules", SCHEDULES])
        .and_then(|mut command| count_lines("the simulation", &mut command, count_of_simulation));
    outcome.unwrap_or_else(|problem| one(Err(problem)))
}

/// Runs a program, shows what it prints, and adds up what its lines say.
fn count_lines(name: &str, command: &mut Command, count_of: fn(&str) -> Option<Count>) -> Outcome<Count> {
    let mut program = Running::start(name, command.stdout(Stdio::piped()))?;
    let mut count = Count::default();
    if let Some(output) = program.take_output() {
        for line in BufReader::new(output).lines().map_while(io::Result::ok) {
            println!("{line}");
            if let Some(one) = count_of(&line) {
                count.passed += one.passed;
                count.failed += one.failed;
            }
        }
    }
    Ok(count.of_program(program.wait()?.success()))
}

/// Tests the checker, and makes some of the runs; each counts as one check.
fn tortured() -> Count {
    let tests = torture::checker_tests().and_then(|mut command| {
        processes::run(&mut command, "The checker does not find what it is to find.")
    });
    let runs = torture::command(TORTURE_RUNS, true)
        .and_then(|mut command| count_lines("the torture", &mut command, count_of_torture));
    let (tests, runs) = (one(tests), runs.unwrap_or_else(|problem| one(Err(problem))));
    Count { passed: tests.passed + runs.passed, failed: tests.failed + runs.failed }
}

/// Reads `runs: 10 passed, 0 failed`.
fn count_of_torture(line: &str) -> Option<Count> {
    passed_and_failed(line.strip_prefix("runs: ")?)
}

/// Reads `invariants: 38 passed, 0 failed`.
fn count_of_simulation(line: &str) -> Option<Count> {
    passed_and_failed(line.strip_prefix("invariants: ")?)
}

fn passed_and_failed(text: &str) -> Option<Count> {
    let (passed, failed) = text.split_once(", ")?;
    let number = |text: &str, word: &str| text.strip_suffix(word)?.parse::<u64>().ok();
    Some(Count { passed: number(passed, " passed")?, failed: number(failed, " failed")? })
}

/// Reads `test result: ok. 3 passed; 0 failed; …`.
fn count_of_libtest(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number_before =
        |word: &str| counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse::<u64>().ok());
    Some(Count { passed: number_before("passed")?, failed: number_before("failed")? })
}

/// Runs Playwright and reads its report.
fn journeys() -> Count {
    let report = paths::target().join("journeys.json");
    let outcome = tools::node()
        .and_then(|()| tools::chromium())
        .and_then(|()| install_node_packages())
        .and_then(|()| {
            // A report of an earlier run must not be taken for this one's.
            let _ = fs::remove_file(&report);
            let mut playwright = Command::new("node");
            playwright
                .args(["node_modules/@playwright/test/cli.js", "test", "--reporter=list,json"])
                .current_dir(paths::root().join("tests"))
                .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report)
                .env("TALLYLIGHT_BINARIES", paths::binaries()?);
            let status = Running::start("Playwright", &mut playwright)?.wait()?;
            Ok((
                status.success(),
                fs::read_to_string(&report).ok().and_then(|text| count_of_playwright(&text)),
            ))
        });
    match outcome {
        Ok((success, count)) => count.unwrap_or_default().of_program(success),
        Err(problem) => one(Err(problem)),
    }
}

/// A journey that passes only when it is tried again counts as failed: it hides something.
fn count_of_playwright(report: &str) -> Option<Count> {
    let report: serde_json::Value = serde_json::from_str(report).ok()?;
    let number = |name: &str| report["stats"][name].as_u64();
    let errors = report["errors"].as_array().map_or(0, Vec::len) as u64;
    Some(Count { passed: number("expected")?, failed: number("unexpected")? + number("flaky")? + errors })
}

/// Runs a program of `tests/` with Node: it looks at the built page (`cargo xtask build`) in Chromium.
pub fn built_page_script(name: &str, failure: &str) -> Outcome {
    needs_the_built_page()?;
    crate::servers::build()?;
    processes::run(node_in_tests()?.arg(name), failure)
}

/// Says what to do where there is no built page.
pub fn needs_the_built_page() -> Outcome {
    let folder = std::env::var_os("TALLYLIGHT_ASSETS").map_or_else(paths::dist, PathBuf::from);
    if folder.join("index.html").is_file() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "There is no built page in {}: run `cargo xtask build` first.",
        folder.display()
    )))
}

/// Node in the folder `tests/`, with all that its programs need there.
pub fn node_in_tests() -> Outcome<Command> {
    tools::node()?;
    tools::chromium()?;
    install_node_packages()?;
    let mut node = Command::new("node");
    node.current_dir(paths::root().join("tests")).env("TALLYLIGHT_BINARIES", paths::binaries()?);
    Ok(node)
}

/// Installs what tests/package-lock.json names when it has changed since the last time.
fn install_node_packages() -> Outcome {
    let folder = paths::root().join("tests");
    let written = |file: &Path| fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let installed = written(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= written(&folder.join("package-lock.json")) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    processes::run(
        &mut npm,
        "The packages of tests/package-lock.json could not be installed: see npm's own message above.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_count_of_a_test_binary_is_read_from_its_last_line() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.01s";
        let count = count_of_libtest(line).expect("a line of libtest");
        assert_eq!((count.passed, count.failed), (12, 3));
        assert!(count_of_libtest("test a::b ... ok").is_none());
    }

    #[test]
    fn every_item_of_the_board_has_a_journey() {
        let document = fs::read_to_string(paths::root().join("docs/journeys.md")).expect("the items");
        let items = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        let numbered =
            |item: &&str| item.contains('.') && item.starts_with(|first: char| first.is_ascii_digit());
        let items: BTreeSet<String> = items.filter(numbered).map(ToOwned::to_owned).collect();
        assert_eq!(items.iter().filter(|item| item.starts_with("4.")).count(), 9, "{items:?}");
        let mut held = BTreeSet::new();
        for file in fs::read_dir(paths::root().join("tests/journeys")).expect("the journeys") {
            let text = fs::read_to_string(file.expect("a journey").path()).expect("it is text");
            // The first word of each title; a group of journeys may say it for all in it.
            let titles = ["test(", "test.describe("].into_iter().flat_map(|call| text.split(call).skip(1));
            let words = titles.filter_map(|rest| rest.trim_start().get(1..)?.split(' ').next());
            let numbers = words
                .filter(|word| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()));
            held.extend(numbers.map(ToOwned::to_owned));
        }
        let missing: Vec<_> = items.difference(&held).collect();
        let unknown: Vec<_> = held.difference(&items).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "without a journey: {missing:?}; unknown: {unknown:?}"
        );
    }

    #[test]
    fn each_invariant_of_the_simulation_is_a_check() {
        let count =
            count_of_simulation("invariants: 36 passed, 2 failed").expect("the simulation's last line");
        assert_eq!((count.passed, count.failed), (36, 2));
        assert!(count_of_simulation("I-01  1234  0  At most one start").is_none());
        let count = count_of_torture("runs: 9 passed, 1 failed").expect("the last line of the torture");
        assert_eq!((count.passed, count.failed), (9, 1));
    }

    #[test]
    fn a_flaky_journey_and_an_error_outside_every_journey_count_as_failed() {
        let report =
            r#"{"errors": [{}], "stats": {"expected": 5, "unexpected": 1, "flaky": 2, "skipped": 0}}"#;
        let count = count_of_playwright(report).expect("a report of Playwright");
        assert_eq!((count.passed, count.failed), (5, 4));
        assert!(count_of_playwright("{}").is_none());
    }

    #[test]
    fn a_program_that_fails_without_a_failed_check_counts_as_one() {
        assert_eq!(Count::default().of_program(false).failed, 1);
        assert_eq!(Count { passed: 1, failed: 2 }.of_program(false).failed, 2);
        assert_eq!(Count { passed: 1, failed: 0 }.of_program(true).failed, 0);
    }
}
