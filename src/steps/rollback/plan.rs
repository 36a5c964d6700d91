//! What rollback decides, from what was observed and what was asked. No I/O.

use anyhow::anyhow;

use super::place::{FunctionPlace, Known, Place, Revision};
use super::version::{check_holds, check_package, check_state};
use crate::lambda::{Code, CodeId, Function, State, Version};
use crate::outcome::{Outcome, Step};
use crate::text::message;

/// Whose changes are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Only what this run put there.
    ThisRun,
    /// Whatever serves.
    Any,
}

/// Where a version to go back to was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The inputs `to` or `versions`.
    Explicit,
    /// What was captured before the change: the input `state`, or the record of it.
    State,
    /// The GitHub record: the newest that succeeded.
    Record,
    /// What ECS itself remembers: the newest deployment that succeeded.
    History,
    /// The list of versions.
    Guess,
}

impl Source {
    /// The word of the output `target-source`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::State => "state",
            Self::Record => "record",
            Self::History => "history",
            Self::Guess => "guess",
        }
    }
}

/// One place, and what is known of how it came to serve what it serves.
#[derive(Debug)]
pub(super) struct Observed<P> {
    /// Where users come in.
    pub place: P,
    /// What this run put there, from its state or record.
    pub moved_by_this_run: Option<Revision>,
    /// The earlier attempt of this run in which that succeeded: then it is not this attempt's to undo.
    pub succeeded_in: Option<u64>,
    /// What was there before that.
    pub captured: Option<Known>,
    /// True when the record says that what was captured failed.
    pub captured_failed: bool,
    /// What is expected there; several when the record leaves that open. Empty when nobody says.
    pub expected: Vec<Revision>,
    /// What was asked for.
    pub explicit: Option<Known>,
    /// The newest that succeeded and is not what serves.
    pub succeeded: Option<Known>,
    /// True when what serves was gone back to: by this run, as the newest record says, or as ECS itself remembers.
    pub is_back: bool,
    /// What ECS itself remembers of a service: what the newest deployment that succeeded brought, and is not what serves.
    pub history: Option<Known>,
    /// What was published before what serves. Only with `allow-guess`.
    pub guess: Option<Known>,
}

/// The version that holds what is to be gone back to, as it is.
#[derive(Debug)]
pub(super) struct Found {
    pub version: Function,
    /// Its code, where that is to be sent.
    pub code: Option<Code>,
    /// True when it would have to be started, and its image is gone from its repository.
    pub image_gone: bool,
}

/// What is to be done at all places.
#[derive(Debug)]
pub(super) struct Plan<G, P> {
    pub going: Vec<G>,
    pub staying: Vec<Staying<P>>,
}

/// What goes back, with everything the write needs.
#[derive(Debug)]
pub(super) struct Going {
    pub place: FunctionPlace,
    /// What is to serve.
    pub to: Revision,
    pub source: Source,
    /// The version that holds it.
    pub target: Function,
    /// The version that holds what served until now; `None` when there is none, and as long as it was not read.
    pub left: Option<Function>,
    pub write: Write,
}

/// How it goes back.
#[derive(Debug)]
pub(super) enum Write {
    /// The alias moves to this version.
    Move(Version),
    /// This code goes into `$LATEST`.
    Put(CodeId, Code),
}

/// What stays.
#[derive(Debug)]
pub(super) struct Staying<P> {
    pub place: P,
    /// What this run brought back before, if it did.
    pub back: Option<Revision>,
    pub why: String,
}

impl Going {
    /// True when the version has to be woken before it can serve.
    pub(super) fn sleeps(&self) -> bool {
        matches!((&self.write, &self.target.state), (Write::Move(_), State::Inactive | State::Pending(_)))
    }
}

impl<P: Place> Observed<P> {
    /// What would be gone back to, as far as that is known before it was looked at.
    pub(super) fn destination(&self, scope: Scope) -> Option<Known> {
        match decide(self, scope) {
            Ok(Decision::Go(known, _)) => Some(known),
            _ => None,
        }
    }
}

/// Sorts what goes back from what stays: of each that goes back `going` makes what the write needs, from what was found there.
///
/// # Errors
/// A refusal, before any write; or what could not be looked at.
pub(super) fn plan<P: Place, F, G>(
    observed: Vec<(Observed<P>, Option<Step<F>>)>,
    scope: Scope,
    going: impl Fn(P, Known, Source, F) -> Result<G, Outcome>,
) -> Step<Plan<G, P>> {
    let decided: Vec<Decision> = observed.iter().map(|(one, _)| decide(one, scope)).collect::<Result<_, _>>()?;
    let mut plan = Plan { going: Vec::new(), staying: Vec::new() };
    for ((Observed { place, .. }, found), decision) in observed.into_iter().zip(decided) {
        match (decision, found) {
            (Decision::Nothing(why), _) => plan.staying.push(Staying { place, back: None, why }),
            (Decision::Back(point, why), _) => plan.staying.push(Staying { place, back: Some(point), why }),
            (Decision::Go(known, source), Some(found)) => plan.going.push(going(place, known, source, found?)?),
            (Decision::Go(known, _), None) => return Err(anyhow!("{} was not looked at", known.point).into()),
        }
    }
    Ok(plan)
}

/// What is gone back to must be there, hold what it is said to hold, and be able to answer.
pub(super) fn going(place: FunctionPlace, known: Known, source: Source, found: Found) -> Result<Going, Outcome> {
    let Found { version: target, code, image_gone } = found;
    check_holds(&target, &known)?;
    check_package(&target)?;
    let name = &target.name;
    let write = match &known.point {
        Revision::Version(number) => {
            check_state(&target, *number, image_gone)?;
            Write::Move(*number)
        }
        Revision::Code(_) => {
            let sent = CodeId::of(&target).zip(code);
            let number = target.number();
            let (id, code) = sent.ok_or_else(|| Outcome::error(format!("version {number} of {name} names no code")))?;
            Write::Put(id, code)
        }
        Revision::Definition(_) | Revision::Release(_) => {
            let revision = &known.point;
            return Err(Outcome::error(format!("{revision} is no version of {name}: this is a bug, please report it")));
        }
    };
    Ok(Going { place, to: known.point, source, target, left: None, write })
}

/// What is to be done at one place.
#[derive(Debug, PartialEq)]
enum Decision {
    /// Go back.
    Go(Known, Source),
    /// This run moved it, and this is back already; and that in words.
    Back(Revision, String),
    /// Nothing, and why.
    Nothing(String),
}

/// Decides for one place; the error is a refusal that ends the step before any write.
fn decide<P: Place>(one: &Observed<P>, scope: Scope) -> Result<Decision, Outcome> {
    let place = &one.place;
    let serves = place.serves();
    let label = place.label();
    let left_alone = |why: &str| format!("{why}; {label} is serving. To roll back anyway, set `scope: any`");
    if scope == Scope::ThisRun && one.moved_by_this_run.is_none() {
        return Ok(Decision::Nothing(left_alone(&message!(
            "nothing-changed-here",
            "this run changed nothing of {place}"
        ))));
    }
    let target = candidate(one);
    let is_expected = [&serves, &place.serving()].into_iter().flatten().any(|there| one.expected.contains(there));
    if let Some((known, _)) = target.as_ref().filter(|(known, _)| place.serves_only(&known.point))
        && (one.explicit.is_some() || !is_expected)
    {
        return Ok(Decision::Back(known.point.clone(), format!("{place} is back already, {label} serves")));
    }
    if let (Scope::ThisRun, Some(attempt)) = (scope, one.succeeded_in) {
        let why = format!("this run has changed nothing of {place} since its attempt {attempt} ended as a success");
        return Ok(Decision::Nothing(left_alone(&why)));
    }
    // An update that failed left what was there before it: whoever sent it, it is sent again. So is a move that AWS has not carried out.
    let doubtful = target.as_ref().is_some_and(|(known, _)| {
        (place.is_doubtful() && serves.as_ref() == Some(&known.point)) || place.is_on_its_way(&known.point)
    });
    if let (Scope::ThisRun, Some(moved)) = (scope, &one.moved_by_this_run)
        && serves.as_ref() != Some(moved)
        && !doubtful
    {
        return Err(Outcome::superseded(message!(
            "serves-something-else",
            "{place} serves {label}, not {moved}, which this run put there: somebody else changed it"
        ))
        .advise("look at what serves; to undo another run's change as well, say so with `scope: any`"));
    }
    if !one.expected.is_empty() && !is_expected && !doubtful {
        let expected: Vec<String> = one.expected.iter().map(ToString::to_string).collect();
        let current = match serves {
            Some(Revision::Version(version)) => version.to_string(),
            Some(Revision::Definition(revision)) => revision.to_string(),
            Some(Revision::Release(release)) => release.to_string(),
            _ => "<its version>".to_owned(),
        };
        return Err(Outcome::superseded(message!(
            "serves-something-else",
            "{place} serves {label}, not {}: somebody else changed it",
            expected.join(" or ")
        ))
        .advise(format!(
            "if {label} is to be replaced as well, say so with `scope: any` and `expected-current: {current}`"
        )));
    }
    match target {
        // What only ECS remembers is no better than what an earlier attempt went back to.
        None | Some((_, Source::History)) if one.is_back => match serves {
            Some(serves) => Ok(Decision::Back(serves, format!("{place} is back already, {label} serves"))),
            None => Err(nothing_to_go_back_to(one)),
        },
        Some((known, _)) if place.serves_only(&known.point) => {
            Ok(Decision::Nothing(format!("{place} is there already, {label} serves")))
        }
        Some((known, source)) => Ok(Decision::Go(known, source)),
        None => Err(nothing_to_go_back_to(one)),
    }
}

/// In the order of their truth: what was asked for, what was captured, what the record says, a guess.
fn candidate<P>(one: &Observed<P>) -> Option<(Known, Source)> {
    let captured = one.captured.as_ref().filter(|_| !one.captured_failed);
    let known = [
        (one.explicit.as_ref(), Source::Explicit),
        (captured, Source::State),
        (one.succeeded.as_ref(), Source::Record),
        (one.history.as_ref(), Source::History),
        (one.guess.as_ref(), Source::Guess),
    ];
    known.into_iter().find_map(|(known, source)| Some((known?.clone(), source)))
}

fn nothing_to_go_back_to<P: Place>(one: &Observed<P>) -> Outcome {
    let captured = one.captured.as_ref();
    let failed = captured.map_or_else(String::new, |known| format!("; {} served before, and failed too", known.point));
    Outcome::error(message!(
        "nothing-to-roll-back-to",
        "nothing to roll back to: no record or state names a version of {} that succeeded{failed}",
        one.place
    ))
    .advise_all(P::NAME_ANOTHER.iter().map(|line| (*line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::{Alias, AliasName, AliasRevision, LastUpdate};
    use crate::outcome::Verdict;
    use std::collections::BTreeMap;

    fn v(number: u64) -> Revision {
        Revision::Version(Version::number(number))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the fields of what was observed hold it")]
    fn k(number: u64) -> Option<Known> {
        Some(Known::bare(v(number)))
    }

    fn code(hash: &str) -> Revision {
        Revision::Code(CodeId::Zip(hash.to_owned()))
    }

    fn holding(hash: &str, last_update: LastUpdate) -> Observed<FunctionPlace> {
        let function = Function::unknown(&"api".parse().unwrap());
        let function = Function { code_sha256: hash.to_owned(), last_update, ..function };
        Observed { place: FunctionPlace::Latest(Box::new(function)), ..serving(1) }
    }

    fn serving(number: u64) -> Observed<FunctionPlace> {
        Observed {
            place: FunctionPlace::Alias(Alias {
                function: "api".parse().unwrap(),
                name: AliasName::live(),
                version: Some(Version::number(number)),
                weights: BTreeMap::new(),
                revision: AliasRevision::default(),
            }),
            moved_by_this_run: None,
            succeeded_in: None,
            captured: None,
            captured_failed: false,
            expected: Vec::new(),
            explicit: None,
            succeeded: None,
            is_back: false,
            history: None,
            guess: None,
        }
    }

    #[test]
    fn the_target_is_what_is_known_to_have_worked() {
        let this_run = || Observed { moved_by_this_run: Some(v(43)), expected: vec![v(43)], ..serving(43) };
        let leftovers = || {
            let mut one = Observed { captured: k(41), ..this_run() };
            if let FunctionPlace::Alias(alias) = &mut one.place {
                alias.weights.insert(Version::number(44), 0.1);
            }
            one
        };
        let failed = |succeeded| Observed { captured: k(42), captured_failed: true, succeeded, ..this_run() };
        let asked_for = Observed { explicit: k(40), captured: k(41), succeeded: k(41), ..serving(43) };
        let moved_on = || Observed { moved_by_this_run: Some(v(43)), ..serving(44) };
        let go = |number, source| Ok(Decision::Go(Known::bare(v(number)), source));
        let (superseded, error) = (|| Err(Verdict::Superseded), || Err(Verdict::Error));
        let table = [
            ("captured", Observed { captured: k(41), ..this_run() }, Scope::ThisRun, go(41, Source::State)),
            ("captured, but it failed", failed(k(41)), Scope::ThisRun, go(41, Source::Record)),
            ("weights are no obstacle", leftovers(), Scope::ThisRun, go(41, Source::State)),
            ("recorded", Observed { succeeded: k(41), ..this_run() }, Scope::Any, go(41, Source::Record)),
            ("asked for", asked_for, Scope::Any, go(40, Source::Explicit)),
            ("guessed", Observed { guess: k(42), ..serving(43) }, Scope::Any, go(42, Source::Guess)),
            ("nothing known", serving(43), Scope::Any, error()),
            ("only a failed one known", failed(None), Scope::ThisRun, error()),
            ("moved on, a target", Observed { explicit: k(41), ..moved_on() }, Scope::ThisRun, superseded()),
            (
                "moved on",
                Observed { captured: k(41), expected: vec![v(43)], ..moved_on() },
                Scope::ThisRun,
                superseded(),
            ),
        ];
        for (case, one, scope, expected) in table {
            assert_eq!(decide(&one, scope).map_err(|refusal| refusal.ending.verdict()), expected, "{case}");
        }
    }

    #[test]
    fn nothing_is_done_when_nothing_is_to_be_undone() {
        let why = |one: &Observed<FunctionPlace>, scope| match decide(one, scope) {
            Ok(Decision::Nothing(why) | Decision::Back(_, why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            why(&Observed { succeeded: k(40), ..serving(41) }, Scope::ThisRun),
            "this run changed nothing of api:live; version 41 is serving. To roll back anyway, set `scope: any`"
        );
        let success = Observed {
            moved_by_this_run: Some(v(41)),
            succeeded_in: Some(1),
            captured: k(40),
            expected: vec![v(41)],
            ..serving(41)
        };
        assert_eq!(
            why(&success, Scope::ThisRun),
            "this run has changed nothing of api:live since its attempt 1 ended as a success; version 41 is serving. To roll back \
             anyway, set `scope: any`"
        );
        assert_eq!(decide(&success, Scope::Any).ok(), Some(Decision::Go(Known::bare(v(40)), Source::State)));
        let back = Observed { moved_by_this_run: Some(v(43)), captured: k(41), expected: vec![v(43)], ..serving(41) };
        assert_eq!(why(&back, Scope::ThisRun), "api:live is back already, version 41 serves");
        let there = Observed { explicit: k(41), ..serving(41) };
        assert_eq!(why(&there, Scope::Any), "api:live is back already, version 41 serves");
    }

    #[test]
    fn code_in_latest_goes_back_by_the_same_rules() {
        let failed = || LastUpdate::Failed(crate::text::Foreign::default());
        let ours = |serves: &str, last_update| Observed {
            captured: Some(Known::bare(code("old="))),
            moved_by_this_run: Some(code("new=")),
            expected: vec![code("new=")],
            ..holding(serves, last_update)
        };
        let go = Ok(Decision::Go(Known::bare(code("old=")), Source::State));
        let back = Ok(Decision::Back(code("old="), "api:$LATEST is back already, code old= serves".to_owned()));
        let table = [
            ("ours serves", ours("new=", LastUpdate::Successful), go),
            ("what was before serves", ours("old=", LastUpdate::Successful), back),
            ("another's serves", ours("other=", LastUpdate::Successful), Err(Verdict::Superseded)),
            ("our update failed", ours("new=", failed()), Ok(Decision::Go(Known::bare(code("old=")), Source::State))),
            ("going back failed", ours("old=", failed()), Ok(Decision::Go(Known::bare(code("old=")), Source::State))),
            ("another's update failed", ours("other=", failed()), Err(Verdict::Superseded)),
            ("nothing known", holding("new=", LastUpdate::Successful), Err(Verdict::Error)),
        ];
        for (case, one, expected) in table {
            let scope = if case == "nothing known" { Scope::Any } else { Scope::ThisRun };
            assert_eq!(decide(&one, scope).map_err(|refusal| refusal.ending.verdict()), expected, "{case}");
        }
    }
}
