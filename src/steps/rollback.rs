//! rollback: puts back what served before.

mod inputs;
mod memory;
mod plan;
mod target;
mod to;

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

pub use self::inputs::{AliasMode, Rollback, ScopeInput};
use self::memory::Memory;
use self::plan::{Decision, Observed, Scope, Source, decide};
pub use self::to::To;
use super::common::Common;
use super::moving::{Moved, by_hand, move_alias};
use super::permissions::Permissions;
use super::targets::lines;
use super::{Outcome, Output, Step, guard};
use crate::action::inputs::{CommitSha, Problems, Span};
use crate::context::Context;
use crate::explain::{explain, told};
use crate::health::{self, Health};
use crate::lambda::{Alias, AliasName, Function, FunctionName, Lambda, Serving, Version, serving};
use crate::record::{self, Kind, Mode, Previous, Record, Release, Target};
use crate::verdict::Verdict;

/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);

impl Step for Rollback {
    const NAME: &'static str = "rollback";
    const ABOUT: &'static str = "Puts back what served before.";
    const OUTPUTS: &'static [Output] = &[
        ("version", "The version that serves now, for one function; `function=version` lines for several."),
        ("previous-version", "The version that served before, in the same form."),
        ("digest", "The image of the version that serves now, for one image function."),
        ("target-source", "Where the version was learned: `explicit`, `state`, `record` or `guess`."),
        ("deployment-id", "The GitHub deployment that records this rollback; empty when none is kept."),
    ];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &Common, problems: &mut Problems) {
        let by_memory = self.state.is_none() && self.versions.is_none() && self.to == To::Auto && !self.allow_guess.0;
        problems.add_if(
            common.environment.is_none() && (self.record.record != Mode::Off || by_memory),
            "input `environment` is required, because the record of it is read and written \
             (or set `record: off` and give `state` or `to`)",
        );
    }

    async fn run(&self, cx: &Context) -> Result<Outcome> {
        let lambda = cx.lambda().await?;
        let functions = self.functions();
        for function in &functions {
            cx.watch(function, &self.alias);
        }
        let scope = self.scope(cx);
        let mut aliases = Vec::new();
        for (function, alias) in
            functions.iter().zip(try_join_all(functions.iter().map(|f| lambda.alias(f, &self.alias))).await?)
        {
            match alias {
                Some(alias) => aliases.push(alias),
                None => {
                    return Ok(Outcome::error(format!(
                        "function {function} has no alias {}: there is nothing to put back",
                        self.alias
                    ))
                    .advise("correct the inputs `function` and `alias`"));
                }
            }
        }
        let names: Vec<(FunctionName, AliasName)> =
            functions.iter().map(|function| (function.clone(), self.alias.clone())).collect();
        let needed = match scope {
            Scope::ThisRun => self.state.is_none(),
            Scope::Any => {
                self.state.is_none() && !self.is_explicit() && !self.allow_guess.0 || matches!(self.to, To::Release(_))
            }
        };
        let memory = Memory::read(cx, self.state.as_ref(), &names, needed).await?;
        let mut plans = Vec::new();
        for alias in aliases {
            let observed = match self.observe(&lambda, &memory, alias, scope).await? {
                Ok(observed) => observed,
                Err(refusal) => return Ok(refusal),
            };
            match decide(&observed, scope) {
                Ok(decision) => plans.push((observed, decision)),
                Err(refusal) => return Ok(refusal),
            }
        }
        self.carry_out(cx, &lambda, &memory, plans).await
    }
}

/// One alias that goes back.
#[derive(Debug)]
struct Going {
    observed: Observed,
    to: Version,
    source: Source,
    target: Function,
    left: Option<Function>,
}

impl Rollback {
    fn functions(&self) -> Vec<FunctionName> {
        let short = self.function.iter().flat_map(|lines| lines.0.clone());
        let long = self.versions.iter().flat_map(|lines| lines.iter().map(|line| line.function.clone()));
        short.chain(long).collect()
    }

    fn is_explicit(&self) -> bool {
        self.versions.is_some() || self.to != To::Auto
    }

    fn scope(&self, cx: &Context) -> Scope {
        let by_hand = cx.runner.github_event_name.as_deref() == Some("workflow_dispatch");
        match self.scope {
            Some(ScopeInput::ThisRun) => Scope::ThisRun,
            None if !by_hand && !self.is_explicit() => Scope::ThisRun,
            Some(ScopeInput::Any) | None => Scope::Any,
        }
    }

    async fn observe(
        &self,
        lambda: &Lambda<'_>,
        memory: &Memory<'_>,
        alias: Alias,
        scope: Scope,
    ) -> Result<Result<Observed, Outcome>> {
        let known = memory.of(&alias, scope).await?;
        let listed = self.versions.iter().flatten().find(|line| line.function == alias.function);
        let explicit = match listed {
            Some(line) => lambda.resolve(&alias.function, &line.version).await?,
            None => memory.named(lambda, &alias, &self.to).await?,
        };
        if self.is_explicit() && explicit.is_none() {
            let asked = listed.map_or_else(|| self.to.to_string(), |line| line.version.to_string());
            return Ok(Err(Outcome::fail(format!("no version of {} is known as {asked}", alias.function))
                .advise("name the version by its number: `aws lambda list-versions-by-function` shows them")));
        }
        let guess = match (self.allow_guess.0, alias.version) {
            (true, Some(serves)) => {
                lambda.versions(&alias.function).await?.into_iter().filter(|version| *version < serves).max()
            }
            _ => None,
        };
        let expected = self.expected_current.as_ref().and_then(|expected| expected.of(&alias.function));
        // Whoever names the version to go back to means it, wherever the record thinks the alias is.
        let expected = match expected {
            Some(version) => vec![version],
            None if self.is_explicit() => Vec::new(),
            None => known.expected,
        };
        Ok(Ok(Observed {
            alias,
            moved_by_this_run: known.moved_by_this_run,
            captured: known.captured,
            captured_failed: known.captured_failed,
            expected,
            explicit,
            succeeded: known.succeeded,
            guess,
        }))
    }

    async fn carry_out(
        &self,
        cx: &Context,
        lambda: &Lambda<'_>,
        memory: &Memory<'_>,
        plans: Vec<(Observed, Decision)>,
    ) -> Result<Outcome> {
        let mut going = Vec::new();
        let mut back = Vec::new();
        let mut staying = Vec::new();
        for (observed, decision) in plans {
            let name = format!("{}:{}", observed.alias.function, observed.alias.name);
            let found = format!("version {}", observed.alias);
            match decision {
                Decision::Nothing(told) => {
                    cx.report.check(name, found, "nothing to undo", Verdict::Skipped, "lambda:GetAlias");
                    staying.push(told);
                }
                Decision::Back(version, told) => {
                    cx.report.check(name, found, "nothing to undo", Verdict::Skipped, "lambda:GetAlias");
                    staying.push(told);
                    back.push((observed.alias, version));
                }
                Decision::Go(to, source) => {
                    cx.report.check(
                        name,
                        found,
                        format!("version {to} ({})", source.word()),
                        Verdict::Pass,
                        "lambda:GetAlias",
                    );
                    going.push((observed, to, source));
                }
            }
        }
        if !back.is_empty() && !cx.is_dry_run() {
            // A run that was killed after the write may have left records that still count.
            self.withdraw(cx, memory, &back).await;
            let there: Vec<_> = back.iter().map(|(alias, version)| (alias.function.clone(), *version)).collect();
            Record::resume(cx, &self.record, Self::NAME, &self.alias, &there).await;
        }
        if going.is_empty() {
            return Ok(Outcome::skipped(staying.join("; ")));
        }
        if let Some(refusal) = guard::named(cx, going.iter().map(|(one, ..)| &one.alias.function)).await? {
            return Ok(refusal);
        }
        let mut checked = Vec::new();
        for (observed, to, source) in going {
            match target::check(cx, lambda, observed, to, source).await? {
                Ok(one) => checked.push(one),
                Err(refusal) => return Ok(refusal),
            }
        }
        let going = checked;
        for one in &going {
            let alias = &one.observed.alias;
            let mode = &self.mode;
            tracing::info!("{}:{} goes back from version {alias} to {} ({mode})", alias.function, alias.name, one.to);
            tracing::info!("  to undo this by hand: {}", by_hand(alias, alias.version));
        }
        if cx.is_dry_run() {
            cx.report.changed();
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {}", described(&going, "would go back"))));
        }
        self.apply(cx, lambda, memory, going).await
    }

    async fn apply(
        &self,
        cx: &Context,
        lambda: &Lambda<'_>,
        memory: &Memory<'_>,
        going: Vec<Going>,
    ) -> Result<Outcome> {
        let asked: Vec<_> = going.iter().map(|one| (one.observed.alias.function.clone(), one.to)).collect();
        let targets = going.iter().map(recorded).collect();
        let record = Record::open(cx, &self.record, self.release(memory, &going), targets, &asked).await?;
        let mut moved = Vec::new();
        let mut failures: Vec<Outcome> = Vec::new();
        for one in &going {
            let alias = &one.observed.alias;
            match move_alias(cx, lambda, alias, one.to).await {
                Ok(Moved::Done(_)) => moved.push(one),
                Ok(Moved::Superseded(now)) => {
                    let found = now.map_or_else(|| "is gone".to_owned(), |now| format!("is at version {now}"));
                    failures.push(
                        Outcome::superseded(format!(
                            "{}:{} was moved by somebody else between the reading and the write: it {found}",
                            alias.function, alias.name
                        ))
                        .advise("look at what serves before rolling back again"),
                    );
                }
                Err(error) if cx.deadline.is_cancelled() => return Err(error),
                Err(error) => {
                    let explained = explain(&error);
                    let advice =
                        explained.advice.into_iter().chain([format!("by hand: {}", by_hand(alias, Some(one.to)))]);
                    failures.push(Outcome { advice: advice.collect(), ..Outcome::error(explained.reason) });
                }
            }
        }
        Self::outputs(cx, &moved);
        if !failures.is_empty() {
            let ended = together(&moved, failures);
            let cx = &cx.with_deadline(cx.deadline.renewed(RECORDING));
            self.withdraw(cx, memory, &gone_back(&moved)).await;
            if let Some(record) = record {
                record.fail(cx, Self::NAME, &ended.reason).await;
            }
            return Ok(ended);
        }
        cx.report.serving(serving::line(moved.iter().map(|one| serving_now(one))));
        self.prove(cx, memory, &moved, record).await
    }

    /// The record of what was undone; then the health check, if one is asked for.
    async fn prove(
        &self,
        cx: &Context,
        memory: &Memory<'_>,
        moved: &[&Going],
        record: Option<Record>,
    ) -> Result<Outcome> {
        self.withdraw(&cx.with_deadline(cx.deadline.renewed(RECORDING)), memory, &gone_back(moved)).await;
        let reason = described(moved, "went back");
        let health = self.health_of(cx, moved).await;
        let recording = &cx.with_deadline(cx.deadline.renewed(RECORDING));
        let ended = match health {
            Err(error) if cx.deadline.is_cancelled() => return Err(error),
            Err(error) => {
                let explained = explain(&error);
                let told = format!("{reason}; whether it is healthy could not be told: {}", explained.reason);
                Outcome { advice: explained.advice, ..Outcome::error(told) }
            }
            Ok(Some(Health::Unhealthy(bad))) => {
                let told = format!("BAD VERSION STILL SERVES: {reason}, and it is not healthy either: {}", bad.reason);
                Outcome { advice: bad.advice, ..Outcome::bad_version_serves(told) }
                    .advise("name another version with the input `to`; this step does not try a second one by itself")
            }
            Ok(health) => {
                if let Some(record) = record {
                    let now = lines(moved.iter().map(|one| (one.observed.alias.function.clone(), one.to)));
                    record.succeed(recording, Self::NAME, &now.replace('\n', " ")).await;
                }
                if health.is_none() {
                    let told =
                        "not checked after the rollback: give `url`, or `path` with the function, to have it checked";
                    cx.report.section("Health", [told.to_owned()]);
                }
                return Ok(Outcome::pass(reason).advise(
                    "the next deployment of the same commit brings the bad version back: revert or fix it first",
                ));
            }
        };
        if let Some(record) = record {
            record.fail(recording, Self::NAME, &ended.reason).await;
        }
        Ok(ended)
    }

    async fn health_of(&self, cx: &Context, moved: &[&Going]) -> Result<Option<Health>> {
        if !self.health.is_asked() {
            return Ok(None);
        }
        let target =
            |one: &&Going| health::Target { function: one.observed.alias.function.clone(), alias: self.alias.clone() };
        let targets: Vec<health::Target> = moved.iter().map(target).collect();
        health::verify(cx, &self.health, &targets, self.attempts.0).await.map(Some)
    }

    /// Every record that this rollback undoes no longer counts as succeeded.
    async fn withdraw(&self, cx: &Context, memory: &Memory<'_>, back: &[(Alias, Version)]) {
        let memory = Memory {
            cx,
            state: memory.state,
            history: memory.history.clone(),
            this_run: memory.this_run,
            needed: memory.needed,
        };
        let reason = self.reason.as_ref().map_or_else(|| "rolled back".to_owned(), |reason| reason.0.clone());
        let mut ids = std::collections::BTreeSet::new();
        for (alias, version) in back {
            match memory.undone(alias, *version).await {
                Ok(undone) => ids.extend(undone),
                Err(error) => {
                    cx.report.warn(format!("the record of what was undone could not be read: {}", told(&error)));
                }
            }
        }
        for id in ids {
            let withdrawn = match cx.github().await {
                Ok(github) => record::withdraw(cx, github, id, &reason).await,
                Err(error) => Err(error),
            };
            match withdrawn {
                Ok(()) => tracing::info!("record: deployment {id} is withdrawn"),
                Err(error) => {
                    cx.report.warn(format!("deployment {id} was not withdrawn in the record: {}", told(&error)));
                }
            }
        }
    }

    fn release(&self, memory: &Memory<'_>, going: &[Going]) -> Release<'_> {
        Release {
            kind: Kind::Rollback,
            commit: going
                .iter()
                .find_map(|one| one.target.commit().or_else(|| memory.commit(&one.observed.alias, one.to))),
            proof: None,
            description: self.reason.as_ref().map_or("rollback", |reason| &reason.0),
            history: memory.history.clone(),
        }
    }

    fn outputs(cx: &Context, moved: &[&Going]) {
        let now = lines(moved.iter().map(|one| (one.observed.alias.function.clone(), one.to)));
        let before = lines(
            moved.iter().filter_map(|one| Some((one.observed.alias.function.clone(), one.observed.alias.version?))),
        );
        if let [one] = moved {
            cx.report.output("version", one.to.to_string());
            cx.report.output("previous-version", one.observed.alias.version.map(|v| v.to_string()).unwrap_or_default());
            cx.report.output("digest", one.target.digest().map(ToString::to_string).unwrap_or_default());
        } else {
            cx.report.output("version", now);
            cx.report.output("previous-version", before);
        }
        if let Some(one) = moved.first() {
            cx.report.output("target-source", one.source.word());
        }
    }
}

fn gone_back(moved: &[&Going]) -> Vec<(Alias, Version)> {
    moved.iter().map(|one| (one.observed.alias.clone(), one.to)).collect()
}

fn recorded(one: &Going) -> Target {
    let alias = &one.observed.alias;
    Target {
        function: alias.function.clone(),
        alias: alias.name.clone(),
        version: one.to,
        digest: one.target.digest().cloned(),
        previous: Some(Previous::of(alias, one.left.as_ref())),
    }
}

fn serving_now(one: &Going) -> Serving {
    let now = Alias { version: Some(one.to), weights: [].into(), ..one.observed.alias.clone() };
    Serving::of(&now, Some(&one.target))
}

fn described<G: std::borrow::Borrow<Going>>(going: &[G], did: &str) -> String {
    let each = going.iter().map(|one| {
        let one = one.borrow();
        let alias = &one.observed.alias;
        let commit =
            one.target.commit().map_or_else(String::new, |commit: CommitSha| format!(", commit {}", commit.short()));
        format!(
            "{}:{} {did} from version {alias} to {}{commit} ({})",
            alias.function,
            alias.name,
            one.to,
            one.source.word()
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Those that went back stay there; those that did not are named.
fn together(moved: &[&Going], failures: Vec<Outcome>) -> Outcome {
    let worst = Verdict::worst(failures.iter().map(|outcome| outcome.ending.verdict())).unwrap_or(Verdict::Error);
    let mut reasons: Vec<String> = failures.iter().map(|outcome| outcome.reason.clone()).collect();
    if !moved.is_empty() {
        reasons.push(described(moved, "went back"));
    }
    let mut ended = Outcome::new(worst, reasons.join("; "));
    ended.advice = failures.into_iter().flat_map(|outcome| outcome.advice).collect();
    ended
}
