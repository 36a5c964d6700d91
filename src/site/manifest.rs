//! What a release of a site consists of: written once beside the site, never changed afterwards.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bucket::Meta;
use super::names::ReleaseName;
use crate::action::inputs::CommitSha;
use crate::oci::Digest;

/// The schema written and read.
const SCHEMA: u32 = 1;

/// What a file is to a site.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Named after its content: never replaced, and shared by all releases.
    Asset,
    /// Replaced by the next release.
    Document,
    /// A document that names others: put there last.
    Entry,
    /// Kept, and not served.
    Private,
}

/// One file of a release.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct File {
    /// Below the site's root, as it is served.
    pub path: String,
    /// Its hash, in hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is to the site.
    pub kind: FileKind,
    /// How it is served.
    #[serde(flatten)]
    pub meta: Meta,
}

/// A release.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Always 1.
    pub schema: u32,
    /// Its name.
    pub release: ReleaseName,
    /// What tells it from all others, over everything that is served.
    pub digest: Digest,
    /// The commit it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Its files, by path.
    pub files: Vec<File>,
}

impl Manifest {
    /// A release of these files. The digest is over what viewers can be answered: paths, content and header fields.
    ///
    /// # Errors
    /// The digest cannot be made.
    pub fn new(release: ReleaseName, commit: Option<CommitSha>, mut files: Vec<File>) -> Result<Self> {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let digest = digest(&files)?;
        Ok(Self { schema: SCHEMA, release, digest, commit, files })
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is none, or its files are not those of its digest.
    pub fn read(text: &[u8]) -> Result<Self> {
        let read: Self = serde_json::from_slice(text).context("the manifest of the release cannot be read")?;
        ensure!(read.schema == SCHEMA, "the manifest of the release has a schema that this release does not know");
        ensure!(read.digest == digest(&read.files)?, "the manifest of release {} was changed by hand", read.release);
        Ok(read)
    }

    /// As it is written.
    ///
    /// # Errors
    /// It cannot be.
    pub fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).context("write the manifest of the release")
    }

    /// Its files by their paths.
    #[must_use]
    pub fn by_path(&self) -> BTreeMap<&str, &File> {
        self.files.iter().map(|file| (file.path.as_str(), file)).collect()
    }

    /// What is replaced by releases, the entries last.
    #[must_use]
    pub fn documents(&self) -> Vec<&File> {
        let is_document = |file: &&File| matches!(file.kind, FileKind::Document | FileKind::Entry);
        let mut documents: Vec<&File> = self.files.iter().filter(is_document).collect();
        documents.sort_by_key(|file| file.kind);
        documents
    }

    /// What all releases share.
    pub fn assets(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.kind == FileKind::Asset)
    }

    /// The page that users begin with.
    #[must_use]
    pub fn first_entry(&self) -> Option<&File> {
        let entries = || self.files.iter().filter(|file| file.kind == FileKind::Entry);
        entries().find(|file| file.path == "index.html").or_else(|| entries().min_by_key(|file| file.path.len()))
    }
}

fn digest(files: &[File]) -> Result<Digest> {
    let mut lines = String::new();
    for file in files {
        // Of what is not served, only that it is there.
        let meta = serde_json::to_string(&file.meta).context("write a header field")?;
        let _ = writeln!(lines, "{}\0{}\0{:?}\0{meta}", file.path, file.sha256, file.kind);
    }
    let hash = Sha256::digest(lines.as_bytes());
    format!("sha256:{hash:x}").parse().map_err(anyhow::Error::msg)
}

/// The beginning of a hash, for people and for names.
#[must_use]
pub fn cut_hash(digest: &Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").chars().take(8).collect()
}
