//! A task of ECS: why it stopped.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>

use serde::Deserialize;

use crate::text::{Foreign, LONGEST};

/// A task.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its ARN.
    #[serde(rename = "taskArn")]
    pub arn: String,
    /// ARN of its task definition.
    #[serde(default, rename = "taskDefinitionArn")]
    pub task_definition: String,
    /// When it stopped, seconds since 1970 by AWS's clock.
    #[serde(default)]
    pub stopped_at: f64,
    /// Why it stopped, as a word.
    #[serde(default)]
    pub stop_code: Option<Foreign>,
    /// Why it stopped.
    #[serde(default)]
    pub stopped_reason: Option<Foreign>,
    /// Its containers.
    #[serde(default)]
    pub containers: Vec<TaskContainer>,
}

/// A container of a task.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskContainer {
    /// Its name.
    #[serde(default)]
    pub name: Foreign,
    /// What it ended with; nothing if it never ran.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// Why it stopped.
    #[serde(default)]
    pub reason: Option<Foreign>,
}

impl Task {
    /// Why it stopped, in one line: what its containers say where they say something.
    #[must_use]
    pub fn why_it_stopped(&self) -> String {
        let shown = |text: &Option<Foreign>| {
            text.as_ref().map(|text| text.for_message(LONGEST)).filter(|text| !text.is_empty())
        };
        let containers = self.containers.iter().filter_map(|container| {
            let name = container.name.for_message(LONGEST);
            match (container.exit_code, shown(&container.reason)) {
                (Some(0) | None, None) => None,
                (Some(code), None) => Some(format!("{name} ended with {code}")),
                (Some(code), Some(reason)) => Some(format!("{name} ended with {code}: {reason}")),
                (None, Some(reason)) => Some(format!("{name} never ran: {reason}")),
            }
        });
        let parts: Vec<String> = shown(&self.stopped_reason).into_iter().chain(containers).collect();
        if parts.is_empty() {
            shown(&self.stop_code).unwrap_or_else(|| "no reason is given".to_owned())
        } else {
            parts.join("; ")
        }
    }
}
