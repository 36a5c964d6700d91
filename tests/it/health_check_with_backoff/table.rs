//! health-check-with-backoff after a swap whose record is open.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::web::{Answer, WebServer};

use crate::hostile::{HEADER, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{EXECUTIONS, Variant, arranged as a};
use crate::proof::scenes::{FUNCTION, Scene, Stage};
use crate::world::RUN;

const BY_FUNCTION: &str = "health-check-with-backoff:function";
const BY_SERVICE: &str = "health-check-with-backoff:service";
const BY_URL: &str = "health-check-with-backoff:url";
const ALONE: &[When] = &[When::Function];
const BESIDE: &[When] = &[When::FunctionBesideUrl];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "health-check-with-backoff",
    scenes: &[
        Scene::new(BY_FUNCTION, || Box::pin(function())).floor(5, &[]),
        Scene::new(BY_URL, || Box::pin(url())).floor(4, &[]),
        Scene::new(BY_SERVICE, || Box::pin(service())).for_permissions_of_a_failure(),
    ],
    role: &[
        Variant::whole(BY_FUNCTION, ALONE, &[]),
        Variant::special(BY_FUNCTION, "unhealthy", a::unhealthy, ALONE, &["lambda:GetAlias", "lambda:GetFunction"])
            .ends("fail", 1),
        Variant::whole(BY_URL, BESIDE, &["lambda:InvokeFunction"]),
        Variant::special(BY_URL, "unhealthy", a::unhealthy, BESIDE, &[]).ends("fail", 1),
        Variant::special(BY_FUNCTION, "durable", a::durable, &[When::Function, When::Durable], EXECUTIONS),
        Variant::whole(BY_SERVICE, &[When::OfServices, When::Balanced], &[]).ends("fail", 1),
    ],
    token: &[],
    hostile: |world| {
        let check = || world.check("health-check-with-backoff");
        let url = world.health.url("/health?key=value");
        vec![
            Try::with_secrets(check().input("function", "shop-api"), &[HEADER]),
            Try::with_secrets(check().input("url", url), &[HEADER]),
        ]
    },
};

/// A function, invoked through its alias.
async fn function() -> Stage {
    let stage = swapped().await;
    stage.input("function", FUNCTION).input("expect-version", "2").input("success-threshold", "2")
}

/// A URL; the function is there to explain.
async fn url() -> Stage {
    let mut stage = swapped().await;
    let commit = stage.commits[1].clone();
    let good = Answer::json(&json!({"commit": commit}));
    let server = WebServer::start([good.clone()]);
    let url = server.url("/health");
    stage.web = Some((server, good));
    stage
        .input("url", url)
        .input("function", FUNCTION)
        .input("expect-version", commit)
        .input("version-from", "json:/commit")
        .input("success-threshold", "2")
}

async fn swapped() -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    stage.move_alias(2).await;
    let record = stage.record_of(RUN, 2, &stage.moved((1, 2), Some(&digests[1])), &["in_progress"]);
    stage
        .input("deployment-id", record.to_string())
        .input("attempts", "6")
        .input("base-wait", "100ms")
        .input("max-wait", "1s")
}

/// A URL that does not answer well; the service behind it is there to explain.
async fn service() -> Stage {
    let mut stage = crate::deploy_service::table::begin().await;
    crate::deploy_service::table::service(&mut stage, "web", &json!({"balanced": true})).await;
    crate::deploy_service::table::stop_a_task(&stage).await;
    let bad = Answer::status(503);
    let server = WebServer::start([bad.clone()]);
    let url = server.url("/health");
    stage.web = Some((server, bad));
    stage.input("url", url).input("attempts", "1").input("cluster", "main").input("service", "web")
}
