//! What a look at a deployment says, without asking anybody.
//!
//! Never by the waiter of the SDKs, nor by `rolloutState`: both are content while a deployment is rolled back, or not yet done
//! (<https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/191>, `/issues/838`).

use crate::ecs::{DeploymentStatus, Hook, HookStatus, RevisionState, ServiceDeployment, Strategy};
use crate::text::{Foreign, LONGEST};

use super::way::{AtPause, Until, Way};

/// How a deployment ended, as far as it is followed.
#[derive(Clone, Debug)]
pub enum End {
    /// What it brought runs.
    Successful,
    /// Its tasks have all of the traffic; it is not over.
    TrafficShifted,
    /// It waits for an answer.
    Paused(Hook),
    /// It was rolled back, for this reason: what was there before runs.
    RolledBack(String),
    /// It could not be rolled back. Whether what it brought has users.
    NotRolledBack { reason: String, new_serves: bool },
    /// It was stopped.
    Stopped(String),
}

/// What a look found.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// It is on its way; how far, for people.
    Going(String),
    /// It is as far as was asked for, or over.
    Ended(End),
}

/// Judges a deployment.
pub(super) fn judge(deployment: &ServiceDeployment, way: Way) -> Progress {
    match deployment.status {
        DeploymentStatus::Successful => return Progress::Ended(End::Successful),
        DeploymentStatus::RollbackSuccessful => return Progress::Ended(End::RolledBack(reason(deployment))),
        DeploymentStatus::Stopped => return Progress::Ended(End::Stopped(reason(deployment))),
        DeploymentStatus::RollbackFailed => {
            let new_serves = deployment.target_service_revision.as_ref().is_some_and(serves);
            return Progress::Ended(End::NotRolledBack { reason: reason(deployment), new_serves });
        }
        DeploymentStatus::Pending
        | DeploymentStatus::InProgress
        | DeploymentStatus::StopRequested
        | DeploymentStatus::RollbackRequested
        | DeploymentStatus::RollbackInProgress => {}
    }
    if deployment.status.goes_back() {
        return Progress::Going(format!("{}: {}", standing(deployment), reason(deployment)));
    }
    if let Some(hook) = deployment.paused_at()
        && (way.until == Until::Paused || way.at_pause != AtPause::Wait)
    {
        return Progress::Ended(End::Paused(hook.clone()));
    }
    if way.until == Until::TrafficShifted && is_shifted(deployment) {
        return Progress::Ended(End::TrafficShifted);
    }
    Progress::Going(standing(deployment))
}

/// Whether the new tasks have all of the traffic.
fn is_shifted(deployment: &ServiceDeployment) -> bool {
    let Some(target) = &deployment.target_service_revision else { return false };
    if deployment.deployment_configuration.strategy() == Strategy::Rolling {
        let are_gone = deployment.source_service_revisions.iter().all(|source| source.running_task_count == 0);
        return are_gone && target.running_task_count > 0 && target.running_task_count >= target.requested_task_count;
    }
    target.requested_production_traffic_weight.is_some_and(|weight| weight >= 100.0)
}

/// Whether a revision has users: a share of the traffic where it is shifted, else tasks.
fn serves(state: &RevisionState) -> bool {
    match state.requested_production_traffic_weight {
        Some(weight) => weight > 0.0,
        None => state.running_task_count > 0,
    }
}

/// How far it is: `IN_PROGRESS at SCALE_UP, 1 of 2 new tasks run, 10 % of the traffic`.
fn standing(deployment: &ServiceDeployment) -> String {
    let stage = deployment.lifecycle_stage.as_ref().filter(|stage| !stage.is_empty());
    let stage = stage.map(|stage| format!(" at {}", stage.for_message(LONGEST))).unwrap_or_default();
    let mut parts = vec![format!("{}{stage}", deployment.status)];
    if let Some(target) = &deployment.target_service_revision {
        parts.push(format!("{} of {} new tasks run", target.running_task_count, target.requested_task_count));
        if let Some(weight) = target.requested_production_traffic_weight {
            parts.push(format!("{weight} % of the traffic"));
        }
    }
    if let Some(hook) = deployment.paused_at() {
        parts.push(format!("waits at hook {}", Foreign::new(&hook.hook_id).for_message(LONGEST)));
    }
    parts.join(", ")
}

/// Why it went back or was stopped: what says most about the cause stands first.
#[must_use]
pub fn reason(deployment: &ServiceDeployment) -> String {
    let alarms = deployment.alarms.iter().flat_map(|alarms| &alarms.triggered_alarm_names);
    let alarms: Vec<String> = alarms.map(|name| name.for_message(LONGEST)).collect();
    let hook = deployment.failed_hook().map(|hook| {
        let what = if hook.status == HookStatus::TimedOut { "timed out" } else { "said no" };
        format!("hook {} {what}", Foreign::new(&hook.hook_id).for_message(LONGEST))
    });
    let breaker = deployment.deployment_circuit_breaker.as_ref().filter(|breaker| breaker.status == "TRIGGERED");
    let cause =
        hook.or_else(|| (!alarms.is_empty()).then(|| format!("alarm {} went off", alarms.join(", ")))).or_else(|| {
            breaker.map(|breaker| {
                format!(
                    "the circuit breaker counted {} failed tasks of {} that are allowed",
                    breaker.failure_count, breaker.threshold
                )
            })
        });
    let own = deployment.rollback.as_ref().and_then(|rollback| rollback.reason.as_ref());
    let words = own.or(deployment.status_reason.as_ref()).map(|words| words.for_record(LONGEST));
    match (cause, words.filter(|words| !words.is_empty())) {
        (Some(cause), Some(words)) => format!("{cause} ({words})"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "ECS gives no reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(fields: &Value) -> ServiceDeployment {
        let mut whole = json!({
            "serviceDeploymentArn": "arn:aws:ecs:eu-west-1:111122223333:service-deployment/c/web/one", "status": "IN_PROGRESS",
            "targetServiceRevision": {"arn": "new", "requestedTaskCount": 2, "runningTaskCount": 1},
            "sourceServiceRevisions": [{"arn": "old", "runningTaskCount": 2}],
        });
        whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn judged(fields: &Value, until: Until, ends_at_pause: bool) -> String {
        let at_pause = if ends_at_pause { AtPause::End } else { AtPause::Wait };
        match judge(&deployment(fields), Way { until, at_pause, drained: false }) {
            Progress::Going(state) => format!("going: {state}"),
            Progress::Ended(End::Paused(hook)) => format!("paused at {}", hook.hook_id),
            Progress::Ended(end) => format!("{end:?}"),
        }
    }

    #[test]
    fn only_what_ecs_calls_successful_is_and_what_goes_back_is_waited_for() {
        let plain = |status: &str| judged(&json!({"status": status}), Until::Complete, false);
        assert_eq!(plain("SUCCESSFUL"), "Successful");
        assert_eq!(plain("ROLLBACK_SUCCESSFUL"), r#"RolledBack("ECS gives no reason")"#);
        assert_eq!(plain("STOPPED"), r#"Stopped("ECS gives no reason")"#);
        for going in ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"] {
            assert!(plain(going).starts_with(&format!("going: {going}, 1 of 2 new tasks run")), "{}", plain(going));
        }
        assert!(serde_json::from_value::<DeploymentStatus>(json!("PAUSED")).is_err());
    }

    #[test]
    fn ec09_whether_the_new_tasks_have_users_decides_what_a_failed_rollback_means() {
        let serves = |target: Value| {
            let fields = json!({"status": "ROLLBACK_FAILED", "targetServiceRevision": target});
            judged(&fields, Until::Complete, false).contains("new_serves: true")
        };
        assert!(serves(json!({"arn": "new", "runningTaskCount": 1})));
        assert!(!serves(json!({"arn": "new", "runningTaskCount": 0})));
        assert!(!serves(json!({"arn": "new", "runningTaskCount": 2, "requestedProductionTrafficWeight": 0.0})));
        assert!(serves(json!({"arn": "new", "runningTaskCount": 0, "requestedProductionTrafficWeight": 10.0})));
    }

    #[test]
    fn ec20_the_traffic_is_shifted_when_all_of_it_is_at_the_new_tasks() {
        let shifted = |target: Value, sources: Value, strategy: &str| {
            let fields = json!({
                "targetServiceRevision": target, "sourceServiceRevisions": sources, "deploymentConfiguration": {"strategy": strategy},
            });
            judged(&fields, Until::TrafficShifted, false) == "TrafficShifted"
        };
        let with = |weight: f64| json!({"arn": "new", "requestedProductionTrafficWeight": weight});
        assert!(shifted(with(100.0), json!([]), "BLUE_GREEN") && !shifted(with(10.0), json!([]), "CANARY"));
        let two = json!({"arn": "new", "requestedTaskCount": 2, "runningTaskCount": 2});
        assert!(shifted(two.clone(), json!([{"arn": "old"}]), "ROLLING"));
        assert!(!shifted(two, json!([{"arn": "old", "runningTaskCount": 1}]), "ROLLING"));
    }

    #[test]
    fn ec21_a_pause_is_found_by_its_hook_not_by_the_stage() {
        let fields = json!({"lifecycleStage": "SCALE_UP", "lifecycleHookDetails": [{"hookId": "h-1", "status": "AWAITING_ACTION"}]});
        assert_eq!(judged(&fields, Until::Paused, false), "paused at h-1");
        assert_eq!(judged(&fields, Until::Complete, true), "paused at h-1");
        assert!(judged(&fields, Until::Complete, false).contains("waits at hook h-1"));
    }

    #[test]
    fn the_reason_names_the_cause() {
        let why = |fields: Value| reason(&deployment(&fields));
        let breaker = json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3});
        assert_eq!(
            why(json!({"deploymentCircuitBreaker": breaker, "statusReason": "tasks failed to start"})),
            "the circuit breaker counted 3 failed tasks of 3 that are allowed (tasks failed to start)"
        );
        let ec23 = json!({"deploymentCircuitBreaker": breaker, "lifecycleHookDetails": [{"hookId": "h", "status": "TIMED_OUT"}]});
        assert_eq!(why(ec23), "hook h timed out");
        let ec25 = json!({"alarms": {"triggeredAlarmNames": ["errors"]}, "rollback": {"reason": "alarm"}});
        assert_eq!(why(ec25), "alarm errors went off (alarm)");
    }
}
