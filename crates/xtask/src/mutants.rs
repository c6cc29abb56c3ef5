//! Changes the rules in small ways, one at a time, and looks whether their own tests notice.
//!
//! `cargo-mutants` makes the changes; a seed says which of them are tried, so that a run can be repeated. The unit tests
//! alone go first, because they compile in seconds; what they let live meets all tests of the crate.

use crate::processes::Running;
use crate::{Outcome, Problem, paths, processes, tools};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than this it must not take.
const LIMIT: Duration = Duration::from_secs(25 * 60);

/// How many of a hundred changes may live.
const ALIVE_PERCENT: usize = 5;

/// What `cargo xtask mutants` takes.
#[derive(clap::Args)]
pub struct Options {
    /// How many changes to try
    #[arg(long, default_value_t = 200)]
    sample: usize,
    /// Which ones: the same seed tries the same changes of the same code
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many to try at a time
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

/// One change, as `cargo mutants --list --json` names it.
#[derive(Deserialize, Clone)]
struct Mutant {
    name: String,
    genre: String,
}

/// This version tries changes of this kind whatever it is asked for: they belong to every sample.
const ALWAYS: &str = "StructField";

/// What became of the changes of one round, by their names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Round {
    caught: usize,
    /// Changes that do not compile say nothing about the tests.
    unviable: usize,
    alive: Vec<String>,
}

/// Tries the changes and fails if too many live.
pub fn run(options: &Options) -> Outcome {
    let end = Instant::now() + LIMIT;
    let program = tools::cargo_mutants()?;
    let all = list(&program)?;
    let (always, others): (Vec<Mutant>, Vec<Mutant>) =
        all.into_iter().partition(|mutant| mutant.genre == ALWAYS);
    let names = |mutants: Vec<Mutant>| mutants.into_iter().map(|mutant| mutant.name).collect::<Vec<_>>();
    let count = others.len() + always.len();
    let mut chosen = names(always);
    let rest = options.sample.saturating_sub(chosen.len());
    chosen.extend(sample(names(others), rest, options.seed));
    eprintln!("{} of {count} changes, seed {}", chosen.len(), options.seed);
    let first = try_them(&program, options, "unit", &chosen, &["--lib"], end)?;
    let (caught, unviable) = (first.caught, first.unviable);
    let last = if first.alive.is_empty() {
        Round::default()
    } else {
        eprintln!("{} live on after the unit tests and meet all tests of the crate", first.alive.len());
        try_them(&program, options, "all", &first.alive, &[], end)?
    };
    let viable = caught + last.caught + last.alive.len();
    println!(
        "seed {}: {} changes, {unviable} do not compile, {} noticed, {} alive",
        options.seed,
        chosen.len(),
        caught + last.caught,
        last.alive.len()
    );
    for name in &last.alive {
        println!("alive: {name}");
    }
    if last.alive.len() * 100 > viable * ALIVE_PERCENT {
        return Err(Problem::new(format!("More than {ALIVE_PERCENT} % of the changes live.")));
    }
    Ok(())
}

/// `cargo-mutants` on the rules, with a report in this folder of `target/`.
fn command(program: &PathBuf, report: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["mutants", "--package", "rules", "--no-config", "--output"])
        .arg(paths::target().join("mutants").join(report))
        .current_dir(paths::root())
        // Each copy of the sources is compiled beside itself, without what only a debugger reads.
        .env_remove("CARGO_TARGET_DIR")
        .envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_TEST_DEBUG", "0")])
        // One function changes at a time: what the compiler kept of the others is most of a build.
        .env("CARGO_INCREMENTAL", "1")
        .envs([("INSTA_UPDATE", "no"), ("RUST_BACKTRACE", "0")]);
    command
}

/// The names of all changes.
fn list(program: &PathBuf) -> Outcome<Vec<Mutant>> {
    let mut command = command(program, "list");
    command.args(["--list", "--json"]);
    let output =
        processes::output_of(&mut command).ok_or_else(|| Problem::new("cargo-mutants names no changes."))?;
    serde_json::from_str(&output)
        .map_err(|error| Problem::new(format!("The list of cargo-mutants cannot be read: {error}.")))
}

/// So many of them, chosen by the seed, in the order of the sources.
fn sample(mut names: Vec<String>, count: usize, seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64: enough to choose by, and the same everywhere.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let count = count.min(names.len());
    for place in 0..count {
        let left = (names.len() - place) as u64;
        names.swap(place, place + usize::try_from(next() % left).unwrap_or_default());
    }
    names.truncate(count);
    names.sort();
    names
}

/// Tries these changes with the tests that the arguments choose.
fn try_them(
    program: &PathBuf,
    options: &Options,
    report: &str,
    names: &[String],
    tests: &[&str],
    end: Instant,
) -> Outcome<Round> {
    let folder = paths::target().join("mutants").join(report);
    fs::create_dir_all(&folder)
        .map_err(|error| Problem::new(format!("{} cannot be made: {error}.", folder.display())))?;
    let mut command = command(program, report);
    command.args(["--no-times", "--colors", "never", "--minimum-test-timeout", "30", "--jobs"]);
    command.arg(options.jobs.to_string());
    for name in names {
        command.arg("--re").arg(format!("^{}$", escaped(name)));
    }
    // Also to the build: it would make the programs of all tests otherwise.
    for argument in tests {
        command.arg(format!("--cargo-arg={argument}"));
    }
    let left = end.saturating_duration_since(Instant::now());
    // That some live is its failure, and ours to judge.
    if Running::start("cargo-mutants", &mut command)?.wait_at_most(left)?.is_none() {
        return Err(Problem::new(format!(
            "The changes were not through within {} min.",
            LIMIT.as_secs() / 60
        )));
    }
    let file = folder.join("mutants.out/outcomes.json");
    let outcomes = fs::read_to_string(&file)
        .map_err(|error| Problem::new(format!("{} cannot be read: {error}.", file.display())))?;
    let round = read(&outcomes, names)?;
    if round.caught + round.unviable + round.alive.len() != names.len() {
        return Err(Problem::new("cargo-mutants did not try every change: see its own message above."));
    }
    Ok(round)
}

/// A name as a regular expression that is it alone.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len() * 2);
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Reads what the report of `cargo-mutants` says of these changes.
fn read(report: &str, names: &[String]) -> Outcome<Round> {
    #[derive(Deserialize)]
    struct Report {
        outcomes: Vec<Tried>,
    }
    #[derive(Deserialize)]
    struct Tried {
        scenario: serde_json::Value,
        summary: String,
    }
    let report: Report = serde_json::from_str(report)
        .map_err(|error| Problem::new(format!("The report of cargo-mutants cannot be read: {error}.")))?;
    let mut round = Round::default();
    for tried in report.outcomes {
        // The first one is the code as it is; some are tried without being asked for.
        let Some(name) = tried.scenario["Mutant"]["name"].as_str() else { continue };
        if !names.iter().any(|chosen| chosen == name) {
            continue;
        }
        match tried.summary.as_str() {
            // A test that never ends has noticed too.
            "CaughtMutant" | "Timeout" => round.caught += 1,
            "Unviable" => round.unviable += 1,
            "MissedMutant" => round.alive.push(name.to_owned()),
            other => {
                return Err(Problem::new(format!("cargo-mutants says {other} about {name}.")));
            }
        }
    }
    Ok(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_chooses_the_same_changes_and_another_seed_others() {
        let names: Vec<String> = (100..400).map(|number| format!("change {number}")).collect();
        let chosen = sample(names.clone(), 20, 7);
        assert_eq!(chosen.len(), 20);
        assert_eq!(chosen, sample(names.clone(), 20, 7));
        assert_ne!(chosen, sample(names.clone(), 20, 8));
        assert_eq!(sample(names.clone(), 1_000, 7), names);
    }

    #[test]
    fn a_name_means_itself_only() {
        assert_eq!(escaped("a/b.rs:1:2: replace || with &&"), r"a/b\.rs:1:2: replace \|\| with &&");
    }

    #[test]
    fn the_report_is_read_into_what_was_noticed_and_what_lives() {
        let tried = |name: &str, summary: &str| {
            format!(r#"{{"scenario":{{"Mutant":{{"name":"{name}"}}}},"summary":"{summary}"}}"#)
        };
        let report = format!(
            r#"{{"outcomes":[{{"scenario":"Baseline","summary":"Success"}},{},{},{},{}]}}"#,
            tried("a", "CaughtMutant"),
            tried("b", "Timeout"),
            tried("c", "Unviable"),
            tried("d", "MissedMutant")
        );
        let expected = Round { caught: 2, unviable: 1, alive: vec!["d".to_owned()] };
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(read(&report, &names).expect("a report"), expected);
        assert!(
            read(r#"{"outcomes":[{"scenario":{"Mutant":{"name":"a"}},"summary":"Failure"}]}"#, &names)
                .is_err()
        );
    }
}
