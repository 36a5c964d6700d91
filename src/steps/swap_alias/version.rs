//! Whether the version that was asked for may serve. No I/O.

use super::model::{Observed, Policy};
use crate::lambda::{Function, State, Version};
use crate::outcome::Outcome;
use crate::text::message;

/// The version that was asked for, which must be good, and the one that is meant.
pub(super) fn check_version(one: &Observed, policy: &Policy<'_>) -> Result<Version, Outcome> {
    let name = &one.function;
    let (Some(wanted), Some(target)) = (one.wanted, &one.target) else {
        let wanted = one.wanted.map_or_else(|| "asked for".to_owned(), |version| version.to_string());
        return Err(Outcome::fail(format!("version {wanted} of {name} does not exist"))
            .advise("take the version from the output of publish-version"));
    };
    check_state(target, wanted)?;
    check_proof(target, wanted, policy)?;
    if let Some(expected) = policy.expected_commit {
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
    Ok(wanted)
}

/// Only a version that can answer may serve.
fn check_state(target: &Function, wanted: Version) -> Result<(), Outcome> {
    let name = &target.name;
    if let Some(why) = &target.storage.error {
        return Err(Outcome::fail(format!("AWS cannot get at the package of version {wanted} of {name}: {why}"))
            .advise("put the object back into its bucket, or let Lambda read it again; or publish another version"));
    }
    match &target.state {
        State::Active => Ok(()),
        State::Inactive => Err(Outcome::fail(message!(
            "version-inactive",
            "version {wanted} of {name} is Inactive: it was idle for weeks"
        ))
        .advise("run smoke-test on it first: the first invocation wakes it")),
        State::Pending(_) => Err(Outcome::fail(format!("version {wanted} of {name} is {}", target.state))
            .advise("wait until it is Active: publish-version and smoke-test do")),
        State::Failed(_) | State::NotInvocable => {
            Err(Outcome::fail(format!("version {wanted} of {name} is {}", target.state))
                .advise("publish a version that works: this one never will"))
        }
    }
}

fn check_proof(target: &Function, wanted: Version, policy: &Policy<'_>) -> Result<(), Outcome> {
    let name = &target.name;
    match (policy.proof, policy.require_proof) {
        (None, false) => Ok(()),
        (None, true) => Err(Outcome::fail("`require-proof` is true and there is no proof")
            .advise("hand over the output `proof` of smoke-test")),
        (Some(proof), _) => match proof.of(name) {
            Some(proved) if proved.version != wanted => Err(Outcome::fail(message!(
                "proof-of-other-version",
                "the proof is for version {} of {name}, not {wanted}",
                proved.version
            ))
            .advise("run smoke-test on the version that is to serve, and hand over its `proof`")),
            Some(proved) if proved.code_sha256 != target.code_sha256 => Err(Outcome::fail(message!(
                "proof-of-other-code",
                "the proof is for other code than version {wanted} of {name} holds"
            ))),
            Some(proved) if differ(proved.config_sha256.as_ref(), target.config_sha256.as_ref()) => Err(Outcome::fail(
                format!("the proof is for another configuration than version {wanted} of {name} has"),
            )
            .advise("run smoke-test on the version that is to serve, and hand over its `proof`")),
            Some(_) => match runtime_change(target, wanted, policy) {
                Some(change) if policy.require_proof => {
                    Err(Outcome::fail(format!("{change}, and `require-proof` is true"))
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
pub(super) fn runtime_change(target: &Function, wanted: Version, policy: &Policy<'_>) -> Option<String> {
    let proved = policy.proof?.of(&target.name)?;
    differ(proved.runtime_version.as_ref(), target.runtime_version.as_ref()).then(|| {
        message!(
            "other-runtime",
            "version {wanted} of {} runs on another version of its runtime than when it was smoke-tested",
            target.name
        )
    })
}
