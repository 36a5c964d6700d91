//! The record of a release that was taken back: it no longer counts as succeeded, and its commit is held where it was judged bad.

use std::time::Duration;

use super::inputs::Monitor;
use super::observe::Observed;
use crate::action::inputs::DeploymentId;
use crate::calls::error_line;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::record::{self, History, Place, Standing, status_line};
use crate::steps::DeployStep as _;

/// Recording may take this long: it comes after what serves was put back.
const RECORDING: Duration = Duration::from_secs(30);

impl Monitor {
    /// Tells the records of what was taken back what was found, with the figures, and ends them.
    pub(super) async fn withdraw(&self, cx: &Context, observed: &Observed, ended: &Outcome) {
        let cx = &cx.with_deadline(cx.calls.deadline.renew(RECORDING));
        let Some(environment) = &cx.common.environment else {
            cx.report.section("Record", ["no environment is named: no record of the release was ended".to_owned()]);
            return;
        };
        let released = observed.released();
        let places: Vec<Place> = released.iter().map(|one| one.place.clone()).collect();
        let history = match &observed.history {
            Some(history) => history.clone(),
            None => match History::read(cx, environment, &record::component(cx), &places).await {
                Ok(history) => history,
                Err(error) => return warn(cx, &error),
            },
        };
        let mut ids: Vec<u64> = Vec::new();
        for one in &released {
            let newest = history.at_newest(one.place);
            let ours = newest.filter(|entry| entry.payload.target(one.place).is_some_and(|target| one.is_of(target)));
            let Some(entry) = ours.filter(|entry| !ids.contains(&entry.id)) else { continue };
            // Who put it back has told its record already, unless that was cut short.
            let is_told = observed.put_back().is_some()
                && history.standing(cx, entry).await.is_ok_and(|standing| standing == Standing::Failed);
            if !is_told {
                ids.push(entry.id);
            }
        }
        let elapsed = cx.calls.deadline.elapsed().as_millis();
        let figures = status_line::figures(Self::FIGURES, &cx.report.snapshot(), elapsed);
        let line = status_line::line(Self::NAME, &cx.key, ended.ending.verdict().word(), &figures);
        for id in ids {
            // First what was found, by which it is told whether the commit is held; the last word is that it was taken back.
            record::attach(cx, DeploymentId(id), &line).await;
            cx.note_told(id);
            history.forget(id);
            match record::withdraw(cx, &history, id, Self::NAME, &ended.reason).await {
                Ok(()) => tracing::info!("record: deployment {id} is withdrawn"),
                Err(error) => warn(cx, &error),
            }
        }
    }
}

fn warn(cx: &Context, error: &anyhow::Error) {
    cx.report.warn(format!("the record of what was taken back was not ended: {}", error_line(error)));
}
