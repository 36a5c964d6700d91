//! How Lambda names code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::function::{Function, Package};
use crate::oci::Digest;

/// Names code as Lambda does in `CodeSha256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeId {
    /// An image by its digest.
    Image(Digest),
    /// A zip archive by its SHA-256, in base64.
    Zip(String),
}

impl CodeId {
    /// What a function or version holds; `None` when it does not say.
    #[must_use]
    pub fn of(function: &Function) -> Option<Self> {
        match &function.package {
            Package::Zip => Some(function.code_sha256.clone()).filter(|hash| !hash.is_empty()).map(Self::Zip),
            Package::Image(Some(digest)) => Some(Self::Image(digest.clone())),
            Package::Image(None) => format!("sha256:{}", function.code_sha256).parse().ok().map(Self::Image),
        }
    }

    /// The digest, of an image.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Image(digest) => Some(digest),
            Self::Zip(_) => None,
        }
    }

    /// The hash, of an archive.
    #[must_use]
    pub const fn sha256(&self) -> Option<&String> {
        match self {
            Self::Zip(sha256) => Some(sha256),
            Self::Image(_) => None,
        }
    }

    /// True when this is what a function or version holds.
    #[must_use]
    pub fn is_in(&self, function: &Function) -> bool {
        match self {
            Self::Image(digest) if function.code_sha256.is_empty() => function.digest() == Some(digest),
            _ => self.is(&function.code_sha256),
        }
    }

    /// True when Lambda means this code. The digest of an image has been seen in hexadecimal; AWS does not promise it, so
    /// base64 is understood as well.
    #[must_use]
    pub fn is(&self, code_sha256: &str) -> bool {
        match self {
            Self::Zip(sha256) => sha256 == code_sha256,
            Self::Image(digest) => digest.hex() == code_sha256 || in_base64(digest) == code_sha256,
        }
    }

    /// For people: `code XyZ=`, or the digest's beginning.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Image(digest) => digest.short().to_owned(),
            Self::Zip(sha256) => format!("code {sha256}"),
        }
    }
}

impl std::fmt::Display for CodeId {
    /// As [`label`](Self::shown), with the whole digest.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(digest) => digest.fmt(f),
            Self::Zip(sha256) => write!(f, "code {sha256}"),
        }
    }
}

fn in_base64(digest: &Digest) -> String {
    let hex = digest.hex();
    let byte = |place: usize| hex.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).filter_map(byte).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn an_image_is_known_by_its_digest_in_both_spellings() {
        let digest = Digest::of(b"image");
        let id = CodeId::Image(digest.clone());
        assert!(id.is(digest.hex()));
        assert!(id.is(&STANDARD.encode(Sha256::digest(b"image"))));
        assert!(!id.is(Digest::of(b"other").hex()));
        assert!(!id.is(""));
        assert!(CodeId::Zip("abc=".to_owned()).is("abc="));
        assert!(!CodeId::Zip("abc=".to_owned()).is("abd="));
    }
}
