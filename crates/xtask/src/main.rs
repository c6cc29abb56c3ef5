//! `cargo xtask`: builds the page and the servers, demonstrates them, and checks everything that CI checks.

mod agree;
#[cfg(test)]
mod asvs;
mod bench;
mod chaos;
mod check;
mod demo;
mod mutants;
mod nudge;
mod page;
mod paths;
mod planted;
mod processes;
mod rule_texts;
mod servers;
mod split;
mod style;
mod supply;
mod tools;
mod torture;

use clap::{Parser, Subcommand};
use std::fmt;
use std::process::ExitCode;

/// What went wrong, as one sentence for the person at the terminal.
#[derive(Debug)]
pub struct Problem(pub String);

impl Problem {
    /// A problem told by `sentence`.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The result of a step of a command.
pub type Outcome<T = ()> = Result<T, Problem>;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Build, demonstrate and test Tallylight")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join the style sheets into target/style/app.css, and those that come later into target/style/later.css
    Style,
    /// Make target/page/rules.json of docs/rules.md: what the page shows where somebody asks why
    RuleTexts,
    /// Build the page and the servers, and print the size of what the first load needs
    Build,
    /// Start the simulated service and the control desk on this machine, until Ctrl-C
    Demo(demo::Options),
    /// Check everything that CI checks
    Test(check::Options),
    /// Compare what the simulated service received with what the journal says
    Agree(agree::Options),
    /// Run the whole desk in virtual time with faults, once a seed, and say what breaks
    Chaos(chaos::Options),
    /// Press and break the real servers and two pages as seeds say, and compare what each showed with what truly happened
    Torture(torture::Options),
    /// Measure what has a figure to keep; too long and too dependent on the machine for the tests
    Bench {
        /// What
        subject: bench::Subject,
    },
    /// Measure the list of the built page with Lighthouse: five times, the middle one counts
    Lighthouse,
    /// Take the pictures in docs/images/ of the built page
    Images,
    /// List every package that is compiled in, in the `CycloneDX` format, into target/sbom/
    Sbom,
    /// Change each number of the rules by one and look whether a test notices
    Nudge,
    /// Change the rules in small ways, one at a time, and look whether their tests notice
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    if let Some(code) = split::stand_in() {
        return code;
    }
    let arguments = Arguments::parse();
    paths::remember_this_program();
    processes::end_all_on_a_signal();
    // Also when this program panics, for example because nobody reads its output any more.
    let _end_all = processes::EndAll;
    let outcome = match arguments.command {
        Command::Style => style::write_joined_sheets(),
        Command::RuleTexts => rule_texts::write(),
        Command::Build => build(),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => check::run(&options),
        Command::Agree(options) => agree::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Torture(options) => torture::run(&options),
        Command::Bench { subject } => bench::run(subject),
        Command::Lighthouse => check::built_page_script(
            "lighthouse.mjs",
            "The built page is not what Lighthouse is to find, or could not be looked at.",
        ),
        Command::Images => {
            check::built_page_script("images.mjs", "The pictures of the built page could not be taken.")
        }
        Command::Sbom => supply::list(),
        Command::Nudge => nudge::run(),
        Command::Mutants(options) => mutants::run(&options),
    };
    // After Ctrl-C whatever failed then failed because of that, and the person knows; a demonstration ends well by it.
    if processes::interrupted() {
        return if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            if !problem.0.is_empty() {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The servers also where the page weighs too much: they are built, and the person is told.
fn build() -> Outcome {
    page::build()?;
    let weighed = page::compress_and_weigh();
    servers::build()?;
    weighed
}
