//! Families without a service that get a revision with the same image: what a schedule starts, or run-task.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::DeployService;
use super::model::Observed;
use super::services::TaskImage;
use crate::aws::Location;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{ContainerName, Definition, Family, Revision};
use crate::oci::{Digest, ImageReference, Selector};
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{Place, Previous, Target};
use crate::rollout::ecr_image::Image;
use crate::rollout::services::register;
use crate::text::{Foreign, LONGEST, message};

/// A family as it was found, and what it is to get.
#[derive(Clone, Debug)]
pub(super) struct Task {
    family: Family,
    location: Location,
    current: Definition,
    wanted: Definition,
    images: BTreeMap<ContainerName, Digest>,
}

impl Task {
    /// Whether it gets a revision.
    pub(super) fn changes(&self) -> bool {
        !self.current.says_the_same(&self.wanted)
    }

    /// What goes into the record of a family that has the image already.
    pub(super) fn as_it_is(&self) -> Target {
        self.target(self.current.revision().as_ref())
    }

    /// What goes into the record.
    pub(super) fn target(&self, revision: Option<&Revision>) -> Target {
        let of_image = |container: &ContainerName| {
            let reference: ImageReference = self.current.image(container)?.parse().ok()?;
            match reference.selector {
                Selector::Digest(digest) => Some((container.clone(), digest)),
                Selector::Tag(_) => None,
            }
        };
        let previous = Previous {
            task_definition: self.current.revision(),
            images: self.images.keys().filter_map(of_image).collect(),
            ..Previous::default()
        };
        Target {
            task_definition: revision.cloned(),
            images: self.images.clone(),
            previous: Some(previous),
            ..Target::new(Place::of_task(&self.location, &self.family), None, None)
        }
    }
}

/// Reads the newest revision of each family, and what it is to get of what the services get.
pub(super) async fn observe(step: &DeployService, cx: &Context, deployed: &[Observed]) -> Step<Vec<Task>> {
    if step.tasks.is_none() {
        return Ok(Vec::new());
    }
    let mut images: Vec<&Image> = Vec::new();
    for (_, image) in deployed.iter().flat_map(|one| &one.images) {
        if !images.iter().any(|known| known.uri == image.uri) {
            images.push(image);
        }
    }
    try_join_all(step.tasks.iter().flatten().map(|asked| observe_one(cx, asked, &images))).await
}

async fn observe_one(cx: &Context, asked: &TaskImage, images: &[&Image]) -> Step<Task> {
    let family = &asked.family;
    let current = cx.ecs().await?.definition(family.as_str()).await?.filter(Definition::is_active);
    let Some(current) = current else {
        return Err(Outcome::bad_input(format!("there is no ACTIVE task definition of family {family}"))
            .advise("nothing was written; correct `tasks`, or register it first")
            .into());
    };
    let mut wanted = current.clone();
    let mut found = BTreeMap::new();
    for (container, image) in choose(asked, &current, images)? {
        let platform = wanted.platform();
        if image.runs_on(&platform) == Some(false) {
            return Err(Outcome::fail(format!(
                "the image {} is not for {platform}, where the tasks of family {family} run: nothing was written",
                image.short
            ))
            .advise(format!("build it for {platform}, or set `runtimePlatform` of the task definition"))
            .into());
        }
        wanted.set_image(&container, &image.uri);
        found.insert(container, image.digest.clone());
    }
    let location = cx.aws().await?.location().await?;
    Ok(Task { family: family.clone(), location, current, wanted, images: found })
}

/// Which containers of the family get which of the images: one of the repository that they have.
fn choose<'i>(
    asked: &TaskImage,
    current: &Definition,
    images: &[&'i Image],
) -> Result<Vec<(ContainerName, &'i Image)>, Outcome> {
    let family = &asked.family;
    let known = current.containers();
    if let Some(missing) = asked.container.as_ref().filter(|container| !known.contains(container)) {
        let nearest = crate::action::inputs::nearest(missing.as_str(), known.iter().map(ContainerName::as_str));
        let hint = nearest.map(|nearest| format!(" (did you mean {nearest}?)")).unwrap_or_default();
        return Err(Outcome::bad_input(format!(
            "the task definition of family {family} has no container {missing}{hint}"
        ))
        .advise("nothing was written; correct the name in `tasks`"));
    }
    let named: Vec<&ContainerName> =
        known.iter().filter(|container| asked.container.as_ref().is_none_or(|one| one == *container)).collect();
    let of_repository = |container: &ContainerName| {
        let reference: ImageReference = current.image(container)?.parse().ok()?;
        let is_it =
            |image: &&&Image| image.repository == reference.repository && Some(&image.host) == reference.host.as_ref();
        images.iter().find(is_it).copied()
    };
    let chosen = named.iter().filter_map(|container| Some(((*container).clone(), of_repository(container)?)));
    let chosen: Vec<_> = chosen.collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    // Of another repository: where only one can be meant.
    match (named.as_slice(), images) {
        ([only], [image]) => Ok(vec![((*only).clone(), *image)]),
        _ => Err(Outcome::bad_input(message!(
            "which-image-of-task",
            "no container of family {family} has an image of a repository that is deployed"
        ))
        .advise("nothing was written; name the container in `tasks` (`family/container`), and deploy one image")),
    }
}

/// Says what the families get.
pub(super) fn announce(cx: &Context, tasks: &[Task]) {
    for task in tasks.iter().filter(|task| task.changes()) {
        let lines = task.wanted.differences(&task.current);
        let lines: Vec<String> = lines.iter().map(|line| Foreign::new(line).for_record(LONGEST)).collect();
        tracing::info!("family {}: gets a new revision of its task definition", task.family);
        cx.report.section(format!("What changes for family {}", task.family), lines);
    }
}

/// A family's revision, and whether this step has registered it.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) revision: Revision,
    is_new: bool,
}

/// Registers what is missing.
pub(super) async fn register_all(cx: &Context, tasks: &[Task]) -> Step<Vec<Registered>> {
    let mut all = Vec::new();
    for task in tasks {
        let current = task.current.revision();
        let revision = match &current {
            Some(current) if !task.changes() => current.clone(),
            newest => register(&cx.ecs().await?, &task.wanted, newest.as_ref(), cx.commit().as_ref()).await?,
        };
        let is_new = Some(&revision) != current.as_ref();
        if is_new {
            tracing::info!("family {}: registered {revision}", task.family);
        }
        all.push(Registered { revision, is_new });
    }
    Ok(all)
}

/// After a failure: what was registered is deregistered, so that the newest revision of the family is the one before.
pub(super) async fn take_back(cx: &Context, registered: &[Registered], outcome: Outcome) -> Outcome {
    let mut outcome = outcome;
    for one in registered.iter().filter(|one| one.is_new) {
        let revision = &one.revision;
        let deregistered = async { cx.ecs().await?.deregister(revision).await };
        match deregistered.await {
            Ok(()) => outcome.reason = format!("{}; {revision} was deregistered", outcome.reason),
            Err(error) => cx.report.warn(message!(
                "task-not-deregistered",
                "{revision}, which no service has, stays the newest of its family: {}",
                error_line(&error)
            )),
        }
    }
    outcome
}

/// What the families have now, at the end of a good outcome.
pub(super) fn conclude(tasks: &[Registered], outcome: Outcome) -> Outcome {
    let new: Vec<String> = tasks.iter().filter(|one| one.is_new).map(|one| one.revision.to_string()).collect();
    if new.is_empty() {
        return outcome;
    }
    let told = format!("registered {} for tasks without a service", new.join(", "));
    match outcome.ending.verdict() {
        Verdict::Skipped => Outcome::pass(told),
        _ => Outcome { reason: format!("{}; {told}", outcome.reason), ..outcome },
    }
}
