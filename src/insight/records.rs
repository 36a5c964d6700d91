//! All records of some environments, or of all: read once, and asked often.

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::Deployment;
use crate::record::{Entry, History, Payload, Read, note_corrupt};
use crate::text::message;

/// How many statuses are asked for at once.
const AT_ONCE: usize = 8;

/// The records, by their environments.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Each environment, with its records, newest first.
    pub environments: Vec<(EnvironmentName, History)>,
}

impl Records {
    /// Reads the records of these environments, of all where none is named, until there are enough. One request for each hundred
    /// deployments of each environment that is named. Deployments of others are passed over.
    ///
    /// # Errors
    /// GitHub gives no usable answer.
    pub async fn read(
        cx: &Context,
        environments: &[EnvironmentName],
        enough: impl Fn(&[Deployment]) -> bool,
    ) -> Result<Self> {
        let github = cx.github().await?;
        let mut all = Vec::new();
        let mut asked: Vec<Option<&EnvironmentName>> = environments.iter().map(Some).collect();
        if asked.is_empty() {
            asked.push(None);
        }
        for environment in asked {
            let listed = match environment {
                Some(environment) => github.deployments(environment, &enough).await?,
                None => github.all_deployments(&enough).await?,
            };
            if let Some(most) = listed.cut_at {
                cx.report.warn(match environment {
                    Some(environment) => message!(
                        "too-many-deployments",
                        "only the newest {most} deployments to {environment} were looked at: of older records nothing is known"
                    ),
                    None => format!("only the newest {most} deployments were looked at: name the `environments`"),
                });
            }
            all.extend(listed.entries);
        }
        note_corrupt(&all);
        Ok(Self::of(&all))
    }

    /// From what GitHub lists, newest first.
    #[must_use]
    pub fn of(deployments: &[Deployment]) -> Self {
        let mut found: Vec<(EnvironmentName, Vec<Entry>)> = Vec::new();
        for deployment in deployments {
            let (Read::Ours(payload), Ok(environment)) =
                (Payload::read(&deployment.payload), deployment.environment.parse::<EnvironmentName>())
            else {
                continue;
            };
            let entry = Entry { id: deployment.id, created_at: deployment.created_at.clone(), payload: *payload };
            match found.iter_mut().find(|(known, _)| *known == environment) {
                Some((_, entries)) => entries.push(entry),
                None => found.push((environment, vec![entry])),
            }
        }
        Self { environments: found.into_iter().map(|(name, entries)| (name, History::of(entries))).collect() }
    }

    /// Every record, with its environment and those beside it.
    pub fn each(&self) -> impl Iterator<Item = (&EnvironmentName, &History, &Entry)> {
        self.environments
            .iter()
            .flat_map(|(name, history)| history.entries.iter().map(move |entry| (name, history, entry)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }
}

/// Reads what became of records, several at once: each is asked for once. One request for each.
///
/// # Errors
/// GitHub gives no usable answer.
pub async fn read_statuses(cx: &Context, records: &[(&History, &Entry)]) -> Result<()> {
    for some in records.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|(history, entry)| history.statuses(cx, entry))).await?;
    }
    Ok(())
}
