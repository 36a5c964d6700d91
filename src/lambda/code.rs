//! Code: how Lambda names it, putting it into `$LATEST`, and fetching what a version holds.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, ensure};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::S3ObjectStorageMode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::client::Lambda;
use super::function::Function;
use super::names::{FunctionName, Version};
use super::storage::StoredObject;
use crate::aws::{AwsError, Kind, refusal};
use crate::calls;
use crate::lambda::package::LARGEST_UPLOAD;
use crate::net;
use crate::net::download::download;

/// Where `UpdateFunctionCode` takes the code from.
#[derive(Clone, Debug)]
pub enum Code {
    /// The bytes of a zip archive.
    Zip(Vec<u8>),
    /// A zip archive in S3; its version pins it in a versioned bucket.
    S3(StoredObject),
    /// An image, `<host>/<repository>@sha256:..`.
    Image(String),
}

impl Code {
    /// True when Lambda is to run it from the bucket, as it does what the function holds. It takes an object with a version for that.
    #[must_use]
    pub fn stays_in_s3(&self, function: &Function) -> bool {
        function.storage.object.is_some() && matches!(self, Self::S3(object) if object.version.is_some())
    }
}

/// What Lambda says of code it was given.
#[derive(Clone, Debug)]
pub struct CodeUpdate {
    /// SHA-256 of that code.
    pub code_sha256: String,
    /// The function's revision after it.
    pub revision: String,
}

impl Lambda {
    /// Puts code into `$LATEST`, if nobody updated the function since it was read.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html>
    pub async fn update_code(&self, function: &Function, code: &Code) -> Result<CodeUpdate> {
        let what = Self::updating(&function.name);
        let answer = self.calls.write(&what, calls::Kind::Once, async || self.send_code(function, code, false).await);
        answer.await.map_err(|error| add_signer(error, function))
    }

    /// What [`update_code`](Self::update_code) is called in the report.
    #[must_use]
    pub fn updating(function: &FunctionName) -> String {
        format!("update the code of function {function}")
    }

    /// Has Lambda look at code without using it: the hash it would have.
    pub async fn try_code(&self, function: &Function, code: &Code) -> Result<CodeUpdate> {
        self.calls
            .read("lambda:UpdateFunctionCode", async || self.send_code(function, code, true).await)
            .await
            .map_err(|error| add_signer(error, function))
            .with_context(|| format!("have Lambda check the code for function {}", function.name))
    }

    async fn send_code(&self, function: &Function, code: &Code, dry_run: bool) -> Result<CodeUpdate, AwsError> {
        let call = self
            .client
            .update_function_code()
            .function_name(function.name.as_str())
            .revision_id(&function.revision)
            .dry_run(dry_run);
        let size = if let Code::Zip(bytes) = code { bytes.len() as u64 } else { 0 };
        // What is not sent is set back: the customer's key, and the package in the customer's bucket.
        let call = match code {
            Code::Image(_) => call,
            Code::Zip(_) | Code::S3(_) => call.set_source_kms_key_arn(function.storage.key.clone()),
        };
        let call = match code.clone() {
            Code::Zip(bytes) => call.zip_file(Blob::new(bytes)),
            Code::S3(object) => {
                let mode = code.stays_in_s3(function).then_some(S3ObjectStorageMode::Reference);
                let call = call.s3_bucket(object.bucket).s3_key(object.key).set_s3_object_version(object.version);
                call.set_s3_object_storage_mode(mode)
            }
            Code::Image(uri) => call.image_uri(uri),
        };
        let times = TimeoutConfig::builder().connect_timeout(net::CONNECT).operation_attempt_timeout(upload_time(size));
        let settings = aws_sdk_lambda::config::Builder::new().timeout_config(times.build());
        let answer = call.customize().config_override(settings).send().await;
        let answer = answer.map_err(|error| AwsError::new("lambda:UpdateFunctionCode", &error))?;
        Ok(CodeUpdate {
            code_sha256: answer.code_sha256().unwrap_or_default().to_owned(),
            revision: answer.revision_id().unwrap_or_default().to_owned(),
        })
    }

    /// The zip archive of a published version, byte for byte as it was uploaded. AWS signs a URL for it.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html>
    pub async fn package(&self, name: &FunctionName, version: Version) -> Result<Vec<u8>> {
        let what = || format!("fetch the code of version {version} of function {name}");
        let described = self.describe(name, Some(version)).await?;
        let url =
            described.code().and_then(|code| code.location()).context("AWS says no place for it").with_context(what)?;
        let time = upload_time(LARGEST_UPLOAD);
        let bytes = download(&self.calls, url, LARGEST_UPLOAD, time).await.with_context(what)?;
        let hash = described.configuration().and_then(|described| described.code_sha256()).unwrap_or_default();
        let same = STANDARD.encode(Sha256::digest(&bytes)) == hash;
        ensure!(same, "{}: what came is not what its hash {hash} says", what());
        Ok(bytes)
    }
}

/// A refusal for the signature of code, with the profile that signed what the function holds.
fn add_signer(error: Error, function: &Function) -> Error {
    match &function.signed_by {
        Some(profile) if refusal(&error).is_some_and(|refusal| refusal.kind == Kind::Unsigned) => {
            error.context(format!("the code of {} was signed by profile {profile} until now", function.name))
        }
        _ => error,
    }
}

/// How long a call that carries code may take: half a minute, and what the bytes need at half a megabyte a second.
fn upload_time(bytes: u64) -> Duration {
    Duration::from_secs(30 + bytes / 500_000)
}
