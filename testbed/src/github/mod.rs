//! The local GitHub: a stateful stand-in for the parts of the REST API that deploying needs.
//!
//! A test fills a repository, gives the program a token and the addresses, and afterwards reads what happened:
//!
//! ```
//! # use testbed::github::{Job, LocalGithub, Permission};
//! # async fn example() -> anyhow::Result<()> {
//! let github = LocalGithub::start().await?;
//! let app = github.repository("org/app");
//! let commit = app.push("main", &[("src/main.py", "print(1)")], "First");
//! let token = app.token(&[Permission::Contents.read(), Permission::Deployments.write()]);
//! let variables = github.environment(&Job::new("org/app", &commit).environment("dev"));
//! // .. run the program ..
//! assert_eq!(app.deployments()[0].states(), ["in_progress", "success"]);
//! # drop((token, variables)); Ok(()) }
//! ```
//!
//! The same routes stand at `/` and, as on GitHub Enterprise Server, at `/api/v3`. Answers are checked against GitHub's
//! OpenAPI description (`github-openapi/`); what that leaves open is commented where it is decided.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of all routes have one type")]

mod answer;
mod call;
mod clock;
mod compare;
mod contract;
mod gate;
mod handlers;
mod inner;
mod limits;
mod local;
mod objects;
mod permissions;
mod records;
mod repository;
mod routes;
mod service;
mod shapes;
mod state;

pub use crate::wire::{Cut, Fault, Request};
pub use local::LocalGithub;
pub use permissions::{ALL, Access, Grant, Permission};
pub use records::{
    Asset, BranchPolicy, CheckRun, Comment, CommitStatus, Deployment, DeploymentStatus, Issue, Job, PullRequest,
    Release, Ruleset, RunJob, RunState, Signer, Workflow, WorkflowRun,
};
pub use repository::Repository;
pub use routes::routes;
