//! A field with its label, its hint, and what the checks say about it while one types.

use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};
use super::rule::rule_mark;
use crate::dom::{Element, Node, Text, el};

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stops the form.
    pub blocks: bool,
    /// The sentence.
    pub says: Text,
}

/// A line of text.
pub struct TextField {
    /// The element's id, unique on the page.
    pub id: &'static str,
    /// The label.
    pub label: &'static str,
    /// What is typed.
    pub value: RwSignal<String>,
    /// What to know before typing.
    pub hint: Text,
    /// What the checks say, once there is something to say.
    pub finding: Option<Finding>,
    /// Whether the focus goes here first.
    pub autofocus: bool,
    /// Whether it holds an identifier.
    pub mono: bool,
    /// Whether digits are expected.
    pub digits: bool,
}

impl TextField {
    /// A field that nothing is said about.
    pub fn new(
        id: &'static str,
        label: &'static str,
        value: RwSignal<String>,
        hint: impl Into<Text>,
    ) -> Self {
        let hint = hint.into();
        Self { id, label, value, hint, finding: None, autofocus: false, mono: false, digits: false }
    }
}

/// A field for a line of text.
pub fn text_field(field: TextField) -> Element {
    let TextField { id, label, value, hint, finding, autofocus, mono, digits } = field;
    let hint_id = [id, "-hint"].concat();
    let tone = finding.as_ref().map(|finding| finding_tone(finding).name());
    let invalid = finding.as_ref().is_some_and(|finding| finding.blocks);
    let below: Node = match finding {
        Some(finding) => finding_line(finding).into(),
        None => hint.into(),
    };
    el("div.field")
        .set_some("data-tone", tone)
        .add(el("label").set("for", id).add(label))
        .add(
            el("input")
                .id(id)
                .class("mono", mono)
                .set("autocomplete", "off")
                .set("spellcheck", "false")
                .flag("autofocus", autofocus)
                .set_some("inputmode", digits.then_some("numeric"))
                .set("aria-describedby", hint_id.clone())
                .set_some("aria-invalid", invalid.then_some("true"))
                .value(value.get())
                .on("input", move |event| value.set(event_target_value(event))),
        )
        .add(el("div.hint").id(hint_id).add(below))
}

const fn finding_tone(finding: &Finding) -> Tone {
    if finding.blocks { Tone::Critical } else { Tone::Caution }
}

fn finding_line(finding: Finding) -> Element {
    let mark = if finding.blocks { Glyph::Critical } else { Glyph::Caution };
    el("p.check")
        .set("data-tone", finding_tone(&finding).name())
        .add(glyph(mark))
        .add(el("span").add(finding.says))
}

/// One line of the checklist beside a form.
pub fn check_line(tone: Tone, says: Text, more: Option<&'static str>, rule: rules::RuleId) -> Element {
    let mark = match tone {
        Tone::Critical => Glyph::Critical,
        Tone::Caution => Glyph::Caution,
        Tone::Recording => Glyph::Passed,
        Tone::Failover | Tone::Neutral => Glyph::Unknown,
    };
    el("li.check")
        .set("data-tone", tone.name())
        .add(glyph(mark))
        .add(el("span").add(says))
        .add(rule_mark(rule))
        .add(more.map(|more| el("small").add(more)))
}
