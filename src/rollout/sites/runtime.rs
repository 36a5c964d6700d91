//! What belongs to the environment, and not to the release.

use sha2::{Digest as _, Sha256};

use crate::site::{Meta, media_type};

/// What viewers and edges may keep no longer than it takes to ask again.
pub(super) const FRESH: &str = "no-cache";

/// A document that belongs to the environment, and not to the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Below the site's root.
    pub path: String,
    /// What it holds.
    pub content: String,
    /// Its hash, in hexadecimal digits.
    pub sha256: String,
}

impl Runtime {
    /// A document.
    #[must_use]
    pub fn new(path: &str, content: String) -> Self {
        let sha256 = format!("{:x}", Sha256::digest(&content));
        Self { path: path.trim_start_matches('/').to_owned(), content, sha256 }
    }

    /// How it is served.
    pub(super) fn meta(&self) -> Meta {
        let content_type = media_type(&self.path).unwrap_or("application/octet-stream").to_owned();
        Meta { content_type, cache: FRESH.to_owned(), ..Meta::default() }
    }
}
