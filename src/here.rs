//! The handles that everything on the page shares. There is one page in a tab, so they are found without handing them down,
//! and without a map of types, which would be a kilobyte for each of them.

use core::cell::Cell;

use crate::clock::Clock;
use crate::desk::Desk;
use crate::parts::announcer::Announcer;
use crate::route::Router;
use crate::screens::board::BoardState;
use crate::socket::Socket;

/// The handles.
#[derive(Clone, Copy)]
pub struct Here {
    /// The time.
    pub clock: Clock,
    /// What is known.
    pub desk: Desk,
    /// Where the page is.
    pub router: Router,
    /// What is said aloud.
    pub announcer: Announcer,
    /// The list.
    pub board: BoardState,
    /// The wire.
    pub socket: Socket,
}

thread_local! {
    static HERE: Cell<Option<Here>> = const { Cell::new(None) };
}

/// Everything is there from now on: to be called before anything is drawn.
pub fn settle(here: Here) {
    HERE.set(Some(here));
}

/// The handles of this page.
pub fn here() -> Here {
    HERE.get().expect("the page settles before it draws")
}
