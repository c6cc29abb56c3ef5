//! What the service notifies: whether the webhook works, setting it up, and the notifications that fit no session, from which
//! staff can adopt what an orphan may be (N1, N5, S9).

use agora::notification::EventType;
use agora::{ChannelName, Sid, Timestamp, Uid};
use leptos::prelude::*;
use rules::api::{AdoptOrphan, Capability, Problem, UnmatchedPage};
use rules::app_journal::AppFact;
use rules::board::UnmatchedCount;
use rules::{RecordingId, RuleId, SessionNumber};

use super::actions::{NO_BODY, Sending, opened, problem_banner};
use crate::desk::Desk;
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::age::{countdown, when};
use crate::parts::dialog::dialog;
use crate::parts::id::id;
use crate::parts::rule::rule_mark;
use crate::route::api;
use crate::socket::get;
use crate::tasks::{follow_on, spawn};
use crate::words;

/// How many unknown sessions are listed; a flood has more.
const SHOWN: usize = 20;

/// What came about one unknown session.
#[derive(Debug, Clone, PartialEq)]
struct Unknown {
    sid: Option<Sid>,
    channel: Option<ChannelName>,
    uid: Option<Uid>,
    /// Newest first.
    events: Vec<(EventType, Timestamp)>,
}

/// What was fetched about one App ID.
#[derive(Debug, Clone)]
struct Fetched {
    app: String,
    unknown: Vec<Unknown>,
    problem: Option<Problem>,
}

/// The dialog.
pub fn notices_dialog() -> Node {
    opened(|sending| {
        let desk = here().desk;
        let fetched: RwSignal<Vec<Fetched>> = RwSignal::new(Vec::new());
        follow_on(move |before: Option<Vec<(String, Option<UnmatchedCount>)>>| {
            let apps = apps(desk);
            let mut now = Vec::with_capacity(apps.len());
            for app in apps {
                let count = desk.with_board(&app, |board| board.facts().unmatched);
                let known = before.as_ref().is_some_and(|all| all.contains(&(app.clone(), count)));
                if !known {
                    fetch(app.clone(), fetched);
                }
                now.push((app, count));
            }
            now
        });
        move || {
            let mut body = el("div.body.notices").add(problem_banner(sending.problem));
            for app in apps(desk) {
                let of_it = fetched.with(|all| all.iter().find(|one| one.app == app).cloned());
                body = body.add(section(sending, desk, &app, of_it));
            }
            let close = move || sending.router.close_dialog();
            dialog("notices-title", words::notices::TITLE.into(), "wide", close, body.into()).into()
        }
    })
}

/// The names of the App IDs. Looked at again each second, as what is known about them changes.
fn apps(desk: Desk) -> Vec<String> {
    let _ = desk.clock.second();
    desk.setup.with(|setup| setup.iter().flat_map(|setup| &setup.apps).map(|app| app.name.clone()).collect())
}

fn fetch(app: String, fetched: RwSignal<Vec<Fetched>>) {
    spawn(async move {
        let (unknown, problem) = match get::<UnmatchedPage>(&api::unmatched(&app)).await {
            Ok(page) => (unknown_sessions(page), None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        // The dialog may be closed by now.
        let _ = fetched.try_update(|all| {
            all.retain(|one| one.app != app);
            all.push(Fetched { app, unknown, problem });
        });
    });
}

/// The notifications by what they are about, the newest first.
fn unknown_sessions(page: UnmatchedPage) -> Vec<Unknown> {
    let mut all: Vec<Unknown> = Vec::new();
    for entry in page.entries {
        let AppFact::Unmatched(unmatched) = entry.fact else { continue };
        let Some(read) = unmatched.read else { continue };
        let event = (read.event, read.sent_at.unwrap_or(entry.at));
        let known = all.iter_mut().find(|one| one.sid.is_some() && one.sid == read.sid);
        match known {
            Some(one) => {
                one.channel = one.channel.take().or(read.channel);
                one.uid = one.uid.or(read.uid);
                one.events.push(event);
            }
            None => {
                all.push(Unknown {
                    sid: read.sid,
                    channel: read.channel,
                    uid: read.uid,
                    events: vec![event],
                });
            }
        }
    }
    all
}

fn section(sending: Sending, desk: Desk, app: &str, fetched: Option<Fetched>) -> Element {
    let facts = desk.with_board(app, |board| board.facts().clone());
    let now = desk.clock.now();
    let setting_up = facts.setting_up.filter(|until| *until > now);
    let when = |at: Option<Timestamp>| match at {
        Some(_) => when(at),
        None => words::notices::NEVER.into(),
    };
    let mut list = el("dl.facts")
        .add(el("dt").add(words::notices::LAST))
        .add(el("dd").add(when(facts.notified)))
        .add(el("dt").add(words::notices::TESTED))
        .add(el("dd").add(when(facts.tested)));
    if setting_up.is_some() {
        list = list
            .add(el("dt").add(words::notices::SETTING_UP))
            .add(el("dd").add(countdown(setting_up)).add(" ").add(words::notices::LEFT));
    }
    let obstacle = sending.obstacle(desk, Capability::Lead);
    let path = api::set_up(app);
    let set_up = press(words::notices::SET_UP, obstacle, move || {
        sending.post(
            path.clone(),
            NO_BODY.to_owned(),
            words::said(words::notices::SET_UP_DONE),
            Box::new(|| ()),
        );
    });
    el("section")
        .key(app.to_owned())
        .add(el("h3").add(words::notices::of_app(app)))
        .add(facts.notified.is_none().then(|| el("p.meta").add(words::NO_WEBHOOK)))
        .add(list)
        .add(
            el("p.topline")
                .add(el("span.meta").add(words::notices::SET_UP_SAYS).add(" ").add(rule_mark(RuleId::N1)))
                .add(set_up),
        )
        .add(el("h4").add(words::notices::unmatched(facts.unmatched)))
        .add(unmatched(sending, desk, fetched))
}

fn unmatched(sending: Sending, desk: Desk, fetched: Option<Fetched>) -> Node {
    let Some(fetched) = fetched else { return el("p.meta").add(words::LOADING).into() };
    if let Some(problem) = fetched.problem {
        return el("p.meta").set("role", "alert").add(problem.title).into();
    }
    if fetched.unknown.is_empty() {
        return el("p.meta").add(words::notices::NONE_UNMATCHED).into();
    }
    let mut list = el("ul.unmatched");
    for unknown in fetched.unknown.iter().take(SHOWN) {
        list = list.add(line(sending, desk, unknown));
    }
    let more = fetched.unknown.len().saturating_sub(SHOWN);
    nodes![list, (more > 0).then(|| el("p.meta").add(words::more(more)))]
}

fn line(sending: Sending, desk: Desk, unknown: &Unknown) -> Element {
    let channel = unknown.channel.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut told = el("span.meta");
    for (place, (event, at)) in unknown.events.iter().take(4).enumerate() {
        told = told
            .add(if place == 0 { "" } else { ", " })
            .add(words::event(*event))
            .add(" ")
            .add(when(Some(*at)));
    }
    let head = el("p")
        .add(el("b").add(channel.clone()))
        .add(" ")
        .add(unknown.uid.map(|uid| words::told_uid(uid.get())))
        .add(" ")
        .add(unknown.sid.as_ref().map(|sid| id(sid.as_str(), &words::sid_of(&channel))));
    let mut item = el("li").add(head).add(told);
    let Some(sid) = &unknown.sid else { return item };
    let fitting = orphans(desk, unknown);
    if fitting.is_empty() {
        return item.add(el("p.meta").add(words::notices::FITS_NONE));
    }
    for (recording, session) in fitting {
        let body = serde_json::to_string(&AdoptOrphan { sid: sid.clone() }).unwrap_or_default();
        let path = api::adopt_orphan(&recording, session);
        let done = words::notices::adopted(&channel);
        let adopt = press(words::notices::ADOPT, sending.obstacle(desk, Capability::Operate), move || {
            sending.post(path.clone(), body.clone(), done.clone(), Box::new(|| ()));
        });
        item = item.add(
            el("p.topline")
                .add(
                    el("span")
                        .add(words::notices::may_be(&channel, session))
                        .add(" ")
                        .add(rule_mark(RuleId::S9)),
                )
                .add(adopt),
        );
    }
    item
}

/// The starts that it may be about: those that nobody waits for any more, and whose `sid` nobody knows.
fn orphans(desk: Desk, unknown: &Unknown) -> Vec<(RecordingId, SessionNumber)> {
    let (Some(channel), Some(uid)) = (&unknown.channel, unknown.uid) else { return Vec::new() };
    let mut fitting = Vec::new();
    desk.client.with_value(|client| {
        for (id, recording) in client.recordings() {
            for session in &recording.sessions {
                if session.start.open.is_none()
                    && rules::may_fit_orphan(recording, session.number, channel, uid)
                {
                    fitting.push((id.clone(), session.number));
                }
            }
        }
    });
    fitting
}

fn press(text: &'static str, obstacle: Option<String>, press: impl Fn() + 'static) -> Element {
    let blocked = obstacle.is_some();
    el("button.button")
        .set("type", "button")
        .set_some("aria-disabled", blocked.then_some("true"))
        .set_some("title", obstacle)
        .on("click", move |_| {
            if !blocked {
                press();
            }
        })
        .add(text)
}

#[cfg(test)]
mod tests {
    use super::unknown_sessions;
    use rules::api::UnmatchedPage;

    #[test]
    fn notifications_of_one_sid_are_one_line() {
        let entry = |number: u64, event: u16, sid: &str| {
            format!(
                r#"{{"number":{number},"at":{number},"by":"proxy","version":1,"fact":{{"Unmatched":{{"read":{{"notice":"n{number}","event":{event},"channel":"math","uid":7,"sid":"{sid}","sequence":1,"details":{{}}}}}}}}}}"#
            )
        };
        let (one, other) = ("a".repeat(32), "b".repeat(32));
        let entries = [entry(3, 31, &one), entry(2, 40, &other), entry(1, 40, &one)].join(",");
        let page =
            client::read::<UnmatchedPage>(&format!(r#"{{"entries":[{entries}],"kept":3,"dropped":0}}"#));
        let all = unknown_sessions(page.expect("the proxy's own form"));
        let counts: Vec<usize> = all.iter().map(|unknown| unknown.events.len()).collect();
        assert_eq!(counts, [2, 1]);
    }
}
