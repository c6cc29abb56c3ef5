//! Views of the list that the team shares. One set with a version: who changes it says which one they saw, so that two
//! people do not overwrite each other.

use rules::api::{PutViews, SharedView, SharedViews};

use crate::{Actor, Now, Switchboard, problem, unwritable};
use rules::api::Problem;

/// How many views there are at most.
const VIEWS_MAX: usize = 50;

/// The longest name, in characters.
const NAME_CHARACTERS_MAX: usize = 40;

/// The longest view, in bytes.
const VIEW_BYTES_MAX: usize = 1_000;

impl Switchboard {
    /// The views that are shared.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn views(&mut self) -> Result<SharedViews, Problem> {
        self.store.views().map_err(|error| {
            problem(503, "journal_unreadable", format!("The shared views cannot be read: {error}."))
        })
    }

    /// These are the views from now on, if nobody changed them since.
    ///
    /// # Errors
    /// The refusal, which says what to change. Then nothing was written.
    pub fn views_put(&mut self, actor: &Actor, put: &PutViews, now: Now) -> Result<SharedViews, Problem> {
        let known = self.views()?;
        check(put)?;
        if put.version != known.version {
            let by = known.by.as_deref().unwrap_or("Somebody");
            let title = format!("{by} changed the shared views meanwhile: read them again.");
            return Err(problem(409, "views_changed", title));
        }
        let at = self.journal_now(now);
        let views = put.views.iter().map(|one| {
            let same = known.views.iter().find(|other| other.name == one.name && other.view == one.view);
            same.cloned().unwrap_or_else(|| SharedView {
                name: one.name.clone(),
                view: one.view.clone(),
                by: actor.person.clone(),
                at,
            })
        });
        let views = SharedViews {
            version: known.version + 1,
            by: Some(actor.person.clone()),
            views: views.collect(),
        };
        self.store.put_views(&views).map_err(|error| unwritable(&error))?;
        Ok(views)
    }
}

fn check(put: &PutViews) -> Result<(), Problem> {
    let wrong = |title: String| Err(problem(422, "bad_request", title));
    if put.views.len() > VIEWS_MAX {
        return wrong(format!("{VIEWS_MAX} views can be shared: take one away first."));
    }
    for (place, one) in put.views.iter().enumerate() {
        let length = one.name.chars().count();
        if length == 0 || length > NAME_CHARACTERS_MAX || one.name.trim() != one.name {
            return wrong(format!("Give each view a name of 1 to {NAME_CHARACTERS_MAX} characters."));
        }
        if one.name.chars().any(char::is_control) || one.view.chars().any(char::is_control) {
            return wrong("A name and a view are one line of text.".to_owned());
        }
        if one.view.len() > VIEW_BYTES_MAX {
            return wrong(format!("The view {:?} is longer than {VIEW_BYTES_MAX} bytes.", one.name));
        }
        if put.views[..place].iter().any(|before| before.name == one.name) {
            return wrong(format!("Two views have the name {:?}.", one.name));
        }
    }
    Ok(())
}
