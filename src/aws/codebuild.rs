//! CodeBuild: builds that are started, found again, followed and stopped.
//! <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html>

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Aws;
use super::signed::{Service, Signed, list, one};
use crate::calls::Calls;
use crate::calls::enumeration;
use crate::calls::retry::Kind;
use crate::text::Foreign;

enumeration! {
    /// How a build stands.
    BuildStatus of "buildStatus of a build" {
        /// It goes on.
        InProgress = "IN_PROGRESS",
        /// All its commands ended well.
        Succeeded = "SUCCEEDED",
        /// A command of it failed.
        Failed = "FAILED",
        /// CodeBuild itself failed.
        Fault = "FAULT",
        /// Its time was over.
        TimedOut = "TIMED_OUT",
        /// Somebody stopped it.
        Stopped = "STOPPED",
    }
}

/// A build.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// `project:uuid`.
    pub id: String,
    /// How it stands.
    #[serde(rename = "buildStatus")]
    pub status: BuildStatus,
    /// What it does now.
    #[serde(default)]
    pub current_phase: Foreign,
    /// What it has done, in order.
    #[serde(default)]
    pub phases: Vec<Phase>,
    #[serde(default)]
    logs: Option<BuildLog>,
    #[serde(default)]
    environment: Option<Environment>,
}

/// A part of a build.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// `PRE_BUILD`, `BUILD`, ..
    #[serde(default, rename = "phaseType")]
    pub name: Foreign,
    /// `SUCCEEDED`, `FAILED`, ..; nothing as long as it goes on.
    #[serde(default, rename = "phaseStatus")]
    pub status: Option<Foreign>,
    #[serde(default)]
    contexts: Option<Vec<PhaseContext>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhaseContext {
    #[serde(default)]
    status_code: Option<Foreign>,
    #[serde(default)]
    message: Option<Foreign>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildLog {
    #[serde(default)]
    group_name: Option<String>,
    #[serde(default)]
    stream_name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    environment_variables: Vec<Variable>,
}

#[derive(Clone, Debug, Deserialize)]
struct Variable {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

impl Phase {
    /// What CodeBuild says of it, in one piece.
    #[must_use]
    pub fn message(&self) -> Foreign {
        let contexts = self.contexts.iter().flatten();
        let text = |one: &PhaseContext| {
            let word = |text: &Option<Foreign>| text.as_ref().map(|text| text.raw().to_owned()).unwrap_or_default();
            [word(&one.status_code), word(&one.message)].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        Foreign::new(contexts.flat_map(text).collect::<Vec<_>>().join(": "))
    }
}

impl Build {
    /// The log group and the stream, once it has them.
    #[must_use]
    pub fn log(&self) -> Option<(&str, &str)> {
        let logs = self.logs.as_ref()?;
        logs.group_name.as_deref().zip(logs.stream_name.as_deref())
    }

    /// A variable that it was started with.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let all = self.environment.iter().flat_map(|environment| &environment.environment_variables);
        all.filter(|one| one.name == name).map(|one| one.value.as_str()).next()
    }
}

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CodeBuild {
    api: Signed,
    calls: Calls,
}

impl CodeBuild {
    /// The client of this connection.
    ///
    /// # Errors
    /// HTTP cannot be set up.
    pub fn new(aws: &Aws) -> Result<Self> {
        let api = Signed::new(aws, Service { name: "codebuild", id: "CODEBUILD" })?;
        Ok(Self { api, calls: aws.calls().clone() })
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    async fn read(&self, action: &'static str, body: Value) -> Result<Value> {
        let target = target(action);
        self.calls.read(action, || self.api.json(action, &target, &body)).await
    }

    async fn write(&self, what: &str, action: &'static str, body: Value) -> Result<Value> {
        let target = target(action);
        self.calls.write(what, Kind::Repeatable, || self.api.json(action, &target, &body)).await
    }

    /// Starts a build. `body` holds an `idempotencyToken`: a request that is sent again within five minutes starts no second one.
    pub async fn start(&self, what: &str, body: Value) -> Result<Build> {
        one(&self.write(what, "codebuild:StartBuild", body).await?, "build")
    }

    /// The newest hundred builds of a project.
    pub async fn newest(&self, project: &str) -> Result<Vec<Build>> {
        let body = json!({"projectName": project, "sortOrder": "DESCENDING"});
        let answer = self.read("codebuild:ListBuildsForProject", body).await;
        let answer = answer.with_context(|| format!("look for builds of project {project} that go on"))?;
        let ids: Vec<String> = list(&answer, "ids")?;
        if ids.is_empty() { Ok(Vec::new()) } else { self.builds(&ids).await }
    }

    /// Builds by their ids, those that are known.
    pub async fn builds(&self, ids: &[String]) -> Result<Vec<Build>> {
        let answer = self.read("codebuild:BatchGetBuilds", json!({"ids": ids})).await.context("look at the build")?;
        list(&answer, "builds")
    }

    /// Asks a build to stop.
    pub async fn stop(&self, id: &str) -> Result<()> {
        self.write(&format!("stop build {id}"), "codebuild:StopBuild", json!({"id": id})).await?;
        Ok(())
    }
}

fn target(action: &str) -> String {
    format!("CodeBuild_20161006.{}", action.trim_start_matches("codebuild:"))
}
