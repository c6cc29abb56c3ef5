//! Recordings that ended lie at the proxy, which has all of them: the page asks for those that its query looks for, a page at
//! a time.

use core::time::Duration;

use leptos::prelude::*;
use rules::RecordingId;
use rules::api::RecordingPage;

use super::List;
use super::query::{Field, Term, Wanted};
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::route::api;
use crate::socket::get;
use crate::tasks::spawn;
use crate::words;

/// How long the typing rests before the proxy is asked.
const TYPING_RESTS: Duration = Duration::from_millis(300);

/// What was asked, and what came. A handle: copies are the same.
#[derive(Clone, Copy)]
pub struct Ended {
    /// The text that is looked for.
    text: StoredValue<String>,
    /// What came of it: how many there are, how many are here, and where the next page begins.
    found: RwSignal<Option<(u64, u64, Option<String>)>>,
    /// Those that were found, whatever the page itself still knows of them; in order.
    ids: RwSignal<Vec<RecordingId>>,
    /// The page is being asked for.
    busy: RwSignal<bool>,
}

impl Ended {
    /// Nothing was asked yet.
    pub fn new() -> Self {
        Self {
            text: StoredValue::new("\n".to_owned()),
            found: RwSignal::new(None),
            ids: RwSignal::new(Vec::new()),
            busy: RwSignal::new(false),
        }
    }

    /// The list is looked at with these terms: the proxy is asked when they rest.
    pub fn look_for(self, terms: &[Term]) {
        let text = text_of(terms);
        if self.text.with_value(|known| *known == text) {
            return;
        }
        self.text.set_value(text.clone());
        self.found.set(None);
        self.ids.set(Vec::new());
        let ask = move || {
            if self.text.with_value(|known| *known == text) {
                self.ask(text.clone(), None);
            }
        };
        set_timeout(ask, TYPING_RESTS);
    }

    /// Whether the proxy found it by a name that the page may know no more.
    pub fn has(self, id: &RecordingId) -> bool {
        self.ids.with(|ids| ids.binary_search(id).is_ok())
    }

    fn ask(self, text: String, before: Option<String>) {
        let desk = here().desk;
        self.busy.set(true);
        spawn(async move {
            let answer = get::<RecordingPage>(&api::ended(&text, before.as_deref())).await;
            self.busy.set(false);
            let Ok(page) = answer else { return };
            // Somebody typed on meanwhile.
            if self.text.with_value(|known| *known != text) {
                return;
            }
            let here = self.found.with_untracked(|found| found.as_ref().map_or(0, |(_, here, _)| *here));
            let here = if before.is_some() { here } else { 0 } + page.recordings.len() as u64;
            if !text.is_empty() {
                self.ids.update(|ids| {
                    ids.extend(page.recordings.iter().map(|recording| recording.id.clone()));
                    ids.sort();
                    ids.dedup();
                });
            }
            self.found.set(Some((page.total, here, page.next)));
            desk.take_older(page.recordings);
        });
    }
}

/// What is looked for at the proxy: the words, and what names a recording.
fn text_of(terms: &[Term]) -> String {
    let words: Vec<&str> = terms.iter().filter_map(name_of).collect();
    words.join(" ")
}

/// The name that a term looks for, if it looks for one.
pub fn name_of(term: &Term) -> Option<&str> {
    let names = matches!(
        term.field,
        None | Some(Field::Channel | Field::Sid | Field::Uid | Field::Resource | Field::File)
    );
    match &term.wanted {
        Wanted::Text(text) if names && !term.not => Some(text),
        _ => None,
    }
}

/// How many of those that ended are here, and the way to more of them.
pub fn line(list: List) -> Node {
    let ended = list.ended;
    let Some((total, here, next)) = ended.found.get() else { return Node::Nothing };
    let Some(next) = next else { return Node::Nothing };
    let searched = ended.text.with_value(|text| !text.is_empty());
    let more: Element = el("button.button")
        .set("type", "button")
        .set_some("aria-disabled", ended.busy.get().then_some("true"))
        .on("click", move |_| {
            if !ended.busy.get_untracked() {
                ended.ask(ended.text.get_value(), Some(next.clone()));
            }
        })
        .add(words::list::LOAD_MORE);
    el("p.board-foot").add(words::list::ended_here(here, total, searched)).add(" ").add(more).into()
}

#[cfg(test)]
mod tests {
    use super::text_of;
    use crate::list::query::parse;

    #[test]
    fn the_names_of_a_query_are_looked_for_at_the_proxy() {
        let text = |query: &str| text_of(&parse(query).expect("it can be read"));
        assert_eq!(text("math uid:527 state:ended ha>=2"), "math 527");
        assert_eq!(text("-channel:math file:bak0"), "bak0");
        assert_eq!(text(""), "");
    }
}
