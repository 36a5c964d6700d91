//! The input `require-migrations`: what must be applied before code that needs it gets users.

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::Deserialize;

use super::history::History;
use super::inputs::RecordInputs;
use super::payload::Payload;
use super::run::component;
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Lines, Problems, Text};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::message;

/// The migrations that the new code needs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RequiredMigrations {
    /// Versions of migrations that this commit needs, one a line; of several folders, `<path>:<version>`. Refuse unless each stands in the
    /// record of this environment, or in `migrations`, which names those that were applied with this release.
    require_migrations: Option<Lines<Text>>,
}

impl RequiredMigrations {
    /// Whether any are named.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.require_migrations.is_some()
    }

    /// They are looked for in the record of an environment.
    pub fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.is_given() && common.environment.is_none(),
            "input `environment` is required, because `require-migrations` asks which migrations were applied there",
        );
    }

    /// Refuses when one is not applied, before anything is attempted. What a release that failed has applied is applied all the same.
    pub async fn check(&self, cx: &Context, record: &RecordInputs) -> Step<()> {
        let required: Vec<String> = self.require_migrations.iter().flatten().map(ToString::to_string).collect();
        let Some(environment) = cx.common.environment.as_ref().filter(|_| !required.is_empty()) else { return Ok(()) };
        let (with_this, _) = record.applied();
        let name = component(cx);
        let missing_of = |payloads: &[Payload]| -> Vec<&str> {
            let recorded = || payloads.iter().flat_map(|payload| &payload.migrations).chain(&with_this);
            let is_missing = |one: &&String| !recorded().any(|other| is_applied(other, one));
            required.iter().filter(is_missing).map(String::as_str).collect()
        };
        let mut missing = missing_of(&[]);
        if !missing.is_empty() {
            let history = History::until(cx, environment, &name, |payloads| missing_of(payloads).is_empty()).await;
            let history = history.with_context(|| format!("read which migrations were applied in {environment}"))?;
            let payloads: Vec<Payload> = history.entries.into_iter().map(|entry| entry.payload).collect();
            missing = missing_of(&payloads);
        }
        let said = if missing.is_empty() { "all of them".to_owned() } else { format!("not {}", missing.join(", ")) };
        let verdict = if missing.is_empty() { Verdict::Pass } else { Verdict::Fail };
        cx.report.check("migrations that are applied", said, required.join(", "), verdict, "GET deployments");
        if missing.is_empty() {
            return Ok(());
        }
        Err(Outcome::fail(message!(
            "migration-not-applied",
            "this code needs migration {missing}, which is not applied in {environment} by the record of {name}; nothing was attempted",
            missing = missing.join(", ")
        ))
        .advise(
            "apply it first, with run-task in a step before this one; what is applied and not recorded yet is named in `migrations`, \
             e.g. by the output `applied` of run-task or `pending` of check-migrations",
        )
        .into())
    }
}

/// Whether what was applied is the migration that is needed: `000015` and `15` are one, and a folder counts where both name one.
fn is_applied(applied: &str, needed: &str) -> bool {
    let parts = |name: &str| {
        let (folder, version) = name.rsplit_once(':').map_or((None, name), |(folder, version)| (Some(folder), version));
        (folder.map(str::to_owned), version.trim_start_matches('0').to_owned())
    };
    let ((one, applied), (other, needed)) = (parts(applied), parts(needed));
    applied == needed && (one.is_none() || other.is_none() || one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_known_again_with_zeros_and_with_its_folder() {
        for (applied, needed, expected) in [
            ("000015", "15", true),
            ("15", "150", false),
            ("db:15", "15", true),
            ("15", "db:000015", true),
            ("db:15", "shop:15", false),
            ("20240101000000_a", "20240101000000_a", true),
            ("1.2", "1.3", false),
        ] {
            assert_eq!(is_applied(applied, needed), expected, "{applied} {needed}");
        }
    }
}
