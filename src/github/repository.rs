//! The names of repositories.

use crate::action::inputs::{is_made_of, text_value};

text_value!(
    /// A repository on GitHub, `owner/name`.
    name pub struct RepositoryName, "a repository, `owner/name`", "org/app", |text| {
        // Both parts go into the path of each call: neither may lead to another one.
        let is_part = |part: &str| {
            !matches!(part, "." | "..") && is_made_of(part, 100, |c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        text.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
    }
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn only_two_plain_parts_name_a_repository() {
        for name in ["org/app", "a-b/c.d_e", "o/.github"] {
            assert!(name.parse::<RepositoryName>().is_ok(), "{name}");
        }
        for name in ["", "app", "org/", "/app", "org/..", "../app", "org/app/issues", "org/a b", "org/a?x", "org/a%2f"]
        {
            assert!(name.parse::<RepositoryName>().is_err(), "{name:?}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["org/app", "org/.github", "../.."])) {
            reads_plainly::<RepositoryName>(&text);
        }
    }
}
