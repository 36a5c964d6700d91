//! create-release: a GitHub release for a tag that is there, with what changed, what serves, and how to take it back. Never makes or
//! moves a tag.

mod apply;
mod assets;
mod changed;
mod inputs;
mod notes;
mod observe;
mod plan;
mod report;

use self::apply::{Work, apply, read_back};
pub use self::assets::AssetPath;
pub use self::inputs::CreateRelease;
use self::observe::{Observed, observe};
use self::plan::{Plan, Wanted, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Flag, Problems, Span};
use crate::context::Context;
use crate::github::TagName;
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;

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
            "input `components` goes with `component`: the one whose changes are listed",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let tag = &self.tag(cx)?;
        let advise = |stop| report::advise(cx, stop);
        let observed = observe(self, cx, tag).await.map_err(advise)?;
        let wanted = self.wanted(cx, tag, &observed)?;
        if let Some(release) = &observed.release {
            report::set_outputs(cx, release);
        }
        let plan = plan(observed.release.as_ref(), &wanted)
            .map_err(|why| report::refusal(tag, observed.release.as_ref(), &why))?;
        if plan == Plan::Keep {
            return Ok(report::nothing_to_do(tag, observed.release.as_ref()));
        }
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, tag, &plan));
        }
        cx.confirm(&report::label(tag, &plan)).await?;
        let work = Work { cx, github: &cx.github().await?, tag, wanted: &wanted };
        let release = apply(&work, &observed, plan).await.map_err(advise)?;
        report::set_outputs(cx, &release);
        let seen = read_back(&work, &release).await.map_err(advise)?;
        Ok(report::done(cx, tag, &wanted, &observed.commit, &seen))
    }
}

impl CreateRelease {
    fn tag(&self, cx: &Context) -> Result<TagName, Outcome> {
        if let Some(given) = &self.tag {
            return Ok(given.clone());
        }
        let of_run = cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
        let of_run = of_run.ok_or_else(report::no_tag)?;
        of_run.parse().map_err(|_its_characters: String| report::odd_tag(of_run))
    }

    fn wanted<'a>(&'a self, cx: &Context, tag: &'a TagName, observed: &'a Observed) -> Result<Wanted<'a>, Outcome> {
        let prerelease = self.prerelease.map_or(observed.is_prerelease, |flag| flag.0);
        let make_latest = match self.latest {
            Some(Flag(true)) if prerelease => return Err(report::no_latest(tag)),
            Some(Flag(true)) => "true",
            Some(Flag(false)) => "false",
            None if prerelease || cx.common.component.is_some() => "false",
            None => "legacy",
        };
        Ok(Wanted {
            name: self.name.as_ref().map(|name| name.0.as_str()),
            section: &observed.section,
            prerelease,
            prerelease_given: self.prerelease.is_some(),
            draft: self.draft.0,
            make_latest,
            assets: &observed.files,
        })
    }
}
