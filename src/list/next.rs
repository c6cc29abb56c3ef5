//! What a row says of a retry that waits: which try of how many, how long, and the ways to hurry it and to understand it.

use leptos::prelude::*;
use rules::RecordingId;
use rules::api::Capability;

use super::List;
use crate::clock::time_of_day;
use crate::dom::{Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::age::countdown;
use crate::route::{Route, Screen, api};
use crate::screens::actions::NO_BODY;
use crate::screens::board::Listed;
use crate::standing::{Group, Standing};
use crate::tasks::spawn;
use crate::words;

/// The retry chip in a row; none where the next call is the usual one.
pub fn waits(list: List, listed: &Listed) -> Option<Node> {
    if !matches!(listed.group, Group::Handled | Group::NeedsYou) || listed.row.due.is_none() {
        return None;
    }
    let coming = list.board.coming(&listed.id)?;
    let because = [
        words::standing::retry_title(&coming),
        words::standing::cause(coming.reason.cause, time_of_day),
        words::standing::then(&coming.reason, time_of_day),
    ];
    let title = words::list::next_try(&coming);
    let channel = &listed.row.channel;
    let why = el("a.button.plain")
        .set("href", Route::to(Screen::Beside(listed.id.clone())).href())
        .set("title", because.join(". "))
        .set("aria-label", words::list::why_of(channel))
        .add(words::list::WHY);
    Some(nodes![
        el("span.title").add(title).add(" ").add(words::IN).add(" ").add(countdown(coming.at)),
        el("span.buttons").add(now_button(list, listed)).add(why),
    ])
}

/// Asks at once instead of waiting. A stop that can still be taken back, and a start that has no session yet, are not hurried.
fn now_button(list: List, listed: &Listed) -> Node {
    let desk = here().desk;
    let stopping = listed.row.stop.is_none() || matches!(listed.standing, Standing::StopPending(_));
    if stopping || listed.row.sid.is_none() || !desk.may(Capability::Operate) {
        return Node::Nothing;
    }
    let id = listed.id.clone();
    let channel = listed.row.channel.clone();
    let obstacle = (!desk.live()).then_some(words::NO_ACTIONS);
    let busy = list.hurried.with(|hurried| hurried.contains(&id));
    el("button.button.plain")
        .set("type", "button")
        .set("aria-label", words::list::now_of(&channel))
        .set("title", obstacle.unwrap_or(words::ASK_NOW_COSTS))
        .set_some("aria-disabled", (busy || obstacle.is_some()).then_some("true"))
        .on("click", move |_| {
            if !busy && obstacle.is_none() {
                hurry(list, id.clone());
            }
        })
        .add(words::list::NOW)
        .into()
}

/// One press is one request: until it is answered the button is locked.
fn hurry(list: List, id: RecordingId) {
    let (socket, announcer) = (here().socket, here().announcer);
    here().desk.pause(false);
    if list.hurried.with_untracked(|hurried| hurried.contains(&id)) {
        return;
    }
    list.hurried.update(|hurried| hurried.push(id.clone()));
    spawn(async move {
        match socket.order(&api::command(&id, "hurry"), NO_BODY.to_owned(), None).await {
            Ok(()) => announcer.say(words::said(words::HURRIED)),
            Err(problem) => announcer.warn(problem.title),
        }
        list.hurried.update(|hurried| hurried.retain(|other| *other != id));
    });
}
