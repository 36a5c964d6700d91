//! The inputs of check-migrations.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{input_value, is_path, text_value};

text_value!(
    /// A file of the workspace.
    pub(super) struct SarifPath,
    "a path in the workspace",
    "migrations.sarif",
    "must be a path in the workspace: letters, digits, `._-+@`, without `..`",
    |path| is_path(path)
);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

/// The most that is read of one file: more the parser cannot place.
const LARGEST: usize = 64 << 20;

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("", 1)];
        let read = |(unit, bytes): (&str, usize)| {
            let number: usize = text.strip_suffix(unit)?.trim_end().parse().ok()?;
            number.checked_mul(bytes)
        };
        let size = units.into_iter().find_map(read).filter(|size| (1..=LARGEST).contains(size));
        size.map(Self).ok_or_else(|| "must be a size from 1 to 64MiB, e.g. `512KiB`, `1MiB`".to_owned())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            size if size % (1 << 20) == 0 => write!(f, "{}MiB", size >> 20),
            size if size % (1 << 10) == 0 => write!(f, "{}KiB", size >> 10),
            size => size.fmt(f),
        }
    }
}

input_value!(name Size, "a size, e.g. `512KiB`, `1MiB`", "1MiB");

/// What a change means that harms only some code.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Policy {
    /// It is told.
    #[default]
    Default,
    /// It is a CONTRACT.
    Strict,
}

/// Who migrates.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Roles {
    /// Another role than that of the application.
    #[default]
    Separate,
    /// The application's own.
    Same,
}

/// What becomes of a CONTRACT.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum OnContract {
    /// It fails, unless it is annotated, and its expansion is old enough.
    #[default]
    Block,
    /// Without an annotation it needs approval.
    Approve,
    /// It never fails for its class.
    Warn,
}

/// What becomes of statements that make others wait.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Locks {
    /// They are told.
    #[default]
    Warn,
    /// They are not.
    Off,
    /// They fail.
    Block,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn sizes_have_their_range() {
        for (text, bytes) in [("1", 1), ("512KiB", 512 << 10), ("1 MiB", 1 << 20), ("64MiB", 64 << 20)] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for wrong in ["", "0", "-1", "65MiB", "1GB", "99999999999999999999MiB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["512KiB", "1MiB"])) {
            reads_plainly::<Size>(&text);
        }
    }
}
