//! What create-release finds: the tag, what was deployed with it, and a release that is there.

use anyhow::Context as _;
use futures_util::future::join4;

use super::assets;
use super::changed;
use super::inputs::CreateRelease;
use super::notes::{Deployed, LARGEST, Section, begin};
use super::plan::choose;
use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::context::Context;
use crate::github::{AssetFile, End, Github, Release, TagName};
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{self, History, Payload, Standing, Target};
use crate::rollout::release_tag::{Prefix, Release as Version, previous};
use crate::text::message;

/// What is there.
pub(super) struct Observed {
    pub commit: CommitSha,
    /// Whether the tag's name says that it is a pre-release.
    pub is_prerelease: bool,
    /// Our part of the text.
    pub section: Section,
    pub release: Option<Release>,
    /// The files to upload.
    pub files: Vec<AssetFile>,
    /// What stands before our part in the text of a new release.
    pub text: String,
}

/// Reads everything; or an outcome that needs no more.
pub(super) async fn observe(step: &CreateRelease, cx: &Context, tag: &TagName) -> Step<Observed> {
    let files = assets::read(cx, step.assets.as_ref()).await?;
    let github = &cx.github().await?;
    let component = cx.common.component.as_ref().map(ToString::to_string);
    let (name, prefix) = (tag.as_str(), Prefix::of(component.as_deref()));
    let (found, tags, published, drafts) = join4(
        github.tag(name),
        github.tags_beginning(prefix.as_str()),
        github.release_of(name),
        github.drafts_of(name),
    )
    .await;
    let commit = commit(cx, tag, found?.map(|tag| tag.end))?;
    let deployed = read_deployed(cx, tag, &commit).await?;
    let tags = tags?;
    let version = Version::read(name, &prefix);
    let others: Vec<Version> =
        tags.iter().filter(|other| *other != name).filter_map(|other| Version::read(other, &prefix)).collect();
    let before = version.as_ref().and_then(|version| previous(version, &others)).map(|before| before.tag.clone());
    let (release, others) = choose(published?, drafts?, &begin(name));
    note(cx, tag, release.as_ref());
    let others: Vec<&str> = others.iter().map(|draft| draft.html_url.as_str()).collect();
    if !others.is_empty() {
        cx.report.warn(format!(
            "there are other drafts of a release of {tag}, which stay as they are: {}: delete those that nobody needs",
            others.join(", ")
        ));
    }
    let text = match release {
        None if !cx.is_dry_run() => text(step, cx, github, (tag, &commit), before).await?,
        _ => String::new(),
    };
    let section = Section::of(name, &commit, deployed.as_ref());
    let is_prerelease = version.is_some_and(|version| version.is_prerelease());
    Ok(Observed { commit, is_prerelease, section, release, files, text })
}

/// What people gave, and what GitHub writes. Without a release before, GitHub would take one of another component.
async fn text(
    step: &CreateRelease,
    cx: &Context,
    github: &Github,
    (tag, commit): (&TagName, &CommitSha),
    before: Option<String>,
) -> Step<String> {
    let since = step.previous_tag.as_ref().map(ToString::to_string).or(before);
    let first_of_component = since.is_none() && cx.common.component.is_some();
    let component = record::component(cx);
    let written = if first_of_component {
        format!("The first release of {component}.")
    } else if let (Some(input), Some(Ok(since))) = (&step.components, since.as_deref().map(str::parse)) {
        changed::notes(cx, input, &component, &since, commit).await?
    } else {
        github.generated_notes(tag.as_str(), commit.as_str(), since.as_deref()).await?
    };
    tracing::info!("what changed since {}", since.as_deref().unwrap_or("the beginning"));
    let given = step.body.as_ref().map(|body| format!("{}\n\n", body.0)).unwrap_or_default();
    let text = format!("{given}{written}");
    if text.chars().count() > LARGEST / 2 {
        tracing::info!("the notes are long: what is beyond {LARGEST} characters is cut");
    }
    Ok(text)
}

/// The commit of the tag, if it is the one that is meant.
fn commit(cx: &Context, tag: &TagName, end: Option<End>) -> Result<CommitSha, Outcome> {
    let commit = match end {
        Some(End::Commit(commit)) => commit,
        Some(_) => return Err(Outcome::fail(format!("tag {tag} does not point at a commit: delete it, tag a commit"))),
        None => {
            return Err(Outcome::fail(message!(
                "release-without-tag",
                "tag {tag} does not exist, and this step does not create tags"
            ))
            .advise(format!("git push origin {tag}"))
            .advise("or correct the input `tag`"));
        }
    };
    let on_tag = cx.runner.github_ref.as_deref() == Some(&format!("refs/tags/{tag}"));
    let of_run = || cx.runner.github_sha.as_deref().filter(|_| on_tag)?.parse().ok();
    let wanted: Option<CommitSha> = cx.common.sha.clone().or_else(of_run);
    let good = wanted.as_ref().is_none_or(|wanted| *wanted == commit);
    cx.report.check(
        format!("tag {tag}"),
        format!("commit {}", commit.short()),
        wanted.as_ref().map_or_else(|| "a commit".to_owned(), |wanted| format!("commit {}", wanted.short())),
        if good { Verdict::Pass } else { Verdict::Fail },
        "GET /repos/{owner}/{repo}/git/ref/{ref}",
    );
    if good {
        return Ok(commit);
    }
    Err(Outcome::fail(format!(
        "tag {tag} points at {}, not at {}: it was moved, or another commit is released",
        commit.short(),
        wanted.as_ref().map(CommitSha::short).unwrap_or_default()
    ))
    .advise("release from the run that the push of the tag started, or correct `sha`"))
}

/// What was deployed with the tag, by the record of the environment, or the one that was handed over.
async fn read_deployed(cx: &Context, tag: &TagName, commit: &CommitSha) -> Step<Option<Deployed>> {
    let (environment, records) = if cx.common.deployment_id.is_some() {
        read_named(cx).await?
    } else if let Some(environment) = &cx.common.environment {
        let all = History::of_component(cx, environment, &record::component(cx)).await?;
        let of_commit = all.entries.iter().filter(|entry| entry.payload.commit == commit.as_str());
        let newest = all.newest(cx, of_commit, |standing| standing == Standing::Succeeded).await?;
        let Some(payload) = newest.map(|entry| entry.payload.clone()) else {
            return Err(Outcome::fail(message!(
                "release-not-proven",
                "no record says that {tag} (commit {}) succeeded in {environment}",
                commit.short()
            ))
            .advise("make the release after the deployment, behind finish-deployment; or leave `environment` out")
            .into());
        };
        (environment.clone(), vec![payload])
    } else {
        return Ok(None);
    };
    if records.iter().any(|payload| payload.commit != commit.as_str()) {
        return Err(Outcome::fail(format!("the record is not of {tag} (commit {})", commit.short()))
            .advise("hand over the `deployment-id` of the deployment of this tag")
            .into());
    }
    let targets: Vec<Target> = records.into_iter().flat_map(|payload| payload.targets).collect();
    let moved: Vec<String> = targets.iter().map(|target| target.place.identity.to_string()).collect();
    let source = "GET /repos/{owner}/{repo}/deployments";
    cx.report.check(format!("record of {environment}"), moved.join(", "), "of this commit", Verdict::Pass, source);
    let component = cx.common.component.clone();
    Ok(Some(Deployed { environment, component, targets }))
}

/// The records that were named, of one environment, unless one failed.
async fn read_named(cx: &Context) -> Step<(EnvironmentName, Vec<Payload>)> {
    let records = record::read_named(cx).await?;
    if let Some(failed) = records.iter().find(|record| record.standing() == Standing::Failed) {
        let why = format!("deployment {} failed or was withdrawn: it is not released", failed.id);
        return Err(Outcome::fail(why).into());
    }
    let environment = records.first().map(|record| record.environment.clone()).context("no record is named")?;
    if let Some(other) = records.iter().find(|record| record.environment != environment) {
        let why = format!("the records are of {environment} and of {}: a release describes one", other.environment);
        return Err(Outcome::fail(why).advise("hand over the `deployment-id`s of one environment").into());
    }
    Ok((environment, records.into_iter().map(|record| record.payload).collect()))
}

fn note(cx: &Context, tag: &TagName, release: Option<&Release>) {
    let observed = match release {
        None => "none".to_owned(),
        Some(release) if release.draft => format!("draft {}", release.id),
        Some(release) if release.immutable => format!("release {}, immutable", release.id),
        Some(release) => format!("release {}", release.id),
    };
    cx.report.check(format!("release of {tag}"), observed, "any", Verdict::Pass, "GET /repos/{owner}/{repo}/releases");
}
