//! rollback: puts back what served before.

mod apply;
mod conclude;
mod destination;
mod inputs;
mod known_releases;
mod observe;
mod place;
mod plan;
mod report;
mod request;
mod services;
mod sites;
mod target;
mod version;

use self::apply::{apply, read_back};
pub use self::destination::To;
pub use self::inputs::{Rollback, RollbackMode, ScopeInput};
use self::known_releases::KnownReleases;
use self::observe::{A_MOMENT, observe};
use self::place::{Place, Revision};
use self::plan::{Scope, going, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::calls::error_line;
use crate::context::{Context, Served};
use crate::lambda::{FunctionName, Qualifier};
use crate::outcome::{Outcome, Step, Stop};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Mode, OnConcurrent, RecordInputs};
use crate::text::message;

impl DeployStep for Rollback {
    const NAME: &'static str = "rollback";
    const ABOUT: &'static str = "Puts back what served before.";
    const OUTPUTS: &'static [Output] = &[
        Output::value(
            "version",
            "The version that serves now, for one function; `function=version` lines for several.",
        ),
        Output::value("previous-version", "The version that served before, in the same form."),
        Output::value(
            "digest",
            "The image of the version that serves now, for one image function; of a site the digest of its release.",
        ),
        Output::text(
            "target-source",
            "Where it was learned: `explicit`, `state`, `record`, `history` (ECS's own, of a service) or `guess`.",
        ),
        Output::value("task-definitions", "What the services have now, `service=family:revision` lines."),
        Output::value("previous-task-definitions", "What they had before, in the same form."),
        Output::text("images", "What the services run now, by digest, `service/container=sha256:..` lines."),
        Output::value("release", "The release that a site has now."),
        Output::value("previous-release", "The release that it had before."),
        Output::value("deployment-id", "The GitHub deployment that records this rollback; empty when none is kept."),
    ];
    const FIGURES: &'static [Figure] = &[
        Figure::Value("version", "version"),
        Figure::Lines("version"),
        Figure::Value("release", "release"),
        Figure::Value("source", "target-source"),
    ];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        let by_memory = self.state.is_none() && !self.is_explicit() && !self.allow_guess.0;
        problems.add_if(
            common.environment.is_none() && (self.record.record != Mode::Off || by_memory),
            "input `environment` is required, because the record of it is read and written \
             (or set `record: off` and give `state` or `to`)",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        if let Some(cluster) = &self.cluster {
            return self.put_services_back(cx, cluster).await;
        }
        if let Some(bucket) = &self.bucket {
            return self.put_site_back(cx, bucket).await;
        }
        for function in &self.functions() {
            cx.read_back_at_end(Served::Function(function.clone(), self.qualifier()));
        }
        let (mut plan, releases) = loop {
            let (observed, releases) = observe(self, cx).await?;
            let plan = plan(observed, self.scope(), going)?;
            if plan.going.is_empty() || !self.has_waited(cx, &releases).await? {
                break (plan, releases);
            }
        };
        report::plan(cx, self, &plan);
        if plan.going.is_empty() {
            return Ok(self.nothing_to_do(cx, releases, &plan.staying).await);
        }
        self.check_floor(cx, plan.going.iter().map(|one| (&one.place, &one.to)), &releases)?;
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, &plan.going));
        }
        cx.confirm(&report::label(&plan.going)).await?;
        let applied = apply(self, cx, &mut plan.going).await?;
        let serving = read_back(cx, &plan.going, applied).await;
        self.conclude(cx, releases, &plan, serving).await
    }
}

impl Rollback {
    /// True when another run was at the same targets, and was waited for: asked only where the input `on-concurrent` asks it, and no
    /// longer than a moment, for a bad version serves meanwhile. What could not be determined holds nothing up.
    async fn has_waited(&self, cx: &Context, releases: &KnownReleases<'_>) -> Step<bool> {
        let asked = self.record.on_concurrent.filter(|asked| *asked != OnConcurrent::Ignore);
        let (Some(asked), Some(history), Some(environment)) = (asked, &releases.history, self.record.kept_in(cx))
        else {
            return Ok(false);
        };
        let moment = &cx.with_deadline(cx.calls.deadline.at_most(A_MOMENT));
        let inputs = RecordInputs { on_concurrent: Some(OnConcurrent::Fail), ..self.record.clone() };
        let mut found = record::look_among(moment, &inputs, OnConcurrent::Fail, environment, history).await;
        if matches!(found, Err(Stop::Ended(_))) && asked == OnConcurrent::Wait {
            found = record::look_among(cx, &self.record, asked, environment, history).await;
        }
        match found {
            Err(Stop::Error(error)) => {
                cx.report.warn(format!(
                    "whether another run is at the same targets could not be determined: {}",
                    error_line(&error)
                ));
                Ok(false)
            }
            found => found,
        }
    }

    /// Refuses to bring back code that is older than a CONTRACT allows: what it uses is gone from the schema.
    fn check_floor<'p, P: Place + 'p>(
        &self,
        cx: &Context,
        going: impl Iterator<Item = (&'p P, &'p Revision)> + Clone,
        releases: &KnownReleases<'_>,
    ) -> Result<(), Outcome> {
        if going.clone().any(|(place, to)| !releases.knows_floor(place, to)) {
            tracing::info!("whether a CONTRACT has left that code behind was not checked: the record was not read");
        }
        for (place, to) in going {
            let Some(floor) = releases.floor_above(place, to) else { continue };
            let why = message!(
                "below-schema-floor",
                "{to} is older than the schema allows: a migration has taken away what code before {floor} uses"
            );
            if !self.allow_across_contract.0 {
                return Err(Outcome::fail(why).advise(
                    "go back to a release that holds that migration, or deploy a correction; `allow-across-contract: true` goes below it all the same",
                ));
            }
            cx.report.warn(why);
        }
        Ok(())
    }

    fn functions(&self) -> Vec<FunctionName> {
        let short = self.function.iter().flat_map(|lines| lines.0.clone());
        let long = self.versions.iter().flat_map(|lines| lines.iter().map(|line| line.function.clone()));
        short.chain(long).collect()
    }

    fn qualifier(&self) -> Qualifier {
        match self.mode {
            RollbackMode::Alias => Qualifier::Alias(self.alias.clone()),
            RollbackMode::Code => Qualifier::Latest,
        }
    }

    /// Whether a target is named.
    fn is_explicit(&self) -> bool {
        self.versions.is_some() || self.to.as_ref().is_some_and(|to| *to != To::Auto)
    }

    /// Whoever writes `to`, `auto` too, or `versions` means whatever serves.
    fn scope(&self) -> Scope {
        match self.scope {
            Some(ScopeInput::ThisRun) => Scope::ThisRun,
            None if self.to.is_none() && self.versions.is_none() => Scope::ThisRun,
            Some(ScopeInput::Any) | None => Scope::Any,
        }
    }
}
