//! What rollback decides, from what was observed and what was asked. No I/O.

use super::place::{Known, Place, Revision};
use crate::outcome::Outcome;
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
            Self::Guess => "guess",
        }
    }
}

/// One alias, or one function without one, and what is known of how it came to serve what it serves.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// Where users come in.
    pub place: Place,
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
    /// What was published before what serves. Only with `allow-guess`.
    pub guess: Option<Known>,
}

/// What is to be done at one place.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Go back.
    Go(Known, Source),
    /// This run moved it, and this is back already; and that in words.
    Back(Revision, String),
    /// Nothing, and why.
    Nothing(String),
}

/// Decides for one place; the error is a refusal that ends the step before any write.
pub(super) fn decide(one: &Observed, scope: Scope) -> Result<Decision, Outcome> {
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
    let target = target(one);
    let is_expected = [&serves, &place.meets()].into_iter().flatten().any(|there| one.expected.contains(there));
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
        let told = match serves {
            Some(Revision::Version(version)) => version.to_string(),
            _ => "<its version>".to_owned(),
        };
        return Err(Outcome::superseded(message!(
            "serves-something-else",
            "{place} serves {label}, not {}: somebody else changed it",
            expected.join(" or ")
        ))
        .advise(format!(
            "if {label} is to be replaced as well, say so with `scope: any` and `expected-current: {told}`"
        )));
    }
    match target {
        Some((known, _)) if place.serves_only(&known.point) => {
            Ok(Decision::Nothing(format!("{place} is there already, {label} serves")))
        }
        Some((known, source)) => Ok(Decision::Go(known, source)),
        None => Err(nothing_to_go_back_to(one)),
    }
}

/// In the order of their truth: what was asked for, what was captured, what the record says, a guess.
fn target(one: &Observed) -> Option<(Known, Source)> {
    let captured = one.captured.as_ref().filter(|_| !one.captured_failed);
    let known = [
        (one.explicit.as_ref(), Source::Explicit),
        (captured, Source::State),
        (one.succeeded.as_ref(), Source::Record),
        (one.guess.as_ref(), Source::Guess),
    ];
    known.into_iter().find_map(|(known, source)| Some((known?.clone(), source)))
}

fn nothing_to_go_back_to(one: &Observed) -> Outcome {
    let captured = one.captured.as_ref();
    let failed = captured.map_or_else(String::new, |known| format!("; {} served before, and failed too", known.point));
    Outcome::error(message!(
        "nothing-to-roll-back-to",
        "nothing to roll back to: no record or state names a version of {} that succeeded{failed}",
        one.place
    ))
    .advise("name the version with the input `to`, e.g. one that `aws lambda list-versions-by-function` shows")
    .advise("or set `allow-guess: true` to take the version published before the one that serves")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::{Alias, AliasName, AliasRevision, CodeId, Function, LastUpdate, Version};
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

    fn holding(hash: &str, last_update: LastUpdate) -> Observed {
        let function = Function::unknown(&"api".parse().unwrap());
        let function = Function { code_sha256: hash.to_owned(), last_update, ..function };
        Observed { place: Place::Latest(Box::new(function)), ..serving(1) }
    }

    fn serving(number: u64) -> Observed {
        Observed {
            place: Place::Alias(Alias {
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
            guess: None,
        }
    }

    #[test]
    fn the_target_is_what_is_known_to_have_worked() {
        let this_run = || Observed { moved_by_this_run: Some(v(43)), expected: vec![v(43)], ..serving(43) };
        let leftovers = || {
            let mut one = Observed { captured: k(41), ..this_run() };
            if let Place::Alias(alias) = &mut one.place {
                alias.weights.insert(Version::number(44), 0.1);
            }
            one
        };
        let go = |number, source| Ok(Decision::Go(Known::bare(v(number)), source));
        let table: Vec<(&str, Observed, Scope, Result<Decision, Verdict>)> = vec![
            ("captured", Observed { captured: k(41), ..this_run() }, Scope::ThisRun, go(41, Source::State)),
            (
                "captured, but it failed",
                Observed { captured: k(42), captured_failed: true, succeeded: k(41), ..this_run() },
                Scope::ThisRun,
                go(41, Source::Record),
            ),
            ("weights are no obstacle", leftovers(), Scope::ThisRun, go(41, Source::State)),
            ("recorded", Observed { succeeded: k(41), ..this_run() }, Scope::Any, go(41, Source::Record)),
            (
                "asked for",
                Observed { explicit: k(40), captured: k(41), succeeded: k(41), ..serving(43) },
                Scope::Any,
                go(40, Source::Explicit),
            ),
            ("guessed", Observed { guess: k(42), ..serving(43) }, Scope::Any, go(42, Source::Guess)),
            ("nothing known", serving(43), Scope::Any, Err(Verdict::Error)),
            (
                "only a failed one known",
                Observed { captured: k(42), captured_failed: true, ..this_run() },
                Scope::ThisRun,
                Err(Verdict::Error),
            ),
            (
                "moved by somebody else, an explicit target",
                Observed { explicit: k(41), moved_by_this_run: Some(v(43)), ..serving(44) },
                Scope::ThisRun,
                Err(Verdict::Superseded),
            ),
            (
                "moved by somebody else",
                Observed { captured: k(41), moved_by_this_run: Some(v(43)), expected: vec![v(43)], ..serving(44) },
                Scope::ThisRun,
                Err(Verdict::Superseded),
            ),
        ];
        for (case, one, scope, expected) in table {
            assert_eq!(decide(&one, scope).map_err(|refusal| refusal.ending.verdict()), expected, "{case}");
        }
    }

    #[test]
    fn nothing_is_done_when_nothing_is_to_be_undone() {
        let said = |one: &Observed, scope| match decide(one, scope) {
            Ok(Decision::Nothing(told) | Decision::Back(_, told)) => told,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            said(&Observed { succeeded: k(40), ..serving(41) }, Scope::ThisRun),
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
            said(&success, Scope::ThisRun),
            "this run has changed nothing of api:live since its attempt 1 ended as a success; version 41 is serving. To roll back \
             anyway, set `scope: any`"
        );
        assert_eq!(decide(&success, Scope::Any).ok(), Some(Decision::Go(Known::bare(v(40)), Source::State)));
        let back = Observed { moved_by_this_run: Some(v(43)), captured: k(41), expected: vec![v(43)], ..serving(41) };
        assert_eq!(said(&back, Scope::ThisRun), "api:live is back already, version 41 serves");
        let there = Observed { explicit: k(41), ..serving(41) };
        assert_eq!(said(&there, Scope::Any), "api:live is back already, version 41 serves");
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
