//! The parts that screens are made of. They know nothing of routes or requests: what they show comes in, and what a person
//! does with them goes out.

pub mod age;
pub mod announcer;
pub mod attention;
pub mod banner;
pub mod board;
pub mod button;
pub mod choice;
pub mod counts;
pub mod dialog;
pub mod field;
pub mod icon;
pub mod id;
pub mod lamps;
pub mod panel;
pub mod pips;
pub mod retry;
pub mod rule;
pub mod scale;
pub mod splitter;
pub mod state;
pub mod strip;
pub mod timeline;
pub mod window;
