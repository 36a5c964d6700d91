//! Where a task runs, as the flow of the step sees it: tasks are found, started, looked at and stopped.

use anyhow::Result;

use super::build::BuildRun;
use super::plan::{Known, Label};
use super::seen::Seen;
use super::task::TaskRun;
use crate::context::Context;
use crate::ecs::short_id;
use crate::outcome::Step;

/// What is run.
#[derive(Debug)]
pub(super) enum Backend {
    /// A task of ECS.
    Task(Box<TaskRun>),
    /// A build of `CodeBuild`.
    Build(BuildRun),
}

impl Backend {
    /// What is run, for people.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Task(task) => task.what(),
            Self::Build(build) => format!("project {}", build.project),
        }
    }

    /// The tasks of a scope that AWS knows.
    pub(super) async fn known(&self, cx: &Context, label: &Label) -> Result<Vec<Known>> {
        match self {
            Self::Task(task) => task.known(cx, label).await,
            Self::Build(build) => build.known(cx, label).await,
        }
    }

    /// Starts it, and answers by which it is asked for.
    pub(super) async fn start(&self, cx: &Context, label: &Label, before: usize) -> Step<String> {
        match self {
            Self::Task(task) => task.start(cx, label, before).await,
            Self::Build(build) => build.start(cx, label, before).await,
        }
    }

    /// Looks at it; nothing where AWS does not know it.
    pub(super) async fn look(&self, cx: &Context, id: &str) -> Result<Option<Seen>> {
        match self {
            Self::Task(task) => task.look(cx, id).await,
            Self::Build(build) => build.look(cx, id).await,
        }
    }

    /// Asks it to stop.
    pub(super) async fn stop(&self, cx: &Context, id: &str) -> Result<()> {
        match self {
            Self::Task(task) => task.stop(cx, id).await,
            Self::Build(_) => cx.codebuild().await?.stop(id).await,
        }
    }

    /// Its name without an account: the output `task`.
    pub(super) fn name(&self, id: &str) -> String {
        match self {
            Self::Task(task) => format!("{}/{}", task.cluster, short_id(id)),
            Self::Build(_) => id.to_owned(),
        }
    }

    /// How a person stops it.
    pub(super) fn stopping(&self, id: &str) -> String {
        match self {
            Self::Task(task) => {
                format!("aws ecs stop-task --cluster {} --task {}", task.cluster, short_id(id))
            }
            Self::Build(_) => format!("aws codebuild stop-build --id {id}"),
        }
    }

    /// The IAM action by which it is looked at.
    pub(super) fn source(&self) -> &'static str {
        match self {
            Self::Task(_) => "ecs:DescribeTasks",
            Self::Build(_) => "codebuild:BatchGetBuilds",
        }
    }

    /// `task`, `build`.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Task(_) => "task",
            Self::Build(_) => "build",
        }
    }
}
