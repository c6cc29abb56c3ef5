//! How the page looks and speaks, in which zone it tells the time, and what it may disturb one with. All of it is kept in
//! this browser.

use leptos::prelude::*;
use rules::api::Capability;
use wasm_bindgen::JsValue;

use super::actions::opened;
use super::hosted::{ask_host, unprotected};
use super::stop::{UNDO, UNDO_SECONDS, undo_seconds};
use crate::clock::zone;
use crate::comfort::alerts;
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::kept::{ZONE, keep, kept};
use crate::nodes;
use crate::parts::age::TIMES;
use crate::parts::dialog::dialog;
use crate::route::{Dialog, Route, Screen};
use crate::tasks::spawn;
use crate::words;
use crate::words::comfort as says;

const LANGUAGE: &str = "tallylight-language";
const THEME: &str = "tallylight-theme";
const CONTRAST: &str = "tallylight-contrast";

/// The dialog.
pub fn settings_dialog() -> Node {
    opened(|sending| {
        let typed = RwSignal::new(kept(ZONE));
        let unknown = RwSignal::new(false);
        // Moves when something was chosen that is not a signal itself.
        let chosen = RwSignal::new(0_u32);
        let changed = move || chosen.update(|count| *count += 1);
        let not_sent = RwSignal::new(Vec::new());
        spawn(async move { not_sent.set(ask_host().await) });
        move || {
            chosen.track();
            let body = el("div.body.settings")
                .add(not_sent.with(|missing| unprotected(missing)))
                .add(languages())
                .add(looks(changed))
                .add(zones(typed, unknown))
                .add(times(changed))
                .add(undo(changed))
                .add(alerts_of(changed))
                .add(keys())
                .add(audit());
            let close = move || sending.router.close_dialog();
            dialog("settings-title", words::SETTINGS.into(), "", close, body.into()).into()
        }
    })
}

/// One of a group of which one is taken.
fn radio(group: &'static str, text: impl Into<Node>, taken: bool, take: impl Fn() + 'static) -> Element {
    let radio =
        el("input").set("type", "radio").set("name", group).checked(taken).on("change", move |_| take());
    el("label.option").add(radio).add(el("span").add(text))
}

fn group(legend: &'static str, inside: Node) -> Element {
    el("fieldset").add(el("legend.legend").add(legend)).add(inside)
}

fn reload() {
    let _ = window().location().reload();
}

fn languages() -> Element {
    let page = document().document_element().and_then(|page| page.get_attribute("lang"));
    let language = |code: &'static str, name: &'static str| {
        let taken = page.as_deref() == Some(code);
        let option = radio("language", String::from(name), taken, move || {
            keep(LANGUAGE, code);
            reload();
        });
        option.set("lang", code)
    };
    let options = el("div.options").add(language("en", "English")).add(language("zh-CN", "简体中文"));
    group(says::LANGUAGE, nodes![options, el("p.meta").add(says::RELOADS)])
}

fn looks(changed: impl Fn() + Copy + 'static) -> Node {
    let choice =
        move |kept_as: &'static str, attribute: &'static str, value: &'static str, name: &'static str| {
            radio(attribute, name, kept(kept_as) == value, move || {
                keep(kept_as, value);
                if let Some(page) = document().document_element() {
                    let _ = match value {
                        "" => page.remove_attribute(attribute),
                        value => page.set_attribute(attribute, value),
                    };
                }
                changed();
            })
        };
    let themes = el("div.options")
        .add(choice(THEME, "data-theme", "", says::AS_THE_SYSTEM))
        .add(choice(THEME, "data-theme", "light", says::LIGHT))
        .add(choice(THEME, "data-theme", "dark", says::DARK));
    let contrasts = el("div.options")
        .add(choice(CONTRAST, "data-contrast", "", says::AS_THE_SYSTEM))
        .add(choice(CONTRAST, "data-contrast", "more", says::MORE_CONTRAST));
    nodes![group(says::THEME, themes.into()), group(says::CONTRAST, contrasts.into())]
}

/// The zones that the browser knows by name.
fn known_zones() -> Vec<String> {
    let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into());
    let ask = intl.and_then(|intl| js_sys::Reflect::get(&intl, &"supportedValuesOf".into()));
    let told = ask.and_then(|ask| js_sys::Function::from(ask).call1(&JsValue::UNDEFINED, &"timeZone".into()));
    let zones = told.map(|told| js_sys::Array::from(&told)).unwrap_or_default();
    zones.iter().filter_map(|zone| zone.as_string()).collect()
}

/// Whether the browser can tell the time there.
fn is_zone(name: &str) -> bool {
    let options = js_sys::Object::new();
    let _ = js_sys::Reflect::set(&options, &"timeZone".into(), &name.into());
    let intl = js_sys::Reflect::get(&js_sys::global(), &"Intl".into());
    let made = intl.and_then(|intl| js_sys::Reflect::get(&intl, &"DateTimeFormat".into()));
    let arguments = js_sys::Array::of2(&JsValue::UNDEFINED, &options);
    made.is_ok_and(|made| js_sys::Reflect::construct(&js_sys::Function::from(made), &arguments).is_ok())
}

fn zones(typed: RwSignal<String>, unknown: RwSignal<bool>) -> Element {
    let now = kept(ZONE);
    let take = |zone: &str| {
        keep(ZONE, zone);
        reload();
    };
    let mine = if now.is_empty() { says::my_zone(&zone()) } else { say_mine() };
    let other = !now.is_empty() && now != "UTC";
    let options = el("div.options")
        .add(radio("zone", mine, now.is_empty(), move || take("")))
        .add(radio("zone", String::from("UTC"), now == "UTC", move || take("UTC")))
        .add(radio("zone", says::ANOTHER_ZONE, other, || crate::screens::shell::focus("zone")));
    let mut list = el("datalist").id("zones");
    for zone in known_zones() {
        list = list.add(el("option").set("value", zone));
    }
    let set = move || {
        let wanted = typed.get_untracked().trim().to_owned();
        if is_zone(&wanted) {
            take(&wanted);
        } else {
            unknown.set(true);
        }
    };
    let field = el("input")
        .id("zone")
        .set("list", "zones")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set_some("aria-invalid", unknown.get().then_some("true"))
        .set("aria-describedby", "zone-says")
        .value(typed.get())
        .on("input", move |event| {
            unknown.set(false);
            typed.set(event_target_value(event));
        });
    let button = el("button.button").set("type", "button").on("click", move |_| set()).add(says::SET_ZONE);
    let field = el("div.field")
        .add(el("label").set("for", "zone").add(says::NAME_OF_ZONE))
        .add(el("div.with-button").add(field).add(button))
        .add(el("p.hint").id("zone-says").set("role", "status").add(if unknown.get() {
            says::NO_SUCH_ZONE
        } else {
            says::RELOADS
        }));
    group(says::ZONE, nodes![options, list, field])
}

/// The device's own zone while another one is chosen.
fn say_mine() -> String {
    let options =
        js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
    let zone = js_sys::Reflect::get(&options, &"timeZone".into()).ok().and_then(|zone| zone.as_string());
    says::my_zone(&zone.unwrap_or_default())
}

fn times(changed: impl Fn() + Copy + 'static) -> Element {
    let absolute = kept(TIMES) == "absolute";
    let take = move |value: &'static str| {
        keep(TIMES, value);
        crate::parts::age::read_taste();
        changed();
    };
    let options = el("div.options")
        .add(radio("times", says::RELATIVE, !absolute, move || take("")))
        .add(radio("times", says::ABSOLUTE, absolute, move || take("absolute")));
    group(says::TIMES, options.into())
}

/// For how long a stop can be taken back.
fn undo(changed: impl Fn() + Copy + 'static) -> Element {
    let now = undo_seconds();
    let mut options = el("div.options");
    for seconds in UNDO_SECONDS {
        options = options.add(radio("undo", says::undo(seconds), now == seconds, move || {
            keep(UNDO, &seconds.to_string());
            changed();
        }));
    }
    group(says::UNDO, options.into())
}

fn alerts_of(changed: impl Fn() + Copy + 'static) -> Element {
    let permission = alerts::permission();
    let denied = permission == "denied" || permission.is_empty();
    let desktop = el("input")
        .set("type", "checkbox")
        .flag("disabled", denied)
        .checked(alerts::wants_desktop())
        .on("change", move |event| {
            let on = event_target_checked(event);
            spawn(async move {
                alerts::switch_desktop(on).await;
                changed();
            });
        });
    let sound =
        el("input").set("type", "checkbox").checked(alerts::wants_sound()).on("change", move |event| {
            alerts::switch_sound(event_target_checked(event));
            changed();
        });
    let test = |named: &'static str, press: fn()| {
        el("button.button")
            .set("type", "button")
            .set("aria-label", named)
            .on("click", move |_| press())
            .add(says::TEST)
    };
    let line = |input: Element, name: &'static str, button: Element| {
        el("div.with-button").add(el("label.option").add(input).add(el("span").add(name))).add(button)
    };
    group(
        says::ALERTS,
        nodes![
            el("p.meta").add(says::ALERT_STEPS),
            line(desktop, says::DESKTOP, test(says::TEST_DESKTOP, test_desktop)),
            denied.then(|| el("p.hint").add(says::DESKTOP_DENIED)),
            line(sound, says::SOUND, test(says::TEST_SOUND, test_sound)),
        ],
    )
}

/// As the first recording of the list would alert, or without one as the page itself.
fn test_desktop() {
    spawn(async {
        alerts::switch_desktop(true).await;
        let Some(id) = here()
            .board
            .all()
            .first()
            .map(|listed| listed.id.clone())
            .or_else(|| rules::RecordingId::parse("test"))
        else {
            return;
        };
        alerts::notify(&id, words::PRODUCT, words::translated(says::TEST), words::translated(says::TESTED));
    });
}

fn test_sound() {
    let all = [alerts::Earcon::Failover, alerts::Earcon::Recovered, alerts::Earcon::Needed];
    for (place, earcon) in all.into_iter().enumerate() {
        let after = core::time::Duration::from_millis(900 * place as u64);
        set_timeout(move || alerts::sound_out(earcon), after);
    }
}

/// The way to who did or tried what, for those who may read it.
fn audit() -> Node {
    if !here().desk.may(Capability::Lead) {
        return Node::Nothing;
    }
    let link = el("a").set("href", Route::to(Screen::Audit).href()).add(words::audit::GO);
    group(words::audit::TITLE, el("p").add(link).into()).into()
}

fn keys() -> Element {
    let href = here().router.route().with(Dialog::Keys).href();
    group(says::SHORTCUTS, el("p").add(el("a").set("href", href).add(words::KEYS)).into())
}
