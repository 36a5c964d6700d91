//! Putting back waits for nobody, and leads back to exactly what was there.

use futures_util::future::join_all;
use testbed::aws::{Fault, Request};
use testbed::outage::Outage;

use super::{fault, swap};
use crate::world::World;

#[tokio::test]
async fn github_fails_from_the_first_write_on_and_what_was_moved_goes_back_at_once() {
    join_all(Outage::ALL.map(|outage| async move {
        let world = World::new().await;
        for name in ["shop-api", "shop-web"] {
            world.shop(name, 2).await;
        }
        let first = Fault { hold: true, pattern: Some("shop-api/aliases".to_owned()), ..fault("UpdateAlias") };
        let second = Fault {
            status: Some(403),
            code: Some("AccessDeniedException".to_owned()),
            pattern: Some("shop-web/aliases".to_owned()),
            ..fault("UpdateAlias")
        };
        world.aws.faults(&[first, second]).await.unwrap();
        let step = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
        let running = step.start().await;
        world.aws.held().await.unwrap();
        world.github.fails(outage).unwrap();
        world.aws.release().await.unwrap();
        let report = running.wait().await;
        report.assert_verdict("error", 4).assert_runner_safe();
        assert!(report.output("reason").contains("shop-api was put back to version 1"), "{}", report.output("reason"));
        assert_eq!(world.live("shop-api").await.version, "1", "{outage:?}");
        let all = world.aws.requests().await.unwrap();
        let writes: Vec<&Request> = all.iter().filter(|request| request.operation == "UpdateAlias").collect();
        let seconds = writes.last().unwrap().time - writes[1].time;
        assert!(seconds <= 10.0, "{outage:?}: put back after {seconds} s\n{report}");
    }))
    .await;
}

#[tokio::test]
async fn the_way_back_by_hand_keeps_the_weights() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    world.aws.set_weights("shop-api", "live", &[("3", 0.1)]).await.unwrap();
    let report = swap(&world, "shop-api", "2").run().await;
    report.assert_verdict("pass", 0);
    let command = "--function-version 1 --routing-config '{\"AdditionalVersionWeights\":{\"3\":0.1}}'";
    assert!(report.log.iter().any(|line| line.contains(command)), "{report}");
}

#[tokio::test]
async fn a_token_that_github_does_not_accept_is_no_missing_permission() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let report = swap(&world, "shop-api", "2").input("record", "require").token("ghs_ended").run().await;
    report.assert_verdict("error", 4);
    let message = &report.error().message;
    assert!(message.contains("the token has expired or is wrong"), "{message}");
    assert!(!message.contains("permissions:"), "{message}");
}
