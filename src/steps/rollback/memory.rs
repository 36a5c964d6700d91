//! What is remembered of an alias: the state a step captured, and the GitHub record.

use std::time::Duration;

use anyhow::Result;

use super::plan::Scope;
use super::to::To;
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::explain::told;
use crate::github::Github;
use crate::lambda::{Alias, AliasName, FunctionName, Lambda, Version};
use crate::record::{self, Entry, History, Kind, Run, Standing};
use crate::steps::state::Captured;

/// Everything that is remembered of the aliases concerned.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    pub cx: &'a Context,
    pub state: Option<&'a Captured>,
    /// The record, newest first; `None` when it cannot be read and need not be.
    pub history: Option<History>,
    pub this_run: Run,
    /// Whether nothing but the record can answer.
    pub needed: bool,
}

/// Reading a record that is not needed may take this long: what serves is bad meanwhile.
const NOT_NEEDED: Duration = Duration::from_secs(20);

/// What is remembered of one alias.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub moved_by_this_run: Option<Version>,
    pub captured: Option<Version>,
    pub captured_failed: bool,
    pub expected: Vec<Version>,
    pub succeeded: Option<Version>,
}

impl<'a> Memory<'a> {
    /// Reads the record. When it cannot be read, that is an error only where nothing else can answer.
    pub(super) async fn read(
        cx: &'a Context,
        state: Option<&'a Captured>,
        aliases: &[(FunctionName, AliasName)],
        needed: bool,
    ) -> Result<Self> {
        let limit = if needed { cx.deadline.remaining() } else { NOT_NEEDED };
        let reading = &cx.with_deadline(cx.deadline.at_most(limit));
        let history = match &cx.common.environment {
            Some(environment) => History::read(reading, environment, &record::component(cx), aliases).await.map(Some),
            None => Ok(None),
        };
        let history = match history {
            Ok(history) => history,
            Err(error) if !needed && !cx.deadline.is_cancelled() => {
                cx.report
                    .warn(format!("the record could not be read, so nothing in it is withdrawn: {}", told(&error)));
                None
            }
            Err(error) => return Err(error.context("read what served before from the GitHub deployment record")),
        };
        Ok(Self { cx, state, history, this_run: record::this_run(cx), needed })
    }

    /// What is remembered of one alias that was read just now.
    pub(super) async fn of(&self, alias: &Alias, scope: Scope) -> Result<Remembered> {
        let moved = self.state.and_then(|state| {
            let target = state.target(&alias.function, &alias.name)?;
            let ours = state.run.id == self.this_run.id;
            (scope == Scope::Any || ours).then_some((target, ours))
        });
        let mut known = Remembered::default();
        if let Some((target, ours)) = moved {
            known.moved_by_this_run = ours.then_some(target.version);
            known.captured = target.previous.as_ref().and_then(|previous| previous.version);
            known.expected = vec![target.version];
        }
        if self.history.is_some()
            && let Err(error) = self.recorded(alias, scope, &mut known).await
        {
            if self.needed || self.cx.deadline.is_cancelled() {
                return Err(error);
            }
            self.cx.report.warn(format!("the record could not be read to its end: {}", told(&error)));
        }
        Ok(known)
    }

    /// Adds what the record knows.
    async fn recorded(&self, alias: &Alias, scope: Scope, known: &mut Remembered) -> Result<()> {
        let github = self.cx.github().await?;
        let entries = self.entries(alias);
        let version = |entry: &Entry| entry.payload.target(&alias.function, &alias.name).map(|target| target.version);
        let by_this_run =
            entries.iter().find(|entry| entry.payload.run.id == self.this_run.id && entry.payload.kind == Kind::Deploy);
        if known.expected.is_empty() {
            let mover = match scope {
                Scope::ThisRun => by_this_run.copied(),
                Scope::Any => entries.first().copied(),
            };
            known.expected = mover.and_then(version).into_iter().collect();
            // A move that was put back, or never made, captured what serves now: that is not what served before.
            let in_effect = |entry: &&Entry| scope == Scope::ThisRun || version(entry) == alias.version;
            if let Some(entry) = mover.filter(|entry| entry.payload.kind == Kind::Deploy).filter(in_effect) {
                let target = entry.payload.target(&alias.function, &alias.name);
                known.captured = target.and_then(|target| target.previous.as_ref()?.version);
            }
            if scope == Scope::Any {
                // The newest record may be of a move that was put back: then the one before it speaks.
                let standing_one = self.newest(github, &entries, |standing| standing != Standing::Failed).await?;
                known.expected.extend(standing_one.and_then(version));
                known.expected.dedup();
            }
        }
        known.moved_by_this_run = known.moved_by_this_run.or_else(|| by_this_run.and_then(|entry| version(entry)));
        if let Some(captured) = known.captured {
            // A rollback that failed says nothing against the version it went to: another function may have stood in its way.
            let deployed = |entry: &&&Entry| version(entry) == Some(captured) && entry.payload.kind == Kind::Deploy;
            known.captured_failed = match entries.iter().find(deployed) {
                Some(entry) => Standing::of(&github.statuses(self.cx, entry.id).await?) == Standing::Failed,
                None => false,
            };
        }
        let others: Vec<&Entry> = entries.iter().copied().filter(|entry| version(entry) != alias.version).collect();
        let succeeded = self.newest(github, &others, |standing| standing == Standing::Succeeded).await?;
        known.succeeded = succeeded.and_then(version);
        Ok(())
    }

    /// The version an explicit `to` names.
    pub(super) async fn named(&self, lambda: &Lambda<'_>, alias: &Alias, to: &To) -> Result<Option<Version>> {
        let function = &alias.function;
        let target = |entry: &Entry| entry.payload.target(function, &alias.name).cloned();
        let entries = self.entries(alias);
        Ok(match to {
            To::Auto => None,
            To::Number(number) => {
                let version = Version::number(*number);
                match entries.iter().find(|entry| entry.id == *number) {
                    Some(entry) if lambda.existing(function, Some(version)).await?.is_none() => {
                        target(entry).map(|target| target.version)
                    }
                    _ => Some(version),
                }
            }
            To::Digest(digest) => {
                let recorded =
                    entries.iter().filter_map(|entry| target(entry)).find(|t| t.digest.as_ref() == Some(digest));
                match recorded {
                    Some(target) => Some(target.version),
                    None => lambda.version_with_code(function, digest.hex()).await?,
                }
            }
            To::Release(tag) => entries
                .iter()
                .filter(|entry| entry.payload.kind == Kind::Deploy)
                .find(|entry| entry.payload.version.as_deref() == Some(tag) || entry.payload.commit == *tag)
                .and_then(|entry| target(entry))
                .map(|target| target.version),
        })
    }

    /// The records that going back to `version` undoes: newer than the one with which it succeeded, and not failed already.
    /// When no record of it succeeded, only those of the version that served until now.
    pub(super) async fn undone(&self, alias: &Alias, version: Version) -> Result<Vec<u64>> {
        let mut newer = Vec::new();
        if self.history.is_none() {
            return Ok(newer);
        }
        let github = self.cx.github().await?;
        let mut of_served = Vec::new();
        for entry in self.entries(alias) {
            let target = entry.payload.target(&alias.function, &alias.name).map(|target| target.version);
            match Standing::of(&github.statuses(self.cx, entry.id).await?) {
                Standing::Failed => {}
                // An earlier attempt of this rollback: what it did not come to withdraw is still to be withdrawn.
                _ if entry.payload.kind == Kind::Rollback
                    && entry.payload.run.id == self.this_run.id
                    && target == Some(version) => {}
                Standing::Succeeded if target == Some(version) => return Ok(newer),
                Standing::Open if entry.payload.kind == Kind::Rollback => {}
                Standing::Succeeded | Standing::Open => {
                    newer.push(entry.id);
                    if target == alias.version && target != Some(version) && of_served.len() + 1 == newer.len() {
                        of_served.push(entry.id);
                    }
                }
            }
        }
        Ok(of_served)
    }

    /// The commit of a version, from the record of its deployment.
    pub(super) fn commit(&self, alias: &Alias, version: Version) -> Option<CommitSha> {
        let of_version = |entry: &&Entry| {
            let target = entry.payload.target(&alias.function, &alias.name);
            entry.payload.kind == Kind::Deploy && target.is_some_and(|target| target.version == version)
        };
        self.entries(alias).into_iter().find(of_version)?.payload.commit.parse().ok()
    }

    fn entries(&self, alias: &Alias) -> Vec<&Entry> {
        let all = self.history.iter().flat_map(|history| &history.entries);
        all.filter(|entry| entry.payload.target(&alias.function, &alias.name).is_some()).collect()
    }

    async fn newest<'e>(
        &self,
        github: &Github,
        entries: &[&'e Entry],
        wanted: impl Fn(Standing) -> bool,
    ) -> Result<Option<&'e Entry>> {
        for entry in entries {
            if wanted(Standing::of(&github.statuses(self.cx, entry.id).await?)) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}
