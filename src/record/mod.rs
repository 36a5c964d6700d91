//! The GitHub deployment record: the memory of all steps, and the only one.
//!
//! A record is made by the step that changes what serves, immediately before its first write, with the state it replaces in
//! the payload. What is learned later goes into statuses. A record *succeeded* when it has a `success` status and no later
//! `failure` or `error`; `inactive` undoes nothing.

mod history;
mod inputs;
mod payload;

use std::time::Duration;

use anyhow::{Context as _, Result};

pub use history::{Entry, History, Standing};
pub use inputs::{DeploymentId, Mode, RecordInputs};
pub use payload::{Kind, Payload, Previous, Read, Run, Target};

use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::context::Context;
use crate::explain::told;
use crate::github::{self, Github, GithubError, NewDeployment, State};
use crate::lambda::{FunctionName, Qualifier};

/// Looking for an open record of this run may take this long.
const RESUMING: Duration = Duration::from_secs(20);

/// What a record says of a commit that nobody knows.
const UNKNOWN: &str = "unknown";

/// Earlier records made inactive after a success, at the most.
const MADE_INACTIVE: usize = 10;

/// A record that was opened by this step.
#[derive(Debug)]
pub struct Record {
    id: u64,
    environment: EnvironmentName,
    payload: Payload,
    url: Option<String>,
    mode: Mode,
    /// The records before it, where they were read.
    earlier: Option<History>,
}

/// What goes into a new record besides the targets.
#[derive(Debug)]
pub struct Release<'a> {
    /// Forward or back.
    pub kind: Kind,
    /// The commit that will serve; the run's own when it is unknown.
    pub commit: Option<CommitSha>,
    /// Whether a smoke test proved it.
    pub proof: Option<bool>,
    /// One line for people.
    pub description: &'a str,
    /// The records so far. Going forward they are read when they are not given; going back does not wait for GitHub.
    pub history: Option<History>,
}

impl Record {
    /// Opens a record, as the inputs want it; `None` when none is kept. Without a usable token or permission that is said
    /// once, and the step goes on, unless the record is required. What this run left open before it moved all that it was
    /// `asked` to is taken up instead of making a second one.
    pub async fn open(
        cx: &Context,
        inputs: &RecordInputs,
        release: Release<'_>,
        targets: Vec<Target>,
        asked: &[Target],
    ) -> Result<Option<Self>> {
        let Some(environment) = cx.common.environment.clone().filter(|_| inputs.record != Mode::Off) else {
            return Ok(None);
        };
        let going_back = release.kind == Kind::Rollback;
        let earlier = match &release.history {
            None if !going_back => earlier(cx, &environment, &targets).await,
            known => known.clone(),
        };
        if let Some(entry) = left_open(cx, earlier.as_ref(), release.kind, &targets, asked).await {
            return Ok(Some(Self { earlier, ..Self::taken_up(cx, inputs, environment, entry) }));
        }
        let made = make(cx, inputs, &environment, release, targets).await.map(|record| Self { earlier, ..record });
        match made {
            Ok(record) => {
                tracing::info!("record: deployment {} to {}", record.id, record.environment);
                cx.report.output("deployment-id", record.id.to_string());
                Ok(Some(record))
            }
            // Going back does not wait for GitHub: a bad version serves meanwhile.
            Err(error)
                if inputs.record != Mode::Require && (unreadable(&error) || going_back && is_refusal(&error)) =>
            {
                cx.report.warn(format!("no record is kept: {}; rollback will need `state` or `to`", told(&error)));
                Ok(None)
            }
            Err(error) => Err(error.context("open the GitHub deployment record")),
        }
    }

    /// Takes up the record that this run left open when it was killed after its write, now that a second attempt found nothing
    /// left to move, and this `serving`: ends it, or hands it on, as the inputs want it. Without one, and without GitHub, nothing is done.
    pub async fn resume(cx: &Context, inputs: &RecordInputs, step: &str, serving: &[Target]) {
        let Some(environment) = cx.common.environment.clone().filter(|_| inputs.record != Mode::Off) else { return };
        let cx = &cx.with_deadline(cx.deadline.at_most(RESUMING));
        match find_open(cx, &environment, serving).await {
            Ok(Some(entry)) => {
                Self::taken_up(cx, inputs, environment, entry).succeed(cx, step, "taken up again").await;
            }
            Ok(None) => {}
            Err(error) => tracing::info!("whether this run left a record open could not be told: {}", told(&error)),
        }
    }

    /// Ends the record well: `success`, or in the mode `open`, `in_progress` for finish-deployment to close. Then earlier
    /// records of the same targets are made inactive.
    pub async fn succeed(&self, cx: &Context, step: &str, figures: &str) {
        let description = format!("da1 {step} pass {figures}");
        if self.mode == Mode::Open {
            self.say(cx, State::InProgress, &description).await;
            return;
        }
        if self.say(cx, State::Success, &description).await {
            supersede_earlier(cx, self.id, &self.environment, &self.payload, self.earlier.as_ref()).await;
        }
    }

    /// Ends the record badly, in every mode. As long as a write may still be applied, or nobody can say what serves, it is left
    /// open: the next run looks.
    pub async fn fail(&self, cx: &Context, step: &str, reason: &str) {
        let settled = !cx.report.is_in_doubt() && self.can_be_looked_at(cx).await;
        let state = if settled { State::Failure } else { State::InProgress };
        self.say(cx, state, &format!("da1 {step} fail {reason}")).await;
    }

    async fn can_be_looked_at(&self, cx: &Context) -> bool {
        let Ok(lambda) = cx.lambda().await else { return false };
        let reads = self.payload.targets.iter().map(|target| lambda.serving(&target.function, &target.alias));
        futures_util::future::join_all(reads).await.iter().all(Result::is_ok)
    }

    fn taken_up(cx: &Context, inputs: &RecordInputs, environment: EnvironmentName, entry: Entry) -> Self {
        tracing::info!("record: deployment {} of this run is still open, and is taken up", entry.id);
        cx.report.output("deployment-id", entry.id.to_string());
        let url = inputs.environment_url.as_ref().map(ToString::to_string);
        Self { id: entry.id, environment, payload: entry.payload, url, mode: inputs.record, earlier: None }
    }

    /// A status that cannot be added is said, and changes no verdict: what serves is already known.
    async fn say(&self, cx: &Context, state: State, description: &str) -> bool {
        let url = self.url.as_deref();
        let added = match cx.github().await {
            Ok(github) => github.add_status(cx, self.id, state, description, url).await,
            Err(error) => Err(error),
        };
        added.map_err(|error| cx.report.warn(format!("the record was not updated: {}", told(&error)))).is_ok()
    }
}

async fn make(
    cx: &Context,
    inputs: &RecordInputs,
    environment: &EnvironmentName,
    release: Release<'_>,
    targets: Vec<Target>,
) -> Result<Record> {
    let github = cx.github().await?;
    let commit = release
        .commit
        .as_ref()
        .map(CommitSha::as_str)
        .or(cx.common.sha.as_ref().map(CommitSha::as_str))
        .or(cx.runner.github_sha.as_deref())
        .context("no commit is known: give the input `sha`")?
        .to_owned();
    let tree = match commit.parse() {
        Ok(sha) => github.tree(cx, &sha).await.ok(),
        Err(_) => None,
    };
    // A run that goes back was started for another release: neither its tag nor its commit is what serves now.
    let going_back = release.kind == Kind::Rollback;
    let tag = cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
    let tag = tag.filter(|_| !going_back).map(str::to_owned);
    let unknown = going_back && release.commit.is_none();
    let payload = Payload {
        schema: Payload::SCHEMA,
        component: component(cx),
        kind: release.kind,
        version: tag.or_else(|| commit.get(..7).filter(|_| !unknown).map(str::to_owned)),
        commit: if unknown { UNKNOWN.to_owned() } else { commit.clone() },
        tree: tree.filter(|_| !unknown),
        targets,
        serves: inputs.serves.0,
        proof: release.proof,
        migrations: inputs.migrations.iter().flatten().map(ToString::to_string).collect(),
        run: this_run(cx),
        actor: cx.runner.github_actor.clone(),
    };
    let written =
        payload.written().context("the record would be larger than 16 KiB: deploy fewer functions at a time")?;
    let created = github
        .create_deployment(
            cx,
            &NewDeployment {
                r#ref: &commit,
                task: release.kind.task(),
                environment: environment.as_str(),
                payload: &written,
                description: release.description,
                auto_merge: false,
                required_contexts: [],
                production_environment: inputs.is_production(environment),
            },
        )
        .await;
    // A deployment whose answer was lost may have been made: it is looked for, and not made twice.
    let id = match created {
        Ok(made) => made.id,
        Err(error) if is_broken(&error) => find_made(cx, environment, &payload).await?.ok_or(error)?,
        Err(error) => return Err(error),
    };
    let url = inputs.environment_url.as_ref().map(ToString::to_string);
    Ok(Record { id, environment: environment.clone(), payload, url, mode: inputs.record, earlier: None })
}

async fn find_made(cx: &Context, environment: &EnvironmentName, payload: &Payload) -> Result<Option<u64>> {
    let deployments = cx.github().await?.deployments(cx, environment, |_| true).await?;
    let same = |read: Read| matches!(read, Read::Ours(found) if *found == *payload);
    Ok(deployments.iter().find(|made| same(Payload::read(&made.payload))).map(|made| made.id))
}

/// True when GitHub gave no usable answer: what was asked may have been done.
fn is_broken(error: &anyhow::Error) -> bool {
    let mut refusals = error.chain().filter_map(|cause| cause.downcast_ref::<GithubError>());
    refusals.any(|refusal| refusal.kind == github::Kind::Broken)
}

/// The records so far; nothing when GitHub does not tell, which opening one will say.
async fn earlier(cx: &Context, environment: &EnvironmentName, targets: &[Target]) -> Option<History> {
    let read = History::read(cx, environment, &component(cx), &places(targets)).await;
    read.inspect_err(|error| tracing::info!("the records so far could not be read: {}", told(error))).ok()
}

/// The newest record, when this run made it for all these targets and no others than were asked for, and it is open: the run was
/// killed before it had moved them. When GitHub does not tell, a new one is made.
async fn left_open(
    cx: &Context,
    earlier: Option<&History>,
    kind: Kind,
    targets: &[Target],
    asked: &[Target],
) -> Option<Entry> {
    let was_asked = |target: &Target| asked.iter().any(|one| target.leads_where(one));
    let ours = |payload: &Payload| {
        payload.run.id == this_run(cx).id
            && payload.kind == kind
            && targets.iter().all(|target| payload.targets.contains(target))
            && payload.targets.iter().all(was_asked)
    };
    match newest_open(cx, earlier?, ours).await {
        Ok(found) => found,
        Err(error) => {
            tracing::info!("whether this run left a record open could not be told: {}", told(&error));
            None
        }
    }
}

/// The newest record, when this run made it, it is open, and it tells what serves.
async fn find_open(cx: &Context, environment: &EnvironmentName, serving: &[Target]) -> Result<Option<Entry>> {
    let told = |target: &Target| serving.iter().any(|now| target.leads_where(now));
    let ours = |payload: &Payload| payload.run.id == this_run(cx).id && payload.targets.iter().all(told);
    newest_open(cx, &History::read(cx, environment, &component(cx), &places(serving)).await?, ours).await
}

/// The newest record, when it is one of those and open.
async fn newest_open(cx: &Context, history: &History, wanted: impl Fn(&Payload) -> bool) -> Result<Option<Entry>> {
    let Some(newest) = history.entries.first().filter(|newest| wanted(&newest.payload)) else { return Ok(None) };
    let standing = Standing::of(&cx.github().await?.statuses(cx, newest.id).await?);
    Ok((standing == Standing::Open).then(|| newest.clone()))
}

fn places(targets: &[Target]) -> Vec<(FunctionName, Qualifier)> {
    targets.iter().map(|target| (target.function.clone(), target.alias.clone())).collect()
}

/// The component of this invocation: the input, else the repository's name.
#[must_use]
pub fn component(cx: &Context) -> String {
    let named = cx.common.component.as_ref().map(ToString::to_string);
    named.or_else(|| cx.runner.repository_name().map(str::to_owned)).unwrap_or_default()
}

/// This run, as records name it.
#[must_use]
pub fn this_run(cx: &Context) -> Run {
    Run { id: cx.runner.run_id().unwrap_or_default(), attempt: cx.runner.attempt() }
}

/// True when GitHub or the lack of a token stands in the way, not something of ours.
fn is_refusal(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<GithubError>)
}

/// Makes earlier records of the same environment, component and targets inactive, newest first. They are read when they are not
/// known.
pub async fn supersede_earlier(
    cx: &Context,
    newest: u64,
    environment: &EnvironmentName,
    payload: &Payload,
    known: Option<&History>,
) {
    if let Err(error) = try_supersede(cx, newest, environment, payload, known).await {
        cx.report.warn(format!("earlier records were not made inactive: {}", told(&error)));
    }
}

async fn try_supersede(
    cx: &Context,
    newest: u64,
    environment: &EnvironmentName,
    payload: &Payload,
    known: Option<&History>,
) -> Result<()> {
    let github = cx.github().await?;
    let history = match known {
        Some(known) => known.clone(),
        None => History::read(cx, environment, &payload.component, &places(&payload.targets)).await?,
    };
    let earlier = history.entries.iter().filter(|entry| entry.id < newest).take(MADE_INACTIVE);
    for entry in earlier {
        let statuses = github.statuses(cx, entry.id).await?;
        match statuses.first().map(|status| status.state.as_str()) {
            Some("success") => {
                let description = format!("replaced by deployment {newest}");
                github.add_status(cx, entry.id, State::Inactive, &description, None).await?;
            }
            // Everything before it was made inactive when it succeeded itself.
            Some("inactive") => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

/// Withdraws a record: it no longer counts as succeeded.
pub async fn withdraw(cx: &Context, github: &Github, id: u64, reason: &str) -> Result<()> {
    github.add_status(cx, id, State::Failure, &format!("withdrawn: {reason}"), None).await
}

/// Adds what a step learned to the open record it was given.
pub async fn attach(cx: &Context, id: &DeploymentId, description: &str) {
    let added = match cx.github().await {
        Ok(github) => github.add_status(cx, id.0, State::InProgress, description, None).await,
        Err(error) => Err(error),
    };
    if let Err(error) = added {
        cx.report.warn(format!("deployment {} was not told of this step: {}", id.0, told(&error)));
    }
}

/// True when an error says that a record could not be read for want of a token or permission.
#[must_use]
pub fn unreadable(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<GithubError>()).any(|refusal| {
        matches!(refusal.kind, github::Kind::Unusable | github::Kind::Denied(_) | github::Kind::NotFound)
    })
}

/// True when an error says that the token may not do something.
#[must_use]
pub fn is_denied(error: &anyhow::Error) -> bool {
    let mut refusals = error.chain().filter_map(|cause| cause.downcast_ref::<GithubError>());
    refusals.any(|refusal| matches!(refusal.kind, github::Kind::Denied(_)))
}
