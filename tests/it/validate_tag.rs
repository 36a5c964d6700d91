//! validate-tag: which tags may be released, and what is said of those that may not.

mod proofs;
mod table;
mod versions;

use crate::messages::{message, says};
use std::time::Duration;

use serde_json::{Value, json};
use testbed::github::{Cut, Deployment, Fault, LocalGithub, Permission, Repository, Request};
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, WebServer};

pub(crate) use self::table::UNDER_TEST;

/// A repository with five commits on main, and an AWS that nobody may call.
struct World {
    github: LocalGithub,
    repository: Repository,
    /// On main, oldest first.
    commits: Vec<String>,
    aws: WebServer,
}

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let commits = repository.history("main", 5);
        Self { github, repository, commits, aws: WebServer::start([Answer::status(500)]) }
    }

    /// The step in a job that may read contents and nothing else, on a run that no tag started.
    fn step(&self) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("validate-tag")
            .env("AWS_ENDPOINT_URL", self.aws.url(""))
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-key-of-the-job")
            .env("AWS_REGION", "eu-west-1")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(&[Permission::Contents.read()]))
            .repository("org/shop")
            .sha(&self.commits[4])
            .git_ref("refs/heads/main")
    }

    /// The step in a run that the push of this tag started: `after` is what the reference points at, `GITHUB_SHA` its commit.
    fn pushed(&self, tag: &str, commit: &str) -> Runner {
        let reference = format!("refs/tags/{tag}");
        let after = self.repository.reference(&format!("tags/{tag}"));
        self.step().git_ref(&reference).sha(commit).event("push", json!({"ref": reference, "after": after}))
    }

    async fn validate(&self, tag: &str) -> Report {
        self.step().input("tag", tag).run().await
    }

    /// Nothing but well-formed reads of GitHub was sent.
    #[track_caller]
    fn assert_only_reads(&self) {
        assert_eq!(self.aws.connections(), 0, "{:?}", self.aws.requests());
        assert!(self.github.requests().iter().all(|request| request.method == "GET"));
        assert!(self.github.invalid_requests().is_empty(), "{:?}", self.github.invalid_requests());
    }

    fn lines(&self) -> Vec<String> {
        self.github.requests().iter().map(Request::line).collect()
    }
}

fn short(sha: &str) -> &str {
    &sha[..7]
}

#[track_caller]
fn refused<'a>(report: &'a Report, reason: &str) -> &'a str {
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("reason"), reason, "{report}");
    assert_eq!((report.output("serving"), report.output("changed")), ("", "false"));
    &report.error().message
}

#[track_caller]
fn outputs(report: &Report, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(report.output(name), *value, "{name}\n{report}");
    }
}

#[tokio::test]
async fn a_tag_on_main_that_is_newer_passes() {
    let world = World::new().await;
    world.repository.tag("v1.2.2", &world.commits[1]);
    world.repository.tag("v1.2.3", &world.commits[3]);
    let report = world.pushed("v1.2.3", &world.commits[3]).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let sha = &world.commits[3];
    assert_eq!(report.output("reason"), format!("v1.2.3 is on main (commit {}), newer than v1.2.2", short(sha)));
    outputs(
        &report,
        &[
            ("version", "1.2.3"),
            ("tag", "v1.2.3"),
            ("sha", sha),
            ("tree", &world.repository.tree(sha).unwrap()),
            ("component", "shop"),
            ("prerelease", "false"),
            ("previous-tag", "v1.2.2"),
            ("previous-version", "1.2.2"),
            ("serving", ""),
            ("changed", "false"),
        ],
    );
    assert!(report.annotations.is_empty(), "{report}");
    world.assert_only_reads();
    let evidence = report.evidence();
    let checks: Vec<&Value> = evidence["checks"].as_array().unwrap().iter().collect();
    assert_eq!(checks.len(), 5);
    for check in checks {
        // Whether the tag is protected is only told.
        let verdict = if check["name"] == "protection of tag v1.2.3" { "skipped" } else { "pass" };
        assert_eq!(check["verdict"], verdict, "{check}");
        for key in ["name", "observed", "required", "source"] {
            assert!(!check[key].as_str().unwrap().is_empty(), "{check}");
        }
    }
}

#[tokio::test]
async fn annotated_and_nested_tags_are_peeled() {
    let world = World::new().await;
    let sha = &world.commits[2];
    world.repository.annotated_tag("v1.0.0", sha, "Release");
    outputs(world.validate("v1.0.0").await.assert_verdict("pass", 0), &[("sha", sha)]);
    assert_eq!(world.lines().iter().filter(|line| line.contains("/git/tags/")).count(), 1);
    let mut object = sha.clone();
    for depth in 1..=5 {
        object = world.repository.annotated_tag("v1.1.0", &object, &format!("Depth {depth}"));
    }
    let report = world.pushed("v1.1.0", sha).run().await;
    outputs(report.assert_verdict("pass", 0), &[("sha", sha), ("tag", "v1.1.0"), ("previous-tag", "v1.0.0")]);
    assert!(report.summary.contains("through 5 tag objects"), "{}", report.summary);
    // Deeper than anybody nests them.
    for depth in 6..=20 {
        object = world.repository.annotated_tag("v1.2.0", &object, &format!("Depth {depth}"));
    }
    let report = world.validate("v1.2.0").await;
    refused(
        &report,
        "tag v1.2.0 points at tags of tags, deeper than this step looks, not at a commit: delete it, tag a commit",
    );
    world.assert_only_reads();
}

#[tokio::test]
async fn a_tag_that_points_at_itself_ends() {
    let world = World::new().await;
    let object = world.repository.annotated_tag("v1.0.0", &world.commits[0], "Release");
    let circle = json!({"sha": object, "tag": "v1.0.0", "object": {"type": "tag", "sha": object}});
    world.github.fault(Fault::on("GET", "/git/tags/").unwrap().status(200).body(circle).always());
    world.validate("v1.0.0").await.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(world.lines().iter().filter(|line| line.contains("/git/tags/")).count(), 1);
}

#[tokio::test]
async fn a_tag_of_a_tree_or_a_blob_is_refused() {
    let world = World::new().await;
    world.repository.tag("v1.0.0", &world.commits[0]);
    for kind in ["tree", "blob"] {
        let body = json!({"ref": "refs/tags/v1.0.0", "object": {"type": kind, "sha": world.commits[0]}});
        world.github.fault(Fault::on("GET", "/git/ref/tags/").unwrap().status(200).body(body));
        let report = world.validate("v1.0.0").await;
        let reason = format!("tag v1.0.0 points at a {kind}, not at a commit: delete it, tag a commit");
        assert!(refused(&report, &reason).contains("- git push origin :refs/tags/v1.0.0"), "{report}");
        outputs(&report, &[("sha", ""), ("tree", "")]);
    }
}

#[tokio::test]
async fn a_tag_that_is_not_on_main_is_refused_with_the_commands() {
    let world = World::new().await;
    let (first, tip) = (world.commits[0].clone(), world.commits[4].clone());
    let ahead = world.repository.commit(&[&tip], &[("a", "1")], "Not merged yet");
    let beside = world.repository.commit(&[&first], &[("b", "1")], "Feature");
    let orphan = world.repository.commit(&[], &[("c", "1")], "Other history");
    for commit in [&ahead, &beside, &orphan] {
        world.repository.annotated_tag("v1.2.3", commit, "Release");
        let report = world.pushed("v1.2.3", commit).run().await;
        let reason = message("tag-not-on-branch", &["v1.2.3", short(commit), "not on main"]);
        let message = refused(&report, &reason);
        for command in [
            "- git push origin :refs/tags/v1.2.3 && git tag -d v1.2.3\n",
            "- git checkout main && git pull\n",
            "- git tag -a v1.2.3 -m v1.2.3\n",
            "- git push origin v1.2.3",
        ] {
            assert!(message.contains(command), "{message}");
        }
    }
    // Merged, it is on main; the tip itself is, too.
    let merge = world.repository.commit(&[&tip, &beside], &[], "Merge");
    world.repository.branch("main", &merge);
    for commit in [&beside, &merge, &first] {
        world.repository.tag("v1.2.3", commit);
        world.validate("v1.2.3").await.assert_verdict("pass", 0);
    }
    world.assert_only_reads();
}

#[tokio::test]
async fn a_tag_named_as_the_branch_does_not_stand_in_for_it() {
    let world = World::new().await;
    let beside = world.repository.commit(&[&world.commits[0]], &[("b", "1")], "Feature");
    world.repository.tag("main", &beside);
    world.repository.branch("v1.2.3", &world.commits[1]);
    world.repository.tag("v1.2.3", &beside);
    let report = world.validate("v1.2.3").await;
    let reason = message("tag-not-on-branch", &["v1.2.3", short(&beside), "not on main"]);
    refused(&report, &reason);
}

#[tokio::test]
async fn of_several_branches_the_first_that_holds_it_is_named() {
    let world = World::new().await;
    let release = world.repository.commit(&[&world.commits[1]], &[("fix", "1")], "Fix");
    world.repository.branch("release/1.x", &release);
    world.repository.tag("v1.2.3", &release);
    let report =
        world.step().input("tag", "v1.2.3").input("branch", "main\n# older lines\nrelease/1.x\nnone").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.output("reason").starts_with("v1.2.3 is on release/1.x "), "{}", report.output("reason"));
    let report = world.step().input("tag", "v1.2.3").input("branch", "main\ndevelop").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").starts_with("branch develop does not exist"), "{report}");
    assert!(report.error().message.contains("correct the input `branch`"), "{report}");
    world.repository.branch("develop", &world.commits[0]);
    let report = world.step().input("tag", "v1.2.3").input("branch", "main\ndevelop").run().await;
    assert!(report.output("reason").contains("which is on none of main, develop: "), "{report}");
    world.assert_only_reads();
}

#[tokio::test]
async fn a_tag_that_moved_since_the_run_began_is_refused() {
    let world = World::new().await;
    let (old, new) = (&world.commits[2], &world.commits[3]);
    for annotated in [false, true] {
        let make = |commit: &str, message: &str| {
            world.repository.move_tag("v1.2.3", commit);
            if annotated {
                world.repository.annotated_tag("v1.2.3", commit, message);
            }
        };
        make(old, "Release");
        let run = world.pushed("v1.2.3", old);
        run.run().await.assert_verdict("pass", 0);
        make(new, "Moved");
        let report = run.run().await;
        let reason = message("tag-moved", &["v1.2.3", short(old), short(new)]);
        assert!(refused(&report, &reason).contains("deploy from the run that the new push started"), "{report}");
        // Annotated anew where it was, it names the same commit.
        make(old, "Release, with better words");
        run.run().await.assert_verdict("pass", 0);
        // A run that somebody started on the tag, too, deploys what it began with.
        make(new, "Moved");
        let dispatched = world.step().git_ref("refs/tags/v1.2.3").sha(old).event("workflow_dispatch", json!({}));
        refused(&dispatched.run().await, &reason);
        // Other runs know nothing of what it was.
        world.validate("v1.2.3").await.assert_verdict("pass", 0);
        let other = world.pushed("v1.2.3", old).git_ref("refs/tags/v1.0.0").input("tag", "v1.2.3");
        other.run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn a_tag_must_point_at_the_commit_that_is_to_be_deployed() {
    let world = World::new().await;
    world.repository.annotated_tag("v1.2.3", &world.commits[3], "Release");
    let step = world.step().input("tag", "v1.2.3");
    step.clone().input("sha", world.commits[3].as_str()).run().await.assert_verdict("pass", 0);
    let report = step.input("sha", world.commits[2].as_str()).run().await;
    let (at, asked) = (short(&world.commits[3]), short(&world.commits[2]));
    refused(&report, &format!("tag v1.2.3 points at {at}, not at {asked} as the input `sha` asks"));
}

#[tokio::test]
async fn a_tag_that_does_not_exist_is_told() {
    let world = World::new().await;
    world.repository.tag("v1.2.30", &world.commits[0]);
    let report = world.validate("v1.2.3").await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(report.output("reason"), "tag v1.2.3 does not exist");
    let report = world.pushed("v1.2.3", &world.commits[0]).run().await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("it was deleted since this run began"), "{report}");
}

#[tokio::test]
async fn a_list_of_tags_that_is_not_whole_is_no_answer() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[0]);
    world.github.fault(Fault::on("GET", "/git/matching-refs/").unwrap().status(200).body(json!([])));
    let report = world.validate("v1.2.3").await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").starts_with("GitHub's list of tags lacks v1.2.3"), "{report}");
}

#[tokio::test]
async fn a_missing_permission_and_a_missing_token_are_named() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[0]);
    let token = world.repository.token(&[Permission::Issues.read()]);
    let report = world.step().input("tag", "v1.2.3").token(&token).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("`contents: read`"), "{report}");
    let report = world.step().input("tag", "v1.2.3").input("token", "").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("there is no token"), "{report}");
    let report = world.step().input("tag", "v1.2.3").token("ghs_unknown").run().await;
    report.assert_verdict("error", 4).assert_runner_safe().assert_no_secret("ghs_unknown");
    assert_eq!(world.aws.connections(), 0);
}

#[tokio::test]
async fn limits_and_outages_are_waited_for_or_told() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[0]);
    world.github.secondary_limit(1, 403, Some(1));
    world.github.fault(Fault::on("GET", "/compare/").unwrap().status(502).times(2));
    world.github.fault(Fault::on("GET", "/git/matching-refs/").unwrap().cut(Cut::Truncate));
    world.validate("v1.2.3").await.assert_verdict("pass", 0);
    world.github.rate_limit(0, Duration::from_hours(1));
    let report = world.validate("v1.2.3").await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(
        report.error().message.contains("rate limit") && report.error().message.contains("the limit ends in 1h00m"),
        "{report}"
    );
    assert!(report.duration < Duration::from_secs(10), "{report}");
}

#[tokio::test]
async fn a_limit_ends_by_githubs_clock_not_by_the_runners() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[0]);
    world.github.advance(Duration::from_hours(2));
    world.github.rate_limit(0, Duration::from_secs(2));
    // By the runner's clock the limit would end in two hours.
    world.validate("v1.2.3").await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[0]);
    let long = serde_json::json!({"ref": "x".repeat(65 * 1024 * 1024)});
    world.github.fault(Fault::on("GET", "/git/ref/").unwrap().status(200).body(long));
    let report = world.validate("v1.2.3").await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("larger than"), "{report}");
}

#[tokio::test]
async fn an_enterprise_server_is_asked_under_its_base_path() {
    let world = World::new().await;
    world.repository.annotated_tag("v1.2.3", &world.commits[1], "Release");
    let step = world.step().input("tag", "v1.2.3").github_at(&world.github.enterprise_url(), world.github.url());
    step.run().await.assert_verdict("pass", 0);
    assert!(world.lines().iter().all(|line| line.starts_with("GET /api/v3/repos/org/shop/")), "{:?}", world.lines());
    world.assert_only_reads();
}

#[tokio::test]
async fn what_was_found_is_added_to_an_open_record() {
    let world = World::new().await;
    world.repository.tag("v1.2.3", &world.commits[1]);
    let record = Deployment { sha: world.commits[1].clone(), environment: "prd".to_owned(), ..Default::default() };
    let id = world.repository.add_deployment(record);
    let token = world.repository.token(&[Permission::Contents.read(), Permission::Deployments.write()]);
    let step = world.step().input("tag", "v1.2.3").token(&token);
    step.clone().input("dry-run", "true").run().await.assert_verdict("pass", 0);
    step.input("deployment-id", id.to_string()).run().await.assert_verdict("pass", 0);
    let record = world.repository.deployment(id).unwrap();
    assert_eq!(record.statuses.len(), 1);
    let said = &record.statuses[0].description;
    assert!(said.starts_with("da1 validate-tag#") && said.ends_with(" pass version=1.2.3"), "{said}");
    assert!(world.github.invalid_requests().is_empty());
}

/// A GitHub App's token lasts an hour, and GitHub's answer after it was taken for a missing permission.
#[tokio::test]
async fn a_token_that_has_expired_is_not_told_as_a_missing_permission() {
    let world = World::new().await;
    let report = world.step().token("ghs_of-an-app-an-hour-ago").input("tag", "v1.0.0").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    let said = &report.error().message;
    assert!(said.contains("GitHub answered 401: Bad credentials"), "{said}");
    assert!(says(said, "token-expired"), "{said}");
    assert!(!said.contains("`permissions:`") && !said.contains("docs/permissions.md"), "{said}");
}
