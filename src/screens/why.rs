//! The text of a rule, in a dialog: what `docs/rules.md` says, which the page fetches as a file of its own.

use from_json::FromJson;
use leptos::prelude::*;
use rules::RuleId;

use super::actions::opened;
use crate::dom::{Node, el};
use crate::here::here;
use crate::parts::dialog::dialog;
use crate::words;

/// One rule, as `cargo xtask rule-texts` writes it.
#[derive(Debug, Clone, FromJson)]
pub struct RuleText {
    /// Its id. A text, so that a rule that this build does not know is no fault.
    id: String,
    /// Its section.
    section: String,
    /// Its paragraphs.
    text: Vec<String>,
    /// Its numbers with their defaults.
    #[serde(default)]
    numbers: Option<String>,
    /// Where it comes from.
    source: String,
}

impl RuleText {
    /// The rule's id, as a text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its section.
    pub fn section(&self) -> &str {
        &self.section
    }
}

/// The dialog.
pub fn why_dialog(rule: RuleId) -> Node {
    opened(move |sending| {
        let desk = here().desk;
        move || {
            let texts = desk.rule_texts.get();
            let told = texts.iter().find(|text| text.id == rule.as_str());
            let body = told.map_or_else(
                || el("div.body").add(el("p").add(words::WHY_MISSING)),
                |told| {
                    // The rules are told in English.
                    let mut body = el("div.body").set("lang", "en");
                    for paragraph in &told.text {
                        body = body.add(el("p").add(paragraph.clone()));
                    }
                    if let Some(numbers) = &told.numbers {
                        body = body.add(el("p.meta").add(words::why_numbers(numbers)));
                    }
                    body.add(el("p.meta").add(words::why_source(&told.source)))
                },
            );
            let title = words::why_title(rule, told.map(|told| told.section.as_str()));
            let close = move || sending.router.close_dialog();
            dialog("why-title", title.into(), "", close, body.into()).into()
        }
    })
}
