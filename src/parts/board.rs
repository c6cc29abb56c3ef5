//! The list: a row for every recording. Rows are keyed, so that a change never makes a row anew and the focus stays where
//! it is.

use agora::Timestamp;
use rules::RuleId;

use super::age::{age_or_time, countdown, elapsed, when};
use super::icon::{Glyph, Tone, glyph};
use super::id::id;
use super::lamps::{Lamps, lamps};
use super::pips::{Failovers, pips};
use super::rule::rule_mark;
use super::state::{State, state};
use super::strip::{Probe, strip};
use crate::clock::time_of_day;
use crate::dom::{Element, Node, el};
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
    /// What it has been through, for ten minutes after it: "recovered", "after 2 retries (34 s)".
    pub mark: Option<Mark>,
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

/// A trouble that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// A failover, or retries.
    pub glyph: Glyph,
    /// In words.
    pub says: String,
    /// When it was over.
    pub at: Timestamp,
}

/// What else stands in a row, once there is code for it.
#[derive(Default)]
pub struct Extra {
    /// Chooses it, together with others.
    pub pick: Node,
    /// What comes next, in place of the row's own words.
    pub next: Option<Node>,
    /// Before the button that stops it.
    pub more: Node,
}

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// How it stands.
    State,
    /// The channel, and what is happening.
    Name,
    /// Mode, UID and `sid`.
    Ids,
    /// For how long it records.
    Running,
    /// Failovers used of three.
    Failovers,
    /// The last twenty queries.
    Queries,
    /// The last answer and its age.
    Answer,
    /// What comes next.
    Next,
}

/// All columns in their usual order.
pub const COLUMNS: [Column; 8] = [
    Column::State,
    Column::Name,
    Column::Ids,
    Column::Running,
    Column::Failovers,
    Column::Queries,
    Column::Answer,
    Column::Next,
];

impl Column {
    /// What stands above it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Name => "Channel and what is happening",
            Self::Ids => "Mode, UID, sid",
            Self::Running => "Running",
            Self::Failovers => "Failovers",
            Self::Queries => "Last 20 queries",
            Self::Answer => "Answer, age",
            Self::Next => "Next",
        }
    }

    /// The class of its cells.
    pub const fn class(self) -> &'static str {
        match self {
            Self::State => "cell-state",
            Self::Name => "cell-name",
            Self::Ids => "cell-ids",
            Self::Running => "elapsed",
            Self::Failovers => "cell-pips",
            Self::Queries => "cell-strip",
            Self::Answer => "answer",
            Self::Next => "next",
        }
    }

    /// Whether it stands at the right.
    pub const fn number(self) -> bool {
        matches!(self, Self::Running | Self::Next)
    }
}

/// The head of a column, with what stands in it.
pub fn column_head(column: Column, inside: impl Into<Node>) -> Element {
    el("th").set("class", column.class()).set("scope", "col").class("num", column.number()).add(inside)
}

/// The table around the lines. `heads` are those of the columns, `pick` stands over what chooses rows; `density` names the
/// height of the rows.
pub fn board(pick: Node, heads: Vec<Node>, density: &'static str, lines: Vec<Node>) -> Element {
    let actions = el("th.cell-more").set("scope", "col").add(el("span.unseen").add("Actions"));
    el("table.board")
        .set("data-density", density)
        .add(el("caption.unseen").add(words::RECORDINGS))
        .add(el("thead").add(el("tr").add(el("td.cell-pick").add(pick)).add(heads).add(actions)))
        .add(el("tbody").add(lines))
}

/// The title of the group that follows.
pub fn divider(title: &'static str) -> Node {
    el("tr.divider").key(title).add(el("td").set("colspan", "10").add(title)).into()
}

/// The row of a recording with these columns. `stale`: what it says may have changed since.
pub fn board_row(row: &Row, columns: &[Column], stale: bool, extra: Extra) -> Element {
    let Extra { pick, mut next, more } = extra;
    let mut line = el("tr").class("over", row.over).add(el("td.cell-pick").add(pick));
    for column in columns {
        let name = if *column == Column::Name { el("th").set("scope", "row") } else { el("td") };
        let shown = name.set("class", column.class()).class("num", column.number());
        line = line.add(match (column, next.take_if(|_| *column == Column::Next)) {
            (_, Some(next)) => shown.add(next),
            (_, None) => cell(shown, row, *column, stale),
        });
    }
    let stop = row.stop.as_ref().map(|to| {
        el("a.button.plain")
            .set("href", to.clone())
            .set("aria-label", words::stop_of(&row.channel))
            .add(words::STOP)
    });
    line.add(el("td.cell-more").add(more).add(stop))
}

fn cell(cell: Element, row: &Row, column: Column, stale: bool) -> Element {
    match column {
        Column::State => cell.add(state(&row.state)),
        Column::Name => {
            let link =
                el("a").set("href", row.href.clone()).id(["row-", &row.id].concat()).add(row.channel.clone());
            let name = el("span.name")
                .add(link)
                .add(row.lamps.map(|lit| lamps(lit, true)))
                .add(row.mark.as_ref().map(mark))
                .add(row.rule.map(rule_mark));
            cell.add(name).add(el("span.says").add(row.says.clone()))
        }
        Column::Ids => {
            let uid = el("span.mono").add(row.uid.clone());
            let sid = match &row.sid {
                Some(sid) => id(sid, &words::sid_of(&row.channel)),
                None => el("span.meta").add(words::NO_SID),
            };
            cell.add(el("span.ids").add(row.mode.clone()).add(" · ").add(uid)).add(sid)
        }
        Column::Running => cell.add(elapsed(row.since, row.until)),
        Column::Failovers => cell.add(match row.failovers {
            Some(failovers) => pips(failovers, false),
            None => el("span.meta").add(words::NO_SESSION),
        }),
        Column::Queries => cell.add((!row.probes.is_empty()).then(|| strip(&row.probes))),
        Column::Answer => {
            let answer = cell.class("stale", stale);
            match &row.answer {
                Some((word, at)) => answer
                    .set("title", time_of_day(*at))
                    .add(word.clone())
                    .add(" · ")
                    .add(age_or_time(Some(*at))),
                None => answer,
            }
        }
        Column::Next => cell.add(row.next.clone()).add(" ").add(countdown(row.due)),
    }
}

fn mark(mark: &Mark) -> Element {
    let tone = if mark.glyph == Glyph::Failover { Tone::Failover } else { Tone::Neutral };
    el("span.mark")
        .set("data-tone", tone.name())
        .add(glyph(mark.glyph))
        .add(mark.says.clone())
        .add(" ")
        .add(when(Some(mark.at)))
}

/// Rows that stand for what is being fetched.
pub fn loading_rows() -> Element {
    let mut loading = el("div.loading")
        .set("aria-busy", "true")
        .add(el("p.unseen").set("role", "status").add(words::LOADING));
    for _ in 0..6 {
        let bars = ["span.skeleton.w2", "span.skeleton.w4", "span.skeleton.w1"];
        loading = loading
            .add(bars.into_iter().fold(el("div").set("aria-hidden", "true"), |row, bar| row.add(el(bar))));
    }
    loading
}
