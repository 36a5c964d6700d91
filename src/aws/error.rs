//! What AWS answers when it does not do what was asked, as one type for all services.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use http::HeaderMap;
use thiserror::Error;

use crate::calls::{Again, ServiceError, innermost};
use crate::net::retry_after::retry_after;
use crate::text::{Foreign, LONGEST, message, message_str};

/// A refused or failed call to AWS.
#[derive(Clone, Debug, Error)]
#[error("{operation}: {}", self.full_message())]
pub struct AwsError {
    /// The IAM action of the call, e.g. `lambda:UpdateAlias`.
    pub operation: &'static str,
    /// What kind of refusal it is.
    pub kind: Kind,
    /// AWS's code, e.g. `ResourceNotFoundException`; empty when there was no answer.
    pub code: String,
    /// AWS's words, or those of the connection.
    pub message: Foreign,
    /// The word that Lambda gives for it beside the message, e.g. `CallerRateLimitExceeded`.
    pub reason: Option<String>,
    /// AWS's name of the request, for its support.
    pub request_id: Option<String>,
}

/// What a service says when it refuses a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused {
    /// Its code.
    pub(super) code: String,
    /// Its words.
    pub(super) message: String,
}

/// Kinds of refusals, as far as code branches on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A permission is missing.
    Denied,
    /// There are no credentials, or they are wrong or expired.
    Credentials,
    /// The clocks of this machine and of AWS differ too much for a signature to be good.
    Clock,
    /// The thing does not exist.
    NotFound,
    /// Something is going on that excludes the call: 409.
    Conflict,
    /// The thing was changed since it was read: 412.
    Precondition,
    /// Too many calls; the pause is what AWS asked for.
    Throttled(Option<Duration>),
    /// The call itself is wrong.
    Invalid,
    /// What was handed over was judged, and is not what the account's rules ask for: no signature that they accept.
    Unsigned,
    /// No answer in time: whether it was applied is unknown.
    TimedOut,
    /// No usable answer: whether it was applied is unknown.
    Broken,
}

impl AwsError {
    /// Reads an error of the SDK. `operation` is the IAM action.
    pub fn new<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let answer = error.raw_response();
        let status = answer.map(|answer| answer.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let asked = answer
            .and_then(|answer| answer.headers().get("retry-after"))
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
        let message = error.message().map_or_else(|| without_answer(error), str::to_owned);
        Self {
            operation,
            kind: if is_clock(&code, &message) { Kind::Clock } else { kind(error, &code, status, asked) },
            code,
            message: Foreign::new(message),
            reason: answer.and_then(reason),
            request_id: answer
                .and_then(|answer| answer.headers().get("x-amzn-requestid"))
                .map(str::to_owned)
                .or_else(|| error.request_id().map(str::to_owned)),
        }
    }

    /// A refusal that came as an answer to a request of ours.
    pub(super) fn answered(operation: &'static str, status: u16, refused: Refused, headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let asked = header("retry-after").and_then(|value| retry_after(value, header("date")));
        let Refused { code, message } = refused;
        let kind = match by_code(&code, asked) {
            _ if is_clock(&code, &message) => Kind::Clock,
            Some(kind) => kind,
            None => by_status(status, asked),
        };
        let request_id = header("x-amzn-requestid").map(str::to_owned);
        Self { operation, kind, code, message: Foreign::new(message), reason: None, request_id }
    }

    /// A request of ours that was not answered, or whose answer cannot be read.
    pub(crate) fn unanswered(operation: &'static str, kind: Kind, message: impl Into<String>) -> Self {
        Self { operation, kind, code: String::new(), message: Foreign::new(message), reason: None, request_id: None }
    }

    /// The message, with the reason where there is one.
    #[must_use]
    pub fn message_with_reason(&self) -> String {
        let reason = self.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}{reason}", self.message.for_message(LONGEST))
    }

    fn full_message(&self) -> String {
        let request = self.request_id.as_deref().map(|id| format!(" (request {id})")).unwrap_or_default();
        match self.code.as_str() {
            "" => format!("{}{request}", self.message_with_reason()),
            code => format!("{code}: {}{request}", self.message_with_reason()),
        }
    }
}

impl ServiceError for AwsError {
    fn again(&self) -> Again {
        match self.kind {
            Kind::Throttled(asked) => Again::TurnedAway(asked),
            // The SDK's client has learned AWS's time from this answer, and signs with it from now on.
            Kind::Clock => Again::TurnedAway(None),
            Kind::TimedOut | Kind::Broken => Again::Broken,
            _ => Again::No,
        }
    }

    fn advice(&self) -> Vec<String> {
        let advice = match self.kind {
            Kind::Denied => {
                let (action, resource) = denied(self.message.raw());
                let action = action.unwrap_or_else(|| self.operation.to_owned());
                let resource = resource.map(|on| format!(" on {on}")).unwrap_or_default();
                Some(message!("missing-aws-permission", "allow {action}{resource} to the role of this job (docs/permissions.md has the policy of each step)"))
            }
            Kind::Credentials if self.code.starts_with("ExpiredToken") => Some(
                message_str!("credentials-expired", "the AWS credentials expired during the job: take them right before this step, or for longer (`role-duration-seconds` of \
                 aws-actions/configure-aws-credentials), or set `role-to-assume` without any at hand, which renews them every `role-duration`")
                    .to_owned(),
            ),
            Kind::Clock => Some(message_str!("clock-differs", "set the runner's clock, which differs from AWS's: let NTP keep it (`timedatectl`, chrony)").to_owned()),
            Kind::Credentials => Some(
                message_str!("aws-credentials-refused", "the AWS credentials are not accepted: take new ones just before this step, or set `role-to-assume`, which renews them")
                    .to_owned(),
            ),
            Kind::Throttled(_) if self.reason.as_deref() == Some(RESERVED) => Some(
                "the reserved concurrency of the function is used up, or it is 0, which switches the function off: raise it, or take it away \
                 (`aws lambda delete-function-concurrency`)"
                    .to_owned(),
            ),
            Kind::Throttled(_) => Some(message_str!("aws-throttled", "AWS throttled the calls: run the step again, or ask for a higher quota").to_owned()),
            Kind::TimedOut | Kind::Broken => Some("AWS did not answer: run the step again, which is safe; check the network of the runner if it stays so".to_owned()),
            Kind::Unsigned => Some(
                "sign the archive with AWS Signer, by a profile that the function's code signing configuration allows, and give the signed \
                 object: `zip: s3://bucket/key` (https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html)"
                    .to_owned(),
            ),
            Kind::NotFound | Kind::Conflict | Kind::Precondition | Kind::Invalid => None,
        };
        advice.into_iter().collect()
    }
}

/// The refusal of AWS in an error, whatever context was put around it.
#[must_use]
pub fn refusal(error: &anyhow::Error) -> Option<&AwsError> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// True when AWS says that the credentials may not do something.
#[must_use]
pub fn is_denied(error: &anyhow::Error) -> bool {
    refusal(error).is_some_and(|refusal| refusal.kind == Kind::Denied)
}

/// What AWS says is missing: "User: .. is not authorized to perform: lambda:UpdateAlias on resource: arn:.. because ..".
#[must_use]
pub fn denied(message: &str) -> (Option<String>, Option<String>) {
    let after = |mark: &str| {
        let rest = message.split_once(mark)?.1;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_end_matches([',', '.']).to_owned())
    };
    (after("perform: "), after("on resource: "))
}

/// The reason why Lambda turned an invocation away when the function's own limit is reached, 0 among them.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
const RESERVED: &str = "ReservedFunctionConcurrentInvocationLimitExceeded";

/// The member `Reason` of a refusal, a word that Lambda gives beside its message.
fn reason(answer: &HttpResponse) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(answer.body().bytes()?).ok()?;
    let word = body.get("Reason")?.as_str()?;
    word.chars().all(|letter| letter.is_ascii_alphanumeric()).then(|| word.to_owned())
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>
fn is_clock(code: &str, message: &str) -> bool {
    match code {
        "RequestTimeTooSkewed" => true,
        "InvalidSignatureException" | "InvalidSignature" | "SignatureDoesNotMatch" => {
            message.starts_with("Signature expired") || message.starts_with("Signature not yet current")
        }
        _ => false,
    }
}

fn kind<E>(error: &SdkError<E, HttpResponse>, code: &str, status: Option<u16>, asked: Option<Duration>) -> Kind {
    by_code(code, asked).unwrap_or_else(|| match (error, status) {
        (SdkError::ConstructionFailure(_), _) => Kind::Invalid,
        (SdkError::DispatchFailure(failure), _) if failure.as_connector_error().is_none_or(ConnectorError::is_user) => {
            Kind::Credentials
        }
        (SdkError::TimeoutError(_), _) => Kind::TimedOut,
        (SdkError::DispatchFailure(_), _) | (_, None) => Kind::Broken,
        (_, Some(status)) => by_status(status, asked),
    })
}

/// What the code of a refusal says by itself.
fn by_code(code: &str, asked: Option<Duration>) -> Option<Kind> {
    Some(match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Kind::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId" => Kind::Credentials,
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "SlowDown"
        | "LimitExceededException" => Kind::Throttled(asked),
        "PreconditionFailedException" | "PreconditionFailed" => Kind::Precondition,
        // ECR, ECS, logs, builds and load balancers say so with 400.
        "ResourceNotFoundException"
        | "ImageNotFoundException"
        | "RepositoryNotFoundException"
        | "RepositoryPolicyNotFoundException"
        | "ClusterNotFoundException"
        | "ServiceNotFoundException"
        | "ServiceDeploymentNotFoundException"
        | "RuleNotFound"
        | "TargetGroupNotFound" => Kind::NotFound,
        "ConflictException" => Kind::Conflict,
        "CodeVerificationFailedException" | "InvalidCodeSignatureException" => Kind::Unsigned,
        _ => return None,
    })
}

fn by_status(status: u16, asked: Option<Duration>) -> Kind {
    match status {
        401 | 403 => Kind::Denied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        412 => Kind::Precondition,
        429 => Kind::Throttled(asked),
        // A redirection is S3's refusal of a bucket that is in another region.
        300..=499 => Kind::Invalid,
        _ => Kind::Broken,
    }
}

/// The words of the innermost cause: the outer ones say only "dispatch failure".
fn without_answer<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    let kind = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(failure) if failure.as_connector_error().is_none_or(ConnectorError::is_user) => {
            "could not be signed"
        }
        SdkError::DispatchFailure(_) => "could not be sent or was cut off",
        SdkError::ResponseError(_) => "the answer could not be read",
        // An answer to HEAD has no body; what the SDK says of it is the empty answer.
        SdkError::ServiceError(answer) if answer.raw().status().is_success() => "the answer could not be read",
        SdkError::ServiceError(_) => return "refused without a message".to_owned(),
        _ => "could not be built",
    };
    match std::error::Error::source(error) {
        Some(cause) => format!("{kind}: {}", innermost(cause)),
        None => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_a_word_of_its_own() {
        let refused = |message: &str, reason: Option<&str>| AwsError {
            operation: "lambda:InvokeFunction",
            kind: Kind::Throttled(None),
            code: "TooManyRequestsException".to_owned(),
            message: Foreign::new(message),
            reason: reason.map(str::to_owned),
            request_id: None,
        };
        let other = format!("Other{RESERVED}");
        let table = [
            (refused("Rate Exceeded.", Some(RESERVED)), true),
            (refused("Rate Exceeded.", Some(&other)), false),
            (refused("Rate Exceeded.", None), false),
            (refused(RESERVED, Some("CallerRateLimitExceeded")), false),
        ];
        for (error, reserved) in table {
            assert_eq!(error.advice()[0].starts_with("the reserved concurrency"), reserved, "{error}");
        }
        let full_message = refused("Rate Exceeded.", Some(RESERVED)).to_string();
        assert_eq!(
            full_message,
            format!("lambda:InvokeFunction: TooManyRequestsException: Rate Exceeded. ({RESERVED})")
        );
    }
}
