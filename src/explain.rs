//! From a chain of errors to one explanation: what happened, on what, and what to do about it.

use std::error::Error;

use crate::aws::{AwsError, Kind, NoCredentials, refusal};
use crate::calls::deadline::Deadline;
use crate::calls::{Ended, ServiceError, error_line};
use crate::github::GithubError;
use crate::outcome::{Outcome, Step, Stop};

/// An error in the words of its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, in one line.
    pub reason: String,
    /// What to do, one item each.
    pub advice: Vec<String>,
}

/// Explains an error.
#[must_use]
pub fn explain(error: &anyhow::Error) -> Explanation {
    let advice = error.chain().flat_map(|cause| {
        advice_of::<AwsError>(cause)
            .or_else(|| advice_of::<GithubError>(cause))
            .or_else(|| advice_of::<NoCredentials>(cause))
            .or_else(|| advice_of_deadline(cause))
            .unwrap_or_default()
    });
    Explanation { reason: error_line(error), advice: advice.collect() }
}

/// An error as the end of a step: what could not be determined or done, and what to do about it. AWS's judgement of what it was handed is no
/// error, but a failure.
#[must_use]
pub fn error_outcome(error: &anyhow::Error) -> Outcome {
    let Explanation { reason, advice } = explain(error);
    let is_judged = refusal(error).is_some_and(|refusal| refusal.kind == Kind::Unsigned);
    let outcome = if is_judged { Outcome::fail(reason) } else { Outcome::error(reason) };
    Outcome { advice, ..outcome }
}

/// How one part of a step failed, for a step that goes on with its other parts.
///
/// # Errors
/// The step was cancelled: then it ends with this error.
pub fn failure(deadline: &Deadline, stop: impl Into<Stop>) -> Step<Outcome> {
    match stop.into() {
        Stop::Ended(outcome) => Ok(outcome),
        Stop::Error(error) if deadline.is_cancelled() => Err(Stop::Error(error)),
        Stop::Error(error) => Ok(error_outcome(&error)),
    }
}

fn advice_of<E: ServiceError>(cause: &(dyn Error + 'static)) -> Option<Vec<String>> {
    cause.downcast_ref::<E>().map(ServiceError::advice)
}

fn advice_of_deadline(cause: &(dyn Error + 'static)) -> Option<Vec<String>> {
    let advice = "raise the input `timeout` if this takes longer than expected here; running the step again is safe";
    (cause.downcast_ref() == Some(&Ended::Deadline)).then(|| vec![advice.to_owned()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};
    use crate::text::Foreign;
    use anyhow::Context as _;

    fn denied_error() -> AwsError {
        AwsError {
            operation: "lambda:UpdateAlias",
            kind: Kind::Denied,
            code: "AccessDeniedException".to_owned(),
            message: Foreign::new(
                "User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform: lambda:UpdateAlias on \
                      resource: arn:aws:lambda:eu-west-1:111122223333:function:api because no identity-based policy allows it",
            ),
            reason: None,
            request_id: None,
        }
    }

    #[test]
    fn a_missing_permission_is_named_with_its_resource() {
        let error = Err::<(), _>(denied_error()).context("move alias live of api to version 42").unwrap_err();
        let explanation = explain(&error);
        assert!(
            explanation.reason.starts_with("move alias live of api to version 42: lambda:UpdateAlias: AccessDenied")
        );
        assert_eq!(explanation.advice.len(), 1);
        assert!(
            explanation.advice[0].starts_with(
                "allow lambda:UpdateAlias on arn:aws:lambda:eu-west-1:111122223333:function:api to the role"
            )
        );
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_message_of_aws_is_explained(message in foreign()) {
            let message = format!("x is not authorized to perform: {message} on resource: {message}");
            let error = anyhow::Error::new(AwsError { message: Foreign::new(message), ..denied_error() });
            let explanation = explain(&error);
            prop_assert!(!explanation.reason.is_empty());
        }
    }
}
