//! What rollback decides, from what was observed and what was asked. No I/O.

use crate::lambda::{Alias, Version};
use crate::steps::Outcome;

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
    /// What was captured before the alias was moved: the input `state`, or the record of the move.
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

/// One alias, and what is known of how it came to be where it is.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// The alias.
    pub alias: Alias,
    /// Where this run moved it, from its state or record.
    pub moved_by_this_run: Option<Version>,
    /// What it was moved away from.
    pub captured: Option<Version>,
    /// True when the record says that the captured version failed.
    pub captured_failed: bool,
    /// Where it is expected to be; several when the record leaves that open. Empty when nobody says.
    pub expected: Vec<Version>,
    /// The version asked for.
    pub explicit: Option<Version>,
    /// The newest version that succeeded and is not what serves.
    pub succeeded: Option<Version>,
    /// The number before the one that serves. Only with `allow-guess`.
    pub guess: Option<Version>,
}

/// What is to be done with one alias.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Go back.
    Go(Version, Source),
    /// This run moved it, and it is back at this version already; and that in words.
    Back(Version, String),
    /// Nothing, and why.
    Nothing(String),
}

/// Decides for one alias; the error is a refusal that ends the step before any write.
pub(super) fn decide(one: &Observed, scope: Scope) -> Result<Decision, Outcome> {
    let name = format!("{}:{}", one.alias.function, one.alias.name);
    let serves = &one.alias;
    if scope == Scope::ThisRun && one.moved_by_this_run.is_none() {
        return Ok(Decision::Nothing(format!("this run changed nothing of {name}, version {serves} serves")));
    }
    let target = target(one);
    let by_us = scope == Scope::ThisRun && one.moved_by_this_run == serves.version;
    if let Some((version, _)) = target.filter(|(version, _)| serves.serves_only(*version))
        && (one.explicit.is_some() || !one.expected.iter().any(|expected| serves.version == Some(*expected)))
    {
        return Ok(Decision::Back(version, format!("{name} is back already, version {serves} serves")));
    }
    if let (Scope::ThisRun, Some(moved), false) = (scope, one.moved_by_this_run, by_us) {
        return Err(Outcome::superseded(format!(
            "{name} serves version {serves}, not {moved}, which this run put there: somebody else moved it"
        ))
        .advise("look at what serves; to undo another run's change as well, say so with `scope: any`"));
    }
    if !one.expected.is_empty() && !one.expected.iter().any(|version| serves.version == Some(*version)) {
        let expected: Vec<String> = one.expected.iter().map(ToString::to_string).collect();
        return Err(Outcome::superseded(format!(
            "{name} serves version {serves}, not {}: somebody else moved it",
            expected.join(" or ")
        ))
        .advise(format!(
            "if version {serves} is to be replaced as well, say so with `scope: any` and `expected-current: {}`",
            serves.version.map_or_else(|| "..".to_owned(), |version| version.to_string())
        )));
    }
    match target {
        Some((version, _)) if serves.serves_only(version) => {
            Ok(Decision::Nothing(format!("{name} is there already, version {serves} serves")))
        }
        Some((version, source)) => Ok(Decision::Go(version, source)),
        None => Err(nothing_to_go_back_to(one, &name)),
    }
}

/// In the order of their truth: what was asked for, what was captured, what the record says, a guess.
fn target(one: &Observed) -> Option<(Version, Source)> {
    let captured = one.captured.filter(|_| !one.captured_failed);
    let known = [
        (one.explicit, Source::Explicit),
        (captured, Source::State),
        (one.succeeded, Source::Record),
        (one.guess, Source::Guess),
    ];
    known.into_iter().find_map(|(version, source)| Some((version?, source)))
}

fn nothing_to_go_back_to(one: &Observed, name: &str) -> Outcome {
    let failed =
        one.captured.map_or_else(String::new, |version| format!("; version {version} served before, and failed too"));
    Outcome::error(format!(
        "nothing to roll back to: no record or state names a version of {name} that succeeded{failed}"
    ))
    .advise("name the version with the input `to`, e.g. one that `aws lambda list-versions-by-function` shows")
    .advise("or set `allow-guess: true` to take the version published before the one that serves")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::{AliasName, AliasRevision};
    use crate::verdict::Verdict;
    use std::collections::BTreeMap;

    fn v(number: u64) -> Version {
        Version::number(number)
    }

    fn serving(number: u64) -> Observed {
        Observed {
            alias: Alias {
                function: "api".parse().unwrap(),
                name: AliasName::live(),
                version: Some(v(number)),
                weights: BTreeMap::new(),
                revision: AliasRevision::default(),
            },
            moved_by_this_run: None,
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
            let mut one = Observed { captured: Some(v(41)), ..this_run() };
            one.alias.weights.insert(v(44), 0.1);
            one
        };
        let go = |number, source| Ok(Decision::Go(v(number), source));
        let table: Vec<(&str, Observed, Scope, Result<Decision, Verdict>)> = vec![
            ("captured", Observed { captured: Some(v(41)), ..this_run() }, Scope::ThisRun, go(41, Source::State)),
            (
                "captured, but it failed",
                Observed { captured: Some(v(42)), captured_failed: true, succeeded: Some(v(41)), ..this_run() },
                Scope::ThisRun,
                go(41, Source::Record),
            ),
            ("weights are no obstacle", leftovers(), Scope::ThisRun, go(41, Source::State)),
            ("recorded", Observed { succeeded: Some(v(41)), ..this_run() }, Scope::Any, go(41, Source::Record)),
            (
                "asked for",
                Observed { explicit: Some(v(40)), captured: Some(v(41)), succeeded: Some(v(41)), ..serving(43) },
                Scope::Any,
                go(40, Source::Explicit),
            ),
            ("guessed", Observed { guess: Some(v(42)), ..serving(43) }, Scope::Any, go(42, Source::Guess)),
            ("nothing known", serving(43), Scope::Any, Err(Verdict::Error)),
            (
                "only a failed one known",
                Observed { captured: Some(v(42)), captured_failed: true, ..this_run() },
                Scope::ThisRun,
                Err(Verdict::Error),
            ),
            (
                "moved by somebody else, an explicit target",
                Observed { explicit: Some(v(41)), moved_by_this_run: Some(v(43)), ..serving(44) },
                Scope::ThisRun,
                Err(Verdict::Superseded),
            ),
            (
                "moved by somebody else",
                Observed {
                    captured: Some(v(41)),
                    moved_by_this_run: Some(v(43)),
                    expected: vec![v(43)],
                    ..serving(44)
                },
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
            said(&Observed { succeeded: Some(v(40)), ..serving(41) }, Scope::ThisRun),
            "this run changed nothing of api:live, version 41 serves"
        );
        let back =
            Observed { moved_by_this_run: Some(v(43)), captured: Some(v(41)), expected: vec![v(43)], ..serving(41) };
        assert_eq!(said(&back, Scope::ThisRun), "api:live is back already, version 41 serves");
        let there = Observed { explicit: Some(v(41)), ..serving(41) };
        assert_eq!(said(&there, Scope::Any), "api:live is back already, version 41 serves");
    }
}
