//! Follows the deployments of the services to their end, all at the same time: what happens is told as it happens, once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use super::judge::{End, Progress, judge};
use super::way::{AtPause, Goal, Way};
use crate::action::report::time;
use crate::calls::poll::{Look, poll_begun};
use crate::calls::{error_line, log_not_determined};
use crate::context::Context;
use crate::ecs::{
    ClusterName, DeploymentStatus, Ecs, Hook, Revision, Service, ServiceDeployment, ServiceName, ServiceRevision,
    running, short_id,
};
use crate::outcome::Outcome;
use crate::text::{Foreign, LONGEST};

/// A deployment that was stopped for a later one of the same task definition is followed there, so many times.
const MOST_FOLLOWED: u32 = 3;
/// A deployment counts as stopped when so many looks have seen it so.
const STOPPED_LOOKS: u32 = 3;
/// Lines about tasks and events that the summary keeps of a service.
const KEPT: usize = 20;

/// A service whose deployment is followed.
#[derive(Debug)]
pub struct Followed {
    /// The service.
    pub service: ServiceName,
    /// What it is to run.
    pub goal: Goal,
    /// How many tasks it is to have.
    pub desired: u64,
    /// ARN of its newest deployment before this one.
    before: Option<String>,
    /// Its deployment, once it is known.
    pub deployment: Option<ServiceDeployment>,
    /// The service revision that the deployment brings.
    pub target: Option<ServiceRevision>,
    /// How it ended.
    pub end: Option<Ended>,
    /// Tasks of before that still run.
    pub left: u64,
    /// What it ran at the last look, where that is what it was given alone.
    pub running: Option<String>,
    /// Why the task stopped that was told of last.
    pub last_stopped: Option<String>,
    /// What was told of it.
    pub told: Vec<String>,
    /// When the new tasks got the share of the traffic that they have, where this step let them have it.
    pub share_since: Option<OffsetDateTime>,
    /// Why they may not have more: their deployment was told to go back.
    pub refused: Option<Outcome>,
    answered: BTreeSet<String>,
    seen: BTreeSet<String>,
    failed_tasks: u64,
    moved_on: u32,
    is_pause_told: bool,
    /// Looks that saw it stopped, with no other after it.
    stopped: u32,
}

/// How it ended for this step.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Deployment(End),
    /// Somebody else has deployed another revision since.
    Superseded(Revision),
}

impl Followed {
    /// A service that was given a revision. `before` is its newest deployment until then; none where its deployment was begun by an
    /// earlier attempt.
    #[must_use]
    pub fn new(service: &Service, goal: Goal, before: Option<String>) -> Self {
        Self {
            service: service.name.clone(),
            goal,
            desired: service.desired_count,
            before,
            deployment: None,
            target: None,
            end: None,
            left: 0,
            running: None,
            last_stopped: None,
            told: Vec::new(),
            share_since: None,
            refused: None,
            answered: BTreeSet::new(),
            seen: service.events.iter().map(|event| event.id.clone()).collect(),
            failed_tasks: 0,
            moved_on: 0,
            is_pause_told: false,
            stopped: 0,
        }
    }

    /// One that runs what it was to run already.
    #[must_use]
    pub fn arrived(service: &Service, goal: Goal, running: ServiceRevision) -> Self {
        let end = Some(Ended::Deployment(End::Successful));
        Self { end, target: Some(running), ..Self::new(service, goal, None) }
    }

    /// Whether what it brought runs, or is as far as was asked for.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(&self.end, Some(Ended::Deployment(End::Successful | End::TrafficShifted | End::Paused(_))))
    }

    /// The deployment that waits for an answer, and the hook.
    #[must_use]
    pub fn waits_at(&self) -> Option<(ServiceDeployment, Hook)> {
        let Some(Ended::Deployment(End::Paused(hook))) = &self.end else { return None };
        Some((self.deployment.clone()?, hook.clone()))
    }

    /// The share of the traffic that the new tasks have, in percent; none of a rolling deployment.
    #[must_use]
    pub fn share(&self) -> f64 {
        let target = self.deployment.as_ref().and_then(|own| own.target_service_revision.as_ref());
        target.and_then(|target| target.requested_production_traffic_weight).unwrap_or(0.0)
    }

    /// Its hook was answered at this moment: it is followed on. `refused` says why it goes back.
    pub fn go_on(&mut self, hook: &str, at: OffsetDateTime, refused: Option<Outcome>) {
        self.answered.insert(hook.to_owned());
        self.tell(format!("hook {hook} was answered with {}", if refused.is_none() { "CONTINUE" } else { "ROLLBACK" }));
        (self.end, self.share_since, self.refused) = (None, Some(at), refused);
    }

    fn tell(&mut self, line: String) {
        tracing::info!("  {}: {line}", self.service);
        self.told.push(line);
        if self.told.len() > KEPT {
            self.told.remove(0);
        }
    }

    /// Tells events that are new, in their order.
    fn tell_events(&mut self, service: &Service) {
        for event in service.events.iter().rev() {
            if self.seen.insert(event.id.clone()) {
                let message = event.message.for_record(LONGEST);
                let own = format!("(service {}) ", self.service);
                self.tell(message.strip_prefix(&own).unwrap_or(&message).to_owned());
            }
        }
    }

    /// Tells once that nothing goes on until somebody answers.
    fn tell_pause(&mut self, cx: &Context, hook: &Hook) {
        if std::mem::replace(&mut self.is_pause_told, true) {
            return;
        }
        let at = |seconds: f64| {
            let whole = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            time(OffsetDateTime::UNIX_EPOCH + whole)
        };
        let expires = hook.expires_at.map(|seconds| format!(", until {}", at(seconds))).unwrap_or_default();
        let then = hook.timeout_action.as_ref().map(|action| format!(", then {}", action.for_message(LONGEST)));
        cx.report.warn(format!(
            "the deployment of service {} waits at hook {} for somebody's answer{expires}{}: answer it with `aws ecs \
             continue-service-deployment`, or set `on-pause: return`",
            self.service,
            Foreign::new(&hook.hook_id).for_message(LONGEST),
            then.unwrap_or_default()
        ));
    }
}

/// Follows all of them until each has ended, or is as far as was asked for.
pub async fn follow(cx: &Context, cluster: &ClusterName, all: &mut [Followed], way: Way) -> Result<()> {
    let ecs = &cx.ecs().await?;
    let what = if all.len() == 1 { "the deployment" } else { "the deployments" };
    poll_begun(&cx.calls.deadline, what, async || {
        look(cx, ecs, cluster, all, way).await?;
        let open = all.iter().filter(|one| one.end.is_none());
        let states: Vec<String> = open.map(|one| format!("{} {}", one.service, state(one))).collect();
        let waits = matches!(way.at_pause, AtPause::Answer(_)) && all.iter().any(|one| one.waits_at().is_some());
        Ok(if waits || states.is_empty() { Look::Done(()) } else { Look::NotYet(states.join("; ")) })
    })
    .await
}

fn state(one: &Followed) -> String {
    let Some(deployment) = &one.deployment else { return "has not begun".to_owned() };
    match judge(deployment, Way::default()) {
        Progress::Going(state) => format!("{state} (deployment {})", deployment.id()),
        Progress::Ended(_) => format!("waits for {} tasks of before to end", one.left),
    }
}

async fn look(cx: &Context, ecs: &Ecs, cluster: &ClusterName, all: &mut [Followed], way: Way) -> Result<()> {
    let open: Vec<ServiceName> = all.iter().filter(|one| one.end.is_none()).map(|one| one.service.clone()).collect();
    let services = ecs.services(cluster, &open.iter().collect::<Vec<_>>(), false).await?;
    // Of each service the newest deployment, and the one that is followed where that is another.
    let mut arns: Vec<&str> = Vec::new();
    for service in &services {
        arns.extend(service.current_service_deployment.as_deref());
        let own = all.iter().find(|one| one.service == service.name).and_then(|one| one.deployment.as_ref());
        arns.extend(own.map(|own| own.arn.as_str()));
    }
    arns.sort_unstable();
    arns.dedup();
    let arns: Vec<String> = arns.into_iter().map(str::to_owned).collect();
    let found = if arns.is_empty() {
        Vec::new()
    } else {
        ecs.deployments(&arns.iter().map(String::as_str).collect::<Vec<_>>()).await?
    };
    for service in &services {
        let Some(one) = all.iter_mut().find(|one| one.service == service.name) else { continue };
        one.tell_events(service);
        look_at_one(cx, ecs, cluster, one, service, &found, way).await?;
    }
    Ok(())
}

async fn look_at_one(
    cx: &Context,
    ecs: &Ecs,
    cluster: &ClusterName,
    one: &mut Followed,
    service: &Service,
    found: &[ServiceDeployment],
    way: Way,
) -> Result<()> {
    let newest = found.iter().find(|deployment| Some(&deployment.arn) == service.current_service_deployment.as_ref());
    if let Some(own) = &one.deployment {
        one.deployment =
            found.iter().find(|deployment| deployment.arn == own.arn).cloned().or_else(|| Some(own.clone()));
    }
    let own = one.deployment.as_ref().map(|own| own.arn.clone()).or_else(|| one.before.clone());
    let is_over = one.deployment.as_ref().is_none_or(|own| own.status.has_ended());
    if let Some(newest) = newest.filter(|newest| Some(&newest.arn) != own.as_ref() && is_over) {
        let Some(target) = &newest.target_service_revision else { return Ok(()) };
        let Some(revision) = ecs.revisions(&[&target.arn]).await?.into_iter().next() else { return Ok(()) };
        let brings = Revision::of_arn(&revision.task_definition)?;
        if brings != one.goal.revision {
            one.end = Some(Ended::Superseded(brings));
            return Ok(());
        }
        if let Some(own) = &one.deployment {
            one.moved_on += 1;
            let line = format!(
                "deployment {} was stopped for {}, which brings the same: that is followed",
                own.id(),
                newest.id()
            );
            one.tell(line);
        }
        if one.moved_on <= MOST_FOLLOWED {
            one.tell(format!("deployment {} to {brings} has begun", newest.id()));
            (one.deployment, one.target) = (Some(newest.clone()), Some(revision));
        }
    }
    let Some(own) = one.deployment.clone() else { return Ok(()) };
    tell_stopped_tasks(cx, ecs, cluster, one, service).await;
    if let Some(hook) = own.paused_at()
        && !matches!(way.at_pause, AtPause::Answer(_))
    {
        one.tell_pause(cx, &hook.clone());
    }
    let target = own.target_service_revision.as_ref().map(|target| target.arn.as_str());
    if let Progress::Ended(end) = judge(&own, way) {
        // The answer is not seen yet.
        if matches!(&end, End::Paused(hook) if one.answered.contains(&hook.hook_id)) {
            return Ok(());
        }
        // What stopped it may be a later deployment, which is not seen yet.
        if matches!(end, End::Stopped(_)) {
            one.stopped += 1;
            if one.stopped < STOPPED_LOOKS {
                return Ok(());
            }
        }
        // Until its first task has pulled them, ECS does not know what the images are.
        let is_unknown =
            |known: &&ServiceRevision| one.goal.images.keys().any(|container| known.digest(container).is_none());
        if let Some(known) = one.target.as_ref().filter(is_unknown) {
            let read = ecs.revisions(&[&known.arn]).await?.pop();
            one.target = read.or_else(|| one.target.take());
        }
        let only: Vec<ServiceRevision> = one.target.iter().cloned().collect();
        let is_alone = service.current_service_revisions.iter().all(|state| Some(state.arn.as_str()) == target);
        one.running = running(service, &only).ok().filter(|_| is_alone).map(|running| running.to_string());
        one.left = own.source_service_revisions.iter().map(|source| source.running_task_count).sum();
        if !(way.drained && matches!(end, End::Successful) && one.left > 0) {
            one.end = Some(Ended::Deployment(end));
        }
    }
    Ok(())
}

/// Tells why tasks have stopped, once each: when more have failed than at the last look, and when the deployment goes back.
async fn tell_stopped_tasks(cx: &Context, ecs: &Ecs, cluster: &ClusterName, one: &mut Followed, service: &Service) {
    let (Some(own), Some(target)) = (&one.deployment, &one.target) else { return };
    let failed = service.rollout_of(&target.task_definition).map_or(0, |rollout| rollout.failed_tasks);
    let goes_wrong =
        !matches!(own.status, DeploymentStatus::Pending | DeploymentStatus::InProgress | DeploymentStatus::Successful);
    // A healthy task sets the count back.
    let more = failed > std::mem::replace(&mut one.failed_tasks, failed);
    if !more && !goes_wrong {
        return;
    }
    match ecs.stopped_tasks(cluster, &one.service, &target.task_definition, own.created_at).await {
        Ok(tasks) => {
            for task in tasks {
                if one.seen.insert(task.arn.clone()) {
                    let line = format!("task {} stopped: {}", short_id(&task.arn), task.why_it_stopped());
                    one.last_stopped = Some(line.clone());
                    one.tell(line);
                }
            }
        }
        Err(error) if cx.calls.deadline.is_cancelled() => log_not_determined("why tasks have stopped", &error),
        Err(error) => {
            if one.seen.insert("tasks".to_owned()) {
                cx.report.warn(format!(
                    "why tasks of service {} stopped could not be read: {}",
                    one.service,
                    error_line(&error)
                ));
            }
        }
    }
}
