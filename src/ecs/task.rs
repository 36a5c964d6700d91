//! A task of ECS: why it stopped.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>

use serde::Deserialize;

use crate::calls::enumeration;
use crate::text::{Foreign, LONGEST};

enumeration! {
    /// Why a task stopped.
    StopCode of "stopCode of a task" {
        /// It never ran.
        TaskFailedToStart = "TaskFailedToStart",
        /// A container without which it is nothing has ended.
        EssentialContainerExited = "EssentialContainerExited",
        /// Somebody stopped it.
        UserInitiated = "UserInitiated",
        /// Its service stopped it.
        ServiceSchedulerInitiated = "ServiceSchedulerInitiated",
        /// Fargate Spot took its place away.
        SpotInterruption = "SpotInterruption",
        /// AWS took its machine away.
        TerminationNotice = "TerminationNotice",
        /// Its machine was no longer well.
        InfrastructureHealth = "InfrastructureHealth",
    }
}

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
    /// How far it is: `PENDING`, `RUNNING`, .., `STOPPED`.
    #[serde(default)]
    pub last_status: Foreign,
    /// What it was started with.
    #[serde(default)]
    overrides: Overrides,
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Overrides {
    #[serde(default)]
    container_overrides: Vec<ContainerOverride>,
}

#[derive(Clone, Debug, Deserialize)]
struct ContainerOverride {
    #[serde(default)]
    environment: Vec<Variable>,
}

#[derive(Clone, Debug, Deserialize)]
struct Variable {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
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
    /// Whether it has stopped: nothing of it runs any more.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        matches!(self.last_status.raw(), "STOPPED" | "DELETED")
    }

    /// A variable that it was started with.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let all = self.overrides.container_overrides.iter().flat_map(|one| &one.environment);
        all.filter(|one| one.name == name).map(|one| one.value.as_str()).next()
    }

    /// Why it stopped, in one line: what its containers say where they say something.
    #[must_use]
    pub fn why_it_stopped(&self) -> String {
        let shown =
            |text: &Option<Foreign>| text.as_ref().map(|text| text.for_record(LONGEST)).filter(|text| !text.is_empty());
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
