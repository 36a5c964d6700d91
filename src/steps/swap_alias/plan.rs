//! What swap-alias decides, from what was observed and what was policy. No I/O.

use super::model::{Observed, Policy};
use super::version::check_version;
use crate::github::Ancestry;
use crate::lambda::{Alias, Function, FunctionName, Version};
use crate::outcome::Outcome;
use crate::rollout::provisioned::Provision;
use crate::text::message;

/// What is to be done with one function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// The alias points there already, and nowhere else.
    Nothing,
    /// Move the alias.
    Move(Version),
    /// Give the version more and more of the traffic, and at last all of it.
    Shift(Version),
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

impl Planned {
    /// Where the alias goes back to if the change fails. A canary goes back to one version: what a dead one left behind is gone too.
    pub(super) fn before(&self) -> Option<Alias> {
        let found = self.observed.alias.as_ref();
        match self.change {
            Change::Shift(_) => found.map(Alias::without_weights),
            _ => found.cloned(),
        }
    }
}

/// One change a function, in the order observed; or why nothing is to be done at all.
pub(super) fn plan(observed: Vec<Observed>, policy: &Policy<'_>) -> Result<Vec<Planned>, Outcome> {
    let each = observed.into_iter().map(|one| Ok(Planned { change: change(&one, policy)?, observed: one }));
    each.collect()
}

/// What serves, as another tool has put it there; or why it is not what was asked for.
pub(super) fn adoption(observed: Vec<Observed>, policy: &Policy<'_>) -> Result<Vec<Planned>, Outcome> {
    let each = observed.into_iter().map(|one| {
        let wanted = check_version(&one, policy)?;
        let (name, alias) = (&one.function, policy.alias);
        let Some(current) = &one.alias else {
            return Err(Outcome::fail(message!("no-such-alias", "function {name} has no alias {alias}: there is nothing to adopt"))
                .advise("correct the input `alias`, or have the tool that deploys make it"));
        };
        if !current.serves_only(wanted) {
            return Err(Outcome::fail(message!(
                "adopted-elsewhere",
                "alias {alias} of {name} points to version {current}, not only to {wanted}: with `adopt` nothing is moved"
            ))
            .advise("run this step when the other tool is done, with the version that it published; `version: alias:<name>` takes what serves"));
        }
        Ok(Planned { change: Change::Nothing, observed: one })
    });
    each.collect()
}

fn change(one: &Observed, policy: &Policy<'_>) -> Result<Change, Outcome> {
    let (name, alias) = (&one.function, policy.alias);
    let wanted = check_version(one, policy)?;
    let Some(current) = &one.alias else {
        return creation(name, wanted, policy);
    };
    if current.serves_only(wanted) {
        return Ok(Change::Nothing);
    }
    if let Some(expected) = policy.expected_current.and_then(|expected| expected.of(name))
        && current.serving() != Some(expected)
    {
        return Err(Outcome::superseded(message!(
            "other-current",
            "alias {alias} of {name} points to version {current}, not {expected} as `expected-current` asks"
        ))
        .advise("somebody else deployed in between: look at what serves before deploying again"));
    }
    if one.ancestry == Some(Ancestry::Older) && !policy.allow_downgrade && current.version != Some(wanted) {
        let commit = |function: &Option<Function>| {
            function
                .as_ref()
                .and_then(Function::commit)
                .map_or_else(String::new, |sha| format!(" (commit {})", sha.short()))
        };
        return Err(Outcome::superseded(message!(
            "newer-change-won", "version {wanted} of {name}{} is older than version {current}{}, which serves: a newer change won",
            commit(&one.target),
            commit(&one.current)
        ))
        .advise("to go back on purpose use the step `rollback`, which also withdraws the newer record, or set `allow-downgrade: true`"));
    }
    if current.serving().is_none() && policy.rollback_target_required {
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
    match current.serving() {
        Some(serves) if serves != wanted && !policy.strategy.increments().is_empty() => {
            check_partner(one, serves, wanted)?;
            Ok(Change::Shift(wanted))
        }
        _ => Ok(Change::Move(wanted)),
    }
}

/// Whether AWS lets an alias send traffic to both versions: <https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html>
fn check_partner(one: &Observed, serves: Version, wanted: Version) -> Result<(), Outcome> {
    let (name, alias) = (&one.function, &one.name);
    let at_once = "move it at once, with `strategy: all-at-once` and smoke-test before it";
    let permission = "allow lambda:GetProvisionedConcurrencyConfig to the role of this job (docs/permissions.md)";
    match one.provision {
        Provision::None => {}
        Provision::Some(_) => {
            return Err(Outcome::fail(message!(
                "canary-with-provisioned-concurrency",
                "alias {alias} of {name} has provisioned concurrency, and AWS gives only one version of such an alias its traffic: nothing was written"
            ))
            .advise(at_once));
        }
        Provision::Unknown => {
            return Err(Outcome::error(format!(
                "whether alias {alias} of {name} has provisioned concurrency could not be read, and with it there is no canary: nothing was written"
            ))
            .advise(permission)
            .advise(at_once));
        }
    }
    let (Some(old), Some(new)) = (&one.current, &one.target) else {
        return Err(Outcome::fail(format!(
            "version {serves} of {name}, which serves, could not be found: no canary can stand beside it"
        ))
        .advise(at_once));
    };
    let differs = [
        ("execution roles", old.role != new.role),
        ("dead-letter targets", old.dead_letter_target != new.dead_letter_target),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((what, _)) => Err(Outcome::fail(message!(
            "canary-with-other-role",
            "versions {serves} and {wanted} of {name} have different {what}, and AWS lets no alias serve both: nothing was written"
        ))
        .advise(at_once)),
    }
}

fn creation(name: &FunctionName, wanted: Version, policy: &Policy<'_>) -> Result<Change, Outcome> {
    let alias = policy.alias;
    if !policy.create_alias {
        return Err(Outcome::fail(message!("no-such-alias", "function {name} has no alias {alias}"))
            .advise("correct the input `alias`, or set `create-alias: true` for the first deployment")
            .advise("callers must use the alias: see docs/steps/swap-alias.md"));
    }
    if let Some(expected) = policy.expected_current.and_then(|expected| expected.of(name)) {
        return Err(Outcome::superseded(message!(
            "no-such-alias",
            "function {name} has no alias {alias}, and `expected-current` asks for version {expected}"
        )));
    }
    if policy.rollback_target_required {
        return Err(Outcome::fail(format!(
            "alias {alias} of {name} is new, so there would be nothing to roll back to"
        ))
        .advise("set `require-rollback-target: warn` for the first deployment"));
    }
    Ok(Change::Create(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::CommitSha;
    use crate::aws::Location;
    use crate::lambda::{AliasName, Allocation, ProvisionedConcurrency, State, Storage};
    use crate::outcome::Verdict;
    use crate::rollout::proof::Proof;
    use crate::rollout::strategy::Strategy;
    use crate::rollout::targets::ExpectedCurrent;
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

    /// What is decided for one function.
    fn decide(one: Observed, policy: &Policy<'_>) -> Result<Change, Verdict> {
        plan(vec![one], policy).map(|mut all| all.remove(0).change).map_err(|refusal| refusal.ending.verdict())
    }

    const WANTED: Version = Version::number(42);
    const LIVE: &str = "live";

    fn policy(alias: &AliasName) -> Policy<'_> {
        Policy {
            alias,
            strategy: &Strategy::AllAtOnce,
            expected_current: None,
            expected_commit: None,
            create_alias: false,
            proof: None,
            require_proof: false,
            allow_downgrade: false,
            rollback_target_required: false,
        }
    }

    #[test]
    fn what_is_found_decides() {
        let normal = || observed(42, Some(41));
        let holding = |target| Observed { target, ..normal() };
        let in_state = |state| holding(Some(version(42, state)));
        let canary = |serves| {
            let mut one = observed(42, Some(serves));
            one.alias.as_mut().unwrap().weights.insert(Version::number(43), 0.1);
            one
        };
        let related = |ancestry| Observed { ancestry, ..normal() };
        let storage = Storage { error: Some("NoSuchKey".to_owned()), ..Storage::default() };
        let foreign_weight = Observed { provision: Provision::None, ..arriving(Allocation::Ready) };
        let (moved, arrive, failed) = (Ok(Change::Move(WANTED)), Ok(Change::Arrive(WANTED)), Err(Verdict::Fail));
        let table = vec![
            ("a newer version", normal(), moved.clone()),
            ("the same version", observed(42, Some(42)), Ok(Change::Nothing)),
            ("the same version with leftover weights", canary(42), moved.clone()),
            ("another version with leftover weights", canary(41), moved.clone()),
            ("the same version, not ready", arriving(Allocation::InProgress), arrive),
            ("the same version, which failed", arriving(Allocation::Failed(Foreign::default())), moved.clone()),
            ("the same version, with a weight of somebody's", foreign_weight, moved.clone()),
            ("a missing version", holding(None), failed.clone()),
            ("a pending version", in_state(State::Pending(Foreign::new("x"))), failed.clone()),
            ("a failed version", in_state(State::Failed(Foreign::new("x"))), failed.clone()),
            ("an inactive version", in_state(State::Inactive), failed.clone()),
            ("a version that cannot be invoked", in_state(State::NotInvocable), failed.clone()),
            (
                "a package that is gone",
                holding(Some(Function { storage, ..version(42, State::Active) })),
                failed.clone(),
            ),
            ("no alias", observed(42, None), failed),
            ("$LATEST serves", observed(42, Some(0)), moved.clone()),
            ("an older commit", related(Some(Ancestry::Older)), Err(Verdict::Superseded)),
            ("a diverged commit", related(Some(Ancestry::Diverged)), moved.clone()),
            ("an unknown commit", related(None), moved),
        ];
        let live = LIVE.parse().unwrap();
        for (case, one, expected) in table {
            assert_eq!(decide(one, &policy(&live)), expected, "{case}");
        }
    }

    #[test]
    fn what_the_inputs_ask_decides() {
        let live = LIVE.parse().unwrap();
        let usual = || policy(&live);
        let (at_40, at_41): (ExpectedCurrent, ExpectedCurrent) = ("40".parse().unwrap(), "api=41".parse().unwrap());
        let expecting = |current| Policy { expected_current: Some(current), ..usual() };
        let (other, same): (CommitSha, CommitSha) = ("0".repeat(40).parse().unwrap(), COMMIT.parse().unwrap());
        let of_commit = |commit| Policy { expected_commit: Some(commit), ..usual() };
        let target_required = || Policy { rollback_target_required: true, ..usual() };
        let older = || Observed { ancestry: Some(Ancestry::Older), ..observed(42, Some(43)) };
        let normal = || observed(42, Some(41));
        let (moved, failed) = (Ok(Change::Move(WANTED)), Err(Verdict::Fail));
        let table = vec![
            (
                "not ready, what serves as expected",
                arriving(Allocation::Ready),
                expecting(&at_41),
                Ok(Change::Arrive(WANTED)),
            ),
            (
                "no alias, to be made",
                observed(42, None),
                Policy { create_alias: true, ..usual() },
                Ok(Change::Create(WANTED)),
            ),
            ("an older commit, allowed", older(), Policy { allow_downgrade: true, ..usual() }, moved.clone()),
            ("the alias elsewhere", normal(), expecting(&at_40), Err(Verdict::Superseded)),
            ("the alias as expected", normal(), expecting(&at_41), moved.clone()),
            ("another commit", normal(), of_commit(&other), failed.clone()),
            ("the right commit", normal(), of_commit(&same), moved.clone()),
            ("no proof, required", normal(), Policy { require_proof: true, ..usual() }, failed.clone()),
            ("a rollback target, there is one", normal(), target_required(), moved),
            ("a rollback target, $LATEST serves", observed(42, Some(0)), target_required(), failed),
        ];
        for (case, one, policy, expected) in table {
            assert_eq!(decide(one, &policy), expected, "{case}");
        }
    }

    #[test]
    fn a_canary_stands_beside_the_version_that_serves() {
        let live = LIVE.parse().unwrap();
        let strategy = "canary 10% 5m".parse().unwrap();
        let canary = Policy { strategy: &strategy, ..policy(&live) };
        let normal = || observed(42, Some(41));
        let left_behind = |serves: u64, other: u64| {
            let mut one = observed(42, Some(serves));
            one.alias.as_mut().unwrap().weights.insert(Version::number(other), 0.1);
            one
        };
        let with_new = |change: fn(&mut Function)| {
            let mut one = normal();
            change(one.target.as_mut().unwrap());
            one
        };
        let (shift, moved) = (Ok(Change::Shift(WANTED)), Ok(Change::Move(WANTED)));
        let table = vec![
            ("a newer version", normal(), shift.clone()),
            ("after a canary of it that was killed", left_behind(41, 42), shift.clone()),
            ("after a canary of another one", left_behind(41, 40), shift),
            ("after a rollback in two writes", left_behind(42, 41), moved.clone()),
            ("the same version", observed(42, Some(42)), Ok(Change::Nothing)),
            ("$LATEST serves", observed(42, Some(0)), moved),
            (
                "with provisioned concurrency",
                Observed { provision: arriving(Allocation::Ready).provision, ..normal() },
                Err(Verdict::Fail),
            ),
            ("with what cannot be read", Observed { provision: Provision::Unknown, ..normal() }, Err(Verdict::Error)),
            (
                "with another role",
                with_new(|new| new.role = "arn:aws:iam::111122223333:role/other".to_owned()),
                Err(Verdict::Fail),
            ),
            (
                "with another dead-letter target",
                with_new(|new| new.dead_letter_target = "arn:x".to_owned()),
                Err(Verdict::Fail),
            ),
        ];
        for (case, one, expected) in table {
            assert_eq!(decide(one, &canary), expected, "{case}");
        }
    }

    #[test]
    fn a_proof_must_be_of_what_is_to_serve() {
        let of = |version, code: &str, more: &str| -> Proof {
            let json = format!(
                r#"{{"function":"api","version":"{version}","code-sha256":"{code}",{more}"cases":1,"run":"7"}}"#
            );
            json.parse().unwrap()
        };
        let good = of(42, "code-42", "");
        let whole = of(42, "code-42", r#""config-sha256":"config-42","runtime-version":"first","#);
        let none = (None, None);
        let table = [
            ("a proof", &good, true, none, true),
            ("of another version", &of(41, "code-41", ""), false, none, false),
            ("of other code", &of(42, "code-41", ""), false, none, false),
            ("of another configuration", &whole, false, (Some("config-41"), None), false),
            ("of what AWS reports no hash of", &whole, true, none, true),
            ("on another runtime", &whole, false, (Some("config-42"), Some("later")), true),
            ("on another runtime, required", &whole, true, (Some("config-42"), Some("later")), false),
        ];
        let live = LIVE.parse().unwrap();
        for (case, proof, require_proof, (hash, runtime), good) in table {
            let target = Function {
                config_sha256: hash.map(str::to_owned),
                runtime_version: runtime.map(str::to_owned),
                ..version(42, State::Active)
            };
            let one = Observed { target: Some(target), ..observed(42, Some(41)) };
            let policy = Policy { proof: Some(proof), require_proof, ..policy(&live) };
            let expected = if good { Ok(Change::Move(WANTED)) } else { Err(Verdict::Fail) };
            assert_eq!(decide(one, &policy), expected, "{case}");
        }
    }
}
