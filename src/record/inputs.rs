//! The inputs of steps that keep a record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{EnvironmentName, Flag, HttpUrl, Lines, Problems, Text};
use crate::context::Context;
use crate::site::ReleaseName;
use crate::text::message_str;

/// How a record is kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Mode {
    /// Ended by this step.
    #[default]
    Close,
    /// Left in progress for finish-deployment, so that a release counts only when everything after it has passed too.
    Open,
    /// Not kept.
    Off,
    /// Ended by this step; without the permission to keep it the step fails before its first write.
    Require,
}

/// What a step does when another run, still going, has a record open for the same targets.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnConcurrent {
    /// It ends as `superseded` before any write.
    Fail,
    /// It waits, within its deadline.
    Wait,
    /// It goes on, and says so.
    Ignore,
}

/// The record's inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RecordInputs {
    /// How the GitHub deployment record is kept.
    #[serde(default)]
    pub record: Mode,
    /// What to do while another run that is still going has a record open for the same targets. Without it, `fail`; of rollback
    /// `ignore`, because a bad version serves meanwhile.
    pub on_concurrent: Option<OnConcurrent>,
    /// Whether what is deployed takes user traffic. `false` for a candidate: its record does not count as what serves.
    #[serde(default = "serves")]
    pub serves: Flag,
    /// Versions of migrations applied with this release, one a line, kept in the record. Or the output `pending` of check-migrations, of
    /// which what the last CONTRACT follows is kept as the schema's floor: rollback does not go below it.
    pub migrations: Option<Lines<Text>>,
    /// The set of images that this is part of, kept in the record: the output `release` of promote-artifact.
    pub release: Option<ReleaseName>,
    /// The address of the environment, shown with the deployment.
    pub environment_url: Option<HttpUrl>,
    /// Whether GitHub shows the environment as production. Without it, true for `prd`, `prod` and `production`, alone or before `-`,
    /// `_`, `/` or `.`.
    pub production_environment: Option<Flag>,
}

/// A migration as check-migrations names it.
#[derive(Deserialize)]
struct Pending {
    version: String,
    #[serde(default)]
    class: String,
    /// What a CONTRACT follows: code that is older does not survive it.
    #[serde(default)]
    expand: String,
    #[serde(default)]
    file: String,
}

fn serves() -> Flag {
    Flag(true)
}

impl RecordInputs {
    /// A record belongs to an environment, and who lets a held commit through says why.
    pub fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.record != Mode::Off && common.environment.is_none(),
            message_str!(
                "environment-required",
                "input `environment` is required, because a record is kept (or set `record: off`)"
            ),
        );
        problems.add_if(
            common.release_hold.0 && common.reason.is_none(),
            "input `release-hold` needs `reason`: why the commit may come back, which is recorded",
        );
    }

    /// True when any of them differs from its default.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.record != Mode::default()
            || self.on_concurrent.is_some()
            || !self.serves.0
            || self.migrations.is_some()
            || self.release.is_some()
            || self.environment_url.is_some()
            || self.production_environment.is_some()
    }

    /// The migrations that were applied, and the version that code must know at least, by the last of them that took something away.
    pub(super) fn applied(&self) -> (Vec<String>, Option<String>) {
        let lines: Vec<String> = self.migrations.iter().flatten().map(ToString::to_string).collect();
        let pending = match lines.as_slice() {
            [one] => serde_json::from_str::<Vec<Pending>>(one).ok(),
            _ => None,
        };
        let Some(pending) = pending else { return (lines, None) };
        let floor = pending.iter().rev().find(|one| one.class == "contract").map(|one| {
            let allows = if one.expand.is_empty() { &one.version } else { &one.expand };
            format!("{allows} ({})", one.file)
        });
        (pending.into_iter().map(|one| one.version).collect(), floor)
    }

    /// The environment a record is kept for, if one is kept.
    #[must_use]
    pub fn kept_in<'a>(&self, cx: &'a Context) -> Option<&'a EnvironmentName> {
        cx.common.environment.as_ref().filter(|_| self.record != Mode::Off)
    }

    pub(super) fn is_production(&self, environment: &EnvironmentName) -> bool {
        self.production_environment.map_or(environment.is_production(), |flag| flag.0)
    }
}
