//! Users who come in while a service is deployed, and while it goes back.

use std::time::Duration;

use testbed::load::{Load, Served};

use super::*;

/// What users get of a deployment and its rollback, who come all the time; and the service.
async fn users(configuration: Value) -> (Web, Served) {
    let web = web(|spec| shifting(configuration)(spec).count(4)).await;
    web.world.aws.settings(&Settings { ecs_delay: Some(0.2), ..Settings::default() }).await.unwrap();
    let url = format!("{}{}/orders", web.world.aws.endpoint(), web.made.path);
    let load = Load::start(&url, 4, Duration::from_millis(2));
    load.wait_for(50).await;
    let deployed = web.deploy().run().await;
    deployed.assert_verdict("pass", 0);
    load.wait_for(load.sent() + 50).await;
    let back = web.world.step("rollback").input("environment", "prd").input("cluster", "main").input("service", "web");
    back.input("state", deployed.output("state")).run().await.assert_verdict("pass", 0);
    load.wait_for(load.sent() + 50).await;
    let served = load.stop().await;
    println!("{} requests, {} not served well", served.requests(), served.failed());
    (web, served)
}

#[tokio::test]
async fn users_lose_no_request_while_a_service_is_deployed_and_goes_back() {
    for configuration in [
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
        json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}),
    ] {
        let (web, served) = users(configuration).await;
        assert_eq!(served.failed(), 0, "{:?}", served.lost);
        for commit in &web.world.commits[..2] {
            assert!(served.of(commit) > 0, "{served:?}");
        }
    }
}

/// So the test above can fail: a service that may stop all of its tasks before the new ones are there.
#[tokio::test]
async fn users_of_a_service_that_may_be_without_tasks_lose_some() {
    let (_, served) = users(json!({"minimumHealthyPercent": 0, "maximumPercent": 100})).await;
    assert!(served.failed() > 0, "{served:?}");
}
