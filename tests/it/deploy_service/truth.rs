//! What the step says of a deployment beside what is true, as a table: `docs/services.md` holds it. `UPDATE_SNAPSHOTS=1` writes it anew.

use std::path::Path;

use futures_util::future::join_all;
use testbed::runner::Running;

use super::*;

const BEGIN: &str = "<!-- truth -->\n\n";
const END: &str = "\n<!-- /truth -->";

/// What happens in a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Good,
    Breaker,
    Going,
    Superseded,
    Zero,
    UnknownKey,
    Tags,
    Hook,
    Listener,
}

/// The rows: what happens, and what is known of other tools there.
const CASES: [(Case, &str, &str); 9] = [
    (
        Case::Good,
        "a good deployment",
        "ecspresso until [2.7](https://github.com/kayac/ecspresso/issues/929): red in one of two where two deployments follow each other ([#899](https://github.com/kayac/ecspresso/issues/899))",
    ),
    (
        Case::Breaker,
        "the circuit breaker rolls back",
        "`amazon-ecs-deploy-task-definition` until 2.6.2 ([#191](https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/191)), `amazon-ecs-deploy-express-service` 1.2.2, `sst deploy` ([#5922](https://github.com/sst/sst/issues/5922)) and `ecspresso wait` ([#1065](https://github.com/kayac/ecspresso/issues/1065)): green",
    ),
    (
        Case::Going,
        "it does not come to an end in time",
        "`amazon-ecs-deploy-task-definition` 2.6.3 takes `IN_PROGRESS` for done ([#838](https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/838)); `amazon-ecs-deploy-express-service` 1.2.2 warns, and is green",
    ),
    (
        Case::Superseded,
        "somebody else deploys in between",
        "`amazon-ecs-deploy-task-definition` 2.6.3 calls it rolled back by the circuit breaker",
    ),
    (Case::Zero, "the service is to have no task", "stable at once for everybody: green"),
    (
        Case::UnknownKey,
        "the task definition has a key that nobody knows",
        "`amazon-ecs-deploy-task-definition` 1: red for every user ([#701](https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/701), [#810](https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/810))",
    ),
    (
        Case::Tags,
        "the task definition has tags",
        "lost where the description was read without them ([#744](https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/744))",
    ),
    (
        Case::Hook,
        "nobody answers a hook in time",
        "`ecspresso deploy` seems to hang there ([#1068](https://github.com/kayac/ecspresso/issues/1068)), and `ecspresso wait` is green after it",
    ),
    (
        Case::Listener,
        "`terraform apply` has set the listener rule back",
        "nobody looks, ECS neither ([containers-roadmap#2853](https://github.com/aws/containers-roadmap/issues/2853))",
    ),
];

impl Case {
    async fn world(self) -> Web {
        let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 1}});
        let web = match self {
            Self::Breaker => web_with("- do: exit 1", guarded).await,
            Self::Zero => web(|spec| guarded(spec).count(0)).await,
            Self::UnknownKey => web(|spec| guarded(spec).definition(&json!({"futureKey": {"a": 1}}))).await,
            Self::Tags => {
                web(|spec| guarded(spec).definition(&json!({"tags": [{"key": "team", "value": "shop"}]}))).await
            }
            Self::Hook => {
                web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]})))
                    .await
            }
            Self::Listener => web(shifting(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}))).await,
            Self::Good | Self::Going | Self::Superseded => web(guarded).await,
        };
        match self {
            Self::Going => web.world.aws.script_deployment("web", &json!({"hold": "SCALE_UP"})).await.unwrap(),
            Self::Superseded => {
                let other = json!({"superseded": {"at": "SCALE_UP", "task-definition": "web:1"}});
                web.world.aws.script_deployment("web", &other).await.unwrap();
            }
            Self::Listener => {
                let form = [
                    ("RuleArn", web.made.rule.as_str()),
                    ("Actions.member.1.Type", "forward"),
                    ("Actions.member.1.TargetGroupArn", web.made.groups[1].as_str()),
                ];
                web.world.aws.query("elasticloadbalancing", "ModifyRule", &form).await.unwrap();
            }
            _ => {}
        }
        web
    }

    /// The step, to its end.
    async fn deploy(self, web: &Web) -> Report {
        let step = web.deploy();
        let step = if self == Self::Going { step.input("timeout", "3s") } else { step };
        let running: Running = step.start().await;
        if self == Self::Hook {
            running.wait_for("waits at hook").await;
            web.world.aws.advance(120.0).await.unwrap();
        }
        running.wait().await
    }
}

impl Web {
    /// What ECS says of the newest deployment, what runs, and whether it is over and that is what was asked for, with all that was there
    /// before.
    async fn truth(&self, case: Case) -> (String, bool) {
        let service = self.service().await;
        let body = json!({"serviceDeploymentArns": [service["currentServiceDeployment"]]});
        let found = self.world.aws.ecs("DescribeServiceDeployments", &body).await.unwrap();
        let status = found["serviceDeployments"][0]["status"].as_str().unwrap().to_owned();
        let listed = self.world.aws.ecs("ListTasks", &json!({"cluster": "main", "serviceName": "web"})).await.unwrap();
        let arns = listed["taskArns"].as_array().unwrap().clone();
        let mut digests = Vec::new();
        if !arns.is_empty() {
            let tasks = self.world.aws.ecs("DescribeTasks", &json!({"cluster": "main", "tasks": arns})).await.unwrap();
            let running = tasks["tasks"].as_array().unwrap().iter().filter(|task| task["lastStatus"] == "RUNNING");
            digests = running.map(|task| task["containers"][0]["imageDigest"].as_str().unwrap().to_owned()).collect();
        }
        let is_new = |digest: &String| *digest == self.digests[1];
        let runs = match (digests.iter().any(is_new), digests.iter().all(is_new)) {
            (false, true) => "nothing runs",
            (true, true) => "the new image runs",
            (true, false) => "both images run",
            (false, false) => "the old image runs",
        };
        let definition = self.definition(service["taskDefinition"].as_str().unwrap()).await;
        let tags = definition["tags"].as_array().cloned().unwrap_or_default();
        let (kept, more) = match case {
            Case::UnknownKey => {
                let kept = !definition["taskDefinition"]["futureKey"].is_null();
                (kept, if kept { "; the key is there" } else { "; the key is gone" })
            }
            Case::Tags => {
                let kept = tags.iter().any(|tag| tag["key"] == "team");
                (kept, if kept { "; the tags are there" } else { "; the tags are gone" })
            }
            _ => (true, ""),
        };
        let status_is_good = status == "SUCCESSFUL";
        (format!("{status}; {runs}{more}"), status_is_good && runs == "the new image runs" && kept)
    }

    /// The same by hand: the description is registered again with the new image, as a program does that knows its keys, and the service
    /// gets it.
    async fn update_by_hand(&self) {
        let mut definition = self.definition("web:1").await["taskDefinition"].clone();
        let known = ["family", "containerDefinitions", "networkMode", "cpu", "memory", "requiresCompatibilities"];
        definition.as_object_mut().unwrap().retain(|name, _| known.contains(&name.as_str()));
        definition["containerDefinitions"][0]["image"] = json!(self.world.aws.image_uri(REPOSITORY, &self.digests[1]));
        self.world.aws.ecs("RegisterTaskDefinition", &definition).await.unwrap();
        let body = json!({"cluster": "main", "service": "web", "taskDefinition": "web:2"});
        self.world.aws.ecs("UpdateService", &body).await.unwrap();
        // Ten minutes are as long as the waiter waits.
        self.world.aws.advance(600.0).await.unwrap();
    }

    /// What `aws ecs wait services-stable` ends with: its rule, of what ECS answers.
    async fn waiter(&self) -> bool {
        let service = self.service().await;
        service["deployments"].as_array().unwrap().len() == 1 && service["runningCount"] == service["desiredCount"]
    }
}

/// A row, and whether the step was green without need or red without need.
async fn row((case, what, others): (Case, &str, &str)) -> (String, bool, bool) {
    let web = case.world().await;
    let report = case.deploy(&web).await;
    if case == Case::Superseded {
        // What came in between is let come to its end.
        web.world.aws.advance(120.0).await.unwrap();
    }
    let (truth, is_true) = web.truth(case).await;
    let by_hand = case.world().await;
    by_hand.update_by_hand().await;
    let (hand_truth, hand_is_true) = by_hand.truth(case).await;
    let waiter = match (by_hand.waiter().await, hand_is_true) {
        (true, true) => "green".to_owned(),
        (true, false) => format!("**green**: {hand_truth}"),
        (false, _) => format!("red after ten minutes: {hand_truth}"),
    };
    let verdict = report.output("verdict").to_owned();
    let line = format!("| {what} | {truth} | `{verdict}` | {waiter} | {others} |");
    let is_green = ["pass", "skipped"].contains(&verdict.as_str());
    let is_red = ["fail", "error", "superseded"].contains(&verdict.as_str());
    (line, is_green && !is_true, is_red && is_true)
}

#[tokio::test]
async fn the_table_says_what_is_true_and_no_verdict_is_false() {
    let rows = join_all(CASES.map(row)).await;
    assert!(rows.iter().all(|(_, green, red)| !green && !red), "{rows:#?}");
    let lines: Vec<&str> = rows.iter().map(|(line, ..)| line.as_str()).collect();
    let head = "| what happens | what is true in the end | deploy-service | `update-service` and `wait services-stable` | what is known of others |\n|---|---|---|---|---|";
    let table = format!("{head}\n{}\n", lines.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "UPDATE_SNAPSHOTS=1 cargo test --test it deploy_service::truth writes it anew");
    }
}

/// How late the end of a deployment is seen, by the server's clock: within half a second or a tenth of the wait, and what the looks
/// themselves take on a machine that has other work.
#[tokio::test]
async fn the_end_of_a_deployment_is_seen_soon() {
    println!("| it takes | its end is seen after | looks |");
    for delay in [0.0, 0.3, 0.8] {
        let web = web(guarded).await;
        web.world.aws.settings(&Settings { ecs_delay: Some(delay), ..Settings::default() }).await.unwrap();
        web.deploy().run().await.assert_verdict("pass", 0);
        let body = json!({"serviceDeploymentArns": [web.service().await["currentServiceDeployment"]]});
        let found =
            web.world.aws.ecs("DescribeServiceDeployments", &body).await.unwrap()["serviceDeployments"][0].clone();
        let (began, ended) = (found["createdAt"].as_f64().unwrap(), found["finishedAt"].as_f64().unwrap());
        let requests = web.world.aws.requests().await.unwrap();
        let of_step = requests.iter().filter(|one| one.operation == "DescribeServiceDeployments" && one.time >= began);
        let looks: Vec<f64> = of_step.map(|one| one.time + one.seconds.unwrap_or_default()).collect();
        let seen = looks.iter().copied().find(|at| *at >= ended).unwrap();
        let polls = looks.iter().filter(|at| **at <= seen).count();
        println!("| {:.1} s | {:.2} s | {polls} |", ended - began, seen - ended);
        assert!(seen - ended < 0.5 + (ended - began) / 10.0 + 3.0, "{:.2} s late", seen - ended);
    }
}
