//! A digest: the name of a manifest by its content.

use crate::action::inputs::text_value;

text_value!(
    /// `sha256:` and 64 lower-case hexadecimal digits
    /// (<https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests>).
    name pub struct Digest, "a digest: `sha256:` and 64 hexadecimal digits",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "must be a digest: `sha256:` and 64 lower-case hexadecimal digits",
    |text| {
        let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_hex))
    }
);

impl Digest {
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
