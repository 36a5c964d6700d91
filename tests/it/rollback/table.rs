//! rollback of what this run put there, to what succeeded before.

use deploy_action::permissions::When;
use serde_json::{Value, json};
use testbed::runner::Runner;

use crate::deploy_service::table::{begin, give, give_second, service};
use crate::hostile::{self, HEADER, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Arranging, EXECUTIONS, Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, REPOSITORY, Scene, Stage};
use crate::publish_site::table::{
    IN_STORE, NAMES as SITE_NAMES, ORIGIN, at, expected_tags as site_with_tags, publish, publish_by, publish_to,
    publish_with, site, site_by_key, site_by_origin,
};
use crate::world::RUN;

const IMAGE: &str = "rollback:image";
const SERVICE: &str = "rollback:service";
const SITE: &str = "rollback:site";
const SITE_BY_KEY: &str = "rollback:site-by-key";
const SITE_BY_ORIGIN: &str = "rollback:site-by-origin";
const SITE_FUNCTION: &str = "rollback:site-behind-a-function";
const HISTORY: &str = "rollback:service-by-history";
const FAMILY: &str = "rollback:service-with-a-family";
const PAUSED: &str = "rollback:service-paused";
const WHY_STOPPED: &[&str] = &["ecs:ListTasks", "ecs:DescribeTasks"];
const REGISTERS: &[&str] = &["ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"];
const STOPS: &[&str] = &["ecs:StopServiceDeployment"];
const TO_IMAGE: When = When::ImageVersion;
const CODE_ACTIONS: &[&str] = &["lambda:ListAliases", "lambda:ListVersionsByFunction", "lambda:UpdateFunctionCode"];
const READS_IMAGE: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const LIST: &[&str] = &["lambda:ListVersionsByFunction"];
const LISTS_ORIGIN: &[&str] = &[ORIGIN[0], ORIGIN[1], "s3:ListBucket"];
const INVOKE: &[&str] = &["lambda:InvokeFunction"];
/// What all rollbacks cost more than they must.
const ACCOUNT: (usize, &str) = (1, "the account, by which records and `state` know their place");
const STATUSES: (usize, &str) = (
    1,
    "statuses are read one record at a time, newest first, and those of what is undone after the write: a long history costs no \
     more than a short one",
);
const TREE: (usize, &str) = (1, "the tree");

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "rollback",
    scenes: &[
        Scene::new("rollback:record", || Box::pin(by_record())).floor(9, &[ACCOUNT, STATUSES, TREE]),
        Scene::new("rollback:state", || Box::pin(by_state())).floor(9, &[ACCOUNT, STATUSES, TREE]),
        Scene::new("rollback:code", || Box::pin(of_code()))
            .floor(11, &[ACCOUNT, STATUSES, TREE, (1, "the version is read once more before its code")]),
        Scene::new(IMAGE, || Box::pin(of_an_image())).for_permissions(),
        Scene::new("rollback:code-of-image", || Box::pin(of_code_in_an_image())).for_permissions(),
        Scene::new(SERVICE, || Box::pin(of_a_service())).floor(12, &[ACCOUNT, STATUSES, TREE]),
        Scene::new(SITE, || Box::pin(of_a_site())).floor(14, &[ACCOUNT, STATUSES]),
        Scene::new(SITE_BY_KEY, || Box::pin(of_a_site_by_key())).for_permissions(),
        Scene::new(SITE_BY_ORIGIN, || Box::pin(of_a_site_by_origin())).killed_at_its_own_writes(),
        Scene::new(SITE_FUNCTION, || Box::pin(of_a_site_behind_a_function())).for_permissions(),
        Scene::new(FAMILY, || Box::pin(of_a_service_with_a_family())).for_permissions(),
        Scene::new(HISTORY, || Box::pin(of_a_service_without_a_record())).for_permissions(),
        Scene::new(PAUSED, || Box::pin(of_a_service_that_waits())).for_permissions(),
    ],
    role: &[
        Variant::special("rollback:code", "", a::as_it_is, &[When::OfFunctions, When::Code], CODE_ACTIONS),
        Variant::special(
            "rollback:code-of-image",
            "",
            a::as_it_is,
            &[When::OfFunctions, When::Code, When::CodeOfImage],
            READS_IMAGE,
        ),
        Variant::whole("rollback:record", &[When::OfFunctions, When::ByRecord], LIST),
        Variant::special("rollback:state", "", a::as_it_is, &[When::OfFunctions], &["lambda:UpdateAlias"]),
        Variant::special(
            "rollback:state",
            "tags",
            a::expected_tags,
            &[When::OfFunctions, When::ExpectedTags],
            &["lambda:ListTags"],
        ),
        Variant::special(
            "rollback:state",
            "provisioned concurrency",
            a::provisioned,
            &[When::OfFunctions, When::Provisioned],
            &["lambda:GetProvisionedConcurrencyConfig"],
        ),
        Variant::special(IMAGE, "", a::to_version_2, &[When::OfFunctions, TO_IMAGE], &["ecr:BatchGetImage"]),
        Variant::special(IMAGE, "idle", a::idle, &[When::OfFunctions, TO_IMAGE, When::Idle], INVOKE),
        Variant::special(
            IMAGE,
            "with its health",
            a::with_health,
            &[When::OfFunctions, TO_IMAGE, When::HealthOfFunction],
            INVOKE,
        ),
        Variant::special(
            IMAGE,
            "durable",
            a::durable_with_health,
            &[When::OfFunctions, TO_IMAGE, When::HealthOfFunction, When::Durable],
            EXECUTIONS,
        ),
        Variant::special(IMAGE, "by guess", a::by_guess, &[When::OfFunctions, TO_IMAGE, When::Guess], LIST),
        Variant::special(IMAGE, "to one that is gone", a::to_version_9, &[When::OfFunctions, TO_IMAGE], LIST)
            .ends("fail", 1),
        Variant::special(
            IMAGE,
            "not healthy at its url",
            a::unhealthy_url,
            &[When::OfFunctions, TO_IMAGE, When::Url],
            INVOKE,
        )
        .ends("fail", 3),
        Variant::whole(SITE, &[When::OfSites, When::OfSitesBehindDistribution], &[]).names(SITE_NAMES),
        Variant::special(
            SITE,
            "tags",
            site_with_tags,
            &[When::OfSites, When::OfSitesBehindDistribution, When::OfTaggedSites],
            &["s3:GetBucketTagging"],
        )
        .names(SITE_NAMES),
        Variant::special(
            SITE_FUNCTION,
            "",
            a::as_it_is,
            &[When::OfSites, When::OfSitesBehindDistribution, When::EdgeFunction],
            &["cloudfront:DescribeFunction"],
        )
        .names(SITE_NAMES),
        Variant::special(
            SITE_BY_KEY,
            "",
            a::as_it_is,
            &[When::OfSites, When::OfSitesBehindDistribution, When::EdgeFunction, When::PointerInStore],
            IN_STORE,
        )
        .names(SITE_NAMES),
        Variant::special(
            SITE_BY_ORIGIN,
            "",
            a::as_it_is,
            &[When::OfSites, When::OfSitesBehindDistribution, When::PointerIsOriginPath],
            LISTS_ORIGIN,
        )
        .names(SITE_NAMES),
        Variant::whole(SERVICE, &[When::OfServices], WHY_STOPPED),
        Variant::special(SERVICE, "does not start", does_not_start, &[When::OfServices], WHY_STOPPED).ends("fail", 3),
        Variant::special(SERVICE, "inactive", inactive, &[When::OfServices, When::Registered], REGISTERS),
        Variant::special(SERVICE, "in progress", in_progress, &[When::OfServices, When::InProgress], STOPS),
        Variant::special(FAMILY, "", a::as_it_is, &[When::OfServices, When::Registered], REGISTERS),
        Variant::special(HISTORY, "", a::as_it_is, &[When::OfServices, When::History], &["ecs:ListServiceDeployments"]),
        Variant::special(
            PAUSED,
            "",
            a::as_it_is,
            &[When::OfServices, When::Paused],
            &["ecs:ContinueServiceDeployment"],
        ),
    ],
    token: &[
        Variant::whole("rollback:record", &[When::ByRecord], &[]),
        Variant::whole("rollback:state", &[], &[]),
        Variant::special(
            "rollback:state",
            "after another run",
            a::after_another_rollback,
            &[When::OtherRun],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let rollback = world.check("rollback").input("function", "shop-api").input("path", "/health");
        vec![Try::with_secrets(rollback.input("reason", hostile::description()), &[HEADER])]
    },
};

/// By the record alone.
async fn by_record() -> Stage {
    swapped().await
}

/// The same of a function from images, without a record of them.
async fn of_an_image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("reason", "its health check failed")
}

/// By what swap-alias handed over.
async fn by_state() -> Stage {
    let stage = swapped().await;
    let captured = json!({
        "form": 1, "run": {"id": RUN, "attempt": 1},
        "targets": [stage.moved((2, 3), None)],
    });
    stage.input("state", captured.to_string())
}

/// Version 2 succeeded, this run put 3 in its place, and its checks failed.
async fn swapped() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("reason", "its health check failed")
}

/// Of a function that users call without an alias: the code of version 1 succeeded, and this run put that of version 2 in its
/// place.
async fn of_code() -> Stage {
    let stage = Stage::with_function(2).await;
    let [first, second] = [stage.code_of("1").await, stage.code_of("2").await];
    unqualified(stage, "code_sha256", [first, second]).await
}

/// The same of an image.
async fn of_code_in_an_image() -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    unqualified(stage, "digest", [json!(digests[0]), json!(digests[1])]).await
}

/// What has this hash or digest was replaced.
async fn unqualified(stage: Stage, field: &str, [first, second]: [Value; 2]) -> Stage {
    let before = stage.aws.target(FUNCTION, "$LATEST", &json!({field: first}));
    let previous = json!({"version": "1", "weights": {}, "digest": null, field: first});
    let after = stage.aws.target(FUNCTION, "$LATEST", &json!({field: second, "previous": previous}));
    stage.record_of(600, 1, &before, &["success"]);
    stage.record_of(RUN, 2, &after, &["in_progress"]);
    stage.no_alias().await;
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": [after]});
    let stage = stage.input("environment", ENVIRONMENT).input("function", FUNCTION).input("mode", "code");
    stage.input("state", captured.to_string())
}

/// Of a service, by what deploy-service handed over.
async fn of_a_service() -> Stage {
    let (stage, digests) = service_given(&json!({})).await;
    by_what_was_handed_over(stage, &digests, [None, None])
}

/// With it a family got the second image that no service has.
async fn of_a_service_with_a_family() -> Stage {
    let (stage, digests) = service_given(&json!({})).await;
    for digest in &digests {
        let image = stage.aws.image_uri(REPOSITORY, digest);
        let body = json!({
            "family": "shop-nightly", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "taskRoleArn": stage.aws.role_arn("web-task"), "executionRoleArn": stage.aws.role_arn("web-task"),
            "containerDefinitions": [{"name": "app", "image": image, "essential": true}],
            "tags": [{"key": "deploy-action", "value": stage.commits[1]}],
        });
        stage.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
    }
    let previous = json!({"task-definition": "shop-nightly:1", "images": {"app": digests[0]}});
    let moved = json!({"task-definition": "shop-nightly:2", "images": {"app": digests[1]}, "previous": previous});
    let families = [&previous, &moved].map(|more| Some(stage.aws.family_target("shop-nightly", more)));
    by_what_was_handed_over(stage, &digests, families)
}

fn by_what_was_handed_over(stage: Stage, digests: &[String; 2], families: [Option<Value>; 2]) -> Stage {
    let images = |number: usize| json!({"web": digests[number]});
    let previous = json!({"task-definition": "web:1", "images": images(0)});
    let moved = json!({"task-definition": "web:2", "images": images(1), "previous": previous});
    let moved = stage.aws.service_target("web", &moved);
    let before = json!({"task-definition": "web:1", "images": images(0)});
    let [old, new] = families;
    let before: Value = std::iter::once(stage.aws.service_target("web", &before)).chain(old).collect();
    let moved: Value = std::iter::once(moved).chain(new).collect();
    stage.record_of(600, 1, &before, &["success"]);
    stage.record_of(RUN, 2, &moved, &["in_progress"]);
    let captured = json!({"form": 1, "run": {"id": RUN, "attempt": 1}, "targets": moved});
    service_back(stage).input("state", captured.to_string())
}

async fn of_a_service_without_a_record() -> Stage {
    service_back(service_given(&json!({})).await.0).input("scope", "any")
}

async fn of_a_service_that_waits() -> Stage {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 60, "action": "CONTINUE"}});
    let fields = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]}});
    let stage = service_given(&fields).await.0;
    stage.aws.advance(5.0).await.unwrap();
    service_back(stage).input("to", "web:1")
}

/// A service that ran the first image, and was given the second one since.
async fn service_given(fields: &Value) -> (Stage, [String; 2]) {
    let mut stage = begin().await;
    let second = service(&mut stage, "web", fields).await;
    let first = stage.image(0).await;
    give_second(&stage, &second).await;
    if !fields["deploymentConfiguration"].is_object() {
        stage.aws.advance(60.0).await.unwrap();
    }
    (stage, [first, second])
}

fn service_back(stage: Stage) -> Stage {
    stage
        .input("environment", ENVIRONMENT)
        .input("cluster", "main")
        .input("service", "web")
        .input("reason", "its health check failed")
}

/// Its task definition of before is not ACTIVE any more.
fn inactive(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.ecs("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"})).await.unwrap();
        runner
    })
}

/// The tasks of before do not start any more.
fn does_not_start(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let broken = json!({"break": {"at": "SCALE_UP", "reason": "tasks failed to start"}});
        stage.aws.script_deployment("web", &broken).await.unwrap();
        runner
    })
}

/// Its deployment is on its way.
fn in_progress(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        give(stage, "web:1").await;
        stage.aws.advance(60.0).await.unwrap();
        stage.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap();
        give(stage, "web:2").await;
        runner
    })
}

/// A site that has the second release; the first succeeded before it.
async fn of_a_site() -> Stage {
    let mut stage = Stage::new().await;
    let live = site(&mut stage, "live", |spec| spec).await;
    publish(&stage, &live, "live", "1", 0).await;
    let captured = publish_by(RUN, &stage, &live, "live", ("2", 1)).await;
    back(stage, &live).input("state", captured)
}

/// The same, where a key of a store says which one serves.
async fn of_a_site_by_key() -> Stage {
    let mut stage = Stage::new().await;
    let live = site_by_key(&mut stage, "shop-site").await;
    publish_to(&stage, &live, "kvs:shop-site", "1", 0).await;
    let pointer = [("pointer", "kvs:shop-site")];
    let captured = publish_with(RUN, &stage, &live, "live", ("2", 1), &pointer).await;
    back(stage, &live).input("pointer", "kvs:shop-site").input("state", captured)
}

/// The same by the path of an origin.
async fn of_a_site_by_origin() -> Stage {
    let mut stage = Stage::new().await;
    let live = site_by_origin(&mut stage).await;
    publish_to(&stage, &live, "origin-path", "1", 0).await;
    let pointer = [("pointer", "origin-path")];
    let captured = publish_with(RUN, &stage, &live, "live", ("2", 1), &pointer).await;
    back(stage, &live).input("pointer", "origin-path").input("state", captured)
}

/// The same by the record alone, with a function in front.
async fn of_a_site_behind_a_function() -> Stage {
    let mut stage = Stage::new().await;
    let code = "function handler(event) { return event.request; }";
    let pointer = json!({"key": "unused", "release": "r0", "code": code});
    let live = site(&mut stage, "live", |spec| spec.pointer(&pointer)).await;
    publish(&stage, &live, "live", "1", 0).await;
    publish_by(RUN, &stage, &live, "live", ("2", 1)).await;
    at(stage, &live, "live").commit(1)
}

fn back(stage: Stage, live: &testbed::aws::Site) -> Stage {
    at(stage, live, "live").commit(1).input("scope", "any")
}
