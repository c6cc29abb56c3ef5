//! The list of recordings: what needs someone, what is being handled, what records, and what is over.

use std::cmp::Reverse;

use agora::Timestamp;
use leptos::prelude::*;
use rules::{Recording, RecordingId, RuleId};

use crate::clock::time_of_day;
use crate::desk::{Desk, Link};
use crate::parts::attention::{Handled, Need, attention, handled};
use crate::parts::board::{Line, Row, board, loading_rows};
use crate::parts::counts::{Facet, counts};
use crate::parts::icon::{Glyph, Icon, Tone, icon};
use crate::parts::lamps::Lamps;
use crate::parts::state::State;
use crate::route::{Dialog, Route, Router, Screen};
use crate::standing::{self, Coming, Group, Standing};
use crate::words;

/// What a recording is to the list: everything that its row, its group and its place are made of.
#[derive(Clone, PartialEq)]
struct Listed {
    id: RecordingId,
    standing: Standing,
    group: Group,
    row: Row,
    need: Vec<Need>,
    asked_at: Timestamp,
    searchable: String,
}

/// Which recordings the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// All that are not over, and those that are.
    #[default]
    All,
    /// One group.
    Only(GroupName),
    /// In failover or doubt.
    Failover,
    /// Being retried.
    Retrying,
    /// Lost.
    Lost,
}

/// A group by its name, to choose by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupName {
    /// Someone must act.
    NeedsYou,
    /// It records.
    Recording,
    /// It starts.
    Starting,
    /// It stops.
    Stopping,
    /// It is over.
    Ended,
}

impl Filter {
    fn shows(self, listed: &Listed) -> bool {
        let standing = listed.standing;
        match self {
            Self::All => true,
            Self::Only(GroupName::NeedsYou) => listed.group == Group::NeedsYou,
            Self::Only(GroupName::Recording) => matches!(standing, Standing::Records(_)),
            Self::Only(GroupName::Starting) => {
                matches!(standing, Standing::Starting | Standing::Unconfirmed(_))
            }
            Self::Only(GroupName::Stopping) => matches!(
                standing,
                Standing::Stopping(_)
                    | Standing::StopWaits(_)
                    | Standing::StopPending(_)
                    | Standing::Ending(_)
                    | Standing::TakenAsEnded(_)
            ),
            Self::Only(GroupName::Ended) => listed.group == Group::Ended,
            Self::Failover => matches!(standing, Standing::InFailover(_) | Standing::Twins),
            Self::Retrying => matches!(
                standing,
                Standing::InDoubt(_)
                    | Standing::Unclear(_)
                    | Standing::StartRetrying
                    | Standing::StopRetrying(_)
                    | Standing::Replacing
                    | Standing::WaitsForRoom
            ),
            Self::Lost => matches!(
                standing,
                Standing::Lost(_)
                    | Standing::Waits(
                        rules::journal::WaitingFor::Replacements
                            | rules::journal::WaitingFor::FailedReplacement
                    )
            ),
        }
    }
}

/// What the board keeps when one looks at something else.
#[derive(Clone, Copy)]
pub struct BoardState {
    filter: RwSignal<Filter>,
    search: RwSignal<String>,
    listed: Memo<Vec<(RecordingId, Memo<Option<Listed>>)>>,
}

impl BoardState {
    /// Follows the desk. It lives as long as the page, so that coming back to the list shows it at once.
    pub fn new(desk: Desk) -> Self {
        let memos =
            StoredValue::new(std::collections::BTreeMap::<RecordingId, (Owner, Memo<Option<Listed>>)>::new());
        let root = Owner::current().unwrap_or_default();
        let listed = Memo::new(move |_| {
            let ids = desk.ids.get();
            memos.update_value(|memos| {
                let gone: Vec<_> =
                    memos.keys().filter(|id| ids.binary_search(id).is_err()).cloned().collect();
                for id in gone {
                    if let Some((owner, _)) = memos.remove(&id) {
                        owner.cleanup();
                    }
                }
                for id in &ids {
                    if !memos.contains_key(id) {
                        let owner = root.child();
                        let memo = owner.with(|| listed_memo(desk, id.clone()));
                        memos.insert(id.clone(), (owner, memo));
                    }
                }
            });
            memos.with_value(|memos| {
                memos.iter().map(|(id, (_, memo))| (id.clone(), *memo)).collect::<Vec<_>>()
            })
        });
        Self { filter: RwSignal::new(Filter::All), search: RwSignal::new(String::new()), listed }
    }

    fn all(self) -> Vec<Listed> {
        self.listed.with(|listed| listed.iter().filter_map(|(_, memo)| memo.get()).collect())
    }

    fn count(self, filter: Filter) -> usize {
        self.listed.with(|listed| {
            listed
                .iter()
                .filter(|(_, memo)| {
                    memo.with(|listed| listed.as_ref().is_some_and(|listed| filter.shows(listed)))
                })
                .count()
        })
    }

    /// How many recordings need someone, and how many are not over: for the title of the page.
    pub fn numbers(self) -> (usize, usize) {
        self.listed.with(|listed| {
            let groups = || {
                listed
                    .iter()
                    .filter_map(|(_, memo)| memo.with(|listed| listed.as_ref().map(|listed| listed.group)))
            };
            (
                groups().filter(|group| *group == Group::NeedsYou).count(),
                groups().filter(|group| *group != Group::Ended).count(),
            )
        })
    }
}

/// What comes next for a recording; asked anew when it changed or when the instant has come.
pub fn coming_memo(
    desk: Desk,
    recording: impl Fn() -> Option<std::sync::Arc<Recording>> + Send + Sync + 'static,
) -> Memo<Option<Coming>> {
    let kept = StoredValue::new(None::<(u32, Option<Coming>)>);
    Memo::new(move |_| {
        let recording = recording()?;
        let now = desk.clock.tick();
        let kept_one = kept.try_get_value().flatten();
        // The rules are asked again when the journal went on, or when what they named is due.
        if let Some((last, coming)) = &kept_one
            && *last == recording.last
            && coming.as_ref().is_some_and(|coming| coming.at.is_some_and(|at| at > now))
        {
            return coming.clone();
        }
        let coming = standing::coming(desk.planned(&recording, now), now);
        kept.set_value(Some((recording.last, coming.clone())));
        coming
    })
}

fn listed_memo(desk: Desk, id: RecordingId) -> Memo<Option<Listed>> {
    let for_coming = id.clone();
    let coming = coming_memo(desk, move || desk.cell(&for_coming).map(|cell| cell.get()));
    Memo::new(move |_| {
        let recording = desk.cell(&id)?.get();
        // The clock moves a standing only at a few instants; the memo keeps an equal one from going further.
        let now = desk.clock.second();
        Some(listed(&recording, now, coming.get().as_ref()))
    })
}

fn listed(recording: &Recording, now: Timestamp, coming: Option<&Coming>) -> Listed {
    let standing = Standing::of(recording, now);
    let group = standing::group(recording, standing, now);
    let session = standing::shown_session(recording, standing);
    let (tone, glyph) = standing.look();
    let page = Route::to(Screen::Recording(recording.id.clone()));
    let over = group == Group::Ended;
    let stoppable = recording.stop.is_none() && !over;
    let starting =
        matches!(standing, Standing::Starting | Standing::StartRetrying | Standing::Unconfirmed(_));
    let until = session.and_then(|session| session.over_at);
    let since = session.and_then(|session| session.confirmed.or(session.accepted));
    let recovered = session
        .and_then(|session| session.interruptions.last())
        .filter(|away| {
            now.since(away.back) < core::time::Duration::from_secs(600)
                && matches!(standing, Standing::Records(_))
        })
        .map(|away| ("recovered".to_owned(), away.back));
    let (next, due) = next_words(recording, session, coming, over);
    let row = Row {
        id: recording.id.to_string(),
        href: page.href(),
        stop: stoppable.then(|| Route::default().with(Dialog::Stop(recording.id.clone())).href()),
        channel: recording.channel.to_string(),
        mode: words::mode(recording.mode).to_owned(),
        uid: session.map_or(recording.uids.original, |session| session.uid).to_string(),
        sid: session.and_then(|session| session.sid.as_ref()).map(ToString::to_string),
        state: State { tone, glyph, word: words::standing::word(standing).to_owned() },
        rule: words::standing::shown_rule(recording, standing, coming),
        says: words::standing::says(standing, recording, session, time_of_day),
        lamps: starting
            .then(|| standing::lamps(session))
            .filter(|lamps| *lamps != Lamps::Dark || session.is_some()),
        mark: recovered,
        since,
        until,
        failovers: session
            .filter(|session| session.sid.is_some())
            .map(|session| standing::failovers(recording, session)),
        probes: session.map(standing::probes).unwrap_or_default(),
        answer: session.and_then(last_answer),
        next,
        due,
        over,
    };
    let need = if group == Group::NeedsYou { needs(recording, standing, &row) } else { Vec::new() };
    let mut searchable =
        format!("{} {} {} {}", recording.channel, recording.id, row.state.word, recording.uids.backup);
    for session in &recording.sessions {
        searchable.push_str(&format!(" {}", session.uid));
        if let Some(sid) = &session.sid {
            searchable.push_str(&format!(" {sid}"));
        }
    }
    searchable.make_ascii_lowercase();
    Listed { id: recording.id.clone(), standing, group, row, need, asked_at: recording.asked_at, searchable }
}

fn last_answer(session: &rules::recording::Session) -> Option<(String, Timestamp)> {
    let query = session
        .last_answer
        .map(|answer| (answer.http.map_or_else(|| "none".to_owned(), |http| http.to_string()), answer.at));
    let other = [&session.start, &session.acquire].into_iter().find_map(|line| {
        let at = line.ended?;
        Some((words::outcome_code(line.outcome).to_owned(), at))
    });
    query.or(other)
}

fn next_words(
    recording: &Recording,
    session: Option<&rules::recording::Session>,
    coming: Option<&Coming>,
    over: bool,
) -> (String, Option<Timestamp>) {
    if over {
        return (words::NOTHING_NEXT.to_owned(), None);
    }
    if recording.waiting.is_some() {
        return (words::WAITS_FOR_YOU.to_owned(), None);
    }
    let sending = session.and_then(|session| {
        [agora::Operation::Stop, agora::Operation::Start, agora::Operation::Acquire, agora::Operation::Query]
            .into_iter()
            .find(|operation| session.line(*operation).open.is_some())
    });
    if let Some(operation) = sending {
        return (format!("{} sending…", words::standing::operation(operation)), None);
    }
    match coming {
        Some(Coming { at: Some(at), call, .. }) => (words::standing::operation(call.operation), Some(*at)),
        Some(Coming { at: None, call, .. }) => {
            (format!("{} now", words::standing::operation(call.operation)), None)
        }
        None => (words::NOTHING_NEXT.to_owned(), None),
    }
}

/// What someone must do about a recording, one for each alarm, or one for what it waits for.
fn needs(recording: &Recording, standing: Standing, row: &Row) -> Vec<Need> {
    let list = Route::default();
    let session = standing::shown_session(recording, standing);
    let id = &recording.id;
    let main_action = match standing {
        Standing::Waits(_) => {
            Some((words::TRY_AGAIN.to_owned(), list.with(Dialog::TryAgain(id.clone())).href()))
        }
        Standing::Twins => {
            recording.sessions.iter().rev().find(|session| session.is_billed()).map(|session| {
                (
                    words::STOP_ONE.to_owned(),
                    list.with(Dialog::StopSession(id.clone(), session.number)).href(),
                )
            })
        }
        Standing::Orphan(number) | Standing::OutOfControl(number) => {
            Some((words::DISMISS.to_owned(), list.with(Dialog::Dismiss(id.clone(), number)).href()))
        }
        _ => None,
    };
    let (tone, glyph) = match standing.look() {
        (Tone::Neutral | Tone::Recording, _) => (Tone::Caution, Glyph::Caution),
        look => look,
    };
    let one = |key: String, says: String, rule: RuleId, action: Option<(String, String)>| Need {
        key,
        tone,
        glyph,
        channel: row.channel.clone(),
        href: row.href.clone(),
        says,
        rule,
        action,
    };
    // What it waits for says more than the alarm that goes with it.
    if main_action.is_some() {
        let rule = row.rule.unwrap_or(RuleId::M4);
        return vec![one(
            format!("{id}/standing"),
            words::standing::need(standing, recording, session, time_of_day),
            rule,
            main_action,
        )];
    }
    let mut needs: Vec<Need> = recording
        .open_alarms()
        .map(|alarm| {
            let acknowledge = list.with(Dialog::Acknowledge(id.clone(), alarm.entry)).href();
            one(
                format!("{id}/{}", alarm.entry),
                words::standing::alarm(alarm, recording, time_of_day),
                alarm.rule,
                Some((words::ACKNOWLEDGE.to_owned(), acknowledge)),
            )
        })
        .collect();
    if needs.is_empty() {
        let orphan = recording.sessions.iter().find(|session| session.is_orphan());
        let (standing, action) = match orphan {
            Some(orphan) => (
                Standing::Orphan(orphan.number),
                Some((
                    words::DISMISS.to_owned(),
                    list.with(Dialog::Dismiss(id.clone(), orphan.number)).href(),
                )),
            ),
            None => (standing, None),
        };
        let rule = row.rule.unwrap_or(RuleId::S9);
        needs.push(one(
            format!("{id}/standing"),
            words::standing::need(standing, recording, orphan.or(session), time_of_day),
            rule,
            action,
        ));
    }
    needs
}

const fn severity(tone: Tone) -> u8 {
    match tone {
        Tone::Critical => 0,
        Tone::Caution => 1,
        Tone::Failover => 2,
        Tone::Neutral | Tone::Recording => 3,
    }
}

/// The screen.
#[component]
pub fn BoardScreen() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let router = expect_context::<Router>();
    let state = expect_context::<BoardState>();
    let needs = Memo::new(move |_| {
        let mut needs: Vec<Need> = state.all().into_iter().flat_map(|listed| listed.need).collect();
        needs.sort_by_key(|need| severity(need.tone));
        needs
    });
    let being_handled = Memo::new(move |_| {
        let mut handled: Vec<Handled> = state
            .all()
            .into_iter()
            .filter(|listed| listed.group == Group::Handled)
            .map(|listed| Handled {
                key: listed.id.to_string(),
                tone: listed.row.state.tone,
                glyph: listed.row.state.glyph,
                channel: listed.row.channel,
                href: listed.row.href,
                due: listed.row.due,
            })
            .collect();
        handled.sort_by_key(|one| (severity(one.tone), one.due));
        handled
    });
    let calm = Memo::new(move |_| {
        let recording = state.count(Filter::Only(GroupName::Recording));
        let handled = being_handled.with(Vec::len);
        words::calm(recording, handled)
    });
    let order = move || {
        let search = state.search.get().trim().to_lowercase();
        let filter = state.filter.get();
        let mut shown: Vec<(Group, Reverse<Timestamp>, String)> = state.listed.with(|listed| {
            listed
                .iter()
                .filter_map(|(_, memo)| {
                    memo.with(|listed| {
                        let listed = listed.as_ref()?;
                        let found = search.split_whitespace().all(|word| listed.searchable.contains(word));
                        (filter.shows(listed) && found)
                            .then(|| (listed.group, Reverse(listed.asked_at), listed.row.id.clone()))
                    })
                })
                .collect()
        });
        shown.sort();
        shown
    };
    let lines = Memo::new(move |_| {
        let mut lines = Vec::new();
        let mut before = None;
        for (group, _, id) in order() {
            if before != Some(group) {
                lines.push(Line::Divider(words::group(group)));
                before = Some(group);
            }
            lines.push(Line::Row(id));
        }
        lines
    });
    keep_focus(lines);
    let known = Memo::new(move |_| desk.ids.with(|ids| !ids.is_empty()));
    let any = Memo::new(move |_| lines.with(|lines| !lines.is_empty()));
    let stale = Signal::derive(move || !matches!(desk.link.get(), Link::Live));
    let row = move |id: &str| {
        let memo = state.listed.with_untracked(|listed| {
            listed.iter().find(|(other, _)| other.as_str() == id).map(|(_, memo)| *memo)
        })?;
        Some(Memo::new(move |before: Option<&Row>| {
            memo.get().map(|listed| listed.row).or_else(|| before.cloned()).unwrap_or_default()
        }))
    };
    let facets = vec![
        Facet { key: Filter::All, word: "All", mark: None },
        Facet { key: Filter::Only(GroupName::NeedsYou), word: "Need you", mark: None },
        Facet { key: Filter::Lost, word: "Lost", mark: Some((Tone::Critical, Glyph::Critical)) },
        Facet { key: Filter::Failover, word: "Failover", mark: Some((Tone::Failover, Glyph::Failover)) },
        Facet { key: Filter::Retrying, word: "Retrying", mark: Some((Tone::Caution, Glyph::Retry)) },
        Facet {
            key: Filter::Only(GroupName::Starting),
            word: "Starting",
            mark: Some((Tone::Neutral, Glyph::Starting)),
        },
        Facet {
            key: Filter::Only(GroupName::Stopping),
            word: "Stopping",
            mark: Some((Tone::Neutral, Glyph::Stopping)),
        },
        Facet {
            key: Filter::Only(GroupName::Recording),
            word: "Recording",
            mark: Some((Tone::Recording, Glyph::Recording)),
        },
        Facet {
            key: Filter::Only(GroupName::Ended),
            word: "Ended",
            mark: Some((Tone::Neutral, Glyph::Ended)),
        },
    ];
    let start = move || router.route().with(Dialog::Start(None)).href();
    let watch = move || router.route().with(Dialog::Watch).href();
    let buttons = move || {
        view! {
            <span class="buttons">
                <a class="button" href=watch>{icon(Icon::Watch)} {words::WATCH_ONE}</a>
                <a class="button primary" href=start>{icon(Icon::Plus)} {words::START_RECORDING}</a>
            </span>
        }
    };
    let body = move || {
        if known.get() {
            let list = view! {
                {attention(needs, calm)} {handled(being_handled)}
                <div class="board-page">
                    {counts(words::FILTER_BY_STATE, facets.clone(), move |key| state.count(key), state.filter)}
                    <div class="query">
                        <label class="box">
                            {icon(Icon::Search)} <span class="unseen">{words::FIND}</span>
                            <input
                                type="search"
                                placeholder=words::FIND
                                prop:value=move || state.search.get()
                                on:input=move |event| state.search.set(event_target_value(&event))
                            />
                        </label>
                        {buttons()}
                    </div>
                    <Show when=move || any.get() fallback=move || no_match(state, needs)>
                        {board(lines, stale, row)}
                    </Show>
                </div>
            };
            list.into_any()
        } else if !desk.complete.get() {
            loading_rows().into_any()
        } else {
            empty(start, watch).into_any()
        }
    };
    view! {
        <h1 class="unseen" id="board-title" tabindex="-1">{words::RECORDINGS}</h1>
        {body}
    }
}

fn empty(
    start: impl Fn() -> String + Send + 'static,
    watch: impl Fn() -> String + Send + 'static,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let samples = move || desk.demo().then(super::faults::sample_button);
    view! {
        <div class="empty" data-tone=Tone::Neutral.name()>
            {crate::parts::icon::glyph(Glyph::Ended)} <p>{words::NO_RECORDINGS}</p>
            <span class="buttons">
                <a class="button primary large" href=start>{icon(Icon::Plus)} {words::START_RECORDING}</a>
                <a class="button large" href=watch>{words::WATCH_ONE}</a> {samples}
            </span>
        </div>
    }
}

fn no_match(state: BoardState, needs: Memo<Vec<Need>>) -> impl IntoView {
    let hidden = move || words::nothing_matches(state.count(Filter::All), needs.with(Vec::len));
    let clear = move |_| {
        state.filter.set(Filter::All);
        state.search.set(String::new());
    };
    view! {
        <div class="empty" data-tone=Tone::Neutral.name()>
            {crate::parts::icon::glyph(Glyph::Unknown)} <p>{hidden}</p>
            <button class="button large" type="button" on:click=clear>{words::CLEAR_FILTER}</button>
        </div>
    }
}

/// A row that moves to another place is taken out of the page for a moment, and would lose the focus.
fn keep_focus(lines: Memo<Vec<Line>>) {
    let focused = StoredValue::new(None::<String>);
    let listener = window_event_listener(leptos::ev::focusin, move |_| {
        let id = document().active_element().map(|active| active.id()).filter(|id| id.starts_with("row-"));
        focused.try_update_value(|focused| *focused = id);
    });
    on_cleanup(move || listener.remove());
    Effect::new(move |_| {
        lines.track();
        let Some(id) = focused.try_get_value().flatten() else { return };
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|active| active.tag_name() == "BODY");
            if lost {
                super::shell::focus(&id);
            }
        });
    });
}
