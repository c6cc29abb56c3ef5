//! The frame around every screen: where one is, whether it is live, what time it is, and the bar that says what is broken.

use client::EndedBecause;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::clock::{time_of_day, zone};
use crate::desk::{Desk, Hop, Link};
use crate::parts::age::age;
use crate::parts::banner::Banner;
use crate::parts::icon::{Glyph, Icon, Tone, glyph, icon};
use crate::parts::lamps::{Lamps, lamps};
use crate::route::{Route, Router, Screen};
use crate::socket::Socket;
use crate::words;

/// Gives the focus to an element, if it is there.
pub fn focus(id: &str) {
    let element =
        document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Bar above, rail beside, and the screen.
#[component]
pub fn Shell(
    /// The screen.
    children: Children,
) -> impl IntoView {
    let main = NodeRef::<html::Main>::new();
    view! {
        <a class="skip" href="#main" on:click=move |event| {
            event.prevent_default();
            focus("main");
        }>{words::SKIP}</a>
        <div class="shell">
            {topbar()} {rail()}
            <main id="main" tabindex="-1" node_ref=main>
                {connection_bar()} {children()}
            </main>
        </div>
    }
}

fn topbar() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let clock = desk.clock;
    let now = Memo::new(move |_| clock.second());
    let known = move || now.get().millis() > 0;
    let person = move || {
        desk.setup.with(|setup| {
            setup.as_ref().map(|setup| {
                let initials: String = setup.person.name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
                view! {
                    <span class="who">
                        <span class="avatar" aria-hidden="true">{initials}</span>
                        <span>{setup.person.name.clone()} " " <span class="quiet">{words::role(setup.person.role)}</span></span>
                    </span>
                }
            })
        })
    };
    let demo = move || desk.demo().then(|| view! { <span class="tag-quiet">{words::DEMONSTRATION}</span> });
    view! {
        <header class="topbar">
            <a class="brand" href=Route::default().href()>{lamps(Lamps::Confirmed, false)} {words::PRODUCT}</a>
            {demo} <span class="spring"></span> {live()}
            <span class="clock">
                {move || known().then(|| view! { <b>{move || time_of_day(now.get())}</b> " " <span class="quiet">{zone()}</span> })}
            </span>
            {theme_button()} {person}
        </header>
    }
}

fn live() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let look = move || match desk.link.get() {
        Link::Live => (Tone::Recording, Glyph::Recording, words::LIVE),
        Link::Connecting => (Tone::Neutral, Glyph::Starting, words::CONNECTING),
        Link::Lost { .. } | Link::Ended(_) => (Tone::Caution, Glyph::Caution, words::NOT_LIVE),
    };
    view! {
        <div class="live">
            <span data-tone=move || look().0.name()>{glyph(Signal::derive(move || look().1))} {move || look().2}</span>
        </div>
    }
}

fn rail() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let router = expect_context::<Router>();
    let link = move |screen: Screen, name: &'static str, mark: Icon| {
        let here = screen.clone();
        let current = move || {
            let at = router.route().screen;
            let same = match (&here, &at) {
                (Screen::Board, Screen::Recording(_)) => true,
                (here, at) => here == at,
            };
            same.then_some("page")
        };
        view! { <li><a href=Route::to(screen).href() aria-current=current>{icon(mark)} {name}</a></li> }
    };
    view! {
        <nav class="rail" aria-label=words::MAIN_NAVIGATION>
            <ul>
                {link(Screen::Board, words::RECORDINGS, Icon::List)}
                {move || desk.demo().then(|| link(Screen::Faults, words::FAULTS, Icon::Simulator))}
            </ul>
        </nav>
    }
}

/// One bar, only while something between the person and the service is broken.
fn connection_bar() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let socket = expect_context::<Socket>();
    let shown = Memo::new(move |_| match desk.link.get() {
        Link::Connecting | Link::Live => None,
        Link::Lost { heard, .. } => Some(Bar::Lost { never: heard.is_none(), silent: desk.hop.get() }),
        Link::Ended(because) => Some(Bar::Ended(because)),
    });
    let heard = Memo::new(move |_| if let Link::Lost { heard, .. } = desk.link.get() { heard } else { None });
    let since = Memo::new(move |_| if let Link::Lost { since, .. } = desk.link.get() { since } else { 0 });
    let lost_for = Memo::new(move |_| desk.clock.device().saturating_sub(since.get()) / 1000);
    let retry_in = Memo::new(move |_| match desk.link.get() {
        Link::Lost { retry_at: Some(at), .. } => Some(at.saturating_sub(desk.clock.device()).div_ceil(1000)),
        _ => None,
    });
    let reconnect = move |_| socket.reconnect_now();
    move || {
        shown.get().map(|bar| match bar {
            Bar::Lost { never, silent } => {
                let (title, rest) = words::connection_lost(never, silent.as_ref());
                view! {
                    <Banner tone=Tone::Caution mark=Glyph::Caution>
                        <p id="connection">
                            <b>{title} " "</b>
                            {(!never).then(|| view! { <span>{words::LOST_FOR} " " {move || words::duration(lost_for.get() as i64)} ". "</span> })}
                            {move || match retry_in.get() {
                                Some(seconds) => words::reconnecting_in(seconds),
                                None => words::RECONNECTING.to_owned(),
                            }}
                            " "
                            {move || {
                                heard.get().map(|at| {
                                    view! {
                                        <span>{words::data_as_of(&time_of_day(at))} " (" {age(Signal::stored(Some(at)))} " old). "</span>
                                    }
                                })
                            }}
                            {rest}
                        </p>
                        <button class="button" type="button" on:click=reconnect>{words::RECONNECT_NOW}</button>
                    </Banner>
                }
                .into_any()
            }
            Bar::Ended(because) => {
                let (title, rest) = words::connection_ended(because);
                view! {
                    <Banner tone=Tone::Caution mark=Glyph::Caution>
                        <p id="connection"><b>{title}</b> " " {rest}</p>
                        <a class="button" href="">{words::RELOAD}</a>
                    </Banner>
                }
                .into_any()
            }
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Bar {
    Lost { never: bool, silent: Option<Hop> },
    Ended(EndedBecause),
}

const THEME: &str = "tallylight-theme";

/// Light, dark, or as the system has it; kept for the next visit.
fn theme_button() -> impl IntoView {
    let kept = storage().and_then(|storage| storage.get_item(THEME).ok().flatten()).unwrap_or_default();
    let theme = RwSignal::new(kept);
    Effect::new(move |_| {
        let Some(root) = document().document_element() else { return };
        theme.with(|theme| {
            let _ = match theme.as_str() {
                "light" | "dark" => root.set_attribute("data-theme", theme),
                _ => root.remove_attribute("data-theme"),
            };
            if let Some(storage) = storage() {
                let _ = storage.set_item(THEME, theme);
            }
        });
    });
    let next = move |_| {
        theme.update(|theme| {
            *theme = match theme.as_str() {
                "light" => "dark",
                "dark" => "",
                _ => "light",
            }
            .to_owned();
        });
    };
    view! {
        <button
            class="button plain square"
            type="button"
            aria-label=move || theme.with(|theme| words::theme(theme))
            title=move || theme.with(|theme| words::theme(theme))
            on:click=next
        >
            {icon(Icon::Theme)}
        </button>
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
