//! Every rule is in three places or in none: in the code as a `RuleId`, in `docs/rules.md` with its text, source and numbers,
//! and in the tests that are named after it.
//!
//! After tests were added, renamed or removed: `TALLYLIGHT_RULES=write cargo test -p rules --test rule_ids` writes their names
//! into the document.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rules::{Policy, RuleId};

/// Where the tests of the rules themselves are: each of them is named in the document.
const OWN: &str = "rules";

/// The line that names the tests.
const TESTS: &str = "Tests: ";

/// The line of a rule that no code applies yet, and so no test holds.
const NOT_YET: &str = "Applied when ";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document() -> String {
    fs::read_to_string(repository().join("docs/rules.md")).expect("docs/rules.md is read")
}

/// The paragraphs of each rule, in the order of the document.
fn rules_of(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut rules: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut within = false;
    for paragraph in text.split("\n\n").map(str::trim) {
        if let Some(id) = paragraph.strip_prefix("### ") {
            rules.push((id, Vec::new()));
            within = true;
        } else if paragraph.starts_with('#') {
            within = false;
        } else if let Some((_, paragraphs)) = rules.last_mut().filter(|_| within) {
            paragraphs.push(paragraph);
        }
    }
    rules
}

/// What stands between pairs of backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("an entry of the folder").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// The rule that a test is named after: `m2_` for M2.
fn rule_of(test: &str) -> Option<RuleId> {
    RuleId::parse(&test.split_once('_')?.0.to_uppercase())
}

/// The tests named after a rule, and those of them that are in the crate of the rules.
fn tests() -> BTreeMap<RuleId, (BTreeSet<String>, BTreeSet<String>)> {
    let mut tests: BTreeMap<RuleId, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let crates = fs::read_dir(repository().join("crates")).expect("the folder of the crates");
    for part in crates.map(|part| part.expect("an entry of the folder").path()) {
        let own = part.file_name().is_some_and(|name| name == OWN);
        let mut files = Vec::new();
        sources(&part.join("src"), &mut files);
        sources(&part.join("tests"), &mut files);
        for text in files.iter().map(|file| fs::read_to_string(file).expect("a source is read")) {
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                if let Some(name) = name.and_then(|rest| rest.split('(').next()) {
                    if let Some(rule) = rule_of(name).filter(|_| is_test) {
                        let (all, of_rules) = tests.entry(rule).or_default();
                        all.insert(name.to_owned());
                        if own {
                            of_rules.insert(name.to_owned());
                        }
                    }
                    is_test = false;
                }
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            }
        }
    }
    tests
}

/// The document with the names of the tests as they are.
fn written(text: &str) -> String {
    let tests = tests();
    let mut paragraphs: Vec<String> = Vec::new();
    let mut rule = None;
    let finish = |rule: Option<RuleId>, paragraphs: &mut Vec<String>| {
        if let Some((all, _)) = rule.and_then(|rule| tests.get(&rule)) {
            let names: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
            paragraphs.push(format!("{TESTS}{}.", names.join(", ")));
        }
    };
    for paragraph in text.trim_end().split("\n\n") {
        if paragraph.starts_with('#') {
            finish(rule, &mut paragraphs);
            rule = paragraph.strip_prefix("### ").and_then(RuleId::parse);
        }
        if !paragraph.starts_with(TESTS) {
            paragraphs.push(paragraph.to_owned());
        }
    }
    finish(rule, &mut paragraphs);
    paragraphs.join("\n\n") + "\n"
}

#[test]
fn every_rule_has_its_text_and_every_text_its_rule() {
    let text = document();
    let rules = rules_of(&text);
    let headings: Vec<&str> = rules.iter().map(|(id, _)| *id).collect();
    let ids: Vec<&str> = RuleId::ALL.iter().map(|id| id.as_str()).collect();
    assert_eq!(headings, ids);
    for (id, paragraphs) in rules {
        let labelled = |paragraph: &&&str| {
            ["Source: ", "Numbers: ", TESTS, NOT_YET].iter().any(|label| paragraph.starts_with(label))
        };
        let count = |label: &str| paragraphs.iter().filter(|paragraph| paragraph.starts_with(label)).count();
        assert_eq!(count("Source: "), 1, "{id} has one line about its source");
        assert!(count("Numbers: ") <= 1, "{id} has one line of numbers");
        assert!(!paragraphs.first().iter().any(labelled), "{id} says what it does");
    }
}

#[test]
fn every_rule_has_tests_named_after_it_or_says_that_it_is_not_applied_yet() {
    let text = document();
    if std::env::var_os("TALLYLIGHT_RULES").is_some_and(|value| value == "write") {
        fs::write(repository().join("docs/rules.md"), written(&text)).expect("docs/rules.md is written");
        return;
    }
    let tests = tests();
    let none = (BTreeSet::new(), BTreeSet::new());
    for (id, paragraphs) in rules_of(&text) {
        let line = paragraphs.iter().find_map(|paragraph| paragraph.strip_prefix(TESTS)).unwrap_or_default();
        let named: BTreeSet<String> = quoted(line).map(str::to_owned).collect();
        let rule = RuleId::parse(id).expect("a rule of the code");
        let (all, own) = tests.get(&rule).unwrap_or(&none);
        let waits = paragraphs.iter().any(|paragraph| paragraph.starts_with(NOT_YET));
        assert!(waits == all.is_empty(), "{id} either has tests or says when it is applied");
        assert!(named.is_superset(own), "docs/rules.md lacks tests of {id}: write it anew as this file says");
        assert!(named.is_subset(all), "docs/rules.md names tests of {id} that are gone: write it anew");
        assert!(named.is_empty() == all.is_empty(), "docs/rules.md names no test of {id}: write it anew");
    }
}

#[test]
fn every_number_of_the_policy_is_in_the_document_with_its_default_and_no_other() {
    let text = document();
    let policy = serde_json::to_value(Policy::DOCUMENTED).expect("JSON");
    let mut told = BTreeSet::new();
    for (id, paragraphs) in rules_of(&text) {
        let numbers = paragraphs.iter().find_map(|paragraph| paragraph.strip_prefix("Numbers: "));
        for number in
            numbers.unwrap_or_default().trim_end_matches('.').split("; ").filter(|part| !part.is_empty())
        {
            let (name, value) = number.split_once(" = ").unwrap_or_else(|| panic!("{id}: {number}"));
            let name = name.trim_matches('`');
            let known = policy.get(name).unwrap_or_else(|| panic!("{id}: there is no {name}"));
            let known = known.as_str().map_or_else(|| known.to_string(), str::to_owned);
            assert_eq!(known.replace(',', ", "), value, "{id}: {name}");
            told.insert(name.to_owned());
        }
    }
    let all: BTreeSet<String> =
        policy.as_object().expect("an object").keys().map(|name| name.to_owned()).collect();
    assert_eq!(told, all);
}
