//! The records of an environment, newest first, and what became of each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use serde_json::Value;

use super::payload::{Payload, Read};
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::{Deployment, State, Status};
use crate::lambda::{FunctionName, Qualifier};

/// Records looked at for what served before, newest first.
const LOOKED_AT: usize = 50;
/// Records of each of several components that are enough, and deployments that are enough in any case.
const OF_EACH: usize = 10;
const OF_ALL: usize = 500;
/// Of those, the newest whose statuses are read when a new one is made.
const NEWEST: usize = 10;

/// The records of an environment and component. Clones share what was read of them.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// The deployment that GitHub made by itself for a job of this commit with `environment:`; it is nobody's record.
    pub of_job: Option<u64>,
    statuses: Rc<RefCell<BTreeMap<u64, Vec<Status>>>>,
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
        Self::read_newest(cx, environment, wanted).await
    }

    /// Those that count as what serves there, whatever was moved.
    pub async fn of_component(cx: &Context, environment: &EnvironmentName, component: &str) -> Result<Self> {
        let wanted = |payload: &Payload| payload.component == component && payload.serves;
        Self::read_newest(cx, environment, wanted).await
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

    async fn read_newest(
        cx: &Context,
        environment: &EnvironmentName,
        wanted: impl Fn(&Payload) -> bool,
    ) -> Result<Self> {
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
        let deployments = cx.github().await?.deployments(environment, enough).await?;
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
        let of_job = deployments.iter().find(|deployment| is_of_job(cx, deployment)).map(|deployment| deployment.id);
        Ok(Self { entries, of_job, statuses: Rc::default() })
    }

    /// The statuses of a record, newest first, read once.
    pub async fn statuses(&self, cx: &Context, entry: &Entry) -> Result<Vec<Status>> {
        if let Some(known) = self.statuses.borrow().get(&entry.id) {
            return Ok(known.clone());
        }
        let read = cx.github().await?.statuses(entry.id).await?;
        self.statuses.borrow_mut().insert(entry.id, read.clone());
        Ok(read)
    }

    /// What became of a record.
    pub async fn standing(&self, cx: &Context, entry: &Entry) -> Result<Standing> {
        Ok(Standing::of(&self.statuses(cx, entry).await?))
    }

    /// Forgets what was read of a record: somebody else may have given it a status.
    pub fn forget(&self, id: u64) {
        self.statuses.borrow_mut().remove(&id);
    }

    /// Notes a status that was given to a record just now.
    pub fn noted(&self, id: u64, state: State) {
        if let Some(known) = self.statuses.borrow_mut().get_mut(&id) {
            known.insert(0, Status { state: state.word().to_owned(), ..Status::default() });
        }
    }

    /// The newest of these records of which this holds.
    pub async fn newest<'e>(
        &self,
        cx: &Context,
        among: impl IntoIterator<Item = &'e Entry>,
        wanted: impl Fn(Standing) -> bool,
    ) -> Result<Option<&'e Entry>> {
        for entry in among {
            if wanted(self.standing(cx, entry).await?) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The newest record that succeeded and was not withdrawn.
    pub async fn newest_success(&self, cx: &Context) -> Result<Option<&Entry>> {
        self.newest(cx, &self.entries, |standing| standing == Standing::Succeeded).await
    }

    /// The records whose last word is `success`, before a given one: those that a new success replaces.
    pub async fn replaced(&self, cx: &Context, before: u64) -> Result<Vec<u64>> {
        let earlier = self.recent(cx, |entry| entry.id < before).await?.into_iter();
        Ok(earlier.filter(|(_, state)| state.as_deref() == Some("success")).map(|(entry, _)| entry.id).collect())
    }

    /// The records that nobody has judged yet.
    pub async fn open(&self, cx: &Context) -> Result<Vec<&Entry>> {
        let mut open = Vec::new();
        for (entry, _) in self.recent(cx, |_| true).await? {
            if self.is_open(cx, entry).await? {
                open.push(entry);
            }
        }
        Ok(open)
    }

    /// True when nobody has judged a record yet, nor set it aside.
    pub async fn is_open(&self, cx: &Context, entry: &Entry) -> Result<bool> {
        let statuses = self.statuses(cx, entry).await?;
        Ok(Standing::of(&statuses) == Standing::Open && last(&statuses) != Some("inactive"))
    }

    /// The newest of these records, each with its last state: down to the first that is inactive. All before that one were made so when
    /// it succeeded itself.
    async fn recent(&self, cx: &Context, these: impl Fn(&Entry) -> bool) -> Result<Vec<(&Entry, Option<String>)>> {
        let mut recent = Vec::new();
        for entry in self.entries.iter().filter(|entry| these(entry)).take(NEWEST) {
            let state = last(&self.statuses(cx, entry).await?).map(str::to_owned);
            if state.as_deref() == Some("inactive") {
                break;
            }
            recent.push((entry, state));
        }
        Ok(recent)
    }
}

fn last(statuses: &[Status]) -> Option<&str> {
    statuses.first().map(|status| status.state.as_str())
}

/// True for what GitHub makes when a job names an environment: a deployment of the run's commit, without a payload
/// (<https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/control-deployments>).
fn is_of_job(cx: &Context, deployment: &Deployment) -> bool {
    let empty = match &deployment.payload {
        Value::Null => true,
        Value::String(text) => matches!(text.trim(), "" | "{}" | "null"),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    empty && deployment.task == "deploy" && cx.runner.github_sha.as_deref() == Some(&deployment.sha)
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
            let newest_first: Vec<Status> =
                states.iter().rev().map(|state| Status { state: (*state).to_owned(), ..Status::default() }).collect();
            assert_eq!(Standing::of(&newest_first), standing, "{states:?}");
        }
    }
}
