//! Icons act, glyphs state. Both are symbols of the one sprite in `index.html`.

use crate::dom::{Element, el};

/// The class of a state. Its hue never stands alone: a glyph and a word are beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// It records, as it should.
    Recording,
    /// Something is being tried again, or wants a look.
    Caution,
    /// A failover of the service.
    Failover,
    /// Lost, refused, or the end of what the rules may do.
    Critical,
    /// Nothing to notice.
    #[default]
    Neutral,
}

impl Tone {
    /// The value of `data-tone`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Caution => "caution",
            Self::Failover => "failover",
            Self::Critical => "critical",
            Self::Neutral => "neutral",
        }
    }
}

/// A mark that states something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyph {
    /// A filled round.
    Recording,
    /// A triangle with an exclamation mark.
    Caution,
    /// A triangle with a turning arrow: the rules are at it.
    Retry,
    /// A diamond.
    Failover,
    /// An octagon with a cross.
    Critical,
    /// A broken ring.
    Starting,
    /// A ring with a point.
    Stopping,
    /// An empty square.
    Ended,
    /// A ring with a question mark.
    #[default]
    Unknown,
    /// A tick.
    Passed,
    /// A broken diamond: it may come.
    Ahead,
    /// Two bars: it stands still.
    Paused,
}

impl Glyph {
    /// Its symbol in the sprite.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Recording => "#g-recording",
            Self::Caution => "#g-caution",
            Self::Retry => "#g-retry",
            Self::Failover => "#g-failover",
            Self::Critical => "#g-critical",
            Self::Starting => "#g-starting",
            Self::Stopping => "#g-stopping",
            Self::Ended => "#g-ended",
            Self::Unknown => "#g-unknown",
            Self::Passed => "#g-passed",
            Self::Ahead => "#g-ahead",
            Self::Paused => "#g-paused",
        }
    }
}

/// A mark of something that one can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// The list.
    List,
    /// Faults of the simulator.
    Simulator,
    /// Look for.
    Search,
    /// Copy.
    Copy,
    /// Close.
    Close,
    /// Add.
    Plus,
    /// How the page looks and what it does.
    Settings,
    /// Watch one that runs.
    Watch,
    /// Give it the whole page.
    Open,
}

impl Icon {
    const fn symbol(self) -> &'static str {
        match self {
            Self::List => "#i-list",
            Self::Simulator => "#i-sim",
            Self::Search => "#i-search",
            Self::Copy => "#i-copy",
            Self::Close => "#i-close",
            Self::Plus => "#i-plus",
            Self::Settings => "#i-set",
            Self::Watch => "#i-watch",
            Self::Open => "#i-open",
        }
    }
}

/// A glyph. The word beside it says the same.
pub fn glyph(glyph: Glyph) -> Element {
    drawing("svg.glyph", glyph.symbol())
}

/// An icon. The control that holds it has a name of its own.
pub fn icon(icon: Icon) -> Element {
    drawing("svg.icon", icon.symbol())
}

fn drawing(kind: &'static str, symbol: &'static str) -> Element {
    el(kind).set("aria-hidden", "true").add(el("use").set("href", symbol))
}
