//! What a repository holds, one kind a file.

mod check_run;
mod commit_status;
mod deployment;
mod environment;
mod issue;
mod job;
mod label;
mod pull_request;
mod release;
mod ruleset;
mod workflow;

pub use check_run::CheckRun;
pub use commit_status::CommitStatus;
pub use deployment::{Deployment, DeploymentStatus};
pub use environment::BranchPolicy;
pub use issue::{Comment, Issue};
pub use job::{Job, Signer};
pub use pull_request::PullRequest;
pub use release::{Asset, Release};
pub use ruleset::Ruleset;
pub use workflow::{RunJob, RunState, Workflow, WorkflowRun};

pub(crate) use environment::Environment;
pub(crate) use job::Issuer;
pub(crate) use label::Label;
pub(crate) use workflow::WorkflowFile;
