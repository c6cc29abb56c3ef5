//! Checks `docs/security.md`: every requirement is there once, and every test that it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The numbers and levels of the standard.
const STANDARD: &str = include_str!("asvs-5.0.txt");

const DOCUMENT: &str = include_str!("../../../docs/security.md");

/// The rows of the table: number, level, and what holds it.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    DOCUMENT.lines().filter_map(|line| {
        let cells = line.strip_prefix("| V")?.strip_suffix(" |")?;
        let mut cells = cells.splitn(3, " | ");
        Some((cells.next()?, cells.next()?, cells.next()?))
    })
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_rust_test(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(plain) && name.matches('_').count() >= 3
}

fn is_journey(name: &str) -> bool {
    name.split_once(' ').is_some_and(|(number, _)| {
        number.contains('.') && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Everything that is written in these folders, in files of this kind.
fn sources(folder: &Path, ending: &str, into: &mut String) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "node_modules" | "results") {
            sources(&path, ending, into);
        } else if name.ends_with(ending) {
            into.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn every_requirement_of_the_standard_stands_in_the_document_once() {
    let known: Vec<(&str, &str)> = STANDARD
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix('V')?.split_once(' '))
        .collect();
    assert_eq!(known.len(), 265);
    let told: Vec<(&str, &str)> = rows().map(|(number, level, _)| (number, level)).collect();
    assert_eq!(told, known);
    for (number, _, holds) in rows() {
        assert!(holds == "–" || holds.len() > 20, "V{number} says nothing: {holds}");
        let told = holds.contains("oes not apply");
        assert!(!told || holds.contains(':'), "V{number} does not apply, and does not say why: {holds}");
    }
}

#[test]
fn every_test_that_the_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut rust, mut journeys) = (String::new(), String::new());
    for folder in ["crates", "src", "tests"] {
        sources(&root.join(folder), ".rs", &mut rust);
    }
    sources(&root.join("tests/journeys"), ".mjs", &mut journeys);
    let named: BTreeSet<&str> = rows().flat_map(|(_, _, holds)| quoted(holds)).collect();
    for name in named {
        if is_rust_test(name) {
            assert!(rust.contains(&format!("fn {name}(")), "there is no test {name}");
        } else if is_journey(name) {
            let titled =
                ['"', '\'', '`'].iter().any(|mark| journeys.contains(&format!("{mark}{name}{mark}")));
            assert!(titled, "there is no journey {name:?}");
        }
    }
}
