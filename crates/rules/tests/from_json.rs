//! What a page reads is read as serde reads it, by `FromJson`: values that chance made of every type, every golden body
//! and every kept journal, as they are and spoilt.

use std::fs;
use std::path::{Path, PathBuf};

use from_json::agreement::{Chance, Hints, agree, check, check_spoilt};
use from_json::{from_text, from_value};
use rules::api::{
    AdoptRecording, Asked, AuditPage, ChangePolicy, ClaimLeases, Dismiss, FromClient, FromProxy, JournalPage,
    MakeCall, MakeDecision, PressStop, Problem, PutViews, RecordingPage, RequestRecording, SettingUp, Setup,
    SharedViews, UnmatchedPage, Written,
};
use rules::journal::{AlarmCause, By, DecisionKind};
use rules::line::Outcome;
use rules::recording::Phase;
use rules::{AppEntry, AppFact, Bundle, Entry, Fact, Policy, Recording};
use serde_json::{Value, json};

/// Facts are read through a value, which alone does not tell what it should be.
fn anything(field: &str, chance: &mut Chance<'_>) -> Value {
    if field != "fact" || chance.below(20) == 0 {
        return chance.json(2);
    }
    if chance.below(2) == 0 {
        let fact = chance.made_by(|chance| AppFact::deserialize(chance)).expect("a fact");
        return serde_json::to_value(fact).expect("it can be written");
    }
    let fact = chance.made_by(|chance| Fact::deserialize(chance)).expect("a fact");
    serde_json::to_value(fact).expect("it can be written")
}

const HINTS: Hints = Hints {
    texts: |field| match field {
        "rule" | "stop_due" => &["S2", "M11", "D10", "B2"],
        _ => &[],
    },
    anything,
};

#[test]
fn entries_are_read_as_serde_reads_them() {
    check::<Entry>(&HINTS, 0..2000);
    check::<By>(&HINTS, 0..50);
    check::<DecisionKind>(&HINTS, 0..300);
    check::<AlarmCause>(&HINTS, 0..200);
    check::<AppEntry>(&HINTS, 0..600);
}

#[test]
fn recordings_are_read_as_serde_reads_them() {
    check::<Recording>(&HINTS, 0..200);
    check::<Phase>(&HINTS, 0..100);
    check::<Outcome>(&HINTS, 0..200);
    check::<Policy>(&HINTS, 0..100);
}

#[test]
fn messages_of_the_stream_are_read_as_serde_reads_them() {
    check::<FromProxy>(&HINTS, 0..300);
    check::<FromClient>(&HINTS, 0..20);
}

#[test]
fn answers_are_read_as_serde_reads_them() {
    check::<Setup>(&HINTS, 0..100);
    check::<JournalPage>(&HINTS, 0..300);
    check::<Bundle>(&HINTS, 0..100);
    check::<RecordingPage>(&HINTS, 0..100);
    check::<Problem>(&HINTS, 0..300);
    check::<UnmatchedPage>(&HINTS, 0..200);
    check::<AuditPage>(&HINTS, 0..300);
    check::<SettingUp>(&HINTS, 0..20);
    check::<Asked>(&HINTS, 0..20);
    check::<Written>(&HINTS, 0..20);
}

#[test]
fn requests_are_read_as_serde_reads_them() {
    check::<RequestRecording>(&HINTS, 0..200);
    check::<AdoptRecording>(&HINTS, 0..100);
    check::<ClaimLeases>(&HINTS, 0..50);
    check::<MakeCall>(&HINTS, 0..100);
    check::<PressStop>(&HINTS, 0..100);
    check::<PutViews>(&HINTS, 0..100);
    check::<SharedViews>(&HINTS, 0..100);
    check::<MakeDecision>(&HINTS, 0..200);
    check::<ChangePolicy>(&HINTS, 0..20);
    check::<Dismiss>(&HINTS, 0..20);
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|of| of == extension));
    assert!(!files.is_empty());
    files
}

/// A body is read as each of the types: all but its own refuse it, or take from it what they know.
#[test]
fn golden_bodies_are_read_as_serde_reads_them() {
    for file in files("golden", "json") {
        let text = fs::read_to_string(&file).expect("it can be read");
        let body: Value = serde_json::from_str(&text).expect("it is JSON");
        let mut chance = Chance::new(1, &HINTS);
        let read = [
            agree::<FromProxy>(&body).is_some(),
            agree::<FromClient>(&body).is_some(),
            agree::<Setup>(&body).is_some(),
            agree::<JournalPage>(&body).is_some(),
            agree::<RecordingPage>(&body).is_some(),
            agree::<Problem>(&body).is_some(),
        ];
        if read.contains(&true) {
            check_spoilt::<FromProxy>(&mut chance, &body, 300);
            check_spoilt::<Setup>(&mut chance, &body, 300);
            check_spoilt::<JournalPage>(&mut chance, &body, 300);
            check_spoilt::<RecordingPage>(&mut chance, &body, 300);
            check_spoilt::<Problem>(&mut chance, &body, 300);
        }
    }
}

#[test]
fn kept_journals_are_read_as_serde_reads_them() {
    for file in files("journals/v1", "jsonl") {
        let text = fs::read_to_string(&file).expect("it can be read");
        for line in text.lines() {
            let entry: Value = serde_json::from_str(line).expect("it is JSON");
            let read = agree::<Entry>(&entry).expect("it is an entry");
            assert!(!matches!(read.fact, Fact::Unknown(_)), "{line}");
            assert_eq!(from_text::<Entry>(line), Ok(read));
            check_spoilt::<Entry>(&mut Chance::new(1, &HINTS), &entry, 60);
        }
    }
}

#[test]
fn an_unknown_fact_is_kept_as_it_came() {
    for fact in [
        json!({ "Teleported": { "to": "elsewhere" } }),
        json!("Teleported"),
        json!({ "Leased": { "client": 1, "epoch": 1 } }),
        json!({ "Leased": { "client": -1, "epoch": 1, "holder": "x" } }),
        json!({ "Hurried": 1 }),
        json!({ "Leased": {}, "Hurried": null }),
        json!(null),
        json!([1, 2]),
    ] {
        let entry = json!({ "number": 1, "board": 1, "at": 0, "by": "proxy", "version": 9, "fact": fact });
        let read = agree::<Entry>(&entry).expect("an entry with an unknown fact is an entry");
        assert_eq!(read.fact, Fact::Unknown(fact));
    }
    let without = json!({ "number": 1, "board": 1, "at": 0, "by": "proxy" });
    assert!(from_value::<Entry>(&without).is_err(), "a fact must be there");
    assert!(agree::<Entry>(&without).is_none());
}
