//! What rollback reads before it decides: what serves, what is remembered of it, and what would be gone back to.

use std::time::Duration;

use futures_util::future::{join, join_all, try_join_all};

use super::destination::To;
use super::inputs::{Rollback, RollbackMode};
use super::known_releases::{KnownReleases, Remembered};
use super::place::{FunctionPlace, Known, Revision};
use super::plan::{Found, Observed, Scope};
use super::request::{Request, guess, point_of, unknown};
use super::target::{look, waiting_for};
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{FunctionName, Lambda, Version};
use crate::outcome::{Outcome, Step};
use crate::record;
use crate::rollout::update_code::wait_until_settled;
use crate::rollout::{guard, latest};
use crate::text::message;

/// How long the record may be read before the write when the target is known without it: it may say that what was captured failed,
/// and a bad version serves meanwhile.
pub(super) const A_MOMENT: Duration = Duration::from_secs(3);
/// The same when the target can be guessed without it.
const BEFORE_A_GUESS: Duration = Duration::from_secs(20);

/// How long the record is read before the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As long as the step has: nothing else names where to go.
    Whole,
    /// No longer than this: it may only speak against what is known.
    Within(Duration),
}

/// One place, and what would be gone back to, where something would.
pub(super) type Looked<P, F> = (Observed<P>, Option<Step<F>>);

/// Reads what is there, what is remembered of it, and what would be gone back to: for all functions at the same time.
pub(super) async fn observe<'a>(
    step: &'a Rollback,
    cx: &Context,
) -> Step<(Vec<Looked<FunctionPlace, Found>>, KnownReleases<'a>)> {
    let lambda = &waiting_for("the AWS credentials", cx.lambda()).await?;
    let (functions, scope) = (step.functions(), step.scope());
    let aws = cx.aws().await?;
    let location = waiting_for("the account of the credentials", aws.location()).await?;
    let in_records = |function| record::Place::of(&location, function, &step.qualifier());
    let names = functions.iter().map(in_records).collect();
    let mut releases = KnownReleases::new(cx, step.state.as_ref(), location, names);
    let reading = step.reading(&releases, scope, step.allow_guess.0);
    let places = reading.beside(cx, &mut releases, step.places(cx, lambda, &functions)).await?;
    let requests = try_join_all(places.iter().map(|place| step.request(cx, lambda, place))).await?;
    let (clock, needed) = &reading.also_for(cx, &mut releases, &requests).await?;
    let each = places.into_iter().zip(requests);
    let each =
        each.map(|(place, request)| step.observe_one(clock, lambda, &releases, place, request, (scope, *needed)));
    let observed = try_join_all(each).await?;
    let found = look_at_destinations(cx, lambda, scope, &observed).await?;
    Ok((observed.into_iter().zip(found).collect(), releases))
}

/// Reads the versions that would be gone back to, where nothing speaks against going back.
async fn look_at_destinations(
    cx: &Context,
    lambda: &Lambda,
    scope: Scope,
    observed: &[Observed<FunctionPlace>],
) -> Step<Vec<Option<Step<Found>>>> {
    let destinations: Vec<Option<Known>> = observed.iter().map(|one| one.destination(scope)).collect();
    let concerned = observed.iter().zip(&destinations).filter(|(_, known)| known.is_some());
    let names: Vec<&FunctionName> = concerned.map(|(one, _)| one.place.function()).collect();
    if !names.is_empty() {
        guard::check_names(cx, names).await?;
    }
    let looks = observed.iter().zip(destinations).map(async |(one, known)| match known {
        Some(known) => Some(look(cx, lambda, &one.place, &known).await),
        None => None,
    });
    Ok(waiting_for("the versions to go back to", join_all(looks)).await)
}

impl Reading {
    /// The clock of the record.
    fn clock(self, cx: &Context) -> Context {
        match self {
            Self::Within(limit) => cx.with_deadline(cx.calls.deadline.at_most(limit)),
            Self::Whole => cx.clone(),
        }
    }

    /// Reads what serves, and beside it the record: where that is not needed, nothing waits for it.
    pub(super) async fn beside<P>(
        self,
        cx: &Context,
        releases: &mut KnownReleases<'_>,
        places: impl Future<Output = Step<Vec<P>>>,
    ) -> Step<Vec<P>> {
        let clock = &self.clock(cx);
        let (places, read) = join(waiting_for("what serves", places), async { releases.read(clock).await }).await;
        let places = places?;
        match read {
            Err(error) if self != Self::Whole && !cx.calls.deadline.is_cancelled() => {
                tracing::info!("the record is not waited for: {}", error_line(&error));
            }
            read => read?,
        }
        Ok(places)
    }

    /// Reads the record where what was asked for is known to it alone; with the clock of what is asked of it from here on, and whether it
    /// is needed.
    pub(super) async fn also_for(
        self,
        cx: &Context,
        releases: &mut KnownReleases<'_>,
        requests: &[Request],
    ) -> Step<(Context, bool)> {
        let by_record = requests.contains(&Request::ByRecord);
        if by_record {
            releases.read(cx).await?;
        }
        let needed = by_record || self == Self::Whole;
        Ok((if needed { cx.clone() } else { self.clock(cx) }, needed))
    }
}

impl<P> Observed<P> {
    /// A place with what is remembered of it, and nothing else.
    pub(super) fn new(place: P, known: Remembered) -> Self {
        Self {
            place,
            moved_by_this_run: known.moved_by_this_run,
            succeeded_in: known.succeeded_in,
            captured: known.captured,
            captured_failed: known.captured_failed,
            expected: known.expected,
            explicit: None,
            succeeded: known.succeeded,
            is_back: known.is_back,
            history: None,
            guess: None,
        }
    }
}

impl Rollback {
    /// How long the record is read before the write. A state says where to go only if it says it of every place. `is_known_else`: something
    /// else names where to go, though less surely.
    pub(super) fn reading(&self, releases: &KnownReleases<'_>, scope: Scope, is_known_else: bool) -> Reading {
        match scope {
            _ if releases.is_captured(scope, self.is_explicit()) => Reading::Within(A_MOMENT),
            // A CONTRACT may have left behind what is named.
            Scope::Any if self.is_explicit() => Reading::Within(A_MOMENT),
            Scope::Any if is_known_else => Reading::Within(BEFORE_A_GUESS),
            Scope::ThisRun | Scope::Any => Reading::Whole,
        }
    }

    /// Where users come in, for every function; a refusal when they do not come in there.
    async fn places(&self, cx: &Context, lambda: &Lambda, functions: &[FunctionName]) -> Step<Vec<FunctionPlace>> {
        if self.mode == RollbackMode::Code {
            const FIX: &str = "leave `mode` out, and name the alias users call with `alias`";
            let read = functions.iter().map(async |function| {
                let refused = latest::refuse_aliases(cx, lambda, function, FIX);
                let (refused, read) = join(refused, wait_until_settled(cx, lambda, function)).await;
                refused?;
                let read = read?;
                latest::refuse_managed(&read, FIX)?;
                Step::Ok(FunctionPlace::Latest(Box::new(read)))
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
            Step::Ok(FunctionPlace::Alias(alias))
        });
        try_join_all(read).await
    }

    async fn observe_one(
        &self,
        clock: &Context,
        lambda: &Lambda,
        releases: &KnownReleases<'_>,
        place: FunctionPlace,
        request: Request,
        (scope, needed): (Scope, bool),
    ) -> Step<Observed<FunctionPlace>> {
        let known = releases.of(clock, &place, scope, needed).await?;
        let function = place.function();
        let explicit = match (request, &self.to) {
            (Request::Nothing, _) => None,
            (Request::Known(known), _) => Some(known),
            (Request::ByRecord, to) => {
                let to = to.as_ref().unwrap_or(&To::Auto);
                let found = releases.find(&place, to)?;
                // A number that names nothing is a version that is gone.
                let gone = |number: u64| {
                    matches!(place, FunctionPlace::Alias(_))
                        .then(|| Known::bare(Revision::Version(Version::number(number))))
                };
                let found = found.or_else(|| if let To::Number(number) = to { gone(*number) } else { None });
                Some(found.ok_or_else(|| unknown(function, &to.to_string()))?)
            }
        };
        let guess = if self.allow_guess.0 { guess(lambda, &place).await?.map(Known::bare) } else { None };
        let expected = self.expected_current.as_ref().and_then(|expected| expected.version(function));
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
            None => known.expected.clone(),
        };
        Ok(Observed { expected, explicit, guess, ..Observed::new(place, known) })
    }
}
