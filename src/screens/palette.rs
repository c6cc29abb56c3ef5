//! Everything that can be done, gone to, shown or explained, found by its name.

use leptos::prelude::*;
use rules::api::Capability;
use wasm_bindgen::JsCast;

use super::actions::opened;
use crate::comfort::keys::{SHORTCUTS, keys};
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::dialog::dialog;
use crate::route::{Dialog, Route, Screen};
use crate::standing::Group;
use crate::words;
use crate::words::comfort as says;

/// As many are offered at once.
const SHOWN: usize = 12;

/// Queries of the list that are offered by name: what they show, and the query.
const FILTERS: [(&str, &str); 6] = [
    ("Need you", "state:needs-you"),
    ("Lost", "state:lost"),
    ("Failover", "state:failover"),
    ("Retrying", "state:retrying"),
    ("Recording", "state:recording"),
    ("Ended", "state:ended"),
];

/// What a command does.
#[derive(Clone)]
enum Does {
    /// Goes there.
    Go(Route),
    /// Shows the list with this query.
    Show(&'static str),
    /// What a shortcut does.
    Press(fn()),
}

/// A command.
#[derive(Clone)]
struct Command {
    kind: &'static str,
    name: String,
    /// The key that does the same.
    key: Option<String>,
    does: Does,
}

impl Command {
    fn run(self) {
        let router = here().router;
        match self.does {
            Does::Go(route) => router.go_on(route),
            Does::Show(query) => router.show(query),
            Does::Press(press) => {
                router.close_dialog();
                // The dialog gives the focus back first.
                request_animation_frame(move || request_animation_frame(press));
            }
        }
    }
}

/// The dialog.
pub fn palette_dialog() -> Node {
    opened(|sending| {
        let query = RwSignal::new(String::new());
        let chosen = RwSignal::new(0_usize);
        move || {
            let found = commands(&query.get());
            let place = chosen.get().min(found.len().saturating_sub(1));
            let close = move || sending.router.close_dialog();
            let body =
                el("div.body.palette").add(field(query, chosen, &found, place)).add(offered(&found, place));
            dialog("palette-title", says::PALETTE.into(), "", close, body.into()).into()
        }
    })
}

fn field(query: RwSignal<String>, chosen: RwSignal<usize>, found: &[Command], place: usize) -> Element {
    let (count, run) = (found.len(), found.get(place).cloned());
    el("input")
        .id("palette")
        .set("type", "search")
        .set("role", "combobox")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .flag("autofocus", true)
        .set("aria-label", says::PALETTE_FIELD)
        .set("placeholder", says::PALETTE_FIELD)
        .set("aria-autocomplete", "list")
        .set("aria-controls", "commands")
        .set("aria-expanded", "true")
        .set_some("aria-activedescendant", run.is_some().then(|| option_id(place)))
        .value(query.get())
        .on("input", move |event| {
            chosen.set(0);
            query.set(event_target_value(event));
        })
        .on("keydown", move |event| {
            let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
            match event.key().as_str() {
                "ArrowDown" => chosen.set((place + 1) % count.max(1)),
                "ArrowUp" => chosen.set((place + count.max(1) - 1) % count.max(1)),
                "Enter" if !event.is_composing() => {
                    if let Some(command) = run.clone() {
                        command.run();
                    }
                }
                _ => return,
            }
            event.prevent_default();
        })
}

fn option_id(place: usize) -> String {
    format!("command-{place}")
}

fn offered(found: &[Command], chosen: usize) -> Node {
    let mut list = el("ul").id("commands").set("role", "listbox").set("aria-label", says::PALETTE);
    for (place, command) in found.iter().enumerate() {
        let run = command.clone();
        let line = el("li")
            .id(option_id(place))
            .set("role", "option")
            .set("aria-selected", if place == chosen { "true" } else { "false" })
            .on("click", move |_| run.clone().run())
            .add(el("span.kind").add(command.kind))
            .add(el("span").add(command.name.clone()))
            .add(command.key.clone().map(|key| el("kbd").add(key)));
        list = list.add(line);
    }
    let nothing = found.is_empty().then(|| el("p.quiet").add(says::NOTHING_CALLED_SO));
    nodes![list, el("div").set("role", "status").add(nothing)]
}

/// The commands whose name has every word of the query, those that begin with it first.
fn commands(query: &str) -> Vec<Command> {
    let query = query.trim().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let fits = |name: &str| {
        let name = name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    };
    let mut found = Vec::new();
    let mut add = |kind: &'static str, name: String, key: Option<String>, does: Does| {
        if fits(&name) {
            found.push(Command { kind, name, key, does });
        }
    };
    let desk = here().desk;
    let chosen = keys();
    for shortcut in &SHORTCUTS {
        let key = (!chosen.off).then(|| chosen.of(shortcut).to_owned());
        add(says::ACT, words::said(shortcut.says), key, Does::Press(shortcut.press));
    }
    if desk.demo() {
        add(says::GO, words::said(says::DO_FAULTS), None, Does::Go(Route::to(Screen::Faults)));
    }
    if desk.may(Capability::Lead) {
        add(says::GO, words::said(words::audit::GO), None, Does::Go(Route::to(Screen::Audit)));
    }
    for (name, query) in FILTERS {
        add(says::FILTER, says::show_only(words::translated(name)), None, Does::Show(query));
    }
    // The rest is many: only what was asked for.
    if !words.is_empty() {
        for listed in here().board.all().iter() {
            let to = Route::to(Screen::Recording(listed.id.clone()));
            let channel = &listed.row.channel;
            add(says::GO, says::open_one(channel), None, Does::Go(to.clone()));
            if listed.row.stop.is_some() {
                add(
                    says::ACT,
                    says::stop_one(channel),
                    None,
                    Does::Go(to.with(Dialog::Stop(listed.id.clone()))),
                );
            }
            if listed.group == Group::NeedsYou {
                let again = to.with(Dialog::TryAgain(listed.id.clone()));
                add(says::ACT, says::try_one(channel), None, Does::Go(again));
            }
        }
        desk.rule_texts.with(|texts| {
            for text in texts {
                if let Some(rule) = rules::RuleId::parse(text.id()) {
                    let why = Route::default().with(Dialog::Why(rule));
                    add(says::EXPLAIN, says::explain(text.id(), text.section()), None, Does::Go(why));
                }
            }
        });
    }
    // Those whose name begins with it come first; all others stay in their order.
    found.sort_by_key(|command| !command.name.to_lowercase().starts_with(&query));
    found.truncate(SHOWN);
    found
}
