//! `status: ended`: places that were given up no longer count.

use anyhow::Context as _;

use super::FinishDeployment;
use crate::context::Context;
use crate::github::State;
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{self, Entry, History, Place, status_line};
use crate::steps::DeployStep as _;

impl FinishDeployment {
    /// Ends what the component has in the environment, or in one region of it.
    pub(super) async fn end(&self, cx: &Context) -> Step<Outcome> {
        let environment = cx.common.environment.as_ref().context("there is no environment")?;
        let component = record::component(cx);
        let history = History::of_component(cx, environment, &component).await?;
        let mut places = history.places(cx, &component).await?;
        places.retain(|place| self.region.as_ref().is_none_or(|region| *region == place.location.region));
        let mut newest: Vec<&Entry> = places.iter().filter_map(|place| history.at_newest(place)).collect();
        newest.dedup_by_key(|entry| entry.id);
        for place in &places {
            cx.report.check(
                place.to_string(),
                "recorded",
                "given up",
                Verdict::Pass,
                "GET /repos/{owner}/{repo}/deployments",
            );
        }
        let names = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
        if newest.is_empty() {
            return Ok(Outcome::skipped(format!("no place of {component} is recorded in {environment}")));
        }
        cx.report.changed();
        if cx.is_dry_run() {
            return Ok(Outcome::pass(format!("dry run, nothing was changed: would end {names}")));
        }
        let line = status_line::line(Self::NAME, &cx.key, status_line::ENDED, &[]);
        let github = cx.github().await?;
        for entry in newest {
            github.add_status(entry.id, State::Inactive, &line, None).await?;
        }
        Ok(Outcome::pass(format!("{component} no longer counts in {environment} at {names}")))
    }
}
