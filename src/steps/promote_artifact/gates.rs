//! What must hold of the records that prove an artifact, besides their success: how long it has served, and which steps have passed.

use std::time::Duration;

use anyhow::{Context as _, Result};
use time::OffsetDateTime;

use super::search::{Found, Search};
use crate::github::{State, Status};
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::status_line::{StatusLine, last_words};
use crate::record::{Entry, Place, Standing};
use crate::text::{human_duration, message};

/// How a step is called of which the record itself keeps the proof.
const SMOKE_TEST: &str = "smoke-test";

/// Since when a place is served by what a record brought.
#[derive(Debug, PartialEq, Eq)]
enum Serving {
    /// Without a break since this moment.
    Since(OffsetDateTime),
    /// Something else serves there now: this deployment brought it.
    NoMore(u64),
    /// This deployment changes what serves there, and is not judged yet.
    Changing(u64),
}

impl Search<'_> {
    /// Whether these records have all that is asked for.
    pub(super) async fn gates(&self, proofs: &[&Entry]) -> Step<Found<()>> {
        match self.statuses(proofs).await? {
            Found::There(()) => self.age(proofs).await,
            lacking @ Found::NotYet(..) => Ok(lacking),
        }
    }

    async fn statuses(&self, proofs: &[&Entry]) -> Result<Found<()>> {
        let environment = self.environment;
        for step in self.inputs.require_statuses.iter().flatten() {
            let mut all: Vec<&Entry> = proofs.to_vec();
            all.dedup_by_key(|entry| entry.id);
            for entry in all {
                let said = said_by(step.as_str(), &self.history.statuses(self.cx, entry).await?);
                let proved = step.as_str() == SMOKE_TEST && entry.payload.proof == Some(true);
                let passed = said.as_deref() == Some(Verdict::Pass.word()) || proved && said.is_none();
                let observed =
                    said.unwrap_or_else(|| if proved { "proof in the record" } else { "nothing" }.to_owned());
                self.cx.report.check(
                    format!("{step} in {environment} (deployment {})", entry.id),
                    observed.clone(),
                    "pass",
                    if passed { Verdict::Pass } else { Verdict::Fail },
                    "github: deployment statuses",
                );
                if !passed {
                    let state = format!("deployment {} of {environment} does not say that {step} has passed", entry.id);
                    let refusal = Outcome::fail(message!(
                        "status-not-passed",
                        "`require-statuses` asks for {step}, and deployment {} of {environment} says of it: {observed}",
                        entry.id
                    ))
                    .advise(format!("run {step} in the job that deploys to {environment}, with `deployment-id` of the step that opens the record"));
                    return Ok(Found::NotYet(state, refusal));
                }
            }
        }
        Ok(Found::There(()))
    }

    async fn age(&self, proofs: &[&Entry]) -> Step<Found<()>> {
        let (asked, environment) = (self.inputs.min_age.0, self.environment);
        if asked.is_zero() {
            return Ok(Found::There(()));
        }
        let now =
            self.cx.github().await?.now().context("GitHub did not tell its time, by which `min-age` is counted")?;
        for entry in proofs {
            for target in &entry.payload.targets {
                let place = &target.place;
                let age = match self.serving_since(entry, place).await? {
                    Serving::Since(since) => Duration::try_from(now - since).unwrap_or_default(),
                    Serving::NoMore(other) => {
                        return Err(Outcome::fail(message!(
                            "serves-no-more",
                            "`min-age` asks how long {place} has served this in {environment}, and since deployment {other} it serves something else"
                        ))
                        .advise(format!("promote what serves in {environment} now, or deploy this commit there again"))
                        .into());
                    }
                    Serving::Changing(other) => {
                        let state = format!("deployment {other} changes what {place} serves in {environment}");
                        let refusal = Outcome::fail(format!(
                            "{state}, and is not judged yet: nobody can say how long this serves there"
                        ))
                        .advise("wait until that deployment has ended, or give `wait-for-source`");
                        return Ok(Found::NotYet(state, refusal));
                    }
                };
                let verdict = if age >= asked { Verdict::Pass } else { Verdict::Fail };
                let (observed, required) = (human_duration(age), format!("at least {}", human_duration(asked)));
                let name = format!("time served by {place} in {environment}");
                self.cx.report.check(name, observed.clone(), required, verdict, "github: deployment statuses");
                if age < asked {
                    let left = human_duration(asked.saturating_sub(age));
                    let state = format!("{place} has served it in {environment} for {observed}; {left} are left");
                    let refusal = Outcome::fail(message!(
                        "too-young",
                        "{place} has served this in {environment} for {observed}, and `min-age` asks for {}: {left} are left",
                        human_duration(asked)
                    ))
                    .advise(format!("run this job again in {left}; what counts is the time without a break, by GitHub's clock"));
                    return Ok(Found::NotYet(state, refusal));
                }
            }
        }
        Ok(Found::There(()))
    }

    /// Since when a place has served what a record brought. The same commit deployed there again is no break; a deployment of
    /// another one is, also one that was taken back.
    async fn serving_since(&self, proof: &Entry, place: &Place) -> Result<Serving> {
        let commit = proof.payload.commit_at(place);
        let mut since: Option<OffsetDateTime> = None;
        let mut broken_at: Option<OffsetDateTime> = None;
        for entry in self.history.at(place) {
            let statuses = self.history.statuses(self.cx, entry).await?;
            let is_same = entry.payload.commit_at(place) == commit;
            match Standing::of(&statuses) {
                Standing::Open if entry.id > proof.id && !is_same => return Ok(Serving::Changing(entry.id)),
                Standing::Open => {}
                Standing::Succeeded if !is_same && entry.id > proof.id => return Ok(Serving::NoMore(entry.id)),
                Standing::Succeeded if !is_same => break,
                Standing::Succeeded => {
                    let (began, unbroken) = succeeded_since(&statuses)?;
                    since = Some(began);
                    if !unbroken {
                        break;
                    }
                }
                Standing::Failed if entry.id < proof.id => break,
                Standing::Failed => broken_at = broken_at.max(statuses.first().map(time_of).transpose()?),
            }
        }
        let since = since.max(broken_at).context("no record says since when it serves")?;
        Ok(Serving::Since(since))
    }
}

/// What the statuses of a record, newest first, say of a step: the newest word of each of its checks, the worst of them.
fn said_by(step: &str, statuses: &[Status]) -> Option<String> {
    let mut words: Vec<StatusLine> = last_words(statuses).into_iter().filter(|line| line.step == step).collect();
    words.sort_by_key(|line| line.verdict == Verdict::Pass.word());
    words.into_iter().next().map(|line| line.verdict)
}

/// Since when the last word of a record has been `success`, and whether it has always been so.
fn succeeded_since(statuses: &[Status]) -> Result<(OffsetDateTime, bool)> {
    let is_break = |status: &&Status| matches!(status.state, State::Failure | State::Error);
    let stretch = statuses.iter().take_while(|status| !is_break(status));
    let first = stretch.filter(|status| status.state == State::Success).last();
    let first = first.context("a record succeeded without a status that says so")?;
    Ok((time_of(first)?, !statuses.iter().any(|status| is_break(&status))))
}

fn time_of(status: &Status) -> Result<OffsetDateTime> {
    status.at().context("a deployment status of GitHub is not dated")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: State, minute: u8, description: &str) -> Status {
        Status {
            state,
            description: Some(description.to_owned()),
            environment: "stg".to_owned(),
            created_at: format!("2026-03-01T12:{minute:02}:00Z"),
            environment_url: None,
        }
    }

    #[test]
    fn the_last_stretch_of_success_counts() {
        let of = |states: &[(State, u8)]| {
            let statuses: Vec<_> = states.iter().map(|(state, minute)| status(*state, *minute, "")).collect();
            let (since, unbroken) = succeeded_since(&statuses).unwrap();
            (since.minute(), unbroken)
        };
        assert_eq!(of(&[(State::Success, 5), (State::InProgress, 1)]), (5, true));
        assert_eq!(of(&[(State::Success, 9), (State::Success, 5), (State::InProgress, 1)]), (5, true));
        assert_eq!(of(&[(State::Inactive, 9), (State::Success, 5)]), (5, true));
        assert_eq!(of(&[(State::Success, 9), (State::Failure, 7), (State::Success, 5)]), (9, false));
    }

    #[test]
    fn the_newest_word_of_each_check_counts_and_the_worst_of_them() {
        let said = |descriptions: &[&str]| {
            let statuses: Vec<_> = descriptions.iter().map(|text| status(State::InProgress, 0, text)).collect();
            said_by("monitor", &statuses)
        };
        assert_eq!(said(&["da1 smoke-test#a pass"]), None);
        assert_eq!(said(&["da1 monitor#a pass", "da1 monitor#a fail"]).as_deref(), Some("pass"));
        assert_eq!(said(&["da1 monitor#a pass", "da1 monitor#b inconclusive"]).as_deref(), Some("inconclusive"));
        assert_eq!(said(&["da1 monitor#a inconclusive", "da1 monitor#a pass"]).as_deref(), Some("inconclusive"));
        assert_eq!(said(&["monitor passed"]), None);
    }
}
