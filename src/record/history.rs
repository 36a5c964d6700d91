//! The records of an environment, newest first, and what became of each.

use anyhow::Result;

use super::payload::{Payload, Read};
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::{Deployment, Status};
use crate::lambda::{FunctionName, Qualifier};

/// Records looked at for what served before, newest first.
const LOOKED_AT: usize = 50;
/// Records of each of several components that are enough, and deployments that are enough in any case.
const OF_EACH: usize = 10;
const OF_ALL: usize = 500;

/// The records of an environment and component.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first.
    pub entries: Vec<Entry>,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The deployment's number.
    pub id: u64,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// What it says.
    pub payload: Payload,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It succeeded, and was not withdrawn.
    Succeeded,
    /// It failed, was withdrawn, or ended in error.
    Failed,
    /// Nobody has judged it yet.
    Open,
}

impl Standing {
    /// Read from the statuses, newest first: a `success` with no later `failure` or `error`. `inactive` undoes nothing.
    #[must_use]
    pub fn of(statuses: &[Status]) -> Self {
        for status in statuses {
            match status.state.as_str() {
                "success" => return Self::Succeeded,
                "failure" | "error" => return Self::Failed,
                _ => {}
            }
        }
        Self::Open
    }
}

impl History {
    /// Reads the records of an environment and component that changed what serves at any of these places, candidates' too. Foreign deployments
    /// are passed over; corrupt ones are said once.
    pub async fn read(
        cx: &Context,
        environment: &EnvironmentName,
        component: &str,
        places: &[(FunctionName, Qualifier)],
    ) -> Result<Self> {
        let wanted = |payload: &Payload| payload.component == component && payload.touches(places);
        Self::newest(cx, environment, wanted).await
    }

    /// Those that count as what serves there, whatever was moved.
    pub async fn of_component(cx: &Context, environment: &EnvironmentName, component: &str) -> Result<Self> {
        let wanted = |payload: &Payload| payload.component == component && payload.serves;
        Self::newest(cx, environment, wanted).await
    }

    /// Those of any component that count as what serves there, until there are some of each of these.
    pub async fn of_components(cx: &Context, environment: &EnvironmentName, components: &[&str]) -> Result<Self> {
        let some_of_each = |mine: &[Payload]| {
            let of = |component: &str| mine.iter().filter(|payload| payload.component == component).count();
            components.iter().all(|component| of(component) >= OF_EACH)
        };
        let enough = |mine: &[Payload], looked_at| looked_at >= OF_ALL || some_of_each(mine);
        Self::read_those(cx, environment, |payload| payload.serves, enough).await
    }

    async fn newest(cx: &Context, environment: &EnvironmentName, wanted: impl Fn(&Payload) -> bool) -> Result<Self> {
        let mut history = Self::read_those(cx, environment, wanted, |mine, _| mine.len() >= LOOKED_AT).await?;
        history.entries.truncate(LOOKED_AT);
        Ok(history)
    }

    /// Reads until those that are wanted are enough, told beside how many deployments were looked at.
    async fn read_those(
        cx: &Context,
        environment: &EnvironmentName,
        wanted: impl Fn(&Payload) -> bool,
        enough: impl Fn(&[Payload], usize) -> bool,
    ) -> Result<Self> {
        let mine = |deployment: &Deployment| match Payload::read(&deployment.payload) {
            Read::Ours(payload) if wanted(&payload) => Some(*payload),
            _ => None,
        };
        let enough = |so_far: &[Deployment]| enough(&so_far.iter().filter_map(mine).collect::<Vec<_>>(), so_far.len());
        let deployments = cx.github().await?.deployments(cx, environment, enough).await?;
        let corrupt: Vec<String> = deployments
            .iter()
            .filter(|deployment| Payload::read(&deployment.payload) == Read::Corrupt)
            .map(|deployment| deployment.id.to_string())
            .collect();
        if !corrupt.is_empty() {
            tracing::info!("passed over records that cannot be read: deployment {}", corrupt.join(", "));
        }
        let entries = deployments
            .iter()
            .filter_map(|deployment| {
                let payload = mine(deployment)?;
                Some(Entry { id: deployment.id, created_at: deployment.created_at.clone(), payload })
            })
            .collect();
        Ok(Self { entries })
    }

    /// The newest record that succeeded and was not withdrawn.
    pub async fn newest_success(&self, cx: &Context) -> Result<Option<&Entry>> {
        let github = cx.github().await?;
        for entry in &self.entries {
            if Standing::of(&github.statuses(cx, entry.id).await?) == Standing::Succeeded {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_succeeded_when_no_failure_came_after_its_success() {
        // Oldest first, as they were written.
        let table: [(&[&str], Standing); 8] = [
            (&["success"], Standing::Succeeded),
            (&["in_progress", "success"], Standing::Succeeded),
            (&["success", "inactive"], Standing::Succeeded),
            (&["success", "failure"], Standing::Failed),
            (&["success", "inactive", "failure"], Standing::Failed),
            (&["success", "error", "in_progress"], Standing::Failed),
            (&["in_progress"], Standing::Open),
            (&[], Standing::Open),
        ];
        for (states, standing) in table {
            let newest_first: Vec<Status> = states
                .iter()
                .rev()
                .map(|state| Status { state: (*state).to_owned(), description: None, created_at: String::new() })
                .collect();
            assert_eq!(Standing::of(&newest_first), standing, "{states:?}");
        }
    }
}
