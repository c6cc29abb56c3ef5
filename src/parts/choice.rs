//! Radios that say what they cost.

use leptos::prelude::*;

use crate::dom::{Element, Node, el};

/// One of the choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value it stands for.
    pub value: String,
    /// Its name.
    pub name: String,
    /// What it does and what it costs.
    pub says: &'static str,
    /// Why it cannot be chosen now, if it cannot.
    pub blocked: Option<&'static str>,
}

/// A group of choices, of which one is taken: the first one for as long as nothing is `chosen`.
pub fn choices(group: &'static str, legend: Node, choices: &[Choice], chosen: RwSignal<String>) -> Element {
    let mut radios = el("div.choices.three");
    let taken = chosen.get();
    for (place, Choice { value, name, says, blocked }) in choices.iter().enumerate() {
        let checked = if taken.is_empty() { place == 0 } else { taken == *value };
        let radio = el("input")
            .set("type", "radio")
            .set("name", group)
            .set("value", value.clone())
            .flag("disabled", blocked.is_some())
            .checked(checked)
            .on("change", move |event| chosen.set(event_target_value(event)));
        let mut small = el("small").add(*says);
        if let Some(why) = *blocked {
            small = small.add(" ").add(why);
        }
        radios = radios.add(
            el("label.choice")
                .class("off", blocked.is_some())
                .add(radio)
                .add(el("b").add(name.clone()))
                .add(small),
        );
    }
    el("fieldset").add(el("legend.legend").add(legend)).add(radios)
}
