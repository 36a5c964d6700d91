//! What a registry holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hyper::body::Bytes;
use serde_json::Value;

use super::blob::{Blob, Sink};
use super::image::Manifest;
use super::options::Options;

/// What a user may do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Read.
    Pull,
    /// Read and write.
    Push,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) tokens: BTreeMap<String, Token>,
}

#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) manifests: BTreeMap<String, (String, Bytes)>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) blobs: BTreeMap<String, Blob>,
    pub(super) uploads: BTreeMap<String, Sink>,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) password: String,
    /// Where it may do other things than push.
    pub(super) access: BTreeMap<String, Access>,
}

impl User {
    pub(super) fn access(&self, repository: &str) -> Access {
        self.access.get(repository).or_else(|| self.access.get("*")).copied().unwrap_or(Access::Push)
    }
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) access: BTreeMap<String, Access>,
    pub(super) expires: Instant,
}

impl State {
    pub(super) fn new(options: Options) -> Self {
        Self { options, repositories: BTreeMap::new(), users: BTreeMap::new(), tokens: BTreeMap::new() }
    }

    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}

impl Repository {
    pub(super) fn digest(&self, reference: &str) -> Option<String> {
        if reference.contains(':') {
            return self.manifests.contains_key(reference).then(|| reference.to_owned());
        }
        self.tags.get(reference).cloned()
    }

    pub(super) fn manifest(&self, reference: &str) -> Option<Manifest> {
        let digest = self.digest(reference)?;
        let (media_type, bytes) = self.manifests.get(&digest)?;
        Some(Manifest { digest, media_type: media_type.clone(), bytes: bytes.clone(), architecture: None })
    }

    /// The blobs that manifests need.
    pub(super) fn referenced(&self) -> BTreeSet<String> {
        self.manifests.values().flat_map(|(_, bytes)| parts(bytes).blobs).collect()
    }

    /// The descriptors of manifests whose subject this is.
    pub(super) fn referrers(&self, subject: &str) -> Vec<Value> {
        let all = self.manifests.iter();
        all.filter_map(|(digest, (media_type, bytes))| {
            let content: Value = serde_json::from_slice(bytes).ok()?;
            (content["subject"]["digest"] == subject).then(|| {
                let mut found = serde_json::json!({
                    "mediaType": media_type,
                    "digest": digest,
                    "size": bytes.len(),
                    "artifactType": content["artifactType"].as_str().or(content["config"]["mediaType"].as_str()),
                });
                if content["annotations"].is_object() {
                    found["annotations"] = content["annotations"].clone();
                }
                found
            })
        })
        .collect()
    }
}

/// What a manifest names.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) blobs: Vec<String>,
    pub(super) manifests: Vec<String>,
    pub(super) media_types: Vec<String>,
    pub(super) subject: Option<String>,
}

pub(super) fn parts(bytes: &[u8]) -> Parts {
    let content: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let mut parts = Parts { subject: content["subject"]["digest"].as_str().map(str::to_owned), ..Parts::default() };
    parts.media_types.extend(content["artifactType"].as_str().map(str::to_owned));
    let layers = content["layers"].as_array().into_iter().flatten();
    for blob in layers.chain(content.get("config")) {
        // A foreign layer is fetched from its URLs.
        if blob["urls"].is_null() {
            parts.blobs.extend(blob["digest"].as_str().map(str::to_owned));
        }
        parts.media_types.extend(blob["mediaType"].as_str().map(str::to_owned));
    }
    for child in content["manifests"].as_array().into_iter().flatten() {
        parts.manifests.extend(child["digest"].as_str().map(str::to_owned));
        parts.media_types.extend(child["mediaType"].as_str().map(str::to_owned));
    }
    parts
}
