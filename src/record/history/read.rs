//! Which records are read, and when they are enough.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::{Entry, History, note_corrupt};
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::Deployment;
use crate::record::payload::{Payload, Read, Run, doer, is_same_run};
use crate::record::place::Place;
use crate::record::run::this_run;
use crate::text::message;

/// Records looked at for what served before, newest first.
const LOOKED_AT: usize = 50;
/// Records of each of several components that are enough, and deployments that are enough in any case.
const OF_EACH: usize = 10;
const OF_ALL: usize = 500;

impl History {
    /// Reads the records of an environment and component that changed what serves, candidates' too, until there are enough of
    /// these places. Foreign deployments are passed over; corrupt ones are reported once.
    pub async fn read(cx: &Context, environment: &EnvironmentName, component: &str, places: &[Place]) -> Result<Self> {
        let of_places = |payload: &Payload| payload.touches(places);
        let enough = |mine: &[Payload], _| mine.iter().filter(|payload| of_places(payload)).count() >= LOOKED_AT;
        let mut history = Self::read_those(cx, environment, |payload| payload.component == component, enough).await?;
        let last = history.entries.iter().enumerate().filter(|(_, entry)| of_places(&entry.payload)).nth(LOOKED_AT - 1);
        let kept = last.map_or(history.entries.len(), |(place, _)| place + 1);
        history.entries.truncate(kept);
        history.places = places.to_vec();
        if cx.common.component.is_none() {
            history.note_others(cx, environment, component);
        }
        Ok(history)
    }

    /// Says that records of other places stand under a component that nobody has named: each of several apps of a repository needs
    /// its own. Places that one run has recorded together are one app.
    fn note_others(&self, cx: &Context, environment: &EnvironmentName, component: &str) {
        let touches = |entry: &&Entry| entry.payload.touches(&self.places);
        let together: Vec<Option<Run>> =
            self.entries.iter().filter(touches).map(|entry| entry.payload.run).chain([this_run(cx)]).collect();
        let of_runs =
            self.entries.iter().filter(|entry| together.iter().any(|run| is_same_run(*run, entry.payload.run)));
        let known: BTreeSet<&Place> =
            of_runs.flat_map(|entry| &entry.payload.targets).map(|target| &target.place).chain(&self.places).collect();
        let mut all =
            self.entries.iter().flat_map(|entry| entry.payload.targets.iter().map(move |target| (entry, target)));
        if let Some((entry, target)) = all.find(|(_, target)| !known.contains(&target.place)) {
            cx.report.notice(
                format!("component of {environment}"),
                format!(
                    "{} is recorded in {environment} as {component} too ({}): if it is another app, set the input `component` in the \
                     workflows of both, or a rollback and `from-environment` take them for one",
                    target.place.identity,
                    doer(entry.payload.run)
                ),
            );
        }
    }

    /// Those that count as what serves there, whatever was moved.
    pub async fn of_component(cx: &Context, environment: &EnvironmentName, component: &str) -> Result<Self> {
        let wanted = |payload: &Payload| payload.component == component && payload.serves;
        Self::newest_of(cx, environment, wanted).await
    }

    /// Those that do not count as what serves there as well: candidates, and previews.
    pub async fn all_of_component(cx: &Context, environment: &EnvironmentName, component: &str) -> Result<Self> {
        Self::newest_of(cx, environment, |payload| payload.component == component).await
    }

    /// Those of a component, candidates too, newest first, until these are enough.
    pub async fn until(
        cx: &Context,
        environment: &EnvironmentName,
        component: &str,
        enough: impl Fn(&[Payload]) -> bool,
    ) -> Result<Self> {
        Self::read_those(cx, environment, |payload| payload.component == component, |mine, _| enough(mine)).await
    }

    /// Those of every component, candidates too.
    pub async fn of_environment(cx: &Context, environment: &EnvironmentName) -> Result<Self> {
        Self::newest_of(cx, environment, |_| true).await
    }

    async fn newest_of(cx: &Context, environment: &EnvironmentName, wanted: impl Fn(&Payload) -> bool) -> Result<Self> {
        let mut history = Self::read_those(cx, environment, wanted, |mine, _| mine.len() >= LOOKED_AT).await?;
        history.entries.truncate(LOOKED_AT);
        Ok(history)
    }

    /// Those of any component that count as what serves there, until there are some of each of these.
    pub async fn of_components(cx: &Context, environment: &EnvironmentName, components: &[&str]) -> Result<Self> {
        let some_of_each = |mine: &[Payload]| {
            let of = |component: &str| mine.iter().filter(|payload| payload.component == component).count();
            components.iter().all(|component| of(component) >= OF_EACH)
        };
        let enough = |mine: &[Payload], looked_at| looked_at >= OF_ALL || some_of_each(mine);
        Self::read_those(cx, environment, |payload| payload.serves, enough).await
    }

    /// Reads until those that are wanted are enough, given how many deployments were looked at.
    async fn read_those(
        cx: &Context,
        environment: &EnvironmentName,
        wanted: impl Fn(&Payload) -> bool,
        enough: impl Fn(&[Payload], usize) -> bool,
    ) -> Result<Self> {
        let mine = |deployment: &Deployment| match Payload::read(&deployment.payload) {
            Read::Ours(payload) if wanted(&payload) => Some(*payload),
            _ => None,
        };
        let enough = |so_far: &[Deployment]| enough(&so_far.iter().filter_map(mine).collect::<Vec<_>>(), so_far.len());
        let listed = cx.github().await?.deployments(environment, enough).await?;
        if let Some(most) = listed.cut_at {
            cx.report.warn(message!(
                "too-many-deployments",
                "only the newest {most} deployments to {environment} were looked at: of older records nothing is known"
            ));
        }
        let deployments = listed.entries;
        note_corrupt(&deployments);
        let entries = deployments
            .iter()
            .filter_map(|deployment| {
                let payload = mine(deployment)?;
                Some(Entry { id: deployment.id, created_at: deployment.created_at.clone(), payload })
            })
            .collect();
        let of_job = deployments.iter().find(|deployment| is_of_job(cx, deployment)).map(|deployment| deployment.id);
        Ok(Self { of_job, ..Self::of(entries) })
    }
}

/// True for what GitHub makes when a job names an environment: a deployment of the run's commit, without a payload
/// (<https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/control-deployments>).
fn is_of_job(cx: &Context, deployment: &Deployment) -> bool {
    let empty = match &deployment.payload {
        Value::Null => true,
        Value::String(text) => matches!(text.trim(), "" | "{}" | "null"),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    empty && deployment.task == "deploy" && cx.runner.github_sha.as_deref() == Some(&deployment.sha)
}
