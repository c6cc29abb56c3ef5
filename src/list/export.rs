//! The buttons that make a file of what the query shows.

use leptos::prelude::*;

use super::List;
use crate::comfort::export::{Format, save};
use crate::dom::{Element, el};
use crate::here::here;
use crate::screens::board::Listed;
use crate::words;

/// A button for each kind of file.
pub fn buttons(list: List) -> Element {
    let button = |format: Format, name: &'static str, says: &'static str| {
        el("button.button")
            .set("type", "button")
            .set("aria-label", says)
            .on("click", move |_| {
                let all = list.board.all();
                let shown: Vec<&Listed> = list.spots.with_value(|spots| {
                    let place = |id| all.binary_search_by(|listed| listed.id.cmp(id)).ok();
                    spots.iter().filter_map(|spot| place(&spot.one.id)).map(|place| &*all[place]).collect()
                });
                let (announcer, now) = (here().announcer, here().desk.clock.now());
                if save(format, &shown, now).is_ok() {
                    announcer.say(words::said(words::comfort::EXPORTED));
                }
            })
            .add(String::from(name))
    };
    el("fieldset").add(el("legend.legend").add(words::comfort::EXPORT)).add(
        el("div.buttons").add(button(Format::Csv, "CSV", words::comfort::DO_CSV)).add(button(
            Format::Json,
            "JSON",
            words::comfort::DO_JSON,
        )),
    )
}
