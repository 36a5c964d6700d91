//! What is known of the record that is to be closed: what the step that made it handed on, else what GitHub tells.

use anyhow::Result;

use crate::action::inputs::DeploymentId;
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::github::{Github, Status};
use crate::outcome::{Outcome, Step};
use crate::record::status_line::{self, Said};
use crate::record::{self, History, Payload, Read};
use crate::text::message;

/// A record about to be closed.
#[derive(Debug)]
pub(super) struct Opened {
    pub id: DeploymentId,
    pub environment: String,
    payload: Option<Payload>,
    before: Option<Before>,
}

/// What was before the record.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The records that a success replaces.
    pub earlier: Vec<u64>,
    /// The deployment that GitHub made for the job.
    pub of_job: Option<u64>,
}

impl Opened {
    /// From the record's own statuses, newest first; nothing when no step handed on what was before it.
    pub(super) fn handed_on(cx: &Context, id: DeploymentId, statuses: &[Status]) -> Option<Self> {
        let (environment, said) = statuses.iter().find_map(|status| {
            let said = Said::read(status.description.as_deref()?)?;
            said.figure(status_line::EARLIER).is_some().then_some((&status.environment, said))
        })?;
        let before = Before {
            earlier: status_line::read_numbers(said.figure(status_line::EARLIER)?)?,
            of_job: said.figure(status_line::OF_JOB).and_then(|id| id.parse().ok()),
        };
        let places = said.figure(status_line::SERVES)?.split(',').map(|one| one.replace('=', " -> version "));
        cx.report.serving(places.map(|place| format!("{place} (by the record)")).collect::<Vec<_>>().join("; "));
        Some(Self { id, environment: environment.clone(), payload: None, before: Some(before) })
    }

    /// From the deployment itself. Refused when it is no record of this action. What serves is read at the step's end.
    pub(super) async fn read(cx: &Context, github: &Github, id: DeploymentId) -> Step<Self> {
        let deployment = github.deployment(id.0).await?;
        let Read::Ours(payload) = Payload::read(&deployment.payload) else {
            return Err(Outcome::fail(message!(
                "no-record-of-ours",
                "deployment {} is not a record of this action",
                id.0
            ))
            .advise("hand over the output `deployment-id` of the step that moved the alias")
            .into());
        };
        for place in record::places(&payload.targets) {
            cx.read_back_at_end(place.function(), place.qualifier());
        }
        Ok(Self { id, environment: deployment.environment, payload: Some(*payload), before: None })
    }

    /// What was before it.
    pub(super) async fn before(self, cx: &Context) -> Result<Before> {
        let environment: Result<EnvironmentName, _> = self.environment.parse();
        match (self.before, self.payload, environment) {
            (Some(before), ..) => Ok(before),
            (None, Some(payload), Ok(environment)) => {
                let places = record::places(&payload.targets);
                let history = History::read(cx, &environment, &payload.component, &places).await?;
                let earlier = history.replaced(cx, self.id.0, &places).await?;
                Ok(Before { earlier, of_job: history.of_job })
            }
            _ => Ok(Before::default()),
        }
    }
}
