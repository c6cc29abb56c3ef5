//! The journal's disk, with the real program and real `SQLite`: full, read-only, damaged, copied; killed at any instant, and
//! ended in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use agora::{Operation, UnansweredCause};
use client::Client;
use process_tests::{Answer, Chance, Controller, Options, Rig, eventually};
use rules::api::{Setup, Written};
use rules::{EntryNumber, Fact, RecordingId};
use serde_json::json;

const LONG: Duration = Duration::from_secs(60);

/// How often the desk is killed while it answers.
const KILLS: usize = 10;

fn confirmed(rig: &Rig, id: &RecordingId) {
    eventually(LONG, "the recording is confirmed", || {
        rig.recording(id).sessions.iter().find_map(|session| session.confirmed)
    });
}

/// Nothing of it can be billed any more.
fn stopped(rig: &Rig, id: &RecordingId) {
    eventually(LONG, "the stop is proved", || {
        let recording = rig.recording(id);
        (recording.stop.is_some() && recording.sessions.iter().all(|one| !one.is_billed())).then_some(())
    });
}

fn ready(rig: &Rig, status: u16) -> Answer {
    eventually(LONG, "it says whether it can write", || {
        rig.http.try_get("/readyz").filter(|answer| answer.status == status)
    })
}

fn asked(rig: &Rig, channel: &str) -> Answer {
    rig.http.post("/api/v1/recordings", &Rig::request(channel), &[("idempotency-key", rig.key())])
}

/// A press of stop as a page makes it: with the calls that follow from it.
fn press_stop(rig: &Rig, page: &Controller, id: &RecordingId) -> Answer {
    eventually(LONG, "the page acts for it", || page.holds(id).then_some(()));
    rig.stop(id)
}

#[test]
fn d9_on_a_full_disk_a_stop_goes_out_starts_are_refused_and_nothing_is_lost_when_it_returns() {
    let mut rig = Rig::start(Options::default());
    rig.kill_proxy();
    rig.start_proxy_on_a_disk_that_fills(true);
    let page = Controller::open(rig.address(), 1);
    let (first, second) = (rig.ask("lesson-1", None), rig.ask("lesson-2", None));
    confirmed(&rig, &first);
    confirmed(&rig, &second);
    rig.set_room(false);
    let unready = ready(&rig, 503);
    assert_eq!(unready.kind(), "journal_unwritable");
    let refused = asked(&rig, "lesson-3");
    assert_eq!((refused.status, refused.kind().as_str()), (503, "journal_unwritable"));
    assert!(refused.body.contains("nothing was done"), "{}", refused.body);

    assert_eq!(press_stop(&rig, &page, &first).status, 200);
    stopped(&rig, &first);
    let live = rig.ledger().sessions.into_iter().filter(|session| session.live).count();
    assert_eq!(live, 1, "the service was told, and the other one runs on");
    let unwritten =
        eventually(LONG, "the page is told", || page.with(|client, _| client.unwritten().cloned()));
    assert!(unwritten.held > 0 && unwritten.recordings.contains(&first), "{unwritten:?}");
    let shown = rig.journal(&first);
    assert!(shown.iter().any(|entry| entry.held), "what is not recorded is marked");

    rig.set_room(true);
    ready(&rig, 200);
    eventually(LONG, "the page is told", || {
        page.with(|client, _| client.unwritten().is_none().then_some(()))
    });
    rig.kill_proxy();
    rig.start_proxy();
    let written = rig.journal(&first);
    assert_eq!(written[..shown.len()], shown[..], "all of it is in the journal");
    assert_eq!(asked(&rig, "lesson-3").status, 201);
    assert_eq!(rig.stop(&second).status, 200);
    stopped(&rig, &second);
    rig.agree().expect("it agrees");
}

#[test]
fn d9_a_desk_that_is_started_on_a_full_disk_stops_what_runs_and_says_what_it_could_not_write() {
    let mut rig = Rig::start(Options::default());
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson-1", None);
    confirmed(&rig, &id);
    drop(page);
    rig.kill_proxy();
    rig.start_proxy_on_a_disk_that_fills(false);
    let page = Controller::open(rig.address(), 2);
    assert_eq!(rig.stop(&id).status, 200);
    eventually(LONG, "the page acts for it and the service is told", || {
        rig.ledger().sessions.iter().all(|session| !session.live).then_some(())
    });
    drop(page);
    let (status, said) = rig.end_proxy();
    assert_eq!(status, Some(0));
    assert!(said.contains("not recorded, and lost: a stop was asked for"), "{said}");
}

#[test]
fn d9_what_was_answered_survives_a_kill_at_any_instant() {
    let mut rig = Rig::start(Options::default());
    let ids: Vec<RecordingId> =
        (0..3_u32).map(|number| rig.adopt("math-7b", 900_100 + number, &format!("{number:032x}"))).collect();
    let mut chance = Chance::new(7);
    let answered: Mutex<Vec<(RecordingId, EntryNumber, String)>> = Mutex::default();
    for _ in 0..KILLS {
        let over = AtomicBool::new(false);
        let http = rig.http.clone();
        thread::scope(|threads| {
            for (hand, id) in ids.iter().enumerate() {
                let (http, over, answered) = (http.clone(), &over, &answered);
                threads.spawn(move || {
                    let policies = ["swift", "patient"];
                    for press in hand.. {
                        if over.load(Ordering::SeqCst) {
                            return;
                        }
                        let body = json!({ "policy": policies[press % 2] });
                        let path = format!("/api/v1/recordings/{id}/policy");
                        // What is not answered may be there or not.
                        if let Some(answer) = http.try_post(&path, &body, &[])
                            && answer.status == 200
                        {
                            let number = answer.read::<Written>().number;
                            let mut answered = answered.lock().expect("nobody fell over");
                            answered.push((id.clone(), number, policies[press % 2].to_owned()));
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(100 + chance.below(400)));
            rig.kill_proxy();
            over.store(true, Ordering::SeqCst);
        });
        rig.start_proxy();
    }
    let answered = answered.into_inner().expect("nobody fell over");
    assert!(answered.len() > KILLS * 3, "{}", answered.len());
    for id in &ids {
        let journal = rig.journal(id);
        assert!(journal.iter().zip(1..).all(|(entry, number)| entry.number == number), "without a gap");
        for (_, number, policy) in answered.iter().filter(|(of, ..)| of == id) {
            // A press that changes nothing is answered with the newest entry.
            let then = journal[..*number as usize].iter().rev().find_map(|entry| match &entry.fact {
                Fact::PolicyChanged(changed) => Some(changed.name.as_str()),
                _ => None,
            });
            assert_eq!(then.unwrap_or("patient"), policy, "entry {number} of {id} was answered");
        }
    }
    rig.kill_proxy();
    let (status, said) = rig.command("verify", &[]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn d9_a_desk_that_is_started_on_a_read_only_disk_stops_what_runs_and_writes_it_down_when_it_may() {
    let mut rig = Rig::start(Options::default());
    let _page = Controller::open(rig.address(), 1);
    let (first, second) = (rig.ask("lesson-1", None), rig.ask("lesson-2", None));
    confirmed(&rig, &first);
    confirmed(&rig, &second);
    // Not in order: what was written last is in the log beside the file.
    rig.kill_proxy();
    rig.start_proxy_where_nothing_may_be_written();
    assert_eq!(ready(&rig, 503).kind(), "journal_unwritable");
    let refused = asked(&rig, "lesson-3");
    assert_eq!((refused.status, refused.kind().as_str()), (503, "journal_unwritable"));
    assert!(refused.body.contains("may not be written"), "{}", refused.body);
    // Nobody acts for it yet, and nobody may begin to; whoever stops it does.
    assert_eq!(rig.stop(&first).status, 200);
    stopped(&rig, &first);
    let shown = rig.journal(&first);

    rig.let_everything_be_written();
    ready(&rig, 200);
    assert_eq!(rig.stop(&second).status, 200);
    stopped(&rig, &second);
    rig.kill_proxy();
    rig.start_proxy();
    assert_eq!(rig.journal(&first)[..shown.len()], shown[..], "all of it is in the journal");
    rig.agree().expect("it agrees");
}

#[test]
fn a_second_desk_on_a_journal_is_refused_also_where_it_could_only_read_it() {
    let rig = Rig::start(Options::default());
    let mut command = rig.serving();
    rig.as_somebody_who_may_not_write(&mut command);
    let output = command.output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    rig.let_everything_be_written();
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn a_damaged_entry_sets_its_recording_aside_and_the_others_go_on() {
    let mut rig = Rig::start(Options::default());
    let page = Controller::open(rig.address(), 1);
    let (bad, good) = (rig.ask("lesson-bad", None), rig.ask("lesson-good", None));
    confirmed(&rig, &bad);
    confirmed(&rig, &good);
    assert_eq!(rig.end_proxy().0, Some(0));
    let sid =
        rig.ledger().sessions.iter().find(|one| one.cname == "lesson-bad").expect("it runs").sid.clone();
    // Whoever closes it puts the log into the file.
    assert_eq!(rig.command("verify", &[]).0, Some(0));
    let file = rig.folder().join("tallylight.db");
    let mut bytes = std::fs::read(&file).expect("the journal");
    let at = bytes.windows(sid.len()).rposition(|window| window == sid.as_bytes()).expect("it is there");
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(&file, bytes).expect("written");
    let (status, said) = rig.command("verify", &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("is damaged: it is not what was written"), "{said}");

    rig.start_proxy();
    eventually(LONG, "a page that read it while it was whole forgets it", || {
        let known = |client: &Client| client.recordings().get(&bad).is_some_and(|one| one.unreadable);
        page.with(|client, _| known(client)).then_some(())
    });
    let setup: Setup = rig.http.get("/api/v1/setup");
    assert_eq!(setup.damaged, std::slice::from_ref(&bad));
    assert!(rig.recording(&bad).unreadable, "nothing is done for it");
    let journal = rig.journal(&bad);
    assert!(journal.iter().any(|entry| entry.fact.damage().is_some()), "and its journal says where");
    assert!(!rig.recording(&good).unreadable);
    assert_eq!(press_stop(&rig, &page, &good).status, 200);
    stopped(&rig, &good);
    eventually(LONG, "the page was offered it and left it", || {
        page.with(|client, _| client.complete()).then_some(())
    });
    assert!(!page.holds(&bad));
}

#[test]
fn a_copy_is_made_while_the_desk_runs_and_goes_on_where_it_was_made() {
    let mut rig = Rig::start(Options::default());
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson-1", None);
    confirmed(&rig, &id);
    let copy = rig.folder().join("copy.db");
    let copied = ["--to", copy.to_str().expect("a plain path"), "--server", rig.address()];
    let (status, said) = rig.command("backup", &copied);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("read back without damage"), "{said}");
    let (status, said) = rig.command("backup", &copied);
    assert_eq!(status, Some(1), "nothing is written over: {said}");
    let (status, said) = rig.command("verify", &[]);
    assert_eq!((status, said.contains("make a copy")), (Some(1), true), "{said}");
    let before = rig.journal(&id);
    drop(page);
    rig.end_proxy();
    // While none runs it is copied as well.
    let cold = rig.folder().join("cold.db");
    let (status, said) = rig.command("backup", &["--to", cold.to_str().expect("a plain path")]);
    assert_eq!(status, Some(0), "{said}");

    // The copy in the place of the journal, and the recording is stopped from there.
    std::fs::rename(&copy, rig.folder().join("tallylight.db")).expect("in its own folder");
    rig.start_proxy();
    let after = rig.journal(&id);
    let common = after.len().min(before.len());
    assert!(common > 5);
    assert_eq!(after[..common], before[..common]);
    let page = Controller::open(rig.address(), 2);
    assert_eq!(press_stop(&rig, &page, &id).status, 200);
    stopped(&rig, &id);
}

#[test]
fn asked_to_end_it_waits_for_the_answer_of_a_start_and_writes_it() {
    let mut rig = Rig::start(Options { clock_rate: 1, ..Options::default() });
    rig.fault(&json!({ "fault": "delay", "operation": "start", "times": 1, "delay_ms": 1_200 }));
    let page = Controller::open(rig.address(), 1);
    let id = rig.ask("lesson-1", None);
    eventually(LONG, "the start is out", || rig.requests(Operation::Start).into_iter().next());
    let (status, said) = rig.end_proxy();
    assert_eq!(status, Some(0), "{said}");
    drop(page);
    rig.start_proxy();
    assert!(rig.recording(&id).sessions[0].sid.is_some(), "its sid is known");
    let cut = |fact: &Fact| matches!(fact, Fact::CallUnanswered(one) if one.cause == UnansweredCause::ProxyRestarted);
    assert!(!rig.journal(&id).iter().any(|entry| cut(&entry.fact)), "no call was cut");
}
