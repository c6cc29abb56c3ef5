//! The next call of a rule: the operation, which try of how many, the time left, the cause, the rule, and what comes if it
//! fails.

use agora::Timestamp;
use rules::RuleId;

use super::age::countdown;
use super::icon::{Glyph, Tone, glyph};
use super::rule::rule_link;
use super::scale::{Step, ladder};
use crate::dom::{Element, Node, el};
use crate::words;

/// What the chip says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Its class.
    pub tone: Tone,
    /// Its mark.
    pub glyph: Glyph,
    /// What and which try: "Query retry 2 of 3".
    pub title: String,
    /// What stands between the title and the time: "in", or "sending…" with no time.
    pub joint: &'static str,
    /// When it is due; none while it is on its way, or when nothing more happens by itself.
    pub due: Option<Timestamp>,
    /// Why: the last answer.
    pub cause: String,
    /// The rule.
    pub rule: RuleId,
    /// The rule's schedule, and what comes if it fails.
    pub then: String,
    /// The tries so far and to come, where they are a ladder.
    pub steps: Vec<Step>,
}

/// The chip as it is `now`, with what one can do beside the time.
pub fn retry_chip(retry: &Retry, actions: Node, now: Timestamp) -> Element {
    let mut tries = Node::Nothing;
    if retry.steps.len() > 1 {
        tries = ladder(&retry.steps, words::ladder_described(&retry.steps), now).into();
    }
    el("div.retry")
        .set("data-tone", retry.tone.name())
        .add(
            el("div.due")
                .add(glyph(retry.glyph))
                .add(el("span").add(retry.title.clone()).add(" ").add(retry.joint))
                .add(countdown(retry.due))
                .add(el("span.buttons").add(actions)),
        )
        .add(tries)
        .add(
            el("p.then")
                .add(retry.cause.clone())
                .add(" ")
                .add(rule_link(retry.rule))
                .add(" ")
                .add(retry.then.clone()),
        )
}
