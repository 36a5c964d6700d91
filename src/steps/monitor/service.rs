//! A service of ECS that is watched: by what its load balancer counts, and by alarms.

use std::time::Duration;

use anyhow::Context as _;

use super::inputs::Monitor;
use crate::aws::Location;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{ClusterName, Revision, Service, ServiceDeployment, ServiceRevision};
use crate::outcome::{Outcome, Step};
use crate::record::{Place, Target};
use crate::rollout::put_back::Back;
use crate::rollout::services::{Found, Goal, by_hand, check_deployable, find, reason, restore};
use crate::text::message;
use crate::watch::values::RateSource;

/// Giving back what was there may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(20);

/// A service, and what it runs.
#[derive(Debug)]
pub(super) struct OfService {
    pub(super) cluster: ClusterName,
    pub(super) service: Service,
    /// Its newest deployment, when the watch began.
    pub(super) deployment: Option<ServiceDeployment>,
    /// The task definition that is watched.
    pub(super) has: Revision,
    pub(super) place: Place,
    /// Its target groups with their load balancers, as metrics name them.
    pub(super) groups: Vec<(String, String)>,
    /// What was captured before it was deployed.
    pub(super) captured: Option<Target>,
    /// It runs again what was captured: the release, which is what is watched here, was put back.
    pub(super) is_back: bool,
}

/// Reads the service that is to be watched. What somebody else has deployed since is refused here.
pub(super) async fn observe(step: &Monitor, cx: &Context, location: &Location) -> Step<Option<OfService>> {
    let (Some(cluster), Some(name)) = (&step.cluster, &step.service) else { return Ok(None) };
    let ecs = &cx.ecs().await?;
    let found = find(cx, ecs, cluster, &[name]).await?.pop();
    let Found { service, deployment, running } = found.context("ECS answered no service")?;
    let has = service.revision()?;
    let place = Place::of_service(location, cluster, name);
    let captured = step.state.as_ref().and_then(|state| state.target(&place)).cloned();
    let released = captured.as_ref().and_then(|released| {
        let before = released.previous.as_ref().and_then(|previous| previous.task_definition.as_ref());
        released.task_definition.clone().filter(|released| *released != has && before == Some(&has))
    });
    let is_back = released.is_some();
    let has = released.unwrap_or(has);
    let of_running = running.iter().flat_map(ServiceRevision::balancers).filter_map(|one| one.target_group_arn.clone());
    let of_service = service.load_balancers.iter().filter_map(|one| one.target_group_arn.clone());
    let mut arns: Vec<String> = of_running.collect();
    if arns.is_empty() {
        arns = of_service.collect();
    }
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let groups = if arns.is_empty() { Vec::new() } else { cx.balancers().await?.of_groups(&arns).await? };
    if groups.is_empty() && !step.gate.common.watches_something_else() {
        return Err(Outcome::error(message!(
            "service-not-counted",
            "no load balancer stands before service {name}: nobody counts its requests"
        ))
        .advise("give `alarms`, or its address with `url`; what is to be put back needs one of them too")
        .into());
    }
    if step.rolls_back() {
        check_deployable(&service)?;
    }
    Ok(Some(OfService { cluster: cluster.clone(), service, deployment, has, place, groups, captured, is_back }))
}

impl OfService {
    /// Where its requests are counted.
    pub(super) fn sources(&self) -> impl Iterator<Item = RateSource> {
        self.groups.iter().map(|(group, _)| RateSource::TargetGroup(group.clone()))
    }

    /// How it is found after the watch, where that is not as it was: ECS took it back, or somebody else deployed.
    pub(super) async fn changed(&self, cx: &Context) -> Step<Option<Outcome>> {
        let ecs = &cx.ecs().await?;
        let name = &self.service.name;
        let now = ecs.services(&self.cluster, &[name], false).await?.pop().context("ECS answered no service")?;
        let has = now.revision()?;
        if let Some(own) = &self.deployment {
            let own = ecs.deployments(&[&own.arn]).await?.pop();
            if let Some(own) = own.filter(|own| own.status.goes_back() || own.status.is_rolled_back()) {
                let watched = &self.has;
                return Ok(Some(Outcome::fail(message!(
                    "rolled-back-while-watched",
                    "ECS took {watched} of service {name} back while it was watched: {}",
                    reason(&own)
                ))));
            }
        }
        Ok((has != self.has).then(|| {
            Outcome::superseded(message!(
                "deployed-while-watched",
                "service {name} was given {has} by somebody else while it was watched; nothing was written"
            ))
            .advise("look at which release is to serve, and watch that")
        }))
    }

    /// Gives it back what was there before, as it was captured.
    pub(super) async fn put_back(&self, cx: &Context) -> Back {
        let cx = &cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
        let name = &self.service.name;
        let previous = self.captured.as_ref().and_then(|captured| captured.previous.as_ref());
        let Some((previous, revision)) = previous.and_then(|one| Some((one, one.task_definition.clone()?))) else {
            return Back::Left(
                message!(
                    "nothing-to-put-back",
                    "nothing is known that served before at {}: `state` does not hold it",
                    self.place.identity
                ),
                Vec::new(),
            );
        };
        if revision == self.has {
            return Back::Settled(format!("service {name} has {revision} again already"), Vec::new());
        }
        let by_hand = format!("by hand: {}", by_hand(&self.cluster, name, &revision));
        let goal = Goal { revision: revision.clone(), images: previous.images.clone(), before: Some(self.has.clone()) };
        match restore(cx, &self.cluster, &[(name.clone(), goal)]).await {
            Ok(back) if back.is_empty() => Back::Settled(
                format!("service {name} was given something else by somebody, and is left alone"),
                Vec::new(),
            ),
            Ok(_) => Back::Settled(format!("service {name} was put back to {revision}"), Vec::new()),
            Err(error) => Back::Left(
                format!("service {name} could not be put back to {revision}: {}", error_line(&error)),
                vec![by_hand],
            ),
        }
    }
}
