//! What is remembered of a place: the state a step captured, and the GitHub record.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::destination::{To, is_commit};
use super::place::{Known, Place, Revision};
use super::plan::Scope;
use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::calls::error_line;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::{self, Entry, History, Identity, Kind, Run, Standing, Target, is_same_run};
use crate::rollout::state::Captured;
use crate::text::message;

/// Everything that is remembered of the places concerned. Each question to GitHub comes with the clock it is asked by: before the
/// write there is little time for what is not needed.
#[derive(Debug)]
pub(super) struct KnownReleases<'a> {
    state: Option<&'a Captured>,
    /// Where the places are.
    pub location: Location,
    names: Vec<record::Place>,
    this_run: Option<Run>,
    /// The record, newest first; `None` as long as it was not read.
    pub history: Option<History>,
}

/// What is remembered of one place.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub moved_by_this_run: Option<Revision>,
    pub succeeded_in: Option<u64>,
    pub captured: Option<Known>,
    pub captured_failed: bool,
    pub expected: Vec<Revision>,
    pub succeeded: Option<Known>,
    pub is_back: bool,
}

impl<'a> KnownReleases<'a> {
    /// What is remembered of these places, without the record.
    pub(super) fn new(
        cx: &Context,
        state: Option<&'a Captured>,
        location: Location,
        names: Vec<record::Place>,
    ) -> Self {
        Self { state, location, names, this_run: record::this_run(cx), history: None }
    }

    /// True when the state alone names for every place where to go back to, or what this run brought there if a target is named.
    pub(super) fn is_captured(&self, scope: Scope, is_explicit: bool) -> bool {
        let names_it = |target: &Target| is_explicit || Revision::before(target).is_some();
        self.state.is_some_and(|state| {
            (scope == Scope::Any || is_same_run(state.run, self.this_run))
                && self.names.iter().all(|place| state.target(place).is_some_and(names_it))
        })
    }

    /// Reads the record, unless it is known or belongs to no environment.
    pub(super) async fn read(&mut self, clock: &Context) -> Result<()> {
        let Some(environment) = clock.common.environment.as_ref().filter(|_| self.history.is_none()) else {
            return Ok(());
        };
        let read = History::read(clock, environment, &record::component(clock), &self.names).await;
        self.history = Some(read.context("read what served before from the GitHub deployment record")?);
        Ok(())
    }

    /// What is remembered of one place that was read just now. Where the record is not `needed`, what it does not say is left out.
    pub(super) async fn of(
        &self,
        clock: &Context,
        place: &impl Place,
        scope: Scope,
        needed: bool,
    ) -> Result<Remembered> {
        let mut known = Remembered::default();
        if let Some((target, run)) = self.captured_target(place)
            && (scope == Scope::Any || is_same_run(run, self.this_run))
        {
            known.moved_by_this_run = Revision::of(target).filter(|_| is_same_run(run, self.this_run));
            known.captured = Known::before(target, "the input `state`");
            known.expected = Revision::of(target).into_iter().collect();
        }
        if let Some(history) = &self.history
            && let Err(error) = self.add_record(clock, history, place, scope, &mut known).await
        {
            if needed || clock.calls.deadline.is_cancelled() {
                return Err(error);
            }
            clock.report.warn(format!("the record could not be read to its end: {}", error_line(&error)));
        }
        Ok(known)
    }

    /// What a state says of a place, and the run that captured it.
    fn captured_target(&self, place: &impl Place) -> Option<(&'a Target, Option<Run>)> {
        let state = self.state?;
        Some((state.target(&place.in_records(&self.location))?, state.run))
    }

    /// Adds what the record knows.
    async fn add_record(
        &self,
        clock: &Context,
        history: &History,
        place: &impl Place,
        scope: Scope,
        known: &mut Remembered,
    ) -> Result<()> {
        let entries = self.entries(place);
        let point = |entry: &Entry| Revision::of(self.target_of(entry, place)?);
        let by_this_run = entries
            .iter()
            .find(|entry| is_same_run(entry.payload.run, self.this_run) && entry.payload.kind == Kind::Deploy);
        if let (Scope::ThisRun, Some(entry)) = (scope, by_this_run) {
            // What this attempt captured is its own, whatever became of an earlier attempt.
            let is_own = self.captured_target(place).is_some_and(|(_, run)| run == self.this_run);
            if !is_own && history.succeeded_before(clock, entry).await? {
                known.succeeded_in = entry.payload.run.map(|run| run.attempt);
            }
        }
        if known.expected.is_empty() {
            let mover = match scope {
                Scope::ThisRun => by_this_run.copied(),
                Scope::Any => entries.first().copied(),
            };
            known.expected = mover.and_then(point).into_iter().collect();
            // A move that was put back, or never made, captured what serves now: that is not what served before.
            let in_effect = |entry: &&Entry| scope == Scope::ThisRun || point(entry) == place.serves();
            if let Some(entry) = mover.filter(|entry| entry.payload.kind == Kind::Deploy).filter(in_effect) {
                known.captured = self.target_of(entry, place).and_then(|target| Known::before(target, &name_of(entry)));
            }
            if scope == Scope::Any {
                // The newest record may be of a move that was put back: then the one before it speaks.
                let standing_one =
                    history.newest(clock, entries.iter().copied(), |standing| standing != Standing::Failed).await?;
                known.expected.extend(standing_one.and_then(point));
                known.expected.dedup();
            }
        }
        known.is_back = entries.first().is_some_and(|newest| {
            let payload = &newest.payload;
            payload.kind == Kind::Rollback && is_same_run(payload.run, self.this_run) && point(newest) == place.serves()
        });
        if known.moved_by_this_run.is_none() {
            known.moved_by_this_run = by_this_run.and_then(|entry| point(entry));
        }
        if let Some(captured) = &mut known.captured {
            // A rollback that failed says nothing against the version it went to: another function may have stood in its way.
            let deployed =
                |entry: &&&Entry| point(entry).as_ref() == Some(&captured.point) && entry.payload.kind == Kind::Deploy;
            if let Some(entry) = entries.iter().find(deployed) {
                captured.holds.extend(self.known_by(entry, place).into_iter().flat_map(|known| known.holds));
                known.captured_failed = history.standing(clock, entry).await? == Standing::Failed;
            }
        }
        let others = entries.iter().copied().filter(|entry| point(entry) != place.serves());
        let succeeded = history.newest(clock, others, |standing| standing == Standing::Succeeded).await?;
        known.succeeded = succeeded.and_then(|entry| self.known_by(entry, place));
        Ok(())
    }

    /// What an explicit `to` names in the record.
    ///
    /// # Errors
    /// It can be read in two ways that lead to different places.
    pub(super) fn find(&self, place: &impl Place, to: &To) -> Step<Option<Known>> {
        let entries = self.entries(place);
        let newest = |wanted: &dyn Fn(&Entry) -> bool| {
            entries.iter().copied().find(|entry| wanted(entry)).and_then(|entry| self.known_by(entry, place))
        };
        let of_release =
            |wanted: &dyn Fn(&Entry) -> bool| newest(&|entry| entry.payload.kind == Kind::Deploy && wanted(entry));
        let deployment = |id: u64| newest(&|entry| entry.id == id);
        let tag = |name: &str| of_release(&|entry| entry.payload.version.as_deref() == Some(name));
        let commit = |digits: &str| of_release(&|entry| is_commit(digits) && entry.payload.commit.starts_with(digits));
        let readings = match to {
            To::Auto | To::Version(_) | To::Definition(_) => vec![],
            To::Deployment(id) => vec![("deployment", deployment(*id))],
            To::Commit(digits) => vec![("commit", commit(digits))],
            To::Tag(name) => vec![("tag", tag(name))],
            To::Digest(digest) => {
                let holds = |target: &Target| {
                    target.digest.as_ref() == Some(digest) || target.images.values().any(|image| image == digest)
                };
                vec![("digest", newest(&|entry| self.target_of(entry, place).is_some_and(holds)))]
            }
            To::Number(number) => {
                let written = number.to_string();
                vec![("deployment", deployment(*number)), ("commit", commit(&written)), ("tag", tag(&written))]
            }
            To::Name(name) => vec![("commit", commit(name)), ("tag", tag(name))],
        };
        let mut found = readings.into_iter().filter_map(|(word, known)| Some((word, known?)));
        let Some((word, one)) = found.next() else { return Ok(None) };
        match found.find(|(_, other)| one.point != other.point) {
            Some((other_word, other)) => Err(Outcome::bad_input(message!(
                "ambiguous-to",
                "input `to` can be read in two ways: `{word}:{to}` is {} of {}, and `{other_word}:{to}` is {}",
                one.point,
                place,
                other.point
            ))
            .advise(format!(
                "nothing was attempted; write which is meant, `to: {word}:{to}` or `to: {other_word}:{to}`"
            ))
            .into()),
            None => Ok(Some(one)),
        }
    }

    /// The records that going back to `to` undoes: newer than the one with which it succeeded, and not failed already.
    /// When no record of it succeeded, only those of what served until now.
    pub(super) async fn undone_by(&self, clock: &Context, place: &impl Place, to: &Revision) -> Result<Vec<u64>> {
        let mut newer = Vec::new();
        let Some(history) = &self.history else { return Ok(newer) };
        let mut of_served = Vec::new();
        for entry in self.entries(place) {
            let point = self.target_of(entry, place).and_then(Revision::of);
            match history.standing(clock, entry).await? {
                Standing::Failed => {}
                // An earlier attempt of this rollback: what it did not come to withdraw is still to be withdrawn.
                _ if entry.payload.kind == Kind::Rollback
                    && is_same_run(entry.payload.run, self.this_run)
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

    /// What was moved beside these places by what the state captured and by these records, the newest first: all else that they name,
    /// where all of their services are among the places.
    pub(super) fn beside(&self, undone: &BTreeSet<u64>, back: &[record::Place]) -> Vec<&Target> {
        let is_service = |target: &&Target| matches!(target.place.identity, Identity::EcsService { .. });
        let of_records = self.history.iter().flat_map(|history| &history.entries);
        let of_records = of_records.filter(|entry| undone.contains(&entry.id)).map(|entry| &entry.payload.targets);
        let all = self.state.iter().map(|state| &state.targets).chain(of_records);
        all.filter(|targets| targets.iter().filter(is_service).all(|target| back.contains(&target.place)))
            .flatten()
            .filter(|target| target.place.location == self.location && !back.contains(&target.place))
            .collect()
    }

    /// The commit of what is gone back to, from the record of its deployment.
    pub(super) fn commit(&self, place: &impl Place, to: &Revision) -> Option<CommitSha> {
        let of_it = |entry: &&Entry| {
            let point = self.target_of(entry, place).and_then(Revision::of);
            entry.payload.kind == Kind::Deploy && point.as_ref() == Some(to)
        };
        self.entries(place).into_iter().find(of_it)?.payload.commit_at(&place.in_records(&self.location))
    }

    /// The floor that a CONTRACT has raised above this code, `<version> (<file>)`: as the state has it of what it captured, else as
    /// the record has it. Nothing where neither is known.
    pub(super) fn floor_above(&self, place: &impl Place, to: &Revision) -> Option<String> {
        if let Some(state) = self.state.filter(|_| self.is_of_state(place, to)) {
            return state.schema_floor.clone();
        }
        let is_it = |target: &Target| Revision::of(target).as_ref() == Some(to);
        self.history.as_ref()?.floor_above(&place.in_records(&self.location), None, is_it)
    }

    /// Whether the floor above this code is known: a state says it of what it captured.
    pub(super) fn knows_floor(&self, place: &impl Place, to: &Revision) -> bool {
        self.history.is_some() || self.is_of_state(place, to)
    }

    /// Whether this is what a state captured.
    fn is_of_state(&self, place: &impl Place, to: &Revision) -> bool {
        self.captured_target(place).and_then(|(target, _)| Revision::before(target)).as_ref() == Some(to)
    }

    fn entries(&self, place: &impl Place) -> Vec<&Entry> {
        let all = self.history.iter().flat_map(|history| &history.entries);
        all.filter(|entry| self.target_of(entry, place).is_some()).collect()
    }

    /// The part of a record that speaks of a place.
    fn target_of<'e>(&self, entry: &'e Entry, place: &impl Place) -> Option<&'e Target> {
        entry.payload.target(&place.in_records(&self.location))
    }

    /// What a record says of the place it put something at. Where the place's own commit is not noted, that of the record is that of its
    /// one target; of several it is that of the first.
    fn known_by(&self, entry: &Entry, place: &impl Place) -> Option<Known> {
        let target = self.target_of(entry, place)?;
        let alone = entry.payload.targets.len() == 1 && entry.payload.kind == Kind::Deploy;
        let of_record = || Some(&entry.payload.commit).filter(|_| alone).and_then(|commit| commit.parse().ok());
        Known::of(target, target.commit.clone().or_else(of_record), &name_of(entry))
    }
}

fn name_of(entry: &Entry) -> String {
    format!("deployment {}", entry.id)
}
