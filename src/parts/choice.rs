//! Radios that say what they cost.

use leptos::prelude::*;

/// One of the choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value it stands for.
    pub value: String,
    /// Its name.
    pub name: String,
    /// What it does and what it costs.
    pub says: String,
    /// Why it cannot be chosen now, if it cannot.
    pub blocked: Option<String>,
}

/// A group of choices, of which one is taken.
pub fn choices(
    group: &'static str,
    legend: AnyView,
    choices: Vec<Choice>,
    chosen: RwSignal<String>,
) -> impl IntoView {
    let radios: Vec<_> = choices
        .into_iter()
        .map(|choice| {
            let Choice { value, name, says, blocked } = choice;
            let (checked_value, set_value) = (value.clone(), value.clone());
            let disabled = blocked.is_some();
            view! {
                <label class="choice" class:off=disabled>
                    <input
                        type="radio"
                        name=group
                        value=value
                        disabled=disabled
                        prop:checked=move || chosen.with(|chosen| *chosen == checked_value)
                        on:change=move |_| chosen.set(set_value.clone())
                    />
                    <b>{name}</b>
                    <small>{says} {blocked.map(|why| format!(" {why}"))}</small>
                </label>
            }
        })
        .collect();
    view! { <fieldset><legend class="legend">{legend}</legend><div class="choices three">{radios}</div></fieldset> }
}
