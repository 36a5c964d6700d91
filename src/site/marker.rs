//! The marker: which release of a site serves. It is the one object by which two publishers exclude each other.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::names::ReleaseName;
use crate::action::inputs::CommitSha;
use crate::oci::Digest;

/// The schema written and read.
const SCHEMA: u32 = 1;

/// Which release serves, and which is about to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Marker {
    /// Always 1.
    pub schema: u32,
    /// The release; none before the first was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseName>,
    /// Its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Counts what became current, so that no two markers of a site are equal.
    pub serial: u64,
    /// What of the edge can change an answer: functions, by their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// What belongs to the environment and not to the release: hashes by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runtime: BTreeMap<String, String>,
    /// The release whose documents are being put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A release on its way.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The release.
    pub release: ReleaseName,
    /// Its digest.
    pub digest: Digest,
    /// The run that brings it; none at a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
}

impl Marker {
    /// Before the first release.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            schema: SCHEMA,
            release: None,
            digest: None,
            commit: None,
            serial: 0,
            edge: None,
            runtime: BTreeMap::new(),
            next: None,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &[u8]) -> Result<Self> {
        let read: Self = serde_json::from_slice(text).context("the marker of the site cannot be read")?;
        ensure!(read.schema == SCHEMA, "the marker of the site has a schema that this release does not know");
        Ok(read)
    }

    /// As it is written.
    ///
    /// # Errors
    /// It cannot be.
    pub fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).context("write the marker of the site")
    }

    /// Whether this serves, whole, and nothing else is on its way.
    #[must_use]
    pub fn is_at(&self, digest: &Digest) -> bool {
        self.digest.as_ref() == Some(digest) && self.next.is_none()
    }

    /// What serves, for people.
    #[must_use]
    pub fn label(&self) -> String {
        let Some(release) = &self.release else { return "no release".to_owned() };
        let digest = self.digest.as_ref().map(|digest| format!(" ({})", digest.short())).unwrap_or_default();
        let next = self.next.as_ref().map(|next| format!(", with documents of {} on their way", next.release));
        format!("release {release}{digest}{}", next.unwrap_or_default())
    }
}
