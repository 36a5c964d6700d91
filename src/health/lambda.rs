//! Asking a function: an invocation through its alias.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::Result;

use super::event::{EventKind, Request};
use super::expectation::Answer;
use super::inputs::HealthInputs;
use super::model::Target;
use super::run::Attempt;
use super::values::{Headers, UrlPath};
use crate::aws::{Kind, refusal};
use crate::calls::deadline::Ended;
use crate::lambda::{Call, Function, Invocation, LONGEST_INVOCATION, Lambda, Qualifier, Reply, TenantId};
use crate::net::failure::Class;
use crate::net::failure::Fault;
use crate::outcome::Outcome;
use crate::text::{self, Foreign, message};

/// Added to a function's own timeout: a cold start, and the way there and back.
pub const MARGIN: Duration = Duration::from_secs(15);
/// One alias and the event it is invoked with.
#[derive(Debug)]
pub(super) struct LambdaProbe<'a> {
    lambda: &'a Lambda,
    target: &'a Target,
    kind: EventKind,
    payload: Vec<u8>,
    /// The tenant it is invoked for.
    pub(super) tenant: Option<&'a TenantId>,
    durable: bool,
    /// How long an invocation may take.
    pub(super) limit: Duration,
    log: RefCell<Foreign>,
}

impl<'a> LambdaProbe<'a> {
    /// Reads how the function is to be invoked, and how long it may take; without the permission to, the longest there is.
    ///
    /// # Errors
    /// It is to be invoked for a tenant, and none is given.
    pub(super) async fn new(lambda: &'a Lambda, target: &'a Target, inputs: &'a HealthInputs) -> Result<Self, Outcome> {
        let serving = match &target.alias {
            Qualifier::Alias(alias) => lambda.alias(&target.function, alias).await.ok().flatten(),
            Qualifier::Latest => None,
        };
        let version = serving.and_then(|alias| alias.version);
        let function = lambda.function(&target.function, version).await.ok();
        let given = inputs.tenant_id.as_ref();
        let tenant = match &function {
            Some(function) => function.tenant(given).map_err(Outcome::bad_input)?,
            None => given,
        };
        let limit = function.as_ref().map_or(LONGEST_INVOCATION, Function::invocation_limit);
        Ok(Self {
            lambda,
            target,
            kind: inputs.event_kind(),
            payload: payload(inputs),
            tenant,
            durable: function.is_some_and(|function| function.durable.is_some()),
            limit: limit + MARGIN,
            log: RefCell::default(),
        })
    }

    /// The end of the log of the last invocation.
    pub(super) fn log(&self) -> Foreign {
        self.log.borrow().clone()
    }

    /// Invokes once. The outer error ends the check: it would be the same each time.
    pub(super) async fn ask(&self) -> Result<Attempt> {
        let Target { function, alias } = self.target;
        let call = Call {
            function,
            qualifier: alias.as_str(),
            payload: &self.payload,
            limit: self.limit,
            tenant: self.tenant,
            durable: self.durable,
        };
        match self.lambda.invoke(call).await {
            Ok(invocation) => {
                self.log.replace(invocation.log.clone());
                Ok(read(self.kind, &invocation))
            }
            Err(error) => of_call(error).map(Err).map_err(|error| self.explain(error)),
        }
    }
}

impl LambdaProbe<'_> {
    /// Lambda says "Function not found" of a missing alias, too.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let Target { function, alias } = self.target;
        if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::NotFound) {
            return error.context(format!(
                "function {function} or its alias {alias} does not exist in this account and region: check `function`, \
                 `alias` and `aws-region`"
            ));
        }
        error
    }
}

/// The event: the payload as given, else a request for the path.
fn payload(inputs: &HealthInputs) -> Vec<u8> {
    if let Some(payload) = &inputs.payload {
        return payload.0.clone().into_bytes();
    }
    let path = inputs.path.clone().unwrap_or_else(UrlPath::health);
    let headers = inputs.asking.headers.iter().flat_map(Headers::iter);
    let request = Request {
        method: inputs.asking.method.0.as_str(),
        path: &path,
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: inputs.asking.body.as_ref().map(|body| body.0.as_str()),
    };
    inputs.event_kind().event(&request).to_string().into_bytes()
}

/// What an invocation brought: the function's answer, or its failure.
fn read(kind: EventKind, invocation: &Invocation) -> Result<Answer, Fault> {
    match &invocation.reply {
        Reply::Returned(returned) => answer(kind, returned, invocation),
        Reply::Failed(error) => {
            let timed_out = error.message.raw().contains("Task timed out");
            let class = if timed_out { Class::Timeout } else { Class::Status };
            Err(Fault::new(class, message!("function-failed", "the function failed: {error}")))
        }
    }
}

fn answer(kind: EventKind, returned: &[u8], invocation: &Invocation) -> Result<Answer, Fault> {
    kind.answer(returned, invocation.took, invocation.executed).map_err(|problem| Fault::new(Class::Status, problem))
}

/// A call that AWS did not carry out: what may pass is a fault of this attempt, all else ends the check.
fn of_call(error: anyhow::Error) -> Result<Fault> {
    if Ended::by_deadline(&error) {
        return Ok(Fault::new(Class::Timeout, "no answer when the deadline passed"));
    }
    let Some(refusal) = refusal(&error) else { return Err(error) };
    match refusal.kind {
        Kind::Throttled(_) => Ok(Fault::new(Class::Status, format!("throttled: {}", refusal.message_with_reason()))),
        Kind::TimedOut => Ok(Fault::new(Class::Timeout, refusal.message.for_message(text::LONGEST))),
        Kind::Broken if refusal.code.is_empty() => {
            Ok(Fault::new(Class::Connect, refusal.message.for_message(text::LONGEST)))
        }
        Kind::Broken | Kind::Conflict => Ok(Fault::new(Class::Status, refusal.to_string())),
        _ => Err(error),
    }
}
