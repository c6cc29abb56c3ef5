//! Every rule in virtual time.

/// The documented policy with the one number changed that `cargo xtask nudge` asks for.
pub(crate) fn nudged_policy() -> Option<crate::Policy> {
    let wanted = std::env::var("TALLYLIGHT_NUDGE").ok()?;
    let (name, number) = wanted.split_once('=').expect("TALLYLIGHT_NUDGE is name=number");
    let number = number.parse().expect("TALLYLIGHT_NUDGE is name=number");
    Some(
        crate::Policy::DOCUMENTED
            .with_number(name, number)
            .expect("TALLYLIGHT_NUDGE names a number of the policy"),
    )
}
