//! The reason of a rule, in a dialog.

use rules::RuleId;

use super::actions::opened;
use crate::dom::{Node, el};
use crate::parts::dialog::dialog;
use crate::words;
use crate::words::reasons::reason;

/// The dialog.
pub fn why_dialog(rule: RuleId) -> Node {
    opened(move |sending| {
        move || {
            let told = reason(rule);
            let body = el("div.body").add(el("p").add(told.text)).add(el("p.meta").add(words::WHY_SOURCE));
            let title = words::why_title(rule, told.section);
            let close = move || sending.router.close_dialog();
            dialog("why-title", title.into(), "", close, body.into()).into()
        }
    })
}
