//! What the records know: what this run moved, whether it was put back, what serves otherwise, and what served before.

use anyhow::Result;

use super::notification::{self, name};
use super::status::{Aftermath, RollbackResult, Status};
use crate::action::inputs::{CommitSha, EnvironmentName, HttpUrl};
use crate::context::Context;
use crate::github::{State, Status as RecordStatus};
use crate::record::status_line::{self, StatusLine};
use crate::record::{self, Entry, History, Kind, Payload, Place, Standing};
use crate::site::ReleaseName;
use crate::text::Foreign;

/// The most places of which it is read what served there before.
const MOST: usize = 10;

/// What the records of an environment say to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PreviousRuns {
    /// The places where this run moved something, that of the newest move first.
    pub(super) places: Vec<AtPlace>,
    /// What succeeded last, when this run moved nothing.
    pub(super) serves: Option<String>,
    /// The commits that are held since, for people.
    pub(super) held: Vec<String>,
    /// The commit that served before this run; of several the one that is furthest behind.
    pub(super) before: Option<CommitSha>,
    /// Where what this run deployed is reached.
    pub(super) address: Option<String>,
}

/// What the records of one place say to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AtPlace {
    /// For people, where there are several.
    pub(super) name: String,
    /// What this run moved, newest first.
    pub(super) moves: Vec<Move>,
    /// What another run moved there since.
    pub(super) since: Option<Label>,
}

/// What was put at a place, for people: the version where it is the only place, else the name of the release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) version: Option<String>,
    pub(super) release: Option<String>,
}

/// One move of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) kind: Kind,
    /// Where it went.
    pub(super) to: Label,
    /// What it replaced.
    pub(super) from: Label,
    pub(super) left: Left,
}

/// How a move was left, as far as its statuses tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was made, and everything after it passed: finish-deployment said so.
    Proved,
    /// It was made.
    Made,
    /// It was not made, or put back by the step that made it.
    PutBack,
    /// It was put back later.
    Withdrawn,
    /// It failed, and what it left is not what was there before.
    Stuck,
    /// It was begun, and nobody said more.
    Unknown,
}

impl Label {
    fn of(payload: &Payload, place: &Place) -> Self {
        let target = payload.target(place);
        let definition = || Some(target?.task_definition.as_ref()?.to_string());
        let version = target.and_then(|target| target.version).map(|version| format!("v{version}"));
        let release = || Some(release(target?.release.as_ref()?));
        Self { version: version.or_else(definition).or_else(release), release: payload.version.as_deref().map(name) }
    }

    fn replaced_by(payload: &Payload, place: &Place) -> Self {
        let previous = payload.target(place).and_then(|target| target.previous.as_ref());
        let definition = || Some(previous?.task_definition.as_ref()?.to_string());
        let version = previous.and_then(|previous| previous.version).map(|version| format!("v{version}"));
        let release = || Some(release(previous?.release.as_ref()?));
        Self { version: version.or_else(definition).or_else(release), release: None }
    }

    fn words(&self, alone: bool) -> Option<String> {
        self.version.clone().filter(|_| alone).or_else(|| self.release.clone())
    }
}

impl PreviousRuns {
    /// Reads the records of the component, or without one those of all that this run deployed. What succeeded in an earlier
    /// attempt of this run is no move of this one. Candidates count where nothing else was moved: a preview is one.
    pub(super) async fn read(cx: &Context, environment: &EnvironmentName) -> Result<Self> {
        let component = record::component(cx);
        let mut history = match &cx.common.component {
            Some(_) => History::all_of_component(cx, environment, &component).await?,
            None => History::of_environment(cx, environment).await?,
        };
        let is_of_run = |entry: &Entry| record::is_same_run(entry.payload.run, record::this_run(cx));
        let has_serving = history.entries.iter().any(|entry| is_of_run(entry) && entry.payload.serves);
        history.entries.retain(|entry| entry.payload.serves || is_of_run(entry) && !has_serving);
        let mut mine: Vec<&Entry> = Vec::new();
        for entry in history.entries.iter().filter(|entry| is_of_run(entry)) {
            if !history.succeeded_before(cx, entry).await? {
                mine.push(entry);
            }
        }
        let mut places: Vec<&Place> = Vec::new();
        for target in mine.iter().flat_map(|entry| &entry.payload.targets) {
            if !places.contains(&&target.place) {
                places.push(&target.place);
            }
        }
        let mut past = Self { address: address(cx, &history, &mine).await?, ..Self::default() };
        let mut before: Option<(u64, CommitSha)> = None;
        for (number, place) in places.iter().enumerate() {
            let is_mine = |entry: &&Entry| mine.iter().any(|own| own.id == entry.id);
            let mut at = AtPlace { name: place_name(place, &places), ..AtPlace::default() };
            for entry in history.at(place).filter(is_mine).take(2) {
                let statuses = history.statuses(cx, entry).await?;
                let held = statuses.first().and_then(StatusLine::of).is_some_and(|said| said.held);
                past.held
                    .extend(entry.payload.commit_at(place).filter(|_| held).map(|commit| commit.short().to_owned()));
                at.moves.push(Move {
                    kind: entry.payload.kind,
                    to: Label::of(&entry.payload, place),
                    from: Label::replaced_by(&entry.payload, place),
                    left: left(&statuses),
                });
            }
            let newest = history.at(place).next();
            at.since = newest.filter(|entry| !is_mine(entry)).map(|entry| Label::of(&entry.payload, place));
            past.places.push(at);
            let first = history.at(place).filter(|entry| is_of_run(entry)).map(|entry| entry.id).min();
            if let Some(first) = first.filter(|_| number < MOST) {
                let older = history.at(place).filter(|entry| entry.id < first);
                let served = history.newest(cx, older, |standing| standing == Standing::Succeeded).await?;
                add(&mut before, served, place);
            }
        }
        if places.is_empty() {
            let serving = history.serving(cx, &component).await?;
            for (place, entry) in &serving {
                add(&mut before, Some(entry), place);
            }
            let newest = serving.iter().max_by_key(|(_, entry)| entry.id);
            past.serves = newest.and_then(|(place, entry)| Label::of(&entry.payload, place).words(serving.len() == 1));
        }
        past.before = before.map(|(_, commit)| commit);
        past.held.sort_unstable();
        past.held.dedup();
        Ok(past)
    }

    fn is_alone(&self) -> bool {
        self.places.len() == 1
    }

    /// What serves after a success.
    pub(super) fn version(&self) -> Option<String> {
        let newest = self.places.first().and_then(|place| place.moves.first());
        newest.map_or_else(|| self.serves.clone(), |newest| newest.to.words(self.is_alone()))
    }

    /// What this run deployed.
    pub(super) fn deployed(&self) -> Option<String> {
        let mut moves = self.places.iter().flat_map(|place| &place.moves);
        moves.find(|one| one.kind == Kind::Deploy).and_then(|one| one.to.words(self.is_alone()))
    }

    /// How a run that did not succeed left the environment: the worst of its places.
    pub(super) fn aftermath(&self, given: Option<RollbackResult>) -> Aftermath {
        let each = self.each(given, self.is_alone());
        each.into_iter().max().unwrap_or_else(|| AtPlace::default().aftermath(given, true, self.serves.clone()))
    }

    /// How each of several places is left.
    pub(super) fn at_places(&self, status: Status, given: Option<RollbackResult>) -> Vec<notification::AtPlace> {
        if self.places.len() < 2 || !status.is_end() {
            return Vec::new();
        }
        let each = self.places.iter().zip(self.each(given, true)).map(|(place, aftermath)| {
            let to = place.moves.first().and_then(|newest| newest.to.words(true)).unwrap_or_default();
            let outcome = if status == Status::Success { format!("{to} serves") } else { aftermath.words(&to) };
            notification::AtPlace { place: place.name.clone(), outcome }
        });
        each.collect()
    }

    /// Where one job of a matrix failed, what another one has proved is no alarm.
    fn each(&self, given: Option<RollbackResult>, alone: bool) -> Vec<Aftermath> {
        let proved = |place: &AtPlace| place.moves.first().is_some_and(|newest| newest.left == Left::Proved);
        let all = self.places.iter().all(proved);
        let each = self.places.iter().map(|place| {
            let serves = place.moves.first().and_then(|newest| newest.to.words(alone));
            if proved(place) && !all && given.is_none() {
                Aftermath::Untouched(serves)
            } else {
                place.aftermath(given, alone, None)
            }
        });
        each.collect()
    }
}

impl AtPlace {
    /// How a run that did not succeed left the place, where otherwise this serves. What the input says of going back comes first.
    fn aftermath(&self, given: Option<RollbackResult>, alone: bool, serves: Option<String>) -> Aftermath {
        if let Some(since) = self.since.as_ref().filter(|_| given.is_none()) {
            return Aftermath::Untouched(since.words(alone));
        }
        let of = |kind: Kind| self.moves.iter().find(|one| one.kind == kind);
        let (deployed, back) = (of(Kind::Deploy), of(Kind::Rollback));
        let before = back
            .and_then(|back| back.to.words(alone))
            .or_else(|| deployed.and_then(|deployed| deployed.from.words(alone)));
        let stays = deployed.and_then(|deployed| deployed.to.words(alone));
        match given {
            Some(RollbackResult::Succeeded) => return Aftermath::RolledBack(before),
            Some(RollbackResult::Failed) => return Aftermath::StillServes(stays),
            // Nobody tried to go back: whether there was anything to go back from, the records know.
            Some(RollbackResult::NotAttempted) | None => {}
        }
        let Some(newest) = self.moves.first() else { return Aftermath::Untouched(serves) };
        match (newest.kind, newest.left) {
            (Kind::Rollback, Left::Made | Left::Proved) | (Kind::Deploy, Left::Withdrawn) => {
                Aftermath::RolledBack(before)
            }
            (_, Left::Unknown) => Aftermath::Unknown,
            // It went back, and what it went back to is not healthy either.
            (Kind::Rollback, _) if deployed.is_some_and(|deployed| deployed.left == Left::Withdrawn) => {
                Aftermath::StillServes(before)
            }
            (Kind::Rollback, Left::PutBack | Left::Withdrawn | Left::Stuck) => {
                Aftermath::StillServes(stays.or_else(|| newest.from.words(alone)))
            }
            (Kind::Deploy, Left::PutBack) => Aftermath::Untouched(newest.from.words(alone)),
            (Kind::Deploy, Left::Made | Left::Proved | Left::Stuck) => Aftermath::StillServes(stays),
        }
    }
}

/// The release of a site: of one that is called by its commit, the first digits.
fn release(release: &ReleaseName) -> String {
    let text = release.as_str();
    let (commit, rest) = text.split_at_checked(40).unwrap_or((text, ""));
    match commit.parse::<CommitSha>() {
        Ok(commit) => name(&format!("{}{rest}", commit.short())),
        Err(_) => name(text),
    }
}

/// The commit by which a place was served, if none is known that is further behind.
fn add(before: &mut Option<(u64, CommitSha)>, entry: Option<&Entry>, place: &Place) {
    let Some(entry) = entry.filter(|entry| before.as_ref().is_none_or(|(known, _)| entry.id < *known)) else { return };
    *before = entry.payload.commit_at(place).map(|commit| (entry.id, commit)).or_else(|| before.take());
}

/// A place among others: with its region where they are in several.
fn place_name(place: &Place, among: &[&Place]) -> String {
    let elsewhere = among.iter().any(|other| other.location.region != place.location.region);
    let region = if elsewhere { format!(" in {}", place.location.region) } else { String::new() };
    name(&format!("{}{region}", place.identity))
}

/// The address that a record of this run has, newest first; only one that a browser opens.
async fn address(cx: &Context, history: &History, mine: &[&Entry]) -> Result<Option<String>> {
    for entry in mine {
        let statuses = history.statuses(cx, entry).await?;
        let found = statuses.iter().find_map(|status| status.environment_url.as_deref()?.parse::<HttpUrl>().ok());
        if let Some(found) = found.map(|url| url.to_string()) {
            return Ok(Some(found).filter(|url| Foreign::new(url.as_str()).for_record(url.len()) == *url));
        }
    }
    Ok(None)
}

/// Reads the statuses of a record, newest first: what the step that made it said, and whether it was withdrawn.
fn left(statuses: &[RecordStatus]) -> Left {
    const MAKERS: [&str; 6] =
        ["swap-alias", "publish-version", "deploy-service", "publish-site", "promote-site", "rollback"];
    let descriptions = || statuses.iter().filter_map(|status| status.description.as_deref());
    if descriptions().any(status_line::is_withdrawn) {
        return Left::Withdrawn;
    }
    let proves = |status: &RecordStatus| {
        status.state == State::Success && StatusLine::of(status).is_some_and(|said| said.step == "finish-deployment")
    };
    if statuses.iter().any(proves) && Standing::of(statuses) == Standing::Succeeded {
        return Left::Proved;
    }
    let said = descriptions().filter_map(StatusLine::read).find(|said| MAKERS.contains(&said.step.as_str()));
    let standing = Standing::of(statuses);
    let Some(said) = said else {
        return if standing == Standing::Succeeded { Left::Made } else { Left::Unknown };
    };
    match said.verdict.as_str() {
        "pass" => Left::Made,
        "fail" if said.figure(status_line::LEFT).is_some() => Left::Stuck,
        // A record left open is one whose end nobody knows.
        "fail" | "error" | "superseded" | "cancelled" if standing != Standing::Open => Left::PutBack,
        _ => Left::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(kind: Kind, versions: (u32, u32), left: Left) -> Move {
        let label = |number: u32| Label { version: Some(format!("v{number}")), release: Some(format!("r{number}")) };
        Move { kind, from: label(versions.0), to: label(versions.1), left }
    }

    #[test]
    fn how_a_run_left_the_environment_is_read_from_its_records() {
        use Aftermath::{RolledBack, StillServes, Unknown, Untouched};
        let v = |number: u32| Some(format!("v{number}"));
        let deploy = |left| moved(Kind::Deploy, (41, 42), left);
        let back = |left| moved(Kind::Rollback, (42, 41), left);
        // Moves, newest first.
        let table: [(&str, Vec<Move>, Aftermath); 11] = [
            ("nothing was moved", vec![], Untouched(v(40))),
            ("moved and left", vec![deploy(Left::Made)], StillServes(v(42))),
            ("put back by the swap itself", vec![deploy(Left::PutBack)], Untouched(v(41))),
            ("not put back by the swap", vec![deploy(Left::Stuck)], StillServes(v(42))),
            ("killed in between", vec![deploy(Left::Unknown)], Unknown),
            ("rolled back", vec![back(Left::Made), deploy(Left::Withdrawn)], RolledBack(v(41))),
            ("rolled back without a record", vec![deploy(Left::Withdrawn)], RolledBack(v(41))),
            ("the rollback failed", vec![back(Left::PutBack), deploy(Left::Made)], StillServes(v(42))),
            (
                "the one before is not healthy either",
                vec![back(Left::PutBack), deploy(Left::Withdrawn)],
                StillServes(v(41)),
            ),
            ("the rollback was killed", vec![back(Left::Unknown), deploy(Left::Made)], Unknown),
            ("deployed again", vec![deploy(Left::Made), back(Left::Made)], StillServes(v(42))),
        ];
        for (case, moves, aftermath) in table {
            let place = AtPlace { moves, ..AtPlace::default() };
            assert_eq!(place.aftermath(None, true, v(40)), aftermath, "{case}");
        }
    }

    #[test]
    fn what_the_workflow_says_of_going_back_comes_first() {
        use Aftermath::{RolledBack, StillServes, Untouched};
        let v = |number: u32| Some(format!("v{number}"));
        let made = AtPlace { moves: vec![moved(Kind::Deploy, (41, 42), Left::Made)], ..AtPlace::default() };
        let table = [
            (RollbackResult::Succeeded, &made, RolledBack(v(41))),
            (RollbackResult::Failed, &made, StillServes(v(42))),
            (RollbackResult::NotAttempted, &made, StillServes(v(42))),
            (RollbackResult::Succeeded, &AtPlace::default(), RolledBack(None)),
            (RollbackResult::Failed, &AtPlace::default(), StillServes(None)),
            (RollbackResult::NotAttempted, &AtPlace::default(), Untouched(None)),
        ];
        for (given, past, aftermath) in table {
            assert_eq!(past.aftermath(Some(given), true, None), aftermath, "{given:?}");
        }
        let since = Label { version: v(43), release: None };
        let since = AtPlace { since: Some(since), ..made };
        assert_eq!(since.aftermath(None, true, None), Untouched(v(43)));
    }

    #[test]
    fn of_several_places_the_worst_is_told() {
        let past = |left: [Left; 2]| {
            let places = left.map(|left| AtPlace {
                name: "api:live".to_owned(),
                moves: vec![moved(Kind::Deploy, (41, 42), left)],
                since: None,
            });
            PreviousRuns { places: places.to_vec(), ..PreviousRuns::default() }
        };
        let serves = Aftermath::StillServes(Some("r42".to_owned()));
        let worst = |left| past(left).aftermath(None);
        assert_eq!(worst([Left::Made, Left::PutBack]), serves);
        assert_eq!(worst([Left::Withdrawn, Left::Made]), serves);
        assert_eq!(worst([Left::Unknown, Left::Withdrawn]), Aftermath::Unknown);
        assert_eq!(worst([Left::PutBack, Left::Withdrawn]), Aftermath::RolledBack(Some("r41".to_owned())));
        assert_eq!(worst([Left::Proved, Left::Withdrawn]), Aftermath::RolledBack(Some("r41".to_owned())));
        assert_eq!(worst([Left::Proved, Left::Proved]), serves, "something after all of them failed");
        let each = |left, status| {
            let each = past(left).at_places(status, None).into_iter().map(|at| at.outcome);
            each.collect::<Vec<_>>()
        };
        assert_eq!(each([Left::Proved, Left::Withdrawn], Status::Failure), ["v42 serves", "rolled back to v41"]);
        assert_eq!(each([Left::Made, Left::Stuck], Status::Failure), ["v42 STILL SERVES", "v42 STILL SERVES"]);
        assert_eq!(each([Left::Proved, Left::Proved], Status::Success), ["v42 serves", "v42 serves"]);
    }

    #[test]
    fn the_statuses_of_a_record_tell_how_it_was_left() {
        // Oldest first, as they were written.
        let table: [(&[(&str, &str)], Left); 13] = [
            (&[], Left::Unknown),
            (&[("in_progress", "da1 swap-alias pass api=42")], Left::Made),
            (&[("success", "da1 swap-alias pass api=42"), ("inactive", "replaced by deployment 9")], Left::Made),
            (
                &[("in_progress", "da1 swap-alias pass x"), ("failure", "da1 finish-deployment fail the job failed")],
                Left::Made,
            ),
            (&[("success", "da1 swap-alias pass x"), ("failure", "withdrawn: unhealthy")], Left::Withdrawn),
            (&[("failure", "da1 swap-alias fail api was put back to version 41")], Left::PutBack),
            (&[("failure", "da1 swap-alias fail refused")], Left::PutBack),
            (
                &[("failure", "da1 swap-alias fail left=bad refused; api could not be put back to version 41")],
                Left::Stuck,
            ),
            (&[("in_progress", "da1 swap-alias fail left=bad no answer")], Left::Stuck),
            (&[("in_progress", "da1 swap-alias fail no answer")], Left::Unknown),
            (&[("in_progress", "da1 swap-alias pass"), ("success", "da1 finish-deployment#1 pass")], Left::Proved),
            (&[("success", "by somebody else")], Left::Made),
            (&[("in_progress", "da1 health-check-with-backoff fail attempts=3")], Left::Unknown),
        ];
        for (statuses, expected) in table {
            assert_eq!(left(&RecordStatus::newest_first(statuses)), expected, "{statuses:?}");
        }
    }
}
