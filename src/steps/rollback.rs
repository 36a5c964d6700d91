//! rollback: puts back what served before.

mod apply;
mod asked;
mod destination;
mod inputs;
mod known_releases;
mod place;
mod plan;
mod report;
mod target;

use std::time::Duration;

use futures_util::future::{join, try_join_all};

use self::asked::{Request, guess, point_of, unknown};
pub use self::destination::To;
pub use self::inputs::{Rollback, RollbackMode, ScopeInput};
use self::known_releases::KnownReleases;
use self::place::{Known, Place, Revision};
use self::plan::{Decision, Observed, Scope, decide};
use self::target::waiting_for;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{FunctionName, Lambda, Qualifier, Version};
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Mode, OnConcurrent, RecordInputs};
use crate::rollout::update_code::settled;
use crate::rollout::{guard, latest};
use crate::text::message;

/// How long the record may be read before the write when the target is known without it: it may say that what was captured failed,
/// and a bad version serves meanwhile.
const A_MOMENT: Duration = Duration::from_secs(3);
/// The same when the target can be guessed without it.
const BEFORE_A_GUESS: Duration = Duration::from_secs(20);

/// How long the record is read before the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// As long as the step has: nothing else tells where to go.
    Whole,
    /// No longer than this: it may only speak against what is known.
    Within(Duration),
    /// Not at all.
    Not,
}

impl DeployStep for Rollback {
    const NAME: &'static str = "rollback";
    const ABOUT: &'static str = "Puts back what served before.";
    const OUTPUTS: &'static [Output] = &[
        Output::value(
            "version",
            "The version that serves now, for one function; `function=version` lines for several.",
        ),
        Output::value("previous-version", "The version that served before, in the same form."),
        Output::value("digest", "The image of the version that serves now, for one image function."),
        Output::text("target-source", "Where the version was learned: `explicit`, `state`, `record` or `guess`."),
        Output::value("deployment-id", "The GitHub deployment that records this rollback; empty when none is kept."),
    ];
    const FIGURES: &'static [Figure] =
        &[Figure::Value("version", "version"), Figure::Lines("version"), Figure::Value("source", "target-source")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(5);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        let by_memory = self.state.is_none() && !self.is_explicit() && !self.allow_guess.0;
        problems.add_if(
            common.environment.is_none() && (self.record.record != Mode::Off || by_memory),
            "input `environment` is required, because the record of it is read and written \
             (or set `record: off` and give `state` or `to`)",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let lambda = waiting_for("the AWS credentials", cx.lambda()).await?;
        let functions = self.functions();
        for function in &functions {
            cx.read_back_at_end(function, self.qualifier());
        }
        let scope = self.scope();
        loop {
            let (memory, plans) = self.planned(cx, &lambda, &functions, scope).await?;
            let goes = plans.iter().any(|(_, decision)| matches!(decision, Decision::Go(..)));
            if goes && self.has_waited(cx, &memory).await? {
                continue;
            }
            return self.carry_out(cx, &lambda, memory, plans).await;
        }
    }
}

impl Rollback {
    /// What is there, what is remembered of it, and what is to be done: for all functions at the same time.
    async fn planned(
        &self,
        cx: &Context,
        lambda: &Lambda,
        functions: &[FunctionName],
        scope: Scope,
    ) -> Step<(KnownReleases<'_>, Vec<(Observed, Decision)>)> {
        let aws = cx.aws().await?;
        let location = waiting_for("the account of the credentials", aws.location()).await?;
        let in_records = |function| record::Place::of(&location, function, &self.qualifier());
        let names = functions.iter().map(in_records).collect();
        let mut memory = KnownReleases::new(cx, self.state.as_ref(), location, names);
        let reading = self.reading(&memory, scope);
        let clock = &Self::clock(cx, reading);
        let (places, read) = join(waiting_for("what serves", self.places(cx, lambda, functions)), async {
            if reading == Reading::Not { Ok(()) } else { memory.read(clock).await }
        })
        .await;
        let places = places?;
        match read {
            Err(error) if reading != Reading::Whole && !cx.calls.deadline.is_cancelled() => {
                tracing::info!("the record is not waited for: {}", error_line(&error));
            }
            read => read?,
        }
        let asked = try_join_all(places.iter().map(|place| self.asked(cx, lambda, place))).await?;
        let by_record = asked.contains(&Request::ByRecord);
        if by_record {
            memory.read(cx).await?;
        }
        let needed = by_record || reading == Reading::Whole;
        let clock = if needed { cx } else { clock };
        let plans = places.into_iter().zip(asked).map(async |(place, asked)| {
            let observed = self.observe(clock, lambda, &memory, place, asked, (scope, needed)).await?;
            let decision = decide(&observed, scope)?;
            Step::Ok((observed, decision))
        });
        let plans = try_join_all(plans).await?;
        Ok((memory, plans))
    }

    /// How long the record is read before the write. A state tells where to go only if it tells it of every place.
    fn reading(&self, memory: &KnownReleases<'_>, scope: Scope) -> Reading {
        let asked = self.record.on_concurrent.is_some_and(|asked| asked != OnConcurrent::Ignore);
        match scope {
            _ if memory.is_captured(scope, self.is_explicit()) => Reading::Within(A_MOMENT),
            Scope::Any if self.is_explicit() && asked => Reading::Within(A_MOMENT),
            Scope::Any if self.is_explicit() => Reading::Not,
            Scope::Any if self.allow_guess.0 => Reading::Within(BEFORE_A_GUESS),
            Scope::ThisRun | Scope::Any => Reading::Whole,
        }
    }

    fn clock(cx: &Context, reading: Reading) -> Context {
        match reading {
            Reading::Within(limit) => cx.with_deadline(cx.calls.deadline.at_most(limit)),
            Reading::Whole | Reading::Not => cx.clone(),
        }
    }

    /// True when another run was at the same targets, and was waited for: asked only where the input `on-concurrent` asks it, and no
    /// longer than a moment, for a bad version serves meanwhile. What cannot be told holds nothing up.
    async fn has_waited(&self, cx: &Context, memory: &KnownReleases<'_>) -> Step<bool> {
        let asked = self.record.on_concurrent.filter(|asked| *asked != OnConcurrent::Ignore);
        let (Some(asked), Some(history), Some(environment)) = (asked, &memory.history, self.record.kept_in(cx)) else {
            return Ok(false);
        };
        let moment = &Self::clock(cx, Reading::Within(A_MOMENT));
        let inputs = RecordInputs { on_concurrent: Some(OnConcurrent::Fail), ..self.record.clone() };
        let mut found = record::look_among(moment, &inputs, OnConcurrent::Fail, environment, history).await;
        if matches!(found, Err(Stop::Ended(_))) && asked == OnConcurrent::Wait {
            found = record::look_among(cx, &self.record, asked, environment, history).await;
        }
        match found {
            Err(Stop::Error(error)) => {
                cx.report.warn(format!(
                    "whether another run is at the same targets could not be determined: {}",
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

    /// Whether a target is named.
    fn is_explicit(&self) -> bool {
        self.versions.is_some() || self.to.as_ref().is_some_and(|to| *to != To::Auto)
    }

    /// Whoever writes `to`, `auto` too, or `versions` means whatever serves.
    fn scope(&self) -> Scope {
        match self.scope {
            Some(ScopeInput::ThisRun) => Scope::ThisRun,
            None if self.to.is_none() && self.versions.is_none() => Scope::ThisRun,
            Some(ScopeInput::Any) | None => Scope::Any,
        }
    }

    /// Where users come in, for every function; a refusal when they do not come in there.
    async fn places(&self, cx: &Context, lambda: &Lambda, functions: &[FunctionName]) -> Step<Vec<Place>> {
        if self.mode == RollbackMode::Code {
            const FIX: &str = "leave `mode` out, and name the alias users call with `alias`";
            let read = functions.iter().map(async |function| {
                let refused = latest::without_alias(cx, lambda, function, FIX);
                let (refused, read) = join(refused, settled(cx, lambda, function)).await;
                refused?;
                let read = read?;
                latest::not_managed(&read, FIX)?;
                Step::Ok(Place::Latest(Box::new(read)))
            });
            return try_join_all(read).await;
        }
        let read = functions.iter().map(async |function| {
            let alias = lambda.alias(function, &self.alias).await?.ok_or_else(|| {
                Outcome::error(message!(
                    "no-such-alias",
                    "function {function} has no alias {}: there is nothing to put back",
                    self.alias
                ))
                .advise("correct the inputs `function` and `alias`")
                .advise("if users call the function without an alias, set `mode: code`")
            })?;
            Step::Ok(Place::Alias(alias))
        });
        try_join_all(read).await
    }

    async fn observe(
        &self,
        clock: &Context,
        lambda: &Lambda,
        memory: &KnownReleases<'_>,
        place: Place,
        asked: Request,
        (scope, needed): (Scope, bool),
    ) -> Step<Observed> {
        let known = memory.of(clock, &place, scope, needed).await?;
        let function = place.function();
        let explicit = match (asked, &self.to) {
            (Request::Nothing, _) => None,
            (Request::Known(known), _) => Some(known),
            (Request::ByRecord, to) => {
                let to = to.as_ref().unwrap_or(&To::Auto);
                let found = memory.named(&place, to)?;
                // A number that names nothing is a version that is gone.
                let gone = |number: u64| {
                    matches!(place, Place::Alias(_)).then(|| Known::bare(Revision::Version(Version::number(number))))
                };
                let found = found.or_else(|| if let To::Number(number) = to { gone(*number) } else { None });
                Some(found.ok_or_else(|| unknown(function, &to.to_string()))?)
            }
        };
        let guess = if self.allow_guess.0 { guess(lambda, &place).await?.map(Known::bare) } else { None };
        let expected = self.expected_current.as_ref().and_then(|expected| expected.of(function));
        // Whoever names the version to go back to means it, wherever the record thinks the alias is.
        let expected = match expected {
            Some(version) => match point_of(lambda, &place, version).await? {
                Some(point) => vec![point],
                None => {
                    return Err(Outcome::fail(format!("version {version} of {function} does not exist"))
                        .advise("correct `expected-current`")
                        .into());
                }
            },
            None if self.is_explicit() => Vec::new(),
            None => known.expected,
        };
        Ok(Observed {
            place,
            moved_by_this_run: known.moved_by_this_run,
            succeeded_in: known.succeeded_in,
            captured: known.captured,
            captured_failed: known.captured_failed,
            expected,
            explicit,
            succeeded: known.succeeded,
            guess,
        })
    }

    /// Sorts what goes back from what stays, says which is which, and makes sure of all targets before the first write.
    async fn carry_out(
        &self,
        cx: &Context,
        lambda: &Lambda,
        memory: KnownReleases<'_>,
        plans: Vec<(Observed, Decision)>,
    ) -> Step<Outcome> {
        let mut going = Vec::new();
        let mut back = Vec::new();
        let mut staying = Vec::new();
        for (observed, decision) in plans {
            note(cx, &observed, &decision);
            match decision {
                Decision::Nothing(why) => staying.push(why),
                Decision::Back(point, why) => {
                    staying.push(why);
                    back.push((observed.place, point));
                }
                Decision::Go(to, source) => going.push((observed, to, source)),
            }
        }
        if going.is_empty() {
            if !cx.is_dry_run() {
                self.complete(cx, memory, &back).await;
            }
            return Ok(Outcome::skipped(staying.join("; ")));
        }
        guard::check_names(cx, going.iter().map(|(one, ..)| one.place.function())).await?;
        let checks = going.into_iter().map(|(observed, to, source)| {
            target::check(cx, lambda, observed, to, source, self.health.tenant_id.as_ref())
        });
        let checked = waiting_for("the versions to go back to", try_join_all(checks)).await?;
        report::announce(&checked, self.mode);
        if cx.is_dry_run() {
            cx.report.changed();
            let described = report::described(&checked, "would go back");
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {described}")));
        }
        self.apply(cx, lambda, memory, checked, back).await
    }
}

/// Notes what was decided for a place.
fn note(cx: &Context, observed: &Observed, decision: &Decision) {
    let (required, verdict) = match decision {
        Decision::Nothing(_) | Decision::Back(..) => ("nothing to undo".to_owned(), Verdict::Skipped),
        Decision::Go(to, source) => (format!("{} ({})", to.point, source.word()), Verdict::Pass),
    };
    let read_by = match observed.place {
        Place::Alias(_) => "lambda:GetAlias",
        Place::Latest(_) => "lambda:GetFunction",
    };
    cx.report.check(observed.place.to_string(), observed.place.label(), required, verdict, read_by);
}
