//! Single tasks: started, found again, followed and stopped.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>

use anyhow::{Context as _, Result};
use futures_util::future::try_join;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Ecs;
use super::deployment::short_id;
use super::names::ClusterName;
use super::task::Task;
use crate::aws::signed::list;
use crate::calls::retry::Kind;
use crate::text::Foreign;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>: at most so many tasks at a time.
const TASKS_AT_ONCE: usize = 100;

/// What came of starting a task.
#[derive(Clone, Debug)]
pub enum Started {
    /// It is there.
    Task(Box<Task>),
    /// ECS started nothing, and why.
    Nothing(Foreign),
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    reason: Foreign,
    #[serde(default)]
    detail: Foreign,
}

impl Ecs {
    /// Starts one task. `body` holds a `clientToken`: a request that is sent again starts no second one.
    pub async fn run_task(&self, what: &str, body: Value) -> Result<Started> {
        let answer = self.send(what, Kind::Repeatable, "ecs:RunTask", body).await?;
        if let Some(task) = list::<Task>(&answer, "tasks")?.into_iter().next() {
            return Ok(Started::Task(Box::new(task)));
        }
        let failures: Vec<Failure> = list(&answer, "failures")?;
        let words = |failure: &Failure| {
            if failure.detail.is_empty() {
                failure.reason.raw().to_owned()
            } else {
                format!("{}: {}", failure.reason.raw(), failure.detail.raw())
            }
        };
        Ok(Started::Nothing(Foreign::new(failures.first().map_or_else(|| "no reason is given".to_owned(), words))))
    }

    /// The tasks that were started by this name, those that have stopped within the last hour too.
    pub async fn tasks_started_by(&self, cluster: &ClusterName, name: &str) -> Result<Vec<Task>> {
        let list_all = async |status: &str| -> Result<Vec<String>> {
            let mut arns = Vec::new();
            let mut body = json!({"cluster": cluster.as_str(), "startedBy": name, "desiredStatus": status});
            loop {
                let answer = self.read("ecs:ListTasks", body.clone()).await;
                let answer = answer.with_context(|| format!("look for tasks that go on in cluster {cluster}"))?;
                arns.extend(list::<String>(&answer, "taskArns")?);
                match answer.get("nextToken").filter(|next| !next.is_null()) {
                    Some(next) => body["nextToken"] = next.clone(),
                    None => return Ok(arns),
                }
            }
        };
        let (going, stopped) = try_join(list_all("RUNNING"), list_all("STOPPED")).await?;
        let arns: Vec<String> = going.into_iter().chain(stopped).collect();
        let mut tasks = Vec::new();
        for some in arns.chunks(TASKS_AT_ONCE) {
            let body = json!({"cluster": cluster.as_str(), "tasks": some});
            let answer = self.read("ecs:DescribeTasks", body).await.context("read the tasks that were found")?;
            tasks.extend(list::<Task>(&answer, "tasks")?);
        }
        Ok(tasks)
    }

    /// A task; `None` where ECS does not know it, or no longer.
    pub async fn task(&self, cluster: &ClusterName, arn: &str) -> Result<Option<Task>> {
        let body = json!({"cluster": cluster.as_str(), "tasks": [arn]});
        let answer = self.read("ecs:DescribeTasks", body).await.context("look at the task")?;
        Ok(list::<Task>(&answer, "tasks")?.into_iter().next())
    }

    /// Asks a task to stop: its containers get SIGTERM, and SIGKILL when their `stopTimeout` is over.
    pub async fn stop_task(&self, cluster: &ClusterName, arn: &str, reason: &str) -> Result<()> {
        let body = json!({"cluster": cluster.as_str(), "task": arn, "reason": reason});
        let id = short_id(arn);
        self.send(&format!("stop task {id}"), Kind::Repeatable, "ecs:StopTask", body).await.map(|_answer| ())
    }
}
