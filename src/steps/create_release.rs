//! create-release: a GitHub release for a tag that is there, with what changed, what serves, and how to take it back. Never makes or
//! moves a tag.

mod apply;
mod assets;
mod changed;
mod notes;
mod observe;
mod plan;
mod report;

use futures_util::future::join;
use schemars::JsonSchema;
use serde::Deserialize;

use self::apply::{New, Work};
pub use self::assets::AssetPath;
use self::notes::{LARGEST, Section, begin};
use self::observe::{Observed, observe};
use self::plan::{Plan, Wanted, plan};
use self::report::{burnt, kept, no_latest, no_tag, odd_tag, planned, refused};
use super::validate_tag::Named;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, Flag, Inputs, Lines, Problems, Span, Text};
use crate::calls::error_line;
use crate::changes::ComponentsInput;
use crate::context::Context;
use crate::github::{AssetFile, End, Github, GithubError, Kind, Release, TagName};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record;
use crate::record::status_line::Figure;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateRelease {
    /// The tag, which must exist. Without it, the tag on which the run was started.
    tag: Option<TagName>,
    /// The tag since which the notes tell what changed. Without it, the release before of this component, as validate-tag tells it.
    previous_tag: Option<TagName>,
    /// The title. Without it, the tag.
    name: Option<Text>,
    /// Markdown that stands before the notes GitHub writes. The text of a release that is there already stays.
    body: Option<Text>,
    /// Files to upload, each a path in the workspace.
    assets: Option<Lines<AssetPath>>,
    /// Leave it as a draft.
    #[serde(default)]
    draft: Flag,
    /// Mark it as a pre-release. Without it, so is a version such as `1.3.0-rc.1`.
    prerelease: Option<Flag>,
    /// Show it as the latest. Without it, GitHub decides by date and version; with `component`, and for a pre-release, never.
    latest: Option<Flag>,
    /// With `component`: which files belong to which component. The notes then tell the commits that touch its files.
    components: Option<ComponentsInput>,
}

impl Inputs for CreateRelease {
    fn check(&self, problems: &mut Problems) {
        let one_line = |text: &Text| !text.0.contains(char::is_control) && text.0.chars().count() <= 250;
        problems.add_if(
            self.name.as_ref().is_some_and(|name| !one_line(name)),
            "input `name` must be one line of at most 250 characters",
        );
        if let Some(assets) = &self.assets {
            assets::check(assets, problems);
        }
        problems.add_if(
            self.latest == Some(Flag(true)) && self.prerelease == Some(Flag(true)),
            "give either `latest: true` or `prerelease: true`: GitHub shows no pre-release as the latest",
        );
    }
}

impl DeployStep for CreateRelease {
    const NAME: &'static str = "create-release";
    const ABOUT: &'static str =
        "Makes the GitHub release of a tag: what changed, what serves, and how to take it back.";
    const OUTPUTS: &'static [Output] =
        &[Output::value("release-id", "The release"), Output::text("release-url", "Its page")];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: write"),
            GithubPermission::needs("deployments: read").when(When::EnvironmentOrDeployment),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const FIGURES: &'static [Figure] = &[Figure::Value("release", "release-id")];

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.components.is_some() && common.component.is_none(),
            "input `components` goes with `component`: the one whose changes are told",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        match self.release(cx).await {
            // GitHub names what reading takes; a token that may do no more gets the next refusal.
            Err(Stop::Error(error)) if wants_contents(&error) && !cx.is_dry_run() => Ok(Outcome::error(error_line(
                &error,
            ))
            .advise("give the job the permission `contents: write` under `permissions:`: releases belong to it")),
            Err(Stop::Error(error)) if GithubError::is(&error, &Kind::TagName) => Ok(burnt(&error_line(&error))),
            ended => ended,
        }
    }
}

/// True when the token may not do with the contents of the repository what is wanted.
fn wants_contents(error: &anyhow::Error) -> bool {
    let needed = GithubError::of(error).and_then(|refusal| refusal.kind.permission());
    needed.is_some_and(|needed| needed.starts_with("contents"))
}

impl CreateRelease {
    async fn release(&self, cx: &Context) -> Step<Outcome> {
        let tag = self.tag(cx)?;
        let files = assets::read(cx, self.assets.as_ref()).await?;
        let found = observe(cx, &tag).await?;
        self.decide(cx, &tag, &files, found).await
    }

    fn tag(&self, cx: &Context) -> Result<TagName, Outcome> {
        if let Some(given) = &self.tag {
            return Ok(given.clone());
        }
        let of_run = cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
        let of_run = of_run.ok_or_else(no_tag)?;
        of_run.parse().map_err(|_its_characters: String| odd_tag(of_run))
    }

    async fn decide(&self, cx: &Context, tag: &TagName, files: &[AssetFile], found: Observed) -> Step<Outcome> {
        let section = Section::of(tag.as_str(), &found.commit, found.deployed.as_ref());
        let by_version = found.named.as_ref().is_some_and(|named| named.is_prerelease);
        let prerelease = self.prerelease.map_or(by_version, |flag| flag.0);
        let make_latest = match self.latest {
            Some(Flag(true)) if prerelease => return Ok(no_latest(tag)),
            Some(Flag(true)) => "true",
            Some(Flag(false)) => "false",
            None if prerelease || cx.common.component.is_some() => "false",
            None => "legacy",
        };
        let wanted = Wanted {
            name: self.name.as_ref().map(|name| name.0.as_str()),
            section: &section,
            prerelease,
            prerelease_given: self.prerelease.is_some(),
            draft: self.draft.0,
            make_latest,
            assets: files,
        };
        let plan = plan(found.release.as_ref(), &wanted);
        if let Some(release) = &found.release {
            tell(cx, release);
        }
        let github = &cx.github().await?;
        let work = Work { cx, github, wanted: &wanted };
        match (plan, found.release) {
            (Plan::Refuse(why), release) => Ok(refused(tag, release.as_ref(), &why)),
            (Plan::Keep, release) => Ok(kept(tag, release.as_ref())),
            (plan, _) if cx.is_dry_run() => Ok(planned(cx, tag, &plan)),
            (Plan::Complete { assets, change }, Some(release)) => {
                let done = work.complete(release, assets, &change).await?;
                proved(cx, github, tag, &found.commit, &work, done).await
            }
            (_, _) => {
                let text = self.text(cx, github, tag, &found.commit, found.named.as_ref()).await?;
                let new = New {
                    tag: tag.as_str(),
                    commit: found.commit.as_str(),
                    name: wanted.name.unwrap_or(tag.as_str()),
                    text,
                    mark: &begin(tag.as_str()),
                };
                let done = work.create(&new).await?;
                proved(cx, github, tag, &found.commit, &work, done).await
            }
        }
    }

    /// What people gave, and what GitHub writes. Without a release before, GitHub would take one of another component.
    async fn text(
        &self,
        cx: &Context,
        github: &Github,
        tag: &TagName,
        commit: &CommitSha,
        named: Option<&Named>,
    ) -> Step<String> {
        let before = named.and_then(|named| named.previous.clone());
        let since = self.previous_tag.as_ref().map(ToString::to_string).or(before);
        let first_of_component = since.is_none() && cx.common.component.is_some();
        let component = record::component(cx);
        let written = if first_of_component {
            format!("The first release of {component}.")
        } else if let (Some(input), Some(Ok(since))) = (&self.components, since.as_deref().map(str::parse)) {
            changed::notes(cx, input, &component, &since, commit).await?
        } else {
            github.generated_notes(tag.as_str(), commit.as_str(), since.as_deref()).await?
        };
        tracing::info!("what changed since {}", since.as_deref().unwrap_or("the beginning"));
        let given = self.body.as_ref().map(|body| format!("{}\n\n", body.0)).unwrap_or_default();
        let text = format!("{given}{written}");
        if text.chars().count() > LARGEST / 2 {
            tracing::info!("the notes are long: what is beyond {LARGEST} characters is cut");
        }
        Ok(text)
    }
}

/// Reads back what was written: the release, its assets, and that the tag stands where it stood.
async fn proved(
    cx: &Context,
    github: &Github,
    tag: &TagName,
    commit: &CommitSha,
    work: &Work<'_>,
    done: Release,
) -> Step<Outcome> {
    tell(cx, &done);
    let (now, at) = join(work.seen(&done), github.tag(tag.as_str())).await;
    let now = now?;
    let missing: Vec<&str> = work
        .wanted
        .assets
        .iter()
        .filter(|file| !now.assets.iter().any(|asset| file.is(asset)))
        .map(|file| file.name.as_str())
        .collect();
    let label = if now.draft { "a draft" } else { "published" };
    let good = missing.is_empty() && now.draft == work.wanted.draft;
    cx.report.check(
        format!("release {}", now.id),
        format!("{label}, {} assets", now.assets.len()),
        format!("{} of ours", work.wanted.assets.len()),
        if good { Verdict::Pass } else { Verdict::Fail },
        "GET /repos/{owner}/{repo}/releases/{release_id}",
    );
    if !good {
        return Ok(Outcome::error(format!("the release of {tag} is {label}, and lacks {}", missing.join(", ")))
            .advise("somebody else changed it meanwhile: run the step again"));
    }
    if at?.map(|tag| tag.end) != Some(End::Commit(commit.clone())) {
        return Ok(Outcome::fail(format!("tag {tag} was moved or deleted while its release was made"))
            .advise(format!("see who did it; the release is of commit {}", commit.short()))
            .advise("protect release tags with a tag ruleset"));
    }
    Ok(Outcome::pass(format!("the release of {tag} is {label}: {}", now.html_url)))
}

fn tell(cx: &Context, release: &Release) {
    cx.report.output("release-id", release.id.to_string());
    cx.report.output("release-url", &release.html_url);
}
