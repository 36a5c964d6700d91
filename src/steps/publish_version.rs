//! publish-version: puts an artifact into `$LATEST` and publishes a version of it.

mod adopt;
mod apply;
mod artifact;
mod checks;
mod inputs;
mod latest_traffic;
mod observe;
mod plan;
mod report;

use futures_util::future::try_join_all;

use self::apply::{apply, read_back};
pub use self::inputs::PublishVersion;
use self::observe::observe;
use self::plan::plan;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::{Context, Served};
use crate::lambda::serving;
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::record::Concurrency;
use crate::record::status_line::Figure;
use crate::rollout;
use crate::text::truncated;

impl DeployStep for PublishVersion {
    const NAME: &'static str = "publish-version";
    const ABOUT: &'static str = "Puts an artifact into a function and publishes a version of it; no traffic reaches it until an alias is moved.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("version", "The version that holds the artifact, for one function."),
        Output::value("versions", "The versions that hold the artifact, `function=version` lines."),
        Output::value(
            "code-sha256",
            "The hash of the code as Lambda reports it; `function=hash` lines for several functions.",
        ),
        Output::value(
            "digest",
            "The digest of the image; `function=digest` lines for several functions. Empty for zip archives.",
        ),
        Output::text("code-changed", "`true` if a new version holds other code than the version before it."),
        Output::text(
            "configuration-changed",
            "`true` if there is a new version of the same code: its configuration has changed.",
        ),
        Output::value(
            "previous-version",
            "The version the alias points to, or with `traffic: latest` the one that holds what served before; empty if none. \
             `function=version` lines for several functions.",
        ),
        Output::value(
            "state",
            "With `traffic: latest` what was replaced, to hand to rollback, also in another job. Holds no account.",
        ),
        Output::value(
            "deployment-id",
            "With `traffic: latest` the GitHub deployment that records this step; empty when none is kept.",
        ),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Lines("versions"), Figure::Changed];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(10);

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        if self.any_latest() {
            self.record.check_with(common, problems);
            self.required.check_with(common, problems);
            problems.add_if(
                common.deployment_id.is_some(),
                "input `deployment-id` is not used with `traffic: latest`: this step makes the record, and gives its number as the \
                 output `deployment-id`",
            );
        }
        if self.adopt.0 {
            rollout::adopt::check_with(&self.record, common, problems);
        }
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for function in &self.function {
            if let Some(place) = self.callers(function).qualifier() {
                cx.read_back_at_end(Served::Function(function.clone(), place));
            }
        }
        self.required.check(cx, &self.record).await?;
        if self.adopt.0 {
            return adopt::run(self, cx).await;
        }
        let (mut plan, history) = loop {
            let observed = observe(self, cx).await?;
            let plan = plan(observed);
            report::plan(cx, &plan);
            match self.look_for_others(cx, &plan).await? {
                Concurrency::Clear(history) => break (plan, history),
                Concurrency::Waited => {}
            }
        };
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, &plan));
        }
        cx.confirm(&report::labels(&plan)).await?;
        let record = self.open_record(cx, &mut plan, history).await?;
        let applied = apply(self, cx, &plan).await?;
        let ended = read_back(cx, &plan, applied).await;
        if self.any_latest() {
            return self.conclude_switch(cx, &plan, &ended, record).await;
        }
        self.report_serving(cx).await?;
        report::set_outputs(cx, &plan, &ended);
        Ok(report::outcome(&plan, &ended))
    }
}

impl PublishVersion {
    /// Starts with the commit, so that everybody who reads the version knows what it holds.
    fn version_description(&self, cx: &Context) -> String {
        let commit = cx.commit().map(|commit| commit.to_string());
        let own = self.description.as_ref().map(|text| text.0.split_whitespace().collect::<Vec<_>>().join(" "));
        let whole = commit.into_iter().chain(own).collect::<Vec<_>>().join(" ");
        truncated(&whole, LONGEST_DESCRIPTION)
    }

    /// What users get now. What cannot be read here is tried once more, and reported, at the end of every step.
    async fn report_serving(&self, cx: &Context) -> Step<()> {
        let lambda = &cx.lambda().await?;
        let places = self.function.iter().filter_map(|function| Some((function, self.callers(function).qualifier()?)));
        let reads = places.map(async |(function, place)| lambda.serving(function, &place).await);
        if let Ok(found) = try_join_all(reads).await {
            cx.report.serving(serving::line(found));
        }
        Ok(())
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html>
const LONGEST_DESCRIPTION: usize = 256;
