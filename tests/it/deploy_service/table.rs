//! deploy-service of another image than the one that runs.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::{ImageSpec, ServiceSpec, Settings};

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, REPOSITORY, Scene, Stage};

const ONE: &str = "deploy-service";
const TWO: &str = "deploy-service:two-services";
const SHIFTED: &str = "deploy-service:blue-green";
const FAILING: &str = "deploy-service:failing";
const ADOPTED: &str = "deploy-service:adopt";
const GATED: &str = "deploy-service:gated";
const JUDGED: &str = "deploy-service:judged";
const GATE: &[When] = &[When::ShiftedTraffic, When::Continues];
const ANSWERS: &[&str] =
    &["ecs:ContinueServiceDeployment", "elasticloadbalancing:DescribeTargetGroups", "cloudwatch:GetMetricData"];
const ALL: &[When] = &[When::ShiftedTraffic, When::Continues, When::TargetGroup, When::Alarms, When::OwnRevisions];
const MORE: &[&str] = &[
    "cloudwatch:ListMetrics",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListAlarmMuteRules",
    "cloudwatch:DescribeAlarmContributors",
];
const WHY: &[&str] = &["ecs:ListTasks", "ecs:DescribeTasks"];
const TAKEN_BACK: &[&str] = &["ecs:ListTasks", "ecs:DescribeTasks", "ecs:DeregisterTaskDefinition"];
const FLOOR: &[(usize, &str)] = &[(1, "the account, by which the record knows its place"), (1, "the tree")];

const OF_A_GATE: &[(usize, &str)] =
    &[FLOOR[0], FLOOR[1], (1, "a second look: two readings in a row must show the same numbers")];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(one())).floor(16, FLOOR),
        Scene::new(TWO, || Box::pin(two())).floor(19, FLOOR),
        Scene::new(SHIFTED, || Box::pin(shifted())).floor(17, FLOOR),
        Scene::new(ADOPTED, || Box::pin(adopted())).floor(12, FLOOR),
        Scene::new(GATED, || Box::pin(gated())).floor(25, OF_A_GATE),
        Scene::new(FAILING, || Box::pin(failing())).for_permissions_of_a_failure(),
        Scene::new(JUDGED, || Box::pin(judged())).for_permissions_of_a_failure(),
    ],
    role: &[
        Variant::whole(ONE, &[], WHY),
        Variant::special(ONE, "by tag", a::image_by_tag, &[When::ImageByTag], &["ecr:DescribeImages"]),
        Variant::special(ONE, "own revision", a::own_revision, &[When::OwnRevisions], &["ecs:ListTaskDefinitions"]),
        Variant::special(FAILING, "", a::as_it_is, &[When::OwnRevisions, When::OfTasks], TAKEN_BACK).ends("fail", 1),
        Variant::special(SHIFTED, "", a::as_it_is, &[When::ShiftedTraffic], &["elasticloadbalancing:DescribeRules"]),
        Variant::special(GATED, "", a::as_it_is, GATE, ANSWERS),
        Variant::special(JUDGED, "", a::as_it_is, ALL, MORE).ends("fail", 1),
    ],
    token: &[
        Variant::whole(ONE, &[], &[]),
        Variant::special(ONE, "record required", a::record_required, &[When::RecordRequired], &["deployments: write"]),
        Variant::special(ADOPTED, "adopt", a::as_it_is, &[When::Adopt], &["deployments: write"]),
        Variant::special(ONE, "after another run", a::after_another_deployment, &[When::OtherRun], &["actions: read"]),
        Variant::special(
            ONE,
            "requires migrations",
            a::requires_migrations,
            &[When::RequiresMigrations],
            &["deployments: read"],
        )
        .ends("fail", 1),
    ],
    hostile: |world| {
        let deploy = world.step("deploy-service").input("cluster", "main").input("service", "web");
        vec![deploy.input("image", "shop-api:v1").into()]
    },
};

/// A service whose tasks run the first image; it is to get the second.
pub(crate) async fn service(stage: &mut Stage, name: &str, fields: &serde_json::Value) -> String {
    let digests = [stage.image(0).await, stage.image(1).await];
    let image = stage.aws.image_uri(REPOSITORY, &digests[0]);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    }]});
    let role = match name {
        "web" => stage.aws.create_role_with_trust("web-task", &trust).await.unwrap(),
        _ => stage.aws.role_arn("web-task"),
    };
    let roles = json!({
        "taskRoleArn": role, "executionRoleArn": role, "tags": [{"key": "deploy-action", "value": stage.commits[0]}],
    });
    let spec = ServiceSpec::new(name, &image).fields(fields).definition(&roles);
    let is_balanced = fields["deploymentConfiguration"]["strategy"].is_string() || fields["balanced"] == true;
    let spec = if is_balanced { spec.balanced() } else { spec };
    stage.aws.create_service(&spec).await.unwrap();
    digests[1].clone()
}

pub(crate) async fn begin() -> Stage {
    let stage = Stage::new().await;
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    stage
}

fn guarded() -> serde_json::Value {
    json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}})
}

/// Its second image ends at once; a family without a service is to get it, too.
async fn failing() -> Stage {
    let mut stage = begin().await;
    service(&mut stage, "web", &guarded()).await;
    let spec = ImageSpec::new(REPOSITORY).release("1.9.0", &stage.commits[1]).behaviour("- do: exit 1");
    let digest = stage.aws.push_image(&spec).await.unwrap();
    let old = stage.image(0).await;
    let body = json!({
        "family": "shop-nightly", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "app", "image": stage.aws.image_uri(REPOSITORY, &old), "essential": true}],
    });
    stage.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
    stage.ready(&format!("{REPOSITORY}@{digest}"), "web").input("tasks", "shop-nightly")
}

async fn one() -> Stage {
    let mut stage = begin().await;
    let digest = service(&mut stage, "web", &guarded()).await;
    stage.ready(&format!("{REPOSITORY}@{digest}"), "web")
}

async fn two() -> Stage {
    let mut stage = begin().await;
    let digest = service(&mut stage, "web", &json!({})).await;
    let old = stage.image(0).await;
    let spec = ServiceSpec::new("worker", &stage.aws.image_uri(REPOSITORY, &old));
    stage.aws.create_service(&spec).await.unwrap();
    stage
        .commit(1)
        .input("environment", ENVIRONMENT)
        .input("cluster", "main")
        .input("services", format!("web: {REPOSITORY}@{digest}\nworker: {REPOSITORY}@{digest}"))
}

async fn shifted() -> Stage {
    let mut stage = begin().await;
    let fields = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}});
    let digest = service(&mut stage, "web", &fields).await;
    stage.ready(&format!("{REPOSITORY}@{digest}"), "web")
}

/// Another tool has deployed the second image, and nothing is recorded yet.
async fn adopted() -> Stage {
    let mut stage = begin().await;
    let digest = service(&mut stage, "web", &guarded()).await;
    give_second(&stage, &digest).await;
    stage.aws.advance(60.0).await.unwrap();
    stage.ready(&format!("{REPOSITORY}@{digest}"), "web").input("adopt", "true")
}

/// A canary that waits before each step of its traffic, and does not bake; a minute in which a hook may be answered is a moment.
async fn canary(stage: &mut Stage) -> String {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]});
    let fields = json!({"deploymentConfiguration": {
        "strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 0},
        "bakeTimeInMinutes": 0, "lifecycleHooks": [pause],
    }});
    let digest = service(stage, "web", &fields).await;
    stage.aws.settings(&Settings { ecs_minute: Some(0.1), ..Settings::default() }).await.unwrap();
    digest
}

/// Nobody meets the new tasks, and the traffic moves on.
async fn gated() -> Stage {
    let mut stage = begin().await;
    let digest = canary(&mut stage).await;
    let stage = stage.ready(&format!("{REPOSITORY}@{digest}"), "web").input("on-pause", "continue");
    stage.input("window", "1s").input("settle", "0s").input("on-inconclusive", "proceed")
}

/// A log alarm turns red while the new tasks have their share, and a target group is counted that the inputs name.
async fn judged() -> Stage {
    let mut stage = begin().await;
    let digest = canary(&mut stage).await;
    let red = json!([
        {"name": "lines", "type": "log", "state": "OK", "at": -3600},
        {"name": "lines", "type": "log", "state": "ALARM", "at": 8},
    ]);
    stage.aws.put_alarms(&red).await.unwrap();
    let counted = json!([
        {"load-balancer": "app/shop/1", "target-group": "targetgroup/api/2", "metric": "RequestCount", "at": -100, "values": [9]},
    ]);
    stage.aws.put_metrics(&counted).await.unwrap();
    let stage = stage.ready(&format!("{REPOSITORY}@{digest}"), "web").input("on-pause", "continue");
    let stage = stage.input("window", "12s").input("settle", "1s").input("alarms", "lines");
    stage.input("error-rate-source", "alb:targetgroup/api/2")
}

impl Stage {
    fn ready(self, image: &str, service: &str) -> Self {
        self.commit(1)
            .input("environment", ENVIRONMENT)
            .input("cluster", "main")
            .input("service", service)
            .input("image", image)
    }
}

/// Gives the service `web` its second revision by hand: the first with this image.
pub(crate) async fn give_second(stage: &Stage, digest: &str) {
    let body = json!({"taskDefinition": "web:1"});
    let mut wanted = stage.aws.ecs("DescribeTaskDefinition", &body).await.unwrap()["taskDefinition"].clone();
    wanted["containerDefinitions"][0]["image"] = json!(stage.aws.image_uri(REPOSITORY, digest));
    let kept = [
        "family",
        "containerDefinitions",
        "taskRoleArn",
        "executionRoleArn",
        "networkMode",
        "cpu",
        "memory",
        "requiresCompatibilities",
    ];
    let body: serde_json::Map<String, serde_json::Value> =
        kept.iter().filter_map(|name| Some(((*name).to_owned(), wanted.get(*name)?.clone()))).collect();
    stage.aws.ecs("RegisterTaskDefinition", &body.into()).await.unwrap();
    give(stage, "web:2").await;
}

/// Gives the service `web` a revision by hand.
pub(crate) async fn give(stage: &Stage, revision: &str) {
    let body = json!({"cluster": "main", "service": "web", "taskDefinition": revision});
    stage.aws.ecs("UpdateService", &body).await.unwrap();
}

/// The same, and waits until it has the users; with its target group and the load balancer before that, as metrics name them.
pub(crate) async fn deploy_second(stage: &Stage, digest: &str) -> (String, String) {
    give_second(stage, digest).await;
    stage.aws.advance(60.0).await.unwrap();
    let body = json!({"cluster": "main", "services": ["web"]});
    let service = stage.aws.ecs("DescribeServices", &body).await.unwrap()["services"][0].clone();
    let group = service["loadBalancers"][0]["targetGroupArn"].as_str().unwrap().to_owned();
    let form = [("TargetGroupArns.member.1", group.as_str())];
    let answer = stage.aws.query("elasticloadbalancing", "DescribeTargetGroups", &form).await.unwrap().text();
    let balancer = answer.split("loadbalancer/").nth(1).unwrap().split('<').next().unwrap().to_owned();
    (group.splitn(6, ':').nth(5).unwrap().to_owned(), balancer)
}

/// Somebody stops a task of the service `web`.
pub(crate) async fn stop_a_task(stage: &Stage) {
    let tasks = stage.aws.ecs("ListTasks", &json!({"cluster": "main", "serviceName": "web"})).await.unwrap();
    let body = json!({"cluster": "main", "task": tasks["taskArns"][0], "reason": "by hand"});
    stage.aws.ecs("StopTask", &body).await.unwrap();
    stage.aws.advance(5.0).await.unwrap();
}
