//! The id of the rule that decided: the same mark everywhere, and where one can press it, the way to its reason.

use leptos::prelude::use_context;
use rules::RuleId;

use crate::dom::{Element, el};

/// Where the reason of a rule is shown. Parts know no routes, so the page gives this to them.
#[derive(Clone, Copy)]
pub struct RuleLinks(pub fn(RuleId) -> String);

/// The mark in places where it is not to be pressed.
pub fn rule_mark(rule: RuleId) -> Element {
    el("span.rule").add(rule.as_str())
}

/// The mark as a link to the reason.
pub fn rule_link(rule: RuleId) -> Element {
    let href = use_context::<RuleLinks>().map(|links| links.0(rule));
    let named = ["Rule ", rule.as_str(), ": why"].concat();
    el("a.rule").set_some("href", href).set("aria-label", named).add(rule.as_str())
}
