//! Finds what a build or a test needs and installs what is missing, or says in one sentence what a person has to install.

use crate::processes::{self, Running};
use crate::{Outcome, Problem, paths};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The target that the page is compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Trunk bundles the page. The newest version that the pinned compiler builds.
const TRUNK_VERSION: &str = "0.21.14";

/// How long `cargo binstall` may take before it counts as not reaching any release.
const BINSTALL_LIMIT: Duration = Duration::from_secs(20);

/// It changes the rules in small ways for `cargo xtask mutants`.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// It checks licences, sources and doubles of what is compiled in.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// It lists what is compiled in, for `cargo xtask sbom`.
const CARGO_CYCLONEDX_VERSION: &str = "0.5.9";

/// Where Debian's package puts the browser.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// One program that comes from a package of the Rust registry, in exactly one version.
struct Tool {
    /// The program, also the name of its cache folder.
    program: &'static str,
    package: &'static str,
    version: String,
    features: &'static [&'static str],
    /// What it is asked its version with.
    asked: &'static [&'static str],
}

impl Tool {
    fn folder_name(&self) -> String {
        format!("{}-{}", self.program, self.version)
    }

    /// Whether `program` answers with exactly this version.
    fn is(&self, program: &Path) -> bool {
        processes::output_of(Command::new(program).args(self.asked).env_remove("NO_COLOR"))
            .is_some_and(|answer| answer.split_whitespace().nth(1) == Some(&self.version))
    }

    /// The folder that holds the program: on PATH, in the cache, or in the cache after it was installed.
    fn find_or_install(&self) -> Outcome<PathBuf> {
        for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
            // Only the first one counts: it is what anything else would run.
            if folder.join(self.program).is_file() {
                if self.is(&folder.join(self.program)) {
                    return Ok(folder);
                }
                break;
            }
        }
        let installed = paths::tools()?.join(self.folder_name());
        if !self.is(&installed.join("bin").join(self.program)) {
            self.install(&installed)?;
        }
        Ok(installed.join("bin"))
    }

    /// Installs into a folder beside `installed` and renames it, so that another run never sees half of it.
    /// Two runs at once both build; the second finds the name taken by the same version and uses that.
    fn install(&self, installed: &Path) -> Outcome {
        let unfinished = installed.with_file_name(format!(".{}-{}", self.folder_name(), std::process::id()));
        let outcome = self.install_into(&unfinished).and_then(|()| {
            if fs::rename(&unfinished, installed).is_ok()
                || self.is(&installed.join("bin").join(self.program))
            {
                return Ok(());
            }
            // What has the name is not this version, for example after an installation that was cut off.
            fs::remove_dir_all(installed).and_then(|()| fs::rename(&unfinished, installed)).map_err(|error| {
                Problem::new(format!("{} cannot be replaced: {error}.", installed.display()))
            })
        });
        // Absent after a rename, and of no use after a failure.
        let _ = fs::remove_dir_all(&unfinished);
        outcome
    }

    fn install_into(&self, folder: &Path) -> Outcome {
        fs::create_dir_all(folder).map_err(|error| {
            Problem::new(format!("The tool folder {} cannot be made: {error}.", folder.display()))
        })?;
        let name = format!("{} {}", self.package, self.version);
        if processes::output_of(Command::new("cargo").args(["binstall", "-V"])).is_some() {
            eprintln!("Fetching {name} with cargo binstall…");
            let mut fetch = Command::new("cargo");
            fetch.args([
                "binstall",
                "--no-confirm",
                "--disable-strategies",
                "compile",
                "--version",
                &self.version,
            ]);
            fetch.arg("--root").arg(folder).arg(self.package);
            let status = Running::start("cargo binstall", &mut fetch)?.wait_at_most(BINSTALL_LIMIT)?;
            if status.is_some_and(|status| status.success())
                && self.is(&folder.join("bin").join(self.program))
            {
                return Ok(());
            }
            eprintln!("cargo binstall reaches no release of {name}; it is built from source instead.");
        }
        eprintln!("Installing {name}, once for all checkouts; this takes several minutes…");
        let mut install = Command::new("cargo");
        install
            .args(["install", "--locked", self.package, "--version", &self.version, "--debug", "--root"])
            .arg(folder);
        install.args(self.features);
        processes::run(
            &mut install,
            &format!(
                "{name} could not be installed: see cargo's own message above; without a network, put {} {} on PATH.",
                self.program, self.version
            ),
        )
    }
}

/// What the page is built with.
pub struct PageTools {
    /// The path of trunk.
    pub trunk: PathBuf,
    /// A PATH on which trunk finds the wasm-bindgen of the lock file.
    pub path: OsString,
    /// That wasm-bindgen.
    pub wasm_bindgen: PathBuf,
}

/// Finds or installs everything the page is built with.
pub fn for_the_page() -> Outcome<PageTools> {
    add_wasm_target()?;
    add_rust_source()?;
    let wasm_bindgen = wasm_bindgen()?;
    let trunk = trunk();
    let wasm_bindgen_folder = wasm_bindgen.find_or_install()?;
    let trunk_folder = trunk.find_or_install()?;
    let wasm_bindgen = wasm_bindgen_folder.join("wasm-bindgen");
    let mut folders = vec![wasm_bindgen_folder, trunk_folder.clone()];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    Ok(PageTools {
        trunk: trunk_folder.join("trunk"),
        path: env::join_paths(folders)
            .map_err(|error| Problem::new(format!("PATH cannot be extended: {error}.")))?,
        wasm_bindgen,
    })
}

fn trunk() -> Tool {
    Tool {
        program: "trunk",
        package: "trunk",
        version: TRUNK_VERSION.to_owned(),
        // Without the default features it needs neither OpenSSL nor a second build of it.
        features: &["--no-default-features", "--features", "rustls"],
        asked: &["--version"],
    }
}

fn wasm_bindgen() -> Outcome<Tool> {
    let version = locked_version("wasm-bindgen")?;
    Ok(Tool {
        program: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version,
        features: &[],
        asked: &["--version"],
    })
}

/// Finds or installs the program that changes code in small ways.
pub fn cargo_mutants() -> Outcome<PathBuf> {
    let tool = Tool {
        program: "cargo-mutants",
        package: "cargo-mutants",
        version: CARGO_MUTANTS_VERSION.to_owned(),
        features: &[],
        asked: &["mutants", "--version"],
    };
    Ok(tool.find_or_install()?.join(tool.program))
}

/// Finds or installs the program that checks licences, sources and doubles of what is compiled in.
pub fn cargo_deny() -> Outcome<PathBuf> {
    let tool = Tool {
        program: "cargo-deny",
        package: "cargo-deny",
        version: CARGO_DENY_VERSION.to_owned(),
        features: &[],
        asked: &["--version"],
    };
    Ok(tool.find_or_install()?.join(tool.program))
}

/// Finds or installs the program that lists what is compiled in.
pub fn cargo_cyclonedx() -> Outcome<PathBuf> {
    let tool = Tool {
        program: "cargo-cyclonedx",
        package: "cargo-cyclonedx",
        version: CARGO_CYCLONEDX_VERSION.to_owned(),
        features: &[],
        asked: &["cyclonedx", "--version"],
    };
    Ok(tool.find_or_install()?.join(tool.program))
}

/// The environment variable that page and servers are compiled with.
pub const BUILD: &str = "TALLYLIGHT_BUILD";

/// What tells one build from another: the commit and the tools. Trunk's file names do not cover the tools, so that
/// without it two builds could have files of the same name and different content.
pub fn build_id() -> Outcome<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short=12", "HEAD"]).current_dir(paths::root());
    let commit = processes::output_of(&mut git).unwrap_or_else(|| "unknown".to_owned());
    Ok(format!("{commit}-{}-{}", trunk().folder_name(), wasm_bindgen()?.folder_name()))
}

/// Cargo in the checkout, with the build id, which has to be the same for every command or each would compile again.
pub fn cargo() -> Outcome<Command> {
    let mut cargo = Command::new("cargo");
    // What is built is what the lock file says, or nothing.
    cargo.arg("--locked").current_dir(paths::root()).env(BUILD, build_id()?);
    Ok(cargo)
}

/// The version of `package` in Cargo.lock. The wasm-bindgen program must equal the crate to the last number.
fn locked_version(package: &str) -> Outcome<String> {
    let file = paths::root().join("Cargo.lock");
    let lock = fs::read_to_string(&file)
        .map_err(|error| Problem::new(format!("{} cannot be read: {error}.", file.display())))?;
    version_in_lock(&lock, package)
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("Cargo.lock names no {package}.")))
}

fn version_in_lock<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split_once('"').map(|(version, _)| version)
}

/// Adds the compiler's wasm32 part when it is missing.
pub fn add_wasm_target() -> Outcome {
    let libraries =
        processes::output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]));
    if libraries.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    rustup(&["target", "add", WASM], &format!("{WASM} part"))
}

/// Adds the source of the standard library when it is missing: the page is compiled with it, for size.
pub fn add_rust_source() -> Outcome {
    let folder = processes::output_of(Command::new("rustc").args(["--print", "sysroot"]));
    let source = folder.map(|folder| Path::new(&folder).join("lib/rustlib/src/rust/library/Cargo.lock"));
    if source.is_some_and(|file| file.is_file()) {
        return Ok(());
    }
    rustup(&["component", "add", "rust-src"], "source of the standard library")
}

fn rustup(arguments: &[&str], part: &str) -> Outcome {
    if processes::output_of(Command::new("rustup").arg("--version")).is_none() {
        return Err(Problem::new(format!(
            "The compiler lacks its {part} and rustup is not installed: install Rust by rustup (https://rustup.rs)."
        )));
    }
    eprintln!("Adding the compiler's {part}…");
    processes::run(
        Command::new("rustup").args(arguments),
        &format!(
            "The compiler's {part} could not be added: see rustup's own message above; it needs the network once."
        ),
    )
}

/// Says what to install when there is no C compiler, which the database library is built with.
pub fn c_compiler() -> Outcome {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    if processes::output_of(Command::new(&compiler).arg("--version")).is_some() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "A C compiler ({compiler}) is missing, and SQLite is built with it: install one, on Debian with `apt-get install build-essential`."
    )))
}

/// Installs Debian's chromium when it is missing and may be, else says what to install.
pub fn chromium() -> Outcome {
    if Path::new(CHROMIUM).is_file() {
        return Ok(());
    }
    by_apt(
        &["chromium"],
        "The browser journeys need Chromium at /usr/bin/chromium (`cargo xtask test --quick` leaves them out)",
    )
}

/// Installs Debian's Node when it is missing and may be, else says what to install.
pub fn node() -> Outcome {
    let present = |program| processes::output_of(Command::new(program).arg("--version")).is_some();
    if present("node") && present("npm") {
        return Ok(());
    }
    by_apt(
        &["nodejs", "npm"],
        "The browser journeys need Node 18 or newer with npm (`cargo xtask test --quick` leaves them out)",
    )
}

fn by_apt(packages: &[&str], need: &str) -> Outcome {
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").is_file() {
        return Err(Problem::new(format!("{need}: install it.")));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(Problem::new(format!("{need}: run `sudo apt-get install {names}`.")));
    }
    eprintln!("Installing {names} by apt…");
    let failure = format!("{need}, and apt could not install {names}: see its own message above.");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    processes::run(apt().arg("update"), &failure)?;
    processes::run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages), &failure)
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    #[test]
    fn the_version_of_exactly_the_named_package_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.126\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen"), Some("0.2.126"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
