//! Records know their place: two regions, or two accounts, may hold functions of one name, and never answer for each other.

use serde_json::{Value, json};
use testbed::aws::sample::GOOD;
use testbed::aws::{Account, LocalAws};
use testbed::github::{Deployment, Fault, Permission, RunState};
use testbed::runner::Runner;

use crate::world::{RUN, Release, World};

/// The shop in two places: versions 1 to 4, and `live` at 2 in the first and at 3 in the second.
struct Two {
    world: World,
    other: Account,
}

impl Two {
    async fn regions() -> Self {
        let world = World::new().await;
        let other = world.aws.in_region("us-east-1");
        Self::with(world, other).await
    }

    async fn accounts() -> Self {
        Self::with(World::new().await, LocalAws::shared().account()).await
    }

    async fn with(world: World, other: Account) -> Self {
        for (aws, live) in [(&world.aws, "2"), (&other, "3")] {
            world.shop_in(aws, "shop-api", 4).await;
            aws.move_alias("shop-api", "live", live).await.unwrap();
        }
        Self { world, other }
    }

    /// A step of the job for one of the two.
    fn step(&self, aws: &Account, step: &str) -> Runner {
        let environment = self.world.step(step).envs(aws.environment());
        environment.input("environment", "prd").input("function", "shop-api")
    }

    fn swap(&self, aws: &Account, version: &str) -> Runner {
        self.step(aws, "swap-alias").input("version", version)
    }

    /// Both are moved to version 4 by one run.
    async fn swap_both(&self) {
        for aws in [&self.world.aws, &self.other] {
            self.swap(aws, "4").run().await.assert_verdict("pass", 0);
        }
    }

    async fn live(&self) -> [String; 2] {
        let [one, other] =
            [&self.world.aws, &self.other].map(|aws| async { aws.alias("shop-api", "live").await.unwrap() });
        [one.await.version, other.await.version]
    }

    fn states(&self) -> Vec<Vec<String>> {
        let states = |record: Deployment| record.states().iter().map(ToString::to_string).collect();
        self.world.records().into_iter().map(states).collect()
    }
}

#[tokio::test]
async fn a_rollback_goes_to_what_served_in_its_own_region_or_account() {
    for two in [Two::regions().await, Two::accounts().await] {
        two.swap_both().await;
        assert_eq!(two.live().await, ["4", "4"]);
        let targets: Vec<Value> =
            two.world.records().iter().map(|record| record.payload["targets"][0].clone()).collect();
        assert_ne!(
            (&targets[0]["region"], &targets[0]["account"]),
            (&targets[1]["region"], &targets[1]["account"]),
            "{targets:?}"
        );
        let report = two.step(&two.world.aws, "rollback").run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(two.live().await, ["2", "4"], "version 3 never served there");
        let report = two.step(&two.other, "rollback").run().await;
        report.assert_verdict("pass", 0);
        assert_eq!(two.live().await, ["2", "3"]);
    }
}

#[tokio::test]
async fn a_tag_names_what_was_deployed_with_it_at_this_place() {
    let two = Two::regions().await;
    for (aws, version) in [(&two.world.aws, "3"), (&two.other, "4")] {
        two.swap(aws, version).git_ref("refs/tags/v1").run().await.assert_verdict("pass", 0);
    }
    two.swap(&two.world.aws, "4").run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    let back = two.step(&two.world.aws, "rollback").input("to", "v1").input("scope", "any").run_id(RUN + 2);
    back.run().await.assert_verdict("pass", 0);
    assert_eq!(two.live().await, ["3", "4"]);
}

#[tokio::test]
async fn the_state_of_one_region_says_nothing_of_another() {
    let two = Two::regions().await;
    let state = two.swap(&two.world.aws, "4").input("record", "off").run().await.output("state").to_owned();
    let report = two.step(&two.other, "rollback").input("record", "off").input("state", state).run().await;
    assert_ne!(report.output("verdict"), "pass", "{report}");
    assert_eq!(two.live().await, ["4", "3"]);
}

#[tokio::test]
async fn a_success_at_one_place_leaves_the_record_of_the_other() {
    let two = Two::regions().await;
    two.swap_both().await;
    assert_eq!(two.states(), [["success"], ["success"]]);
    two.swap(&two.world.aws, "3")
        .input("allow-downgrade", "true")
        .run_id(RUN + 1)
        .run()
        .await
        .assert_verdict("pass", 0);
    let states = two.states();
    assert_eq!(states[0], ["success", "inactive"]);
    assert_eq!(states[1], ["success"], "it still serves");
}

#[tokio::test]
async fn a_run_that_deploys_to_one_place_is_not_in_the_way_of_the_other() {
    let two = Two::regions().await;
    let run = two.world.repository.add_run("deploy.yml", "push", "main", &two.world.commits[0]);
    two.world.repository.set_run(run, RunState::InProgress);
    let open = two.swap(&two.world.aws, "4").input("record", "open").run_id(run);
    open.run().await.assert_verdict("pass", 0);
    two.swap(&two.other, "4").run().await.assert_verdict("pass", 0);
    two.swap(&two.world.aws, "3").input("allow-downgrade", "true").run().await.assert_verdict("superseded", 5);
}

#[tokio::test]
async fn a_job_with_nothing_to_do_leaves_the_open_record_of_its_sibling() {
    let two = Two::regions().await;
    two.other.move_alias("shop-api", "live", "4").await.unwrap();
    let opened = two.swap(&two.world.aws, "4").input("record", "open").run().await;
    opened.assert_verdict("pass", 0);
    let report = two.swap(&two.other, "4").run().await;
    report.assert_verdict("skipped", 0);
    assert_eq!(report.output("deployment-id"), "");
    let state: Value = serde_json::from_str(report.output("state")).unwrap();
    assert_eq!(state["targets"], json!([]));
    assert_eq!(two.states(), [["in_progress"]]);
}

#[tokio::test]
async fn a_swap_of_one_function_leaves_the_record_by_which_the_other_still_serves() {
    let world = World::new().await;
    for function in ["shop-api", "shop-web"] {
        world.shop(function, 4).await;
    }
    let swap = |versions: &str, run: u64| {
        world.step("swap-alias").input("environment", "prd").input("versions", versions).run_id(run)
    };
    swap("shop-api=2\nshop-web=2", 1).run().await.assert_verdict("pass", 0);
    swap("shop-api=3", 2).run().await.assert_verdict("pass", 0);
    let states = |place: usize| world.records()[place].states().join(" ");
    assert_eq!(states(0), "success", "shop-web still serves by it");
    swap("shop-api=4", 3).run().await.assert_verdict("pass", 0);
    assert_eq!((states(0), states(1)), ("success".to_owned(), "success inactive".to_owned()));
    swap("shop-web=3", 4).run().await.assert_verdict("pass", 0);
    assert_eq!((states(0), states(2)), ("success inactive".to_owned(), "success".to_owned()));
}

#[tokio::test]
async fn a_record_names_the_commits_of_what_was_moved() {
    let world = World::new().await;
    for function in ["shop-api", "shop-web", "shop-bot"] {
        world.shop(function, 3).await;
    }
    world.aws.move_alias("shop-api", "live", "3").await.unwrap();
    let swap = world.step("swap-alias").input("environment", "prd");
    swap.input("versions", "shop-api=3\nshop-web=2\nshop-bot=3").run().await.assert_verdict("pass", 0);
    let record = world.records().pop().unwrap();
    assert_eq!((&record.sha, &record.payload["commit"]), (&world.commits[1], &json!(world.commits[1])));
    let commits: Vec<&Value> = record.payload["targets"].as_array().unwrap().iter().map(|one| &one["commit"]).collect();
    assert_eq!(commits, [&json!(world.commits[1]), &json!(world.commits[2])]);
}

#[tokio::test]
async fn a_version_of_another_repository_is_recorded_for_the_commit_of_the_run() {
    const ELSEWHERE: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
    let world = World::new().await;
    let release = |version, commit| Release { version, commit, behaviour: GOOD };
    world.function("shop-api", &[release("1.0.0", &world.commits[0]), release("2.0.0", ELSEWHERE)]).await;
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api");
    let report = swap.input("version", "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let record = world.records().pop().unwrap();
    assert_eq!((&record.sha, &record.payload["commit"]), (world.commits.last().unwrap(), &json!(ELSEWHERE)));
}

#[tokio::test]
async fn environments_hold_slashes_and_are_one_in_any_case() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let swap = |environment: &str, version: &str| {
        let swap = world.step("swap-alias").input("environment", environment).input("function", "shop-api");
        swap.input("version", version)
    };
    swap("Prd/EU", "2").run().await.assert_verdict("pass", 0);
    swap("prd/eu", "3").run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    let records = world.records();
    assert_eq!(records[0].states(), ["success", "inactive"], "the second replaced it");
    assert!(records.iter().all(|record| record.production_environment), "production by its name");
    let report = swap("/prd", "2").run().await;
    report.assert_verdict("error", 2);
}

#[tokio::test]
async fn a_short_page_is_not_the_last_one() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let swap = |version: &str| {
        world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", version)
    };
    swap("2").run().await.assert_verdict("pass", 0);
    for number in 0..100 {
        world.repository.add_deployment(Deployment {
            sha: world.commits[0].clone(),
            environment: "prd".to_owned(),
            payload: json!({"web": number}),
            ..Deployment::default()
        });
    }
    let next = format!("<{}/repos/org/shop/deployments?page=2>; rel=\"next\"", world.github.url());
    let short =
        Fault::on("GET", "/repos/org/shop/deployments").unwrap().status(200).body(json!([])).header("link", &next);
    world.github.fault(short.times(1));
    swap("3").run_id(RUN + 1).run().await.assert_verdict("pass", 0);
    assert_eq!(world.records()[0].states(), ["success", "inactive"], "it stands on the second page");
}

#[tokio::test]
async fn records_beyond_a_thousand_deployments_are_said_to_be_unknown() {
    let world = World::new().await;
    for number in 0..1001 {
        world.repository.add_deployment(Deployment {
            sha: world.commits[0].clone(),
            environment: "prd".to_owned(),
            payload: json!({"web": number}),
            ..Deployment::default()
        });
    }
    let resolve = world.step_with("resolve", &[Permission::Deployments.read(), Permission::Contents.read()]);
    let report = resolve.input("rules", "branch main -> prd").run().await;
    report.assert_verdict("pass", 0);
    assert!(
        report.log.iter().any(|line| line.contains("only the newest 1000 deployments to prd were looked at")),
        "{report}"
    );
}
