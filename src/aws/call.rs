//! Calls of AWS's clients: each error is read here, once, and named by the IAM action of its call.

use anyhow::Result;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::error::{AwsError, Kind, refusal};
use crate::calls::{self, Calls};

impl Calls {
    /// A read of AWS. It is called by its IAM action, e.g. `lambda:GetAlias`.
    pub async fn aws<T, E, F>(&self, action: &'static str, mut call: impl FnMut() -> F) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.read(action, || name_error(action, call())).await
    }

    /// A write to AWS, called `what` in the report.
    pub async fn aws_write<T, E, F>(
        &self,
        what: &str,
        kind: calls::Kind,
        action: &'static str,
        mut call: impl FnMut() -> F,
    ) -> Result<T>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.write(what, kind, || name_error(action, call())).await
    }
}

async fn name_error<T, E>(
    action: &'static str,
    answer: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    answer.await.map_err(|error| AwsError::new(action, &error))
}

/// The answer, or `None` where there is no such thing.
///
/// # Errors
/// All other errors.
pub fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
