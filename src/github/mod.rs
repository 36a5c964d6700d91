//! GitHub, through octocrab: its authentication and base URLs, our HTTP client, our retries, and our own minimal answers.
//! octocrab's retry is off, because it sends a POST again at once and would double deployments.

mod client;
mod commit_checks;
mod commit_statuses;
mod commits;
mod deployments;
mod dispatches;
mod error;
mod git_data;
mod issues;
mod jobs;
mod names;
mod protection;
mod pull_requests;
mod releases;
mod repository;
mod rulesets;
mod runs;
mod tags;
mod trees;
mod uploads;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use client::{Github, GithubSettings, Listed};
pub use commit_checks::{Check, CheckState};
pub use commit_statuses::{CommitState, CommitStatus, NewCommitStatus};
pub use commits::{Ancestry, Change, Landed, Verification};
pub use deployments::{Deployment, NewDeployment, State, Status};
pub use dispatches::WorkflowDispatch;
pub use error::{GithubError, Kind};
pub use git_data::{Content, ContentKind};
pub use issues::{Comment, Issue, LONGEST_BODY, NewIssue};
pub use jobs::JobTimes;
pub use names::{NameScope, NamedKind};
pub use protection::{BranchProtection, EnvironmentProtection};
pub use pull_requests::{PullRequest, PullRequestState};
pub use releases::{Asset, NewDraft, Release, ReleaseChange};
pub use repository::RepositoryName;
pub use rulesets::Ruleset;
pub use runs::{Conclusion, RunFilter, RunStatus, WorkflowRun};
pub use tags::{BranchName, End, Tag, TagName, is_plain, not_plain};
pub use trees::{File, Files};
pub use uploads::{AssetFile, asset_name};

/// A moment as GitHub writes it, RFC 3339.
#[must_use]
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::{CommitState, Conclusion, RunStatus, State};
    use crate::calls::UnknownValue;

    /// Every word is read and written as it is, and another one is named with its field.
    #[test]
    fn a_word_that_is_not_known_is_an_error_that_names_the_field() {
        fn check<T: TryFrom<String, Error = UnknownValue> + ToString>(field: &str, words: &[&str]) {
            for word in words {
                let read = T::try_from((*word).to_owned()).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(read.to_string(), *word);
            }
            for word in ["hibernated", "SUCCESS", ""] {
                let error = T::try_from(word.to_owned()).err().map(|error| error.to_string());
                assert_eq!(error, Some(format!("{field} is {word}, which this release does not know")));
            }
        }
        check::<State>("the state of a deployment", &["queued", "waiting", "in_progress", "success", "inactive"]);
        check::<CommitState>("the state of a commit's status", &["pending", "success", "failure", "error"]);
        check::<RunStatus>("the status of a workflow run", &["requested", "queued", "waiting", "completed"]);
        check::<Conclusion>("the conclusion of a workflow run", &["success", "timed_out", "startup_failure"]);
    }
}
