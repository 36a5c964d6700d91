//! The rules of validate-tag that ask for a proof: checks of the commit, and a signature. No I/O.

use super::observe::{Finding, Observed, Request};
use crate::github::{Check, CheckState, Verification};
use crate::outcome::{Outcome, Verdict};
use crate::text::message;

/// Names of checks told where one is missing.
const TOLD: usize = 10;

/// How the checks of one name stand together: the worst counts.
#[derive(Debug, PartialEq, Eq)]
enum Stands {
    Success,
    Pending,
    Missing,
    Ended(String),
}

impl Stands {
    fn of(name: &str, checks: &[Check]) -> Self {
        let mut found = Self::Missing;
        for check in checks.iter().filter(|check| check.name == name) {
            match &check.state {
                CheckState::Ended(end) => return Self::Ended(end.clone()),
                CheckState::Pending => found = Self::Pending,
                CheckState::Success if found == Self::Missing => found = Self::Success,
                CheckState::Success => {}
            }
        }
        found
    }
}

/// Every check that is required has succeeded on the tag's commit.
pub(super) fn checks(observed: &Observed, asked: &Request<'_>, findings: &mut Vec<Finding>) -> Vec<Outcome> {
    let mut refusals = Vec::new();
    let commit = observed.commit.short();
    for name in asked.require_checks {
        let stands = Stands::of(name, &observed.checks);
        let (said, refusal) = match &stands {
            Stands::Success => ("success".to_owned(), None),
            Stands::Pending => (
                "pending".to_owned(),
                Some(
                    Outcome::fail(message!("check-not-ended", "check \"{name}\" of commit {commit} has not ended"))
                        .advise(format!("run this job again when \"{name}\" has succeeded")),
                ),
            ),
            Stands::Missing => ("missing".to_owned(), Some(missing(name, commit, &observed.checks))),
            Stands::Ended(end) if ["neutral", "skipped"].contains(&end.as_str()) => (
                end.clone(),
                Some(
                    Outcome::fail(message!("check-not-passed", "check \"{name}\" of commit {commit} ended as {end}, which proves nothing")).advise(
                        format!(
                            "have \"{name}\" succeed for the commit, or take it out of `require-checks`: a branch protection of GitHub \
                             lets {end} pass, this step does not"
                        ),
                    ),
                ),
            ),
            Stands::Ended(end) => (
                end.clone(),
                Some(
                    Outcome::fail(message!("check-not-passed", "check \"{name}\" of commit {commit} ended as {end}"))
                        .advise(format!("run \"{name}\" again if it failed by chance, then this job"))
                        .advise("otherwise fix it, merge, and tag the new commit"),
                ),
            ),
        };
        findings.push(Finding {
            name: format!("check \"{name}\""),
            observed: said,
            required: "success".to_owned(),
            verdict: if stands == Stands::Success { Verdict::Pass } else { Verdict::Fail },
            source: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs, ../status",
        });
        refusals.extend(refusal);
    }
    refusals
}

fn missing(name: &str, commit: &str, checks: &[Check]) -> Outcome {
    let mut names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > TOLD { ", .." } else { "" };
    let known = match names.len() {
        0 => "it has none".to_owned(),
        _ => format!("it has {}{more}", names.iter().take(TOLD).copied().collect::<Vec<_>>().join(", ")),
    };
    Outcome::fail(message!("check-missing", "commit {commit} has no check \"{name}\": {known}"))
        .advise("correct the name in `require-checks`: of a job it is its `name:`, else its id, with the values of its matrix")
        .advise("or have that workflow run for this commit, e.g. by `on: push` of the branch, and run this job again")
}

/// The tag object, or the commit, has a signature that GitHub has verified.
pub(super) fn signed(observed: &Observed, asked: &Request<'_>, findings: &mut Vec<Finding>) -> Option<Outcome> {
    if !asked.require_signed {
        return None;
    }
    let signature = &observed.signature;
    let tag = match &signature.tag {
        None => "the tag is a lightweight one, without a signature of its own".to_owned(),
        Some(tag) if tag.verified => "the tag object is verified".to_owned(),
        Some(tag) => format!("the tag object is not: {}", why(tag)),
    };
    let commit = if signature.commit.verified {
        "the commit is verified".to_owned()
    } else {
        format!("the commit is not: {}", why(&signature.commit))
    };
    let good = signature.commit.verified || signature.tag.as_ref().is_some_and(|tag| tag.verified);
    findings.push(Finding {
        name: format!("signature of tag {}", asked.release.tag),
        observed: format!("{tag}; {commit}"),
        required: "one of both verified by GitHub".to_owned(),
        verdict: if good { Verdict::Pass } else { Verdict::Fail },
        source: "GET /repos/{owner}/{repo}/git/tags/{tag_sha}, ../git/commits/{commit_sha}",
    });
    let name = &asked.release.tag;
    (!good).then(|| {
        Outcome::fail(message!("tag-not-verified", "nothing that tag {name} names is verified: {tag}; {commit}"))
            .advise(format!(
                "sign the tag by a key that GitHub knows: git push origin :refs/tags/{name} && git tag -d {name}"
            ))
            .advise(format!("git tag -s {name} -m {name} {}", observed.commit))
            .advise(format!("git push origin {name}"))
    })
}

/// GitHub's word, with what it means
/// (<https://docs.github.com/en/rest/git/tags#signature-verification-object>).
fn why(verification: &Verification) -> String {
    let meaning = match verification.reason.as_str() {
        "unsigned" => "it has no signature",
        "unknown_key" => "the key is in nobody's account",
        "no_user" | "bad_email" | "unverified_email" => "the address is not a verified one of the key's owner",
        "expired_key" => "the key has expired",
        "not_signing_key" => "the key may not sign",
        "invalid" | "malformed_signature" => "the signature does not fit",
        _ => return verification.reason.clone(),
    };
    format!("{} ({meaning})", verification.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_name_counts() {
        let check = |name: &str, state: CheckState| Check { name: name.to_owned(), state };
        let failed = || CheckState::Ended("failure".to_owned());
        let all = [
            check("test", CheckState::Success),
            check("lint", CheckState::Success),
            check("lint", CheckState::Pending),
            check("build", CheckState::Pending),
            check("build", failed()),
            check("build", CheckState::Success),
            check("scan", CheckState::Ended("skipped".to_owned())),
        ];
        let table = [
            ("test", Stands::Success),
            ("lint", Stands::Pending),
            ("build", Stands::Ended("failure".to_owned())),
            ("scan", Stands::Ended("skipped".to_owned())),
            ("Test", Stands::Missing),
        ];
        for (name, stands) in table {
            assert_eq!(Stands::of(name, &all), stands, "{name}");
        }
    }
}
