//! The inputs of publish-site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{CacheRules, Globs, HeaderRules, SourceFolder};
use crate::action::inputs::{Flag, Inputs, Problems};
use crate::permissions::{GithubPermission, OTHER_RUNS, Permissions, When};
use crate::record::RecordInputs;
use crate::rollout::sites::{AWS_PERMISSIONS, EdgeInputs, KeepInputs, SiteInputs};
use crate::site::ReleaseName;

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: AWS_PERMISSIONS,
    github: &[
        GithubPermission::needs("deployments: write").when(When::RecordRequired),
        GithubPermission::needs("deployments: write").optional("the record"),
        OTHER_RUNS,
    ],
};

/// How pages are named that end with `.html`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Documents {
    /// As the files are.
    #[default]
    AsIs,
    /// `about.html` is `/about`.
    WithoutExtension,
    /// `about.html` is both.
    Both,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PublishSite {
    /// The folder of the built site.
    pub(super) source: Option<SourceFolder>,
    #[serde(flatten)]
    pub(super) site: SiteInputs,
    #[serde(flatten)]
    pub(super) edge: EdgeInputs,
    /// Files that are named after their content, one pattern a line: they are never replaced, and shared by all releases. Without it, names
    /// with a hash of eight characters or more after `-` or `.`, as Vite, Rollup and webpack make them.
    pub(super) hashed: Option<Globs>,
    /// Documents that name other files, one pattern a line: they are put there last. Without it, `**/*.html`.
    pub(super) entry: Option<Globs>,
    /// Files that are never served, one pattern a line; with a `prefix` they are kept outside of it, without one they are left out. Without it,
    /// `**/*.map`.
    pub(super) private: Option<Globs>,
    /// `Cache-Control` by pattern, as YAML; the last that fits holds. Without it, a year for what is named after its content, and for all else
    /// that browsers ask each time.
    pub(super) cache: Option<CacheRules>,
    /// Header fields by pattern, as YAML: `pattern: {Content-Type: ..}`; also Content-Encoding, Content-Language and Content-Disposition.
    pub(super) headers: Option<HeaderRules>,
    /// How pages are named that end with `.html`, but for `index.html`: behind a distribution without a function that adds the ending,
    /// `/about` needs a file of this name.
    #[serde(default)]
    pub(super) documents: Documents,
    #[serde(flatten)]
    pub(super) keep: KeepInputs,
    /// Take a preview away, with everything of it; only where its record says `serves: false`. Nothing is published then.
    #[serde(default)]
    pub(super) remove: Flag,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
    // Stands behind `record`, whose input of this name is meant for images.
    /// What this release is called. Without it, the commit. The same name with other content gets the beginning of its digest behind it.
    pub(super) release: Option<ReleaseName>,
}

impl Inputs for PublishSite {
    fn check(&self, problems: &mut Problems) {
        let is_preview = !self.record.serves.0 || self.remove.0;
        problems.add_if(
            is_preview && self.site.prefix.is_none() && !self.site.pointer.is_set(),
            "a site that does not serve users needs a `prefix` of its own, the path of the origin in the distribution of TEST: with one origin and \
             one path, TEST and APP show the same files",
        );
        if self.remove.0 {
            problems.add_if(
                self.site.pointer.is_set(),
                "input `pointer` is not used with `remove: true`: a preview has a folder of its own",
            );
            problems.add_if(
                self.source.is_some(),
                "input `source` is not used with `remove: true`: nothing is published then",
            );
            return;
        }
        problems.add_if(self.source.is_none(), "input `source` is required: the folder of the built site");
        self.edge.check(&self.site.pointer, problems);
    }
}
