//! How Lambda keeps the package of a function.

use aws_sdk_lambda::types::FunctionCodeLocation;

/// How Lambda keeps a zip archive: what `UpdateFunctionCode` sets back when it is not sent.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The customer's key that it is encrypted with.
    pub key: Option<String>,
    /// Where it lies in the customer's bucket, if Lambda keeps no copy of its own.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-self-managed-storage.html>
    pub object: Option<StoredObject>,
    /// Why AWS cannot get at it.
    pub error: Option<String>,
}

/// An object in S3 that Lambda runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The bucket.
    pub bucket: String,
    /// The object.
    pub key: String,
    /// The object's version.
    pub version: Option<String>,
}

impl Storage {
    /// This, and what another has where this has nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            key: self.key.clone().or_else(|| other.key.clone()),
            object: self.object.clone().or_else(|| other.object.clone()),
            error: self.error.clone(),
        }
    }

    pub(super) fn of(code: &FunctionCodeLocation) -> Self {
        let object = code.resolved_s3_object().and_then(|object| {
            Some(StoredObject {
                bucket: object.s3_bucket()?.to_owned(),
                key: object.s3_key()?.to_owned(),
                version: object.s3_object_version().map(str::to_owned),
            })
        });
        let error = code.error().map(|error| {
            let of = [error.error_code(), error.message()];
            of.into_iter().flatten().collect::<Vec<_>>().join(": ")
        });
        Self { key: code.source_kms_key_arn().filter(|key| !key.is_empty()).map(str::to_owned), object, error }
    }
}
