//! The client of ECS. Requests are signed here, and answers read as the JSON they are: a release of an SDK would drop what it does not know.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::definition::Definition;
use super::deployment::ServiceDeployment;
use super::names::{ClusterName, Family, Revision, ServiceName};
use super::service::{Service, ServiceRevision};
use super::task::Task;
use crate::aws::signed::{self, Signed, list, one};
use crate::aws::{Aws, absent_is_none};
use crate::calls::Calls;
use crate::calls::retry::Kind;
use crate::text::{Foreign, LONGEST};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>: at most so many services at a time.
const AT_ONCE: usize = 10;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html>: and so many of these.
const DEPLOYMENTS_AT_ONCE: usize = 20;

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ecs {
    api: Signed,
    calls: Calls,
}

/// A deployment in a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Brief {
    #[serde(rename = "serviceDeploymentArn")]
    arn: String,
    #[serde(default)]
    created_at: f64,
}

/// Something that was asked for and is not there.
#[derive(Deserialize)]
struct Missing {
    #[serde(default)]
    arn: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// A service that was asked for and is not there.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Absent(String);

impl Ecs {
    /// The client of this connection.
    ///
    /// # Errors
    /// HTTP cannot be set up.
    pub fn new(aws: &Aws) -> Result<Self> {
        let api = Signed::new(aws, signed::Service { name: "ecs", id: "ECS" })?;
        Ok(Self { api, calls: aws.calls().clone() })
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    /// How it calls.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(super) async fn read(&self, action: &'static str, body: Value) -> Result<Value> {
        let target = target(action);
        self.calls.read(action, || self.api.json(action, &target, &body)).await
    }

    async fn write(&self, what: &str, action: &'static str, body: Value) -> Result<Value> {
        self.send(what, Kind::Once, action, body).await
    }

    /// A write, which may be sent again where its `kind` says so.
    pub(super) async fn send(&self, what: &str, kind: Kind, action: &'static str, body: Value) -> Result<Value> {
        let target = target(action);
        self.calls.write(what, kind, || self.api.json(action, &target, &body)).await
    }

    /// Services of a cluster, in the order in which they are named.
    ///
    /// # Errors
    /// The cluster or a service does not exist, or cannot be read.
    pub async fn services(&self, cluster: &ClusterName, names: &[&ServiceName], tags: bool) -> Result<Vec<Service>> {
        let mut found: Vec<Service> = Vec::new();
        for some in names.chunks(AT_ONCE) {
            let some: Vec<&str> = some.iter().map(|name| name.as_str()).collect();
            let mut body = json!({"cluster": cluster.as_str(), "services": some});
            if tags {
                body["include"] = json!(["TAGS"]);
            }
            let answer = self.read("ecs:DescribeServices", body).await;
            let answer = answer.with_context(|| format!("read the services of cluster {cluster}"))?;
            let missing: Vec<Missing> = list(&answer, "failures")?;
            if let Some(missing) = missing.first() {
                let name = missing.arn.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default();
                let (name, reason) = (Foreign::new(name), Foreign::new(missing.reason.as_deref().unwrap_or_default()));
                return Err(Absent(format!(
                    "cluster {cluster} has no service {} ({}): this step deploys services that exist; make it first, with what makes the \
                     others (Terraform, CDK, CloudFormation, or `aws ecs create-service`), or correct `cluster`, `services` or the region",
                    name.for_message(LONGEST),
                    reason.for_message(LONGEST)
                ))
                .into());
            }
            found.extend(list::<Service>(&answer, "services")?);
        }
        let place = |service: &Service| names.iter().position(|name| **name == service.name);
        found.sort_by_key(place);
        Ok(found)
    }

    /// Deployments by their ARNs.
    pub async fn deployments(&self, arns: &[&str]) -> Result<Vec<ServiceDeployment>> {
        let mut found = Vec::new();
        for some in arns.chunks(DEPLOYMENTS_AT_ONCE) {
            let answer = self.read("ecs:DescribeServiceDeployments", json!({"serviceDeploymentArns": some})).await;
            let answer = answer.context("read the deployments of the services")?;
            found.extend(list(&answer, "serviceDeployments")?);
        }
        Ok(found)
    }

    /// Revisions of services by their ARNs.
    pub async fn revisions(&self, arns: &[&str]) -> Result<Vec<ServiceRevision>> {
        let mut found = Vec::new();
        for some in arns.chunks(DEPLOYMENTS_AT_ONCE) {
            let answer = self.read("ecs:DescribeServiceRevisions", json!({"serviceRevisionArns": some})).await;
            let answer = answer.context("read what the services run")?;
            found.extend(list(&answer, "serviceRevisions")?);
        }
        Ok(found)
    }

    /// A task definition with its tags: `family:revision`, an ARN, or a family, which names its newest ACTIVE revision. `None` where
    /// there is none.
    pub async fn definition(&self, name: &str) -> Result<Option<Definition>> {
        let answer =
            self.read("ecs:DescribeTaskDefinition", json!({"taskDefinition": name, "include": ["TAGS"]})).await;
        let answer = match absent_is_none(answer) {
            // ECS says so with ClientException, whose words are all there is.
            Err(error) if format!("{error:#}").contains("Unable to describe task definition") => None,
            answer => answer.with_context(|| format!("read task definition {name}"))?,
        };
        Ok(answer.map(|answer| read_definition(&answer)))
    }

    /// The ACTIVE revisions of a family, the newest first.
    pub async fn active_revisions(&self, family: &Family) -> Result<Vec<Revision>> {
        let body = json!({"familyPrefix": family.as_str(), "sort": "DESC", "status": "ACTIVE", "maxResults": 100});
        let answer = self.read("ecs:ListTaskDefinitions", body).await;
        let answer = answer.with_context(|| format!("list the revisions of family {family}"))?;
        let arns: Vec<String> = list(&answer, "taskDefinitionArns")?;
        let revisions = arns.iter().map(|arn| Revision::of_arn(arn));
        // A prefix may begin the names of other families too.
        Ok(revisions.collect::<Result<Vec<_>>>()?.into_iter().filter(|one| one.family == *family).collect())
    }

    /// Registers a revision.
    pub async fn register(&self, family: &Family, body: Value) -> Result<Definition> {
        let what = format!("register a revision of task definition {family}");
        let answer = self.write(&what, "ecs:RegisterTaskDefinition", body).await?;
        Ok(read_definition(&answer))
    }

    /// Takes a revision back, so that it is the newest of its family no longer.
    pub async fn deregister(&self, revision: &Revision) -> Result<()> {
        let body = json!({"taskDefinition": revision.to_string()});
        let what = format!("deregister {revision}");
        self.send(&what, Kind::Repeatable, "ecs:DeregisterTaskDefinition", body).await.map(|_answer| ())
    }

    /// Gives a service another task definition, and nothing else. One call makes one deployment.
    pub async fn update(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        revision: &Revision,
        force: bool,
    ) -> Result<Service> {
        let mut body =
            json!({"cluster": cluster.as_str(), "service": service.as_str(), "taskDefinition": revision.to_string()});
        if force {
            body["forceNewDeployment"] = json!(true);
        }
        let answer = self.write(&format!("deploy {revision} to service {service}"), "ecs:UpdateService", body).await?;
        one(&answer, "service")
    }

    /// The newest deployments of a service of these statuses, the newest first.
    pub async fn newest_deployments(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        statuses: &[&str],
    ) -> Result<Vec<String>> {
        let body =
            json!({"cluster": cluster.as_str(), "service": service.as_str(), "status": statuses, "maxResults": 20});
        let answer = self.read("ecs:ListServiceDeployments", body).await;
        let answer = answer.with_context(|| format!("list the deployments of service {service}"))?;
        let mut briefs: Vec<Brief> = list(&answer, "serviceDeployments")?;
        briefs.sort_by(|one, other| other.created_at.total_cmp(&one.created_at));
        Ok(briefs.into_iter().map(|brief| brief.arn).collect())
    }

    /// Lets a deployment that waits at a hook go on, or go back.
    pub async fn answer_hook(&self, deployment: &ServiceDeployment, hook: &str, go_on: bool) -> Result<()> {
        let action = if go_on { "CONTINUE" } else { "ROLLBACK" };
        let body = json!({"serviceDeploymentArn": deployment.arn, "hookId": hook, "action": action});
        let what = format!("answer hook {hook} of deployment {} with {action}", deployment.id());
        self.write(&what, "ecs:ContinueServiceDeployment", body).await.map(|_answer| ())
    }

    /// Has a deployment that is on its way go back.
    pub async fn roll_back(&self, deployment: &ServiceDeployment) -> Result<()> {
        let body = json!({"serviceDeploymentArn": deployment.arn, "stopType": "ROLLBACK"});
        let what = format!("roll back deployment {}", deployment.id());
        self.write(&what, "ecs:StopServiceDeployment", body).await.map(|_answer| ())
    }

    /// Tasks of a service with this task definition that have stopped since this moment (seconds since 1970), of the newest hundred.
    pub async fn stopped_tasks(
        &self,
        cluster: &ClusterName,
        service: &ServiceName,
        definition: &str,
        since: f64,
    ) -> Result<Vec<Task>> {
        // By what started them they cannot be listed: beside `startedBy` no other filter is allowed, and without one only tasks that run are listed.
        let body = json!({"cluster": cluster.as_str(), "serviceName": service.as_str(), "desiredStatus": "STOPPED"});
        let answer = self.read("ecs:ListTasks", body).await.context("list the tasks that have stopped")?;
        let arns: Vec<String> = list(&answer, "taskArns")?;
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({"cluster": cluster.as_str(), "tasks": arns});
        let answer = self.read("ecs:DescribeTasks", body).await.context("read why tasks have stopped")?;
        let tasks: Vec<Task> = list(&answer, "tasks")?;
        Ok(tasks.into_iter().filter(|task| task.task_definition == definition && task.stopped_at >= since).collect())
    }
}

fn target(action: &str) -> String {
    format!("AmazonEC2ContainerServiceV20141113.{}", action.trim_start_matches("ecs:"))
}

fn read_definition(answer: &Value) -> Definition {
    let fields = answer.get("taskDefinition").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    let tags = answer.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    Definition::new(fields, tags)
}
