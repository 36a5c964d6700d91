//! metrics: how deliveries go, by the records: DORA's five figures, and those of S001. Reads only.

mod bound;

use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

use self::bound::Bound;
use super::{DeployStep, Output};
use crate::action::inputs::{Component, EnvironmentName, Inputs, Lines, Problems, Span};
use crate::context::Context;
use crate::github::{Deployment, moment};
use crate::insight::{Branch, Figures, Records, Window, read_statuses, releases};
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::{GithubPermission, Permissions};
use crate::rollout::age::Age;
use crate::text::{self, message, number_of};

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Metrics {
    /// Only these environments, one a line. Without it, `environment`, else those of production, by their names, and all where there are
    /// none.
    environments: Option<Lines<EnvironmentName>>,
    /// Only these components, one a line. Without it, `component`, else all.
    components: Option<Lines<Component>>,
    /// Deployments since then, back from now.
    #[serde(default = "ninety_days")]
    since: Age,
    /// The step fails when a figure is lower, `figure=number` a line: `success-rate=90%`, `deployment-frequency=1` a week.
    fail_below: Option<Lines<Bound>>,
}

const fn ninety_days() -> Age {
    Age::days(90)
}

impl Inputs for Metrics {
    fn check(&self, problems: &mut Problems) {
        let figures: Vec<&str> = self.fail_below.iter().flatten().map(|bound| bound.figure.as_str()).collect();
        let is_twice = figures.iter().enumerate().any(|(place, figure)| figures[..place].contains(figure));
        problems.add_if(is_twice, "input `fail-below` names a figure twice: give each one number");
    }
}

impl DeployStep for Metrics {
    const NAME: &'static str = "metrics";
    const ABOUT: &'static str =
        "Tells how deliveries go, by the records: DORA's five figures, success, duration, rollbacks.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("deployments", "Deployments that were looked at, and have ended"),
        Output::value(
            "deployment-frequency",
            "Deployments that succeeded, a week; `n/a` here and below where it cannot be known",
        ),
        Output::value(
            "lead-time-median",
            "From a commit to the end of the deployment that brought it, seconds, the median",
        ),
        Output::value(
            "change-fail-rate",
            "Deployments that failed or were withdrawn, of those that were judged, from 0 to 1",
        ),
        Output::value(
            "recovery-median",
            "From a deployment that failed to the next that succeeded, seconds, the median",
        ),
        Output::value("rework-rate", "Deployments that were not planned: `n/a`, for no record says so"),
        Output::value(
            "success-rate",
            "Deployments that succeeded and were not withdrawn, of those that have ended, from 0 to 1",
        ),
        Output::value("median-duration", "From the first write to the end, without approvals, seconds, the median"),
        Output::value("p95-duration", "The same: 95 of 100 took no longer"),
        Output::value("rollback-rate", "Rollbacks for each deployment"),
        Output::value("health-retries-median", "How often health checks asked again, the median"),
        Output::value(
            "metrics",
            "All of them with their definitions, and with how many each is made of, a JSON object",
        ),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("deployments: read"),
            GithubPermission::needs("contents: read")
                .optional("lead times, and rollbacks by an older commit; without it the first is `n/a`"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let now = OffsetDateTime::now_utc();
        let span = time::Duration::try_from(self.since.0).unwrap_or(time::Duration::MAX);
        let window = Window { since: now.checked_sub(span).unwrap_or(OffsetDateTime::UNIX_EPOCH), now };
        let asked = cx.common.environments(self.environments.as_ref());
        // Lists are newest first: what is older than the window is not wanted.
        let enough = |so_far: &[Deployment]| {
            so_far.last().and_then(|last| moment(&last.created_at)).is_some_and(|made| made < window.since)
        };
        let (records, branch) = tokio::join!(Records::read(cx, &asked, enough), Branch::read(cx));
        let records = records.map_err(|error| error.context("read the deployments"))?;
        let chosen = choose(&asked, &records);
        let components = self.components(cx);
        let wanted: Vec<_> = records
            .each()
            .filter(|(environment, _, entry)| {
                chosen.contains(environment)
                    && entry.payload.serves
                    && (components.is_empty() || components.contains(&entry.payload.component))
                    && entry.made().is_some_and(|made| made >= window.since)
            })
            .collect();
        read_statuses(cx, &wanted.iter().map(|(_, history, entry)| (*history, *entry)).collect::<Vec<_>>()).await?;
        let statuses: Vec<_> = wanted.iter().map(|(_, history, entry)| history.known_statuses(entry)).collect();
        let judged = wanted.iter().zip(&statuses).filter_map(|((environment, _, entry), statuses)| {
            Some((environment.as_str(), *entry, statuses.as_deref()?))
        });
        let figures = Figures::of(&releases(judged, now), branch.as_ref(), window);
        self.conclude(cx, &figures, &chosen)
    }
}

/// The environments that count: those that are asked for, else production's, else all.
fn choose(asked: &[EnvironmentName], records: &Records) -> Vec<EnvironmentName> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    let all = || records.environments.iter().map(|(name, _)| name.clone());
    let production: Vec<EnvironmentName> = all().filter(EnvironmentName::is_production).collect();
    if production.is_empty() { all().collect() } else { production }
}

impl Metrics {
    fn components(&self, cx: &Context) -> Vec<String> {
        match &self.components {
            Some(names) => names.iter().map(ToString::to_string).collect(),
            None => cx.common.component.iter().map(ToString::to_string).collect(),
        }
    }

    fn conclude(&self, cx: &Context, figures: &Figures, environments: &[EnvironmentName]) -> Step<Outcome> {
        cx.report.value("deployments", figures.deployments.to_string())?;
        let bounds: Vec<&Bound> = self.fail_below.iter().flatten().collect();
        let mut worst = None;
        for figure in &figures.figures {
            cx.report.value(figure.name, figure.output())?;
            let bound = bounds.iter().find(|bound| bound.figure == figure.name);
            let verdict = bound.map_or(Verdict::Pass, |bound| bound.judge(figure.value));
            worst = Verdict::worst(worst.into_iter().chain([verdict]));
            let bars = figure.bars();
            let bars = if bars.is_empty() { bars } else { format!(" {bars} by week") };
            let note = figure.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            cx.report.check(
                figure.title,
                format!("{} (n = {}){note}{bars}", figure.shown(), figure.n),
                bound.map_or_else(
                    || figure.definition.to_owned(),
                    |bound| format!("at least {bound:#}; {}", figure.definition),
                ),
                verdict,
                "deployments",
            );
        }
        let document = serde_json::to_value(figures).map_err(anyhow::Error::from)?;
        cx.report.value("metrics", text::json(&document))?;
        let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
        let of = if names.is_empty() { String::new() } else { format!(" to {}", names.join(", ")) };
        let since = &figures.since[..10];
        let deployments = number_of(figures.deployments, "deployment");
        let shown = |name: &str| figures.get(name).map(crate::insight::Figure::shown).unwrap_or_default();
        let summary = format!(
            "{deployments}{of} since {since}: {} succeeded, {}, lead time {}, recovery {}",
            shown("success-rate"),
            shown("deployment-frequency"),
            shown("lead-time-median"),
            shown("recovery-median")
        );
        let missed: Vec<String> = bounds
            .iter()
            .filter(|bound| figures.get(&bound.figure).is_some_and(|figure| bound.judge(figure.value) != Verdict::Pass))
            .map(|bound| format!("{} is {}, and must be at least {bound:#}", bound.figure, shown(&bound.figure)))
            .collect();
        Ok(match worst {
            Some(Verdict::Fail) => {
                Outcome::fail(message!("figure-too-low", "too low: {}; {summary}", missed.join("; ")))
                    .advise("look at the deployments that failed: inventory's page lists them, with the reason of each")
            }
            Some(Verdict::Inconclusive) => {
                Outcome::new(Verdict::Inconclusive, format!("{}; {summary}", missed.join("; ")))
            }
            _ => Outcome::pass(summary),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::RawInputs;

    #[test]
    fn a_figure_has_one_bound() {
        let mut problems = Problems::default();
        let given = [("fail-below", "success-rate=50%\nsuccess-rate=90%")];
        assert!(RawInputs::from_pairs(given).read::<Metrics>(&mut problems).is_none());
        assert!(problems.message().contains("names a figure twice"), "{problems:?}");
    }
}
