//! What the records know: what this run moved, whether it was put back, and what serves otherwise.

use anyhow::Result;

use super::inputs::WentBack;
use super::news::{Aftermath, name};
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::Status;
use crate::record::said::{self, Said};
use crate::record::{self, Entry, History, Kind, Payload, Standing};

/// What the records of an environment say to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// What this run moved, newest first.
    pub(super) moves: Vec<Move>,
    /// What another run moved there since.
    pub(super) since: Option<String>,
    /// What succeeded last, when this run moved nothing.
    pub(super) serves: Option<String>,
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

impl Past {
    /// Reads the records. Besides the list, the statuses of this run's own records are read, or of those down to what succeeded last.
    pub(super) async fn read(cx: &Context, environment: &EnvironmentName) -> Result<Self> {
        let history = History::of_component(cx, environment, &record::component(cx)).await?;
        let run = record::this_run(cx).id;
        let is_mine = |entry: &&Entry| entry.payload.run.id == run;
        let mut past = Self::default();
        for entry in history.entries.iter().filter(is_mine).take(2) {
            let statuses = cx.github().await?.statuses(entry.id).await?;
            past.moves.push(Move {
                kind: entry.payload.kind,
                to: to(&entry.payload),
                from: from(&entry.payload),
                left: left(&statuses),
            });
        }
        if past.moves.is_empty() {
            past.serves = history.newest_success(cx).await?.and_then(|entry| to(&entry.payload));
        } else {
            past.since = history.entries.first().filter(|entry| !is_mine(entry)).and_then(|entry| to(&entry.payload));
        }
        Ok(past)
    }

    /// What serves after a success.
    pub(super) fn version(&self) -> Option<String> {
        self.moves.first().map_or_else(|| self.serves.clone(), |newest| newest.to.clone())
    }

    /// What this run deployed.
    pub(super) fn deployed(&self) -> Option<String> {
        self.moves.iter().find(|one| one.kind == Kind::Deploy).and_then(|one| one.to.clone())
    }

    /// How a run that did not succeed left the environment. What the input says of going back comes first.
    pub(super) fn aftermath(&self, given: Option<WentBack>) -> Aftermath {
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
        let Some(newest) = self.moves.first() else { return Aftermath::Untouched(self.serves.clone()) };
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

/// What a record went to, for people: the version of one alias, else the name of the release.
fn to(payload: &Payload) -> Option<String> {
    let one = match payload.targets.as_slice() {
        [target] => target.version,
        _ => None,
    };
    one.map(|version| format!("v{version}")).or_else(|| payload.version.as_deref().map(name))
}

/// What it replaced: the version of one alias.
fn from(payload: &Payload) -> Option<String> {
    match payload.targets.as_slice() {
        [target] => target.previous.as_ref()?.version.map(|version| format!("v{version}")),
        _ => None,
    }
}

/// Reads the statuses of a record, newest first: what the step that made it said, and whether it was withdrawn.
fn left(statuses: &[Status]) -> Left {
    const MAKERS: [&str; 3] = ["swap-alias", "publish-version", "rollback"];
    let descriptions = || statuses.iter().filter_map(|status| status.description.as_deref());
    if descriptions().any(said::is_withdrawn) {
        return Left::Withdrawn;
    }
    let said = descriptions().filter_map(Said::read).find(|said| MAKERS.contains(&said.step.as_str()));
    let standing = Standing::of(statuses);
    let Some(said) = said else {
        return if standing == Standing::Succeeded { Left::Made } else { Left::Unknown };
    };
    match said.verdict.as_str() {
        "pass" => Left::Made,
        "fail" if said.figure(said::LEFT).is_some() => Left::Stuck,
        // A record left open is one whose end nobody knows.
        "fail" | "error" | "superseded" | "cancelled" if standing != Standing::Open => Left::PutBack,
        _ => Left::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(kind: Kind, versions: (u32, u32), left: Left) -> Move {
        let shown = |number: u32| Some(format!("v{number}"));
        Move { kind, from: shown(versions.0), to: shown(versions.1), left }
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
            let past = Past { moves, since: None, serves: v(40) };
            assert_eq!(past.aftermath(None), aftermath, "{case}");
        }
    }

    #[test]
    fn what_the_workflow_says_of_going_back_comes_first() {
        use Aftermath::{RolledBack, StillServes, Untouched};
        let v = |number: u32| Some(format!("v{number}"));
        let made = Past { moves: vec![moved(Kind::Deploy, (41, 42), Left::Made)], ..Past::default() };
        let table = [
            (WentBack::Succeeded, &made, RolledBack(v(41))),
            (WentBack::Failed, &made, StillServes(v(42))),
            (WentBack::NotAttempted, &made, StillServes(v(42))),
            (WentBack::Succeeded, &Past::default(), RolledBack(None)),
            (WentBack::Failed, &Past::default(), StillServes(None)),
            (WentBack::NotAttempted, &Past::default(), Untouched(None)),
        ];
        for (given, past, aftermath) in table {
            assert_eq!(past.aftermath(Some(given)), aftermath, "{given:?}");
        }
        let since = Past { since: v(43), ..made };
        assert_eq!(since.aftermath(None), Untouched(v(43)));
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
