//! The input `components`: the map itself, or the file that holds it.

use std::fmt;
use std::str::FromStr;

use super::components::Components;
use crate::action::inputs::{Written, input_value};

/// Where the components are written down.
#[derive(Clone, Debug)]
pub enum ComponentsInput {
    /// In the workflow: as they are written there, and read.
    Inline(String, Components),
    /// In a file of the commit, by its path.
    File(String),
}

impl FromStr for ComponentsInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Written::of(text) {
            Written::Here => Ok(Self::Inline(text.to_owned(), Components::read(text)?)),
            Written::InFile => Ok(Self::File(text.to_owned())),
            Written::Nowhere => Err(
                "must be a YAML map of components, or the path of the file that holds it, from the root of the repository".to_owned()
            ),
        }
    }
}

impl fmt::Display for ComponentsInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Inline(text, _) | Self::File(text)) = self;
        f.write_str(text)
    }
}

input_value!(
    ComponentsInput,
    "a YAML map `name: {paths: [..], ignore: [..], depends-on: [..]}`, or the path of a file of the commit that holds it",
    ".github/components.yml"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn a_line_is_a_path_and_all_else_a_map() {
        let is_file = |text: &str| matches!(text.parse(), Ok(ComponentsInput::File(path)) if path == text);
        assert!(is_file(".github/components.yml") && is_file("components"));
        for map in ["a: {paths: [b]}", "{a: {paths: [b]}}", "a:\n  paths: [b]\n"] {
            assert!(matches!(map.parse(), Ok(ComponentsInput::Inline(..))), "{map}");
        }
        for wrong in ["", "/components.yml", "./components.yml", "../components.yml", "a//b", "a\u{202e}b", "[a, b]"] {
            assert!(wrong.parse::<ComponentsInput>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&[".github/components.yml", "a: {paths: ['a/**'], depends-on: b}\nb: {paths: b}"]),
        ) {
            reads::<ComponentsInput>(&text);
        }
    }
}
