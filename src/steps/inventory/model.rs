//! What inventory knows of a target, and what it makes of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::ecs::{self, ContainerName};
use crate::insight::{Branch, Figures};
use crate::lambda::{CodeId, Version};
use crate::oci::{Digest, EcrRegistry};
use crate::record::{Place, Target};
use crate::registry::retention::Fate;
use crate::site::ReleaseName;

/// A target that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) environment: EnvironmentName,
    pub(super) component: String,
    pub(super) place: Place,
}

/// What serves there.
#[derive(Clone, Debug)]
pub(super) enum Live {
    /// These, the one with the greatest share first.
    Serves {
        parts: Vec<Part>,
        /// What is to be known beside them.
        notes: Vec<String>,
    },
    /// There is no such thing.
    Missing(String),
    /// It could not be read.
    Unreadable(String),
    /// It is in another account or region than the credentials.
    Elsewhere,
}

/// One version that gets traffic.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) runs: Runs,
    /// Percent of the traffic.
    pub(super) share: f64,
    /// As its description tells.
    pub(super) commit: Option<CommitSha>,
    /// Where its code is kept.
    pub(super) stored: Vec<Stored>,
    /// Why AWS cannot get at its code.
    pub(super) broken: Option<String>,
}

/// What answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Runs {
    /// A version of a function; `None` for `$LATEST`.
    Version(Option<Version>, Option<CodeId>),
    /// A task definition, and what its containers run.
    Revision(ecs::Revision, BTreeMap<ContainerName, Digest>),
    /// A release of a site.
    Release(ReleaseName, Digest),
}

/// Where code is kept, outside of what runs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stored {
    /// In a repository of ECR.
    Image { registry: EcrRegistry, repository: String, container: Option<String>, digest: Digest },
    /// In a bucket, from where Lambda runs it: `s3://bucket/key`, and its version.
    Object { bucket: String, key: String, version: Option<String> },
}

/// What the records say of a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The newest that succeeded.
    pub(super) serves: Option<Recorded>,
    /// A newer one that nobody has ended yet.
    pub(super) open: Option<Recorded>,
    /// Commits that are held there, and why.
    pub(super) held: Vec<String>,
}

/// One record, as far as it is about a place.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) id: u64,
    pub(super) target: Target,
    pub(super) commit: Option<CommitSha>,
    /// When it succeeded, or was made, RFC 3339.
    pub(super) at: String,
    pub(super) run: Option<u64>,
    pub(super) actor: Option<String>,
    pub(super) release: Option<String>,
}

/// Everything that was observed of one target.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) wanted: Wanted,
    pub(super) live: Live,
    pub(super) known: Known,
    /// What becomes of what is kept outside: of what serves, and of what a rollback needs.
    pub(super) fates: Vec<(Role, Stored, Fate)>,
}

/// What something is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It serves.
    Serves,
    /// A rollback goes back to it.
    RollsBack,
}

/// How a target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// What serves is what the record says.
    AsRecorded,
    /// A deployment is under way.
    Deploying,
    /// There is no record to compare with.
    NotRecorded,
    /// Something else serves.
    Drift,
    /// Nothing is there.
    Missing,
    /// Nobody can tell.
    Unknown,
    /// It is in another account or region than the credentials: it was not asked for.
    Elsewhere,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// Good to know.
    Note,
    /// It could not be proved.
    Unproved,
    /// What serves, or a rollback, is in danger, or is something else.
    Bad,
}

/// Something to be known of a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) text: String,
}

/// A target as it is shown, and written.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Row {
    pub(super) environment: String,
    pub(super) component: String,
    pub(super) target: String,
    pub(super) kind: &'static str,
    pub(super) region: String,
    /// The account's hash: it tells accounts apart.
    pub(super) account: String,
    pub(super) state: State,
    pub(super) serves: Vec<Serves>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recorded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
    /// Commits of the default branch that it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) behind: Option<usize>,
    /// What a rollback goes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) held: Vec<String>,
    /// Whether what serves, and what a rollback needs, is kept: none where that is unknown.
    pub(super) protected: Option<bool>,
    pub(super) findings: Vec<Finding>,
    /// What serves, or a rollback needs, is not kept, or AWS cannot get at it.
    pub(super) endangered: bool,
}

/// What serves, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Serves {
    /// `version 42`, `shop-api:42`.
    pub(super) name: String,
    /// Percent of the traffic.
    pub(super) share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
    /// Digests, or the hash of an archive: of containers, `app sha256:..`.
    pub(super) code: Vec<String>,
}

/// A deployment as it is listed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Listed {
    pub(super) id: u64,
    pub(super) at: String,
    pub(super) environment: String,
    pub(super) component: String,
    pub(super) kind: &'static str,
    pub(super) commit: String,
    /// What succeeded there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
    /// How it ended; none where its statuses were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<String>,
    pub(super) to: Vec<String>,
}

/// Everything, as `inventory.json` holds it and the page shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Inventory {
    pub(super) schema: u32,
    pub(super) generated_at: String,
    pub(super) repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repository_url: Option<String>,
    /// The run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<u64>,
    /// The newest commit of the default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    pub(super) verdict: String,
    pub(super) reason: String,
    pub(super) targets: Vec<Row>,
    pub(super) deployments: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Figures>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) seen: Vec<Seen>,
    pub(super) branch: Option<Branch>,
    pub(super) deployments: Vec<Listed>,
    pub(super) figures: Option<Figures>,
    /// Why the records could not be read.
    pub(super) unrecorded: Option<String>,
}
