//! A field with its label, its hint, and what the checks say about it while one types.

use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stops the form.
    pub blocks: bool,
    /// The sentence.
    pub says: String,
}

/// A line of text.
#[component]
pub fn TextField(
    /// The element's id, unique on the page.
    id: &'static str,
    /// The label.
    label: &'static str,
    /// What is typed.
    value: RwSignal<String>,
    /// What to know before typing.
    #[prop(into)]
    hint: Signal<String>,
    /// What the checks say, once there is something to say.
    #[prop(optional, into)]
    finding: Option<Signal<Option<Finding>>>,
    /// Whether it holds an identifier.
    #[prop(optional)]
    mono: bool,
    /// Whether digits are expected.
    #[prop(optional)]
    digits: bool,
    /// Whether the focus goes here first.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let finding = finding.unwrap_or_else(|| Signal::stored(None));
    let hint_id = format!("{id}-hint");
    let tone = move || finding.get().map(|finding| finding_tone(&finding).name());
    view! {
        <div class="field" data-tone=tone>
            <label for=id>{label}</label>
            <input
                id=id
                class:mono=mono
                autocomplete="off"
                spellcheck="false"
                autofocus=autofocus
                inputmode=digits.then_some("numeric")
                aria-describedby=hint_id.clone()
                aria-invalid=move || finding.get().is_some_and(|finding| finding.blocks).then_some("true")
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            <div id=hint_id class="hint">
                {move || match finding.get() {
                    Some(finding) => finding_line(finding).into_any(),
                    None => hint.get().into_any(),
                }}
            </div>
        </div>
    }
}

fn finding_tone(finding: &Finding) -> Tone {
    if finding.blocks { Tone::Critical } else { Tone::Caution }
}

fn finding_line(finding: Finding) -> impl IntoView {
    let mark = if finding.blocks { Glyph::Critical } else { Glyph::Caution };
    let tone = finding_tone(&finding).name();
    view! { <p class="check" data-tone=tone>{glyph(mark)} <span>{finding.says}</span></p> }
}

/// One line of the checklist beside a form.
pub fn check_line(tone: Tone, says: String, more: Option<String>, rule: rules::RuleId) -> impl IntoView {
    let mark = match tone {
        Tone::Critical => Glyph::Critical,
        Tone::Caution => Glyph::Caution,
        Tone::Recording => Glyph::Passed,
        Tone::Failover | Tone::Neutral => Glyph::Unknown,
    };
    view! {
        <li class="check" data-tone=tone.name()>
            {glyph(mark)} <span>{says}</span> {super::rule::rule_mark(rule)} {more.map(|more| view! { <small>{more}</small> })}
        </li>
    }
}
