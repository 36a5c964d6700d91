//! What is special about a run: prepared by the account's root, and given as inputs.

use serde_json::json;
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{FunctionSpec, Settings};
use testbed::github::{RunState, Workflow};
use testbed::runner::Runner;

use super::variants::Arranging;
use crate::proof::scenes::Stage;

const FUNCTION: &str = "shop-api";
const COMMIT: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

pub(crate) fn as_it_is(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner })
}

pub(crate) fn another_repository(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.create_repository("shop/prd").await.unwrap();
        runner.input("source", "shop/api").input("destination", "shop/prd")
    })
}

/// Every image of the repository is deleted.
pub(crate) fn no_images(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let images = stage.aws.ecr("ListImages", &json!({"repositoryName": "shop/api"})).await.unwrap();
        let all = json!({"repositoryName": "shop/api", "imageIds": images["imageIds"]});
        stage.aws.ecr("BatchDeleteImage", &all).await.unwrap();
        runner
    })
}

/// A function that is to run what is promoted.
pub(crate) fn for_a_function(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let spec = testbed::aws::ImageSpec::new("shop/api").release("1.2.0", COMMIT);
        let digest = stage.aws.push_image(&spec).await.unwrap();
        let function = FunctionSpec::image(FUNCTION, &stage.aws.image_uri("shop/api", &digest));
        stage.aws.create_function(&function).await.unwrap();
        runner.input("function", FUNCTION)
    })
}

pub(crate) fn promoted_before(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let runner = another_repository(stage, runner).await;
        runner.run().await.assert_verdict("pass", 0);
        runner
    })
}

pub(crate) fn expected_tags(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let arn = format!("arn:aws:lambda:{}:{}:function:{FUNCTION}", stage.aws.region(), stage.aws.id);
        let tags = json!({"Tags": {"stage": "prd"}});
        stage.aws.lambda("POST", &format!("/2017-03-31/tags/{arn}"), &tags).await.unwrap().ok().unwrap();
        runner.input("expected-tags", "stage=prd")
    })
}

pub(crate) fn archive(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { stored(stage, runner, false).await })
}

pub(crate) fn archive_with_versions(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { stored(stage, runner, true).await })
}

async fn stored(stage: &Stage, runner: Runner, versions: bool) -> Runner {
    let bucket = format!("shop-{}", stage.aws.id);
    if versions {
        stage.aws.create_bucket(&bucket).await.unwrap();
    } else {
        stage.aws.create_bucket_without_versions(&bucket).await.unwrap();
    }
    stage.aws.s3_put(&bucket, "shop-api/app.zip", sample_zip("1.2.0", COMMIT, GOOD)).await.unwrap();
    runner.input("zip", format!("s3://{bucket}/shop-api/app.zip"))
}

pub(crate) fn image_by_tag(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let spec = testbed::aws::ImageSpec::new("shop/api").release("1.2.0", COMMIT).tag("v2");
        stage.aws.push_image(&spec).await.unwrap();
        runner.input("image", "shop/api:v2")
    })
}

pub(crate) fn lambda_not_let_in(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.ecr("DeleteRepositoryPolicy", &json!({"repositoryName": "shop/api"})).await.unwrap();
        runner
    })
}

pub(crate) fn of_an_alias(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("version", "alias:live") })
}

pub(crate) fn first_alias(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.delete_alias(FUNCTION, "live").await.unwrap();
        runner.input("create-alias", "true")
    })
}

pub(crate) fn unhealthy(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("expect-version", "9").input("success-threshold", "1").input("attempts", "1") })
}

pub(crate) fn unhealthy_url(_: &Stage, runner: Runner) -> Arranging<'_> {
    // Nobody listens there.
    Box::pin(async { runner.input("to", "2").input("url", "http://127.0.0.1:9/health").input("attempts", "1") })
}

pub(crate) fn absent_archive(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let bucket = format!("shop-{}", stage.aws.id);
        stage.aws.create_bucket_without_versions(&bucket).await.unwrap();
        runner.input("zip", format!("s3://{bucket}/shop-api/app.zip"))
    })
}

/// It needs a migration that is not applied.
pub(crate) fn requires_migrations(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("require-migrations", "000016") })
}

pub(crate) fn record_required(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("record", "require") })
}

pub(crate) fn after_another_run(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.left_open("deploy", "live");
        runner.input("on-concurrent", "ignore")
    })
}

pub(crate) fn after_another_release(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.left_open("deploy", "$LATEST");
        runner.input("on-concurrent", "ignore")
    })
}

/// Another run's deployment of the service `web`.
pub(crate) fn after_another_deployment(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let account = testbed::aws::account_hash(&stage.aws.id);
        stage.left_open_at(
            "deploy",
            &json!({"kind": "ecs-service", "cluster": "main", "service": "web", "region": stage.aws.region(), "account": account,
                "version": null}),
        );
        runner.input("on-concurrent", "ignore")
    })
}

/// The newest revision of the family is one of this action's, which no service has.
pub(crate) fn own_revision(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let tags = json!([{"key": "deploy-action", "value": stage.commits[0]}]);
        let image = json!([{"name": "web", "image": "web", "essential": true}]);
        let body = json!({"family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": image, "tags": tags});
        stage.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
        runner
    })
}

/// A rollback, which no other one undoes.
pub(crate) fn after_another_rollback(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.left_open("rollback", "live");
        runner
    })
}

pub(crate) fn tag_asked_for(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.repository.tag("v1.2.3", &stage.commits[1]);
        runner.event("workflow_dispatch", json!({"inputs": {"tag": "v1.2.3"}}))
    })
}

pub(crate) fn commit_named(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let event = json!({"inputs": {"environment": "prd"}});
        runner.event("workflow_dispatch", event).input("rules", "dispatch -> input").input("ref", &stage.commits[1])
    })
}

/// Another tool has moved the alias.
pub(crate) fn adopting(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.move_alias(3).await;
        runner.input("adopt", "true")
    })
}

pub(crate) fn release_promoted(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.repository.tag("v1.2.3", &stage.commits[1]);
        let event = stage.repository.release_event("released", "v1.2.3");
        runner.event("release", event).input("rules", "release -> prd")
    })
}

pub(crate) fn after_ci(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let ci = Workflow { file: "ci.yml".to_owned(), name: "CI".to_owned(), ..Workflow::default() };
        stage.repository.add_workflow(ci);
        let run = stage.repository.add_run("ci.yml", "push", "main", stage.commits.last().unwrap());
        stage.repository.set_run(run, RunState::completed("success"));
        runner.input("ci-workflow", "ci.yml")
    })
}

pub(crate) fn scanned(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.scan_images("BASIC").await.unwrap();
        stage.aws.tell_scan("shop/api", None, &json!({"status": "COMPLETE", "findings": {}})).await.unwrap();
        runner.input("scan", "require")
    })
}

pub(crate) fn dated(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("tag-format", "{environment}-{date}-{short-sha}") })
}

pub(crate) fn squashed(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let tested = stage.repository.deployments().pop().unwrap().sha;
        // The same files, another history.
        let squashed = stage.repository.commit(&[&tested], &[], "Squash");
        runner.input("sha", squashed)
    })
}

pub(crate) fn other_files(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let tested = stage.repository.deployments().pop().unwrap().sha;
        let on_top = stage.repository.commit(&[&tested], &[("docs/guide.md", "more")], "Write");
        runner.input("sha", on_top).input("components", "shop: {paths: ['src/**']}\ndocs: {paths: ['docs/**']}")
    })
}

pub(crate) fn by_the_jobs_token(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("source-username", "").input("source-password", "") })
}

pub(crate) fn to_version_9(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("to", "9") })
}

pub(crate) fn to_version_2(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("to", "2") })
}

pub(crate) fn idle(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.set_configuration(FUNCTION, "2", &json!({"State": "Inactive"})).await.unwrap();
        runner.input("to", "2")
    })
}

/// A durable function whose executions go on after they have answered.
pub(crate) fn durable(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let members = json!({"DurableConfig": {"ExecutionTimeout": 60, "testbed_waits": true}});
        let versions = stage.aws.versions(FUNCTION).await.unwrap();
        for qualifier in versions.iter().map(String::as_str).chain(["$LATEST"]) {
            stage.aws.set_configuration(FUNCTION, qualifier, &members).await.unwrap();
        }
        runner
    })
}

pub(crate) fn provisioned(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.aws.provision(FUNCTION, "live", 1).await.unwrap();
        let slow = Settings { provisioned_concurrency_delay: Some(0.5), ..Settings::default() };
        stage.aws.settings(&slow).await.unwrap();
        runner
    })
}

pub(crate) fn durable_with_health(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { durable(stage, runner.input("to", "2").input("path", "/health")).await })
}

pub(crate) fn with_health(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("to", "2").input("path", "/health") })
}

pub(crate) fn by_guess(_: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async { runner.input("allow-guess", "true") })
}

/// The run goes on for longer than the step has time.
pub(crate) fn stopped(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.repository.add_workflow(Workflow {
            file: "stuck.yml".to_owned(),
            run_name: Some("stuck ${{ github.event.client_payload.deploy_action.id }}".to_owned()),
            repository_dispatch: vec!["stuck".to_owned()],
            ..Workflow::default()
        });
        let runner = runner.input("event-type", "stuck").input("start-timeout", "2s").input("timeout", "3s");
        runner.input("cancel-on-timeout", "true")
    })
}

/// The receiver of an earlier attempt has set the status that is waited for.
pub(crate) fn by_status(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        stage.runner().input("wait", "false").run().await.assert_verdict("pass", 0);
        stage.repository.add_commit_status(stage.commits.last().unwrap(), "integration", "success");
        runner.input("wait-for", "status:integration")
    })
}
