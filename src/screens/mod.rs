//! The screens: one file for each, which places parts and gives them what they show.

pub mod actions;
pub mod board;
pub mod faults;
pub mod notices;
pub mod pause;
pub mod recording;
pub mod shell;
pub mod start;
pub mod stop;
pub mod watch;
pub mod why;
