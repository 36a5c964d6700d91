//! Which components of a repository a difference between two of its commits concerns.
//!
//! [`Components`] says which files belong to which component and what depends on what, [`differing`] which files differ,
//! [`select`] what follows from both. All three are pure. [`Trees`] reads what they are asked about.

mod components;
mod input;
mod patterns;
mod select;
mod trees;

pub use components::{Components, Scope};
pub use input::ComponentsInput;
pub use select::{Asked, Judged, Selection, Since, select, shown};
pub use trees::{Trees, differing};

use crate::outcome::Outcome;

/// The components cannot be read as they are written, or lack the one that is asked for.
#[must_use]
pub fn wrong_components(why: &str) -> Outcome {
    Outcome::bad_input(format!("input `components`: {why}")).advise(
        "correct them in the repository, or the inputs `components`, `component`, `force` and `sha` (docs/steps/detect-changes.md)",
    )
}

/// Some of many, in words: `a, b, c (and 4 more)`.
#[must_use]
pub fn some<'t>(all: impl IntoIterator<Item = &'t str>) -> String {
    const NAMED: usize = 3;
    let mut all = all.into_iter();
    let named: Vec<String> = all.by_ref().take(NAMED).map(shown).collect();
    let more = all.count();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} (and {more} more)") }
}
