//! Where things lie: the checkout, what cargo builds, and the folder of installed tools.

use crate::{Outcome, Problem};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static THIS_PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Notes where this program lies, before a nested build replaces the file and the system calls it deleted.
pub fn remember_this_program() {
    if let Ok(path) = env::current_exe() {
        THIS_PROGRAM.get_or_init(|| path);
    }
}

/// The top folder of the checkout.
pub fn root() -> PathBuf {
    let manifest_folder = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.ends_with("crates/xtask"))
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    manifest_folder.ancestors().nth(2).map_or_else(|| manifest_folder.clone(), Path::to_path_buf)
}

/// This program's file; after a nested build it is the newer one of the same name.
pub fn this_program() -> Outcome<&'static Path> {
    let known = THIS_PROGRAM.get().map(PathBuf::as_path);
    known.ok_or_else(|| Problem::new("The system does not tell where the file of this program is."))
}

/// Where cargo puts the binaries of the servers: beside this program, which is built with the same profile.
pub fn binaries() -> Outcome<PathBuf> {
    Ok(this_program()?.parent().map_or_else(PathBuf::new, Path::to_path_buf))
}

/// The built page.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// What commands write that is neither compiled nor served: `target` in the checkout, wherever cargo builds.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The per-user folder of installed tools, shared by all checkouts.
pub fn tools() -> Outcome<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| {
            Problem::new(
                "Neither XDG_CACHE_HOME nor HOME is set, so there is no folder to install tools into.",
            )
        })?;
    Ok(cache.join("tallylight/tools"))
}
