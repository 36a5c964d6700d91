//! What the records know: what this run moved, whether it was put back, and what serves otherwise.

use anyhow::Result;

use super::job_status::WentBack;
use super::notification::{Aftermath, name};
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::Status;
use crate::record::status_line::{self, StatusLine};
use crate::record::{self, Entry, History, Kind, Payload, Place, Standing};

/// What the records of an environment say to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PreviousRuns {
    /// The places where this run moved something, that of the newest move first.
    pub(super) places: Vec<AtPlace>,
    /// What succeeded last, when this run moved nothing.
    pub(super) serves: Option<String>,
    /// The commits that are held since, for people.
    pub(super) held: Vec<String>,
}

/// What the records of one place say to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AtPlace {
    /// What this run moved, newest first.
    pub(super) moves: Vec<Move>,
    /// What another run moved there since.
    pub(super) since: Option<String>,
}

/// One move of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) kind: Kind,
    /// Where it went.
    pub(super) to: Option<String>,
    /// What it replaced.
    pub(super) from: Option<String>,
    pub(super) left: Left,
}

/// How a move was left, as far as its statuses tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
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

impl PreviousRuns {
    /// Reads the records. Besides the list, the statuses of this run's own records are read, or of those down to what succeeded last.
    /// What succeeded in an earlier attempt of this run is no move of this one.
    pub(super) async fn read(cx: &Context, environment: &EnvironmentName) -> Result<Self> {
        let history = History::of_component(cx, environment, &record::component(cx)).await?;
        let mut mine: Vec<&Entry> = Vec::new();
        for entry in history.entries.iter().filter(|entry| entry.payload.run.id == record::this_run(cx).id) {
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
        let mut past = Self::default();
        let alone = places.len() == 1;
        for place in places {
            let is_mine = |entry: &&Entry| mine.iter().any(|own| own.id == entry.id);
            let mut at = AtPlace::default();
            for entry in history.at(place).filter(is_mine).take(2) {
                let statuses = history.statuses(cx, entry).await?;
                let held = statuses.first().and_then(StatusLine::of).is_some_and(|said| said.held);
                past.held
                    .extend(entry.payload.commit_at(place).filter(|_| held).map(|commit| commit.short().to_owned()));
                at.moves.push(Move {
                    kind: entry.payload.kind,
                    to: to(&entry.payload, place, alone),
                    from: from(&entry.payload, place, alone),
                    left: left(&statuses),
                });
            }
            let newest = history.at(place).next();
            at.since = newest.filter(|entry| !is_mine(entry)).and_then(|entry| to(&entry.payload, place, alone));
            past.places.push(at);
        }
        past.held.sort_unstable();
        past.held.dedup();
        if past.places.is_empty() {
            let newest = history.newest_success(cx).await?.map(|entry| &entry.payload);
            past.serves = newest.and_then(|payload| match payload.targets.as_slice() {
                [one] => to(payload, &one.place, true),
                _ => name_of(payload),
            });
        }
        Ok(past)
    }

    /// What serves after a success.
    pub(super) fn version(&self) -> Option<String> {
        let newest = self.places.first().and_then(|place| place.moves.first());
        newest.map_or_else(|| self.serves.clone(), |newest| newest.to.clone())
    }

    /// What this run deployed.
    pub(super) fn deployed(&self) -> Option<String> {
        let mut moves = self.places.iter().flat_map(|place| &place.moves);
        moves.find(|one| one.kind == Kind::Deploy).and_then(|one| one.to.clone())
    }

    /// How a run that did not succeed left the environment: the worst of its places.
    pub(super) fn aftermath(&self, given: Option<WentBack>) -> Aftermath {
        let each = self.places.iter().map(|place| place.aftermath(given, None));
        each.max_by_key(Aftermath::rank).unwrap_or_else(|| AtPlace::default().aftermath(given, self.serves.clone()))
    }
}

impl AtPlace {
    /// How a run that did not succeed left the place, where otherwise this serves. What the input says of going back comes first.
    fn aftermath(&self, given: Option<WentBack>, serves: Option<String>) -> Aftermath {
        if let Some(since) = self.since.clone().filter(|_| given.is_none()) {
            return Aftermath::Untouched(Some(since));
        }
        let deployed = self.moves.iter().find(|one| one.kind == Kind::Deploy);
        let back = self.moves.iter().find(|one| one.kind == Kind::Rollback);
        let before =
            back.and_then(|back| back.to.clone()).or_else(|| deployed.and_then(|deployed| deployed.from.clone()));
        let stays = deployed.and_then(|deployed| deployed.to.clone());
        match given {
            Some(WentBack::Succeeded) => return Aftermath::RolledBack(before),
            Some(WentBack::Failed) => return Aftermath::StillServes(stays),
            // Nobody tried to go back: whether there was anything to go back from, the records know.
            Some(WentBack::NotAttempted) | None => {}
        }
        let Some(newest) = self.moves.first() else { return Aftermath::Untouched(serves) };
        match (newest.kind, newest.left) {
            (Kind::Rollback, Left::Made) | (Kind::Deploy, Left::Withdrawn) => Aftermath::RolledBack(before),
            (_, Left::Unknown) => Aftermath::Unknown,
            // It went back, and what it went back to is not healthy either.
            (Kind::Rollback, _) if deployed.is_some_and(|deployed| deployed.left == Left::Withdrawn) => {
                Aftermath::StillServes(before)
            }
            (Kind::Rollback, Left::PutBack | Left::Withdrawn | Left::Stuck) => {
                Aftermath::StillServes(stays.or_else(|| newest.from.clone()))
            }
            (Kind::Deploy, Left::PutBack) => Aftermath::Untouched(newest.from.clone()),
            (Kind::Deploy, Left::Made | Left::Stuck) => Aftermath::StillServes(stays),
        }
    }
}

/// What a record put at a place, for people: the version where it is the only place, else the name of the release.
fn to(payload: &Payload, place: &Place, alone: bool) -> Option<String> {
    let version =
        payload.target(place).and_then(|target| target.version).filter(|_| alone && payload.targets.len() == 1);
    version.map(|version| format!("v{version}")).or_else(|| name_of(payload))
}

fn name_of(payload: &Payload) -> Option<String> {
    payload.version.as_deref().map(name)
}

/// What it replaced there: the version, where it is the only place.
fn from(payload: &Payload, place: &Place, alone: bool) -> Option<String> {
    let target = payload.target(place).filter(|_| alone && payload.targets.len() == 1)?;
    target.previous.as_ref()?.version.map(|version| format!("v{version}"))
}

/// Reads the statuses of a record, newest first: what the step that made it said, and whether it was withdrawn.
fn left(statuses: &[Status]) -> Left {
    const MAKERS: [&str; 3] = ["swap-alias", "publish-version", "rollback"];
    let descriptions = || statuses.iter().filter_map(|status| status.description.as_deref());
    if descriptions().any(status_line::is_withdrawn) {
        return Left::Withdrawn;
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
        let label = |number: u32| Some(format!("v{number}"));
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
            let place = AtPlace { moves, since: None };
            assert_eq!(place.aftermath(None, v(40)), aftermath, "{case}");
        }
    }

    #[test]
    fn what_the_workflow_says_of_going_back_comes_first() {
        use Aftermath::{RolledBack, StillServes, Untouched};
        let v = |number: u32| Some(format!("v{number}"));
        let made = AtPlace { moves: vec![moved(Kind::Deploy, (41, 42), Left::Made)], ..AtPlace::default() };
        let table = [
            (WentBack::Succeeded, &made, RolledBack(v(41))),
            (WentBack::Failed, &made, StillServes(v(42))),
            (WentBack::NotAttempted, &made, StillServes(v(42))),
            (WentBack::Succeeded, &AtPlace::default(), RolledBack(None)),
            (WentBack::Failed, &AtPlace::default(), StillServes(None)),
            (WentBack::NotAttempted, &AtPlace::default(), Untouched(None)),
        ];
        for (given, past, aftermath) in table {
            assert_eq!(past.aftermath(Some(given), None), aftermath, "{given:?}");
        }
        let since = AtPlace { since: v(43), ..made };
        assert_eq!(since.aftermath(None, None), Untouched(v(43)));
    }

    #[test]
    fn of_several_places_the_worst_is_told() {
        let place = |left| AtPlace { moves: vec![moved(Kind::Deploy, (41, 42), left)], since: None };
        let past = |left: [Left; 2]| {
            PreviousRuns { places: left.map(place).to_vec(), ..PreviousRuns::default() }.aftermath(None)
        };
        let serves = Aftermath::StillServes(Some("v42".to_owned()));
        assert_eq!(past([Left::Made, Left::PutBack]), serves);
        assert_eq!(past([Left::Withdrawn, Left::Made]), serves);
        assert_eq!(past([Left::Unknown, Left::Withdrawn]), Aftermath::Unknown);
        assert_eq!(past([Left::PutBack, Left::Withdrawn]), Aftermath::RolledBack(Some("v41".to_owned())));
    }

    #[test]
    fn the_statuses_of_a_record_tell_how_it_was_left() {
        // Oldest first, as they were written.
        let table: [(&[(&str, &str)], Left); 12] = [
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
            (&[("success", "by somebody else")], Left::Made),
            (&[("in_progress", "da1 health-check-with-backoff fail attempts=3")], Left::Unknown),
        ];
        for (statuses, expected) in table {
            assert_eq!(left(&Status::newest_first(statuses)), expected, "{statuses:?}");
        }
    }
}
