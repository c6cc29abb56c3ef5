//! Buttons. One that cannot be pressed stays where it is and says why.

use crate::dom::{Element, Text, el};

/// The class of a button by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// One among others.
    #[default]
    Usual,
    /// The one that the screen is for.
    Primary,
    /// The last press before something ends.
    Danger,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::Usual => "button large",
            Self::Primary => "button primary large",
            Self::Danger => "button danger large",
        }
    }
}

/// A button of a dialog or a form. A `blocked` one can be focused but does nothing; the reason stands beside it in the
/// element `reason_id`. `first`: the focus goes here when the dialog opens, unless a field wants it.
pub fn button(
    kind: Kind,
    text: impl Into<Text>,
    blocked: bool,
    reason_id: &'static str,
    first: bool,
    press: impl Fn() + 'static,
) -> Element {
    el("button")
        .set("class", kind.class())
        .set("type", "button")
        .flag("autofocus", first)
        .set_some("aria-disabled", blocked.then_some("true"))
        .set_some("aria-describedby", blocked.then_some(reason_id))
        .on("click", move |_| {
            if !blocked {
                press();
            }
        })
        .add(text.into())
}
