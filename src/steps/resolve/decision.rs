//! What is asked about an event, and what is decided.

use super::named::Named;
use super::rules::{Rule, TagRequired};
use crate::action::inputs::{CommitSha, Component, EnvironmentName};

/// What was asked.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) rules: &'a [Rule],
    /// The input `environment`.
    pub(super) environment: Option<&'a EnvironmentName>,
    /// The input `component`.
    pub(super) component: Option<&'a Component>,
    /// The input `ci-workflow`: a name or a file.
    pub(super) ci_workflow: Option<&'a str>,
    pub(super) tag_required: &'a [TagRequired],
    /// What the input `ref` names, in place of what the event is about.
    pub(super) named: Option<&'a Named>,
    pub(super) allow_forks: bool,
}

/// The decision.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Deploy this.
    Deploy(Box<Deploy>),
    /// The pull request is over, and so is its environment.
    End(Box<Deploy>),
    /// Nothing, because.
    Skip(String),
    /// Somebody asked for what cannot be, and what to do about it.
    Refuse { reason: String, advice: String },
}

/// What to deploy, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Deploy {
    /// The rule, as it is written.
    pub(super) rule: String,
    pub(super) environment: EnvironmentName,
    /// The branch, tag or head of a pull request, with `refs/..`; empty for a commit that was named.
    pub(super) git_ref: String,
    pub(super) tag: Option<String>,
    /// The commit; `None` when the tag must be asked for it.
    pub(super) commit: Option<CommitSha>,
    /// Of the tag, or as it was asked for.
    pub(super) version: Option<String>,
    /// Of the tag.
    pub(super) component: Option<String>,
    /// True where a run of `ci-workflow` has not been seen yet.
    pub(super) needs_ci: bool,
    /// True where another run may have deployed the same release: GitHub sends `released` beside `published`.
    pub(super) unless_recorded: bool,
    /// The repository of a pull request's head: runs of `ci-workflow` for its pull requests count.
    pub(super) head_repository: Option<String>,
    pub(super) warning: Option<String>,
}
