//! Moving the branch, or proposing it.

use std::time::Duration;

use anyhow::Result;

use super::job::{Found, Job};
use super::observe::observe;
use super::plan::{Plan, plan};
use super::report;
use crate::action::inputs::CommitSha;
use crate::calls::poll::{Look, poll_github};
use crate::calls::{Answer, error_line};
use crate::github::{Ancestry, BranchName, Content, GithubError, Kind, PullRequest};
use crate::outcome::{Outcome, Step};

/// How often it is begun anew on top of what others have pushed meanwhile.
const ROUNDS: usize = 5;
/// What was written is looked for so long.
const LOOKING: Duration = Duration::from_secs(20);

/// What was written.
pub(super) enum Applied {
    /// The branch ends, or ended, at this commit.
    Moved(CommitSha),
    /// A pull request holds this commit.
    Proposed(CommitSha, PullRequest),
}

/// Writes. GitHub takes no commit that is not on top of the branch: where somebody has pushed meanwhile it is looked at anew.
pub(super) async fn apply(job: &Job<'_>, mut found: Found, plan_now: Plan) -> Step<Applied> {
    if plan_now == Plan::Propose {
        return Ok(propose(job, &found).await?);
    }
    let mut rounds = 1;
    loop {
        let commit = commit(job, &found).await?;
        match move_to(job, &job.branch, &found.tip, &commit).await? {
            Sent::Moved => return Ok(Applied::Moved(commit)),
            Sent::Overtaken(_) if rounds < ROUNDS => {
                tracing::info!("somebody has pushed to {} meanwhile: it is looked at again", job.branch);
            }
            Sent::Overtaken(refused) => return Err(refused.into()),
        }
        rounds += 1;
        found = observe(job).await?;
        if plan(job, &found)? == Plan::Keep {
            // Somebody else has done it meanwhile.
            return Err(report::nothing_to_do(job, &found).into());
        }
    }
}

enum Sent {
    Moved,
    /// The branch does not end any more where it did.
    Overtaken(anyhow::Error),
}

async fn move_to(job: &Job<'_>, branch: &BranchName, from: &CommitSha, to: &CommitSha) -> Result<Sent> {
    let error = match job.github.move_branch(branch, to).await {
        Ok(()) => return Ok(Sent::Moved),
        Err(error) if GithubError::is_unanswered(&error) || GithubError::is(&error, &Kind::Invalid) => error,
        Err(error) => return Err(error),
    };
    let Some(now) = job.github.branch_tip(branch).await? else { return Err(error) };
    // Ours is there, or below what others have pushed since: the answer was lost.
    if now == *to || (now != *from && job.github.ancestry_of_known(to, &now).await? == Ancestry::Newer) {
        job.github.correct(Answer::Applied);
        return Ok(Sent::Moved);
    }
    if now == *from {
        return Err(error);
    }
    job.github.correct(Answer::Refused);
    Ok(Sent::Overtaken(error))
}

/// A branch with the commit, and its pull request. What an earlier attempt has made is gone on with.
async fn propose(job: &Job<'_>, found: &Found) -> Result<Applied> {
    let Some(from) = &job.proposal else { anyhow::bail!("no branch was named for the pull request: this is a bug") };
    let commit = if let Some(there) = &found.proposed {
        there.clone()
    } else {
        let commit = commit(job, found).await?;
        match job.github.create_branch(from, &commit).await {
            Ok(()) => commit,
            Err(error) if GithubError::is_unanswered(&error) || GithubError::is(&error, &Kind::Invalid) => {
                tracing::info!("{}; looking for it before anything is sent again", error_line(&error));
                let there = job.github.branch_tip(from).await?.ok_or(error)?;
                job.github.correct(Answer::Applied);
                there
            }
            Err(error) => return Err(error),
        }
    };
    let held = job.github.content(&commit, job.path).await?;
    anyhow::ensure!(
        matches!(&held, Some(Content::Submodule(at, _)) if *at == job.to),
        "branch {from} is there, and holds another commit of {}: delete that branch",
        job.path
    );
    let (title, body) = report::request(job, found);
    let request = match job.github.open_pull_request((from, &job.branch), &title, &body).await {
        Ok(request) => request,
        Err(error) if GithubError::is_unanswered(&error) || GithubError::is(&error, &Kind::Invalid) => {
            let made = job.github.pull_request(from, &job.branch).await?.ok_or(error)?;
            job.github.correct(Answer::Applied);
            made
        }
        Err(error) => return Err(error),
    };
    Ok(Applied::Proposed(commit, request))
}

async fn commit(job: &Job<'_>, found: &Found) -> Result<CommitSha> {
    job.github.commit_submodule(&found.tip, job.path, &job.to, &report::message(job, found)).await
}

/// Reads back where the reference is.
pub(super) async fn read_back(job: &Job<'_>, applied: &Applied) -> Step<Outcome> {
    let commit = match applied {
        Applied::Proposed(commit, request) => {
            return Ok(report::proposed(job, commit, request));
        }
        Applied::Moved(commit) => commit,
    };
    let until = job.cx.calls.deadline.at_most(LOOKING);
    let what = format!("branch {}", job.branch);
    let seen = poll_github(&until, &what, async || {
        let tip = job.github.branch_tip(&job.branch).await?;
        let Some(tip) = tip else { return Ok(Look::NotYet("no branch".to_owned())) };
        let is_there = tip == *commit || job.github.ancestry_of_known(commit, &tip).await? == Ancestry::Newer;
        Ok(if is_there { Look::Done(tip) } else { Look::NotYet(format!("it ends at {}", tip.short())) })
    });
    let tip = seen.await?;
    let at = job.github.content(&tip, job.path).await?;
    Ok(report::moved(job, commit, at.as_ref()))
}
