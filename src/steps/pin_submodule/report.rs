//! What pin-submodule says, and how it ends.

use super::job::{Found, Job};
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::github::{Content, GithubError, Kind, PullRequest, PullRequestState};
use crate::outcome::{Outcome, Stop, Verdict};
use crate::text::{Foreign, message};

const SOURCE: &str = "GET /repos/{owner}/{repo}/contents/{path}";
/// What is asked of the submodule's own repository.
pub(super) const COMPARE: &str = "look whether the commit is newer than the one that is referred to";

pub(super) fn found(job: &Job<'_>, found: &Found) {
    let at = match &found.content {
        Some(Content::Submodule(at, _)) => format!("at {}", at.short()),
        Some(Content::Other(kind)) => format!("{kind}, no submodule"),
        None => "nothing there".to_owned(),
    };
    let is_there = found.at() == Some(&job.to);
    let verdict = if is_there { Verdict::Skipped } else { Verdict::Pass };
    let name = format!("{} on {} of {}", job.path, job.branch, job.github.repository());
    job.cx.report.check(name, at, format!("at {} or an older commit", job.to.short()), verdict, SOURCE);
}

/// What would be done.
pub(super) fn label(job: &Job<'_>, found: &Found) -> String {
    let from = found.at().map(CommitSha::short).unwrap_or_default().to_owned();
    let how = if job.proposal.is_some() { "by a pull request" } else { "by a commit" };
    format!(
        "move {} on {} of {} from {from} to {} {how}",
        job.path,
        job.branch,
        job.github.repository(),
        job.to.short()
    )
}

/// The message of the commit.
pub(super) fn message(job: &Job<'_>, found: &Found) -> String {
    let from = found.at().map(CommitSha::short).unwrap_or_default().to_owned();
    let own = || format!("Move {} from {from} to {}", job.path, job.to.short());
    let given = job.message.map_or_else(own, str::to_owned);
    let run = job.cx.runner.run_url().map(|url| format!("\n\nRun: {url}")).unwrap_or_default();
    Foreign::new(format!("{given}{run}\n")).without_secrets()
}

/// Title and text of the pull request.
pub(super) fn request(job: &Job<'_>, found: &Found) -> (String, String) {
    let whole = message(job, found);
    let (title, rest) = whole.split_once('\n').unwrap_or((&whole, ""));
    let commits = match &found.content {
        Some(Content::Submodule(at, Some(repository))) => format!("{repository}: {at}...{}\n\n", job.to),
        _ => String::new(),
    };
    (Foreign::new(title).without_secrets().chars().take(200).collect(), format!("{commits}{}", rest.trim()))
}

pub(super) fn no_commit() -> Outcome {
    Outcome::bad_input("it is not known which commit the submodule is to be at: give the input `sha`")
}

pub(super) fn no_branch(job: &Job<'_>) -> Outcome {
    let repository = job.github.repository();
    Outcome::fail(format!("{repository} has no branch {}", job.branch))
        .advise("correct the input `branch`, or leave it out: then the default branch is taken")
}

pub(super) fn no_submodule(job: &Job<'_>, there: &str) -> Outcome {
    Outcome::fail(message!(
        "no-submodule",
        "there is no submodule at {} on {} of {}: {there}",
        job.path,
        job.branch,
        job.github.repository()
    ))
    .advise("give the `path` as `.gitmodules` has it, or add it once by hand: `git submodule add <url> <path>`")
}

pub(super) fn older(job: &Job<'_>, found: &Found) -> Outcome {
    let at = found.at().map(CommitSha::short).unwrap_or_default().to_owned();
    Outcome::superseded(message!(
        "older-submodule",
        "{} is at {at}, which is newer than {}: nothing was moved",
        job.path,
        job.to.short()
    ))
    .advise("a later run has moved it; to go back on purpose, revert the commit that moved it")
}

pub(super) fn diverged(job: &Job<'_>, found: &Found) -> Outcome {
    let at = found.at().map(CommitSha::short).unwrap_or_default().to_owned();
    Outcome::fail(message!(
        "diverged-submodule",
        "{} is at {at}, and {} does not contain it: only forward is allowed",
        job.path,
        job.to.short()
    ))
    .advise("merge the branch that holds the one into the other in the submodule, or move the reference by hand")
}

pub(super) fn not_comparable(job: &Job<'_>) -> Outcome {
    Outcome::error(format!(
        "the submodule {} is not on this GitHub: whether {} is newer than what is referred to cannot be asked",
        job.path,
        job.to.short()
    ))
    .advise("move the reference by git in the workflow")
}

/// What to do where GitHub refuses.
pub(super) fn explain(job: &Job<'_>, stop: Stop) -> Stop {
    let Stop::Error(error) = stop else { return stop };
    let chain = error_line(&error);
    if GithubError::is(&error, &Kind::Invalid)
        && (chain.contains("rule violations") || chain.contains("rotected branch"))
    {
        return Outcome::fail(message!("branch-protected", "branch {} does not take a push: {chain}", job.branch))
            .advise("give `pull-request: true`, or let the token's app or user past the rule")
            .into();
    }
    if GithubError::of(&error).is_some_and(|refusal| matches!(refusal.kind, Kind::Denied(_))) {
        let also = if job.proposal.is_some() { " and `pull-requests: write`" } else { "" };
        let advice = format!("give the token `contents: write`{also} in {}", job.github.repository());
        return Outcome::error(chain).advise(advice).into();
    }
    if GithubError::is(&error, &Kind::NotFound) {
        let outcome = Outcome::error(chain).advise(
            "the repository, the commit, or the token's access is missing: `GITHUB_TOKEN` reaches only its own repository; give `token` \
             one that may read the submodule's repository and write the one that holds it",
        );
        return outcome.into();
    }
    Stop::Error(error)
}

pub(super) fn nothing_to_do(job: &Job<'_>, found: &Found) -> Outcome {
    if found.at() != Some(&job.to)
        && let Some(request) = &found.request
    {
        job.cx.report.output("pull-request-url", request.html_url.clone());
        let commit = found.proposed.as_ref().map(ToString::to_string).unwrap_or_default();
        job.cx.report.output("commit", commit);
        let state = match request.state {
            PullRequestState::Open => "waits to be merged",
            PullRequestState::Closed => "was closed: open it again, or delete its branch and run the step again",
        };
        return Outcome::skipped(format!("pull request #{} {state}", request.number));
    }
    Outcome::skipped(format!("{} on {} is at {} already", job.path, job.branch, job.to.short()))
}

pub(super) fn not_applied(job: &Job<'_>, found: &Found) -> Outcome {
    job.cx.report.note_change();
    Outcome::pass(format!("dry run, nothing was changed: it would {}", label(job, found)))
}

pub(super) fn proposed(job: &Job<'_>, commit: &CommitSha, request: &PullRequest) -> Outcome {
    job.cx.report.output("commit", commit.to_string());
    job.cx.report.output("pull-request-url", request.html_url.clone());
    Outcome::pass(format!("pull request #{} moves {} to {}", request.number, job.path, job.to.short()))
}

pub(super) fn moved(job: &Job<'_>, commit: &CommitSha, at: Option<&Content>) -> Outcome {
    job.cx.report.output("commit", commit.to_string());
    let (at, is_ours) = match at {
        Some(Content::Submodule(at, _)) => (format!("at {}", at.short()), *at == job.to),
        _ => ("no submodule any more".to_owned(), false),
    };
    let name = format!("{} read back", job.path);
    let verdict = if is_ours { Verdict::Pass } else { Verdict::Inconclusive };
    job.cx.report.check(name, &at, format!("at {}", job.to.short()), verdict, SOURCE);
    if !is_ours {
        return Outcome::pass(format!(
            "commit {} moved {} to {}; somebody has moved it on since: {at}",
            commit.short(),
            job.path,
            job.to.short()
        ));
    }
    Outcome::pass(format!("{} on {} is at {}, by commit {}", job.path, job.branch, job.to.short(), commit.short()))
}
