//! What is told: how a deployment stands, and how it was left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::github::CommitState;
use crate::text::message_str;

/// How the deployment stands: as `${{ job.status }}` or `${{ needs.<job>.result }}` says it ended, or what comes before that.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Status {
    /// Every step passed.
    Success,
    /// One failed.
    Failure,
    /// It was cancelled.
    Cancelled,
    /// It was not begun: nothing is said.
    Skipped,
    /// It begins.
    Started,
    /// It waits for an approval.
    Waiting,
}

impl Status {
    /// Whether the deployment is over.
    pub(super) const fn is_end(self) -> bool {
        !matches!(self, Self::Started | Self::Waiting)
    }

    /// Whether it ended otherwise than well.
    pub(super) const fn is_bad(self) -> bool {
        matches!(self, Self::Failure | Self::Cancelled)
    }

    /// The state of the commit's status.
    pub(super) const fn of_commit(self) -> CommitState {
        match self {
            Self::Success => CommitState::Success,
            Self::Failure => CommitState::Failure,
            Self::Cancelled | Self::Skipped => CommitState::Error,
            Self::Started | Self::Waiting => CommitState::Pending,
        }
    }
}

/// What became of going back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum RollbackResult {
    /// What served before serves again.
    Succeeded,
    /// It could not be put back.
    Failed,
    /// Nobody tried.
    NotAttempted,
}

/// How a deployment that did not succeed was left, the least bad first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Aftermath {
    /// Nothing that serves users was changed by this run; what serves, if it is known.
    Untouched(Option<String>),
    /// What served before serves again.
    RolledBack(Option<String>),
    /// Nobody can tell.
    Unknown,
    /// What was deployed serves, or was left where it could not be taken away.
    StillServes(Option<String>),
}

impl Aftermath {
    /// In a few words; what was deployed is this.
    pub(super) fn words(&self, deployed: &str) -> String {
        match self {
            Self::RolledBack(Some(to)) => format!("rolled back to {to}"),
            Self::RolledBack(None) => "rolled back".to_owned(),
            Self::StillServes(which) => format!("{} STILL SERVES", which.as_deref().unwrap_or(deployed)),
            Self::Untouched(Some(serves)) => format!("{serves} serves"),
            Self::Untouched(None) => "nothing was changed".to_owned(),
            Self::Unknown => message_str!("serving-not-known", "what serves is NOT KNOWN").to_owned(),
        }
    }

    /// Whether somebody has to look at once.
    pub(super) const fn is_alarm(&self) -> bool {
        matches!(self, Self::StillServes(_) | Self::Unknown)
    }

    /// The word of the input `rollback` for it.
    pub(super) const fn rollback(&self) -> Option<RollbackResult> {
        match self {
            Self::RolledBack(_) => Some(RollbackResult::Succeeded),
            Self::StillServes(_) => Some(RollbackResult::Failed),
            Self::Untouched(_) => Some(RollbackResult::NotAttempted),
            Self::Unknown => None,
        }
    }
}
