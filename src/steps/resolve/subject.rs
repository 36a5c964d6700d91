//! What an event is about: the branch, tag and commit, and the words for it. A rule says afterwards where it goes.

use super::decision::{Decision, Request};
use super::event::{Dispatch, Event, PullRequest, PullRequestState, RefKind, WorkflowRun};
use super::named::Named;
use super::rules::{Parts, Rule};
use crate::action::inputs::CommitSha;
use crate::github::not_plain;
use crate::text::{self, message};

/// Longest foreign name shown.
pub(super) const SHOWN: usize = 100;

/// What an event is about, before a rule has been found for it.
pub(super) struct Subject {
    pub(super) git_ref: String,
    pub(super) tag: Option<String>,
    pub(super) commit: Option<CommitSha>,
    pub(super) parts: Parts,
    pub(super) version: Option<String>,
}

impl Subject {
    fn commit(git_ref: String, commit: &CommitSha) -> Self {
        Self { git_ref, tag: None, commit: Some(commit.clone()), parts: Parts::default(), version: None }
    }

    fn branch(name: &str, commit: &CommitSha) -> Self {
        Self::commit(format!("refs/heads/{name}"), commit)
    }

    /// What the input `ref` names.
    pub(super) fn named(named: &Named, rules: &[Rule]) -> Self {
        match named {
            Named::Branch(name, commit) => Self::branch(name.as_str(), commit),
            Named::Tag(name, commit) => Self::tag(name.as_str(), Some(commit.clone()), rules),
            Named::Commit(commit) => Self::commit(String::new(), commit),
        }
    }

    fn tag(name: &str, commit: Option<CommitSha>, rules: &[Rule]) -> Self {
        let parts = Parts::of(name, rules);
        let version = parts.version.as_ref().map_or_else(|| name.to_owned(), ToString::to_string);
        Self { git_ref: format!("refs/tags/{name}"), tag: Some(name.to_owned()), commit, parts, version: Some(version) }
    }
}

/// What an event is about.
///
/// # Errors
/// Nothing that is deployed, or a name that was asked for and cannot be used.
pub(super) fn subject(event: &Event, asked: &Request<'_>) -> Result<Subject, Decision> {
    match event {
        Event::Branch { name, commit } => Ok(Subject::branch(name, commit)),
        Event::Tag { name, commit } => Ok(Subject::tag(name, Some(commit.clone()), asked.rules)),
        Event::Release { tag, .. } => Ok(Subject::tag(tag, None, asked.rules)),
        Event::WorkflowRun(run) => {
            succeeded(run, asked.ci_workflow)?;
            Ok(match run.kind {
                Some(RefKind::Tag) => Subject::tag(&run.name, Some(run.commit.clone()), asked.rules),
                Some(RefKind::Branch) | None => Subject::branch(&run.name, &run.commit),
            })
        }
        Event::Dispatch(dispatch) => asked_for(dispatch, asked.rules),
        Event::PullRequest(request) => {
            Ok(Subject::commit(format!("refs/pull/{}/head", request.number), &request.commit))
        }
        Event::Other(why) => Err(Decision::Skip(why.clone())),
    }
}

/// Refuses a name that cannot be passed on, once a rule is about it.
pub(super) fn passed_on(event: &Event, subject: &Subject) -> Result<(), Decision> {
    let kinds = [("refs/heads/", "branch"), ("refs/tags/", "tag")];
    let named = kinds.iter().find_map(|(begin, kind)| Some((kind, subject.git_ref.strip_prefix(begin)?)));
    let Some((kind, why)) = named.and_then(|(kind, name)| Some((kind, not_plain(name)?))) else { return Ok(()) };
    Err(Decision::Refuse {
        reason: format!("the name of the {kind} cannot be passed on, for {}: {why}", describe(event)),
        advice: format!("deploy from a {kind} with another name"),
    })
}

/// A pull request must be open, or have just been closed; and its code is the repository's own, unless forks are allowed.
pub(super) fn is_wanted(request: &PullRequest, allow_forks: bool) -> Result<(), Decision> {
    let number = request.number;
    if request.state == PullRequestState::Closed {
        return Err(Decision::Skip(format!("pull request {number} is closed")));
    }
    if !request.is_fork || allow_forks {
        return Ok(());
    }
    if request.state == PullRequestState::JustClosed {
        return Err(Decision::Skip(format!("pull request {number} is of a fork, and nothing was deployed for it")));
    }
    let repository = request.head_repository.as_deref().map_or_else(|| "a deleted repository".to_owned(), label);
    Err(Decision::Refuse {
        reason: message!("fork-not-deployed", "pull request {number} is of a fork, {repository}: its code is not deployed"),
        advice: "skip forks in the workflow, `if: github.event.pull_request.head.repo.full_name == github.repository`; or set \
                 `allow-forks: true` where every author of a fork may run code in this environment"
            .to_owned(),
    })
}

fn label(name: &str) -> String {
    text::truncated(name, SHOWN)
}

/// CI must have succeeded, and it must be the one that was named.
pub(super) fn succeeded(run: &WorkflowRun, wanted: Option<&str>) -> Result<(), Decision> {
    let workflow = text::truncated(&run.workflow, SHOWN);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != run.workflow && *wanted != run.file) {
        return Err(Decision::Skip(format!("the run was one of {workflow}, not of {wanted}")));
    }
    if run.conclusion == "success" {
        return Ok(());
    }
    let conclusion = text::truncated(&run.conclusion, SHOWN);
    Err(Decision::Skip(format!("{workflow} ended with {conclusion} for commit {}", run.commit.short())))
}

fn asked_for(dispatch: &Dispatch, rules: &[Rule]) -> Result<Subject, Decision> {
    let plain = |what: &str, value: &Option<String>| {
        let Some((name, why)) = value.as_deref().and_then(|name| Some((name, not_plain(name)?))) else { return Ok(()) };
        Err(Decision::Refuse {
            reason: format!(
                "the {what} that was asked for, \"{}\", cannot be used: {why}",
                text::truncated(name, SHOWN)
            ),
            advice: format!("start the run again with the name of a {what}: letters, digits and `._-+/@`"),
        })
    };
    plain("tag", &dispatch.tag)?;
    plain("version", &dispatch.version)?;
    let chosen = dispatch.git_ref.strip_prefix("refs/tags/");
    let mut subject = match (&dispatch.tag, chosen) {
        (Some(tag), _) => Subject::tag(tag, None, rules),
        (None, Some(tag)) => Subject::tag(tag, dispatch.commit.clone(), rules),
        (None, None) => Subject {
            git_ref: dispatch.git_ref.clone(),
            tag: None,
            commit: dispatch.commit.clone(),
            parts: Parts::default(),
            version: None,
        },
    };
    if dispatch.version.is_some() {
        subject.version.clone_from(&dispatch.version);
    }
    Ok(subject)
}

/// An event in words.
pub(super) fn describe(event: &Event) -> String {
    match event {
        Event::Branch { name, .. } => format!("branch {}", label(name)),
        Event::Tag { name, .. } => format!("tag {}", label(name)),
        Event::Release { tag, .. } => format!("release {}", label(tag)),
        Event::WorkflowRun(run) => {
            let of = if run.kind == Some(RefKind::Tag) { "tag " } else { "" };
            format!("a run of {} on {of}{}", label(&run.workflow), label(&run.name))
        }
        Event::Dispatch(_) => "a run that was asked for".to_owned(),
        Event::PullRequest(request) => format!("pull request {}", request.number),
        Event::Other(why) => why.clone(),
    }
}
