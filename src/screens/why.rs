//! The reason of a rule, in a dialog.

use leptos::prelude::*;
use rules::RuleId;

use crate::parts::dialog::Dialog;
use crate::route::Router;
use crate::words;
use crate::words::reasons::reason;

/// The dialog.
#[component]
pub fn WhyDialog(
    /// The rule.
    rule: RuleId,
) -> impl IntoView {
    let router = expect_context::<Router>();
    let told = reason(rule);
    view! {
        <Dialog id="why-title" title=words::why_title(rule, told.section) on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body"><p>{told.text}</p><p class="meta">{words::WHY_SOURCE}</p></div>
        </Dialog>
    }
}
