//! Rules that are broken on purpose, so that it is seen whether the simulation finds them. None in this build.
//!
//! `cargo xtask chaos --sensitivity` makes a build that has them: it copies the rules, the client, the switchboard and
//! this crate, plants in the copies what `planted-bugs.txt` says, and puts the list of them in the place of this file.
//! So no switch is in anything that is ever delivered, and a bug stands where a person would make it.

/// A bug that can be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug {
    /// Its name, for `--bug`.
    pub name: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// What is done wrong.
    pub text: &'static str,
}

/// The bugs that can be switched on.
pub const BUGS: &[Bug] = &[];

/// Switches one on, counted from 1; 0 switches all of them off.
pub const fn plant(_number: usize) {}
