//! The inputs of promote-site.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::{EnvironmentName, Inputs, Problems};
use crate::permissions::{GithubPermission, OTHER_RUNS, Permissions, When};
use crate::record::RecordInputs;
use crate::rollout::sites::{AWS_PERMISSIONS, EdgeInputs, KeepInputs, SiteInputs};
use crate::site::{Prefix, ReleaseName, Site};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: AWS_PERMISSIONS,
    github: &[
        GithubPermission::needs("deployments: write").when(When::RecordRequired),
        GithubPermission::needs("deployments: read").when(When::FromEnvironment),
        GithubPermission::needs("deployments: write").optional("the record"),
        OTHER_RUNS,
    ],
};

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PromoteSite {
    #[serde(flatten)]
    pub(super) site: SiteInputs,
    /// The folder of the bucket where the release was published and proved. Without it, the whole bucket.
    pub(super) source_prefix: Option<Prefix>,
    /// Promote the release that the record of this environment names as succeeded there, for the commit of this run.
    pub(super) from_environment: Option<EnvironmentName>,
    /// Refuse if any other release serves.
    pub(super) expected_current: Option<ReleaseName>,
    #[serde(flatten)]
    pub(super) edge: EdgeInputs,
    #[serde(flatten)]
    pub(super) keep: KeepInputs,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
    // Stands behind `record`, whose input of this name is meant for images.
    /// The release to promote: it must be the one that serves at the source, whole.
    pub(super) release: Option<ReleaseName>,
}

impl PromoteSite {
    /// Where it was proved.
    pub(super) fn source(&self) -> Site {
        Site { prefix: self.source_prefix.clone(), ..self.site.site() }
    }
}

impl Inputs for PromoteSite {
    fn check(&self, problems: &mut Problems) {
        self.edge.check(problems);
        problems.add_if(
            self.source_prefix == self.site.prefix,
            "inputs `prefix` and `source-prefix` name the same folder: what is there is current there already",
        );
        problems.add_if(
            self.release.is_some() == self.from_environment.is_some(),
            "give either `release`, or `from-environment`, whose record names the release",
        );
    }
}
