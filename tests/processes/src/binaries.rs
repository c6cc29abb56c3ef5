//! Where cargo has put the programs under test.

use std::env;
use std::path::PathBuf;

/// Names the folder of the programs; without it they lie beside this test's own folder.
const FOLDER: &str = "TALLYLIGHT_BINARIES";

/// The path of a program of this workspace.
///
/// # Panics
/// When it was not built.
pub(crate) fn program(name: &str) -> PathBuf {
    let folder = env::var_os(FOLDER).map_or_else(beside_this_test, PathBuf::from);
    let file = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        file.is_file(),
        "{} is missing: build it first with `cargo build -p proxy -p simulator-server -p attendant -p xtask`, or name its folder in {FOLDER}",
        file.display()
    );
    file
}

/// `target/debug`, of which the test's executable lies in `deps`.
fn beside_this_test() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("cargo puts tests two folders deep");
    folder.to_path_buf()
}
