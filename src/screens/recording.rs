//! One recording: what happens, why, what comes next, and everything that has happened.

use std::sync::Arc;

use agora::{Operation, Timestamp};
use leptos::prelude::*;
use rules::api::{Capability, JournalPage, Problem};
use rules::journal::{By, Fact};
use rules::recording::{Phase, Session};
use rules::{Entry, EntryNumber, Recording, RecordingId, RuleId};

use super::actions::{Sending, problem_banner};
use super::board::coming_memo;
use crate::clock::{Clock, day_and_time, exact_time_of_day, time_of_day, zone};
use crate::desk::{Cell, Desk, Link};
use crate::history::{Call, End, History, SessionHistory};
use crate::parts::age::age;
use crate::parts::announcer::Announcer;
use crate::parts::banner::Banner;
use crate::parts::board::loading_rows;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::id::{copy_button, id as id_mark};
use crate::parts::lamps::lamps;
use crate::parts::panel::Panel;
use crate::parts::pips::pips;
use crate::parts::retry::{Retry, retry_chip};
use crate::parts::rule::rule_link;
use crate::parts::scale::{Mark, Step};
use crate::parts::state::{State, state_tag};
use crate::parts::timeline::{Item, Lane, Look, Timeline, timeline};
use crate::parts::window::{FailoverWindow, failover_window};
use crate::route::{Dialog, Route, Screen, api};
use crate::socket::{Socket, get};
use crate::standing::{self, Standing, shown_session};
use crate::words;

/// How many entries are shown before one asks for more.
const ENTRIES_SHOWN: usize = 100;

/// The screen.
#[component]
pub fn RecordingScreen(
    /// The recording.
    id: RecordingId,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let failed = RwSignal::new(None::<Problem>);
    let gone = RwSignal::new(None::<Cell>);
    desk.client.update_value(|client| client.open(&id));
    let closes = id.clone();
    on_cleanup(move || {
        desk.client.try_update_value(|client| client.close(&closes));
    });
    // Fetched when it is opened, and again after a reconnect if something is missing.
    let fetches = id.clone();
    let known = Memo::new(move |_| desk.complete.get() && desk.live());
    Effect::new(move |_| {
        if known.get() {
            socket.fetch_entries(fetches.clone(), failed);
        }
    });
    let cell_id = id.clone();
    let cell = Memo::new(move |_| {
        desk.ids.track();
        desk.cell(&cell_id).or_else(|| gone.get()).map(Same)
    });
    // One that ended before this page was opened is not on the stream.
    let ended_id = id.clone();
    Effect::new(move |_| {
        if known.get() && desk.cell(&ended_id).is_none() && gone.get_untracked().is_none() {
            let id = ended_id.clone();
            wasm_bindgen_futures::spawn_local(async move {
                match get::<Recording>(&api::recording(&id)).await {
                    Ok(recording) => {
                        gone.try_set(Some(ArcRwSignal::new(Arc::new(recording))));
                        socket.fetch_entries(id, failed);
                    }
                    Err(problem) => _ = failed.try_set(Some(problem)),
                }
            });
        }
    });
    move || {
        match cell.get() {
        Some(Same(cell)) => {
            // The title that stood here while the recording was awaited may have the focus: this one takes it over.
            if document().active_element().is_some_and(|active| active.id() == "recording-title") {
                request_animation_frame(|| super::shell::focus("recording-title"));
            }
            page(id.clone(), cell, failed).into_any()
        }
        None => match failed.get() {
            Some(problem) => view! {
                <h1 class="unseen" id="recording-title" tabindex="-1">{words::RECORDING}</h1>
                <Banner tone=Tone::Critical mark=Glyph::Critical>
                    <p><b>{words::CANNOT_SHOW}</b> " " {words::sentence(&problem.title)}</p>
                    <a class="button" href=Route::default().href()>{words::BACK_TO_LIST}</a>
                </Banner>
            }
            .into_any(),
            None => view! { <h1 class="unseen" id="recording-title" tabindex="-1">{words::LOADING}</h1> {loading_rows()} }.into_any(),
        },
    }
    }
}

/// Two cells are the same if they are of the same recording: what is in them is followed by itself.
#[derive(Clone)]
struct Same(Cell);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        self.0.with_untracked(|one| other.0.with_untracked(|two| one.id == two.id))
    }
}

fn page(id: RecordingId, cell: Cell, failed: RwSignal<Option<Problem>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let clock = desk.clock;
    let watched = cell.clone();
    let recording = Memo::new(move |_| watched.get());
    let history_id = id.clone();
    let entries = Memo::new(move |_| Arc::new(desk.entries_of(&history_id)));
    let history_of = id.clone();
    let history = Memo::new(move |_| entries.with(|entries| Arc::new(History::read(&history_of, entries))));
    let standing = Memo::new(move |_| recording.with(|recording| Standing::of(recording, clock.second())));
    let for_coming = cell.clone();
    let coming = coming_memo(desk, move || Some(for_coming.get()));
    let channel = recording.with_untracked(|recording| recording.channel.to_string());
    let state = Signal::derive(move || {
        let standing = standing.get();
        let (tone, glyph) = standing.look();
        let count = recording.with(|recording| {
            shown_session(recording, standing).map(|session| standing::failovers(recording, session))
        });
        let word = match (standing, count) {
            (Standing::InFailover(_), Some(count)) => words::in_failover(count.proved + 1, count.allowed),
            _ => words::standing::word(standing).to_owned(),
        };
        State { tone, glyph, word }
    });
    let sentence = Memo::new(move |_| {
        recording.with(|recording| {
            let standing = standing.get();
            words::standing::sentence(
                standing,
                recording,
                shown_session(recording, standing),
                coming.get().as_ref(),
                time_of_day,
            )
        })
    });
    announce(recording, standing);
    let answered = Signal::derive(move || {
        recording.with(|recording| {
            shown_session(recording, standing.get())
                .and_then(|session| session.last_answer)
                .map(|answer| answer.at)
        })
    });
    let shown =
        Memo::new(move |_| recording.with(|recording| shown_session(recording, standing.get()).cloned()));
    let lit = Signal::derive(move || shown.with(|session| standing::lamps(session.as_ref())));
    let ids = Memo::new(move |_| {
        shown.with(|session| {
            session.as_ref().map(|session| {
                (
                    session.sid.as_ref().map(ToString::to_string),
                    session.resource.as_ref().map(|resource| resource.id.to_string()),
                    words::lamp_times(session.accepted.map(time_of_day), session.confirmed.map(time_of_day)),
                )
            })
        })
    });
    let names = (words::sid_of(&channel), words::resource_of(&channel));
    let idline = move || {
        let (sid, resource, times) = ids.get()?;
        let (sid_name, resource_name) = names.clone();
        Some(view! {
            {lamps(lit, true)} <span>{times}</span>
            {sid.map(|sid| view! { <span>"sid " {id_mark(sid, sid_name)}</span> })}
            {resource.map(|resource| view! { <span>"resource ID " {id_mark(resource, resource_name)}</span> })}
        })
    };
    let stale = move || desk.link.get() != Link::Live;
    view! {
        <div class="recording">
            <div class="top">
                <nav class="crumbs" aria-label=words::WHERE>
                    <a href=Route::default().href()>{words::RECORDINGS}</a> " / " {channel.clone()}
                </nav>
                <div>
                    <div class="title">
                        <h1 id="recording-title" tabindex="-1">{channel.clone()}</h1> {state_tag(state)}
                        <span class="age" class:stale=stale>{move || answered.get().map(|_| words::LAST_ANSWER)} " " {age(answered)}</span>
                    </div>
                    <p class="sentence"><b>{move || sentence.with(|sentence| sentence.0.clone())}</b> " " {move || sentence.with(|sentence| sentence.1.clone())}</p>
                    <div class="idline">{idline}</div>
                </div>
                {actions(id.clone(), recording, standing)}
            </div>
            {alarms(id.clone(), recording)}
            <div class="columns">
                <div>
                    {retry(id.clone(), recording, standing, coming, history)} {window(recording, standing, history)}
                    {timeline_panel(history, recording, channel.clone())} {history_panel(history, recording)} {files_panel(history, recording)}
                    {journal_panel(entries, recording, failed)}
                </div>
                <div>
                    {deadlines_panel(shown, recording)} {failovers_panel(shown, recording)} {sessions_panel(history, recording, id.clone())} {asked_panel(recording, desk)}
                </div>
            </div>
        </div>
    }
}

/// Says it aloud when the recording that one looks at comes to another state.
fn announce(recording: Memo<Arc<Recording>>, standing: Memo<Standing>) {
    let Some(announcer) = use_context::<Announcer>() else { return };
    Effect::new(move |before: Option<&'static str>| {
        let word = words::standing::word(standing.get());
        if before.is_some_and(|before| before != word) {
            let channel = recording.with_untracked(|recording| recording.channel.to_string());
            announcer.say(format!("{channel}: {word}."));
        }
        word
    });
}

fn actions(id: RecordingId, recording: Memo<Arc<Recording>>, standing: Memo<Standing>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let sending = Sending::new();
    let stoppable =
        Memo::new(move |_| recording.with(|recording| recording.stop.is_none() && !recording.settled()));
    let waits = Memo::new(move |_| matches!(standing.get(), Standing::Waits(_)));
    let pending = Memo::new(move |_| matches!(standing.get(), Standing::StopPending(_)));
    let over = Memo::new(move |_| recording.with(|recording| recording.settled()));
    let here = Route::to(Screen::Recording(id.clone()));
    let (stop, again) =
        (here.with(Dialog::Stop(id.clone())).href(), here.with(Dialog::TryAgain(id.clone())).href());
    let channel = recording.with_untracked(|recording| recording.channel.to_string());
    let anew = here.with(Dialog::Start(Some(channel))).href();
    let withdraw_path = api::command(&id, "stop/withdraw");
    let withdraw = move |_| {
        if sending.obstacle(desk, Capability::Operate).is_none() {
            let path = withdraw_path.clone();
            let announcer = use_context::<Announcer>();
            sending.send(
                async move { socket.command::<serde_json::Value>(&path, &serde_json::json!({}), None).await },
                move |_| {
                    if let Some(announcer) = announcer {
                        announcer.say(words::STOP_WITHDRAWN.to_owned());
                    }
                },
            );
        }
    };
    view! {
        <div class="buttons">
            {move || waits.get().then(|| view! { <a class="button primary large" href=again.clone()>{words::TRY_AGAIN_DOTS}</a> })}
            {move || over.get().then(|| view! { <a class="button large" href=anew.clone()>{words::RECORD_AGAIN}</a> })}
            {move || {
                let withdraw = withdraw.clone();
                pending.get().then(|| view! { <button class="button primary large" type="button" on:click=withdraw>{words::UNDO_STOP}</button> })
            }}
            {move || stoppable.get().then(|| view! { <a class="button large apart" href=stop.clone()>{words::STOP_RECORDING_DOTS}</a> })}
            {problem_banner(sending.problem)}
        </div>
    }
}

/// What staff are to see about this recording.
fn alarms(id: RecordingId, recording: Memo<Arc<Recording>>) -> impl IntoView {
    let list =
        Memo::new(move |_| recording.with(|recording| recording.open_alarms().cloned().collect::<Vec<_>>()));
    move || {
        let here = Route::to(Screen::Recording(id.clone()));
        list.get()
            .into_iter()
            .map(|alarm| {
                let says = recording
                    .with_untracked(|recording| words::standing::alarm(&alarm, recording, time_of_day));
                let acknowledge = here.with(Dialog::Acknowledge(id.clone(), alarm.entry)).href();
                view! {
                    <Banner tone=Tone::Critical mark=Glyph::Critical boxed=true>
                        <p><b>{words::ALARM}</b> " " {says} " " {rule_link(alarm.rule)}</p>
                        <a class="button" href=acknowledge>{words::ACKNOWLEDGE}</a>
                    </Banner>
                }
            })
            .collect::<Vec<_>>()
    }
}

/// The next call, with its ladder.
fn retry(
    id: RecordingId,
    recording: Memo<Arc<Recording>>,
    standing: Memo<Standing>,
    coming: Memo<Option<standing::Coming>>,
    history: Memo<Arc<History>>,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let sending = Sending::new();
    let chip = Memo::new(move |_| {
        recording.with(|recording| {
            if recording.settled() || recording.waiting.is_some() {
                return None;
            }
            let standing = standing.get();
            let open = open_call(recording);
            let (tone, mark) = match standing.look() {
                (Tone::Recording, _) => (Tone::Neutral, Glyph::Passed),
                (Tone::Neutral, mark) => (Tone::Neutral, mark),
                (tone, _) => (tone, Glyph::Retry),
            };
            let coming = coming.get();
            if let Some((operation, _, rule)) = open.filter(|_| {
                coming.as_ref().is_none_or(|coming| coming.at.is_none_or(|at| at > desk.clock.second()))
            }) {
                return Some(Retry {
                    tone,
                    glyph: mark,
                    title: words::standing::operation(operation),
                    joint: words::SENDING.to_owned(),
                    due: None,
                    cause: words::ON_ITS_WAY.to_owned(),
                    rule,
                    then: words::gives_up(
                        recording.policy.answer_wait,
                        recording.policy.slow_answer_wait,
                        operation,
                    ),
                    steps: Vec::new(),
                    described: String::new(),
                });
            }
            let coming = coming?;
            let steps = history.with(|history| ladder_steps(history, &coming, desk.clock.second()));
            let described = words::ladder_described(&steps);
            Some(Retry {
                tone,
                glyph: mark,
                title: words::standing::retry_title(&coming),
                joint: if coming.at.is_some() { words::IN.to_owned() } else { words::NOW.to_owned() },
                due: coming.at,
                cause: words::standing::cause(coming.reason.cause, time_of_day),
                rule: coming.reason.rule,
                then: words::standing::then(&coming.reason, time_of_day),
                steps,
                described,
            })
        })
    });
    let path = api::command(&id, "hurry");
    let hurry_shown = move || {
        recording
            .with(|recording| recording.sessions.iter().any(Session::is_watched) && recording.stop.is_none())
    };
    let hurry_shown = Memo::new(move |_| hurry_shown());
    let actions = move || {
        let path = path.clone();
        let hurry = move |_| {
            if sending.obstacle(desk, Capability::Operate).is_some() {
                return;
            }
            let path = path.clone();
            sending.send(
                async move { socket.command::<serde_json::Value>(&path, &serde_json::json!({}), None).await },
                |_| {},
            );
        };
        let blocked = move || sending.obstacle(desk, Capability::Operate).is_some().then_some("true");
        view! {
            {move || {
                let hurry = hurry.clone();
                hurry_shown.get().then(|| view! { <button class="button" type="button" aria-disabled=blocked title=words::ASK_NOW_COSTS on:click=hurry>{words::ASK_NOW}</button> })
            }}
        }
        .into_any()
    };
    view! { {retry_chip(chip, actions)} {problem_banner(sending.problem)} }
}

fn open_call(recording: &Recording) -> Option<(Operation, Timestamp, RuleId)> {
    recording.sessions.iter().rev().find_map(|session| {
        [Operation::Stop, Operation::Start, Operation::Acquire, Operation::Query].into_iter().find_map(
            |operation| {
                let open = session.line(operation).open.as_ref()?;
                Some((operation, open.at, RuleId::D8))
            },
        )
    })
}

/// The tries of the run that goes on, and those to come.
fn ladder_steps(history: &History, coming: &standing::Coming, now: Timestamp) -> Vec<Step> {
    let operation = coming.call.operation;
    let session = coming.reason.session;
    let mut tried: Vec<&Call> = Vec::new();
    // The run: failures of this operation since the last success, of the same session where the reason names one.
    for call in history.calls.iter().rev().filter(|call| call.operation == operation) {
        let of_session = session.is_none_or(|session| session == call.session);
        match call.end {
            Some((_, End::Good)) => break,
            Some((_, End::Bad | End::Silent)) if of_session => tried.push(call),
            _ => {}
        }
        if tried.len() >= 6 {
            break;
        }
    }
    tried.reverse();
    if tried.is_empty() {
        return Vec::new();
    }
    let zero = tried.first().map_or(now, |call| call.sent);
    let after = |at: Timestamp| words::plus((at.millis() - zero.millis() + 500) / 1000);
    let mut steps: Vec<Step> =
        tried.iter().map(|call| Step { at: call.sent, mark: Mark::Miss, label: after(call.sent) }).collect();
    let due = coming.at.unwrap_or(now);
    steps.push(Step { at: due, mark: Mark::Due, label: after(due) });
    steps.extend(coming.reason.later.iter().take(4).map(|at| Step {
        at: *at,
        mark: Mark::Later,
        label: after(*at),
    }));
    steps
}

/// The failover window, while there is one.
fn window(
    recording: Memo<Arc<Recording>>,
    standing: Memo<Standing>,
    history: Memo<Arc<History>>,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| {
        let standing = standing.get();
        recording.with(|recording| {
            let (Standing::InDoubt(number) | Standing::InFailover(number) | Standing::StopWaits(number)) =
                standing
            else {
                return None;
            };
            let session = recording.session(number)?;
            let doubt = session.doubt?;
            let asked = history.with(|history| {
                history
                    .calls
                    .iter()
                    .filter(|call| call.session == number && call.operation == Operation::Query)
                    .filter(|call| call.end.is_some_and(|(at, _)| at >= doubt.t0))
                    .map(|call| {
                        (
                            call.sent.max(doubt.t0),
                            if matches!(call.end, Some((_, End::Good))) { Mark::Good } else { Mark::Miss },
                        )
                    })
                    .collect()
            });
            let now = desk.clock.second();
            let ahead = desk
                .planned(recording, now)
                .into_iter()
                .filter(|(_, call, _)| call.session == number && call.operation == Operation::Query)
                .flat_map(|(at, _, reason)| core::iter::once(at.max(now)).chain(reason.later))
                .collect();
            Some(FailoverWindow { t0: doubt.t0, asked, ahead })
        })
    });
    failover_window(shown.into())
}

fn timeline_panel(
    history: Memo<Arc<History>>,
    recording: Memo<Arc<Recording>>,
    channel: String,
) -> impl IntoView {
    let drawn = Memo::new(move |_| {
        history.with(|history| recording.with(|recording| to_timeline(history, recording)))
    });
    let described = Signal::derive(move || words::timeline_described(&channel));
    let empty = Memo::new(move |_| history.with(|history| history.calls.is_empty()));
    view! {
        <Panel id="t-timeline" title="Timeline" aside=|| view! { <span class="meta">{zone()}</span> }>
            {move || {
                if empty.get() { view! { <p class="quiet">{words::NO_CALLS_YET}</p> }.into_any() } else { timeline(drawn, described).into_any() }
            }}
        </Panel>
    }
}

fn to_timeline(history: &History, recording: &Recording) -> Timeline {
    let mut sessions = Vec::new();
    let mut files = Vec::new();
    let mut uids = Vec::new();
    for session in &history.sessions {
        let Some(accepted) = session.accepted else {
            sessions.push(Item::Stretch {
                from: session.begun,
                to: session.ended,
                look: Look::Doubt,
                label: words::session_starts(session.number),
            });
            continue;
        };
        let mut from = accepted;
        for (index, away) in session.away.iter().enumerate() {
            let label = if index == 0 {
                words::session(session.number)
            } else {
                words::leg_words(away_leg(session, index - 1))
            };
            sessions.push(Item::Stretch { from, to: Some(away.t0), look: Look::Leg, label });
            sessions.push(Item::Stretch {
                from: away.t0,
                to: Some(away.back),
                look: Look::Gap,
                label: words::tenths(away.back.millis() - away.t0.millis()),
            });
            if let Some(leg) = away.leg {
                files.push(Item::Stretch {
                    from: away.back,
                    to: session.ended,
                    look: Look::Leg,
                    label: format!("bak{leg}_"),
                });
                uids.push(Item::Stretch {
                    from: away.back,
                    to: session.ended,
                    look: Look::Leg,
                    label: words::RANDOM_UID.to_owned(),
                });
            }
            from = away.back;
        }
        let end = session.ended.or(session.doubt);
        let label = match session.away.len() {
            0 => words::session(session.number),
            count => words::leg_words(away_leg(session, count - 1)),
        };
        sessions.push(Item::Stretch { from, to: end, look: Look::Leg, label });
        if let (Some(t0), None) = (session.doubt, session.ended) {
            sessions.push(Item::Stretch {
                from: t0,
                to: None,
                look: Look::Doubt,
                label: words::EXPECTED_404.to_owned(),
            });
        }
        let first_away = session.away.iter().find(|away| away.leg.is_some()).map(|away| away.t0);
        let original_end = first_away.or(session.ended).or(session.doubt);
        files.insert(
            0,
            Item::Stretch {
                from: accepted,
                to: original_end,
                look: Look::Leg,
                label: words::NO_PREFIX.to_owned(),
            },
        );
        uids.insert(
            0,
            Item::Stretch {
                from: accepted,
                to: original_end,
                look: Look::Leg,
                label: session.uid.to_string(),
            },
        );
    }
    let calls = |wanted: fn(Operation) -> bool| -> Vec<Item> {
        let mut doubted = false;
        history
            .calls
            .iter()
            .filter(|call| wanted(call.operation))
            .map(|call| {
                let mark = match call.end {
                    Some((_, End::Good)) if doubted || call.operation != Operation::Query => Mark::Good,
                    Some((_, End::Good)) => Mark::Hit,
                    Some((_, End::Bad | End::Silent)) => Mark::Miss,
                    None => Mark::Later,
                };
                doubted = matches!(call.end, Some((_, End::Bad | End::Silent)));
                Item::Point { at: call.sent, mark }
            })
            .collect()
    };
    let decisions = history
        .decisions
        .iter()
        .map(|(at, rule, _)| Item::Text { at: *at, text: rule.to_string() })
        .collect();
    let people = history.people.iter().map(|(at, _)| Item::Point { at: *at, mark: Mark::Person }).collect();
    let until = recording.settled().then_some(history.last).flatten();
    Timeline {
        from: history.begun.unwrap_or(recording.asked_at),
        until,
        lanes: vec![
            Lane { name: "Session", items: sessions },
            Lane { name: "Files", items: files },
            Lane { name: "Recorder UID", items: uids },
            Lane { name: "Starts and stops", items: calls(|operation| operation != Operation::Query) },
            Lane { name: "Queries", items: calls(|operation| operation == Operation::Query) },
            Lane { name: "Decisions", items: decisions },
            Lane { name: "People", items: people },
        ],
    }
}

fn away_leg(session: &SessionHistory, index: usize) -> Option<u8> {
    session.away.get(index).and_then(|away| away.leg)
}

fn history_panel(history: Memo<Arc<History>>, recording: Memo<Arc<Recording>>) -> impl IntoView {
    let rows = move || {
        let allowed = recording.with(|recording| recording.policy.failovers);
        history.with(|history| {
            let mut rows = Vec::new();
            for session in &history.sessions {
                let mut proved = 0;
                for away in &session.away {
                    let name = match away.leg {
                        Some(leg) => {
                            proved = proved.max(u32::from(leg) + 1);
                            words::failover_of(u32::from(leg) + 1, allowed)
                        }
                        None => words::INTERRUPTION.to_owned(),
                    };
                    let (tone, mark) = if away.leg.is_some() { (Tone::Failover, Glyph::Failover) } else { (Tone::Neutral, Glyph::Unknown) };
                    let bounds = words::not_recorded(away.t0, away.back, away.last_good);
                    let files = away.leg.map_or_else(|| words::NO_NEW_FILES.to_owned(), |leg| format!("bak{leg}_"));
                    let uid = if away.leg.is_some() { words::RANDOM_NOT_TOLD } else { words::UID_UNCHANGED };
                    rows.push(
                        view! {
                            <tr>
                                <th scope="row"><span class="state" data-tone=tone.name()>{glyph(mark)} {name}</span><small>{words::session(session.number)}</small></th>
                                <td>{time_of_day(away.t0)}</td>
                                <td>{time_of_day(away.back)}<small>{words::standing::back_after((away.back.millis() - away.t0.millis()) / 1000)}</small></td>
                                <td class="num"><b>{bounds.0}</b><small>{bounds.1} " " {rule_link(RuleId::F6)}</small></td>
                                <td>{files}<small>{words::after_uid(session.uid.get(), uid)}</small></td>
                                <td>{words::failover_evidence(away.evidence, away.leg)} " " {rule_link(if away.leg.is_some() { RuleId::F1 } else { RuleId::M4 })}</td>
                            </tr>
                        }
                        .into_any(),
                    );
                }
                if let (Some(t0), None) = (session.doubt, session.ended) {
                    let until = time_of_day(t0 + agora::limits::FAILOVER_TOTAL);
                    let name = words::failover_of(proved + 1, allowed);
                    rows.push(
                        view! {
                            <tr>
                                <th scope="row"><span class="state" data-tone=Tone::Failover.name()>{glyph(Glyph::Ahead)} {words::capital(&name)}</span><small>{words::session(session.number)}</small></th>
                                <td>{time_of_day(t0)}</td>
                                <td>{words::RUNNING}<small>{words::until_latest(&until)}</small></td>
                                <td class="num"><b>{words::NOT_KNOWN}</b></td>
                                <td>{format!("bak{proved}_")}<small>{words::after_uid(session.uid.get(), words::RANDOM_NOT_TOLD)}</small></td>
                                <td>{words::FIRST_404_ONLY} " " {rule_link(RuleId::M2)}</td>
                            </tr>
                        }
                        .into_any(),
                    );
                }
            }
            rows
        })
    };
    let rows = Memo::new(move |_| {
        history.with(|history| {
            history.sessions.iter().any(|session| {
                !session.away.is_empty() || (session.doubt.is_some() && session.ended.is_none())
            })
        })
    })
    .with_and(rows);
    view! {
        <Panel id="t-history" title="Failover history" flush=true aside=|| view! { <span class="meta">{words::KEPT_FOR_EVER}</span> }>
            {rows}
        </Panel>
    }
}

/// A table once there is something for it, and a sentence before.
trait WithAnd {
    fn with_and(self, rows: impl Fn() -> Vec<AnyView> + Send + Sync + 'static) -> AnyView;
}

impl WithAnd for Memo<bool> {
    fn with_and(self, rows: impl Fn() -> Vec<AnyView> + Send + Sync + 'static) -> AnyView {
        let rows = StoredValue::new(rows);
        (move || {
            if self.get() {
                view! {
                    <div class="scroll" tabindex="0" role="region" aria-label=words::TABLE_OF_FAILOVERS>
                        <table class="table">
                            <thead>
                                <tr>
                                    <th scope="col">"Failover"</th>
                                    <th scope="col">"First 404"</th>
                                    <th scope="col">"Back"</th>
                                    <th scope="col" class="num">"Not recorded"</th>
                                    <th scope="col">"Files and recorder UID"</th>
                                    <th scope="col">"Evidence"</th>
                                </tr>
                            </thead>
                            <tbody>{move || rows.with_value(|rows| rows())}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            } else {
                view! { <p class="quiet padded">{words::NO_FAILOVER_YET}</p> }.into_any()
            }
        })
        .into_any()
    }
}

fn files_panel(history: Memo<Arc<History>>, recording: Memo<Arc<Recording>>) -> impl IntoView {
    let files = Memo::new(move |_| {
        history.with(|history| {
            recording.with(|recording| {
                history
                    .sessions
                    .iter()
                    .flat_map(|session| index_files(session, recording))
                    .collect::<Vec<_>>()
            })
        })
    });
    let all = Signal::derive(move || {
        files.with(|files| {
            files
                .iter()
                .filter(|file| file.expected)
                .map(|file| file.name.clone())
                .collect::<Vec<_>>()
                .join("\n")
        })
    });
    let any = Memo::new(move |_| files.with(|files| !files.is_empty()));
    let rows = move || {
        files
            .get()
            .into_iter()
            .map(|file| {
                let (prefix, rest) = split_prefix(&file.name);
                let copied = words::index_file_of(&file.leg, file.session);
                view! {
                    <tr>
                        <th scope="row" class="file">{prefix.map(|prefix| view! { <b>{prefix}</b> })} {rest}</th>
                        <td>{file.leg}<small>{words::session(file.session)}</small></td>
                        <td>{file.known}<small>{file.more}</small></td>
                        <td class="num">{copy_button(file.name, copied)}</td>
                    </tr>
                }
            })
            .collect::<Vec<_>>()
    };
    view! {
        <Panel
            id="t-files"
            title="Files"
            flush=true
            aside=move || any.get().then(|| view! { <span class="meta">{words::COPY_ALL}</span> {copy_button(all, words::ALL_FILE_NAMES.to_owned())} })
        >
            {move || {
                if any.get() {
                    view! {
                        <div class="scroll" tabindex="0" role="region" aria-label=words::TABLE_OF_FILES>
                            <table class="table">
                                <thead>
                                    <tr>
                                        <th scope="col">"Index file"</th>
                                        <th scope="col">"Leg"</th>
                                        <th scope="col">"Known from"</th>
                                        <th scope="col"><span class="unseen">"Copy"</span></th>
                                    </tr>
                                </thead>
                                <tbody>{rows}</tbody>
                            </table>
                        </div>
                    }
                    .into_any()
                } else {
                    view! { <p class="quiet padded">{words::NO_FILES_YET}</p> }.into_any()
                }
            }}
        </Panel>
    }
}

/// An index file, expected or confirmed.
#[derive(Debug, Clone, PartialEq)]
struct IndexFile {
    session: u16,
    name: String,
    leg: String,
    known: &'static str,
    more: String,
    /// It exists, as far as anybody can know.
    expected: bool,
}

fn split_prefix(name: &str) -> (Option<String>, String) {
    match agora::files::leg_of(name) {
        Some(leg) => {
            let prefix = format!("bak{leg}_");
            match name.split_once(&prefix) {
                Some(("", rest)) => (Some(prefix), rest.to_owned()),
                _ => (None, name.to_owned()),
            }
        }
        None => (None, name.to_owned()),
    }
}

/// F4: the names that a session's legs have, as far as they are known or can be spliced.
fn index_files(session: &SessionHistory, recording: &Recording) -> Vec<IndexFile> {
    let Some(sid) = &session.sid else { return Vec::new() };
    let index = agora::files::IndexOf {
        sid,
        cname: &recording.channel,
        mode: recording.mode,
        stream_types: agora::request::StreamTypes::default(),
        folders: &[],
    };
    let mut files = Vec::new();
    for leg in agora::files::Leg::all() {
        let number = match leg {
            agora::files::Leg::Original => 0,
            agora::files::Leg::Failover(index) => index + 1,
        };
        let leg_name = words::leg_name(leg);
        let confirmed: Vec<&String> =
            session.files.iter().filter(|file| agora::files::Leg::of(file) == leg).collect();
        if !confirmed.is_empty() {
            files.extend(confirmed.into_iter().map(|file| IndexFile {
                session: session.number,
                name: file.rsplit('/').next().unwrap_or(file).to_owned(),
                leg: leg_name.clone(),
                known: words::CONFIRMED,
                more: words::NAMED_BY_ANSWER.to_owned(),
                expected: true,
            }));
            continue;
        }
        let running = session.doubt.is_some() && session.ended.is_none();
        let expected = number <= session.failovers;
        // What only a further failover would write is worth a line while one may be running.
        if !(expected || running && number == session.failovers + 1) {
            continue;
        }
        let names = index.names(leg);
        let more = match (expected, names.len()) {
            (false, _) => words::ONLY_IF_FAILOVER.to_owned(),
            (true, 1) => words::SPLICED.to_owned(),
            (true, _) => words::EITHER_SPELLING.to_owned(),
        };
        files.extend(names.into_iter().map(|name| IndexFile {
            session: session.number,
            name,
            leg: leg_name.clone(),
            known: words::PREDICTED,
            more: more.clone(),
            expected,
        }));
    }
    files
}

fn journal_panel(
    entries: Memo<Arc<Vec<Entry>>>,
    recording: Memo<Arc<Recording>>,
    failed: RwSignal<Option<Problem>>,
) -> impl IntoView {
    let shown = RwSignal::new(ENTRIES_SHOWN);
    let missing = Memo::new(move |_| {
        let last = recording.with(|recording| recording.last);
        entries.with(|entries| entries.len() < last as usize)
    });
    let lines =
        move || entries.with(|entries| entries.iter().rev().take(shown.get()).cloned().collect::<Vec<_>>());
    let more =
        move || entries.with(|entries| entries.len().checked_sub(shown.get() + 1)).map(|more| more + 1);
    view! {
        <Panel id="t-journal" title="Journal" flush=true aside=move || view! { <span class="meta">{move || words::entries(entries.with(|entries| entries.len()))}</span> }>
            {move || {
                failed.get().map(|problem| {
                    view! {
                        <Banner tone=Tone::Caution mark=Glyph::Caution>
                            <p><b>{words::JOURNAL_FAILED}</b> " " {words::sentence(&problem.title)}</p>
                        </Banner>
                    }
                })
            }}
            {move || missing.get().then(|| view! { <p class="meta padded">{words::LOADING_ENTRIES}</p> })}
            <ol class="decisions journal">
                <For each=lines key=|entry| (entry.number, has_raw(entry)) children=move |entry| entry_line(recording.with_untracked(|recording| recording.id.clone()), entry) />
            </ol>
            {move || {
                more().map(|count| {
                    view! {
                        <p class="padded">
                            <button class="button" type="button" on:click=move |_| shown.update(|shown| *shown += ENTRIES_SHOWN)>{words::show_older(count)}</button>
                        </p>
                    }
                })
            }}
        </Panel>
    }
}

fn has_raw(entry: &Entry) -> bool {
    matches!(&entry.fact, Fact::CallAnswered(answered) if answered.raw.is_some())
}

/// An answer as it came. The stream leaves it out, so it is fetched when somebody wants to see it.
fn raw_later(id: RecordingId, number: EntryNumber) -> impl IntoView {
    let text = RwSignal::new(None::<String>);
    let fetch = move |_| {
        if text.with_untracked(Option::is_some) {
            return;
        }
        text.set(Some(words::LOADING_RAW.to_owned()));
        let path = api::journal(&id, number.saturating_sub(1));
        wasm_bindgen_futures::spawn_local(async move {
            let says = match get::<JournalPage>(&path).await {
                Ok(page) => {
                    page.entries
                        .into_iter()
                        .find(|entry| entry.number == number)
                        .and_then(|entry| {
                            if let Fact::CallAnswered(answered) = entry.fact { answered.raw } else { None }
                        })
                        .unwrap_or_else(|| words::RAW_GONE.to_owned())
                }
                Err(problem) => words::sentence(&problem.title),
            };
            text.try_set(Some(says));
        });
    };
    view! {
        <details on:toggle=fetch>
            <summary>{words::RAW_ANSWER}</summary>
            <pre tabindex="0">{move || text.get()}</pre>
        </details>
    }
}

fn entry_line(id: RecordingId, entry: Entry) -> impl IntoView {
    let (title, detail) = words::journal::fact(&entry.fact, time_of_day);
    let rule = match &entry.fact {
        Fact::CallSent(sent) => Some(sent.rule),
        Fact::Decided(decided) => Some(decided.rule),
        _ => None,
    };
    let why = match &entry.fact {
        Fact::Decided(decided) => words::journal::evidence(&decided.evidence),
        _ => String::new(),
    };
    let raw = match &entry.fact {
        Fact::CallAnswered(answered) => answered.raw.clone(),
        Fact::Unknown(value) => Some(value.to_string()),
        Fact::Notified(notified) => notified.raw.clone(),
        _ => None,
    };
    let later = matches!(&entry.fact, Fact::CallAnswered(answered) if answered.raw.is_none());
    let number = entry.number;
    let tone = entry_tone(&entry.fact);
    let by = match &entry.by {
        By::Proxy => String::new(),
        by => words::journal::by(by),
    };
    view! {
        <li id=format!("entry-{}", entry.number) data-tone=tone.name()>
            <time>{exact_time_of_day(entry.at)}</time> <span class="mark-cell">{rule.map(rule_link)}</span>
            <div>
                <b>{title}</b> " " <span class="meta">{words::entry_by(entry.number, &by)}</span>
                {(!detail.is_empty()).then(|| view! { <p>{detail}</p> })} {(!why.is_empty()).then(|| view! { <p>{why}</p> })}
                {raw.map(|raw| {
                    view! {
                        <details>
                            <summary>{words::RAW_ANSWER}</summary>
                            <pre tabindex="0">{raw}</pre>
                        </details>
                    }
                })}
                {later.then(|| raw_later(id, number))}
            </div>
        </li>
    }
}

fn entry_tone(fact: &Fact) -> Tone {
    match fact {
        Fact::CallAnswered(answered) if answered.answer.status != 200 => Tone::Caution,
        Fact::CallUnanswered(_) => Tone::Caution,
        Fact::Decided(decided) => match decided.kind {
            rules::journal::DecisionKind::Lost(_)
            | rules::journal::DecisionKind::NotStarted { .. }
            | rules::journal::DecisionKind::Alarm(_) => Tone::Critical,
            rules::journal::DecisionKind::InDoubt(_) | rules::journal::DecisionKind::Recovered(_) => {
                Tone::Failover
            }
            rules::journal::DecisionKind::Confirmed(_) => Tone::Recording,
            _ => Tone::Neutral,
        },
        _ => Tone::Neutral,
    }
}

fn deadlines_panel(shown: Memo<Option<Session>>, recording: Memo<Arc<Recording>>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let minute = Memo::new(move |_| Timestamp::from_millis(clock.second().millis() / 10_000 * 10_000));
    let over = Memo::new(move |_| recording.with(|recording| recording.settled()));
    let lines = move || {
        let now = minute.get();
        recording.with(|recording| {
            shown.with(|session| {
                let mut lines = Vec::new();
                lines.push(deadline(
                    words::IDLE_EXIT,
                    words::idle_exit(recording.max_idle_time),
                    0,
                    words::IDLE_EXIT_SAYS.to_owned(),
                    RuleId::I1,
                ));
                if let Some((ends, accepted)) = session.as_ref().and_then(|session| {
                    Some((session.control_ends(recording.control_hours)?, session.accepted?))
                }) {
                    let all = (ends.millis() - accepted.millis()).max(1);
                    let gone = (now.millis() - accepted.millis()).clamp(0, all);
                    let left = (all - gone) / 1000;
                    lines.push(deadline(
                        words::CONTROL,
                        words::more_time(left),
                        gone * 10_000 / all,
                        words::control_until(&day_and_time(ends), recording.control_hours),
                        RuleId::T6,
                    ));
                }
                lines
            })
        })
    };
    view! { <Panel id="t-deadlines" title="Deadlines">{move || {
        if over.get() {
            view! { <p class="quiet">{words::NO_DEADLINES}</p> }.into_any()
        } else {
            view! { <ul class="deadlines">{lines}</ul> }.into_any()
        }
    }}</Panel> }
}

fn deadline(name: &'static str, left: String, used: i64, says: String, rule: RuleId) -> impl IntoView {
    view! {
        <li data-tone=Tone::Neutral.name()>
            <span>{name}</span> <b>{left}</b>
            <svg aria-hidden="true">
                <rect class="track" width="100%" height="6" rx="3" />
                <rect class="use" width=crate::parts::scale::Place(used).percent() height="6" rx="3" />
            </svg>
            <small>{says} " " {rule_link(rule)}</small>
        </li>
    }
}

fn failovers_panel(shown: Memo<Option<Session>>, recording: Memo<Arc<Recording>>) -> impl IntoView {
    let count = Memo::new(move |_| {
        recording.with(|recording| {
            shown.with(|session| {
                session
                    .as_ref()
                    .filter(|session| session.sid.is_some())
                    .map(|session| standing::failovers(recording, session))
            })
        })
    });
    view! {
        <Panel id="t-failovers" title="Failovers used" aside=|| rule_link(RuleId::F1)>
            {move || match count.get() {
                Some(count) => {
                    view! {
                        <div class="topline">{pips(count, true)} <span class="quiet">{words::failovers_left(&count)}</span></div>
                        <p class="meta">{words::FAILOVERS_SAY}</p>
                    }
                    .into_any()
                }
                None => view! { <p class="quiet">{words::NO_SESSION_YET}</p> }.into_any(),
            }}
        </Panel>
    }
}

fn sessions_panel(
    history: Memo<Arc<History>>,
    recording: Memo<Arc<Recording>>,
    id: RecordingId,
) -> impl IntoView {
    let lines = move || {
        let here = Route::to(Screen::Recording(id.clone()));
        let (billed, orphans, next) = recording.with(|recording| {
            let billed: Vec<u16> = recording
                .sessions
                .iter()
                .filter(|session| session.is_billed())
                .map(|session| session.number)
                .collect();
            let orphans: Vec<u16> = recording
                .sessions
                .iter()
                .filter(|session| session.is_orphan())
                .map(|session| session.number)
                .collect();
            (billed, orphans, recording.uids.clone())
        });
        let twins = billed.len() > 1;
        let sessions: Vec<SessionHistory> = history.with(|history| history.sessions.clone());
        let last_uid = sessions.last().map(|session| session.uid);
        let mut lines: Vec<AnyView> = sessions
            .into_iter()
            .map(|session| {
                let (mark, says) = words::session_says(session.phase, session.failovers);
                let stop = (twins && billed.contains(&session.number)).then(|| {
                    let to = here.with(Dialog::StopSession(id.clone(), session.number)).href();
                    view! { <a class="button" href=to>{words::stop_this(session.number)}</a> }
                });
                let dismiss = orphans.contains(&session.number).then(|| {
                    let to = here.with(Dialog::Dismiss(id.clone(), session.number)).href();
                    view! { <a class="button" href=to>{words::DISMISS}</a> }
                });
                let tone = if matches!(session.phase, Phase::Lost | Phase::NotStarted) { Tone::Critical } else { Tone::Neutral };
                view! {
                    <li data-tone=tone.name()>
                        {glyph(mark)} <span class="mono">{session.uid.to_string()}</span> <span class="meta">{time_of_day(session.begun)}</span>
                        <small>{words::session(session.number)} ": " {says} " " {stop} {dismiss}</small>
                    </li>
                }
                .into_any()
            })
            .collect();
        let wanted = recording.with(|recording| recording.is_wanted() && !recording.settled());
        if wanted {
            let uid = if last_uid == Some(next.original) { next.backup } else { next.original };
            lines.push(
                view! {
                    <li class="ahead" data-tone=Tone::Neutral.name()>
                        {glyph(Glyph::Ahead)} <span class="mono">{uid.to_string()}</span> <span class="meta">{words::IF_LOST}</span>
                        <small>{words::NEXT_UID} " " {rule_link(RuleId::S11)}</small>
                    </li>
                }
                .into_any(),
            );
        }
        lines
    };
    view! { <Panel id="t-sessions" title="Sessions and recorder UIDs"><ol class="uids">{lines}</ol></Panel> }
}

fn asked_panel(recording: Memo<Arc<Recording>>, desk: Desk) -> impl IntoView {
    let facts = move || {
        recording.with(|recording| {
            let (known, perhaps) = recording.billed();
            let held = desk.held.with(|held| held.contains(&recording.id));
            let controller = recording.lease.as_ref().map_or_else(
                || words::NO_CONTROLLER.to_owned(),
                |lease| words::controller(&lease.holder, lease.epoch, held),
            );
            let mut uids = vec![recording.uids.original.to_string(), recording.uids.backup.to_string()];
            uids.extend(recording.uids.reserves.iter().map(ToString::to_string));
            let rows = vec![
                ("Asked by", format!("{}, {}", recording.asked_by, time_of_day(recording.asked_at))),
                ("Recording", recording.id.to_string()),
                ("App", recording.app.clone()),
                ("Mode", words::mode(recording.mode).to_owned()),
                ("Policy", recording.policy_name.clone()),
                ("UIDs", uids.join(", ")),
                ("maxIdleTime", format!("{} s", recording.max_idle_time)),
                ("Storage profile", recording.storage.clone()),
                ("Controller", controller),
                ("Billed now", words::standing::billed(known, perhaps)),
            ];
            rows.into_iter()
                .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
                .collect::<Vec<_>>()
        })
    };
    let refusal = move || {
        let refusal =
            desk.refusals.with(|refusals| recording.with(|recording| refusals.get(&recording.id).cloned()));
        refusal.filter(standing::worth_showing).map(|refusal| {
            view! { <p class="meta">{words::step_refused(&refusal.sentence, &time_of_day(refusal.at))} " " {refusal.rule.map(rule_link)}</p> }
        })
    };
    view! { <Panel id="t-asked" title="What was asked for"><dl class="facts">{facts}</dl>{refusal}</Panel> }
}
