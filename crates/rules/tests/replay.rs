//! What the rules once did they do again: every kept journal, put in a bundle and replayed, gives its own decisions.

use std::fs;
use std::path::{Path, PathBuf};

use rules::bundle::{BUNDLE_VERSION, Replaying, Step, Told, replay};
use rules::journal::CallSent;
use rules::{BoardFacts, Bundle, BundleProblem, Entry, EntryNumber, Fact, RecordingId, fold};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("journals/v1")
}

/// The kept journals as bundles.
fn bundles() -> Vec<(String, Bundle)> {
    let mut bundles = Vec::new();
    for file in fs::read_dir(folder()).expect("the folder of the journals is there") {
        let path = file.expect("a folder can be listed").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a journal can be read");
        let entries: Vec<Entry> =
            text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        let id = entries.iter().find_map(|entry| match &entry.fact {
            Fact::CallSent(CallSent { id, .. }) => {
                id.to_string().split(':').next().and_then(RecordingId::parse)
            }
            _ => None,
        });
        let facts = BoardFacts { has_region: true, ..BoardFacts::default() };
        let last = entries.last().expect("an entry").at;
        let id = id.expect("a journal has a call");
        let bundle = Bundle::new(id, entries, facts, "test".to_owned(), last);
        bundles.push((path.file_stem().expect("a name").to_string_lossy().into_owned(), bundle));
    }
    assert!(bundles.len() >= 5, "the journals of the journeys are here");
    bundles
}

/// Where the rules have changed since a journal was kept: the start of a minute's try was counted as the fifth of four
/// (S4), and is the first of its session now.
fn since_then(name: &str) -> Vec<EntryNumber> {
    if name == "start-gets-through-after-a-minute" { vec![28, 33] } else { Vec::new() }
}

/// The entries at which the rules do something else.
fn others(steps: &[Step]) -> Vec<EntryNumber> {
    steps.iter().filter(|step| !step.verdict.is_same()).map(|step| step.entry).collect()
}

fn text(bundle: &Bundle) -> String {
    serde_json::to_string(bundle).expect("a bundle is JSON")
}

#[test]
fn every_kept_journal_is_replayed_to_its_own_decisions() {
    for (name, bundle) in bundles() {
        let read = Bundle::read(&text(&bundle)).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(read, bundle, "{name} is read as it was written");
        let steps = replay(&read.recording, &read.board, &read.entries);
        let taken = |entry: &&Entry| matches!(entry.fact, Fact::CallSent(_) | Fact::Decided(_));
        assert_eq!(steps.len(), read.entries.iter().filter(taken).count(), "{name}: every step is compared");
        assert!(!steps.is_empty(), "{name} has steps");
        let (other, known) = (others(&steps), since_then(&name));
        assert_eq!(other, known, "{name} is replayed to something else: {steps:#?}");
    }
}

#[test]
fn at_every_entry_it_is_told_as_it_was_folded() {
    for (name, bundle) in bundles() {
        let mut folded =
            rules::Recording::begin(bundle.recording.clone(), &bundle.entries[0]).expect("a request");
        for entry in &bundle.entries {
            fold(&mut folded, entry);
            let told = Told::up_to(&bundle.recording, &bundle.board, &bundle.entries, entry.number);
            let told = told.expect("it begins with a request").recording;
            assert_eq!(told, folded, "{name}, entry {}", entry.number);
        }
    }
}

#[test]
fn piece_by_piece_it_is_replayed_alike() {
    for (name, bundle) in bundles() {
        let mut replaying = Replaying::begin(bundle.recording.clone(), &bundle.board, &bundle.entries);
        while !replaying.go_on(&bundle.entries, 3) {}
        assert_eq!(replaying.steps, replay(&bundle.recording, &bundle.board, &bundle.entries), "{name}");
    }
}

#[test]
fn a_step_that_the_rules_do_not_take_is_told() {
    let (_, mut bundle) = bundles().remove(0);
    let sent = bundle.entries.iter_mut().find_map(|entry| match &mut entry.fact {
        Fact::CallSent(sent) if sent.operation == agora::Operation::Query => Some(sent),
        _ => None,
    });
    sent.expect("a query").attempt.number += 7;
    let steps = replay(&bundle.recording, &bundle.board, &bundle.entries);
    assert_eq!(steps.iter().filter(|step| !step.verdict.is_same()).count(), 1);
}

#[test]
fn a_day_later_everything_is_a_day_later_and_decided_alike() {
    const DAY: i64 = 86_400_000;
    for (name, bundle) in bundles() {
        let mut later = bundle.clone();
        later.shift(DAY);
        assert!(
            later
                .entries
                .iter()
                .zip(&bundle.entries)
                .all(|(one, other)| one.at.millis() == other.at.millis() + DAY)
        );
        let steps = replay(&later.recording, &later.board, &later.entries);
        assert_eq!(others(&steps), since_then(&name), "{name}, a day later");
        later.shift(-DAY);
        assert_eq!(later, bundle, "{name}, there and back");
    }
}

#[test]
fn a_bundle_keeps_no_raw_answer_and_no_key_of_an_address() {
    let (_, mut bundle) = bundles().remove(0);
    let Fact::Requested(requested) = &mut bundle.entries[0].fact else { panic!("a request") };
    requested.settings.rtmp_url = Some("rtmp://user:word@live.example.org/app/key-of-the-stream".to_owned());
    let (entries, facts) = (bundle.entries.clone(), bundle.board.clone());
    let written = text(&Bundle::new(bundle.recording, entries, facts, "test".to_owned(), bundle.exported));
    for secret in ["key-of-the-stream", "word@", "\"raw\""] {
        assert!(!written.contains(secret), "{secret} is in the bundle");
    }
    assert!(written.contains("left-out:live.example.org"));
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let (_, bundle) = bundles().remove(0);
    let whole: Value = serde_json::from_str(&text(&bundle)).expect("JSON");
    let read = |value: &Value| Bundle::read(&value.to_string()).expect_err("a problem");
    let with = |name: &str, new: Value| {
        let mut value = whole.clone();
        value[name] = new;
        value
    };
    assert_eq!(Bundle::read("{\"format\":\"tallylight-bu"), Err(BundleProblem::NotJson));
    assert_eq!(Bundle::read(&" ".repeat(rules::bundle::BUNDLE_BYTES + 1)), Err(BundleProblem::TooLarge));
    assert_eq!(read(&json!([1, 2])), BundleProblem::NotABundle);
    assert_eq!(read(&json!({})), BundleProblem::NotABundle);
    assert_eq!(read(&with("version", json!(BUNDLE_VERSION + 1))), BundleProblem::Newer(BUNDLE_VERSION + 1));
    assert!(matches!(read(&with("recording", json!("NO ID"))), BundleProblem::Unreadable(_)));
    assert_eq!(read(&with("entries", json!([]))), BundleProblem::NoBeginning);
    let mut entries = whole["entries"].clone();
    entries[2]["at"] = json!(5);
    assert_eq!(read(&with("entries", entries)), BundleProblem::Backwards(3));
    let mut entries = whole["entries"].as_array().expect("a list").clone();
    entries.remove(2);
    assert_eq!(read(&with("entries", json!(entries))), BundleProblem::Missing(2));
    entries.remove(0);
    assert_eq!(read(&with("entries", json!(entries))), BundleProblem::NoBeginning);
}
