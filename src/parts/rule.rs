//! The id of the rule that decided: the same mark everywhere, and where one can press it, the way to its reason.

use core::cell::Cell;

use rules::RuleId;

use crate::dom::{Element, el};
use crate::words;

/// Gives the address of the reason of a rule.
pub type Links = fn(RuleId) -> String;

thread_local! {
    static LINKS: Cell<Option<Links>> = const { Cell::new(None) };
}

/// Says where the reason of a rule is shown. Parts know no routes, so the page gives this to them.
pub fn link_rules(links: Links) {
    LINKS.set(Some(links));
}

/// The mark in places where it is not to be pressed.
pub fn rule_mark(rule: RuleId) -> Element {
    el("span.rule").add(rule.as_str())
}

/// The mark as a link to the reason.
pub fn rule_link(rule: RuleId) -> Element {
    let href = LINKS.get().map(|links| links(rule));
    let named = words::why_rule(rule);
    el("a.rule").set_some("href", href).set("aria-label", named).add(rule.as_str())
}
