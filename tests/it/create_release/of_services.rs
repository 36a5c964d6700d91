//! create-release of services: what it tells of them, and that its instructions put them back.

use testbed::github::Permission;

use super::pasted::{blocks, perform};
use crate::deploy_service::{guarded, web};

#[tokio::test]
async fn what_is_pasted_takes_a_service_back_and_brings_it_again() {
    let web = web(guarded).await;
    let world = &web.world;
    world.repository.tag("v1.2.0", &world.commits[1]);
    let deploy = web.deploy().sha(&world.commits[1]).git_ref("refs/tags/v1.2.0");
    deploy.run().await.assert_verdict("pass", 0);
    let permissions = [Permission::Contents.write(), Permission::Deployments.read()];
    let step = world.step_with("create-release", &permissions).sha(&world.commits[1]).git_ref("refs/tags/v1.2.0");
    step.input("environment", "prd").run().await.assert_verdict("pass", 0).assert_runner_safe();
    let body = world.repository.releases()[0].body.clone().unwrap();
    assert!(body.contains(&format!("| `main/web` | web:2 | web `{}` | web:1 |", web.digests[1])), "{body}");
    let [back, again] = blocks(&body, "yaml").try_into().unwrap();
    let has = async || web.service().await["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();

    perform(world, &back).await;
    assert_eq!((has().await.as_str(), world.records().last().unwrap().task.as_str()), ("web:1", "deploy:rollback"));
    perform(world, &again).await;
    assert_eq!(has().await, "web:2");

    let [command] = blocks(&body, "sh").try_into().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    let option = |name: &str| words.iter().skip_while(|word| **word != name).nth(1).copied().unwrap();
    let request = serde_json::json!({
        "cluster": option("--cluster"), "service": option("--service"), "taskDefinition": option("--task-definition"),
    });
    assert_eq!((words[..3].join(" ").as_str(), option("--region")), ("aws ecs update-service", world.aws.region()));
    world.aws.ecs("UpdateService", &request).await.unwrap();
    assert_eq!(has().await, "web:1");
}
