//! What Tallylight is made of: whether it may be, and a list of it.

use std::fs;
use std::process::Command;

use crate::{Outcome, Problem, paths, processes, tools};

/// The packages that are delivered, each with its list.
const DELIVERED: [(&str, &str); 4] = [
    ("dashboard", "."),
    ("proxy", "crates/proxy"),
    ("attendant", "crates/attendant"),
    ("simulator-server", "crates/simulator-server"),
];

/// Licences, sources, banned packages and doubles, by `deny.toml`. Needs no network: advisories are asked for by hand
/// (`docs/security.md`).
pub fn check() -> Outcome {
    let mut deny = Command::new(tools::cargo_deny()?);
    deny.current_dir(paths::root()).args([
        "--locked",
        "--offline",
        "--all-features",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    processes::run(&mut deny, "What is compiled in is not what deny.toml lets in.")
}

/// Writes a list in the `CycloneDX` format for each program that is delivered.
pub fn list() -> Outcome {
    let program = tools::cargo_cyclonedx()?;
    let folder = paths::root().join("target/sbom");
    fs::create_dir_all(&folder)
        .map_err(|error| Problem::new(format!("{} cannot be made: {error}.", folder.display())))?;
    const NAME: &str = "tallylight-sbom";
    let mut list = Command::new(program);
    list.current_dir(paths::root()).args([
        "cyclonedx",
        "--format",
        "json",
        "--spec-version",
        "1.5",
        "--target",
        "all",
        "--override-filename",
        NAME,
    ]);
    processes::run(&mut list, "The packages could not be listed.")?;
    // It writes one beside every manifest.
    for entry in manifests()? {
        let written = entry.join(format!("{NAME}.json"));
        let known = DELIVERED.iter().find(|(_, place)| paths::root().join(place) == entry);
        if let Some((package, _)) = known {
            let to = folder.join(format!("{package}.cdx.json"));
            fs::copy(&written, &to)
                .map_err(|error| Problem::new(format!("{} cannot be written: {error}.", to.display())))?;
            println!("{}", to.display());
        }
        let _ = fs::remove_file(&written);
    }
    Ok(())
}

/// The folders of all packages of the workspace.
fn manifests() -> Outcome<Vec<std::path::PathBuf>> {
    let mut folders = vec![paths::root().to_path_buf()];
    for parent in ["crates", "tests"] {
        let parent = paths::root().join(parent);
        let entries = fs::read_dir(&parent)
            .map_err(|error| Problem::new(format!("{} cannot be read: {error}.", parent.display())))?;
        let within = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        folders.extend(within.filter(|folder| folder.join("Cargo.toml").is_file()));
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of every manifest of the workspace.
    fn each_manifest(mut look: impl FnMut(&std::path::Path, &str)) {
        for folder in manifests().expect("the workspace is there") {
            let file = folder.join("Cargo.toml");
            look(&file, &fs::read_to_string(&file).expect("a manifest"));
        }
    }

    #[test]
    fn no_package_of_ours_may_hold_unsafe_code() {
        let root = fs::read_to_string(paths::root().join("Cargo.toml")).expect("the workspace");
        assert!(root.contains("unsafe_code = \"forbid\""), "the lints of the workspace forbid it");
        let mut count = 0;
        each_manifest(|file, text| {
            assert!(
                text.contains("[lints]\nworkspace = true"),
                "{} does not take the lints of the workspace",
                file.display()
            );
            count += 1;
        });
        assert!(count > 12, "{count}");
    }

    #[test]
    fn every_package_comes_from_the_registry_in_a_version_that_is_locked() {
        let lock = fs::read_to_string(paths::root().join("Cargo.lock")).expect("it is kept");
        for package in lock.split("[[package]]").skip(1) {
            let field = |name: &str| {
                package
                    .lines()
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
                    .unwrap_or_default()
            };
            let (name, source, sum) = (field("name"), field("source"), field("checksum"));
            let ours = source.is_empty();
            assert!(
                ours || (source.contains("registry+https://github.com/rust-lang/crates.io-index")
                    && sum.len() == 66),
                "{name} comes from {source}"
            );
        }
    }
}
