//! A build of CodeBuild.

use anyhow::Result;
use serde_json::{Value, json};

use super::RunTask;
use super::judge;
use super::plan::{Known, Label, MARK};
use super::seen::{LogPlace, Seen};
use super::values::ProjectName;
use crate::aws::codebuild::{Build, BuildStatus};
use crate::context::Context;
use crate::outcome::Step;

/// What is built.
#[derive(Debug)]
pub(super) struct BuildRun {
    pub(super) project: ProjectName,
    request: Value,
}

impl BuildRun {
    /// Of the inputs. Nothing is read: `CodeBuild` judges the request.
    pub(super) fn new(step: &RunTask, project: &ProjectName, label: &Label) -> Self {
        let variable = |name: &str, value: &str| json!({"name": name, "value": value, "type": "PLAINTEXT"});
        let given = step.environment_variables.iter().flatten();
        let variables: Vec<Value> =
            given.map(|pair| variable(&pair.key, &pair.value)).chain([variable(MARK, &label.mark())]).collect();
        let mut request = json!({"projectName": project.as_str(), "environmentVariablesOverride": variables});
        if let Some(version) = &step.source_version {
            request["sourceVersion"] = json!(version.as_str());
        }
        Self { project: project.clone(), request }
    }

    pub(super) async fn known(&self, cx: &Context, label: &Label) -> Result<Vec<Known>> {
        let builds = cx.codebuild().await?.newest(self.project.as_str()).await?;
        let known = |build: Build| {
            let mark = build.variable(MARK).filter(|mark| label.is_in_scope(mark))?.to_owned();
            Some(Known { mark, goes_on: build.status == BuildStatus::InProgress, id: build.id })
        };
        Ok(builds.into_iter().filter_map(known).collect())
    }

    pub(super) async fn start(&self, cx: &Context, label: &Label, before: usize) -> Step<String> {
        let mut request = self.request.clone();
        request["idempotencyToken"] = json!(label.token(&request.to_string(), before));
        let what = format!("start a build of project {}", self.project);
        Ok(cx.codebuild().await?.start(&what, request).await?.id)
    }

    pub(super) async fn look(&self, cx: &Context, id: &str) -> Result<Option<Seen>> {
        let found = cx.codebuild().await?.builds(&[id.to_owned()]).await?;
        let Some(build) = found.first() else { return Ok(None) };
        let log =
            build.log().map(|(group, stream)| LogPlace::Stream { group: group.to_owned(), stream: stream.to_owned() });
        let end = judge::of_build(build);
        let without = || LogPlace::Elsewhere("a project whose logs are not kept in CloudWatch".to_owned());
        Ok(Some(Seen {
            state: build.current_phase.for_message(40),
            log: log.or_else(|| end.is_some().then(without)),
            end,
            others: Vec::new(),
        }))
    }
}
