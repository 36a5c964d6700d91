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
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.digest()
    }

    /// `sha256:` and twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[.."sha256:".len() + 12]
    }
}

/// Digests what passes, part by part. It hashes by ring, which runs at the speed of the processor however the program itself is
/// optimised: that is for size.
#[derive(Clone)]
pub struct Hasher(ring::digest::Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }
}

impl Hasher {
    /// Takes the next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of everything it has seen.
    #[must_use]
    pub fn digest(self) -> Digest {
        let mut text = "sha256:".to_owned();
        for byte in self.0.finish().as_ref() {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
            }
        }
        Digest(text)
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn parts_are_digested_as_the_whole() {
        let known = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
        let mut hasher = Hasher::default();
        for part in [&b"hello"[..], b"", b" world"] {
            hasher.update(part);
        }
        assert_eq!((hasher.digest().as_str(), Digest::of(b"hello world").as_str()), (known, known));
    }

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
