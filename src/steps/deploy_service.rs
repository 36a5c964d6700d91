//! deploy-service: moves services of ECS to images by digest, and proves that they run.

mod adopt;
mod apply;
mod conclude;
mod drive;
mod inputs;
mod model;
mod observe;
mod plan;
mod report;
mod services;
mod tasks;

use std::time::Duration;

use self::apply::{apply, register};
pub use self::inputs::DeployService;
use self::inputs::{OnFailedService, OnPause};
use self::observe::observe;
use self::plan::{Change, Planned, plan};
use self::tasks::{Registered, Task};
use super::{DeployStep, Output};
use crate::action::inputs::Problems;
use crate::action::inputs::Span;
use crate::action::inputs::common::CommonInputs;
use crate::context::{Context, Served};
use crate::ecs::Revision;
use crate::explain::failure;
use crate::outcome::{Ending, Outcome, Step, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, History, Kind, OnConcurrent, Record, Release, Target};
use crate::rollout::adopt::check_with as check_adoption;
use crate::rollout::services::{AtPause, Followed, Way, at_least, at_most, outcome, told};
use crate::rollout::state::hand_over;
use crate::text::{human_duration, message};

/// A deployment that takes longer than this is worth a word before it begins.
const LONG: Duration = Duration::from_mins(30);
/// The record is ended in this time, also after the step's own deadline.
const RECORDING: Duration = Duration::from_mins(1);

impl DeployStep for DeployService {
    const NAME: &'static str = "deploy-service";
    const ABOUT: &'static str = "Moves services of ECS to images by digest, all or none, and proves that they run.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("task-definitions", "What the services have now, `service=family:revision` lines."),
        Output::value("previous-task-definitions", "What they had before, `service=family:revision` lines."),
        Output::value("state", "What was replaced, to hand to rollback, also in another job. Holds no account."),
        Output::value("deployment-id", "The GitHub deployment that records this; empty when none is kept."),
        Output::text("hook-id", "The hook that waits for an answer, with `on-pause: return` or `until: paused`."),
        Output::text(
            "weights",
            "Percent of the traffic that the new tasks have, `service=percent` lines, where it is shifted.",
        ),
        Output::text("images", "What the services run now, by digest."),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Lines("task-definitions")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(20);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
        self.required.check_with(common, problems);
        if self.adopt.0 {
            check_adoption(&self.record, common, problems);
        }
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by deploy-service: it makes the record, and gives its number as the output `deployment-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for service in self.names() {
            cx.read_back_at_end(Served::Service(self.cluster.clone(), service));
        }
        self.required.check(cx, &self.record).await?;
        if self.adopt.0 {
            return adopt::run(self, cx).await;
        }
        let (plan, tasks, history) = loop {
            let observed = observe(self, cx).await?;
            let tasks = tasks::observe(self, cx, &observed).await?;
            let plan = plan(observed, self)?;
            if plan.iter().all(|one| one.change == Change::Nothing) && !tasks.iter().any(Task::changes) {
                return self.nothing_to_do(cx, &plan, &tasks).await;
            }
            let unknown = vec![None; plan.len()];
            let mut targets = report::targets(self, &plan, &unknown);
            targets.extend(tasks.iter().map(|task| task.target(None)));
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &targets).await? {
                Concurrency::Clear(history) => break (plan, tasks, history),
                Concurrency::Waited => {}
            }
        };
        let cx = &self.with_time(cx, &plan)?;
        self.check_gate(cx, &plan)?;
        report::announce(cx, self, &plan);
        tasks::announce(cx, &tasks);
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, &plan));
        }
        cx.confirm(
            &plan
                .iter()
                .map(|one| format!("deploy service {}", one.observed.service.name))
                .collect::<Vec<_>>()
                .join("; "),
        )
        .await?;
        // A revision that no service has serves nobody: the record, which names it, is made before what changes what serves.
        let revisions = register(cx, &plan).await?;
        let registered = tasks::register_all(cx, &tasks).await?;
        let of_tasks = tasks.iter().zip(&registered).map(|(task, one)| task.target(Some(&one.revision))).collect();
        let record = self.open_record(cx, (&plan, &revisions), of_tasks, history).await?;
        report::set_outputs(cx, &plan, &revisions)?;
        report::announce_deployment(cx, self, &plan);
        let (mut followed, refused) = apply(cx, self, &plan, &revisions).await;
        if refused.is_none() {
            self.read_back(cx, &mut followed).await?;
        }
        let refused = refused.map(|error| failure(&cx.calls.deadline, error)).transpose()?;
        told(cx, plan.len(), &followed);
        self.conclude(cx, (&plan, &registered), &followed, refused, record).await
    }
}

impl DeployService {
    /// Also where an attempt of this run was killed after its write: its record is closed.
    async fn nothing_to_do(&self, cx: &Context, plan: &[Planned], tasks: &[Task]) -> Step<Outcome> {
        report::announce(cx, self, plan);
        let revisions: Vec<Revision> = plan.iter().filter_map(|one| one.observed.revision()).collect();
        report::set_outputs(cx, plan, &revisions)?;
        report::set_serving(cx, plan);
        let mut replaced = Vec::new();
        if !cx.is_dry_run() {
            let revisions: Vec<_> = revisions.into_iter().map(Some).collect();
            let mut serving = report::targets(self, plan, &revisions);
            serving.extend(tasks.iter().map(Task::as_it_is));
            replaced = Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
        }
        let floor = self.record.floor_above(None, &replaced);
        hand_over(cx, replaced, floor)?;
        let names: Vec<String> =
            plan.iter().map(|one| format!("service {} runs that already", one.observed.service.name)).collect();
        Ok(Outcome::skipped(format!("nothing to do: {}", names.join("; "))))
    }

    /// The step's time, counted by what the services' own configurations wait for, unless it was given.
    fn with_time(&self, cx: &Context, plan: &[Planned]) -> Step<Context> {
        let configurations =
            plan.iter().map(|one| (&one.observed.service.name, &one.observed.service.deployment_configuration));
        if let Some(given) = cx.common.timeout {
            for (name, configuration) in configurations {
                let (least, count) = at_least(configuration, self.until);
                if given.0 < least {
                    return Err(Outcome::bad_input(message!(
                        "timeout-too-short",
                        "a deployment of service {name} takes at least {} ({count}), and `timeout` is {}",
                        human_duration(least),
                        human_duration(given.0)
                    ))
                    .advise("nothing was written; raise `timeout`, or set `until: traffic-shifted`, which does not wait for the bake time")
                    .into());
                }
            }
            return Ok(cx.clone());
        }
        let most =
            configurations.map(|(_, configuration)| at_most(configuration, self.way())).max().unwrap_or_default();
        tracing::info!(
            "waits at most {} for the deployment, by the configuration of the service",
            human_duration(most)
        );
        if most > LONG {
            tracing::info!(
                "  `until: traffic-shifted` does not wait for the bake time, and `on-pause: return` not for answers"
            );
        }
        Ok(cx.with_deadline(cx.calls.deadline.renew(most)))
    }

    /// Hands over what is replaced, and opens the record: before the first write that changes what serves.
    async fn open_record(
        &self,
        cx: &Context,
        (plan, revisions): (&[Planned], &[Revision]),
        of_tasks: Vec<Target>,
        history: Option<History>,
    ) -> Step<Option<Record>> {
        let revisions: Vec<_> = revisions.iter().cloned().map(Some).collect();
        let mut all = report::targets(self, plan, &revisions);
        all.extend(of_tasks);
        let replaced = report::replaced(&all);
        let floor = self.record.floor_above(history.as_ref(), &replaced);
        hand_over(cx, replaced, floor.clone())?;
        let release = Release {
            kind: Kind::Deploy,
            commit: all.iter().find_map(|target| target.commit.clone()),
            proof: None,
            description: Self::NAME,
            undone: Vec::new(),
            history,
        };
        // Services that stay as they are belong to the release too: an earlier attempt may have brought them there, and failed.
        let record = Record::open(cx, &self.record, release, all.clone(), &all).await?;
        if let Some(record) = &record {
            hand_over(cx, report::replaced(record.targets()), floor)?;
        }
        Ok(record)
    }

    /// How far the deployments are followed.
    fn way(&self) -> Way {
        let at_pause = match self.on_pause {
            OnPause::Wait => AtPause::Wait,
            OnPause::Continue => AtPause::Answer(self.answering()),
            OnPause::Return => AtPause::End,
        };
        Way { until: self.until, at_pause, drained: self.require_drained.0 }
    }

    /// After a failure everything that was deployed is put back. In any case the record says how it ended.
    async fn conclude(
        &self,
        cx: &Context,
        (plan, tasks): (&[Planned], &[Registered]),
        followed: &[Followed],
        refused: Option<Outcome>,
        record: Option<Record>,
    ) -> Step<Outcome> {
        let ended = outcome(cx, followed, refused);
        let later = &cx.with_deadline(cx.calls.deadline.renew(RECORDING));
        if ended.ending.verdict().is_good() {
            let ended = tasks::conclude(tasks, ended);
            if let Some(record) = record {
                record.succeed(later, Self::NAME, Self::FIGURES).await;
            }
            return Ok(ended);
        }
        let is_bad = matches!(ended.ending, Ending::Judged(Verdict::Fail) | Ending::BadVersionServes);
        let ended = conclude::put_back(cx, self, plan, followed, ended).await?;
        let stays = self.on_failure == OnFailedService::Leave || ended.ending == Ending::BadVersionServes;
        let ended = if stays { ended } else { tasks::take_back(later, tasks, ended).await };
        let later = &later.with_deadline(cx.calls.deadline.renew(RECORDING));
        if let Some(record) = record {
            // What ECS or this step has put back is held: the same commit does not come again by itself.
            if is_bad && ended.ending != Ending::BadVersionServes {
                record.take_back(later, Self::NAME, &ended).await;
            } else {
                record.fail(later, Self::NAME, &ended).await;
            }
        }
        Ok(ended)
    }
}
