//! What a client must not do is refused, and nothing of it is written or sent.

use std::time::Duration;

use client::CommandContext;
use process_tests::{Answer, Controller, Http, Options, Rig, eventually};
use rules::RecordingId;
use serde_json::{Value, json};

struct Board {
    rig: Rig,
    acting: CommandContext,
    other: CommandContext,
    id: RecordingId,
    pages: [Controller; 2],
}

/// One recording that is confirmed, so that nothing is due for a while; one page acts for it, another looks on.
fn board() -> Board {
    let rig = Rig::start(Options::default());
    let pages = [1, 2].map(|seed| Controller::open(rig.address(), seed));
    let id = rig.ask("lesson", None);
    eventually(Duration::from_secs(30), "the recording is confirmed and records", || {
        let recording = rig.recording(&id);
        let session = recording.sessions.first()?;
        let quiet = session.query.open.is_none() && session.good_answers > 0 && session.recorded;
        (session.confirmed.is_some() && quiet).then_some(())
    });
    let proof = |page: &Controller| page.with(|client, _| client.command_context()).expect("it is connected");
    let acts = |page: &&Controller| page.holds(&id);
    let acting = proof(pages.iter().find(acts).expect("one of them acts"));
    let other = proof(pages.iter().find(|page| !page.holds(&id)).expect("the other one looks on"));
    Board { rig, acting, other, id, pages }
}

impl Board {
    fn call(&self, context: &CommandContext, change: impl FnOnce(&mut Value)) -> Answer {
        let mut call = json!({
            "after": self.rig.recording(&self.id).last, "session": 1, "operation": "query", "domain": "primary",
            "rule": "M1", "attempt": { "number": 1 },
        });
        change(&mut call);
        self.rig.http.post(&format!("/api/v1/recordings/{}/calls", self.id), &call, &Http::proof(context))
    }

    fn decide(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let mut decision = json!({
            "after": self.rig.recording(&self.id).last, "kind": { "lost": 1 }, "rule": "M3", "evidence": [],
        });
        change(&mut decision);
        let path = format!("/api/v1/recordings/{}/decisions", self.id);
        self.rig.http.post(&path, &decision, &Http::proof(&self.acting))
    }

    fn sizes(&self) -> (usize, usize) {
        (self.rig.ledger().requests.len(), self.rig.journal(&self.id).len())
    }
}

fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
}

#[test]
fn forged_calls_and_decisions_change_nothing() {
    let board = board();
    let before = board.sizes();
    let (acting, other) = (board.acting.clone(), board.other.clone());

    // Somebody else's words.
    refused(&board.call(&acting, |call| call["sid"] = json!("0123456789abcdef")), 422);
    refused(&board.call(&acting, |call| call["session"] = json!(7)), 422);
    refused(&board.call(&acting, |call| call["operation"] = json!("delete")), 422);
    // Somebody else's lease.
    refused(&board.call(&other, |_| {}), 403);
    let stolen = CommandContext { client: acting.client, secret: other.secret.clone() };
    refused(&board.call(&stolen, |_| {}), 403);
    let guessed = CommandContext { client: acting.client, secret: String::new() };
    refused(&board.call(&guessed, |_| {}), 403);
    let path = format!("/api/v1/recordings/{}/calls", board.id);
    let call = json!({
        "after": 1, "session": 1, "operation": "query", "domain": "primary", "rule": "M1", "attempt": { "number": 1 },
    });
    refused(&board.rig.http.post(&path, &call, &[]), 403);
    // What has been overtaken.
    let stale = board.call(&acting, |call| call["after"] = json!(3));
    refused(&stale, 409);
    assert_eq!(stale.kind(), "stale");
    // From the future.
    refused(&board.call(&acting, |call| call["after"] = json!(100_000)), 422);
    // A second start in the channel, with the resource ID that was used, or with another one.
    refused(&board.call(&acting, |call| call["operation"] = json!("start")), 422);
    let second = board.call(&acting, |call| {
        call["operation"] = json!("acquire");
        call["session"] = json!(2);
    });
    refused(&second, 422);
    // Nobody asked for a stop.
    refused(&board.call(&acting, |call| call["operation"] = json!("stop")), 422);
    // What the journal does not show.
    refused(&board.decide(|_| {}), 422);
    refused(
        &board.decide(|decision| decision["kind"] = json!({ "ended": { "session": 1, "how": "not_found" } })),
        422,
    );
    refused(&board.decide(|decision| decision["kind"] = json!({ "taken_as_ended": 1 })), 422);
    refused(&board.decide(|decision| decision["evidence"] = json!([1, 2, 3])), 422);

    assert_eq!(board.sizes(), before, "ledger and journal are unchanged");

    // A start after the stop.
    board.rig.stop(&board.id).read::<Value>();
    eventually(Duration::from_secs(30), "the session is over", || {
        let recording = board.rig.recording(&board.id);
        recording.sessions.iter().all(|session| session.over_at.is_some()).then_some(())
    });
    let before = board.sizes();
    for (operation, session) in [("acquire", 2), ("start", 1), ("start", 2)] {
        let answer = board.call(&acting, |call| {
            call["operation"] = json!(operation);
            call["session"] = json!(session);
        });
        assert!(matches!(answer.status, 403 | 422), "{operation}: {answer:?}");
    }
    assert_eq!(board.sizes(), before, "ledger and journal are unchanged");
    board.rig.agree().expect("it agrees");
    for page in board.pages {
        page.close();
    }
}
