//! What the tab says while one looks elsewhere: the mark beside its title is that of the worst that needs someone.

use leptos::prelude::*;

use crate::desk::Link;
use crate::here::here;
use crate::standing::Group;
use crate::tasks::follow;

/// The marks: a shape each, so that none is told by its colour alone.
const CALM: &str = "<rect x='3.5' y='9' width='25' height='14' rx='7' fill='none' stroke='%23e8ecf1' stroke-width='2'/><circle cx='11' cy='16' r='3.6' fill='%23e8ecf1'/><circle cx='21' cy='16' r='3.6' fill='%232fb388'/>";
const HANDLED: &str = "<path d='M16 5 28 26H4Z' fill='%23f0b341'/>";
const NEEDED: &str = "<path d='M11 4h10l7 7v10l-7 7H11l-7-7V11Z' fill='%23f0625a'/><path d='M16 9v9M16 22v1' stroke='%2316191d' stroke-width='3' stroke-linecap='round'/>";
const NOT_LIVE: &str =
    "<circle cx='16' cy='16' r='10' fill='none' stroke='%23b3bdc9' stroke-width='3' stroke-dasharray='5 4'/>";

/// Follows what needs someone.
pub fn begin() {
    follow(|| {
        let (board, desk) = (here().board, here().desk);
        let worst = board.all().iter().map(|listed| listed.group).min();
        let mark = match (desk.link.get(), worst) {
            (Link::Lost { .. } | Link::Ended(_), _) => NOT_LIVE,
            (_, Some(Group::NeedsYou)) => NEEDED,
            (_, Some(Group::Handled)) => HANDLED,
            _ => CALM,
        };
        let drawn = [
            "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%2316191d'/>",
            mark,
            "</svg>",
        ];
        let drawn = drawn.concat();
        if let Ok(Some(link)) = document().query_selector("link[rel='icon']")
            && link.get_attribute("href").is_none_or(|shown| shown != drawn)
        {
            let _ = link.set_attribute("href", &drawn);
        }
    });
}
