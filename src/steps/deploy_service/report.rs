//! What deploy-service reports: before the write, while it waits, and when it is done.

use super::DeployService;
use super::inputs::RequireGuard;
use super::model::Observed;
use super::plan::{Change, Planned, guard_advice, no_guard};
use crate::context::Context;
use crate::ecs::{Revision, ServiceRevision, running};
use crate::outcome::{Outcome, Verdict};
use crate::record::{Place, Previous, Target};
use crate::rollout::services;
use crate::text::{Foreign, LONGEST, message};

/// Says what will happen, what differs, and how to undo it by hand.
pub(super) fn announce(cx: &Context, step: &DeployService, plan: &[Planned]) {
    for one in plan {
        announce_one(cx, step, one);
    }
}

fn announce_one(cx: &Context, step: &DeployService, one: &Planned) {
    let observed = &one.observed;
    let name = &observed.service.name;
    let images: Vec<String> =
        observed.images.iter().map(|(container, image)| format!("{container} {}", image.digest.short())).collect();
    cx.report.check(
        format!("{name} before the deployment"),
        running_label(observed),
        format!("to run {}", images.join(", ")),
        Verdict::Pass,
        "ecs:DescribeServiceRevisions",
    );
    if let Some(platform) = observed.running.as_ref().and_then(|running| running.changed_platform()) {
        let words = [&platform.cpu_architecture, &platform.operating_system_family];
        let words: Vec<String> =
            words.into_iter().flatten().map(|word| Foreign::new(word).for_message(LONGEST)).collect();
        cx.report.warn(format!(
            "ECS runs service {name} on {}, which is not what its task definition says",
            words.join(" ")
        ));
    }
    match one.change {
        Change::Nothing => {
            tracing::info!("{name}: runs that already");
            return;
        }
        Change::Follow => {
            tracing::info!("{name}: its deployment to that is on its way, and is followed");
            return;
        }
        Change::Update(ref revision) => tracing::info!("{name}: gets {revision}, which is there already"),
        Change::Register => {
            tracing::info!("{name}: gets a new revision of its task definition; its base is {}", observed.base);
        }
    }
    let differences: Vec<String> = observed
        .wanted
        .differences(&observed.current)
        .iter()
        .map(|line| Foreign::new(line).for_record(LONGEST))
        .collect();
    for line in &differences {
        tracing::info!("  {line}");
    }
    cx.report.section(format!("What changes for {name}"), differences);
    if let Some(previous) = observed.previous() {
        let command = by_hand(step, one, &previous);
        tracing::info!("  to put back by hand: {command}");
        cx.report.section("To put back by hand", [command]);
    }
    if step.require_guard == RequireGuard::Warn && !observed.service.deployment_configuration.is_guarded() {
        cx.report.warn(format!("{}: {}", no_guard(observed), guard_advice(observed)));
    }
    for (container, _) in observed.images.iter().filter(|(container, _)| !observed.wanted.pins(container)) {
        cx.report.warn(message!(
            "not-proved-by-digest",
            "container {container} of service {name} has `versionConsistency: disabled`: what it runs is not proved"
        ));
    }
}

fn by_hand(step: &DeployService, one: &Planned, previous: &Revision) -> String {
    let (cluster, name, region) = (&step.cluster, &one.observed.service.name, &one.observed.location.region);
    format!("{} --region {region}", services::by_hand(cluster, name, previous))
}

/// What runs before, for people.
fn running_label(observed: &Observed) -> String {
    let Some(revision) = observed.previous() else { return "nothing".to_owned() };
    let digests: Vec<String> = observed
        .running_digests()
        .iter()
        .map(|(container, digest)| format!("{container} {}", digest.short()))
        .collect();
    if digests.is_empty() { revision.to_string() } else { format!("{revision} ({})", digests.join(", ")) }
}

/// Says what goes on when this step ends early, and how it is stopped.
pub(super) fn announce_deployment(cx: &Context, step: &DeployService, plan: &[Planned]) {
    let changed = plan.iter().filter(|one| one.change != Change::Nothing);
    let lines = changed.map(|one| {
        let (cluster, name, region) = (&step.cluster, &one.observed.service.name, &one.observed.location.region);
        format!(
            "aws ecs stop-service-deployment --stop-type ROLLBACK --region {region} --service-deployment-arn \"$(aws ecs describe-services \
             --cluster {cluster} --services {name} --region {region} --query 'services[0].currentServiceDeployment' --output text)\""
        )
    });
    cx.report.section("To stop a deployment by hand: it goes on when this step is cancelled", lines);
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, plan: &[Planned]) -> Outcome {
    cx.report.note_change();
    set_serving(cx, plan);
    let each = plan.iter().map(|one| {
        let name = &one.observed.service.name;
        match &one.change {
            Change::Nothing => format!("{name} would stay"),
            Change::Follow => format!("the deployment of {name} would be followed"),
            Change::Update(revision) => format!("{name} would get {revision}"),
            Change::Register => format!("{name} would get a new revision of {}", one.observed.base),
        }
    });
    Outcome::pass(format!("dry run, nothing was changed: {}", each.collect::<Vec<_>>().join("; ")))
}

/// What runs, from what was read before.
pub(super) fn set_serving(cx: &Context, plan: &[Planned]) {
    let each = plan.iter().filter_map(|one| {
        let revisions: Vec<_> = one.observed.running.iter().cloned().collect();
        running(&one.observed.service, &revisions).ok().map(|running| running.to_string())
    });
    cx.report.serving(each.collect::<Vec<_>>().join("; "));
}

/// What goes into the record and into `state`: where each service goes, and what it leaves.
pub(super) fn targets(step: &DeployService, plan: &[Planned], revisions: &[Option<Revision>]) -> Vec<Target> {
    let each = plan.iter().zip(revisions).map(|(one, revision)| {
        let observed = &one.observed;
        let place = Place::of_service(&observed.location, &step.cluster, &observed.service.name);
        let previous = observed.previous().map(|revision| Previous {
            task_definition: Some(revision),
            images: observed.running.as_ref().map(ServiceRevision::digests).unwrap_or_default(),
            ..Previous::default()
        });
        Target {
            commit: observed.commit.clone(),
            task_definition: revision.clone(),
            images: observed.digests(),
            previous,
            ..Target::new(place, None, None)
        }
    });
    each.collect()
}

/// Those that leave something else behind: what a rollback goes back from.
pub(super) fn replaced(targets: &[Target]) -> Vec<Target> {
    targets.iter().filter(|target| !target.stays()).cloned().collect()
}

/// The outputs that are lines of `service=family:revision`.
///
/// # Errors
/// They would have to be cut.
pub(super) fn set_outputs(cx: &Context, plan: &[Planned], revisions: &[Revision]) -> Result<(), Outcome> {
    let now = plan.iter().zip(revisions).map(|(one, revision)| format!("{}={revision}", one.observed.service.name));
    cx.report.value("task-definitions", now.collect::<Vec<_>>().join("\n"))?;
    let before =
        plan.iter().filter_map(|one| Some(format!("{}={}", one.observed.service.name, one.observed.previous()?)));
    cx.report.value("previous-task-definitions", before.collect::<Vec<_>>().join("\n"))?;
    let images = plan.iter().flat_map(|one| {
        let name = &one.observed.service.name;
        one.observed.images.iter().map(move |(container, image)| format!("{name}/{container}={}", image.digest))
    });
    cx.report.output("images", images.collect::<Vec<_>>().join("\n"));
    Ok(())
}
