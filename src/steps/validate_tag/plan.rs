//! What validate-tag decides, from what was observed and what was asked. No I/O.

use super::observe::{Finding, Observed, Request};
use super::proofs;
use super::rules::{self, is_newer};
use crate::outcome::Outcome;
use crate::rollout::release_tag::{Release, previous};

/// The decision.
#[derive(Debug)]
pub(super) struct Plan {
    pub findings: Vec<Finding>,
    /// The greatest release below this one.
    pub previous: Option<Release>,
    pub outcome: Outcome,
}

/// Judges every rule, also after one has refused: whoever fixes the tag wants to do it once.
pub(super) fn plan(observed: &Observed, asked: &Request<'_>) -> Plan {
    let others = others(observed, asked);
    let greatest = others.iter().max_by(|one, other| one.version.cmp(&other.version));
    let mut findings = vec![rules::version(asked)];
    let mut refusals = Vec::new();
    refusals.extend(rules::moved(observed, asked, &mut findings));
    refusals.extend(rules::other_commit(observed, asked, &mut findings));
    refusals.extend(rules::off_branch(observed, asked, &mut findings));
    refusals.extend(rules::not_newer(observed, asked, &others, greatest, &mut findings));
    refusals.extend(proofs::signed(observed, asked, &mut findings));
    refusals.extend(proofs::checks(observed, asked, &mut findings));
    findings.push(observed.protection.clone());
    let outcome = if refusals.is_empty() { Outcome::pass(pass(observed, asked, greatest)) } else { merge(refusals) };
    Plan { findings, previous: previous(asked.release, &others).cloned(), outcome }
}

/// The first refusal is the reason, with its fix. The others are named beside it: their fixes could contradict it.
fn merge(refusals: Vec<Outcome>) -> Outcome {
    let mut all = refusals.into_iter();
    let Some(first) = all.next() else { return Outcome::error("no rule refused the tag") };
    all.fold(first, |outcome, next| outcome.advise(format!("besides, {}", next.reason)))
}

/// The other releases of the component: tags that begin with the prefix and go on as a version.
fn others(observed: &Observed, asked: &Request<'_>) -> Vec<Release> {
    let names = observed.tags.iter().filter(|name| **name != asked.release.tag);
    names.filter_map(|name| Release::read(name, asked.prefix)).collect()
}

fn pass(observed: &Observed, asked: &Request<'_>, greatest: Option<&Release>) -> String {
    let tag = &asked.release.tag;
    let branch = observed
        .branches
        .iter()
        .find(|branch| branch.holds_it())
        .map_or_else(String::new, |branch| branch.name.to_string());
    let newer = match greatest {
        None => format!("the first release of {}", asked.component),
        Some(greatest) if is_newer(asked.release, greatest) => format!("newer than {}", greatest.tag),
        Some(greatest) => format!("not newer than {}, which `require-newer: false` allows", greatest.tag),
    };
    format!("{tag} is on {branch} (commit {}), {newer}", observed.commit.short())
}

#[cfg(test)]
mod tests {
    use super::super::observe::{Branch, Signature};
    use super::*;
    use crate::github::Ancestry;
    use crate::outcome::Verdict;

    const COMMIT: &str = "4fe2c1a9d4e5f60718293a4b5c6d7e8f9a0b1c2d";
    const OTHER: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
    const TAG_OBJECT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn branch(name: &str, standing: Ancestry) -> Branch {
        Branch { name: name.parse().unwrap(), tip: OTHER.parse().unwrap(), standing }
    }

    fn observed(tags: &[&str]) -> Observed {
        Observed {
            objects: vec![COMMIT.to_owned()],
            commit: COMMIT.parse().unwrap(),
            branches: vec![branch("main", Ancestry::Older)],
            tags: tags.iter().map(ToString::to_string).collect(),
            checks: Vec::new(),
            signature: Signature::default(),
            protection: super::super::protection::finding("v1", &Ok(Vec::new())),
        }
    }

    /// The plan for a tag with this prefix; `change` alters what is asked.
    fn planned(tag: &str, prefix: &str, observed: &Observed, change: impl FnOnce(&mut Request<'_>)) -> Plan {
        let prefix = prefix.parse().unwrap();
        let release = Release::read(tag, &prefix).unwrap();
        let mut asked = Request {
            release: &release,
            prefix: &prefix,
            component: "shop",
            require_newer: true,
            commit: None,
            require_checks: &[],
            require_signed: false,
            began_at: Vec::new(),
        };
        change(&mut asked);
        plan(observed, &asked)
    }

    #[test]
    fn a_version_must_be_newer_than_every_other() {
        let newer = |than: &str| (Verdict::Pass, format!("newer than {than}"));
        let not = |than: &str| (Verdict::Fail, format!("is not newer than {than}, the greatest release of shop"));
        let first = || (Verdict::Pass, "the first release of shop".to_owned());
        let table = [
            ("v1.2.3", "v", vec![], first(), ""),
            ("v1.2.3", "v", vec!["v1.2.2", "v1.2.10-rc.1"], not("v1.2.10-rc.1"), "v1.2.2"),
            ("v1.2.10", "v", vec!["v1.2.9", "v1.2.8"], newer("v1.2.9"), "v1.2.9"),
            ("v1.2.3", "v", vec!["v1.2.4"], not("v1.2.4"), ""),
            ("v1.2.3", "v", vec!["v1.2.2", "v2.0.0"], not("v2.0.0"), "v1.2.2"),
            ("v1.3.0-rc.1", "v", vec!["v1.2.9"], newer("v1.2.9"), "v1.2.9"),
            ("v1.3.0-rc.10", "v", vec!["v1.3.0-rc.9", "v1.2.9"], newer("v1.3.0-rc.9"), "v1.3.0-rc.9"),
            ("v1.3.0-rc.1", "v", vec!["v1.3.0"], not("v1.3.0"), ""),
            ("v1.3.0-alpha", "v", vec!["v1.3.0-1"], newer("v1.3.0-1"), "v1.3.0-1"),
            ("v1.3.0", "v", vec!["v1.2.9", "v1.3.0-rc.1", "v1.3.0-rc.2"], newer("v1.3.0-rc.2"), "v1.2.9"),
            ("v1.3.0", "v", vec!["v1.3.0-rc.1"], newer("v1.3.0-rc.1"), ""),
            ("v1.2.3+b", "v", vec!["v1.2.3+a", "v1.2.2"], not("v1.2.3+a"), "v1.2.2"),
            ("v1.2.3+a", "v", vec!["v1.2.3+b"], not("v1.2.3+b"), ""),
            ("v1.2.4+a", "v", vec!["v1.2.3+b", "v1.2.3"], newer("v1.2.3+b"), "v1.2.3+b"),
            // Whatever is no version of this component does not count.
            ("v1.2.3", "v", vec!["v-billing-9.0.0", "v9", "v9.9", "v09.0.0", "vnext", "v9.0.0.0"], first(), ""),
            (
                "v-orders-1.2.3",
                "v-orders-",
                vec!["v-billing-9.0.0", "v9.0.0", "v-orders-1.2.2"],
                newer("v-orders-1.2.2"),
                "v-orders-1.2.2",
            ),
        ];
        for (tag, prefix, mut tags, (verdict, told), previous) in table {
            tags.push(tag);
            let plan = planned(tag, prefix, &observed(&tags), |_| {});
            assert_eq!(plan.outcome.ending.verdict(), verdict, "{tag} beside {tags:?}");
            assert!(plan.outcome.reason.contains(&told), "{tag} beside {tags:?}: {}", plan.outcome.reason);
            assert_eq!(plan.previous.map(|release| release.tag).unwrap_or_default(), previous, "{tag} beside {tags:?}");
        }
    }

    #[test]
    fn a_refused_version_tells_why_and_the_next_one() {
        let plan = planned("v1.2.3+b", "v", &observed(&["v1.2.3+a", "v1.2.3+b"]), |_| {});
        assert!(
            plan.outcome.reason.ends_with(": they differ after `+` only, which does not count"),
            "{}",
            plan.outcome.reason
        );
        assert_eq!(plan.outcome.advice[1], format!("git tag -a v1.2.4 -m v1.2.4 {COMMIT}"));
        let plan = planned("v1.2.3", "v", &observed(&["v1.3.0-rc.1", "v1.2.3"]), |_| {});
        assert_eq!(plan.outcome.advice[2], "git push origin v1.3.0");
    }

    #[test]
    fn without_require_newer_it_is_only_reported() {
        let plan =
            planned("v1.2.4", "v", &observed(&["v1.2.3", "v1.2.4", "v2.0.0"]), |asked| asked.require_newer = false);
        assert_eq!(
            plan.outcome.reason,
            "v1.2.4 is on main (commit 4fe2c1a), not newer than v2.0.0, which `require-newer: false` allows"
        );
        assert_eq!(plan.previous.map(|release| release.tag).as_deref(), Some("v1.2.3"));
        assert_eq!(plan.findings.last().unwrap().verdict, Verdict::Skipped);
    }

    #[test]
    fn a_commit_is_on_the_branch_when_it_is_the_tip_or_before_it() {
        use Ancestry::{Diverged, Newer, Older, Same};
        let on = |name: &str| format!("v1.2.3 is on {name} (commit 4fe2c1a)");
        let off = |what: &str| format!("tag v1.2.3 points at 4fe2c1a, which is {what}: delete it, merge, tag again");
        let table = [
            (vec![("main", Same)], on("main")),
            (vec![("main", Older)], on("main")),
            (vec![("main", Newer)], off("not on main")),
            (vec![("main", Diverged)], off("not on main")),
            (vec![("main", Diverged), ("release/1.x", Older)], on("release/1.x")),
            (vec![("main", Diverged), ("release/1.x", Newer)], off("on none of main, release/1.x")),
        ];
        for (branches, reason) in table {
            let branches = branches.into_iter().map(|(name, standing)| branch(name, standing)).collect();
            let plan = planned("v1.2.3", "v", &Observed { branches, ..observed(&["v1.2.3"]) }, |_| {});
            assert!(plan.outcome.reason.starts_with(&reason), "{} instead of {reason}", plan.outcome.reason);
            if plan.outcome.ending.verdict() == Verdict::Fail {
                assert_eq!(
                    plan.outcome.advice,
                    [
                        "git push origin :refs/tags/v1.2.3 && git tag -d v1.2.3",
                        "git checkout main && git pull",
                        "git tag -a v1.2.3 -m v1.2.3",
                        "git push origin v1.2.3",
                    ]
                );
            }
        }
    }

    #[test]
    fn a_tag_that_moved_since_the_run_began_is_refused() {
        let new_object = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
        let table: [(&str, &[&str], &[&str], bool); 8] = [
            ("lightweight", &[COMMIT], &[COMMIT], true),
            ("annotated, `after` is the tag object", &[TAG_OBJECT, COMMIT], &[TAG_OBJECT, COMMIT], true),
            ("annotated, GITHUB_SHA is the tag object", &[TAG_OBJECT, COMMIT], &[TAG_OBJECT], true),
            ("annotated anew at the same commit", &[new_object, COMMIT], &[TAG_OBJECT, COMMIT], true),
            ("the run was not started on it", &[COMMIT], &[], true),
            ("moved, lightweight", &[COMMIT], &[OTHER], false),
            ("moved, annotated", &[new_object, COMMIT], &[TAG_OBJECT, OTHER], false),
            ("moved, GITHUB_SHA is the tag object", &[new_object, COMMIT], &[TAG_OBJECT], false),
        ];
        for (case, objects, began_at, good) in table {
            let owned = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
            let observed = Observed { objects: owned(objects), ..observed(&["v1.2.3"]) };
            let plan = planned("v1.2.3", "v", &observed, |asked| asked.began_at = owned(began_at));
            let expected = if good { Verdict::Pass } else { Verdict::Fail };
            assert_eq!(plan.outcome.ending.verdict(), expected, "{case}: {}", plan.outcome.reason);
        }
    }

    #[test]
    fn every_refusal_is_told_and_the_first_is_the_reason() {
        let observed =
            Observed { branches: vec![branch("main", Ancestry::Diverged)], ..observed(&["v1.2.3", "v2.0.0"]) };
        let (began_at, wanted) = (vec![OTHER.to_owned()], OTHER.parse().unwrap());
        let prefix = "v".parse().unwrap();
        let release = Release::read("v1.2.3", &prefix).unwrap();
        let asked = Request {
            release: &release,
            prefix: &prefix,
            component: "shop",
            require_newer: true,
            commit: Some(&wanted),
            require_checks: &["test".to_owned()],
            require_signed: true,
            began_at,
        };
        let plan = plan(&observed, &asked);
        assert_eq!(
            plan.outcome.reason,
            "tag v1.2.3 was moved since this run began: it pointed at 8f3c1b2, and points at 4fe2c1a now"
        );
        let besides: Vec<&String> = plan.outcome.advice.iter().filter(|line| line.starts_with("besides, ")).collect();
        assert_eq!(besides.len(), 5, "{besides:?}");
        let verdicts: Vec<Verdict> = plan.findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts[..7], [[Verdict::Pass].as_slice(), &[Verdict::Fail; 6]].concat());
    }
}
