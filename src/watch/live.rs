//! The watch's source: AWS and the web.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, Result};
use time::OffsetDateTime;

use super::source::{Probed, Sampled, Source};
use crate::aws::cloudwatch::{Alarm, CloudWatch, Metric, Series, Stretch};
use crate::aws::logs::{LogClass, LogEvent, LogPage, LogQuery, Logs};
use crate::calls::Calls;
use crate::health::event::EventKind;
use crate::health::{Address, Asked};
use crate::lambda::{Alias, AliasName, Call, FunctionName, Lambda, TenantId, Version};
use crate::net::Clock;
use crate::smoke::Case;

/// One question may take this long, its repetitions included: the next look asks again.
const ONE_QUESTION: Duration = Duration::from_secs(20);

/// AWS and the web.
#[derive(Debug)]
pub struct Live {
    /// The time by AWS's clock.
    pub clock: Clock,
    /// How everything is called.
    pub calls: Calls,
    /// AWS, where there is something to ask it.
    pub aws: Option<OfAws>,
    /// Addresses that are asked.
    pub addresses: Vec<Address>,
    /// Another system that must show the release.
    pub probe: Option<Address>,
    /// What the functions are invoked with, for a sample.
    pub samples: Vec<Samples>,
}

/// The clients of AWS.
#[derive(Clone, Debug)]
pub struct OfAws {
    /// Lambda.
    pub lambda: Lambda,
    /// Metrics and alarms.
    pub cloudwatch: CloudWatch,
    /// Logs.
    pub logs: Logs,
}

/// What a function is invoked with.
#[derive(Debug)]
pub struct Samples {
    /// The function.
    pub function: FunctionName,
    /// The alias through which it is invoked.
    pub alias: AliasName,
    /// The version whose answers are judged.
    pub version: Version,
    /// What is sent, in turn, and what must be answered.
    pub cases: Vec<Case>,
    /// What kind of event it expects, where a case does not say.
    pub event: EventKind,
    /// How long it may take.
    pub limit: Duration,
    /// The tenant it is for.
    pub tenant: Option<TenantId>,
    /// Whether it is a durable function.
    pub durable: bool,
    /// How many were sent.
    pub sent: Cell<usize>,
}

impl Live {
    fn question(&self) -> Calls {
        self.calls.until(self.calls.deadline.at_most(ONE_QUESTION))
    }

    fn aws(&self) -> Result<&OfAws> {
        self.aws.as_ref().context("AWS was not to be asked anything: this is a bug, please report it")
    }

    fn lambda(&self) -> Result<Lambda> {
        Ok(self.aws()?.lambda.with_calls(self.question()))
    }

    fn cloudwatch(&self) -> Result<CloudWatch> {
        Ok(self.aws()?.cloudwatch.with_calls(self.question()))
    }

    fn logs(&self) -> Result<Logs> {
        Ok(self.aws()?.logs.with_calls(self.question()))
    }
}

impl Source for Live {
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn alias(&self, function: &FunctionName, alias: &AliasName) -> Result<Option<Alias>> {
        self.lambda()?.alias(function, alias).await
    }

    async fn metrics(&self, metrics: &[Metric], span: Stretch) -> Result<Vec<Series>> {
        self.cloudwatch()?.metrics(metrics, span).await
    }

    async fn log_class(&self, group: &str) -> Result<Option<LogClass>> {
        self.logs()?.class(group).await
    }

    async fn log_page(&self, query: &LogQuery, next: Option<&str>) -> Result<LogPage> {
        self.logs()?.page(query, next).await
    }

    async fn insights(&self, query: &LogQuery) -> Result<Vec<LogEvent>> {
        self.logs()?.insights(query).await
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>> {
        self.cloudwatch()?.alarms(names).await
    }

    async fn mutes(&self, alarm: &str) -> Result<Vec<String>> {
        self.cloudwatch()?.mutes(alarm).await
    }

    async fn contributors(&self, alarm: &str) -> Result<Vec<String>> {
        self.cloudwatch()?.contributors(alarm).await
    }

    async fn ask(&self, place: usize) -> Result<Option<String>> {
        let Some(address) = self.addresses.get(place) else { return Ok(None) };
        Ok(match address.ask(&self.calls.deadline).await? {
            Asked::Good => None,
            Asked::Otherwise(problem) | Asked::Refused(problem) => Some(problem),
        })
    }

    async fn probe(&self) -> Result<Probed> {
        let Some(probe) = &self.probe else { return Ok(Probed::Shown) };
        Ok(match probe.ask(&self.calls.deadline).await? {
            Asked::Good => Probed::Shown,
            Asked::Otherwise(problem) => Probed::NotYet(problem),
            Asked::Refused(problem) => Probed::Refused(problem),
        })
    }

    async fn invoke(&self, function: usize) -> Result<Sampled> {
        let Some(samples) = self.samples.get(function) else { return Ok(Sampled::Good) };
        let turn = samples.sent.replace(samples.sent.get() + 1);
        let Some(case) = samples.cases.get(turn % samples.cases.len().max(1)) else { return Ok(Sampled::Good) };
        let payload = case.payload(samples.event);
        let call = Call {
            function: &samples.function,
            qualifier: samples.alias.as_str(),
            payload: &payload,
            limit: samples.limit,
            tenant: samples.tenant.as_ref(),
            durable: samples.durable,
        };
        let invocation = self.aws()?.lambda.with_calls(self.calls.clone()).invoke(call).await?;
        if invocation.executed.is_some_and(|executed| executed != samples.version) {
            return Ok(Sampled::ByAnother);
        }
        Ok(case.problem(samples.event, &invocation).map_or(Sampled::Good, Sampled::Bad))
    }
}
