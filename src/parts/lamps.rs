//! Two lamps, accepted and confirmed, and never one for both (V5). They are also the mark of the product.

use leptos::prelude::*;

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lamps {
    /// No `sid` yet.
    #[default]
    Dark,
    /// A `sid` was answered (S3).
    Accepted,
    /// A query answered that it records (V2).
    Confirmed,
}

impl Lamps {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dark => "not accepted yet",
            Self::Accepted => "accepted, not confirmed",
            Self::Confirmed => "accepted and confirmed",
        }
    }
}

/// The two lamps. `named` says it to who cannot see them; beside its words it is left out.
pub fn lamps(lit: impl Into<Signal<Lamps>>, named: bool) -> impl IntoView {
    let lit = lit.into();
    let first = move || if lit.get() == Lamps::Dark { "off" } else { "lit" };
    let second = move || if lit.get() == Lamps::Confirmed { "on" } else { "off" };
    view! {
        <svg
            class="lamps"
            viewBox="0 0 28 16"
            role=named.then_some("img")
            aria-label=move || named.then(|| lit.get().words())
            aria-hidden=(!named).then_some("true")
        >
            <rect class="case" x=".75" y=".75" width="26.5" height="14.5" rx="7.25" />
            <circle class=first cx="8.5" cy="8" r="3.2" />
            <circle class=second cx="19.5" cy="8" r="3.2" />
        </svg>
    }
}
