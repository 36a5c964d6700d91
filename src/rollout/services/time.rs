//! How long a deployment takes, as the service's own configuration says.

use std::time::Duration;

use super::way::{Until, Way};
use crate::ecs::DeploymentConfiguration;
use crate::text::human_duration;

/// What starting tasks is given, beside what the service's configuration waits for on purpose.
const STARTING: Duration = Duration::from_mins(15);
/// A hook that nobody has set a time for is waited for this long by ECS.
const HOOK: u64 = 24 * 60;

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
    let pauses = configuration.lifecycle_hooks.iter().map(|hook| {
        let stages = hook.lifecycle_stages.len().max(1) as u64;
        let own = hook.timeout_configuration.and_then(|timeout| timeout.timeout_in_minutes);
        let is_pause = hook.target_type.as_deref() == Some("PAUSE");
        let is_waited_for = way.until != Until::Paused && !way.ends_at_pause;
        if is_pause && !is_waited_for { 0 } else { stages * own.unwrap_or(if is_pause { HOOK } else { 5 }) }
    });
    at_least(configuration, way.until).0 + STARTING + Duration::from_mins(pauses.sum())
}
