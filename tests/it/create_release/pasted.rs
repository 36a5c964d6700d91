//! create-release: what it tells of a deployment, and that its instructions do what they say when they are pasted.

use serde_json::Value;
use testbed::github::{Permission, Release};
use testbed::runner::Runner;

use crate::world::{RUN, World};

/// A tag for each of the first commits.
fn tag_all(world: &World, count: usize) {
    for (number, commit) in world.commits.iter().take(count).enumerate() {
        world.repository.tag(&format!("v1.{}.0", number + 1), commit);
    }
}

/// Deploys a version of the shop from its tag.
async fn deploy(world: &World, version: usize) -> String {
    let report = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version.to_string())
        .sha(&world.commits[version - 1])
        .git_ref(&format!("refs/tags/v1.{version}.0"))
        .run_id(RUN + u64::try_from(version).unwrap())
        .run()
        .await;
    report.assert_verdict("pass", 0).output("deployment-id").to_owned()
}

fn release(world: &World, version: usize) -> Runner {
    world
        .step_with("create-release", &[Permission::Contents.write(), Permission::Deployments.read()])
        .sha(&world.commits[version - 1])
        .git_ref(&format!("refs/tags/v1.{version}.0"))
}

async fn released(world: &World, version: usize) -> Release {
    release(world, version).input("environment", "prd").run().await.assert_verdict("pass", 0).assert_runner_safe();
    world.repository.releases().pop().unwrap()
}

/// The blocks of code in a text, of this language.
pub(super) fn blocks(body: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    body.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Performs the one step of a block as the runner does.
pub(super) async fn perform(world: &World, block: &str) {
    perform_with(world, block, |step| step).await;
}

/// The same with more inputs.
pub(super) async fn perform_with(world: &World, block: &str, more: impl FnOnce(Runner) -> Runner) {
    let steps: Value = testbed::yaml(block).unwrap();
    let with = steps[0]["with"].as_object().unwrap();
    let step = world.step(with["step"].as_str().unwrap());
    let inputs = with.iter().filter(|(name, _)| *name != "step");
    let step = inputs.fold(step, |step, (name, value)| step.input(name, value.as_str().unwrap()));
    more(step).run_id(9000).run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn what_is_pasted_takes_the_release_back_and_brings_it_again() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    tag_all(&world, 3);
    deploy(&world, 2).await;
    deploy(&world, 3).await;
    let body = released(&world, 3).await.body.unwrap();
    assert!(body.contains("| `shop-api:live` | 3 | - | 2 |"), "{body}");
    let [back, again] = blocks(&body, "yaml").try_into().unwrap();

    perform(&world, &back).await;
    assert_eq!(world.live("shop-api").await.version, "2");
    assert_eq!(world.records().last().unwrap().task, "deploy:rollback");
    perform(&world, &again).await;
    assert_eq!(world.live("shop-api").await.version, "3");

    let [command] = blocks(&body, "sh").try_into().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[..3], ["aws", "lambda", "update-alias"]);
    let option = |name: &str| words.iter().skip_while(|word| **word != name).nth(1).copied().unwrap();
    assert_eq!((option("--routing-config"), option("--region")), ("AdditionalVersionWeights={}", world.aws.region()));
    let path = format!("/2015-03-31/functions/{}/aliases/{}", option("--function-name"), option("--name"));
    let body = serde_json::json!({
        "FunctionVersion": option("--function-version"), "RoutingConfig": {"AdditionalVersionWeights": {}},
    });
    world.aws.lambda("PUT", &path, &body).await.unwrap().ok().unwrap();
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn an_open_record_that_is_handed_over_is_told_of_too() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    tag_all(&world, 2);
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    let swap = swap.input("record", "open").sha(&world.commits[1]).git_ref("refs/tags/v1.2.0").run().await;
    let id = swap.assert_verdict("pass", 0).output("deployment-id").to_owned();
    let permissions = [Permission::Contents.write(), Permission::Deployments.write()];
    let step = world.step_with("create-release", &permissions).sha(&world.commits[1]).git_ref("refs/tags/v1.2.0");
    step.clone().input("environment", "prd").run().await.assert_verdict("fail", 1);
    step.input("deployment-id", id).run().await.assert_verdict("pass", 0);
    let body = world.repository.releases()[0].body.clone().unwrap();
    assert!(body.contains("in `prd`") && body.contains("| `shop-api:live` | 2 | - | 1 |"), "{body}");
}

#[tokio::test]
async fn what_did_not_succeed_there_is_not_released() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    tag_all(&world, 3);
    let report = release(&world, 2).input("environment", "prd").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").starts_with("no record says that v1.2.0 (commit "), "{report}");
    assert!(report.output("reason").ends_with("succeeded in prd"), "{report}");
    let withdrawn = deploy(&world, 2).await;
    world.repository.add_status(withdrawn.parse().unwrap(), "failure", "withdrawn");
    let report = release(&world, 2).input("deployment-id", withdrawn).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("failed or was withdrawn"), "{report}");
    let other = deploy(&world, 3).await;
    let report = release(&world, 2).input("deployment-id", other).run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").starts_with("the record is not of v1.2.0"), "{report}");
    assert!(world.repository.releases().is_empty());
}

#[tokio::test]
async fn deployment_id_of_several_records_tells_of_all_their_places() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for function in ["shop-api", "shop-web"] {
        world.shop(function, 2).await;
        let swap = world.step("swap-alias").input("environment", "prd").input("function", function);
        let swap = swap.input("version", "2").input("record", "open").sha(&world.commits[1]);
        ids.push(swap.run().await.assert_verdict("pass", 0).output("deployment-id").to_owned());
    }
    tag_all(&world, 2);
    let permissions = [Permission::Contents.write(), Permission::Deployments.write()];
    let step = world.step_with("create-release", &permissions).sha(&world.commits[1]).git_ref("refs/tags/v1.2.0");
    let step = step.input("deployment-id", ids.join("\n"));
    step.clone().run().await.assert_verdict("pass", 0);
    let body = world.repository.releases()[0].body.clone().unwrap();
    for place in ["| `shop-api:live` | 2 |", "| `shop-web:live` | 2 |"] {
        assert!(body.contains(place), "{body}");
    }
    world.repository.add_status(ids[1].parse().unwrap(), "failure", "withdrawn");
    step.run().await.assert_verdict("fail", 1);
}
