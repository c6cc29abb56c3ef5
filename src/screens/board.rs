//! The list of recordings: what needs someone, what is being handled, what records, and what is over.

use core::time::Duration;
use std::collections::VecDeque;
use std::rc::Rc;

use agora::Timestamp;
use leptos::prelude::*;
use litemap::LiteMap;
use rules::recording::{Because, Session};
use rules::{EntryNumber, Recording, RecordingId, RuleId};

use crate::clock::time_of_day;
use crate::desk::{Desk, Link};
use crate::dom::{Element, Node, el, live, part};
use crate::here::here;
use crate::later::Later;
use crate::nodes;
use crate::parts::age::age;
use crate::parts::attention::{Handled, Need, attention, handled};
use crate::parts::board::{
    COLUMNS, Column, Extra, Mark, Row, board, board_row, column_head, divider, loading_rows,
};
use crate::parts::icon::{Glyph, Icon, Tone, glyph, icon};
use crate::parts::lamps::Lamps;
use crate::parts::state::State;
use crate::route::{Dialog, Route, Screen};
use crate::standing::{self, Coming, Group, Standing};
use crate::tasks::follow;
use crate::words;

/// What a recording is to the list: everything that its row, its group and its place are made of.
#[derive(Clone, PartialEq)]
pub struct Listed {
    /// Its name.
    pub id: RecordingId,
    /// How it stands.
    pub standing: Standing,
    /// What it means to staff.
    pub group: Group,
    /// What its row says.
    pub row: Row,
    /// What of it needs a person.
    pub need: Vec<Need>,
    /// When its last trouble was over, and how it ended.
    trouble: Option<(Timestamp, &'static str)>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Which try the next call is.
    pub attempt: u32,
    /// Whether that is the last one of its ladder.
    pub last_try: bool,
    /// Everything that it is known by, in small letters.
    pub searchable: String,
    /// When nobody acted for it, the last time that was so for long.
    pub unattended: Option<Gap>,
}

/// A stretch in which nobody acted for a recording (M10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When somebody last acted.
    pub from: Timestamp,
    /// When somebody took over.
    pub to: Timestamp,
    /// For how many minutes its sessions may have been recorded, and billed, in between.
    pub minutes: u64,
}

/// One recording of the list.
struct Kept {
    listed: Rc<Listed>,
    coming: KeptComing,
    /// Moves when what the row says has changed.
    drawn: RwSignal<u32>,
    /// Owns the signal.
    owner: Owner,
}

/// All recordings of the list, by their ids.
pub type Gathered = Rc<[Rc<Listed>]>;

/// Draws what else stands in the row of a recording.
pub type More = fn(BoardState, &Listed) -> Extra;

/// What the board keeps when one looks at something else.
#[derive(Clone, Copy)]
pub struct BoardState {
    /// The columns of the rows.
    pub columns: RwSignal<Vec<Column>>,
    /// What else stands in the last cell of a row, once there is code for it.
    pub more: RwSignal<Option<More>>,
    kept: StoredValue<LiteMap<RecordingId, Kept>, LocalStorage>,
    /// All of them, as they were gathered since one changed last: many look at them.
    gathered: StoredValue<Option<Gathered>, LocalStorage>,
    /// Owns what lives as long as the page.
    root: StoredValue<Owner>,
    /// Moves when the list as a whole has changed: an order, a count, or what needs someone.
    changed: RwSignal<u32>,
    /// The recording that is open beside the list.
    open: StoredValue<Option<RecordingId>>,
}

/// Recordings that are well are looked at again in turns, each once in so many seconds: only what is not well depends on
/// the clock from one second to the next.
const CALM_SECONDS: i64 = 10;

/// So many recordings that changed are looked at before the browser has its turn.
const AT_ONCE: usize = 300;

/// A list of more than so many recordings is put in order again four times a second at most: that looks at each of them.
const LONG: usize = 400;
const LONG_RESTS: Duration = Duration::from_millis(250);

/// Of very many, so many are looked at in one second, and each of them less often.
const CALM_AT_ONCE: i64 = 200;

impl BoardState {
    /// Follows the desk. It lives as long as the page, so that coming back to the list shows it at once.
    pub fn new(desk: Desk) -> Self {
        let root = Owner::current().unwrap_or_default();
        let state = Self {
            root: StoredValue::new(root.clone()),
            columns: RwSignal::new(COLUMNS.to_vec()),
            more: RwSignal::new(None),
            kept: StoredValue::new_local(LiteMap::new()),
            gathered: StoredValue::new_local(None),
            changed: RwSignal::new(0),
            open: StoredValue::new(None),
        };
        let (waiting, more) = (StoredValue::new(VecDeque::new()), RwSignal::new(0));
        let looked_at = StoredValue::new(Timestamp::default());
        let rests = StoredValue::new(false);
        let look_again =
            move || set_timeout(move || more.update(|count| *count += 1), Duration::from_millis(10));
        follow(move || {
            let now = desk.clock.second();
            // The parts of a snapshot come one after the other: what was shown stays until it is whole.
            if !desk.complete.get() {
                return;
            }
            more.track();
            let mut changed = desk.take_changed();
            // Very many at once are looked at in turns, but for the first time: a page that is busy answers nobody.
            let first = state.kept.with_value(LiteMap::is_empty);
            if !first {
                waiting.update_value(|waiting| {
                    waiting.extend(changed.drain(AT_ONCE.min(changed.len())..));
                    let room = AT_ONCE - changed.len();
                    changed.extend(waiting.drain(..room.min(waiting.len())));
                    if !waiting.is_empty() {
                        look_again();
                    }
                });
            }
            let mut list_changed = false;
            state.gathered.set_value(None);
            state.kept.update_value(|kept| {
                // Tells whether the list is another one.
                let look = |kept: &mut LiteMap<RecordingId, Kept>, id: &RecordingId| {
                    let Some(recording) = desk.recording_now(id) else { return false };
                    match kept.get_mut(id) {
                        Some(one) => {
                            keep_coming(&mut one.coming, desk, &recording, now);
                            let fresh = listed(&recording, now, &one.coming);
                            if fresh == *one.listed {
                                return false;
                            }
                            let moves = fresh.moves_the_list(&one.listed);
                            one.listed = Rc::new(fresh);
                            one.drawn.update(|count| *count += 1);
                            moves
                        }
                        None => {
                            let mut coming = None;
                            keep_coming(&mut coming, desk, &recording, now);
                            let listed = Rc::new(listed(&recording, now, &coming));
                            let owner = root.child();
                            let drawn = owner.with(|| RwSignal::new(0));
                            kept.insert(id.clone(), Kept { listed, coming, drawn, owner });
                            true
                        }
                    }
                };
                desk.ids.with(|ids| {
                    for id in &changed {
                        if ids.binary_search(id).is_ok() {
                            list_changed |= look(kept, id);
                        }
                    }
                    if looked_at.get_value() == now && kept.len() == ids.len() {
                        return;
                    }
                    looked_at.set_value(now);
                    if !kept.keys().eq(ids.iter()) {
                        kept.retain(|id, one| {
                            let stays = ids.binary_search(id).is_ok();
                            if !stays {
                                one.owner.cleanup();
                            }
                            stays
                        });
                        list_changed = true;
                        for id in ids {
                            if !kept.contains_key(id) {
                                look(kept, id);
                            }
                        }
                    }
                    let turns = CALM_SECONDS.max(i64::try_from(ids.len()).unwrap_or(i64::MAX) / CALM_AT_ONCE);
                    let second = now.millis() / 1000;
                    let due = |(turn, (id, one)): (i64, (&RecordingId, &Kept))| {
                        let due =
                            !one.listed.is_calm(now, one.coming.as_ref()) || (second + turn) % turns == 0;
                        due.then(|| id.clone())
                    };
                    // Many may be due in the same second: then they too are looked at in turns.
                    let mut due: Vec<RecordingId> = (0_i64..).zip(kept.iter()).filter_map(due).collect();
                    waiting.update_value(|waiting| {
                        let none = waiting.is_empty();
                        let later = due.drain(AT_ONCE.min(due.len())..);
                        // Whoever cannot keep up is asked again in the next second anyway.
                        if waiting.len() < kept.len() {
                            waiting.extend(later);
                        }
                        if none && !waiting.is_empty() {
                            look_again();
                        }
                    });
                    for id in &due {
                        list_changed |= look(kept, id);
                    }
                });
            });
            if !list_changed || rests.get_value() {
                return;
            }
            if state.kept.with_value(LiteMap::len) <= LONG || first {
                state.changed.update(|count| *count += 1);
            } else {
                rests.set_value(true);
                set_timeout(
                    move || {
                        rests.set_value(false);
                        state.changed.update(|count| *count += 1);
                    },
                    LONG_RESTS,
                );
            }
        });
        state
    }

    /// This recording is open beside the list: of all rows only those are drawn again that it is about.
    fn open(self, id: Option<RecordingId>) {
        let before = self.open.get_value();
        if before == id {
            return;
        }
        self.open.set_value(id.clone());
        for row in [before, id].into_iter().flatten() {
            let drawn = self.kept.with_value(|kept| kept.get(&row).map(|one| one.drawn));
            if let Some(drawn) = drawn {
                drawn.update(|count| *count += 1);
            }
        }
    }

    /// Makes signals that live as long as the page.
    pub fn for_good<Made>(self, make: impl FnOnce() -> Made) -> Made {
        self.root.with_value(|root| root.with(make))
    }

    /// The call that comes next for a recording, as its row was drawn with it.
    pub fn coming(self, id: &RecordingId) -> Option<Coming> {
        self.kept.with_value(|kept| coming_of(&kept.get(id)?.coming).cloned())
    }

    /// Every recording of the list; who reads it follows the list.
    pub fn all(self) -> Gathered {
        self.changed.track();
        if let Some(all) = self.gathered.with_value(Option::clone) {
            return all;
        }
        let all: Gathered =
            self.kept.with_value(|kept| kept.values().map(|one| Rc::clone(&one.listed)).collect());
        self.gathered.set_value(Some(Rc::clone(&all)));
        all
    }

    /// How many recordings need someone, and how many are not over: for the title of the page.
    pub fn numbers(self) -> (usize, usize) {
        let (mut need, mut live) = (0, 0);
        for listed in self.all().iter() {
            need += usize::from(listed.group == Group::NeedsYou);
            live += usize::from(listed.group != Group::Ended);
        }
        (need, live)
    }
}

impl Listed {
    /// Whether time alone changes nothing about it for a while.
    fn is_calm(&self, now: Timestamp, coming: Option<&(EntryNumber, Option<Coming>)>) -> bool {
        let due = coming.and_then(|(_, coming)| coming.as_ref()?.at).is_some_and(|at| at <= now);
        match self.standing {
            Standing::Ended(_) => true,
            Standing::Records(_) => !due && self.row.mark.is_none() && self.group == Group::Recording,
            _ => false,
        }
    }

    /// Whether more than its own row looks different from before.
    fn moves_the_list(&self, before: &Self) -> bool {
        self.standing != before.standing
            || self.group != before.group
            || self.need != before.need
            || self.searchable != before.searchable
            || self.unattended != before.unattended
            || (self.group == Group::Handled && self.row.due != before.row.due)
    }
}

/// What comes next, and the entry after which it was asked.
pub type KeptComing = Option<(EntryNumber, Option<Coming>)>;

/// The call that comes next.
pub fn coming_of(kept: &KeptComing) -> Option<&Coming> {
    kept.as_ref()?.1.as_ref()
}

/// The rules are asked again when the journal went on, or when what they named is due.
pub fn keep_coming(kept: &mut KeptComing, desk: Desk, recording: &Recording, now: Timestamp) {
    if let Some((last, coming)) = kept
        && *last == recording.last
        && coming.as_ref().is_some_and(|coming| coming.at.is_some_and(|at| at > now))
    {
        return;
    }
    *kept = desk.planned(recording, now).map(|planned| (recording.last, standing::coming(planned, now)));
}

fn listed(recording: &Recording, now: Timestamp, kept: &KeptComing) -> Listed {
    let coming = coming_of(kept);
    let standing = Standing::of(recording, now);
    let group = standing::group(recording, standing, now);
    let session = standing::shown_session(recording, standing);
    let (tone, glyph) = standing.look();
    let page = Route::to(Screen::Beside(recording.id.clone()));
    let over = group == Group::Ended;
    let stoppable = recording.stop.is_none() && !over;
    let starting =
        matches!(standing, Standing::Starting | Standing::StartRetrying | Standing::Unconfirmed(_));
    let until = session.and_then(|session| session.over_at);
    let since = session.and_then(|session| session.confirmed.or(session.accepted));
    let (next, due) = next_words(recording, session, kept, over);
    let row = Row {
        id: recording.id.to_string(),
        href: page.href(),
        stop: stoppable.then(|| Route::default().with(Dialog::Stop(recording.id.clone())).href()),
        channel: recording.channel.to_string(),
        mode: words::said(words::mode(recording.mode)),
        uid: session.map_or(recording.uids.original, |session| session.uid).to_string(),
        sid: session.and_then(|session| session.sid.as_ref()).map(ToString::to_string),
        state: State { tone, glyph, word: words::said(words::standing::word(standing)) },
        rule: words::standing::shown_rule(recording, standing, coming),
        says: words::standing::says(standing, recording, session, time_of_day),
        lamps: starting
            .then(|| standing::lamps(session))
            .filter(|lamps| *lamps != Lamps::Dark || session.is_some()),
        mark: mark(standing, session, now),
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
    Listed {
        id: recording.id.clone(),
        standing,
        group,
        row,
        need,
        trouble: trouble(recording),
        asked_at: recording.asked_at,
        attempt: coming.map_or(0, |coming| coming.call.attempt.number),
        last_try: coming.is_some_and(|coming| {
            let attempt = coming.call.attempt;
            attempt.number > 1 && attempt.of == Some(attempt.number)
        }),
        searchable,
        unattended: unattended(recording),
    }
}

fn unattended(recording: &Recording) -> Option<Gap> {
    let gap = recording.unattended.as_ref()?;
    let within = |session: &Session| {
        let from = session.accepted?.max(gap.from);
        let to = session.over_at.map_or(gap.to, |over| over.min(gap.to));
        Some(to.since(from).as_secs())
    };
    let seconds: u64 = recording.sessions.iter().filter_map(within).sum();
    Some(Gap { from: gap.from, to: gap.to, minutes: seconds.div_ceil(60) })
}

/// The last trouble that is over, of all its sessions.
fn trouble(recording: &Recording) -> Option<(Timestamp, &'static str)> {
    let of = |session: &Session| {
        let recovered = session.interruptions.last().map(|away| away.back);
        let cleared = session.cleared.map(|run| run.at);
        let replaces = matches!(session.because, Because::Replaces(_)).then_some(session.begun);
        let back = recovered.max(cleared).map(|at| (at, words::RECOVERED));
        back.max(replaces.map(|at| (at, words::REPLACED)))
    };
    recording.sessions.iter().filter_map(of).max()
}

/// What it has been through in the last ten minutes, while it records again.
fn mark(standing: Standing, session: Option<&Session>, now: Timestamp) -> Option<Mark> {
    let session = session.filter(|_| matches!(standing, Standing::Records(_)))?;
    let retries =
        |count, since: Timestamp, at: Timestamp| (Glyph::Passed, words::after_retries(count, since, at), at);
    let marks = [
        session.interruptions.last().map(|away| (Glyph::Failover, words::said(words::RECOVERED), away.back)),
        session.cleared.map(|run| retries(run.count, run.since, run.at)),
        session.accepted.zip(session.start.first_sent).and_then(|(at, since)| {
            let failed = session.start.tries.saturating_sub(1);
            (failed > 0).then(|| retries(failed, since, at))
        }),
    ];
    let mark = marks.into_iter().flatten().max_by_key(|(_, _, at)| *at);
    mark.filter(|(_, _, at)| now.since(*at) < core::time::Duration::from_secs(600))
        .map(|(glyph, says, at)| Mark { glyph, says, at })
}

fn last_answer(session: &Session) -> Option<(String, Timestamp)> {
    let query = session
        .last_answer
        .map(|answer| (answer.http.map_or_else(|| "none".to_owned(), |http| http.to_string()), answer.at));
    let other = [&session.start, &session.acquire].into_iter().find_map(|line| {
        let at = line.ended?;
        Some((words::said(words::outcome_code(line.outcome)), at))
    });
    query.or(other)
}

fn next_words(
    recording: &Recording,
    session: Option<&Session>,
    kept: &KeptComing,
    over: bool,
) -> (String, Option<Timestamp>) {
    if over {
        return (words::said(words::NOTHING_NEXT), None);
    }
    if recording.waiting.is_some() {
        return (words::said(words::WAITS_FOR_YOU), None);
    }
    let sending = session.and_then(|session| {
        [agora::Operation::Stop, agora::Operation::Start, agora::Operation::Acquire, agora::Operation::Query]
            .into_iter()
            .find(|operation| session.line(*operation).open.is_some())
    });
    if let Some(operation) = sending {
        return (words::sending(words::standing::operation(operation)), None);
    }
    let Some((_, coming)) = kept else { return (words::said(words::NEXT_NOT_KNOWN), None) };
    match coming {
        Some(Coming { at: Some(at), call, .. }) => (words::standing::operation(call.operation), Some(*at)),
        Some(Coming { at: None, call, .. }) => {
            (words::due_now(words::standing::operation(call.operation)), None)
        }
        None => (words::said(words::NOTHING_NEXT), None),
    }
}

/// What someone must do about a recording, one for each alarm, or one for what it waits for.
fn needs(recording: &Recording, standing: Standing, row: &Row) -> Vec<Need> {
    let list = Route::default();
    let session = standing::shown_session(recording, standing);
    let id = &recording.id;
    let main_action = match standing {
        Standing::Waits(_) => {
            Some((words::said(words::TRY_AGAIN), list.with(Dialog::TryAgain(id.clone())).href()))
        }
        Standing::Twins => {
            recording.sessions.iter().rev().find(|session| session.is_billed()).map(|session| {
                (
                    words::said(words::STOP_ONE),
                    list.with(Dialog::StopSession(id.clone(), session.number)).href(),
                )
            })
        }
        Standing::Orphan(number) | Standing::OutOfControl(number) => {
            Some((words::said(words::DISMISS), list.with(Dialog::Dismiss(id.clone(), number)).href()))
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
                Some((words::said(words::ACKNOWLEDGE), acknowledge)),
            )
        })
        .collect();
    if needs.is_empty() {
        let orphan = recording.sessions.iter().find(|session| session.is_orphan());
        let (standing, action) = match orphan {
            Some(orphan) => (
                Standing::Orphan(orphan.number),
                Some((
                    words::said(words::DISMISS),
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

/// The screen, with one recording open beside the list or none.
pub fn board_screen(later: Later, open: Option<RecordingId>) -> Node {
    let (desk, state) = (here().desk, here().board);
    let router = here().router;
    state.open(open.clone());
    let list = nodes![
        live(move || later.missing()),
        el("h1.unseen").id("board-title").set("tabindex", "-1").add(words::RECORDINGS),
        part("board", move || {
            keep_focus(state);
            move || {
                let all = state.all();
                if !all.is_empty() {
                    let list = match later.list() {
                        Some(list) => list(state, &all),
                        // A view of its own is not shown for a moment as if it were the usual one.
                        // A long list needs the tools that keep most of it off the page.
                        None if !router.parameters().is_empty() || all.len() > LONG => loading_rows().into(),
                        None => plain_list(state, &all),
                    };
                    // A demonstration begins with what is over: its samples are offered all the same.
                    let over = all.iter().all(|one| one.group == Group::Ended);
                    nodes![list, (over && desk.demo()).then(|| el("div.empty").add(later.samples()))]
                } else if desk.complete.get() {
                    empty(desk, later).into()
                } else {
                    loading_rows().into()
                }
            }
        }),
    ];
    let beside = open.map(|id| {
        el("aside.inspector")
            .set("aria-labelledby", "recording-title")
            .add(part(id.to_string(), move || move || later.inspector(id.clone())))
    });
    el("div.with-inspector").class("open", beside.is_some()).add(el("div.list").add(list)).add(beside).into()
}

/// The list in the order of attention, before its tools are here.
fn plain_list(state: BoardState, all: &[Rc<Listed>]) -> Node {
    let whole: Vec<&Listed> = all.iter().map(Rc::as_ref).collect();
    // What was asked for at the same time stands in the order of its ids, as it came.
    let shown = in_order(&whole, |one| (one.group as u8, -one.asked_at.millis()));
    let mut lines = Vec::with_capacity(shown.len() + 4);
    let mut before = None;
    for listed in shown {
        if before != Some(listed.group) {
            lines.push(divider(words::group(listed.group)));
            before = Some(listed.group);
        }
        lines.push(row_part(state, listed));
    }
    let heads = COLUMNS.iter().map(|column| column_head(*column, column.title()).into()).collect();
    // The tools take their places without moving the rows.
    let tools = nodes![
        el("div.counts"),
        Node::Nothing,
        el("div.query").add(el("span.buttons").add(live(ways_to_begin)))
    ];
    nodes![
        above_the_list(all),
        el("div.board-page").add(tools).add(board(Node::Nothing, heads, "roomy", lines)),
    ]
}

/// What needs someone, and what is being handled.
pub fn above_the_list(all: &[Rc<Listed>]) -> Node {
    let needs: Vec<&Need> = all.iter().flat_map(|listed| &listed.need).collect();
    let needs = in_order(&needs, |need| (severity(need.tone), 0));
    let being_handled: Vec<&Listed> =
        all.iter().map(Rc::as_ref).filter(|listed| listed.group == Group::Handled).collect();
    let when = |one: &Listed| one.row.due.map_or(i64::MIN, Timestamp::millis);
    let being_handled: Vec<Handled> =
        in_order(&being_handled, |one| (severity(one.row.state.tone), when(one)))
            .into_iter()
            .map(|listed| Handled {
                key: listed.row.id.clone(),
                tone: listed.row.state.tone,
                glyph: listed.row.state.glyph,
                channel: listed.row.channel.clone(),
                href: listed.row.href.clone(),
                due: listed.row.due,
            })
            .collect();
    let records = all.iter().filter(|listed| matches!(listed.standing, Standing::Records(_))).count();
    let trouble = all.iter().filter_map(|listed| Some((listed.trouble?, &listed.row.channel))).max();
    let says = match here().desk.journal_is_well() {
        true => words::calm(records, being_handled.len()),
        false => words::not_calm(records),
    };
    let mut calm = el("p.calm").add(says);
    if let Some(((at, how), channel)) = trouble {
        let where_and_how = words::where_and_how(channel, how);
        calm =
            calm.add(" ").add(words::LAST_PROBLEM).add(" ").add(age(Some(at))).add(" ago").add(where_and_how);
    }
    nodes![attention(&needs, calm), handled(&being_handled)]
}

/// The things in the order of their keys; what is equal keeps its order. One sort for all lists of the page.
pub fn in_order<'a, Thing>(things: &[&'a Thing], key: impl Fn(&Thing) -> (u8, i64)) -> Vec<&'a Thing> {
    let mut order: Vec<(u8, i64, usize)> = Vec::with_capacity(things.len());
    for (place, thing) in things.iter().enumerate() {
        let (first, then) = key(thing);
        order.push((first, then, place));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, _, place)| things[place]).collect()
}

/// A row follows its own recording, and nothing else is drawn with it.
pub fn row_part(state: BoardState, listed: &Listed) -> Node {
    let id = listed.id.clone();
    part(listed.row.id.clone(), move || {
        let desk = here().desk;
        let known =
            state.kept.with_value(|kept| kept.get(&id).map(|one| (one.drawn, Rc::clone(&one.listed))));
        move || {
            let Some((drawn, first)) = &known else { return Node::Nothing };
            // The signal is gone with the recording; its row is about to go too.
            let _ = drawn.try_get();
            let now = state.kept.with_value(|kept| kept.get(&id).map(|one| Rc::clone(&one.listed)));
            let stale = matches!(desk.link.get(), Link::Lost { .. } | Link::Ended(_));
            let listed = now.as_ref().unwrap_or(first);
            let extra = state.more.get().map(|more| more(state, listed)).unwrap_or_default();
            let open = state.open.with_value(|open| open.as_ref() == Some(&id));
            let line = state.columns.with(|columns| board_row(&listed.row, columns, stale, extra));
            line.class("chosen", open).set_some("aria-current", open.then_some("true")).into()
        }
    })
}

/// Both begin where one is, so that closing the sheet comes back.
pub fn ways_to_begin() -> Node {
    let route = here().router.route();
    nodes![
        el("a.button")
            .set("href", route.with(Dialog::Watch).href())
            .add(icon(Icon::Watch))
            .add(words::WATCH_ONE),
        el("a.button.primary")
            .set("href", route.with(Dialog::Start(None)).href())
            .add(icon(Icon::Plus))
            .add(words::START_RECORDING),
    ]
}

fn empty(desk: Desk, later: Later) -> Element {
    let route = here().router.route();
    let buttons = el("span.buttons")
        .add(
            el("a.button.primary.large")
                .set("href", route.with(Dialog::Start(None)).href())
                .add(icon(Icon::Plus))
                .add(words::START_RECORDING),
        )
        .add(el("a.button.large").set("href", route.with(Dialog::Watch).href()).add(words::WATCH_ONE))
        .add(desk.demo().then(|| later.samples()));
    el("div.empty")
        .set("data-tone", Tone::Neutral.name())
        .add(glyph(Glyph::Ended))
        .add(el("p").add(words::NO_RECORDINGS))
        .add(buttons)
}

/// A row that moves to another place is taken out of the page for a moment, and would lose the focus.
fn keep_focus(state: BoardState) {
    let focused = StoredValue::new(String::new());
    let listener = window_event_listener_untyped("focusin", move |_| {
        let id = document().active_element().map(|active| active.id()).unwrap_or_default();
        focused
            .try_update_value(|focused| *focused = if id.starts_with("row-") { id } else { String::new() });
    });
    on_cleanup(move || listener.remove());
    follow(move || {
        state.changed.track();
        let id = focused.try_get_value().unwrap_or_default();
        if id.is_empty() {
            return;
        }
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|active| active.tag_name() == "BODY");
            if lost {
                super::shell::focus(&id);
            }
        });
    });
}
