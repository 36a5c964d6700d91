//! What is remembered of a place: the state a step captured, and the GitHub record.

use std::time::Duration;

use anyhow::Result;

use super::place::{Place, Point};
use super::plan::Scope;
use super::to::To;
use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{CodeId, Lambda, Version};
use crate::record::{self, Entry, History, Kind, Run, Standing, Target};
use crate::rollout::state::Captured;

/// Everything that is remembered of the places concerned.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    pub cx: &'a Context,
    /// Where the places are.
    pub location: Location,
    pub state: Option<&'a Captured>,
    /// The record, newest first; `None` when it cannot be read and need not be.
    pub history: Option<History>,
    pub this_run: Run,
    /// Whether nothing but the record can answer.
    pub needed: bool,
}

/// Reading a record that is not needed may take this long: what serves is bad meanwhile.
const NOT_NEEDED: Duration = Duration::from_secs(20);

/// What is remembered of one place.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub moved_by_this_run: Option<Point>,
    pub captured: Option<Point>,
    pub captured_failed: bool,
    pub expected: Vec<Point>,
    pub succeeded: Option<Point>,
}

impl<'a> Memory<'a> {
    /// Reads the record. When it cannot be read, that is an error only where nothing else can answer.
    pub(super) async fn read(
        cx: &'a Context,
        state: Option<&'a Captured>,
        location: &Location,
        places: &[record::Place],
        needed: bool,
    ) -> Result<Self> {
        let limit = if needed { cx.calls.deadline.remaining() } else { NOT_NEEDED };
        let reading = &cx.with_deadline(cx.calls.deadline.at_most(limit));
        let history = match &cx.common.environment {
            Some(environment) => History::read(reading, environment, &record::component(cx), places).await.map(Some),
            None => Ok(None),
        };
        let history = match history {
            Ok(history) => history,
            Err(error) if !needed && !cx.calls.deadline.is_cancelled() => {
                cx.report.warn(format!(
                    "the record could not be read, so nothing in it is withdrawn: {}",
                    error_line(&error)
                ));
                None
            }
            Err(error) => return Err(error.context("read what served before from the GitHub deployment record")),
        };
        Ok(Self { cx, location: location.clone(), state, history, this_run: record::this_run(cx), needed })
    }

    /// What is remembered of one place that was read just now.
    pub(super) async fn of(&self, place: &Place, scope: Scope) -> Result<Remembered> {
        let moved = self.state.and_then(|state| {
            let target = state.target(&place.in_records(&self.location))?;
            let ours = state.run.id == self.this_run.id;
            (scope == Scope::Any || ours).then_some((target, ours))
        });
        let mut known = Remembered::default();
        if let Some((target, ours)) = moved {
            known.moved_by_this_run = Point::of(target).filter(|_| ours);
            known.captured = Point::before(target);
            known.expected = Point::of(target).into_iter().collect();
        }
        if let Some(history) = &self.history
            && let Err(error) = self.recorded(history, place, scope, &mut known).await
        {
            if self.needed || self.cx.calls.deadline.is_cancelled() {
                return Err(error);
            }
            self.cx.report.warn(format!("the record could not be read to its end: {}", error_line(&error)));
        }
        Ok(known)
    }

    /// Adds what the record knows.
    async fn recorded(&self, history: &History, place: &Place, scope: Scope, known: &mut Remembered) -> Result<()> {
        let entries = self.entries(place);
        let point = |entry: &Entry| Point::of(self.target_of(entry, place)?);
        let by_this_run =
            entries.iter().find(|entry| entry.payload.run.id == self.this_run.id && entry.payload.kind == Kind::Deploy);
        if known.expected.is_empty() {
            let mover = match scope {
                Scope::ThisRun => by_this_run.copied(),
                Scope::Any => entries.first().copied(),
            };
            known.expected = mover.and_then(point).into_iter().collect();
            // A move that was put back, or never made, captured what serves now: that is not what served before.
            let in_effect = |entry: &&Entry| scope == Scope::ThisRun || point(entry) == place.serves();
            if let Some(entry) = mover.filter(|entry| entry.payload.kind == Kind::Deploy).filter(in_effect) {
                known.captured = self.target_of(entry, place).and_then(Point::before);
            }
            if scope == Scope::Any {
                // The newest record may be of a move that was put back: then the one before it speaks.
                let standing_one =
                    history.newest(self.cx, entries.iter().copied(), |standing| standing != Standing::Failed).await?;
                known.expected.extend(standing_one.and_then(point));
                known.expected.dedup();
            }
        }
        if known.moved_by_this_run.is_none() {
            known.moved_by_this_run = by_this_run.and_then(|entry| point(entry));
        }
        if known.captured.is_some() {
            // A rollback that failed says nothing against the version it went to: another function may have stood in its way.
            let deployed = |entry: &&&Entry| point(entry) == known.captured && entry.payload.kind == Kind::Deploy;
            known.captured_failed = match entries.iter().find(deployed) {
                Some(entry) => history.standing(self.cx, entry).await? == Standing::Failed,
                None => false,
            };
        }
        let others = entries.iter().copied().filter(|entry| point(entry) != place.serves());
        let succeeded = history.newest(self.cx, others, |standing| standing == Standing::Succeeded).await?;
        known.succeeded = succeeded.and_then(point);
        Ok(())
    }

    /// What an explicit `to` names.
    pub(super) async fn named(&self, lambda: &Lambda, place: &Place, to: &To) -> Result<Option<Point>> {
        let function = place.function();
        let entries = self.entries(place);
        let point = |entry: &Entry| Point::of(self.target_of(entry, place)?);
        Ok(match to {
            To::Auto => None,
            To::Number(number) => {
                let version = Version::number(*number);
                match entries.iter().find(|entry| entry.id == *number) {
                    Some(entry) if lambda.existing(function, Some(version)).await?.is_none() => point(entry),
                    _ => point_of(lambda, place, version).await?,
                }
            }
            To::Digest(digest) => {
                let code = CodeId::Image(digest.clone());
                let recorded = entries.iter().filter_map(|entry| self.target_of(entry, place));
                match (place, recorded.into_iter().find(|target| target.digest.as_ref() == Some(digest))) {
                    (Place::Latest(_), _) => Some(Point::Code(code)),
                    (Place::Alias(_), Some(target)) => Point::of(target),
                    (Place::Alias(_), None) => {
                        let version = lambda.version_with_code(function, &code).await?;
                        version.and_then(|version| version.version).map(Point::Version)
                    }
                }
            }
            To::Release(tag) => entries
                .iter()
                .filter(|entry| entry.payload.kind == Kind::Deploy)
                .find(|entry| entry.payload.version.as_deref() == Some(tag) || entry.payload.commit == *tag)
                .and_then(|entry| point(entry)),
        })
    }

    /// The records that going back to `to` undoes: newer than the one with which it succeeded, and not failed already.
    /// When no record of it succeeded, only those of what served until now.
    pub(super) async fn undone(&self, place: &Place, to: &Point) -> Result<Vec<u64>> {
        let mut newer = Vec::new();
        let Some(history) = &self.history else { return Ok(newer) };
        let mut of_served = Vec::new();
        for entry in self.entries(place) {
            let point = self.target_of(entry, place).and_then(Point::of);
            match history.standing(self.cx, entry).await? {
                Standing::Failed => {}
                // An earlier attempt of this rollback: what it did not come to withdraw is still to be withdrawn.
                _ if entry.payload.kind == Kind::Rollback
                    && entry.payload.run.id == self.this_run.id
                    && point.as_ref() == Some(to) => {}
                Standing::Succeeded if point.as_ref() == Some(to) => return Ok(newer),
                Standing::Open if entry.payload.kind == Kind::Rollback => {}
                Standing::Succeeded | Standing::Open => {
                    newer.push(entry.id);
                    let served = point == place.serves() && point.as_ref() != Some(to);
                    if served && of_served.len() + 1 == newer.len() {
                        of_served.push(entry.id);
                    }
                }
            }
        }
        Ok(of_served)
    }

    /// The commit of what is gone back to, from the record of its deployment.
    pub(super) fn commit(&self, place: &Place, to: &Point) -> Option<CommitSha> {
        let of_it = |entry: &&Entry| {
            let point = self.target_of(entry, place).and_then(Point::of);
            entry.payload.kind == Kind::Deploy && point.as_ref() == Some(to)
        };
        self.entries(place).into_iter().find(of_it)?.payload.commit_at(&place.in_records(&self.location))
    }

    fn entries(&self, place: &Place) -> Vec<&Entry> {
        let all = self.history.iter().flat_map(|history| &history.entries);
        all.filter(|entry| self.target_of(entry, place).is_some()).collect()
    }

    /// The part of a record that speaks of a place.
    fn target_of<'e>(&self, entry: &'e Entry, place: &Place) -> Option<&'e Target> {
        entry.payload.target(&place.in_records(&self.location))
    }
}

/// What a version is at a place: itself behind an alias, its code in `$LATEST`; `None` when its code is not known there.
pub(super) async fn point_of(lambda: &Lambda, place: &Place, version: Version) -> Result<Option<Point>> {
    match place {
        Place::Alias(_) => Ok(Some(Point::Version(version))),
        Place::Latest(function) => {
            let version = lambda.existing(&function.name, Some(version)).await?;
            Ok(version.as_ref().and_then(CodeId::of).map(Point::Code))
        }
    }
}
