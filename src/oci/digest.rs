//! A digest: the name of a manifest by its content.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::input_value;

/// `sha256:` and 64 lower-case hexadecimal digits
/// (<https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// The digest as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 digits after `sha256:`.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }

    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;

        Self::finished(sha2::Sha256::new_with_prefix(bytes))
    }

    /// The digest of everything a hasher has seen.
    pub(crate) fn finished(hasher: sha2::Sha256) -> Self {
        use sha2::Digest as _;

        Self(format!("sha256:{:x}", hasher.finalize()))
    }

    /// `sha256:` and twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[.."sha256:".len() + 12]
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = text
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a digest: `sha256:` and 64 lower-case hexadecimal digits".to_owned())
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(
    name Digest,
    "a digest: `sha256:` and 64 hexadecimal digits",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]),
        ) {
            reads_plainly::<Digest>(&text);
        }
    }
}
