//! A record that this step opened: how it is opened, taken up, and ended.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use super::close::supersede;
use super::concurrency::close_ended;
use super::create::{find_open, left_open, make};
use super::history::{Entry, History};
use super::inputs::{Mode, RecordInputs};
use super::payload::Kind;
use super::place::Place;
use super::release::{Record, Release};
use super::run::{attempt, places, unreadable};
use super::status_line::{self, Figure};
use super::target::Target;
use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::calls::{error_line, log_not_determined};
use crate::context::Context;
use crate::github::State;
use crate::outcome::{Ending, Outcome, Verdict};
use crate::text::message;

/// Looking for an open record of this run may take this long.
const RESUMING: Duration = Duration::from_secs(20);

impl Record {
    /// Opens a record, as the inputs want it; `None` when none is kept. Without a usable token or permission that is
    /// reported once, and the step continues, unless the record is required. What this run left open before it moved all that it was
    /// `asked` to is taken up instead of making a second one.
    pub async fn open(
        cx: &Context,
        inputs: &RecordInputs,
        release: Release<'_>,
        targets: Vec<Target>,
        asked: &[Target],
    ) -> Result<Option<Self>> {
        let Some(environment) = inputs.kept_in(cx) else { return Ok(None) };
        let (kind, history) = (release.kind, release.history.clone());
        let going_back = kind == Kind::Rollback;
        if let Some(entry) = left_open(cx, history.as_ref(), kind, &targets, asked).await {
            return Ok(Some(Self { history, ..Self::of_entry(cx, inputs, environment.clone(), entry) }));
        }
        let made = make(cx, inputs, environment, release, targets).await.map(|record| Self { history, ..record });
        match made {
            Ok(record) => {
                tracing::info!("record: deployment {} to {}", record.id, record.environment);
                cx.report.output("deployment-id", record.id.to_string());
                if going_back {
                    report_holds(cx, &record.payload.hold);
                }
                Ok(Some(record))
            }
            // Going back does not wait for GitHub: a bad version serves meanwhile.
            Err(error) if inputs.record != Mode::Require && (unreadable(&error) || going_back) => {
                cx.report.warn(message!(
                    "no-record-kept",
                    "no record is kept: {}; rollback will need `state` or `to`",
                    error_line(&error)
                ));
                Ok(None)
            }
            Err(error) => Err(error.context("open the GitHub deployment record")),
        }
    }

    /// Takes up the record that this run left open when it was killed after its write, now that a second attempt found nothing
    /// left to move, and this `serving`: ends it, or hands it on, as the inputs want it. Without one, and without GitHub, nothing is done.
    /// The targets of the record, with what each replaced, are the answer.
    pub async fn resume(
        cx: &Context,
        inputs: &RecordInputs,
        kind: Kind,
        step: &str,
        figures: &[Figure],
        serving: &[Target],
    ) -> Vec<Target> {
        let (Some(record), _) = Self::left_open(cx, inputs, kind, serving).await else { return Vec::new() };
        record.succeed(&cx.with_deadline(cx.calls.deadline.at_most(RESUMING)), step, figures).await;
        record.payload.targets
    }

    /// The record that this run left open, where all that it moved is `serving`; and the records there are, where they could be read.
    /// Those that runs left which are over are closed.
    pub async fn left_open(
        cx: &Context,
        inputs: &RecordInputs,
        kind: Kind,
        serving: &[Target],
    ) -> (Option<Self>, Option<History>) {
        let Some(environment) = inputs.kept_in(cx) else { return (None, None) };
        let cx = &cx.with_deadline(cx.calls.deadline.at_most(RESUMING));
        match find_open(cx, environment, kind, serving).await {
            Ok((history, left_open)) => {
                close_ended(cx, &history).await;
                let record = left_open.map(|entry| {
                    let record = Self::of_entry(cx, inputs, environment.clone(), entry);
                    Self { history: Some(history.clone()), ..record }
                });
                (record, Some(history))
            }
            Err(error) => {
                log_not_determined("whether this run left a record open", &error);
                (None, None)
            }
        }
    }

    /// What it moves, with what that replaces: also what an earlier attempt of this run moved.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.payload.targets
    }

    /// Ends the record well, with these figures of the step: `success`, and earlier records of the same targets become inactive.
    /// In the mode `open` `in_progress`: finish-deployment ends it.
    pub async fn succeed(&self, cx: &Context, step: &str, figures: &[Figure]) {
        let figures = status_line::figures(figures, &cx.report.snapshot(), cx.calls.deadline.elapsed().as_millis());
        if self.mode == Mode::Open {
            self.say(cx, State::InProgress, &status_line::line(step, &cx.key, "pass", &figures)).await;
            return;
        }
        let figures: Vec<_> = attempt(cx).into_iter().chain(figures).collect();
        if self.say(cx, State::Success, &status_line::line(step, &cx.key, "pass", &figures)).await {
            match self.list_replaced(cx).await {
                Ok(earlier) => supersede(cx, self.id, &earlier).await,
                Err(error) => cx.report.warn(format!("earlier records were not made inactive: {}", error_line(&error))),
            }
        }
    }

    async fn list_replaced(&self, cx: &Context) -> Result<Vec<u64>> {
        let places = places(&self.payload.targets);
        if let Some(history) = &self.history {
            return history.list_replaced(cx, self.id, &places).await;
        }
        let history = History::read(cx, &self.environment, &self.payload.component, &places).await?;
        history.list_replaced(cx, self.id, &places).await
    }

    /// Ends the record badly, in every mode. As long as a write may still be applied, or nobody can say what serves, it is left
    /// open: the next run looks.
    pub async fn fail(&self, cx: &Context, step: &str, ended: &Outcome) {
        self.end_badly(cx, &status_line::failure(step, &cx.key, ended)).await;
    }

    /// The same of what was judged bad while it served, and was put back: its commit is held.
    pub async fn take_back(&self, cx: &Context, step: &str, ended: &Outcome) {
        if ended.ending == Ending::Judged(Verdict::Fail) {
            if self.end_badly(cx, &status_line::taken_back(step, &cx.key, &ended.reason)).await {
                report_holds(cx, self.payload.targets.iter().filter_map(|target| target.commit.as_ref()));
            }
        } else {
            self.fail(cx, step, ended).await;
        }
    }

    async fn end_badly(&self, cx: &Context, line: &str) -> bool {
        let settled = !cx.calls.journal().is_in_doubt() && self.can_be_looked_at(cx).await;
        let state = if settled { State::Failure } else { State::InProgress };
        self.say(cx, state, line).await
    }

    async fn can_be_looked_at(&self, cx: &Context) -> bool {
        let places = places(&self.payload.targets);
        let served: Vec<_> = places.iter().filter_map(Place::served).collect();
        let reads = served.iter().map(async |served| cx.serving(served).await);
        futures_util::future::join_all(reads).await.iter().all(Result::is_ok)
    }

    fn of_entry(cx: &Context, inputs: &RecordInputs, environment: EnvironmentName, entry: Entry) -> Self {
        tracing::info!("record: deployment {} of this run is still open, and is taken up", entry.id);
        cx.report.output("deployment-id", entry.id.to_string());
        let url = inputs.environment_url.as_ref().map(ToString::to_string);
        Self { id: entry.id, environment, payload: entry.payload, url, mode: inputs.record, history: None }
    }

    /// A status that cannot be added is reported, and changes no verdict: what serves is already known.
    async fn say(&self, cx: &Context, state: State, description: &str) -> bool {
        let url = self.url.as_deref();
        let added = match cx.github().await {
            Ok(github) => github.add_status(self.id, state, description, url).await,
            Err(error) => Err(error),
        };
        added
            .map_err(|error| {
                cx.report.warn(message!("record-not-updated", "the record was not updated: {}", error_line(&error)));
            })
            .is_ok()
    }
}

/// Says which commits are held since.
fn report_holds<'a>(cx: &Context, held: impl IntoIterator<Item = &'a CommitSha>) {
    let held: BTreeSet<&CommitSha> = held.into_iter().collect();
    let lines = held.iter().map(|commit| {
        format!(
            "commit {} is held here: it is refused until a newer one has come, or is let through with `release-hold: true` and a `reason`",
            commit.short()
        )
    });
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        cx.report.section("Held", lines);
    }
}
