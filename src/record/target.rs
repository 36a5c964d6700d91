//! A place in a record: what was put there, and what that replaced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::place::{Identity, Place};
use crate::action::inputs::CommitSha;
use crate::context::Served;
use crate::ecs::{self, ContainerName};
use crate::lambda::{Alias, CodeId, Function, Version};
use crate::oci::Digest;
use crate::site::{DistributionId, MarkerPath, ReleaseName};

/// A place, and what was put there: one alias that was moved, or one function whose `$LATEST` was given other code.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Target {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The version it was moved to. `None` for `$LATEST`: a version of the code is published when it has served users.
    pub version: Option<Version>,
    /// The image of that version.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// The hash of a zip archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sha256: Option<String>,
    /// The task definition of a service.
    #[serde(default, rename = "task-definition", skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<ecs::Revision>,
    /// What the containers of a service run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<ContainerName, Digest>,
    /// The release of a site, whose digest is that of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseName>,
    /// The distributions in front of a site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distributions: Vec<DistributionId>,
    /// Where a site says which release serves, if that is not where it usually is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<MarkerPath>,
    /// The commit it holds, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// What it replaced; `None` when there was nothing.
    #[serde(default)]
    pub previous: Option<Previous>,
}

impl Target {
    /// What is put at a place: a version, or code in `$LATEST`. Its commit, and what it replaces, are not known yet.
    #[must_use]
    pub fn new(place: Place, version: Option<Version>, code: Option<&CodeId>) -> Self {
        let Previous { version, digest, code_sha256, .. } = Previous::new(version, code);
        Self {
            place,
            version,
            digest,
            code_sha256,
            task_definition: None,
            images: BTreeMap::new(),
            release: None,
            distributions: Vec::new(),
            marker: None,
            commit: None,
            previous: None,
        }
    }

    /// The code that serves by it, as far as the record says.
    #[must_use]
    pub fn code(&self) -> Option<CodeId> {
        code(self.digest.as_ref(), self.code_sha256.as_ref())
    }

    /// What can be asked what it serves.
    #[must_use]
    pub fn served(&self) -> Option<Served> {
        Some(match (self.place.served()?, &self.marker) {
            (Served::Site(bucket, prefix, _, pointer), Some(marker)) => {
                Served::Site(bucket, prefix, marker.clone(), pointer)
            }
            (served, _) => served,
        })
    }

    /// Whether it leaves nothing else behind.
    #[must_use]
    pub fn stays(&self) -> bool {
        let Some(previous) = &self.previous else { return false };
        match self.place.identity {
            Identity::LambdaAlias { .. } => previous.version.is_some() && previous.version == self.version,
            Identity::LambdaLatest { .. } => previous.code().is_some() && previous.code() == self.code(),
            Identity::EcsService { .. } | Identity::EcsTask { .. } => {
                previous.task_definition.is_some() && previous.task_definition == self.task_definition
            }
            Identity::Site { .. } => previous.release.is_some() && previous.release == self.release,
        }
    }

    /// True when both end at the same place: the version of an alias, the code of `$LATEST`. What they left may differ.
    #[must_use]
    pub fn leads_where(&self, other: &Self) -> bool {
        let same = match self.place.identity {
            Identity::LambdaAlias { .. } => self.version == other.version,
            Identity::LambdaLatest { .. } => self.code().is_some() && self.code() == other.code(),
            Identity::EcsService { .. } | Identity::EcsTask { .. } => {
                let same_images = !self.images.is_empty() && self.images == other.images;
                same_images || self.task_definition.is_some() && self.task_definition == other.task_definition
            }
            Identity::Site { .. } => self.release.is_some() && self.release == other.release,
        };
        same && self.place == other.place
    }
}

/// What served before.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Previous {
    /// The version; `None` for an alias that pointed to `$LATEST`.
    #[serde(default)]
    pub version: Option<Version>,
    /// Shares of other versions.
    #[serde(default)]
    pub weights: BTreeMap<String, f64>,
    /// The image of that version.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// The hash of a zip archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sha256: Option<String>,
    /// The task definition of a service.
    #[serde(default, rename = "task-definition", skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<ecs::Revision>,
    /// What the containers of a service ran.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<ContainerName, Digest>,
    /// The release of a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseName>,
}

fn code(digest: Option<&Digest>, code_sha256: Option<&String>) -> Option<CodeId> {
    digest.cloned().map(CodeId::Image).or_else(|| code_sha256.cloned().map(CodeId::Zip))
}

impl Previous {
    /// An alias as it was found, and the version that served.
    #[must_use]
    pub fn of(alias: &Alias, version: Option<&Function>) -> Self {
        let alias = alias.settle();
        let weights = alias.weights.iter().map(|(version, weight)| (version.to_string(), *weight)).collect();
        Self { weights, ..Self::new(alias.version, version.and_then(CodeId::of).as_ref()) }
    }

    /// A version, or code in `$LATEST`.
    #[must_use]
    pub fn new(version: Option<Version>, code: Option<&CodeId>) -> Self {
        let (digest, code_sha256) = (code.and_then(CodeId::digest).cloned(), code.and_then(CodeId::sha256).cloned());
        Self { version, digest, code_sha256, ..Self::default() }
    }

    /// The code that served, as far as the record says.
    #[must_use]
    pub fn code(&self) -> Option<CodeId> {
        code(self.digest.as_ref(), self.code_sha256.as_ref())
    }
}
