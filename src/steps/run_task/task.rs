//! A task of ECS: what it is made of, and how it is started, found again and stopped.

use std::rc::Rc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::RunTask;
use super::judge;
use super::plan::{Known, Label, MARK};
use super::seen::{LogPlace, Seen};
use super::values::TaskDefinition;
use crate::aws::refusal;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::ecs::{ClusterName, ContainerLog, ContainerName, Definition, Ecs, Revision, Service, Started, short_id};
use crate::oci::{EcrRegistry, ImageReference, Selector};
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::{Access, Credentials, Repository};
use crate::rollout::ecr_image::{self, Lookup};
use crate::rollout::guard;
use crate::rollout::services::register;
use crate::text::{Foreign, LONGEST, message};

/// More than this ECS does not take: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html>.
const LARGEST_OVERRIDES: usize = 8192;

/// What is run, and how.
#[derive(Debug)]
pub(super) struct TaskRun {
    pub(super) cluster: ClusterName,
    container: ContainerName,
    /// As it is registered.
    current: Definition,
    /// With the image that was asked for.
    wanted: Definition,
    /// The newest of the family, where an image was asked for.
    newest: Option<Definition>,
    /// Of `RunTask`, but for the task definition and the token.
    request: Value,
}

impl TaskRun {
    /// Reads what is run.
    pub(super) async fn observe(step: &RunTask, cx: &Context, cluster: &ClusterName, label: &Label) -> Step<Self> {
        let ecs = &cx.ecs().await?;
        let service = match &step.service {
            Some(name) => ecs.services(cluster, &[name], cx.common.expected_tags.is_some()).await?.into_iter().next(),
            None => None,
        };
        guard::check_services(cx, service.as_slice()).await?;
        let current = definition(step, ecs, service.as_ref()).await?;
        let container = container(step, &current)?;
        let (mut wanted, mut newest) = (current.clone(), None);
        if let Some(image) = &step.image {
            wanted.set_image(&container, &image_uri(step, cx, image).await?);
            let family = current.revision().context("the task definition has no name")?.family;
            newest = ecs.definition(family.as_str()).await?;
        }
        let overrides = overrides(step, &container, label);
        if overrides.to_string().len() > LARGEST_OVERRIDES {
            return Err(Outcome::bad_input(format!(
                "`command` and `environment-overrides` are {} characters together, and ECS takes {LARGEST_OVERRIDES}",
                overrides.to_string().len()
            ))
            .advise("nothing was started; put what is long into the task definition, or into a file of the image")
            .into());
        }
        let mut request = json!({"cluster": cluster.as_str(), "startedBy": label.scope, "overrides": overrides});
        place(step, &current, service.as_ref(), &mut request)?;
        Ok(Self { cluster: cluster.clone(), container, current, wanted, newest, request })
    }

    /// What is run, for people.
    pub(super) fn what(&self) -> String {
        let revision = self.current.revision().map_or_else(|| "a task definition".to_owned(), |one| one.to_string());
        let image = if self.is_other() { " with another image" } else { "" };
        format!("{revision}{image}, container {}, in cluster {}", self.container, self.cluster)
    }

    fn is_other(&self) -> bool {
        !self.wanted.says_the_same(&self.current)
    }

    pub(super) async fn known(&self, cx: &Context, label: &Label) -> Result<Vec<Known>> {
        let tasks = cx.ecs().await?.tasks_started_by(&self.cluster, &label.scope).await?;
        let known = tasks.into_iter().map(|task| Known {
            mark: task.variable(MARK).unwrap_or_default().to_owned(),
            goes_on: !task.has_stopped(),
            id: task.arn,
        });
        Ok(known.collect())
    }

    /// The revision that is run: what has that image already, else a new one.
    async fn revision(&self, cx: &Context, ecs: &Ecs) -> Step<Revision> {
        let nameless = || Outcome::error("ECS described a task definition without a name");
        let own = self.current.revision().ok_or_else(nameless)?;
        if !self.is_other() {
            return Ok(own);
        }
        if let Some(newest) = self.newest.as_ref().filter(|newest| newest.says_the_same(&self.wanted)) {
            return Ok(newest.revision().ok_or_else(nameless)?);
        }
        let newest = self.newest.as_ref().and_then(Definition::revision);
        let registered = register(ecs, &self.wanted, newest.as_ref(), cx.commit().as_ref()).await?;
        tracing::info!("registered {registered}, which differs from {own} in its image alone");
        Ok(registered)
    }

    /// Starts it. Where ECS has no room, it is asked again until the deadline: nothing has started then.
    pub(super) async fn start(&self, cx: &Context, label: &Label, before: usize) -> Step<String> {
        let ecs = &cx.ecs().await?;
        let revision = self.revision(cx, ecs).await?;
        let mut request = self.request.clone();
        request["taskDefinition"] = json!(revision.to_string());
        request["clientToken"] = json!(label.token(&request.to_string(), before));
        let what = format!("run a task of {revision}");
        let started = poll(&cx.calls.deadline, "room for the task", async || {
            Ok(match ecs.run_task(&what, request.clone()).await {
                Ok(Started::Task(task)) => Look::Done(Ok(task.arn)),
                Ok(Started::Nothing(why)) if is_for_want_of_room(why.raw()) => Look::NotYet(why.for_message(LONGEST)),
                Ok(Started::Nothing(why)) => Look::Done(Err(why)),
                // The token was used before, by a request that differs: what it has started is ours.
                Err(error) if refusal(&error).is_some_and(|refused| refused.code == "ConflictException") => {
                    let own = self.known(cx, label).await?.into_iter().find(|one| one.mark == label.mark());
                    Look::Done(Ok(own.ok_or(error)?.id))
                }
                Err(error) => return Err(error),
            })
        });
        started.await?.map_err(|why| nothing_started(&why).into())
    }

    pub(super) async fn look(&self, cx: &Context, id: &str) -> Result<Option<Seen>> {
        let Some(task) = cx.ecs().await?.task(&self.cluster, id).await? else { return Ok(None) };
        let has_stopped = task.has_stopped();
        Ok(Some(Seen {
            state: task.last_status.for_message(40),
            end: if has_stopped { Some(judge::of_task(&task, &self.container)?) } else { None },
            log: Some(self.log(cx.aws().await?.region(), id)),
            others: if has_stopped { judge::sidecars(&task, &self.container) } else { Vec::new() },
        }))
    }

    fn log(&self, region: &str, id: &str) -> LogPlace {
        match self.wanted.log(&self.container) {
            ContainerLog::CloudWatch { region: Some(other), .. } if other != region => {
                LogPlace::Elsewhere(format!("its log in another region ({other})"))
            }
            ContainerLog::CloudWatch { group, prefix, .. } => {
                LogPlace::Stream { group, stream: format!("{prefix}/{}", short_id(id)) }
            }
            ContainerLog::Elsewhere(why) => LogPlace::Elsewhere(why),
        }
    }

    pub(super) async fn stop(&self, cx: &Context, id: &str) -> Result<()> {
        cx.ecs().await?.stop_task(&self.cluster, id, "stopped by deploy-action run-task").await
    }
}

/// Reasons that pass: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>.
fn is_for_want_of_room(why: &str) -> bool {
    why.starts_with("RESOURCE:") || why.starts_with("AGENT") || why.starts_with("Capacity is unavailable")
}

fn nothing_started(why: &Foreign) -> Outcome {
    Outcome::fail(message!("task-not-started", "ECS started no task: {}", why.for_message(LONGEST)))
        .advise("nothing has run; see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html for this reason, and run the step again")
}

/// The task definition that is run, as it is registered.
async fn definition(step: &RunTask, ecs: &Ecs, service: Option<&Service>) -> Step<Definition> {
    let name = match (&step.task_definition, service) {
        (Some(named), _) => named.to_string(),
        (None, Some(service)) if !service.task_definition.is_empty() => service.task_definition.clone(),
        _ => {
            return Err(
                Outcome::bad_input("the service has no task definition of its own: give `task-definition`").into()
            );
        }
    };
    let found = ecs.definition(&name).await?;
    found.filter(Definition::is_active).ok_or_else(|| {
        let kind = if matches!(step.task_definition, Some(TaskDefinition::Family(_))) { "family" } else { "revision" };
        let name = short_id(&name);
        Outcome::bad_input(format!("there is no ACTIVE task definition {name}"))
            .advise(format!(
                "nothing was started; correct `task-definition`, register that {kind} first, or correct `aws-region`"
            ))
            .into()
    })
}

/// The container that decides.
fn container(step: &RunTask, definition: &Definition) -> Result<ContainerName, Outcome> {
    let known = definition.containers();
    let list = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let revision = definition.revision();
    let name = revision.as_ref().map(ToString::to_string).unwrap_or_default();
    let Some(asked) = &step.container else {
        let only = known.first().filter(|_| known.len() == 1);
        let family = revision.as_ref().map(|one| one.family.as_str());
        let service = step.service.as_ref().map(crate::ecs::ServiceName::as_str);
        let called = known.iter().find(|one| Some(one.as_str()) == service || Some(one.as_str()) == family);
        return only.or(called).cloned().ok_or_else(|| {
            Outcome::bad_input(format!("task definition {name} has several containers ({list})"))
                .advise("nothing was started; say with `container` which of them decides how the task ended")
        });
    };
    if known.contains(asked) {
        return Ok(asked.clone());
    }
    let nearest = crate::action::inputs::nearest(asked.as_str(), known.iter().map(ContainerName::as_str));
    let hint = nearest.map_or_else(|| format!("it has {list}"), |nearest| format!("did you mean {nearest}?"));
    Err(Outcome::bad_input(format!("task definition {name} has no container {asked} ({hint})"))
        .advise("nothing was started; correct `container`"))
}

/// The image by the name that is registered, once it was seen to be there.
async fn image_uri(step: &RunTask, cx: &Context, image: &ImageReference) -> Step<String> {
    let absent = |name: &str, source: &str| {
        cx.report.check(format!("image {name}"), "is not there", "is there", Verdict::Fail, source);
        Outcome::fail(format!("image {name} does not exist: nothing was started"))
            .advise("run promote-artifact into that registry before this step, or correct `image`")
    };
    let elsewhere = image.host.as_ref().filter(|host| EcrRegistry::from_host(host).is_none());
    let (Some(host), Selector::Digest(digest)) = (elsewhere, &image.selector) else {
        return match ecr_image::look(cx, image, None).await? {
            Lookup::Found(image) => {
                if let Some(permission) = image.missing_permission() {
                    cx.report
                        .warn(format!("whether image {} is there could not be read without {permission}", image.short));
                }
                Ok(image.uri)
            }
            Lookup::Absent { name, source } => Err(absent(&name, source).into()),
        };
    };
    let credentials = step
        .registry_username
        .as_ref()
        .zip(step.registry_password.as_ref())
        .map(|(username, password)| Credentials { username: username.to_string(), password: password.clone() });
    let registry = Rc::new(cx.registry(host, credentials).await?);
    let repository = Repository::new(cx.calls.clone(), registry, host, &image.repository, Access::Pull);
    let name = format!("{host}/{}@{digest}", image.repository);
    if repository.has_manifest(digest).await? {
        return Ok(name);
    }
    Err(absent(&name, "HEAD /v2/{name}/manifests/{digest}").into())
}

fn overrides(step: &RunTask, container: &ContainerName, label: &Label) -> Value {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let given = step.environment_overrides.iter().flatten();
    let variables: Vec<Value> =
        given.map(|one| variable(&one.name, &one.value)).chain([variable(MARK, &label.mark())]).collect();
    let mut own = json!({"name": container.as_str(), "environment": variables});
    if let Some(command) = &step.command {
        own["command"] = command.iter().map(ToString::to_string).collect();
    }
    json!({"containerOverrides": [own]})
}

/// Where the task runs: as the service's tasks do, else as the task definition and `network` say. Nothing about the network is sent of a task
/// that has none of its own, which ECS refuses.
fn place(
    step: &RunTask,
    definition: &Definition,
    service: Option<&Service>,
    request: &mut Value,
) -> Result<(), Outcome> {
    if definition.has_own_network() {
        let given = step.network.as_ref().map(super::values::Network::configuration);
        let of_service = service.and_then(|service| service.network_configuration.clone());
        request["networkConfiguration"] = given.or(of_service).ok_or_else(|| {
            Outcome::bad_input("a task with the network mode awsvpc has to be told where it is in the network")
                .advise("nothing was started; give `service`, whose network it gets, or `network` with `subnets` and `security-groups`")
        })?;
    } else if step.network.is_some() {
        return Err(Outcome::bad_input(
            "input `network` is for tasks with the network mode awsvpc, and this task definition has another one",
        )
        .advise("nothing was started; remove `network`"));
    }
    match service {
        Some(service) if !service.capacity_provider_strategy.is_empty() => {
            request["capacityProviderStrategy"] = json!(service.capacity_provider_strategy);
        }
        Some(service) => request["launchType"] = json!(service.launch_type),
        None if definition.is_for_fargate() => request["launchType"] = json!("FARGATE"),
        None => {}
    }
    if let Some(platform) = service.and_then(|service| service.platform_version.as_ref()) {
        request["platformVersion"] = json!(platform);
    }
    Ok(())
}
