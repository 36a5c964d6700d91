//! Services of ECS: they can be deployed, a bad deployment goes back by itself, and the users are led to one version.

use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::Flag;
use crate::calls::error_line;
use crate::ecs::{Absent, Controller, Service, ServiceStatus};
use crate::outcome::Step;

const NEEDS: &str = "ecs:DescribeServices";
const RULES: &str = "elasticloadbalancing:DescribeRules";

/// What is asked of the service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// `true`: it may have no tasks.
    #[serde(default)]
    allow_zero: Flag,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let Some((cluster, name)) = &job.service else {
        return Ok(nothing_named("services", NEEDS, "the inputs `cluster` and `service`"));
    };
    let what = format!("service {name}");
    let read = match job.cx.ecs().await {
        Ok(ecs) => ecs.services(cluster, &[name], false).await,
        Err(error) => Err(error),
    };
    let service = match read {
        Ok(found) => found.into_iter().next(),
        Err(error) if error.is::<Absent>() => {
            return Ok(vec![Finding::fail(what, NEEDS, "there is none of this name", error_line(&error))]);
        }
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, what, NEEDS, error)?]),
    };
    let Some(service) = service else {
        return Ok(vec![Finding::fail(what, NEEDS, "there is none of this name", "correct `cluster` or `service`")]);
    };
    let mut found = judge(&service, options.allow_zero.0);
    let advanced = service.load_balancers.iter().filter_map(|balancer| balancer.advanced_configuration.as_ref());
    for rule in advanced.filter_map(|advanced| advanced.production_listener_rule.as_deref()) {
        let weights = match job.cx.balancers().await {
            Ok(balancers) => balancers.weights(rule).await,
            Err(error) => Err(error),
        };
        found.push(match weights {
            Ok(weights) => {
                let groups: Vec<&str> = weights.serving().filter_map(|group| group.split('/').nth(1)).collect();
                judge_weights(&what, &groups)
            }
            Err(error) => Finding::unanswered(job.cx, format!("{what}, listener rule"), RULES, error)?,
        });
    }
    Ok(found)
}

fn judge(service: &Service, may_be_empty: bool) -> Vec<Finding> {
    let what = |of: &str| format!("service {}{of}", service.name);
    let status = service.status;
    let mut found =
        vec![Finding::when(status == ServiceStatus::Active, what(""), NEEDS, status.word(), "make the service anew")];
    let controller = service.controller();
    let advice = "deploy-service takes services that ECS deploys: use CodeDeploy's own action for the others";
    let is_ours = controller == Controller::Ecs && !service.is_express();
    found.push(Finding::when(is_ours, what(", controller"), NEEDS, controller.word(), advice).require("ECS"));
    let desired = service.desired_count;
    let advice = "scale it up, or give `allow-zero: true`: nothing is proved by a deployment without tasks";
    found.push(Finding::when(desired > 0 || may_be_empty, what(", tasks"), NEEDS, format!("{desired} wanted"), advice));
    let is_guarded = service.deployment_configuration.is_guarded();
    let shown = if is_guarded { "by itself" } else { "not at all" };
    let advice = "switch the deployment circuit breaker with rollback on, or alarms with rollback, or a bake time";
    found.push(
        Finding::when(is_guarded, what(", a bad deployment goes back"), NEEDS, shown, advice).require("by itself"),
    );
    found
}

/// Users that are led to two target groups get two versions: a deployment that was left in its middle, or a change by hand.
fn judge_weights(what: &str, groups: &[&str]) -> Finding {
    let shown = if groups.is_empty() { "nowhere".to_owned() } else { groups.join(", ") };
    let advice = "finish or stop the deployment that shifts the traffic, or put the weights of the rule back to one target group";
    Finding::when(groups.len() == 1, format!("{what}, users are led to"), RULES, shown, advice)
        .require("one target group")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::finding::State;
    use super::*;

    #[test]
    fn a_service_must_take_a_deployment_and_take_a_bad_one_back() {
        let failed = |change: Value| -> Vec<String> {
            let mut service = json!({
                "serviceName": "web", "serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/main/web", "status": "ACTIVE",
                "desiredCount": 2, "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}},
            });
            for (name, value) in change.as_object().unwrap() {
                service[name] = value.clone();
            }
            let found = judge(&serde_json::from_value(service).unwrap(), false);
            found.into_iter().filter(|one| one.state == State::Fail).map(|one| one.what).collect()
        };
        assert!(failed(json!({})).is_empty());
        assert_eq!(failed(json!({"status": "DRAINING"})), ["service web"]);
        assert_eq!(failed(json!({"deploymentController": {"type": "CODE_DEPLOY"}})), ["service web, controller"]);
        assert_eq!(failed(json!({"desiredCount": 0})), ["service web, tasks"]);
        assert_eq!(failed(json!({"deploymentConfiguration": {}})), ["service web, a bad deployment goes back"]);
        assert_eq!(judge_weights("a", &["blue"]).state, State::Ok);
        assert_eq!(judge_weights("a", &["blue", "green"]).state, State::Fail);
        assert_eq!(judge_weights("a", &[]).state, State::Fail);
    }
}
