//! Views that the team shares: they lie at the proxy, each with who shared it, and a change that somebody else made
//! meanwhile is never written over.

use leptos::prelude::*;
use rules::api::{Capability, PutView, PutViews, SharedViews};

use super::List;
use super::view::View;
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::parts::icon::{Icon, icon};
use crate::route::api;
use crate::socket::get;
use crate::tasks::spawn;
use crate::words;

/// What the page knows of the shared views. A handle: copies are the same.
#[derive(Clone, Copy)]
pub struct Shared {
    views: RwSignal<SharedViews>,
    /// Why the last change was refused.
    refused: RwSignal<String>,
}

impl Shared {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self { views: RwSignal::new(SharedViews::default()), refused: RwSignal::new(String::new()) }
    }

    /// Reads them from the proxy.
    pub fn fetch(self) {
        spawn(async move {
            if let Ok(views) = get::<SharedViews>(api::VIEWS).await {
                self.views.set(views);
            }
        });
    }

    /// Changes them, as they were seen here; the proxy refuses it if somebody else changed them since.
    fn change(self, change: impl FnOnce(&mut Vec<PutView>)) {
        let put = self.views.with_untracked(|known| {
            let view =
                |one: &rules::api::SharedView| PutView { name: one.name.clone(), view: one.view.clone() };
            let mut views = known.views.iter().map(view).collect();
            change(&mut views);
            PutViews { version: known.version, views }
        });
        let Ok(body) = serde_json::to_string(&put) else { return };
        let (socket, announcer) = (here().socket, here().announcer);
        spawn(async move {
            match socket.put::<SharedViews>(api::VIEWS, body).await {
                Ok(views) => {
                    self.refused.set(String::new());
                    self.views.set(views);
                }
                Err(problem) => {
                    announcer.warn(problem.title.clone());
                    self.refused.set(problem.title);
                    self.fetch();
                }
            }
        });
    }
}

/// What an address tells of a view.
fn told(view: &str) -> View {
    View::default().told_by(crate::route::pairs(view).iter().map(super::pair))
}

/// The shared views as chips: each with its name, its view, and who shared it.
pub fn chips(list: List) -> Vec<(String, View, String)> {
    list.shared.views.with(|known| {
        let chip = |one: &rules::api::SharedView| {
            (one.name.clone(), told(&one.view), words::list::shared_by(&one.by))
        };
        known.views.iter().map(chip).collect()
    })
}

/// The button that shares a view of one's own, for whoever may.
pub fn share_button(list: List, name: &str, view: &View) -> Option<Element> {
    if !here().desk.may(Capability::Lead) {
        return None;
    }
    let (named, view) = (name.to_owned(), crate::route::joined(&view.parameters()));
    let share = move |_: &web_sys::Event| {
        let one = PutView { name: named.clone(), view: view.clone() };
        list.shared.change(|views| {
            views.retain(|other| other.name != one.name);
            views.push(one);
        });
    };
    let button = el("button.button.plain").set("type", "button").on("click", share);
    Some(button.set("aria-label", words::list::share_view(name)).add(words::list::SHARE))
}

/// The shared views in the menu: who shared each, and the button that takes it away.
pub fn section(list: List) -> Node {
    let views = list.shared.views.get();
    let refused = list.shared.refused.get();
    if views.views.is_empty() && refused.is_empty() {
        return Node::Nothing;
    }
    let may = here().desk.may(Capability::Lead);
    let mut lines = el("ul");
    for one in views.views {
        let named = one.name.clone();
        let remove = may.then(|| {
            el("button.button.plain.square")
                .set("type", "button")
                .set("aria-label", words::list::unshare_view(&one.name))
                .on("click", move |_| list.shared.change(|views| views.retain(|other| other.name != named)))
                .add(icon(Icon::Close))
        });
        let says = el("span")
            .add(one.name.clone())
            .add(" ")
            .add(el("span.meta").add(words::list::shared_by(&one.by)));
        lines = lines.add(el("li").key(one.name).add(says).add(remove));
    }
    el("fieldset")
        .add(el("legend.legend").add(words::list::SHARED_VIEWS))
        .add(lines)
        .add((!refused.is_empty()).then(|| el("p.meta").set("role", "status").add(refused)))
        .into()
}
