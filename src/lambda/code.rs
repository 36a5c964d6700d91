//! Code: how Lambda names it, putting it into `$LATEST`, and fetching what a version holds.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::client::Lambda;
use super::function::{Function, Package};
use super::names::{FunctionName, Version};
use crate::aws::AwsError;
use crate::calls;
use crate::lambda::package::LARGEST_UPLOAD;
use crate::net;
use crate::net::download::download;
use crate::oci::Digest;

/// Where `UpdateFunctionCode` takes the code from.
#[derive(Clone, Debug)]
pub enum Code {
    /// The bytes of a zip archive.
    Zip(Vec<u8>),
    /// A zip archive in S3; the version pins it in a versioned bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// The object's version.
        version: Option<String>,
    },
    /// An image, `<host>/<repository>@sha256:..`.
    Image(String),
}

/// What Lambda says of code it was given.
#[derive(Clone, Debug)]
pub struct CodeUpdate {
    /// SHA-256 of that code.
    pub code_sha256: String,
    /// The function's revision after it.
    pub revision: String,
}

/// Names code as Lambda does in `CodeSha256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeId {
    /// An image by its digest.
    Image(Digest),
    /// A zip archive by its SHA-256, in base64.
    Zip(String),
}

impl CodeId {
    /// What a function or version holds; `None` when it does not say.
    #[must_use]
    pub fn of(function: &Function) -> Option<Self> {
        match &function.package {
            Package::Zip => Some(function.code_sha256.clone()).filter(|hash| !hash.is_empty()).map(Self::Zip),
            Package::Image(Some(digest)) => Some(Self::Image(digest.clone())),
            Package::Image(None) => format!("sha256:{}", function.code_sha256).parse().ok().map(Self::Image),
        }
    }

    /// The digest, of an image.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Image(digest) => Some(digest),
            Self::Zip(_) => None,
        }
    }

    /// The hash, of a zip archive.
    #[must_use]
    pub const fn sha256(&self) -> Option<&String> {
        match self {
            Self::Zip(sha256) => Some(sha256),
            Self::Image(_) => None,
        }
    }

    /// True when this is what a function or version holds.
    #[must_use]
    pub fn is_in(&self, function: &Function) -> bool {
        match self {
            Self::Image(digest) if function.code_sha256.is_empty() => function.digest() == Some(digest),
            _ => self.is(&function.code_sha256),
        }
    }

    /// True when Lambda means this code. The digest of an image has been seen in hexadecimal; AWS does not promise it, so
    /// base64 is understood as well.
    #[must_use]
    pub fn is(&self, code_sha256: &str) -> bool {
        match self {
            Self::Zip(sha256) => sha256 == code_sha256,
            Self::Image(digest) => digest.hex() == code_sha256 || in_base64(digest) == code_sha256,
        }
    }

    /// For people: `code XyZ=`, or the digest's beginning.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Image(digest) => digest.short().to_owned(),
            Self::Zip(sha256) => format!("code {sha256}"),
        }
    }
}

impl std::fmt::Display for CodeId {
    /// As [`shown`](Self::shown), with the whole digest.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(digest) => digest.fmt(f),
            Self::Zip(sha256) => write!(f, "code {sha256}"),
        }
    }
}

fn in_base64(digest: &Digest) -> String {
    let hex = digest.hex();
    let byte = |place: usize| hex.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).filter_map(byte).collect();
    STANDARD.encode(bytes)
}

impl Lambda {
    /// Puts code into `$LATEST`, if nobody updated the function since it was read.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html>
    pub async fn update_code(&self, function: &Function, code: &Code) -> Result<CodeUpdate> {
        let what = Self::updating(&function.name);
        self.calls.write(&what, calls::Kind::Once, async || self.send_code(function, code, false).await).await
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
        let call = match code.clone() {
            Code::Zip(bytes) => call.zip_file(Blob::new(bytes)),
            Code::S3 { bucket, key, version } => call.s3_bucket(bucket).s3_key(key).set_s3_object_version(version),
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
        let told = self.described(name, Some(version)).await?;
        let url =
            told.code().and_then(|code| code.location()).context("AWS says no place for it").with_context(what)?;
        let time = upload_time(LARGEST_UPLOAD);
        let bytes = download(&self.calls, url, LARGEST_UPLOAD, time).await.with_context(what)?;
        let hash = told.configuration().and_then(|told| told.code_sha256()).unwrap_or_default();
        let same = STANDARD.encode(Sha256::digest(&bytes)) == hash;
        ensure!(same, "{}: what came is not what its hash {hash} says", what());
        Ok(bytes)
    }
}

/// How long a call that carries code may take: half a minute, and what the bytes need at half a megabyte a second.
fn upload_time(bytes: u64) -> Duration {
    Duration::from_secs(30 + bytes / 500_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_digest_in_both_spellings() {
        let digest = Digest::of(b"image");
        let id = CodeId::Image(digest.clone());
        assert!(id.is(digest.hex()));
        assert!(id.is(&STANDARD.encode(Sha256::digest(b"image"))));
        assert!(!id.is(Digest::of(b"other").hex()));
        assert!(!id.is(""));
        assert!(CodeId::Zip("abc=".to_owned()).is("abc="));
        assert!(!CodeId::Zip("abc=".to_owned()).is("abd="));
    }
}
