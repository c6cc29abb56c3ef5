//! `cargo xtask bench`: measurements that are too long, and too dependent on the machine, for the tests.

use crate::{Outcome, processes, tools};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// How long signed notifications take at 500 a second, beside a bare handler that only does `fsync`
    Notifications,
    /// The list with 10 000 recordings of which 1 000 change each second, beside a page written by hand, in Chromium
    Board,
    /// A thousand pages without a screen and two in Chromium at one control desk: requests, memory, p99 from entry to page
    Stream,
}

/// Builds what is measured with optimisation, and measures it.
pub fn run(subject: Subject) -> Outcome {
    match subject {
        Subject::Notifications => notifications(),
        Subject::Board => board(),
        Subject::Stream => stream(),
    }
}

fn notifications() -> Outcome {
    tools::c_compiler()?;
    let sentence = "The benchmark could not be built: see cargo's own message above.";
    let mut build = tools::cargo()?;
    build.args(["build", "--release", "--package", "proxy", "--bin", crate::servers::PROXY]);
    build.args(["--example", "notification_rate"]);
    processes::run(&mut build, sentence)?;
    // Beside the folder of this program, which is built without optimisation.
    let built = crate::paths::binaries()?.with_file_name("release");
    let mut measure = std::process::Command::new(built.join("examples/notification_rate"));
    measure.arg(built.join(crate::servers::PROXY));
    processes::run(&mut measure, "The receiver of notifications is too slow, or could not be measured.")
}

/// `tests/bench/stream.mjs` says what is measured and how.
fn stream() -> Outcome {
    crate::check::needs_the_built_page()?;
    tools::c_compiler()?;
    let mut build = tools::cargo()?;
    build.args(["build", "--release", "--package", "proxy", "--package", "simulator-server"]);
    build.args(["--package", "process-tests", "--bins"]);
    processes::run(&mut build, "The servers could not be built: see cargo's own message above.")?;
    let built = crate::paths::binaries()?.with_file_name("release");
    let mut measure = crate::check::node_in_tests()?;
    measure.arg("bench/stream.mjs").env("TALLYLIGHT_BINARIES", built);
    processes::run(
        &mut measure,
        "A thousand pages ask for more, take more or hear later than they may, or could not be measured.",
    )
}

/// `tests/bench/board.mjs` says what is measured and how.
fn board() -> Outcome {
    let failure = "The list of the built page is slower than it may be, or could not be measured.";
    crate::check::built_page_script("bench/board.mjs", failure)
}
