//! What is asked of a tag beside its place and its version: checks, a signature, and whether it is protected.

use testbed::github::{Fault, Permission, Ruleset};
use testbed::runner::{Report, Runner};

use super::World;

/// With a token that may read checks and statuses.
fn checked(world: &World, names: &str) -> Runner {
    let token =
        world.repository.token(&[Permission::Contents.read(), Permission::Checks.read(), Permission::Statuses.read()]);
    world.step().token(&token).input("tag", "v1.2.3").input("require-checks", names)
}

fn row(report: &Report, name: &str) -> (String, String) {
    let evidence = report.evidence();
    let row = evidence["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    let row = row.unwrap_or_else(|| panic!("no row {name}: {evidence:#}"));
    let text = |field: &str| row[field].as_str().unwrap().to_owned();
    (text("observed"), text("verdict"))
}

#[tokio::test]
async fn check_runs_and_commit_statuses_must_have_succeeded() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    let commit = &world.commits[1];
    world.repository.add_check_run(commit, "test", Some("success"));
    world.repository.add_check_run(commit, "lint", Some("failure"));
    world.repository.add_check_run(commit, "build (arm64)", None);
    world.repository.add_check_run(commit, "optional", Some("skipped"));
    world.repository.add_check_run(commit, "advice", Some("neutral"));
    world.repository.add_commit_status(commit, "ci/legacy", "failure");
    world.repository.add_commit_status(commit, "ci/legacy", "success");
    world.repository.add_commit_status(commit, "ci/slow", "pending");
    world.repository.add_commit_status(commit, "ci/bad", "error");
    let report = checked(&world, "test\nci/legacy").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let table = [
        ("lint", "check \"lint\" of commit .. ended as failure", "failure", "tag the new commit"),
        (
            "optional",
            "check \"optional\" of commit .. ended as skipped",
            "skipped",
            "lets skipped pass, this step does not",
        ),
        (
            "advice",
            "check \"advice\" of commit .. ended as neutral",
            "neutral",
            "lets neutral pass, this step does not",
        ),
        ("build (arm64)", "check \"build (arm64)\" of commit .. has not ended", "pending", "run this job again when"),
        ("ci/slow", "check \"ci/slow\" of commit .. has not ended", "pending", "run this job again when"),
        ("ci/bad", "check \"ci/bad\" of commit .. ended as error", "error", "otherwise fix it"),
        (
            "Test",
            "commit .. has no check \"Test\": it has advice, build (arm64), ci/bad, ",
            "missing",
            "correct the name",
        ),
    ];
    for (name, reason, observed, fix) in table {
        let report = checked(&world, &format!("test\n{name}")).run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        let expected = reason.replace("..", &commit[..7]);
        assert!(report.output("reason").starts_with(&expected), "{name}: {}", report.output("reason"));
        assert!(report.error().message.contains(fix), "{name}: {}", report.error().message);
        assert_eq!(row(&report, &format!("check \"{name}\"")), (observed.to_owned(), "fail".to_owned()));
        assert_eq!(row(&report, "check \"test\""), ("success".to_owned(), "pass".to_owned()));
    }
    world.assert_only_reads();
}

#[tokio::test]
async fn a_check_on_the_second_page_counts() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    world.repository.add_check_run(&world.commits[1], "test", Some("failure"));
    for number in 0..120 {
        world.repository.add_check_run(&world.commits[1], &format!("other {number}"), Some("success"));
        world.repository.add_commit_status(&world.commits[1], &format!("status {number}"), "success");
    }
    let report = checked(&world, "test\nstatus 0").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").ends_with("ended as failure"), "{}", report.output("reason"));
    assert_eq!(row(&report, "check \"status 0\"").0, "success");
}

#[tokio::test]
async fn without_the_permission_to_read_checks_nothing_is_guessed() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    world.repository.add_check_run(&world.commits[1], "test", Some("success"));
    let (contents, checks) = (Permission::Contents.read(), Permission::Checks.read());
    for (grants, missing) in [(vec![contents], "checks: read"), (vec![contents, checks], "statuses: read")] {
        let report = checked(&world, "test").token(&world.repository.token(&grants)).run().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(report.error().message.contains(missing), "{missing}: {}", report.error().message);
    }
}

#[tokio::test]
async fn a_signature_of_the_tag_or_of_the_commit_will_do() {
    let world = World::new().await;
    let tip = world.commits[4].as_str();
    let signed = world.repository.signed_commit(&[tip], &[], "Signed");
    world.repository.branch("main", &signed);
    world.repository.signed_tag("v1.0.0", tip, "Release");
    world.repository.tag("v1.1.0", &signed);
    world.repository.annotated_tag("v1.2.0", &signed, "Release");
    world.repository.annotated_tag("v1.3.0", tip, "Release");
    world.repository.tag("v1.4.0", tip);
    let step = |tag: &str| world.step().input("tag", tag).input("require-newer", "false");
    let table = [
        ("v1.0.0", "pass", "the tag object is verified; the commit is not: unsigned (it has no signature)"),
        ("v1.1.0", "pass", "the tag is a lightweight one, without a signature of its own; the commit is verified"),
        ("v1.2.0", "pass", "the tag object is not: unsigned (it has no signature); the commit is verified"),
        (
            "v1.3.0",
            "fail",
            "the tag object is not: unsigned (it has no signature); the commit is not: unsigned (it has no signature)",
        ),
        (
            "v1.4.0",
            "fail",
            "the tag is a lightweight one, without a signature of its own; the commit is not: unsigned (it has no signature)",
        ),
    ];
    for (tag, verdict, observed) in table {
        let report = step(tag).input("require-signed", "true").run().await;
        report.assert_verdict(verdict, i32::from(verdict == "fail")).assert_runner_safe();
        assert_eq!(row(&report, &format!("signature of tag {tag}")), (observed.to_owned(), verdict.to_owned()));
        if verdict == "fail" {
            assert!(report.output("reason").contains(observed), "{}", report.output("reason"));
            assert!(report.error().message.contains(&format!("git tag -s {tag}")), "{}", report.error().message);
        }
        step(tag).run().await.assert_verdict("pass", 0);
    }
    world.assert_only_reads();
}

#[tokio::test]
async fn whether_the_tag_is_protected_is_told_and_decides_nothing() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    let told = async || {
        let report = world.validate("v1.2.3").await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert!(report.annotations.is_empty(), "{:?}", report.annotations);
        row(&report, "protection of tag v1.2.3").0
    };
    assert!(told().await.starts_with("not enforced: whoever may push may move it"));
    let ruleset = |enforcement: &str, rules: &[&str]| Ruleset {
        name: format!("{enforcement} {}", rules.join(" ")),
        target: "tag".to_owned(),
        enforcement: enforcement.to_owned(),
        include: vec!["refs/tags/v*".to_owned()],
        rules: rules.iter().map(ToString::to_string).collect(),
        ..Ruleset::default()
    };
    world.repository.add_ruleset(ruleset("evaluate", &["update", "deletion"]));
    world.repository.add_ruleset(Ruleset { target: "branch".to_owned(), ..ruleset("active", &["update", "deletion"]) });
    world.repository.add_ruleset(ruleset("active", &["update"]));
    assert_eq!(told().await, "not enforced: it may not be moved (active update), but deleted and made again elsewhere");
    world.repository.add_ruleset(ruleset("active", &["deletion"]));
    assert_eq!(told().await, "enforced: it may be neither moved nor deleted (active update, active deletion)");
    for status in [403, 404] {
        world.github.fault(Fault::on("GET", "/rulesets").unwrap().status(status));
        assert!(told().await.starts_with("could not be read: "), "{status}");
    }
    assert!(world.github.requests().iter().all(|request| request.body.is_empty()));
    world.assert_only_reads();
}
