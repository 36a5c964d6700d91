//! The inputs of promote-site.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::{EnvironmentName, Inputs, Problems};
use crate::permissions::{GithubPermission, OTHER_RUNS, Permissions, When};
use crate::record::RecordInputs;
use crate::rollout::sites::{AWS_PERMISSIONS, EdgeInputs, KeepInputs, PointerInput, SiteInputs};
use crate::site::{DistributionId, Prefix, ReleaseName, Site};

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
    /// The folder of the bucket where the release was published and proved. Without it, the whole bucket; with `source-pointer`, the same as
    /// `prefix`.
    pub(super) source_prefix: Option<Prefix>,
    /// What says which release serves where it was proved, as `pointer`. With `origin-path`, give `source-distribution`.
    #[serde(default)]
    pub(super) source_pointer: PointerInput,
    /// The distribution where the release was proved, with `source-pointer: origin-path`.
    pub(super) source_distribution: Option<DistributionId>,
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
        let own = self.source_pointer.is_set().then(|| self.site.prefix.clone()).flatten();
        Site {
            prefix: self.source_prefix.clone().or(own),
            pointer: self.source_pointer.pointer(self.source_distribution.as_slice()),
            ..self.target()
        }
    }

    /// Where it is to serve.
    pub(super) fn target(&self) -> Site {
        self.site.site(&self.edge.ids())
    }
}

impl Inputs for PromoteSite {
    fn check(&self, problems: &mut Problems) {
        self.edge.check(&self.site.pointer, problems);
        self.source_pointer.check_source(self.source_distribution.is_some(), problems);
        let (source, target) = (self.source(), self.target());
        problems.add_if(
            source.prefix == target.prefix && source.pointer == target.pointer && !self.site.pointer.is_set(),
            "inputs `prefix` and `source-prefix` name the same folder: what is there is current there already",
        );
        problems.add_if(
            source.prefix == target.prefix && source.pointer == target.pointer && self.site.pointer.is_set(),
            "inputs `pointer` and `source-pointer` are the same, in the same folder: what it leads to is current there already",
        );
        problems.add_if(
            self.release.is_some() == self.from_environment.is_some(),
            "give either `release`, or `from-environment`, whose record names the release",
        );
    }
}
