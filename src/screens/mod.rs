//! The screens: one file for each, which places parts and gives them what they show.

pub mod actions;
pub mod audit;
pub mod board;
pub mod disk;
pub mod faults;
pub mod hosted;
pub mod keys;
pub mod notices;
pub mod palette;
#[cfg(debug_assertions)]
pub mod parts;
pub mod pause;
pub mod recording;
pub mod settings;
pub mod shell;
pub mod start;
pub mod stop;
pub mod wall;
pub mod watch;
pub mod why;
