//! monitor of a release that is well, and of one that is put back.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::github::Permission;

use crate::deploy_service;
use crate::hostile::Try;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};
use crate::world::RUN;

const WELL: &str = "monitor";
const BACK: &str = "monitor:rollback";
const WATCHED: &[When] = &[When::OfFunctions, When::Measured, When::Alarms, When::InEnvironment];
const TAKEN_BACK: &[When] = &[When::OfFunctions, When::Measured, When::InEnvironment, When::RollsBack];
const SERVICE: &str = "monitor:service";
const OF_SERVICE: &[When] =
    &[When::OfServices, When::Balanced, When::Measured, When::InEnvironment, When::RollsServicesBack];
const EVERYTHING: &str = "monitor:everything";
const ALL: &[When] = &[
    When::OfFunctions,
    When::Measured,
    When::Alarms,
    When::InEnvironment,
    When::RollsBack,
    When::TargetGroup,
    When::InfrequentLog,
    When::Samples,
    When::ExpectedTags,
    When::Durable,
];
/// What only the run with everything comes to.
const MORE: &[&str] = &[
    "cloudwatch:ListMetrics",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "cloudwatch:ListAlarmMuteRules",
    "cloudwatch:DescribeAlarmContributors",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:ListDurableExecutionsByFunction",
    "lambda:StopDurableExecution",
];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "monitor",
    scenes: &[
        Scene::new(WELL, || Box::pin(well()))
            .floor(9, &[(3, "a second look: two readings in a row must show the same numbers")]),
        Scene::new(BACK, || Box::pin(back())).puts_back().floor(
            15,
            &[
                (3, "a second look: two readings in a row must show the same numbers"),
                (1, "what serves is read once more, for the report"),
            ],
        ),
        Scene::new(EVERYTHING, || Box::pin(everything())).for_permissions_of_a_failure(),
        Scene::new(SERVICE, || Box::pin(service())).for_permissions_of_a_failure(),
    ],
    role: &[
        Variant::whole(WELL, WATCHED, &["cloudwatch:ListAlarmMuteRules", "cloudwatch:DescribeAlarmContributors"]),
        Variant::whole(BACK, TAKEN_BACK, &[]).ends("fail", 1),
        Variant::special(EVERYTHING, "", a::durable, ALL, MORE).ends("fail", 1),
        Variant::whole(SERVICE, OF_SERVICE, &[]).ends("fail", 1),
    ],
    token: &[
        Variant::whole(WELL, &[When::InEnvironment], &[]),
        Variant::whole(BACK, &[When::InEnvironment, When::RollsBack], &[]).ends("fail", 1),
    ],
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
    let series = |metric: &str, value: u32| json!({"function": FUNCTION, "alias": "live", "version": "2", "metric": metric, "at": -90, "values": [value]});
    stage.aws.put_metrics(&json!([series("Invocations", 60), series("Errors", errors)])).await.unwrap();
    let lines =
        json!({"function": FUNCTION, "version": "2", "lines": ["order 17 taken"], "invocation": true, "at": -90});
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

/// A red log alarm, a log that is read by a query, a target group, sample requests, and tags that are compared.
async fn everything() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(2).await;
    stage.move_alias(2).await;
    let red = json!([
        {"name": "lines", "type": "log", "state": "OK", "at": -3600},
        {"name": "lines", "type": "log", "state": "ALARM", "at": -90},
    ]);
    stage.aws.put_alarms(&red).await.unwrap();
    let group =
        json!({"function": FUNCTION, "version": "2", "lines": ["order 17 taken"], "class": "INFREQUENT_ACCESS"});
    stage.aws.put_logs(&group).await.unwrap();
    let counted = json!([
        {"load-balancer": "app/shop/1", "target-group": "targetgroup/api/2", "metric": "RequestCount", "at": -100, "values": [9]},
    ]);
    stage.aws.put_metrics(&counted).await.unwrap();
    let target = stage.moved((1, 2), None);
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [target]}).to_string();
    let arn = format!("arn:aws:lambda:{}:{}:function:{FUNCTION}", stage.aws.region(), stage.aws.id);
    stage.aws.lambda("POST", &format!("/2017-03-31/tags/{arn}"), &json!({"Tags": {"stage": "prd"}})).await.unwrap();
    stage
        .input("environment", ENVIRONMENT)
        .input("function", FUNCTION)
        .input("since", super::at(super::RELEASED))
        .input("window", "1m")
        .input("settle", "1s")
        .input("alarms", "lines")
        .input("error-rate-source", "lambda\nalb:targetgroup/api/2")
        .input("synthetic-requests", "1")
        .input("expected-tags", "stage=prd")
        .input("state", captured)
        .input("on-failure", "rollback")
        .grants(&[Permission::Deployments.write()])
}

/// A service whose new image answers half of the requests with 5xx: it is put back.
async fn service() -> Stage {
    let mut stage = deploy_service::table::begin().await;
    let second = deploy_service::table::service(&mut stage, "web", &json!({"balanced": true})).await;
    let digests = [stage.image(0).await, second];
    let (group, balancer) = deploy_service::table::deploy_second(&stage, &digests[1]).await;
    deploy_service::table::stop_a_task(&stage).await;
    let series = |metric: &str, value: u32| json!({"load-balancer": balancer, "target-group": group, "metric": metric, "at": -100, "values": [value]});
    let counted = json!([series("RequestCount", 60), series("HTTPCode_Target_5XX_Count", 30)]);
    stage.aws.put_metrics(&counted).await.unwrap();
    let previous = json!({"task-definition": "web:1", "images": {"web": digests[0]}});
    let moved = json!({"task-definition": "web:2", "images": {"web": digests[1]}, "previous": previous});
    let moved = stage.aws.service_target("web", &moved);
    stage.record_of(RUN, 2, &moved, &["success"]);
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [moved]});
    stage
        .input("environment", ENVIRONMENT)
        .input("cluster", "main")
        .input("service", "web")
        .input("since", super::at(-180))
        .input("window", "2m")
        .input("settle", "1s")
        .input("state", captured.to_string())
        .input("on-failure", "rollback")
        .grants(&[Permission::Deployments.write()])
}
