//! The records of an environment, newest first, and what became of each.

mod read;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use time::OffsetDateTime;

use super::held::{Admitted, Held};
use super::payload::{Kind, Payload, Read};
use super::place::Place;
use super::run::this_run;
use super::status_line::{ATTEMPT, StatusLine};
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::github::{Deployment, State, Status, moment};

/// The newest records whose statuses are read when a new one is made.
const NEWEST: usize = 10;

/// The records of an environment and component. Clones share what was read of them.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first, of every place of the component.
    pub entries: Vec<Entry>,
    /// The places they were read for; none for all that the component has.
    places: Vec<Place>,
    /// What the holds at these places say of what is about to be put there.
    pub admitted: Admitted,
    /// The deployment that GitHub made by itself for a job of this commit with `environment:`; it is nobody's record.
    pub of_job: Option<u64>,
    statuses: Rc<RefCell<BTreeMap<u64, Vec<Status>>>>,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The deployment's number.
    pub id: u64,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// What it says.
    pub payload: Payload,
}

impl Entry {
    /// When it was made, by GitHub's clock.
    #[must_use]
    pub fn made(&self) -> Option<OffsetDateTime> {
        moment(&self.created_at)
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It succeeded, and was not withdrawn.
    Succeeded,
    /// It failed, was withdrawn, or ended in error.
    Failed,
    /// Nobody has judged it yet.
    Open,
}

impl Standing {
    /// Read from the statuses, newest first: a `success` with no later `failure` or `error`. `inactive` undoes nothing.
    #[must_use]
    pub fn of(statuses: &[Status]) -> Self {
        for status in statuses {
            match status.state {
                State::Success => return Self::Succeeded,
                State::Failure | State::Error => return Self::Failed,
                State::Queued | State::Pending | State::Waiting | State::InProgress | State::Inactive => {}
            }
        }
        Self::Open
    }
}

impl History {
    /// Records that were read already, newest first.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        Self { entries, places: Vec::new(), admitted: Admitted::default(), of_job: None, statuses: Rc::default() }
    }

    /// The statuses of a record, newest first, read once.
    pub async fn statuses(&self, cx: &Context, entry: &Entry) -> Result<Vec<Status>> {
        if let Some(known) = self.statuses.borrow().get(&entry.id) {
            return Ok(known.clone());
        }
        let read = cx.github().await?.statuses(entry.id).await?;
        self.statuses.borrow_mut().insert(entry.id, read.clone());
        Ok(read)
    }

    /// The statuses of a record, newest first, if they were read.
    #[must_use]
    pub fn known_statuses(&self, entry: &Entry) -> Option<Vec<Status>> {
        self.statuses.borrow().get(&entry.id).cloned()
    }

    /// What became of a record.
    pub async fn standing(&self, cx: &Context, entry: &Entry) -> Result<Standing> {
        Ok(Standing::of(&self.statuses(cx, entry).await?))
    }

    /// True for a record of this run that succeeded in an earlier attempt: it is not this attempt's, to report or to undo.
    pub async fn succeeded_before(&self, cx: &Context, entry: &Entry) -> Result<bool> {
        let (Some(this), Some(run)) = (this_run(cx), entry.payload.run) else { return Ok(false) };
        if run.id != this.id {
            return Ok(false);
        }
        let statuses = self.statuses(cx, entry).await?;
        let success = statuses.iter().find(|status| status.state == State::Success);
        let attempt = success.and_then(StatusLine::of).and_then(|line| line.figure(ATTEMPT)?.parse().ok());
        let is_earlier = attempt.unwrap_or(run.attempt) < this.attempt;
        Ok(is_earlier && Standing::of(&statuses) == Standing::Succeeded)
    }

    /// What serves at each place of a component, by the newest record that succeeded there.
    pub async fn serving(&self, cx: &Context, component: &str) -> Result<Vec<(Place, &Entry)>> {
        let mut serving = Vec::new();
        for place in self.places(cx, component).await? {
            let entries = self.entries.iter().filter(|entry| entry.payload.target(&place).is_some());
            if let Some(entry) = self.newest(cx, entries, |standing| standing == Standing::Succeeded).await? {
                serving.push((place, entry));
            }
        }
        Ok(serving)
    }

    /// The record by which a place serves: the newest that succeeded there, unless the place was given up since.
    pub async fn serving_at<'h>(&'h self, cx: &Context, place: &'h Place) -> Result<Option<&'h Entry>> {
        let Some(newest) = self.at_newest(place) else { return Ok(None) };
        if self.gives_up(cx, newest).await? {
            return Ok(None);
        }
        self.newest(cx, self.at(place), |standing| standing == Standing::Succeeded).await
    }

    /// Forgets what was read of a record: somebody else may have given it a status.
    pub fn forget(&self, id: u64) {
        self.statuses.borrow_mut().remove(&id);
    }

    /// Notes a status that was given to a record just now.
    pub fn note(&self, id: u64, state: State, description: &str) {
        if let Some(known) = self.statuses.borrow_mut().get_mut(&id) {
            known.insert(0, Status::now(state, description));
        }
    }

    /// The same, with what the holds say of what is about to be put there.
    #[must_use]
    pub fn admitting(self, admitted: Admitted) -> Self {
        Self { admitted, ..self }
    }

    /// The records that speak of a place, newest first.
    pub fn at<'h>(&'h self, place: &'h Place) -> impl Iterator<Item = &'h Entry> {
        self.entries.iter().filter(move |entry| entry.payload.target(place).is_some())
    }

    /// The newest record of a place.
    #[must_use]
    pub fn at_newest(&self, place: &Place) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.payload.target(place).is_some())
    }

    /// The places that a component has in this environment, as these records name them, newest first; without those that were
    /// given up.
    pub async fn places(&self, cx: &Context, component: &str) -> Result<Vec<Place>> {
        let mut places: Vec<Place> = Vec::new();
        let mut ended = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.payload.component == component) {
            for target in &entry.payload.targets {
                if places.contains(&target.place) || ended.contains(&target.place) {
                    continue;
                }
                let kind = if self.gives_up(cx, entry).await? { &mut ended } else { &mut places };
                kind.push(target.place.clone());
            }
        }
        Ok(places)
    }

    /// Whether its places were given up since.
    async fn gives_up(&self, cx: &Context, entry: &Entry) -> Result<bool> {
        let statuses = self.statuses(cx, entry).await?;
        Ok(statuses.first().and_then(StatusLine::of).is_some_and(|line| line.ends_the_place()))
    }

    /// The newest of these records of which this holds.
    pub async fn newest<'e>(
        &self,
        cx: &Context,
        among: impl IntoIterator<Item = &'e Entry>,
        wanted: impl Fn(Standing) -> bool,
    ) -> Result<Option<&'e Entry>> {
        for entry in among {
            if wanted(self.standing(cx, entry).await?) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The newest record that succeeded and was not withdrawn.
    pub async fn newest_success(&self, cx: &Context) -> Result<Option<&Entry>> {
        self.newest(cx, &self.entries, |standing| standing == Standing::Succeeded).await
    }

    /// The records that a new success at these places replaces: those before it whose last word is `success`, unless another of
    /// their places still serves by them.
    pub async fn list_replaced(&self, cx: &Context, before: u64, places: &[Place]) -> Result<Vec<u64>> {
        let mut replaced = Vec::new();
        for (entry, state) in self.recent(cx, places, |entry| entry.id < before).await? {
            if state == Some(State::Success) && !self.serves_besides(cx, entry, places).await? {
                replaced.push(entry.id);
            }
        }
        Ok(replaced)
    }

    /// True when a place of a record, other than these, serves by it: no newer record of that place succeeded.
    async fn serves_besides(&self, cx: &Context, entry: &Entry, places: &[Place]) -> Result<bool> {
        for target in entry.payload.targets.iter().filter(|target| !places.contains(&target.place)) {
            let newer = self.at(&target.place).take_while(|newer| newer.id > entry.id);
            if self.newest(cx, newer, |standing| standing == Standing::Succeeded).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The records that nobody has judged yet.
    pub async fn open(&self, cx: &Context) -> Result<Vec<&Entry>> {
        let mut open = Vec::new();
        for (entry, _) in self.recent(cx, &self.places, |_| true).await? {
            if self.is_open(cx, entry).await? {
                open.push(entry);
            }
        }
        Ok(open)
    }

    /// The commits that are held at a place, newest first: each was taken back after it was judged bad, and no newer one has
    /// ended that.
    pub async fn holds_at(&self, cx: &Context, place: &Place) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        let mut seen: Vec<CommitSha> = Vec::new();
        // Once a newer commit has served, only what its record says was still held.
        let mut still: Option<&[CommitSha]> = None;
        for entry in self.at(place) {
            let Some(commit) = entry.payload.commit_at(place) else { continue };
            let statuses = self.statuses(cx, entry).await?;
            let is_newest = !seen.contains(&commit);
            seen.push(commit.clone());
            let last = statuses.first().filter(|last| last.state == State::Failure).and_then(StatusLine::of);
            if let Some(status) = last.filter(|line| line.held) {
                if is_newest && still.is_none_or(|still| still.contains(&commit)) {
                    held.push(Held { commit, place: place.clone(), run: entry.payload.run, status });
                }
            } else if entry.payload.kind == Kind::Deploy && Standing::of(&statuses) == Standing::Succeeded {
                if entry.payload.hold.is_empty() {
                    break;
                }
                // The newest says all that is held still: what it ended, an older one does not bring back.
                still.get_or_insert(&entry.payload.hold);
            }
        }
        Ok(held)
    }

    /// The records of these places that GitHub shows as active, or that nobody has judged yet, newest first.
    pub async fn active(&self, cx: &Context, places: &[Place]) -> Result<Vec<&Entry>> {
        let recent = self.recent(cx, places, |_| true).await?;
        let is_active = |state: &Option<State>| !matches!(state, Some(State::Failure | State::Error));
        Ok(recent.into_iter().filter(|(_, state)| is_active(state)).map(|(entry, _)| entry).collect())
    }

    /// True when nobody has judged a record yet, nor set it aside.
    pub async fn is_open(&self, cx: &Context, entry: &Entry) -> Result<bool> {
        let statuses = self.statuses(cx, entry).await?;
        Ok(Standing::of(&statuses) == Standing::Open && last(&statuses) != Some(State::Inactive))
    }

    /// The newest of these records at these places, each with its last state: of each place down to the first that is inactive.
    /// All before that one were made so when it succeeded itself.
    async fn recent(
        &self,
        cx: &Context,
        places: &[Place],
        these: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<(&Entry, Option<State>)>> {
        let mut recent = Vec::new();
        let mut open: Vec<&Place> = places.iter().collect();
        let is_wanted = |entry: &&Entry| these(entry) && entry.payload.touches(places);
        for entry in self.entries.iter().filter(is_wanted).take(NEWEST) {
            if !open.iter().any(|place| entry.payload.target(place).is_some()) {
                continue;
            }
            let state = last(&self.statuses(cx, entry).await?);
            if state == Some(State::Inactive) {
                open.retain(|place| entry.payload.target(place).is_none());
            } else {
                recent.push((entry, state));
            }
        }
        Ok(recent)
    }
}

fn last(statuses: &[Status]) -> Option<State> {
    statuses.first().map(|status| status.state)
}

/// Says which deployments are records that cannot be read.
pub fn note_corrupt(deployments: &[Deployment]) {
    let is_corrupt = |deployment: &&Deployment| Payload::read(&deployment.payload) == Read::Corrupt;
    let corrupt: Vec<String> =
        deployments.iter().filter(is_corrupt).map(|deployment| deployment.id.to_string()).collect();
    if !corrupt.is_empty() {
        tracing::info!("passed over records that cannot be read: deployment {}", corrupt.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_succeeded_when_no_failure_came_after_its_success() {
        // Oldest first, as they were written.
        let table: [(&[&str], Standing); 8] = [
            (&["success"], Standing::Succeeded),
            (&["in_progress", "success"], Standing::Succeeded),
            (&["success", "inactive"], Standing::Succeeded),
            (&["success", "failure"], Standing::Failed),
            (&["success", "inactive", "failure"], Standing::Failed),
            (&["success", "error", "in_progress"], Standing::Failed),
            (&["in_progress"], Standing::Open),
            (&[], Standing::Open),
        ];
        for (states, standing) in table {
            let written: Vec<(&str, &str)> = states.iter().map(|state| (*state, "")).collect();
            assert_eq!(Standing::of(&Status::newest_first(&written)), standing, "{states:?}");
        }
    }
}
