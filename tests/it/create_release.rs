//! create-release: the release of a tag, whatever is there already.

mod assets;
mod components;
mod names;
mod of_services;
mod of_sites;
mod pasted;
mod table;

use crate::messages::message;
use serde_json::json;
use testbed::github::{Cut, Fault, LocalGithub, Permission, Release, Repository};
use testbed::runner::{Report, Runner};

pub(crate) use self::table::UNDER_TEST;

struct World {
    github: LocalGithub,
    repository: Repository,
    /// Three commits on main, oldest first; v1.2.2 is the second, v1.2.3 the third.
    commits: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let commits = repository.history("main", 3);
        repository.tag("v1.2.2", &commits[1]);
        repository.annotated_tag("v1.2.3", &commits[2], "Release 1.2.3");
        Self { github, repository, commits }
    }

    fn step(&self) -> Runner {
        let token = self.repository.token(&[Permission::Contents.write(), Permission::Deployments.read()]);
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("create-release")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&token)
            .repository("org/shop")
            .sha(&self.commits[2])
            .git_ref("refs/tags/v1.2.3")
            .event("push", json!({}))
            .run_id(700)
    }

    #[track_caller]
    fn only(&self) -> Release {
        let [release] = self.repository.releases().try_into().unwrap();
        release
    }

    fn writes(&self) -> Vec<String> {
        let all = self.github.requests().into_iter().filter(|one| one.method != "GET");
        let all = all.filter(|one| !one.path().ends_with("generate-notes"));
        all.map(|one| format!("{} {}", one.method, one.path().trim_start_matches("/repos/org/shop/"))).collect()
    }

    #[track_caller]
    fn assert_requests_are_good(&self) {
        assert!(self.github.invalid_requests().is_empty(), "{:?}", self.github.invalid_requests());
    }
}

fn advice(report: &Report) -> String {
    report.error().message.clone()
}

#[tokio::test]
async fn a_tag_gets_a_release_with_what_changed_since_the_one_before() {
    let world = World::new().await;
    let report = world.step().input("body", "Thanks to everybody.").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let release = world.only();
    let body = release.body.unwrap();
    assert!(body.starts_with("Thanks to everybody.\n\n**Full Changelog**: "), "{body}");
    assert!(body.contains("/compare/v1.2.2...v1.2.3"), "{body}");
    assert!(body.contains(&format!("<!-- deploy-action v1.2.3 -->\n### Deployment\n\nCommit `{}`", world.commits[2])));
    assert_eq!((release.draft, release.prerelease, release.make_latest.as_str()), (false, false, "legacy"));
    assert_eq!(
        (release.name.as_deref(), release.target_commitish.as_str()),
        (Some("v1.2.3"), world.commits[2].as_str())
    );
    assert_eq!(report.output("release-id"), release.id.to_string());
    assert!(report.output("release-url").ends_with("/org/shop/releases/tag/v1.2.3"), "{report}");
    assert_eq!(report.output("changed"), "true");
    world.assert_requests_are_good();

    let again = world.step().run_attempt(2).run().await;
    again.assert_verdict("skipped", 0);
    assert_eq!((again.output("changed"), world.writes().len()), ("false", 2));
}

#[tokio::test]
async fn a_pre_release_and_a_component_are_never_the_latest() {
    let world = World::new().await;
    world.repository.tag("v1.3.0-rc.1", &world.commits[2]);
    let step = |tag: &str| world.step().git_ref("refs/heads/main").input("tag", tag);
    step("v1.3.0-rc.1").run().await.assert_verdict("pass", 0);
    for (tag, commit) in [("v-orders-1.0.0", 1), ("v-orders-1.1.0", 2), ("v-billing-3.0.0", 2)] {
        world.repository.tag(tag, &world.commits[commit]);
    }
    step("v-orders-1.1.0").input("component", "orders").run().await.assert_verdict("pass", 0);
    step("v-billing-3.0.0").input("component", "billing").input("latest", "true").run().await.assert_verdict("pass", 0);
    let [candidate, orders, billing] = world.repository.releases().try_into().unwrap();
    assert_eq!((candidate.prerelease, candidate.make_latest.as_str()), (true, "false"));
    assert_eq!((orders.prerelease, orders.make_latest.as_str()), (false, "false"));
    assert!(orders.body.unwrap().contains("/compare/v-orders-1.0.0...v-orders-1.1.0"));
    assert_eq!(billing.make_latest, "true");
    assert!(
        billing.body.unwrap().starts_with("The first release of billing.\n\n"),
        "GitHub would guess another component's"
    );

    let report = step("v1.3.0-rc.1").input("latest", "true").run().await;
    report.assert_verdict("error", 2);
}

#[tokio::test]
async fn the_tag_must_be_there_and_stand_where_it_is_meant_to() {
    let world = World::new().await;
    let report = world.step().input("tag", "v9.9.9").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("reason"), message("release-without-tag", &["v9.9.9"]));
    assert!(advice(&report).contains("git push origin v9.9.9"));

    let report = world.step().input("tag", "v1.2.2").input("sha", &world.commits[2]).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("tag v1.2.2 points at "), "{report}");

    // The tag was moved after the run began.
    let report = world.step().sha(&world.commits[0]).run().await;
    report.assert_verdict("fail", 1);
    world.step().git_ref("refs/heads/main").run().await.assert_verdict("error", 2);
    assert!(world.repository.releases().is_empty());
    assert!(world.repository.reference("tags/v9.9.9").is_none());
}

#[tokio::test]
async fn a_release_that_was_made_by_hand_keeps_its_text() {
    let world = World::new().await;
    let id = world.repository.add_release("v1.2.3", false, "By hand.\r\n");
    let step = world.step().input("body", "not taken");
    step.run().await.assert_verdict("pass", 0);
    let body = world.only().body.unwrap();
    assert!(body.starts_with("By hand.\n\n<!-- deploy-action v1.2.3 -->"), "{body}");
    assert_eq!(world.writes(), [format!("PATCH releases/{id}")]);
    step.run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn a_published_immutable_release_is_never_changed() {
    let world = World::new().await;
    world.repository.enable_immutable_releases();
    world.step().run().await.assert_verdict("pass", 0);
    assert!(world.only().immutable);
    world.step().run().await.assert_verdict("skipped", 0);
    let before = world.writes();
    let workspace = tempfile::tempdir().unwrap();
    std::fs::write(workspace.path().join("app.zip"), "x").unwrap();
    let report =
        world.step().workspace(workspace.path()).input("name", "Spring").input("assets", "app.zip").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let reason = message("release-published", &["v1.2.3", "it has no asset app.zip; its name is another"]);
    assert_eq!(report.output("reason"), reason);
    assert_eq!(world.writes(), before);
}

#[tokio::test]
async fn a_draft_is_left_or_published_as_asked() {
    let world = World::new().await;
    world.step().input("draft", "true").run().await.assert_verdict("pass", 0);
    assert!(world.only().draft);
    world.step().input("draft", "true").run().await.assert_verdict("skipped", 0);
    // Somebody wrote something better into it.
    let id = world.only().id;
    world.repository.edit_release(id, |release| {
        release.body = release.body.take().map(|body| format!("Better.\n\n{body}"));
    });
    world.step().run().await.assert_verdict("pass", 0);
    let release = world.only();
    assert!(!release.draft && release.body.unwrap().starts_with("Better."));
    world.assert_requests_are_good();
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_draft() {
    for fault in [
        Fault::on("POST", "releases$").unwrap().status(502).applied(),
        Fault::on("POST", "releases$").unwrap().cut(Cut::Reset).applied(),
        Fault::on("PATCH", "releases/").unwrap().cut(Cut::Reset).applied(),
        Fault::on("PATCH", "releases/").unwrap().status(502),
    ] {
        let world = World::new().await;
        world.github.fault(fault);
        let report = world.step().run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert!(!world.only().draft);
    }
    let world = World::new().await;
    world.github.fault(Fault::on("POST", "releases$").unwrap().status(502));
    let report = world.step().run().await;
    report.assert_verdict("error", 4);
    assert_eq!((report.output("changed"), world.writes().len()), ("true", 1));
    world.step().run().await.assert_verdict("pass", 0);
    assert_eq!(world.repository.releases().len(), 1);
}

#[tokio::test]
async fn a_draft_that_lists_do_not_show_yet_is_not_made_twice() {
    let world = World::new().await;
    world.github.fault(Fault::on("POST", "releases$").unwrap().status(502).applied());
    // The first list is read before the draft is made.
    let lagging = Fault::on("GET", "/releases\\?").unwrap().status(200).body(json!([]));
    world.github.fault(lagging.after(1).times(2));
    let report = world.step().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(!world.only().draft);
}

#[tokio::test]
async fn a_release_that_is_not_found_right_after_it_was_made_is_waited_for() {
    let world = World::new().await;
    let unseen = Fault::on("GET", "/releases/[0-9]+$").unwrap().status(404).body(json!({"message": "Not Found"}));
    world.github.fault(unseen.times(2));
    world.step().run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_draft_of_a_run_that_died_is_gone_on_with() {
    let world = World::new().await;
    world.github.fault(Fault::on("PATCH", "releases/").unwrap().status(500).always());
    world.step().run().await.assert_verdict("error", 4);
    assert!(world.only().draft);
    world.github.clear_faults();
    world.step().run_attempt(2).run().await.assert_verdict("pass", 0);
    assert!(!world.only().draft);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = World::new().await;
    let report = world.step().input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(world.repository.releases().is_empty() && world.writes().is_empty());
}

#[tokio::test]
async fn long_notes_are_cut_to_what_github_takes() {
    let world = World::new().await;
    let notes = json!({"name": "v1.2.3", "body": "ü".repeat(130_000)});
    world.github.fault(Fault::on("POST", "generate-notes").unwrap().status(200).body(notes));
    world.step().run().await.assert_verdict("pass", 0);
    let body = world.only().body.unwrap();
    assert_eq!(body.chars().count(), 125_000);
    assert!(body.ends_with("<!-- /deploy-action -->"));
}

#[tokio::test]
async fn a_secret_in_the_text_is_not_published() {
    let world = World::new().await;
    let token = world.repository.token(&[Permission::Contents.write()]);
    let report = world.step().token(&token).input("body", format!("made with {token}")).run().await;
    report.assert_verdict("pass", 0).assert_no_secret(&token);
    assert!(world.only().body.unwrap().starts_with("made with ***"));
}

#[tokio::test]
async fn the_permission_that_is_missing_is_named() {
    let world = World::new().await;
    let token = world.repository.token(&[Permission::Contents.read()]);
    let report = world.step().token(&token).run().await;
    report.assert_verdict("error", 4);
    assert!(advice(&report).contains("`contents: write`"), "{report}");
    let token = world.repository.token(&[Permission::Contents.write()]);
    let report = world.step().token(&token).input("environment", "prd").run().await;
    report.assert_verdict("error", 4);
    assert!(advice(&report).contains("`deployments: read`"), "{report}");
    assert!(world.repository.releases().is_empty());
}
