//! swap-alias from the version that serves to the next, with its record.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::Settings;

use super::oidc;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, Scene, Stage};

/// What all swaps cost more than they must.
const LOOKED_FOR: (usize, &str) = (1, "records of other runs are looked for once it is decided to swap");
const TREE: (usize, &str) = (1, "the tree is read once nobody is in the way");

const CANARY: &str = "swap-alias:canary";
const EVERYTHING: &str = "swap-alias:canary-with-everything";
/// What a canary asks that a swap does not.
const WATCHES: &[&str] =
    &["lambda:GetFunctionUrlConfig", "cloudwatch:GetMetricData", "logs:DescribeLogGroups", "logs:FilterLogEvents"];
const ALL: &[When] =
    &[When::Canary, When::TargetGroup, When::InfrequentLog, When::Alarms, When::Samples, When::Durable];
/// What only the canary with everything comes to.
const MORE: &[&str] = &[
    "cloudwatch:ListMetrics",
    "logs:StartQuery",
    "logs:GetQueryResults",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListAlarmMuteRules",
    "cloudwatch:DescribeAlarmContributors",
    "lambda:InvokeFunction",
    "lambda:ListDurableExecutionsByFunction",
    "lambda:StopDurableExecution",
];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "swap-alias",
    scenes: &[
        Scene::new("swap-alias", || Box::pin(one())).floor(9, &[LOOKED_FOR, TREE]),
        Scene::new("swap-alias:two-functions", || Box::pin(two())).floor(
            7,
            &[
                (1, "functions are moved one after the other, so that a failure leaves the fewest to put back"),
                LOOKED_FOR,
                TREE,
            ],
        ),
        Scene::new("swap-alias:run-ended", || Box::pin(after_a_run_that_ended()))
            .floor(11, &[LOOKED_FOR, TREE, (1, "statuses are read one record at a time")]),
        Scene::new("swap-alias:provisioned", || Box::pin(provisioned())).floor(10, &[LOOKED_FOR, TREE]),
        Scene::new("swap-alias:adopt", || Box::pin(adopted())).floor(5, &[TREE]),
        Scene::new(CANARY, || Box::pin(canary()))
            .splits_traffic()
            .floor(18, &[LOOKED_FOR, TREE, (2, "what is to be expected is read before the first write")]),
        Scene::new(EVERYTHING, || Box::pin(everything())).for_permissions_of_a_failure(),
        Scene::new("swap-alias:oidc", || Box::pin(oidc::oidc())).floor(11, &[LOOKED_FOR, TREE]),
    ],
    role: &[
        Variant::whole("swap-alias", &[], &[]),
        Variant::special("swap-alias", "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
        Variant::special(CANARY, "", a::as_it_is, &[When::Canary], WATCHES),
        Variant::special(EVERYTHING, "", a::durable, ALL, MORE).ends("fail", 1),
        Variant::special("swap-alias", "first", a::first_alias, &[When::CreateAlias], &["lambda:CreateAlias"]),
    ],
    token: &[
        Variant::whole("swap-alias", &[], &[]),
        Variant::special(
            "swap-alias",
            "record required",
            a::record_required,
            &[When::RecordRequired],
            &["deployments: write"],
        ),
        Variant::special("swap-alias", "adopt", a::adopting, &[When::Adopt], &["deployments: write"]),
        Variant::special(
            "swap-alias",
            "after another run",
            a::after_another_run,
            &[When::OtherRun],
            &["actions: read"],
        ),
        Variant::special(
            "swap-alias",
            "requires migrations",
            a::requires_migrations,
            &[When::RequiresMigrations],
            &["deployments: read"],
        )
        .ends("fail", 1),
    ],
    hostile: |world| {
        let swap = world.step("swap-alias").input("function", "shop-api").input("version", "3");
        let adopt = world.step("swap-alias").input("function", "shop-api").input("version", "2").input("adopt", "true");
        vec![swap.input("allow-downgrade", "true").into(), adopt.into()]
    },
};

/// One function, whose last release succeeded.
pub(super) async fn one() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(2).await;
    stage.record(600, (1, 2), &["success"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3")
}

/// The same in two increments. Nobody asks the function anything, and the traffic moves on.
async fn canary() -> Stage {
    let stage = one().await;
    stage.aws.put_logs(&json!({"function": FUNCTION})).await.unwrap();
    let stage = stage.input("strategy", "canary 50% 1s").input("settle", "0s");
    stage.input("on-inconclusive", "proceed")
}

/// A log alarm that turns red, a log that is read by a query, a target group, and sample requests.
async fn everything() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(2).await;
    let red = json!([
        {"name": "lines", "type": "log", "state": "OK", "at": -3600},
        {"name": "lines", "type": "log", "state": "ALARM", "at": 12},
    ]);
    stage.aws.put_alarms(&red).await.unwrap();
    let group =
        json!({"function": FUNCTION, "version": "2", "lines": ["order 17 taken"], "class": "INFREQUENT_ACCESS"});
    stage.aws.put_logs(&group).await.unwrap();
    let counted = json!([
        {"load-balancer": "app/shop/1", "target-group": "targetgroup/api/2", "metric": "RequestCount", "at": -100, "values": [9]},
    ]);
    stage.aws.put_metrics(&counted).await.unwrap();
    stage
        .input("environment", ENVIRONMENT)
        .input("function", FUNCTION)
        .input("version", "2")
        .input("strategy", "canary 50% 20s")
        .input("settle", "1s")
        .input("alarms", "lines")
        .input("error-rate-source", "lambda\nalb:targetgroup/api/2")
        .input("synthetic-requests", "10")
}

/// Another tool has moved the alias, and nothing is recorded yet.
async fn adopted() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    let stage = stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("version", "3");
    stage.input("adopt", "true")
}

/// The same of an alias with provisioned concurrency, which AWS moves a moment after the write.
async fn provisioned() -> Stage {
    let stage = one().await;
    stage.aws.provision(FUNCTION, "live", 1).await.unwrap();
    let slow = Settings { provisioned_concurrency_delay: Some(0.5), ..Settings::default() };
    stage.aws.settings(&slow).await.unwrap();
    stage
}

/// The same, after a run that was cancelled and left its record open.
async fn after_a_run_that_ended() -> Stage {
    let stage = one().await;
    stage.left_open("deploy", "live");
    stage
}

/// Two functions, both or none; the record stays open for the checks of the job.
async fn two() -> Stage {
    let mut stage = Stage::with_function(2).await;
    stage.shop("shop-web", 2).await;
    let versions = format!("{FUNCTION}=2\nshop-web=2");
    stage.input("environment", ENVIRONMENT).input("versions", versions).input("record", "open")
}
