//! What swap-alias decides, from what was observed and what was asked. No I/O.

use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::github::Ancestry;
use crate::lambda::{Alias, AliasName, Function, FunctionName, State, Version};
use crate::outcome::Outcome;
use crate::rollout::proof::Proof;
use crate::rollout::provisioned::{Provision, points_to};
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
    /// The version that serves.
    pub current: Option<Function>,
    /// The alias's provisioned concurrency.
    pub provision: Provision,
    /// Where the new commit stands to the one that serves; `None` when it is unknown.
    pub ancestry: Option<Ancestry>,
}

impl Observed {
    /// True when this step brought the alias to where it is.
    pub(super) fn is_at(&self, now: &Alias) -> bool {
        self.wanted.is_some_and(|wanted| match &self.alias {
            Some(before) => points_to(now, before, wanted),
            None => now.serves_only(wanted),
        })
    }
}

/// What was asked, apart from the versions.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
pub(super) struct Policy<'a> {
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
    /// The alias points there, and AWS moves its traffic once provisioned concurrency is ready: that is waited for.
    Arrive(Version),
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
pub(super) fn plan(observed: Vec<Observed>, asked: &Policy<'_>) -> Result<Vec<Planned>, Outcome> {
    let each = observed.into_iter().map(|one| Ok(Planned { change: change(&one, asked)?, observed: one }));
    each.collect()
}

fn change(one: &Observed, asked: &Policy<'_>) -> Result<Change, Outcome> {
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
        && current.serving() != Some(expected)
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
    if current.serving().is_none() && asked.rollback_target_required {
        return Err(Outcome::fail(format!(
            "alias {alias} of {name} points to $LATEST, so there would be nothing to roll back to"
        ))
        .advise(
            "publish what serves as a version and point the alias to it first, or set `require-rollback-target: warn`",
        ));
    }
    if current.version == Some(wanted) && current.serving() != Some(wanted) && one.provision.is_allocated() {
        return Ok(Change::Arrive(wanted));
    }
    Ok(Change::Move(wanted))
}

fn absent(name: &FunctionName, wanted: Version, asked: &Policy<'_>) -> Result<Change, Outcome> {
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
    if let Some(why) = &target.storage.error {
        return Err(Outcome::fail(format!("AWS cannot get at the package of version {wanted} of {name}: {why}"))
            .advise("put the object back into its bucket, or let Lambda read it again; or publish another version"));
    }
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

fn proved(target: &Function, wanted: Version, asked: &Policy<'_>) -> Result<(), Outcome> {
    let name = &target.name;
    match (asked.proof, asked.require_proof) {
        (None, false) => Ok(()),
        (None, true) => Err(Outcome::fail("`require-proof` is true and there is no proof")
            .advise("hand over the output `proof` of smoke-test")),
        (Some(proof), _) => match proof.of(name) {
            Some(proved) if proved.version != wanted => {
                Err(Outcome::fail(format!("the proof is for version {} of {name}, not {wanted}", proved.version))
                    .advise("run smoke-test on the version that is to serve, and hand over its `proof`"))
            }
            Some(proved) if proved.code_sha256 != target.code_sha256 => {
                Err(Outcome::fail(format!("the proof is for other code than version {wanted} of {name} holds")))
            }
            Some(proved) if differ(proved.config_sha256.as_ref(), target.config_sha256.as_ref()) => Err(Outcome::fail(
                format!("the proof is for another configuration than version {wanted} of {name} has"),
            )
            .advise("run smoke-test on the version that is to serve, and hand over its `proof`")),
            Some(_) => match moved_runtime(target, wanted, asked) {
                Some(moved) if asked.require_proof => {
                    Err(Outcome::fail(format!("{moved}, and `require-proof` is true"))
                        .advise("run smoke-test again, and hand over its `proof`"))
                }
                _ => Ok(()),
            },
            None => Err(Outcome::fail(format!("the proof says nothing of {name}"))
                .advise("run smoke-test on all functions that are to be swapped")),
        },
    }
}

/// True when both are known, and are not the same.
fn differ(proved: Option<&String>, now: Option<&String>) -> bool {
    proved.zip(now).is_some_and(|(proved, now)| proved != now)
}

/// That AWS has moved the runtime under a version since it was smoke-tested, in a sentence.
pub(super) fn moved_runtime(target: &Function, wanted: Version, asked: &Policy<'_>) -> Option<String> {
    let proved = asked.proof?.of(&target.name)?;
    differ(proved.runtime_version.as_ref(), target.runtime_version.as_ref()).then(|| {
        format!(
            "version {wanted} of {} runs on another version of its runtime than when it was smoke-tested",
            target.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::{Allocation, ProvisionedConcurrency, Storage};
    use crate::outcome::Verdict;
    use crate::text::Foreign;
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
            provision: Provision::None,
        }
    }

    /// The alias points to version 42, and version 41 has all its traffic.
    fn arriving(allocation: Allocation) -> Observed {
        let mut one = observed(42, Some(42));
        one.alias.as_mut().unwrap().weights.insert(Version::number(41), 1.0);
        let config = ProvisionedConcurrency { allocation, requested: 2, available: 0 };
        Observed { provision: Provision::Some(config), ..one }
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
        let asked = || Policy {
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
        let whole: Proof = r#"{"function":"api","version":"42","code-sha256":"code-42","config-sha256":"config-42",
            "runtime-version":"first","cases":1,"run":"7"}"#
            .parse()
            .unwrap();
        let described = |hash: Option<&str>, runtime: Option<&str>| Observed {
            target: Some(Function {
                config_sha256: hash.map(str::to_owned),
                runtime_version: runtime.map(str::to_owned),
                ..version(42, State::Active)
            }),
            ..observed(42, Some(41))
        };
        let in_state = |state| Observed { target: Some(version(42, state)), ..observed(42, Some(41)) };
        let leftovers = |serves| {
            let mut one = observed(42, Some(serves));
            one.alias.as_mut().unwrap().weights.insert(Version::number(43), 0.1);
            one
        };
        let older = || Observed { ancestry: Some(Ancestry::Older), ..observed(42, Some(43)) };
        let wanted = Version::number(42);
        let moved = Ok(Change::Move(wanted));
        let table: Vec<(&str, Observed, Policy<'_>, Result<Change, Verdict>)> = vec![
            ("a newer version", observed(42, Some(41)), asked(), moved.clone()),
            ("the same version", observed(42, Some(42)), asked(), Ok(Change::Nothing)),
            ("the same version with leftover weights", leftovers(42), asked(), moved.clone()),
            ("another version with leftover weights", leftovers(41), asked(), moved.clone()),
            ("the same version, not ready", arriving(Allocation::InProgress), asked(), Ok(Change::Arrive(wanted))),
            (
                "the same version, not ready, what serves as expected",
                arriving(Allocation::Ready),
                Policy { expected_current: Some(&at_41), ..asked() },
                Ok(Change::Arrive(wanted)),
            ),
            (
                "the same version, which failed",
                arriving(Allocation::Failed(Foreign::default())),
                asked(),
                moved.clone(),
            ),
            (
                "the same version, with a weight of somebody's",
                Observed { provision: Provision::None, ..arriving(Allocation::Ready) },
                asked(),
                moved.clone(),
            ),
            ("a missing version", Observed { target: None, ..observed(42, Some(41)) }, asked(), Err(Verdict::Fail)),
            ("a pending version", in_state(State::Pending(Foreign::new("x"))), asked(), Err(Verdict::Fail)),
            ("a failed version", in_state(State::Failed(Foreign::new("x"))), asked(), Err(Verdict::Fail)),
            ("an inactive version", in_state(State::Inactive), asked(), Err(Verdict::Fail)),
            ("a version that cannot be invoked", in_state(State::NotInvocable), asked(), Err(Verdict::Fail)),
            ("no alias", observed(42, None), asked(), Err(Verdict::Fail)),
            (
                "no alias, to be made",
                observed(42, None),
                Policy { create_alias: true, ..asked() },
                Ok(Change::Create(Version::number(42))),
            ),
            ("an older commit", older(), asked(), Err(Verdict::Superseded)),
            ("an older commit, allowed", older(), Policy { allow_downgrade: true, ..asked() }, moved.clone()),
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
                Policy { expected_current: Some(&at_40), ..asked() },
                Err(Verdict::Superseded),
            ),
            (
                "the alias as expected",
                observed(42, Some(41)),
                Policy { expected_current: Some(&at_41), ..asked() },
                moved.clone(),
            ),
            (
                "another commit",
                observed(42, Some(41)),
                Policy { expected_commit: Some(&other), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "the right commit",
                observed(42, Some(41)),
                Policy { expected_commit: Some(&same), ..asked() },
                moved.clone(),
            ),
            (
                "no proof, required",
                observed(42, Some(41)),
                Policy { require_proof: true, ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof",
                observed(42, Some(41)),
                Policy { proof: Some(&good), require_proof: true, ..asked() },
                moved.clone(),
            ),
            (
                "a proof of another version",
                observed(42, Some(41)),
                Policy { proof: Some(&wrong_version), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof of other code",
                observed(42, Some(41)),
                Policy { proof: Some(&wrong_code), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof of another configuration",
                described(Some("config-41"), None),
                Policy { proof: Some(&whole), ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a proof of what AWS tells no hash of",
                described(None, None),
                Policy { proof: Some(&whole), require_proof: true, ..asked() },
                moved.clone(),
            ),
            (
                "a proof on another runtime",
                described(Some("config-42"), Some("later")),
                Policy { proof: Some(&whole), ..asked() },
                moved.clone(),
            ),
            (
                "a proof on another runtime, required",
                described(Some("config-42"), Some("later")),
                Policy { proof: Some(&whole), require_proof: true, ..asked() },
                Err(Verdict::Fail),
            ),
            (
                "a package that is gone",
                Observed {
                    target: Some(Function {
                        storage: Storage { error: Some("NoSuchKey".to_owned()), ..Storage::default() },
                        ..version(42, State::Active)
                    }),
                    ..observed(42, Some(41))
                },
                asked(),
                Err(Verdict::Fail),
            ),
            ("$LATEST serves", observed(42, Some(0)), asked(), moved),
            (
                "$LATEST serves, a rollback target required",
                observed(42, Some(0)),
                Policy { rollback_target_required: true, ..asked() },
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
