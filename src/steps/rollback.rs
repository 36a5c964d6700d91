//! rollback: puts back what served before.

mod apply;
mod inputs;
mod memory;
mod place;
mod plan;
mod target;
mod tell;
mod to;

use anyhow::Result;
use futures_util::future::try_join_all;

pub use self::inputs::{Rollback, RollbackMode, ScopeInput};
use self::memory::{Memory, point_of};
use self::place::{Place, Point};
use self::plan::{Decision, Observed, Scope, decide};
pub use self::to::To;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{CodeId, FunctionName, Lambda, Qualifier};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step, Stop};
use crate::permissions::Permissions;
use crate::record::said::Figure;
use crate::record::{self, Mode, OnConcurrent, Record};
use crate::rollout::update_code::settled;
use crate::rollout::{guard, latest};

impl DeployStep for Rollback {
    const NAME: &'static str = "rollback";
    const ABOUT: &'static str = "Puts back what served before.";
    const OUTPUTS: &'static [Output] = &[
        ("version", "The version that serves now, for one function; `function=version` lines for several."),
        ("previous-version", "The version that served before, in the same form."),
        ("digest", "The image of the version that serves now, for one image function."),
        ("target-source", "Where the version was learned: `explicit`, `state`, `record` or `guess`."),
        ("deployment-id", "The GitHub deployment that records this rollback; empty when none is kept."),
    ];
    const FIGURES: &'static [Figure] =
        &[Figure::Value("version", "version"), Figure::Lines("version"), Figure::Value("source", "target-source")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        let by_memory = self.state.is_none() && self.versions.is_none() && self.to == To::Auto && !self.allow_guess.0;
        problems.add_if(
            common.environment.is_none() && (self.record.record != Mode::Off || by_memory),
            "input `environment` is required, because the record of it is read and written \
             (or set `record: off` and give `state` or `to`)",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let lambda = cx.lambda().await?;
        let functions = self.functions();
        for function in &functions {
            cx.read_back_at_end(function, self.qualifier());
        }
        let scope = self.scope(cx);
        let location = cx.aws().await?.location().await?;
        let in_records = |function| record::Place::of(&location, function, &self.qualifier());
        let names: Vec<record::Place> = functions.iter().map(in_records).collect();
        let needed = match scope {
            Scope::ThisRun => self.state.is_none(),
            Scope::Any => {
                self.state.is_none() && !self.is_explicit() && !self.allow_guess.0 || matches!(self.to, To::Release(_))
            }
        };
        loop {
            let places = match self.places(cx, &lambda, &functions).await? {
                Ok(places) => places,
                Err(refusal) => return Ok(refusal),
            };
            let memory = Memory::read(cx, self.state.as_ref(), &location, &names, needed).await?;
            let mut plans = Vec::new();
            for place in places {
                let observed = match self.observe(&lambda, &memory, place, scope).await? {
                    Ok(observed) => observed,
                    Err(refusal) => return Ok(refusal),
                };
                match decide(&observed, scope) {
                    Ok(decision) => plans.push((observed, decision)),
                    Err(refusal) => return Ok(refusal),
                }
            }
            let goes = plans.iter().any(|(_, decision)| matches!(decision, Decision::Go(..)));
            if !goes || !self.waits_for_others(cx, &memory).await? {
                return Ok(self.carry_out(cx, &lambda, &memory, plans).await?);
            }
        }
    }
}

impl Rollback {
    /// Who else is at the same targets, where that was asked for. Otherwise nobody is in the way, and nobody is waited for: a
    /// bad version serves meanwhile. What cannot be told holds nothing up. True when somebody was waited for.
    async fn waits_for_others(&self, cx: &Context, memory: &Memory<'_>) -> Step<bool> {
        let asked = self.record.on_concurrent.filter(|asked| *asked != OnConcurrent::Ignore);
        let (Some(asked), Some(history), Some(environment)) = (asked, &memory.history, self.record.kept_in(cx)) else {
            return Ok(false);
        };
        match record::among(cx, &self.record, asked, environment, history).await {
            Err(Stop::Error(error)) => {
                cx.report.warn(format!(
                    "whether another run is at the same targets could not be told: {}",
                    error_line(&error)
                ));
                Ok(false)
            }
            found => found,
        }
    }

    fn functions(&self) -> Vec<FunctionName> {
        let short = self.function.iter().flat_map(|lines| lines.0.clone());
        let long = self.versions.iter().flat_map(|lines| lines.iter().map(|line| line.function.clone()));
        short.chain(long).collect()
    }

    fn qualifier(&self) -> Qualifier {
        match self.mode {
            RollbackMode::Alias => Qualifier::Alias(self.alias.clone()),
            RollbackMode::Code => Qualifier::Latest,
        }
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

    /// Where users come in, for every function; a refusal when they do not come in there.
    async fn places(
        &self,
        cx: &Context,
        lambda: &Lambda,
        functions: &[FunctionName],
    ) -> Result<Result<Vec<Place>, Outcome>> {
        let mut places = Vec::new();
        if self.mode == RollbackMode::Code {
            const MEND: &str = "leave `mode` out, and name the alias users call with `alias`";
            for function in functions {
                if let Some(refusal) = latest::refusal(cx, lambda, function, MEND).await? {
                    return Ok(Err(refusal));
                }
            }
            let read = try_join_all(functions.iter().map(|function| settled(cx, lambda, function))).await?;
            return Ok(Ok(read.into_iter().map(|function| Place::Latest(Box::new(function))).collect()));
        }
        let read = try_join_all(functions.iter().map(|function| lambda.alias(function, &self.alias))).await?;
        for (function, alias) in functions.iter().zip(read) {
            let Some(alias) = alias else {
                return Ok(Err(Outcome::error(format!(
                    "function {function} has no alias {}: there is nothing to put back",
                    self.alias
                ))
                .advise("correct the inputs `function` and `alias`")
                .advise("if users call the function without an alias, set `mode: code`")));
            };
            places.push(Place::Alias(alias));
        }
        Ok(Ok(places))
    }

    async fn observe(
        &self,
        lambda: &Lambda,
        memory: &Memory<'_>,
        place: Place,
        scope: Scope,
    ) -> Result<Result<Observed, Outcome>> {
        let known = memory.of(&place, scope).await?;
        let function = place.function();
        let listed = self.versions.iter().flatten().find(|line| line.function == *function);
        let explicit = match listed {
            Some(line) => match lambda.resolve(function, &line.version).await? {
                Some(version) => point_of(lambda, &place, version).await?,
                None => None,
            },
            None => memory.named(lambda, &place, &self.to).await?,
        };
        if self.is_explicit() && explicit.is_none() {
            let asked = listed.map_or_else(|| self.to.to_string(), |line| line.version.to_string());
            return Ok(Err(Outcome::fail(format!("no version of {function} is known as {asked}"))
                .advise("name the version by its number: `aws lambda list-versions-by-function` shows them")));
        }
        let guess = if self.allow_guess.0 { guess(lambda, &place).await? } else { None };
        let expected = self.expected_current.as_ref().and_then(|expected| expected.of(function));
        // Whoever names the version to go back to means it, wherever the record thinks the alias is.
        let expected = match expected {
            Some(version) => match point_of(lambda, &place, version).await? {
                Some(point) => vec![point],
                None => {
                    return Ok(Err(Outcome::fail(format!("version {version} of {function} does not exist"))
                        .advise("correct `expected-current`")));
                }
            },
            None if self.is_explicit() => Vec::new(),
            None => known.expected,
        };
        Ok(Ok(Observed {
            place,
            moved_by_this_run: known.moved_by_this_run,
            captured: known.captured,
            captured_failed: known.captured_failed,
            expected,
            explicit,
            succeeded: known.succeeded,
            guess,
        }))
    }

    /// Sorts what goes back from what stays, and says which is which.
    async fn carry_out(
        &self,
        cx: &Context,
        lambda: &Lambda,
        memory: &Memory<'_>,
        plans: Vec<(Observed, Decision)>,
    ) -> Result<Outcome> {
        let mut going = Vec::new();
        let mut back = Vec::new();
        let mut staying = Vec::new();
        for (observed, decision) in plans {
            let (required, verdict) = match &decision {
                Decision::Nothing(_) | Decision::Back(..) => ("nothing to undo".to_owned(), Verdict::Skipped),
                Decision::Go(to, source) => (format!("{to} ({})", source.word()), Verdict::Pass),
            };
            let read_by = match observed.place {
                Place::Alias(_) => "lambda:GetAlias",
                Place::Latest(_) => "lambda:GetFunction",
            };
            cx.report.check(observed.place.to_string(), observed.place.shown(), required, verdict, read_by);
            match decision {
                Decision::Nothing(told) => staying.push(told),
                Decision::Back(point, told) => {
                    staying.push(told);
                    back.push((observed.place, point));
                }
                Decision::Go(to, source) => going.push((observed, to, source)),
            }
        }
        if !back.is_empty() && !cx.is_dry_run() {
            // A run that was killed after the write may have left records that still count.
            self.withdraw(cx, memory, &back).await;
            let there: Vec<_> = back.iter().map(|(place, point)| tell::there(&memory.location, place, point)).collect();
            Record::resume(cx, &self.record, Self::NAME, Self::FIGURES, &there).await;
        }
        if going.is_empty() {
            return Ok(Outcome::skipped(staying.join("; ")));
        }
        if let Some(refusal) = guard::named(cx, going.iter().map(|(one, ..)| one.place.function())).await? {
            return Ok(refusal);
        }
        let mut checked = Vec::new();
        for (observed, to, source) in going {
            match target::check(cx, lambda, observed, to, source).await? {
                Ok(one) => checked.push(one),
                Err(refusal) => return Ok(refusal),
            }
        }
        tell::announce(&checked, self.mode);
        if cx.is_dry_run() {
            cx.report.changed();
            let described = tell::described(&checked, "would go back");
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {described}")));
        }
        self.apply(cx, lambda, memory, checked).await
    }
}

/// What was published before what serves: it may never have worked.
async fn guess(lambda: &Lambda, place: &Place) -> Result<Option<Point>> {
    let published = lambda.published(place.function()).await?;
    Ok(match place.serves() {
        Some(Point::Version(serves)) => {
            let before = published.into_iter().filter_map(|one| one.version).filter(|version| *version < serves);
            before.max().map(Point::Version)
        }
        Some(Point::Code(serves)) => {
            let place = published.iter().rposition(|version| serves.is_in(version)).unwrap_or(published.len());
            let before = published.iter().take(place).rfind(|version| !serves.is_in(version));
            before.and_then(CodeId::of).map(Point::Code)
        }
        None => None,
    })
}
