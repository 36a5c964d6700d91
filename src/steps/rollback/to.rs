//! The input `to`: where to go back to.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::input_value;
use crate::oci::Digest;

/// Where to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To what served before.
    Auto,
    /// To this version; or, when the function has none of that number, to what this deployment put there.
    Number(u64),
    /// To the version with this image.
    Digest(Digest),
    /// To what was deployed under this tag or release.
    Release(String),
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if text.starts_with("sha256:") {
            return text.parse().map(Self::Digest);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().ok().filter(|number| *number > 0);
            return number.map(Self::Number).ok_or_else(wrong);
        }
        let is_tag = text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+@".contains(c));
        if is_tag { Ok(Self::Release(text.to_owned())) } else { Err(wrong()) }
    }
}

fn wrong() -> String {
    "must be `auto`, a version's number, a digest `sha256:..`, a tag, or a deployment's number".to_owned()
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Number(number) => number.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
            Self::Release(tag) => f.write_str(tag),
        }
    }
}

input_value!(name To, "`auto`, a version's number, a digest, a tag, or a deployment's number", "41");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn the_forms_of_to_are_told_apart() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let table = [
            ("auto", To::Auto),
            ("41", To::Number(41)),
            ("v1.2.3", To::Release("v1.2.3".to_owned())),
            (digest.as_str(), To::Digest(digest.parse().unwrap())),
        ];
        for (text, to) in table {
            assert_eq!(text.parse(), Ok(to), "{text}");
        }
        for wrong in ["0", "sha256:abc", "a b", "::error::x", "99999999999999999999999999"] {
            assert!(wrong.parse::<To>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["auto", "41", "v1.2.3", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]),
        ) {
            reads_plainly::<To>(&text);
        }
    }
}
