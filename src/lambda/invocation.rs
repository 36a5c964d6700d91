//! One invocation and what came back.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use serde_json::Value;

use super::client::Lambda;
use super::names::{FunctionName, TenantId, Version};
use crate::aws::{AwsError, Kind};
use crate::calls::{self, Again, ServiceError};
use crate::net;
use crate::text::{Foreign, LONGEST, secrets};

/// Refusals after which the function cannot have run: it, its network or its snapshot is not ready yet.
const NOT_RUN: [&str; 6] = [
    "ResourceNotReadyException",
    "SnapStartNotReadyException",
    "EC2ThrottledException",
    "ENINotReadyException",
    "EniNotReadyException",
    "CodeArtifactUserPendingException",
];

/// True for the refusal of a function that is not ready: it did not run, and may be invoked again.
#[must_use]
pub fn was_not_run(error: &anyhow::Error) -> bool {
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<AwsError>());
    refused.is_some_and(|refusal| refusal.kind == Kind::Conflict || NOT_RUN.contains(&refusal.code.as_str()))
}

/// True when AWS answered that it runs nothing: not when there was no answer, after which it may have run.
fn was_refused(error: &anyhow::Error) -> bool {
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<AwsError>());
    refused.is_some_and(|refusal| !matches!(refusal.kind, Kind::TimedOut | Kind::Broken))
}

/// What is invoked, and how.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The function.
    pub function: &'a FunctionName,
    /// A version, an alias, or `$LATEST`.
    pub qualifier: &'a str,
    /// The event, as JSON.
    pub payload: &'a [u8],
    /// How long it may take.
    pub limit: Duration,
    /// The tenant it is for.
    pub tenant: Option<&'a TenantId>,
    /// True for a durable function: its execution gets a name, by which [`Lambda::stop_executions`] finds it.
    pub durable: bool,
}

/// An invocation that was answered.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The answer, or the error the function ended with.
    pub reply: Reply,
    /// The version that ran.
    pub executed: Option<Version>,
    /// The last 4 KiB of its log.
    pub log: Foreign,
    /// From sending to the whole answer.
    pub took: Duration,
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It returned this, JSON as a rule: a function that streams its response may return any bytes.
    Returned(Vec<u8>),
    /// It failed.
    Failed(FunctionError),
}

/// The error that a function ended with, as the runtime reports it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionError {
    /// E.g. `Runtime.ImportModuleError`, or the exception's class.
    pub kind: Foreign,
    /// The message.
    pub message: Foreign,
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.kind.is_empty() {
            write!(f, "{}: ", self.kind.for_message(LONGEST))?;
        }
        f.write_str(&self.message.for_message(LONGEST))
    }
}

/// A refused invocation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(#[source] AwsError);

impl ServiceError for Refused {
    fn again(&self) -> Again {
        match &self.0 {
            refusal if NOT_RUN.contains(&refusal.code.as_str()) => Again::TurnedAway(None),
            refusal if refusal.kind == Kind::Conflict => Again::TurnedAway(None),
            refusal => refusal.again(),
        }
    }
}

impl Lambda {
    /// Invokes a version or an alias and waits for its answer. Only sent again when it cannot have run.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    pub async fn invoke(&self, call: Call<'_>) -> Result<Invocation> {
        let Call { function, qualifier, payload, limit, tenant, durable } = call;
        let execution = durable.then(|| self.new_execution(function));
        let what = format!("invoke {function}:{qualifier}");
        let times = TimeoutConfig::builder().connect_timeout(net::CONNECT).operation_attempt_timeout(limit).build();
        let mut began = Instant::now();
        let answer = self.calls.ask(&what, calls::Kind::Once, || {
            began = Instant::now();
            let call = self
                .client
                .invoke()
                .function_name(function.as_str())
                .qualifier(qualifier)
                .invocation_type(InvocationType::RequestResponse)
                .log_type(LogType::Tail)
                .payload(Blob::new(payload))
                .set_tenant_id(tenant.map(ToString::to_string))
                .set_durable_execution_name(execution.clone())
                .customize()
                .config_override(aws_sdk_lambda::config::Builder::new().timeout_config(times.clone()));
            async { call.send().await.map_err(|error| Refused(AwsError::new("lambda:InvokeFunction", &error))) }
        });
        let answer = answer.await.context(what);
        if let (Some(execution), true) = (&execution, answer.as_ref().is_err_and(was_refused)) {
            self.forget_execution(execution);
        }
        let answer = answer?;
        let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
        let reply = match answer.function_error() {
            Some(_) => failure_of(payload),
            None => Reply::Returned(payload.to_vec()),
        };
        let log = answer.log_result().and_then(|log| base64::engine::general_purpose::STANDARD.decode(log).ok());
        Ok(Invocation {
            reply,
            executed: answer.executed_version().and_then(|version| version.parse().ok()),
            log: log.map(|bytes| end_of_log(&bytes)).unwrap_or_default(),
            took: began.elapsed(),
        })
    }
}

/// The error as the runtime tells it; what is no such object is the message.
fn failure_of(payload: &[u8]) -> Reply {
    let error: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = text("errorMessage");
    let message = message.unwrap_or_else(|| {
        if error.is_object() { String::new() } else { String::from_utf8_lossy(payload).into_owned() }
    });
    Reply::Failed(FunctionError {
        kind: Foreign::new(text("errorType").unwrap_or_default()),
        message: Foreign::new(message),
    })
}

/// AWS sends the last 4 KiB of a log, wherever that begins.
fn end_of_log(bytes: &[u8]) -> Foreign {
    let whole = if bytes.len() < 4096 { bytes } else { secrets::without_torn_beginning(bytes) };
    Foreign::from_bytes(whole)
}
