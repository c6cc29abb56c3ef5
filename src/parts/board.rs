//! The list: a row for every recording. Rows are keyed and hold signals, so that a change never makes a row anew and the
//! focus stays where it is.

use agora::Timestamp;
use leptos::prelude::*;
use rules::RuleId;

use super::age::{age, countdown, elapsed};
use super::icon::{Glyph, Tone, glyph};
use super::id::id;
use super::lamps::{Lamps, lamps};
use super::pips::{Failovers, pips};
use super::state::{State, state};
use super::strip::{Probe, strip};
use crate::words;

/// What a row says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The recording's name for the page.
    pub id: String,
    /// Where its channel leads.
    pub href: String,
    /// Where its stop button leads, if it can be stopped.
    pub stop: Option<String>,
    /// The channel.
    pub channel: String,
    /// The mode.
    pub mode: String,
    /// The UID in use.
    pub uid: String,
    /// The `sid`, once there is one.
    pub sid: Option<String>,
    /// Its state.
    pub state: State,
    /// The rule that decided last or comes next.
    pub rule: Option<RuleId>,
    /// What happened and what the system does, in about 50 characters.
    pub says: String,
    /// Accepted and confirmed, while it starts.
    pub lamps: Option<Lamps>,
    /// "recovered", for ten minutes after it.
    pub mark: Option<(String, Timestamp)>,
    /// Since when it records.
    pub since: Option<Timestamp>,
    /// Until when it did.
    pub until: Option<Timestamp>,
    /// Failovers used; none without a session.
    pub failovers: Option<Failovers>,
    /// The last answers.
    pub probes: Vec<Probe>,
    /// The last answer: `200`, `404`, `none`.
    pub answer: Option<(String, Timestamp)>,
    /// What comes next: "Query", "Start".
    pub next: String,
    /// When.
    pub due: Option<Timestamp>,
    /// Whether it is over.
    pub over: bool,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Line {
    /// The title of the group that follows.
    Divider(&'static str),
    /// A recording, by its id.
    Row(String),
}

/// The table around the lines. `row` gives the content of a recording's row.
pub fn board(
    lines: Memo<Vec<Line>>,
    stale: Signal<bool>,
    row: impl Fn(&str) -> Option<Memo<Row>> + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let row = StoredValue::new(row);
    view! {
        <table class="board">
            <caption class="unseen">{words::RECORDINGS}</caption>
            <thead>
                <tr>
                    <th scope="col">"State"</th>
                    <th scope="col">"Channel and what is happening"</th>
                    <th scope="col">"Mode, UID, sid"</th>
                    <th scope="col" class="num">"Running"</th>
                    <th scope="col">"Failovers"</th>
                    <th scope="col">"Last 20 queries"</th>
                    <th scope="col">"Answer, age"</th>
                    <th scope="col" class="num">"Next"</th>
                    <th scope="col"><span class="unseen">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>
                <For
                    each=move || lines.get()
                    key=|line| line.clone()
                    children=move |line| match line {
                        Line::Divider(title) => view! { <tr class="divider"><td colspan="9">{title}</td></tr> }.into_any(),
                        Line::Row(id) => row.with_value(|row| row(&id)).map(|row| board_row(row, stale)).into_any(),
                    }
                />
            </tbody>
        </table>
    }
}

fn board_row(row: Memo<Row>, stale: Signal<bool>) -> impl IntoView {
    let text = move |field: fn(&Row) -> &String| move || row.with(|row| field(row).clone());
    let first = row.get_untracked();
    let (row_id, href, channel) = (first.id, first.href, first.channel);
    let shown_state = Signal::derive(move || row.with(|row| row.state.clone()));
    let sid = Memo::new(move |_| row.with(|row| row.sid.clone()));
    let sid_name = words::sid_of(&channel);
    let failovers = Memo::new(move |_| row.with(|row| row.failovers));
    let probes = Memo::new(move |_| row.with(|row| row.probes.clone()));
    let stop = Memo::new(move |_| row.with(|row| row.stop.clone()));
    let stop_name = words::stop_of(&channel);
    let lit = Memo::new(move |_| row.with(|row| row.lamps));
    let rule = Memo::new(move |_| row.with(|row| row.rule));
    let mark = Memo::new(move |_| row.with(|row| row.mark.clone()));
    view! {
        <tr class:over=move || row.with(|row| row.over)>
            <td class="cell-state">{state(shown_state)}</td>
            <th scope="row" class="cell-name">
                <span class="name">
                    <a href=href id=format!("row-{row_id}")>{channel}</a>
                    {move || lit.get().map(|lit| lamps(lit, true))}
                    {move || {
                        mark.get().map(|(word, at)| {
                            view! {
                                <span class="mark" data-tone=Tone::Failover.name()>
                                    {glyph(Glyph::Failover)} {word} " " {age(Signal::stored(Some(at)))} " ago"
                                </span>
                            }
                        })
                    }}
                    {move || rule.get().map(super::rule::rule_mark)}
                </span>
                <span class="says">{text(|row| &row.says)}</span>
            </th>
            <td class="cell-ids">
                <span class="ids">{text(|row| &row.mode)} " · " <span class="mono">{text(|row| &row.uid)}</span></span>
                {move || match sid.get() {
                    Some(sid) => id(sid, sid_name.clone()).into_any(),
                    None => view! { <span class="meta">{words::NO_SID}</span> }.into_any(),
                }}
            </td>
            <td class="num elapsed">
                {elapsed(
                    Signal::derive(move || row.with(|row| row.since)),
                    Signal::derive(move || row.with(|row| row.until)),
                )}
            </td>
            <td class="cell-pips">
                {move || match failovers.get() {
                    Some(failovers) => pips(failovers, false).into_any(),
                    None => view! { <span class="meta">{words::NO_SESSION}</span> }.into_any(),
                }}
            </td>
            <td class="cell-strip">
                {move || probes.with(|probes| !probes.is_empty()).then(|| strip(probes.into()))}
            </td>
            <td class="answer" class:stale=move || stale.get()>
                {move || row.with(|row| row.answer.as_ref().map(|(word, _)| format!("{word} · ")))}
                {age(Signal::derive(move || row.with(|row| row.answer.as_ref().map(|(_, at)| *at))))}
            </td>
            <td class="next num">
                {text(|row| &row.next)} " " {countdown(Signal::derive(move || row.with(|row| row.due)))}
            </td>
            <td class="cell-more">
                {move || {
                    stop.get().map(|to| view! { <a class="button plain" href=to aria-label=stop_name.clone()>{words::STOP}</a> })
                }}
            </td>
        </tr>
    }
}

/// Rows that stand for what is being fetched.
pub fn loading_rows() -> impl IntoView {
    view! {
        <div class="loading" aria-busy="true">
            <p class="unseen" role="status">{words::LOADING}</p>
            {(0..6)
                .map(|_| {
                    view! {
                        <div aria-hidden="true">
                            <span class="skeleton w2"></span><span class="skeleton w4"></span><span class="skeleton w1"></span>
                        </div>
                    }
                })
                .collect::<Vec<_>>()}
        </div>
    }
}
