//! Where a submodule is.

use crate::action::inputs::{is_made_of, text_value};

text_value!(
    /// The path of a submodule, as `.gitmodules` has it.
    name pub struct SubmodulePath, "a path of the repository: letters, digits and `._-+@/`, at most 400", "services/api", |text| {
        let is_plain = is_made_of(text, 400, |c| c.is_ascii_alphanumeric() || "._-+@/".contains(c));
        is_plain && text.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"))
    }
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn only_paths_that_stay_in_the_repository_are_paths() {
        for path in ["api", "services/api", "a.b/c_d+e@f"] {
            assert!(path.parse::<SubmodulePath>().is_ok(), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.git", "a b", "a\nb", "ü"] {
            assert!(path.parse::<SubmodulePath>().is_err(), "{path:?}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["services/api", "../a", ".git"])) {
            reads_plainly::<SubmodulePath>(&text);
        }
    }
}
