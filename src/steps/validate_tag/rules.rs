//! The rules of validate-tag, each with what it says of the tag. No I/O.

use std::cmp::Ordering;

use super::observe::{Branch, Finding, Observed, Request};
use crate::github::{Ancestry, BranchName};
use crate::outcome::{Outcome, Verdict};
use crate::rollout::release_tag::Release;
use crate::text::{message, number_of};

/// Precedence leaves build metadata out: <https://semver.org/spec/v2.0.0.html#spec-item-11>.
pub(super) fn is_newer(release: &Release, than: &Release) -> bool {
    release.version.cmp_precedence(&than.version) == Ordering::Greater
}

pub(super) fn version(asked: &Request<'_>) -> Finding {
    let kind = if asked.release.is_prerelease() { "a pre-release" } else { "a full release" };
    Finding {
        name: format!("name of tag {}", asked.release.tag),
        observed: format!("version {}, {kind}", asked.release.version),
        required: format!("`{}`, then a semantic version", asked.prefix),
        verdict: Verdict::Pass,
        source: "input `tag`, else GITHUB_REF",
    }
}

/// A run tests and deploys what its event named; a tag that points elsewhere by now names something else.
pub(super) fn moved(observed: &Observed, asked: &Request<'_>, findings: &mut Vec<Finding>) -> Option<Outcome> {
    let tag = &asked.release.tag;
    let (now, through) = (observed.commit.short(), observed.objects.len().saturating_sub(1));
    let stands = asked.began_at.iter().any(|object| observed.objects.contains(object));
    let began_at = asked.began_at.last().map(|object| short(object)).unwrap_or_default();
    findings.push(Finding {
        name: format!("tag {tag}"),
        observed: match through {
            0 => format!("commit {now}"),
            1 => format!("commit {now}, through a tag object"),
            more => format!("commit {now}, through {more} tag objects"),
        },
        required: if asked.began_at.is_empty() {
            "nothing: the run was not started on it".to_owned()
        } else {
            format!("commit {began_at}, as when the run began")
        },
        verdict: match (asked.began_at.is_empty(), stands) {
            (true, _) => Verdict::Skipped,
            (false, true) => Verdict::Pass,
            (false, false) => Verdict::Fail,
        },
        source: "GET /repos/{owner}/{repo}/git/ref/{ref}",
    });
    if stands || asked.began_at.is_empty() {
        return None;
    }
    Some(
        Outcome::fail(message!(
            "tag-moved",
            "tag {tag} was moved since this run began: it pointed at {began_at}, and points at {now} now"
        ))
        .advise("deploy from the run that the new push started; if nobody meant to move it, look who pushed it")
        .advise(format!("better never move a tag: tag {} instead", asked.prefix.tag(&asked.release.next()))),
    )
}

pub(super) fn other_commit(observed: &Observed, asked: &Request<'_>, findings: &mut Vec<Finding>) -> Option<Outcome> {
    let wanted = asked.commit?;
    let good = *wanted == observed.commit;
    findings.push(Finding {
        name: format!("commit of tag {}", asked.release.tag),
        observed: observed.commit.short().to_owned(),
        required: wanted.short().to_owned(),
        verdict: if good { Verdict::Pass } else { Verdict::Fail },
        source: "input `sha`",
    });
    (!good).then(|| {
        let (tag, now) = (&asked.release.tag, observed.commit.short());
        Outcome::fail(format!("tag {tag} points at {now}, not at {} as the input `sha` asks", wanted.short()))
            .advise("give the tag of that commit, or leave `sha` out")
    })
}

pub(super) fn off_branch(observed: &Observed, asked: &Request<'_>, findings: &mut Vec<Finding>) -> Option<Outcome> {
    let held = observed.branches.iter().any(Branch::holds_it);
    for branch in &observed.branches {
        findings.push(Finding {
            name: format!("branch {}, at {}", branch.name, branch.tip.short()),
            observed: match branch.standing {
                Ancestry::Same => "is the commit".to_owned(),
                Ancestry::Older => "holds the commit".to_owned(),
                Ancestry::Newer => "does not hold the commit, which comes after it".to_owned(),
                Ancestry::Diverged => "does not hold the commit: their histories parted".to_owned(),
            },
            required: format!("holds commit {}", observed.commit.short()),
            verdict: match (branch.holds_it(), held) {
                (true, _) => Verdict::Pass,
                (false, true) => Verdict::Skipped,
                (false, false) => Verdict::Fail,
            },
            source: "GET /repos/{owner}/{repo}/compare/{basehead}",
        });
    }
    let first = observed.branches.first().filter(|_| !held)?;
    let names: Vec<&str> = observed.branches.iter().map(|branch| branch.name.as_str()).collect();
    let on =
        if names.len() == 1 { format!("not on {}", first.name) } else { format!("on none of {}", names.join(", ")) };
    let tag = &asked.release.tag;
    Some(
        Outcome::fail(message!(
            "tag-not-on-branch",
            "tag {tag} points at {}, which is {on}: delete it, merge, tag again",
            observed.commit.short()
        ))
        .advise_all(tag_again(tag, Some(&first.name))),
    )
}

/// Takes a tag away, here and there, and makes it again on what is current: on the branch, once merged.
pub(super) fn tag_again(tag: &str, branch: Option<&BranchName>) -> Vec<String> {
    let current = branch.map(|branch| format!("git checkout {branch} && git pull"));
    [Some(format!("git push origin :refs/tags/{tag} && git tag -d {tag}")), current]
        .into_iter()
        .flatten()
        .chain([format!("git tag -a {tag} -m {tag}"), format!("git push origin {tag}")])
        .collect()
}

pub(super) fn not_newer(
    observed: &Observed,
    asked: &Request<'_>,
    others: &[Release],
    greatest: Option<&Release>,
    findings: &mut Vec<Finding>,
) -> Option<Outcome> {
    let (release, component) = (asked.release, asked.component);
    let count = others.len();
    let no_versions = observed.tags.iter().filter(|name| **name != release.tag).count().saturating_sub(count);
    let ignored =
        if no_versions == 0 { String::new() } else { format!("; {no_versions} tags with the prefix are no versions") };
    let beaten = greatest.filter(|greatest| !is_newer(release, greatest));
    findings.push(Finding {
        name: format!("releases of {component}"),
        observed: match greatest {
            None => format!("no other{ignored}"),
            Some(greatest) => format!("{}, the greatest {}{ignored}", number_of(count, "other"), greatest.tag),
        },
        required: if asked.require_newer {
            format!("less than {}", release.tag)
        } else {
            "nothing: `require-newer` is false".to_owned()
        },
        verdict: match (asked.require_newer, beaten) {
            (true, None) => Verdict::Pass,
            (true, Some(_)) => Verdict::Fail,
            (false, _) => Verdict::Skipped,
        },
        source: "GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
    });
    let greatest = beaten.filter(|_| asked.require_newer)?;
    let same = release.version.cmp_precedence(&greatest.version) == Ordering::Equal;
    let why = if same { ": they differ after `+` only, which does not count" } else { "" };
    let next = asked.prefix.tag(&greatest.next());
    Some(
        Outcome::fail(message!(
            "tag-not-newer",
            "tag {} is not newer than {}, the greatest release of {component}{why}",
            release.tag,
            greatest.tag
        ))
        .advise(format!("for a new change tag {next}, or a greater version:"))
        .advise(format!("git tag -a {next} -m {next} {}", observed.commit))
        .advise(format!("git push origin {next}"))
        .advise("to deploy an older line on purpose set `require-newer: false`; to go back use the step `rollback`"),
    )
}

/// The first seven digits of an object's name, which may be no name at all.
fn short(object: &str) -> String {
    object.chars().take(7).collect()
}
