//! Putting back waits for nobody, and leads back to exactly what was there.

use futures_util::future::join_all;
use testbed::aws::{Fault, Request};
use testbed::outage::Outage;

use super::{fault, swap};
use crate::messages::{message, says};
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
    assert!(says(message, "token-expired"), "{message}");
    assert!(!message.contains("permissions:"), "{message}");
}

/// Who moves this function's alias is refused, however often.
fn denied_at(function: &str) -> Fault {
    Fault {
        pattern: Some(format!("{function}/aliases")),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        times: u32::MAX,
        ..fault("UpdateAlias")
    }
}

#[tokio::test]
async fn when_the_second_of_two_functions_fails_the_first_is_put_back() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    let refused = denied_at("shop-web");
    world.aws.faults(&[refused]).await.unwrap();
    let report =
        world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert_eq!(
        (world.live("shop-api").await.version.as_str(), world.live("shop-web").await.version.as_str()),
        ("1", "1")
    );
    assert!(report.output("reason").contains("shop-api was put back to version 1"), "{}", report.output("reason"));
    assert!(report.error().message.contains("lambda:UpdateAlias"), "{}", report.error().message);
    assert_eq!(world.records()[0].states(), ["failure"]);
}

#[tokio::test]
async fn what_cannot_be_put_back_is_exit_3() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    let refused = |path: &str, after| Fault {
        pattern: Some(path.to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        times: u32::MAX,
        after,
        ..fault("UpdateAlias")
    };
    world.aws.faults(&[refused("shop-web/aliases", 0), refused("shop-api/aliases", 1)]).await.unwrap();
    let report =
        world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2").run().await;
    report.assert_verdict("fail", 3).assert_runner_safe();
    assert_eq!(report.error().title.as_deref(), Some(message("bad-version-serves", &["swap-alias"]).as_str()));
    assert!(report.output("serving").contains("shop-api:live -> version 2"), "{}", report.output("serving"));
    assert!(report.error().message.contains("aws lambda update-alias --function-name shop-api"));
}

#[tokio::test]
async fn a_function_in_doubt_is_put_back_with_the_others() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    // The second move is carried out, and then its alias cannot be read for a while.
    let unreadable = Fault {
        pattern: Some("shop-web/aliases".to_owned()),
        status: Some(403),
        code: Some("AccessDeniedException".to_owned()),
        after: 1,
        ..fault("GetAlias")
    };
    world.aws.faults(&[unreadable]).await.unwrap();
    let both = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    let report = both.run().await;
    report.assert_verdict("error", 4);
    let versions = (world.live("shop-api").await.version, world.live("shop-web").await.version);
    assert_eq!(versions, ("1".to_owned(), "1".to_owned()), "{report}");
}

#[tokio::test]
async fn a_restore_whose_answer_was_lost_is_no_bad_version() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.shop("shop-web", 2).await;
    let denied = denied_at("shop-web");
    let lost = Fault {
        pattern: Some("shop-api/aliases".to_owned()),
        drop: true,
        applied: true,
        after: 1,
        ..fault("UpdateAlias")
    };
    world.aws.faults(&[denied, lost]).await.unwrap();
    let both = world.step("swap-alias").input("environment", "prd").input("versions", "shop-api=2\nshop-web=2");
    both.run().await.assert_verdict("error", 4);
    assert_eq!(world.live("shop-api").await.version, "1");
}
