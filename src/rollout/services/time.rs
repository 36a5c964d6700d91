//! How long a deployment takes, as the service's own configuration says.

use std::time::Duration;

use super::way::{AtPause, Until, Way};
use crate::ecs::DeploymentConfiguration;
use crate::text::human_duration;

/// What starting tasks is given, beside what the service's configuration waits for on purpose.
const STARTING: Duration = Duration::from_mins(15);
/// A hook that nobody has set a time for is waited for this long by ECS.
const HOOK: u64 = 24 * 60;
/// Where a hook is asked before each step of the traffic
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>).
pub const BEFORE_EACH_STEP: &str = "PRE_PRODUCTION_TRAFFIC_SHIFT";

/// What the deployment takes at the least, as the service's configuration says, and how that is counted.
#[must_use]
pub fn at_least(configuration: &DeploymentConfiguration, until: Until) -> (Duration, String) {
    let (steps, minutes) = configuration.between_steps();
    let between = Duration::from_mins(steps * minutes);
    let bake = if until == Until::Complete { configuration.bake() } else { Duration::ZERO };
    let mut parts = Vec::new();
    if steps > 0 {
        parts.push(format!("{steps} x {minutes}m between the steps of the traffic"));
    }
    if !bake.is_zero() {
        parts.push(format!("{} of bake time", human_duration(bake)));
    }
    (between + bake, parts.join(" and "))
}

/// What it may take: the same, with the time that tasks need and that hooks may take.
#[must_use]
pub fn at_most(configuration: &DeploymentConfiguration, way: Way) -> Duration {
    let steps = configuration.between_steps().0 + 1;
    let pauses = configuration.lifecycle_hooks.iter().map(|hook| {
        let times = |stage: &String| if stage == BEFORE_EACH_STEP { steps } else { 1 };
        let times: u64 = hook.lifecycle_stages.iter().map(times).sum();
        let own = hook.timeout_configuration.and_then(|timeout| timeout.timeout_in_minutes);
        let is_pause = hook.target_type.as_deref() == Some("PAUSE");
        let each = Duration::from_mins(own.unwrap_or(if is_pause { HOOK } else { 5 }));
        let each = match way.at_pause {
            AtPause::End if is_pause => Duration::ZERO,
            AtPause::Answer(time) if is_pause => each.min(time),
            _ if is_pause && way.until == Until::Paused => Duration::ZERO,
            _ => each,
        };
        each * u32::try_from(times.max(1)).unwrap_or(u32::MAX)
    });
    at_least(configuration, way.until).0 + STARTING + pauses.sum::<Duration>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pause_before_each_step_counts_as_often_as_the_traffic_moves() {
        let configuration = serde_json::from_value::<DeploymentConfiguration>(json!({
            "strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 10}, "bakeTimeInMinutes": 5,
            "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": [BEFORE_EACH_STEP], "timeoutConfiguration": {"timeoutInMinutes": 60}}],
        }))
        .unwrap();
        let most = |at_pause| at_most(&configuration, Way { at_pause, ..Way::default() }).as_secs() / 60;
        assert_eq!(most(AtPause::Wait), 10 + 5 + 15 + 2 * 60);
        assert_eq!(most(AtPause::End), 10 + 5 + 15);
        assert_eq!(most(AtPause::Answer(Duration::from_mins(8))), 10 + 5 + 15 + 2 * 8);
    }
}
