//! What monitor reads before it watches.

use futures_util::future::try_join_all;
use time::OffsetDateTime;

use super::inputs::{Monitor, Named};
use super::refused::refuse_another;
use super::service::{self, OfService};
use crate::aws::Location;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::Revision;
use crate::lambda::{Function, Lambda, Version};
use crate::net::Clock;
use crate::outcome::{Outcome, Step};
use crate::record::{self, History, Place, Standing, Target};
use crate::rollout::{gate, guard};
use crate::text::message;
use crate::watch::values::RateSource;
use crate::watch::{self, GateInputs};

/// All that the watch is made of.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) clock: Clock,
    pub(super) location: Option<Location>,
    pub(super) functions: Vec<OfFunction>,
    /// The service.
    pub(super) service: Option<OfService>,
    /// What is watched, and how it is judged: with the target groups of the service.
    pub(super) gate: GateInputs,
    /// The load balancers of the target groups that were named.
    pub(super) balancers: Vec<String>,
    /// When the release came, and how that is known.
    pub(super) since: OffsetDateTime,
    pub(super) known_by: String,
    /// The records of these places, as far as they were read.
    pub(super) history: Option<History>,
}

/// One function.
#[derive(Debug)]
pub(super) struct OfFunction {
    pub(super) watched: watch::Observed,
    /// The version that is watched, as Lambda describes it.
    pub(super) function: Function,
    pub(super) place: Place,
    /// What was captured before the alias was moved here.
    pub(super) captured: Option<Target>,
    /// What was captured serves again: the release, which is what is described here, was put back.
    pub(super) is_back: bool,
}

/// What is watched, as records know it.
pub(super) struct Released<'a> {
    pub(super) place: &'a Place,
    what: What<'a>,
}

enum What<'a> {
    Version(Version),
    Definition(&'a Revision),
}

impl<'a> Released<'a> {
    pub(super) fn of_function(one: &'a OfFunction) -> Self {
        Self { place: &one.place, what: What::Version(one.watched.version) }
    }

    pub(super) fn of_service(one: &'a OfService) -> Self {
        Self { place: &one.place, what: What::Definition(&one.has) }
    }

    /// Whether a record speaks of it.
    pub(super) fn is_of(&self, target: &Target) -> bool {
        match &self.what {
            What::Version(version) => target.version == Some(*version),
            What::Definition(revision) => target.task_definition.as_ref() == Some(*revision),
        }
    }
}

impl Observed {
    /// All that is watched.
    pub(super) fn released(&self) -> Vec<Released<'_>> {
        let functions = self.functions.iter().map(Released::of_function);
        functions.chain(self.service.iter().map(Released::of_service)).collect()
    }

    /// The place whose release was put back already, if there is one.
    pub(super) fn put_back(&self) -> Option<&Place> {
        let functions = self.functions.iter().filter(|one| one.is_back).map(|one| &one.place);
        functions.chain(self.service.iter().filter(|one| one.is_back).map(|one| &one.place)).next()
    }
}

/// Reads everything. What another version serves is refused here.
pub(super) async fn observe(step: &Monitor, cx: &Context) -> Step<Observed> {
    let targets = step.targets();
    let needs_aws = !targets.is_empty()
        || step.service.is_some()
        || step.gate.common.alarms.is_some()
        || step.gate.common.has_source_of_its_own();
    let (clock, location) = if needs_aws {
        let aws = cx.aws().await?;
        let location = aws.location().await?;
        (aws.clock().await?, Some(location))
    } else {
        (Clock::of_this_machine(), None)
    };
    let mut functions = Vec::new();
    if let Some(location) = &location
        && !targets.is_empty()
    {
        let lambda = &cx.lambda().await?;
        functions =
            try_join_all(targets.iter().map(|target| observe_one(step, cx, lambda, (location, target)))).await?;
        if step.rolls_back() {
            guard::check_names(cx, targets.iter().map(|target| &target.function)).await?;
        }
    }
    let service = match &location {
        Some(location) => service::observe(step, cx, location).await?,
        None => None,
    };
    let mut gate = step.gate.clone();
    let mut balancers = gate::balancers(cx, &gate).await?;
    if let Some(service) = &service
        && gate.common.error_rate_source.0 == [RateSource::Auto]
        && !service.groups.is_empty()
    {
        gate.common.error_rate_source.0 = service.sources().collect();
        balancers = service.groups.iter().map(|(_, balancer)| balancer.clone()).collect();
    }
    let released: Vec<Released<'_>> =
        functions.iter().map(Released::of_function).chain(service.iter().map(Released::of_service)).collect();
    let history = read_records(step, cx, &released).await;
    let (since, known_by) = since(step, cx, (&released, history.as_ref()), clock.now()).await;
    drop(released);
    for one in &mut functions {
        one.watched.previous = previous(one, history.as_ref());
    }
    Ok(Observed { clock, location, functions, service, gate, balancers, since, known_by, history })
}

async fn observe_one(step: &Monitor, cx: &Context, lambda: &Lambda, of: (&Location, &Named)) -> Step<OfFunction> {
    let (location, Named { function: name, version }) = of;
    let alias = lambda.alias(name, &step.alias).await?;
    let Some(alias) = alias else {
        let reason =
            message!("no-such-alias", "function {name} has no alias {}: there is no traffic to watch", step.alias);
        return Err(Outcome::error(reason).advise("name the alias that users call with the input `alias`").into());
    };
    let place = Place::of(location, name, &step.alias.clone().into());
    let captured = step.state.as_ref().and_then(|state| state.target(&place)).cloned();
    let released = captured.as_ref().filter(|released| {
        let before = released.previous.as_ref().and_then(|previous| previous.version);
        released.version.is_some() && released.version != alias.version && before.is_some() && before == alias.version
    });
    let is_back = released.is_some();
    let wanted = match (released, version) {
        (Some(released), _) => released.version,
        (None, Some(version)) => lambda.resolve(name, version).await?,
        (None, None) => alias.serving(),
    };
    let Some(wanted) = wanted else {
        let reason = message!(
            "alias-at-latest",
            "alias {} of {name} points to $LATEST: only published versions are watched",
            step.alias
        );
        return Err(Outcome::error(reason)
            .advise("publish a version (publish-version) and move the alias there (swap-alias)")
            .into());
    };
    if !is_back {
        refuse_another(&alias, wanted)?;
    }
    let counts_url = gate::counts_url(cx, lambda, &step.gate, (name, &step.alias));
    let (function, has_url) = tokio::join!(lambda.function(name, Some(wanted)), counts_url);
    let watched = watch::Observed { alias, version: wanted, previous: None, has_url };
    Ok(OfFunction { watched, function: function?, place, captured, is_back })
}

/// The records of these places. Without them the watch begins now.
async fn read_records(step: &Monitor, cx: &Context, released: &[Released<'_>]) -> Option<History> {
    let environment = cx.common.environment.as_ref()?;
    if released.is_empty() || step.since.is_some() && !step.rolls_back() {
        return None;
    }
    let places: Vec<Place> = released.iter().map(|one| one.place.clone()).collect();
    match History::read(cx, environment, &record::component(cx), &places).await {
        Ok(history) => Some(history),
        Err(error) => {
            cx.report.warn(format!("when the release came could not be read in the record: {}", error_line(&error)));
            None
        }
    }
}

/// When the release came: as it is given, else by the record that put it there, else now.
async fn since(
    step: &Monitor,
    cx: &Context,
    of: (&[Released<'_>], Option<&History>),
    now: OffsetDateTime,
) -> (OffsetDateTime, String) {
    if let Some(since) = step.since {
        return (since.0, "`since`".to_owned());
    }
    let (released, history) = of;
    let mut newest: Option<OffsetDateTime> = None;
    for one in released {
        let Some(history) = history else { break };
        let Some(entry) = history.at_newest(one.place) else { continue };
        let is_ours = entry.payload.target(one.place).is_some_and(|target| one.is_of(target));
        let stands = history.standing(cx, entry).await.is_ok_and(|standing| standing != Standing::Failed);
        if let Some(at) = entry.made().filter(|_| is_ours && stands) {
            newest = Some(newest.map_or(at, |known| known.max(at)));
        }
    }
    match newest {
        Some(at) => (at.min(now), "the record".to_owned()),
        None => (now, "now: there is no record of it, and what happened before is not seen".to_owned()),
    }
}

/// What served before: as it was captured, else as the record says.
fn previous(one: &OfFunction, history: Option<&History>) -> Option<Version> {
    let ours = one.watched.version;
    let of = |target: &Target| target.previous.as_ref().and_then(|previous| previous.version);
    let recorded = || {
        let target = history?.at_newest(&one.place)?.payload.target(&one.place)?;
        (target.version == Some(ours)).then(|| of(target)).flatten()
    };
    one.captured.as_ref().and_then(of).or_else(recorded).filter(|version| *version != ours)
}
