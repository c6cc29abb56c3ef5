//! The sheet of the shortcuts, which is also where they are changed and switched off.

use leptos::prelude::*;

use super::actions::opened;
use crate::comfort::keys::{SHORTCUTS, Shortcut, assign, back_to_usual, keys, switch};
use crate::dom::{Element, Node, el};
use crate::nodes;
use crate::parts::dialog::dialog;
use crate::words;
use crate::words::comfort as says;

/// The dialog.
pub fn keys_dialog() -> Node {
    opened(|sending| {
        move || {
            let chosen = keys();
            let on = el("input")
                .set("type", "checkbox")
                .checked(!chosen.off)
                .on("change", |event| switch(!event_target_checked(event)));
            let on = el("label.option").add(on).add(el("span").add(says::USE_KEYS));
            let mut lines = el("tbody").add(
                el("tr")
                    .add(
                        el("td")
                            .add(el("kbd").add(String::from("Ctrl K")))
                            .add(" ")
                            .add(el("kbd").add(String::from("⌘K"))),
                    )
                    .add(el("td").add(says::DO_COMMANDS)),
            );
            for shortcut in &SHORTCUTS {
                lines = lines.add(line(shortcut, chosen.of(shortcut), chosen.off));
            }
            let head = |text: &'static str| el("th").set("scope", "col").add(text);
            let table = el("table.keys")
                .add(el("caption.unseen").add(says::SHORTCUTS))
                .add(el("thead").add(el("tr").add(head(says::KEY_HEAD)).add(head(says::DOES_HEAD))))
                .add(lines);
            let twice = chosen.twice().map(says::key_taken);
            let body = el("div.body").add(el("p").add(says::HELP)).add(nodes![
                el("div").add(on).add(el("p.hint").add(says::USE_KEYS_SAYS)),
                table,
                el("p.hint").set("role", "status").add(match twice {
                    Some(twice) => Node::from(twice),
                    None => says::CHANGE_KEYS.into(),
                }),
            ]);
            let usual = el("button.button.large")
                .set("type", "button")
                .on("click", |_| back_to_usual())
                .add(says::USUAL_KEYS);
            let close = move || sending.router.close_dialog();
            let content = nodes![body, el("footer").add(usual)];
            dialog("keys-title", words::KEYS.into(), "", close, content).into()
        }
    })
}

fn line(shortcut: &'static Shortcut, key: &str, off: bool) -> Element {
    let named = says::key_of(words::translated(shortcut.says));
    let field = el("input.key")
        .set("aria-label", named)
        .set("autocomplete", "off")
        .set("autocapitalize", "off")
        .set("spellcheck", "false")
        .value(key.to_owned())
        .on("focus", |event| {
            let field = event_target::<web_sys::HtmlInputElement>(event);
            field.select();
        })
        .on("input", move |event| {
            // The last one typed, whatever stood there.
            let typed = event_target_value(event);
            if let Some(key) = typed.chars().last().filter(|key| !key.is_whitespace()) {
                assign(shortcut, &key.to_string());
            }
        });
    el("tr").class("off", off).add(el("td").add(field)).add(el("td").add(shortcut.says))
}
