//! This run as records name it, and what a refusal of GitHub means for a record.

use super::payload::Run;
use super::place::Place;
use super::status_line;
use super::target::Target;
use crate::calls::log_not_determined;
use crate::context::Context;
use crate::github::{self, GithubError};

/// Where the targets are.
#[must_use]
pub fn places(targets: &[Target]) -> Vec<Place> {
    targets.iter().map(|target| target.place.clone()).collect()
}

/// The component of this invocation: the input, else the repository's name.
#[must_use]
pub fn component(cx: &Context) -> String {
    let named = cx.common.component.as_ref().map(ToString::to_string);
    named.or_else(|| cx.runner.repository_name().map(str::to_owned)).unwrap_or_default()
}

/// This run, as records name it; nothing at a terminal.
#[must_use]
pub fn this_run(cx: &Context) -> Option<Run> {
    cx.runner.run_id().map(|id| Run { id, attempt: cx.runner.attempt() })
}

/// Who triggered this run; at a terminal, whose token it is, as far as GitHub says so.
pub async fn actor(cx: &Context) -> Option<String> {
    if cx.runner.terminal.is_none() {
        return cx.runner.github_actor.clone();
    }
    let asked = match cx.github().await {
        Ok(github) => github.login().await,
        Err(error) => Err(error),
    };
    asked.inspect_err(|error| log_not_determined("whose token this is", error)).ok()
}

/// The figure of a success that says in which attempt of the run it was, where that is not the first.
#[must_use]
pub fn attempt(cx: &Context) -> Option<(String, String)> {
    let attempt = cx.runner.attempt();
    (attempt > 1).then(|| (status_line::ATTEMPT.to_owned(), attempt.to_string()))
}

/// True when an error says that a record could not be read for want of a token or permission.
#[must_use]
pub fn unreadable(error: &anyhow::Error) -> bool {
    GithubError::of(error).is_some_and(|refusal| {
        matches!(
            refusal.kind,
            github::Kind::Unusable | github::Kind::BadToken | github::Kind::Denied(_) | github::Kind::NotFound
        )
    })
}

/// True when an error says that the token may not do something.
#[must_use]
pub fn is_denied(error: &anyhow::Error) -> bool {
    GithubError::of(error).is_some_and(|refusal| matches!(refusal.kind, github::Kind::Denied(_)))
}
