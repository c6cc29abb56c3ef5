//! The journals of the browser journeys, kept as they were written: what was once recorded can be read for ever.
//!
//! `journals/v1/NAME.jsonl` is the journal of one recording, an entry a line; `NAME.summary.json` is where its fold ends.
//! No file there changes any more: `SHA256SUMS` holds the hash of each. A new journal gets its summary and its line in
//! `SHA256SUMS` by `TALLYLIGHT_GOLDEN=write cargo test -p rules --test journals`; files that are known stay as they are.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rules::journal::CallSent;
use rules::{Entry, Fact, Recording, RecordingId, fold};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("journals/v1")
}

/// The names in the folder that end like this, in order.
fn names(ending: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the folder of the journals is there")
        .map(|file| file.expect("a folder can be listed").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn entries(name: &str) -> Vec<Entry> {
    let text = fs::read_to_string(folder().join(name)).expect("a journal can be read");
    let read = |(index, line)| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{name}, line {}: no entry: {error}", index + 1))
    };
    text.lines().enumerate().map(read).collect()
}

/// The recording that a journal is of: its id stands in the ids of its calls.
fn id(name: &str, entries: &[Entry]) -> RecordingId {
    let call = entries.iter().find_map(|entry| match &entry.fact {
        Fact::CallSent(CallSent { id, .. }) => Some(id.to_string()),
        _ => None,
    });
    let id = call.and_then(|call| call.split(':').next().and_then(RecordingId::parse));
    id.unwrap_or_else(|| panic!("{name} has no call"))
}

fn folded(name: &str) -> Recording {
    let entries = entries(name);
    let first = entries.first().unwrap_or_else(|| panic!("{name} is empty"));
    let recording = Recording::begin(id(name, &entries), first);
    let mut recording = recording.unwrap_or_else(|| panic!("{name} does not begin with a request"));
    for (entry, number) in entries.iter().zip(1..) {
        assert_eq!(entry.number, number, "{name}: the entries are numbered from 1");
        assert!(!matches!(entry.fact, Fact::Unknown(_)), "{name}: entry {number} is of an unknown kind");
        fold(&mut recording, entry);
    }
    assert!(!recording.unreadable, "{name} cannot be read by this version");
    recording
}

/// Where a journal ends, in the words of the fold.
fn summary(recording: &Recording) -> Value {
    let sessions: Vec<Value> = recording
        .sessions
        .iter()
        .map(|session| {
            let away: Vec<Value> = session
                .interruptions
                .iter()
                .map(|away| json!({ "t0": away.t0, "back": away.back, "leg": away.leg }))
                .collect();
            json!({
                "number": session.number,
                "uid": session.uid,
                "sid": session.sid,
                "phase": session.phase,
                "accepted": session.accepted,
                "confirmed": session.confirmed,
                "failovers": session.failovers,
                "files": session.files,
                "away": away,
            })
        })
        .collect();
    json!({
        "channel": recording.channel,
        "settled": recording.settled(),
        "wanted": recording.is_wanted(),
        "waiting": recording.waiting.as_ref().map(|waiting| waiting.why),
        "alarms": recording.alarms.iter().map(|alarm| json!({ "entry": alarm.entry, "cause": alarm.cause })).collect::<Vec<_>>(),
        "replacements": recording.replacements.len(),
        "epoch": recording.lease.as_ref().map(|lease| lease.epoch),
        "sessions": sessions,
        "entries": recording.last,
    })
}

fn summary_file(name: &str) -> PathBuf {
    folder().join(name.replace(".jsonl", ".summary.json"))
}

fn hash(name: &str) -> String {
    let bytes = fs::read(folder().join(name)).expect("a kept file can be read");
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What `SHA256SUMS` says, by file.
fn known_hashes() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("SHA256SUMS")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect()
}

/// Writes what new journals lack, and touches nothing that is known.
fn take_new_ones() {
    for name in names(".jsonl") {
        if !summary_file(&name).exists() {
            let text = serde_json::to_string_pretty(&summary(&folded(&name))).expect("a summary is JSON");
            fs::write(summary_file(&name), text + "\n").expect("the folder can be written");
        }
    }
    let mut hashes = known_hashes();
    for name in names(".json").into_iter().chain(names(".jsonl")) {
        let hash = hash(&name);
        hashes.entry(name).or_insert(hash);
    }
    let lines: String = hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    fs::write(folder().join("SHA256SUMS"), lines).expect("the folder can be written");
}

#[test]
fn every_journal_folds_to_where_it_folded_when_it_was_kept_and_none_has_changed() {
    if std::env::var_os("TALLYLIGHT_GOLDEN").is_some_and(|value| value == "write") {
        take_new_ones();
    }
    let journals = names(".jsonl");
    assert!(journals.len() >= 5, "the journals of the journeys are here");
    for name in &journals {
        let kept = fs::read_to_string(summary_file(name)).unwrap_or_else(|_| panic!("{name} has no summary"));
        let kept: Value = serde_json::from_str(&kept).expect("a summary is JSON");
        assert_eq!(summary(&folded(name)), kept, "{name} folds to something else than it did");
    }
    let present: BTreeMap<String, String> = names(".json")
        .into_iter()
        .chain(journals)
        .map(|name| {
            let hash = hash(&name);
            (name, hash)
        })
        .collect();
    assert_eq!(present, known_hashes(), "a file in journals/v1 was changed, added or taken away");
}
