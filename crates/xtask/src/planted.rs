//! A build of the simulation with planted bugs: the crates that they are planted in are copied, the bugs of
//! `crates/chaos/planted-bugs.txt` are written into the copies, each behind a switch, and the copies are compiled.
//!
//! Nothing of this is in the crates themselves, so no build that is delivered can have a bug switched on.

use crate::{Outcome, Problem, paths, tools};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The crates that bugs are planted in, and the simulation that finds them.
const COPIED: [&str; 4] = ["rules", "client", "switchboard", "chaos"];

/// So many bugs must fit: the code around one may change, and then it has to be planted anew.
const FEWEST: usize = 40;

/// One bug, as the list has it.
struct Bug {
    name: String,
    rule: String,
    text: String,
    places: Vec<Place>,
}

/// Where it is planted.
struct Place {
    file: String,
    find: String,
    put: String,
}

/// Cargo, told to run the simulation with planted bugs.
pub fn cargo_run() -> Outcome<Command> {
    let folder = make()?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(paths::target, PathBuf::from);
    let mut cargo = tools::cargo()?;
    cargo.args(["run", "--quiet", "--profile", "chaos", "--bin", "chaos-planted", "--manifest-path"]);
    cargo.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(target).arg("--");
    Ok(cargo)
}

/// Writes the copies and returns their folder.
fn make() -> Outcome<PathBuf> {
    let folder = paths::target().join("planted");
    let list = read(&paths::root().join("crates/chaos/planted-bugs.txt"))?;
    let bugs = parse(&list)?;
    let mut files = sources()?;
    let (planted, misfits) = plant_all(&bugs, &mut files);
    for (name, place) in misfits {
        eprintln!("The planted bug {name} does not fit {place} any more.");
    }
    if planted.len() < FEWEST {
        return Err(Problem::new(format!(
            "Only {} of the bugs in crates/chaos/planted-bugs.txt can be planted, and {FEWEST} are needed: write those anew that do not fit.",
            planted.len()
        )));
    }
    for (path, text) in &mut files {
        match path.to_str() {
            Some("rules/src/lib.rs") => text.push_str(SWITCH),
            Some("chaos/src/planted.rs") => *text = list_of(&planted),
            Some("chaos/Cargo.toml") => {
                text.push_str("\n[[bin]]\nname = \"chaos-planted\"\npath = \"src/main.rs\"\n");
            }
            _ => {}
        }
    }
    files.push((PathBuf::from("../Cargo.toml"), workspace()?));
    files.push((PathBuf::from("../Cargo.lock"), read(&paths::root().join("Cargo.lock"))?));
    for (path, text) in &files {
        write(&folder.join("crates").join(path), text)?;
    }
    Ok(folder)
}

/// The files of the crates that are copied, by their place below `crates`.
fn sources() -> Outcome<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for name in COPIED {
        let from = paths::root().join("crates").join(name);
        collect(&from, &from, Path::new(name), &mut files)?;
    }
    Ok(files)
}

/// Plants all bugs that fit, and names those that do not, each with the file.
fn plant_all<'a>(bugs: &'a [Bug], files: &mut [(PathBuf, String)]) -> (Vec<&'a Bug>, Vec<(&'a str, String)>) {
    let (mut planted, mut misfits) = (Vec::new(), Vec::new());
    for bug in bugs {
        match plant(bug, planted.len() + 1, files) {
            Ok(changed) => {
                for (index, text) in changed {
                    files[index].1 = text;
                }
                planted.push(bug);
            }
            Err(place) => misfits.push((bug.name.as_str(), place)),
        }
    }
    (planted, misfits)
}

/// What is added to the copy of the rules.
const SWITCH: &str = "
/// Which bug is switched on.
pub mod planted {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ON: AtomicUsize = AtomicUsize::new(0);
    pub fn plant(number: usize) { ON.store(number, Ordering::Relaxed) }
    #[inline]
    pub fn on(number: usize) -> bool { ON.load(Ordering::Relaxed) == number }
}
";

fn list_of(bugs: &[&Bug]) -> String {
    let mut text = String::from(
        "#[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub struct Bug { pub name: &'static str, pub rule: &'static str, pub text: &'static str }\npub const BUGS: &[Bug] = &[\n",
    );
    for Bug { name, rule, text: says, .. } in bugs {
        let _ = writeln!(text, "Bug {{ name: {name:?}, rule: {rule:?}, text: {says:?} }},");
    }
    text.push_str("];\npub fn plant(number: usize) { rules::planted::plant(number) }\n");
    text
}

/// The manifest of the copies: as the checkout's, with the crates that are not copied where they are.
fn workspace() -> Outcome<String> {
    let root = paths::root();
    let manifest = read(&root.join("Cargo.toml"))?;
    let section = |name: &str| {
        let (_, after) = manifest.split_once(&format!("\n[{name}]\n"))?;
        Some(after.split("\n[").next().unwrap_or_default().trim())
    };
    let missing = |name: &str| Problem::new(format!("Cargo.toml has no [{name}]."));
    let package = section("workspace.package").ok_or_else(|| missing("workspace.package"))?;
    let profile = section("profile.chaos").ok_or_else(|| missing("profile.chaos"))?;
    let mut dependencies = String::new();
    for line in section("workspace.dependencies").ok_or_else(|| missing("workspace.dependencies"))?.lines() {
        let copied = COPIED.iter().any(|name| line.starts_with(&format!("{name} = ")));
        let line = if copied {
            line.to_owned()
        } else {
            line.replace("path = \"", &format!("path = \"{}/", root.display()))
        };
        let _ = writeln!(dependencies, "{line}");
    }
    let members: Vec<String> = COPIED.iter().map(|name| format!("\"crates/{name}\"")).collect();
    Ok(format!(
        "[workspace]\nmembers = [{}]\nresolver = \"3\"\n[workspace.package]\n{package}\n[workspace.dependencies]\n{dependencies}\n[workspace.lints.rust]\nwarnings = \"allow\"\n[profile.chaos]\n{profile}\n",
        members.join(", ")
    ))
}

/// Reads the list: `== name | rule | what is done wrong`, then for each place `@ file`, lines with `-` that are there, and
/// lines with `+` that come instead, in which `PLANTED` is whether the bug is switched on.
fn parse(list: &str) -> Outcome<Vec<Bug>> {
    let mut bugs: Vec<Bug> = Vec::new();
    for (index, line) in list.lines().enumerate() {
        let bad =
            |what: &str| Problem::new(format!("crates/chaos/planted-bugs.txt, line {}: {what}.", index + 1));
        if let Some(head) = line.strip_prefix("== ") {
            let mut parts = head.splitn(3, " | ");
            let mut part =
                || parts.next().map(str::to_owned).ok_or_else(|| bad("name | rule | text expected"));
            bugs.push(Bug { name: part()?, rule: part()?, text: part()?, places: Vec::new() });
        } else if let Some(file) = line.strip_prefix("@ ") {
            let bug = bugs.last_mut().ok_or_else(|| bad("a place before any bug"))?;
            bug.places.push(Place { file: file.to_owned(), find: String::new(), put: String::new() });
        } else if let Some(text) = line.strip_prefix('-').or_else(|| line.strip_prefix('+')) {
            let place = bugs.last_mut().and_then(|bug| bug.places.last_mut());
            let place = place.ok_or_else(|| bad("text before any place"))?;
            let into = if line.starts_with('-') { &mut place.find } else { &mut place.put };
            into.push_str(text);
            into.push('\n');
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            return Err(bad("this is none of the forms that are known"));
        }
    }
    Ok(bugs)
}

/// The files that this bug changes, with their new texts; or the file that it does not fit.
fn plant(bug: &Bug, number: usize, files: &[(PathBuf, String)]) -> Result<Vec<(usize, String)>, String> {
    let mut changed: Vec<(usize, String)> = Vec::new();
    for place in &bug.places {
        let index = files.iter().position(|(path, _)| path.to_str() == Some(&place.file));
        let index = index.ok_or_else(|| place.file.clone())?;
        let known = changed.iter().position(|(known, _)| *known == index);
        let text = known.map_or(&files[index].1, |known| &changed[known].1);
        let (from, to) = only_place(text, &place.find).ok_or_else(|| place.file.clone())?;
        let krate = if place.file.starts_with("rules/") { "crate" } else { "rules" };
        let put = place.put.replace("PLANTED", &format!("({krate}::planted::on({number}))"));
        let text = format!("{}{put}{}", &text[..from], &text[to..]);
        match known {
            Some(known) => changed[known].1 = text,
            None => changed.push((index, text)),
        }
    }
    Ok(changed)
}

/// Where `find` is in `text`, if it is there once; spaces and line ends mean nothing.
fn only_place(text: &str, find: &str) -> Option<(usize, usize)> {
    let solid = |text: &str| -> Vec<(usize, char)> {
        text.char_indices().filter(|(_, letter)| !letter.is_whitespace()).collect()
    };
    let (text, find) = (solid(text), solid(find));
    let fits =
        |window: &&[(usize, char)]| window.iter().zip(&find).all(|((_, one), (_, other))| one == other);
    let mut places = text.windows(find.len().max(1)).filter(fits);
    let place = places.next()?;
    let (from, to) = (place.first()?, place.last()?);
    places.next().is_none().then(|| (from.0, to.0 + to.1.len_utf8()))
}

fn collect(from: &Path, folder: &Path, name: &Path, files: &mut Vec<(PathBuf, String)>) -> Outcome {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let inside = path.strip_prefix(from).unwrap_or(&path);
        let is_test = inside.starts_with("src/tests") || inside.starts_with("tests");
        if path.is_dir() && !is_test {
            collect(from, &path, name, files)?;
        } else if path.extension().is_some_and(|end| end == "rs" || end == "toml" || end == "md") && !is_test
        {
            files.push((name.join(inside), read(&path)?));
        }
    }
    Ok(())
}

fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("{} cannot be read: {error}.", file.display()))
}

/// Leaves a file alone that has this text already, so that it is not compiled again.
fn write(file: &Path, text: &str) -> Outcome {
    if fs::read_to_string(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    let cannot = |error| Problem::new(format!("{} cannot be written: {error}.", file.display()));
    file.parent().map_or(Ok(()), fs::create_dir_all).map_err(cannot)?;
    fs::write(file, text).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_once_whatever_its_spaces() {
        let text = "if a &&\n    b { c() }";
        assert_eq!(only_place(text, "a && b").map(|(from, to)| &text[from..to]), Some("a &&\n    b"));
        assert_eq!(only_place("x; x;", "x;"), None);
        assert_eq!(only_place(text, "d"), None);
    }

    #[test]
    fn every_planted_bug_fits_the_code() {
        let list = read(&paths::root().join("crates/chaos/planted-bugs.txt")).expect("the list is there");
        let bugs = parse(&list).expect("the list can be read");
        let mut files = sources().expect("the crates are there");
        let (_, misfits) = plant_all(&bugs, &mut files);
        assert!(misfits.is_empty(), "write these anew in crates/chaos/planted-bugs.txt: {misfits:?}");
    }

    #[test]
    fn the_bugs_are_forty_and_differ_in_name() {
        let list = read(&paths::root().join("crates/chaos/planted-bugs.txt")).expect("the list is there");
        let bugs = parse(&list).expect("the list can be read");
        let mut names: Vec<&str> = bugs.iter().map(|bug| bug.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), bugs.len());
        assert!(bugs.len() >= FEWEST);
    }
}
