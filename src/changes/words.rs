//! How messages name files and components.

use crate::outcome::Outcome;
use crate::text::Foreign;

/// Longest path shown, in bytes.
const SHOWN: usize = 200;

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
    let named: Vec<String> = all.by_ref().take(NAMED).map(label).collect();
    let more = all.count();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} (and {more} more)") }
}

/// A path as it may be shown: people choose names of files. The slash behind a submodule is not shown.
#[must_use]
pub fn label(file: &str) -> String {
    Foreign::new(file.trim_end_matches('/')).for_message(SHOWN)
}
