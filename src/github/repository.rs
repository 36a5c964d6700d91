//! The names of repositories.

use std::str::FromStr;

use crate::action::inputs::input_value;

/// A repository on GitHub, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// `owner/name`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Both parts go into the path of each call: neither may lead to another one.
        let good = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.len() <= 100
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match text.split_once('/') {
            Some((owner, name)) if good(owner) && good(name) => Ok(Self(text.to_owned())),
            _ => Err("must be a repository, `owner/name`".to_owned()),
        }
    }
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(name RepositoryName, "a repository, `owner/name`", "org/app");

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
