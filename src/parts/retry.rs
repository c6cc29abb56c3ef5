//! The next call of a rule: the operation, which try of how many, the time left, the cause, the rule, and what comes if it
//! fails.

use agora::Timestamp;
use leptos::prelude::*;
use rules::RuleId;

use super::age::countdown;
use super::icon::{Glyph, Tone, glyph};
use super::rule::rule_link;
use super::scale::{Step, ladder};

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
    pub joint: String,
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
    /// The ladder in words.
    pub described: String,
}

/// The chip, with what one can do beside the time.
pub fn retry_chip(
    retry: Memo<Option<Retry>>,
    actions: impl Fn() -> AnyView + Send + Sync + 'static,
) -> impl IntoView {
    let shown = Memo::new(move |_| retry.with(Option::is_some));
    let actions = StoredValue::new(actions);
    move || {
        shown.get().then(|| {
            let get = move |field: fn(&Retry) -> String| move || retry.with(|retry| retry.as_ref().map(field));
            let due = Signal::derive(move || retry.with(|retry| retry.as_ref().and_then(|retry| retry.due)));
            let mark = Signal::derive(move || retry.with(|retry| retry.as_ref().map(|retry| retry.glyph).unwrap_or_default()));
            let tone = move || retry.with(|retry| retry.as_ref().map_or(Tone::Neutral, |retry| retry.tone).name());
            let rule = Memo::new(move |_| retry.with(|retry| retry.as_ref().map(|retry| retry.rule)));
            let steps = Memo::new(move |_| {
                retry.with(|retry| retry.as_ref().map(|retry| (retry.steps.clone(), retry.described.clone())))
            });
            view! {
                <div class="retry" data-tone=tone>
                    <div class="due">
                        {glyph(mark)} <span>{get(|retry| retry.title.clone())} " " {get(|retry| retry.joint.clone())}</span>
                        {countdown(due)} <span class="buttons">{actions.with_value(|actions| actions())}</span>
                    </div>
                    {move || {
                        steps.get().filter(|(steps, _)| steps.len() > 1).map(|(steps, described)| ladder(steps, described))
                    }}
                    <p class="then">
                        {get(|retry| retry.cause.clone())} " " {move || rule.get().map(rule_link)} " "
                        {get(|retry| retry.then.clone())}
                    </p>
                </div>
            }
        })
    }
}
