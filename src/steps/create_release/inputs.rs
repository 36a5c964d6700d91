//! The inputs of create-release.

use schemars::JsonSchema;
use serde::Deserialize;

use super::assets::{self, AssetPath};
use crate::action::inputs::{Flag, Inputs, Lines, Problems, Text};
use crate::changes::ComponentsInput;
use crate::github::TagName;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateRelease {
    /// The tag, which must exist. Without it, the tag on which the run was started.
    pub(super) tag: Option<TagName>,
    /// The tag since which the notes list what changed. Without it, the release before of this component, as validate-tag names it.
    pub(super) previous_tag: Option<TagName>,
    /// The title. Without it, the tag.
    pub(super) name: Option<Text>,
    /// Markdown that stands before the notes GitHub writes. The text of a release that is there already stays.
    pub(super) body: Option<Text>,
    /// Files to upload, each a path in the workspace.
    pub(super) assets: Option<Lines<AssetPath>>,
    /// Leave it as a draft.
    #[serde(default)]
    pub(super) draft: Flag,
    /// Mark it as a pre-release. Without it, so is a version such as `1.3.0-rc.1`.
    pub(super) prerelease: Option<Flag>,
    /// Show it as the latest. Without it, GitHub decides by date and version; with `component`, and for a pre-release, never.
    pub(super) latest: Option<Flag>,
    /// With `component`: which files belong to which component. The notes then list the commits that touch its files.
    pub(super) components: Option<ComponentsInput>,
}

impl Inputs for CreateRelease {
    fn check(&self, problems: &mut Problems) {
        let one_line = |text: &Text| !text.0.contains(char::is_control) && text.0.chars().count() <= 250;
        problems.add_if(
            self.name.as_ref().is_some_and(|name| !one_line(name)),
            "input `name` must be one line of at most 250 characters",
        );
        if let Some(assets) = &self.assets {
            assets::check(assets, problems);
        }
        problems.add_if(
            self.latest == Some(Flag(true)) && self.prerelease == Some(Flag(true)),
            "give either `latest: true` or `prerelease: true`: GitHub shows no pre-release as the latest",
        );
    }
}
