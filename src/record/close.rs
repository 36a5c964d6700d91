//! What is added to a record after it was made: by later steps, by the release that replaces it, by a rollback.

use anyhow::Result;

use super::history::History;
use super::payload::Kind;
use super::place::Place;
use super::status_line;
use crate::action::inputs::{CommitSha, DeploymentId};
use crate::calls::error_line;
use crate::context::Context;
use crate::github::State;
use crate::outcome::Verdict;

/// Makes these earlier records inactive, newest first: a release has replaced them.
pub async fn supersede(cx: &Context, newest: u64, earlier: &[u64]) {
    let description = format!("replaced by deployment {newest}");
    for id in earlier {
        let added = match cx.github().await {
            Ok(github) => github.add_status(*id, State::Inactive, &description, None).await,
            Err(error) => Err(error),
        };
        if let Err(error) = added {
            cx.report.warn(format!("earlier records were not made inactive: {}", error_line(&error)));
            return;
        }
    }
}

/// Withdraws a record: it no longer counts as succeeded. What it brought is held since, unless it was not judged bad.
pub async fn withdraw(cx: &Context, history: &History, id: u64, step: &str, reason: &str) -> Result<()> {
    let line = if is_judged_bad(cx, history, id).await? {
        status_line::taken_back(step, &cx.key, reason)
    } else {
        status_line::withdrawn(reason)
    };
    cx.github().await?.add_status(id, State::Failure, &line, None).await?;
    history.note(id, State::Failure, &line);
    Ok(())
}

/// Whether what a record brought is bad: a check of it failed, or none had another word than `pass`, and it is undone all the same.
/// Where a check was not able to judge, or was cut short, nobody knows.
async fn is_judged_bad(cx: &Context, history: &History, id: u64) -> Result<bool> {
    let Some(entry) = history.entries.iter().find(|entry| entry.id == id) else { return Ok(false) };
    if entry.payload.kind == Kind::Rollback {
        return Ok(false);
    }
    let words = status_line::last_words(&history.statuses(cx, entry).await?);
    let has = |verdict: Verdict| words.iter().any(|line| line.verdict == verdict.word());
    let doubtful = [Verdict::Error, Verdict::Inconclusive, Verdict::Superseded, Verdict::Cancelled];
    Ok(has(Verdict::Fail) || !doubtful.into_iter().any(has))
}

/// The commits that are held at these places once these records are withdrawn: what a rollback's payload says.
pub async fn held_after(cx: &Context, history: &History, undone: &[u64], places: &[Place]) -> Result<Vec<CommitSha>> {
    let mut held: Vec<CommitSha> = Vec::new();
    let mut add = |commit: CommitSha| {
        if !held.contains(&commit) {
            held.push(commit);
        }
    };
    for entry in history.entries.iter().filter(|entry| undone.contains(&entry.id)) {
        if is_judged_bad(cx, history, entry.id).await? {
            places.iter().filter_map(|place| entry.payload.commit_at(place)).for_each(&mut add);
        }
    }
    for place in places {
        history.holds_at(cx, place).await?.into_iter().for_each(|held| add(held.commit));
    }
    Ok(held)
}

/// Adds what a step learned to an open record it was given.
pub async fn attach(cx: &Context, id: DeploymentId, description: &str) {
    let added = match cx.github().await {
        Ok(github) => github.add_status(id.0, State::InProgress, description, None).await,
        Err(error) => Err(error),
    };
    if let Err(error) = added {
        cx.report.warn(format!("this step was not added to deployment {}: {}", id.0, error_line(&error)));
    }
}
