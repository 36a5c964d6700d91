//! monitor of a release that is well, and of one that is put back.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::github::Permission;

use crate::hostile::Try;
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};
use crate::world::RUN;

const WELL: &str = "monitor";
const BACK: &str = "monitor:rollback";
const WATCHED: &[When] = &[When::Watched, When::Measured, When::Alarms, When::InEnvironment];
const TAKEN_BACK: &[When] = &[When::Watched, When::Measured, When::InEnvironment, When::RollsBack];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "monitor",
    scenes: &[
        Scene::new(WELL, || Box::pin(well())).floor(9, &[]),
        Scene::new(BACK, || Box::pin(back())).floor(12, &[]),
    ],
    role: &[Variant::whole(WELL, WATCHED, &[]), Variant::whole(BACK, TAKEN_BACK, &[]).ends("fail", 1)],
    token: &[],
    hostile: |world| {
        let watch = || world.step("monitor").input("window", "2s").input("settle", "1s");
        vec![
            Try::from(watch().input("function", "shop-api").input("environment", "prd")),
            Try::from(watch().input("url", world.health.url("/health?key=value"))),
            Try::from(watch().input("alarms", "errors")),
        ]
    },
};

/// A release that came two minutes ago, with this many errors among 60 requests.
async fn released(errors: u32) -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    stage.move_alias(2).await;
    let series = |metric: &str, value: u32| json!({"function": FUNCTION, "alias": "live", "version": "2", "metric": metric, "at": -115, "values": [value]});
    stage.aws.put_metrics(&json!([series("Invocations", 60), series("Errors", errors)])).await.unwrap();
    let lines =
        json!({"function": FUNCTION, "version": "2", "lines": ["order 17 taken"], "invocation": true, "at": -100});
    stage.aws.put_logs(&lines).await.unwrap();
    stage.record_of(RUN, 2, &stage.moved((1, 2), Some(&digests[1])), &["success"]);
    stage
        .input("environment", ENVIRONMENT)
        .input("function", FUNCTION)
        .input("since", super::at(super::RELEASED))
        .input("window", "1m")
        .input("settle", "1s")
        .grants(&[Permission::Deployments.write()])
}

async fn well() -> Stage {
    let stage = released(0).await;
    stage.aws.put_alarms(&json!([{"name": "quiet", "type": "metric", "state": "OK", "at": -3600}])).await.unwrap();
    stage.input("alarms", "quiet")
}

async fn back() -> Stage {
    let stage = released(30).await;
    let target = stage.moved((1, 2), None);
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [target]}).to_string();
    stage.input("state", captured).input("on-failure", "rollback")
}
