//! GitHub, through octocrab: its authentication and base URLs, our HTTP client, our retries, and our own minimal answers.
//! octocrab's retry is off, because it sends a POST again at once and would double deployments.

mod client;
mod commit_checks;
mod commit_statuses;
mod commits;
mod deployments;
mod dispatches;
mod error;
mod issues;
mod jobs;
mod releases;
mod repository;
mod rulesets;
mod runs;
mod tags;
mod trees;
mod uploads;

pub use client::{Github, GithubSettings, Listed};
pub use commit_checks::{Check, CheckState};
pub use commit_statuses::{CommitState, CommitStatus, NewCommitStatus};
pub use commits::{Ancestry, Change, Verification};
pub use deployments::{Deployment, NewDeployment, State, Status};
pub use dispatches::WorkflowDispatch;
pub use error::{GithubError, Kind};
pub use issues::{Comment, Issue, LONGEST_BODY, NewIssue};
pub use jobs::JobTimes;
pub use releases::{Asset, NewDraft, Release, ReleaseChange};
pub use repository::RepositoryName;
pub use rulesets::Ruleset;
pub use runs::{RunFilter, WorkflowRun};
pub use tags::{BranchName, End, Tag, TagName, is_plain};
pub use trees::{File, Files};
pub use uploads::{AssetFile, asset_name};
