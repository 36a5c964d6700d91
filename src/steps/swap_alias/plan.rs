//! What swap-alias decides, from what was observed and what was asked. No I/O.

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::github::Ancestry;
use crate::lambda::{Alias, AliasName, Function, FunctionName, State, Version};
use crate::outcome::Outcome;
use crate::rollout::proof::Proof;
use crate::rollout::targets::ExpectedCurrent;

/// One function as it was found.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// The function.
    pub function: FunctionName,
    /// The alias's name.
    pub name: AliasName,
    /// Where it is.
    pub location: Location,
    /// The version asked for; `None` when the alias that names it points to none.
    pub wanted: Option<Version>,
    /// That version; `None` when there is none.
    pub target: Option<Function>,
    /// The alias; `None` when there is none.
    pub alias: Option<Alias>,
    /// The version the alias points to.
    pub current: Option<Function>,
    /// Where the new commit stands to the one that serves; `None` when it is unknown.
    pub ancestry: Option<Ancestry>,
}

/// What was asked, apart from the versions.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
pub(super) struct Asked<'a> {
    pub alias: &'a AliasName,
    pub expected_current: Option<&'a ExpectedCurrent>,
    pub expected_commit: Option<&'a CommitSha>,
    pub create_alias: bool,
    pub proof: Option<&'a Proof>,
    pub require_proof: bool,
    pub allow_downgrade: bool,
    pub rollback_target_required: bool,
}

/// What is to be done with one function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// The alias points there already, and nowhere else.
    Nothing,
    /// Move the alias.
    Move(Version),
    /// Make the alias.
    Create(Version),
}

/// One function, and what is to be done with it.
#[derive(Debug)]
pub(super) struct Planned {
    pub observed: Observed,
    pub change: Change,
}

/// One change a function, in the order observed; or why nothing is to be done at all.
pub(super) fn plan(observed: Vec<Observed>, asked: &Asked<'_>) -> Result<Vec<Planned>, Outcome> {
    let each = observed.into_iter().map(|one| Ok(Planned { change: change(&one, asked)?, observed: one }));
    each.collect()
}

fn change(one: &Observed, asked: &Asked<'_>) -> Result<Change, Outcome> {
    let name = &one.function;
    let alias = asked.alias;
    let (Some(wanted), Some(target)) = (one.wanted, &one.target) else {
        let wanted = one.wanted.map_or_else(|| "asked for".to_owned(), |version| version.to_string());
        return Err(Outcome::fail(format!("version {wanted} of {name} does not exist"))
            .advise("take the version from the output of publish-version"));
    };
    usable(target, wanted)?;
    proved(target, wanted, asked)?;
    if let Some(expected) = asked.expected_commit {
        match target.commit() {
            Some(commit) if commit == *expected => {}
            Some(commit) => {
                return Err(Outcome::fail(format!(
                    "version {wanted} of {name} holds commit {}, not {}",
                    commit.short(),
                    expected.short()
                )));
            }
            None => {
                return Err(Outcome::fail(format!(
                    "version {wanted} of {name} does not say which commit it holds, and `expected-commit` asks for {}",
                    expected.short()
                ))
                .advise("publish it with publish-version, which writes the commit into the description"));
            }
        }
    }
    let Some(current) = &one.alias else {
        return absent(name, wanted, asked);
    };
    if current.serves_only(wanted) {
        return Ok(Change::Nothing);
    }
    if let Some(expected) = asked.expected_current.and_then(|expected| expected.of(name))
        && current.version != Some(expected)
    {
        return Err(Outcome::superseded(format!(
            "alias {alias} of {name} points to version {current}, not {expected} as `expected-current` asks"
        ))
        .advise("somebody else deployed in between: look at what serves before deploying again"));
    }
    if one.ancestry == Some(Ancestry::Older) && !asked.allow_downgrade && current.version != Some(wanted) {
        let commit = |function: &Option<Function>| {
            function
                .as_ref()
                .and_then(Function::commit)
                .map_or_else(String::new, |sha| format!(" (commit {})", sha.short()))
        };
        return Err(Outcome::superseded(format!(
            "version {wanted} of {name}{} is older than version {current}{}, which serves: a newer change won",
            commit(&one.target),
            commit(&one.current)
        ))
        .advise("to go back on purpose use the step `rollback`, which also withdraws the newer record, or set `allow-downgrade: true`"));
    }
    if current.version.is_none() && asked.rollback_target_required {
        return Err(Outcome::fail(format!(
            "alias {alias} of {name} points to $LATEST, so there would be nothing to roll back to"
        ))
        .advise(
            "publish what serves as a version and point the alias to it first, or set `require-rollback-target: warn`",
        ));
    }
    Ok(Change::Move(wanted))
}

fn absent(name: &FunctionName, wanted: Version, asked: &Asked<'_>) -> Result<Change, Outcome> {
    let alias = asked.alias;
    if !asked.create_alias {
        return Err(Outcome::fail(format!("function {name} has no alias {alias}"))
            .advise("correct the input `alias`, or set `create-alias: true` for the first deployment")
            .advise("callers must use the alias: see docs/steps/swap-alias.md"));
    }
    if let Some(expected) = asked.expected_current.and_then(|expected| expected.of(name)) {
        return Err(Outcome::superseded(format!(
            "function {name} has no alias {alias}, and `expected-current` asks for version {expected}"
        )));
    }
    if asked.rollback_target_required {
        return Err(Outcome::fail(format!(
            "alias {alias} of {name} is new, so there would be nothing to roll back to"
        ))
        .advise("set `require-rollback-target: warn` for the first deployment"));
    }
    Ok(Change::Create(wanted))
}

/// Only a version that can answer may serve.
fn usable(target: &Function, wanted: Version) -> Result<(), Outcome> {
    let name = &target.name;
    match &target.state {
        State::Active => Ok(()),
        State::Inactive => Err(Outcome::fail(format!("version {wanted} of {name} is Inactive: it was idle for weeks"))
            .advise("run smoke-test on it first: the first invocation wakes it")),
        State::Pending(_) => Err(Outcome::fail(format!("version {wanted} of {name} is {}", target.state))
            .advise("wait until it is Active: publish-version and smoke-test do")),
        State::Failed(_) | State::NotInvocable => {
            Err(Outcome::fail(format!("version {wanted} of {name} is {}", target.state))
                .advise("publish a version that works: this one never will"))
        }
    }
}

fn proved(target: &Function, wanted: Version, asked: &Asked<'_>) -> Result<(), Outcome> {
    let name = &target.name;
    match (asked.proof, asked.require_proof) {
        (None, false) => Ok(()),
        (None, true) => Err(Outcome::fail("`require-proof` is true and there is no proof")
            .advise("hand over the output `proof` of smoke-test")),
        (Some(proof), _) => match proof.of(name) {
            Some(proved) if proved.version == wanted && proved.code_sha256 == target.code_sha256 => Ok(()),
            Some(proved) if proved.version != wanted => {
                Err(Outcome::fail(format!("the proof is for version {} of {name}, not {wanted}", proved.version))
                    .advise("run smoke-test on the version that is to serve, and hand over its `proof`"))
            }
            Some(_) => Err(Outcome::fail(format!("the proof is for other code than version {wanted} of {name} holds"))),
            None => Err(Outcome::fail(format!("the proof says nothing of {name}"))
                .advise("run smoke-test on all functions that are to be swapped")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;
    use std::collections::BTreeMap;

    const COMMIT: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

    fn version(number: u64, state: State) -> Function {
        Function {
            version: Some(Version::number(number)),
            code_sha256: format!("code-{number}"),
            state,
            description: COMMIT.to_owned(),
            ..Function::unknown(&"api".parse().unwrap())
        }
    }

    fn observed(wanted: u64, serves: Option<u64>) -> Observed {
        Observed {
            function: "api".parse().unwrap(),
            name: AliasName::live(),
            location: Location { region: "eu-west-1".parse().unwrap(), account: "0f1e2d3c4b5a".parse().unwrap() },
            wanted: Some(Version::number(wanted)),
            target: Some(version(wanted, State::Active)),
            alias: serves.map(|number| Alias {
                function: "api".parse().unwrap(),
                name: AliasName::live(),
                version: (number > 0).then(|| Version::number(number)),
                weights: BTreeMap::new(),
                revision: crate::lambda::AliasRevision::default(),
            }),
            current: serves.map(|number| version(number, State::Active)),
            ancestry: Some(Ancestry::Newer),
        }
    }

    fn proof(version: u64, code: &str) -> Proof {
        format!(r#"{{"function":"api","version":"{version}","code-sha256":"{code}","cases":1,"run":"7"}}"#)
            .parse()
            .unwrap()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn one_function_is_judged_by_the_rules_of_the_contract() {
        let live = AliasName::live();
        let asked = || Asked {
            alias: &live,
            expected_current: None,
            expected_commit: None,
            create_alias: false,
            proof: None,
            require_proof: false,
            allow_downgrade: false,
            rollback_target_required: false,
        };
        let (at_40, at_41): (ExpectedCurrent, ExpectedCurrent) = ("40".parse().unwrap(), "api=41".parse().unwrap());
        let other: CommitSha = "0".repeat(40).parse().unwrap();
        let same: CommitSha = COMMIT.parse().unwrap();
        let (good, wrong_version, wrong_code) = (proof(42, "code-42"), proof(41, "code-41"), proof(42, "code-41"));
        let in_state = |state| Observed { target: Some(version(42, state)), ..observed(42, Some(41)) };
        let leftovers = |serves| {
            let mut one = observed(42, Some(serves));
            one.alias.as_mut().unwrap().weights.insert(Version::number(43), 0.1);
            one
        };
        let older = || Observed { ancestry: Some(Ancestry::Older), ..observed(42, Some(43)) };
        let moved = Ok(Change::Move(Version::number(42)));
        let table: Vec<(&str, Observed, Asked<'_>, Result<Change, Verdict>)> = vec![
            ("a newer version", observed(42, Some(41)), asked(), moved.clone()),
            ("the same version", observed(42, Some(42)), asked(), Ok(Change::Nothing)),
            ("the same version with leftover weights", leftovers(42), asked(), moved.clone()),
            ("another version with leftover weights", leftovers(41), asked(), moved.clone()),
            ("a missing version", Observed { target: None, ..observed(42, Some(41)) }, asked(), Err(Verdict::Fail)),
            ("a pending version", in_state(State::Pending("x".into())), asked(), Err(Verdict::Fail)),
            ("a failed version", in_state(State::Failed("x".into())), asked(), Err(Verdict::Fail)),
            ("an inactive version", in_state(State::Inactive), asked(), Err(Verdict::Fail)),
            ("a version that cannot be invoked", in_state(State::NotInvocable), asked(), Err(Verdict::Fail)),
            ("no alias", observed(42, None), asked(), Err(Verdict::Fail)),
            (
                "no alias, to be made",
                observed(42, None),
                Asked { create_alias: true, ..asked() },
                Ok(Change::Create(Version::number(42))),
            ),
            ("an older commit", older(), asked(), Err(Verdict::Superseded)),
            ("an older commit, allowed", older(), Asked { allow_downgrade: true, ..asked() }, moved.clone()),
            (
                "a diverged commit",
                Observed { ancestry: Some(Ancestry::Diverged), ..observed(42, Some(41)) },
                asked(),
                moved.clone(),
            ),
            ("an unknown commit", Observed { ancestry: None, ..observed(42, Some(41)) }, asked(), moved.clone()),
            (
                "the alias elsewhere",
                observed(42, Some(41)),
                Asked { expected_current: Some(&at_40), ..asked() },
                Err(Verdict::Superseded),
            ),
            (
                "the alias as expected",
                observed(42, Some(41)),
                Asked { expected_current: Some(&at_41), ..asked() },
                moved.clone(),
            ),
            (
                "another commit",
                observed(42, Some(41)),
                Asked { expected_commit: Some(&other), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "the right commit",
                observed(42, Some(41)),
                Asked { expected_commit: Some(&same), ..asked() },
                moved.clone(),
            ),
            (
                "no proof, required",
                observed(42, Some(41)),
                Asked { require_proof: true, ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof",
                observed(42, Some(41)),
                Asked { proof: Some(&good), require_proof: true, ..asked() },
                moved.clone(),
            ),
            (
                "a proof of another version",
                observed(42, Some(41)),
                Asked { proof: Some(&wrong_version), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof of other code",
                observed(42, Some(41)),
                Asked { proof: Some(&wrong_code), ..asked() },
                Err(Verdict::Fail),
            ),
            ("$LATEST serves", observed(42, Some(0)), asked(), moved),
            (
                "$LATEST serves, a rollback target required",
                observed(42, Some(0)),
                Asked { rollback_target_required: true, ..asked() },
                Err(Verdict::Fail),
            ),
        ];
        for (case, one, asked, expected) in table {
            let found =
                plan(vec![one], &asked).map(|mut all| all.remove(0).change).map_err(|refusal| refusal.ending.verdict());
            assert_eq!(found, expected, "{case}");
        }
    }
}
