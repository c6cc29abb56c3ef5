//! The id of the rule that decided: the same mark everywhere, and where one can press it, the way to its reason.

use leptos::prelude::*;
use rules::RuleId;

/// Where the reason of a rule is shown. Parts know no routes, so the page gives this to them.
#[derive(Clone, Copy)]
pub struct RuleLinks(pub Callback<(RuleId,), String>);

/// The mark in places where it is not to be pressed.
pub fn rule_mark(rule: RuleId) -> impl IntoView {
    view! { <span class="rule">{rule.as_str()}</span> }
}

/// The mark as a link to the reason.
pub fn rule_link(rule: RuleId) -> impl IntoView {
    let links = use_context::<RuleLinks>();
    let href = move || links.map(|links| links.0.run((rule,)));
    view! { <a class="rule" href=href aria-label=format!("Rule {rule}: why")>{rule.as_str()}</a> }
}
