//! How what is notified of ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the deployment ended, as `${{ job.status }}` or `${{ needs.<job>.result }}` says it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Ended {
    /// Every step passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
    /// It was not begun: nothing is said.
    Skipped,
}

/// What became of going back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum WentBack {
    /// What served before serves again.
    Succeeded,
    /// It could not be put back.
    Failed,
    /// Nobody tried.
    NotAttempted,
}
