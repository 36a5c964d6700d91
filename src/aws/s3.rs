//! Archives in S3: pinned by version, inspected by reading only the parts that matter, and put where there is none. SDK types do not leave this module.

mod names;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, MetadataDirective, TaggingDirective};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use sha2::{Digest as _, Sha256};

use crate::action::inputs::AccountId;
use crate::aws::refusal;
use crate::aws::{Aws, AwsError, Kind};
use crate::calls::{self, Answer};
use crate::text::Foreign;
use crate::text::escape::RESERVED;

pub use self::names::{S3Folder, S3Url};

/// The media type of an archive.
const ZIP: &str = "application/zip";

/// What came of putting an object where there is to be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Done,
    /// There is one already: nothing was written.
    Exists,
    /// There was no answer: whether it was written is unknown.
    Unanswered,
}

/// An object as it was found.
#[derive(Clone, Debug)]
pub struct Object {
    /// Where it is.
    pub url: S3Url,
    /// Its size, in bytes.
    pub size: u64,
    /// Pins it, in a bucket with versions.
    pub version: Option<String>,
    /// The SHA-256 of its content in base64, where S3 was given it with the object and was asked for it.
    pub sha256: Option<String>,
    etag: Option<String>,
}

/// The client.
#[derive(Debug)]
pub struct S3 {
    pub(super) aws: Aws,
    pub(super) client: Client,
    /// Whose bucket it must be, where that is said.
    pub(super) owner: Option<AccountId>,
}

impl S3 {
    /// The client, in the region in use: Lambda takes archives only from buckets of its own region.
    #[must_use]
    pub fn new(aws: Aws) -> Self {
        let config = aws.config();
        // An endpoint of one's own (an interface endpoint, a local AWS) has no host name for each bucket.
        let own_endpoint = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own_endpoint).build();
        Self { client: Client::from_conf(config), aws, owner: None }
    }

    /// The same for buckets of this account only: S3 refuses what is asked of another one's
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>).
    #[must_use]
    pub fn owned_by(mut self, owner: AccountId) -> Self {
        self.owner = Some(owner);
        self
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.owner.as_ref().map(AccountId::to_string)
    }

    /// Looks an object up; `None` when there is none.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
    pub async fn head(&self, url: &S3Url) -> Result<Option<Object>> {
        self.look(url, None).await
    }

    /// Whether there is this version of an object, or without a version any.
    pub async fn has(&self, url: &S3Url, version: Option<&str>) -> Result<bool> {
        let operation = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let call = self.client.head_object().bucket(&url.bucket).key(&url.key);
        let call = call.set_version_id(version.map(str::to_owned));
        match self.aws.calls().aws(operation, || call.clone().send()).await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, Kind::NotFound) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("look for {}", url.label())),
        }
    }

    /// As [`head`](Self::head), with its checksum, which of an object encrypted with a key of KMS takes `kms:Decrypt`.
    pub async fn head_with_checksum(&self, url: &S3Url) -> Result<Option<Object>> {
        self.look(url, Some(ChecksumMode::Enabled)).await
    }

    async fn look(&self, url: &S3Url, checksum: Option<ChecksumMode>) -> Result<Option<Object>> {
        let call = self.client.head_object().bucket(&url.bucket).key(&url.key).set_checksum_mode(checksum);
        let call = call.set_expected_bucket_owner(self.owner());
        let answer = self.aws.calls().aws("s3:GetObject", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("look for {}", url.label()));
        let answer = match answer {
            Err(error) if is(&error, Kind::NotFound) => return Ok(None),
            Err(error) if is(&error, Kind::Denied) => {
                return Err(error.context(format!(
                    "{} may not be read, or does not exist (S3 says the same of both without s3:ListBucket)",
                    url.label()
                )));
            }
            // Answers to HEAD have no body, so S3 cannot name its reason.
            Err(error) if is(&error, Kind::Invalid) => {
                let region = self.aws.region();
                return Err(error.context(format!(
                    "{} is not in {region}, and Lambda takes archives only from buckets of its own region",
                    url.label()
                )));
            }
            answer => answer?,
        };
        Ok(Some(Object {
            url: url.clone(),
            size: answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
            // A bucket whose versioning was suspended answers the version `null`, which pins nothing.
            version: answer.version_id().filter(|version| *version != "null").map(str::to_owned),
            // Of an object that came in parts it may be a checksum of checksums, `..-<parts>`.
            sha256: answer.checksum_sha256().filter(|sum| !sum.contains('-')).map(str::to_owned),
            etag: answer.e_tag().map(str::to_owned),
        }))
    }

    /// Whether there is such a bucket; `None` when this role may not know.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
    pub async fn has_bucket(&self, bucket: &str) -> Result<Option<bool>> {
        let call = self.client.head_bucket().bucket(bucket).set_expected_bucket_owner(self.owner());
        match self.aws.calls().aws("s3:ListBucket", || call.clone().send()).await {
            Ok(_) => Ok(Some(true)),
            Err(error) if is(&error, Kind::NotFound) => Ok(Some(false)),
            Err(error) if is(&error, Kind::Denied) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("look for the bucket {bucket}")),
        }
    }

    /// Puts a file where there is no object. S3 compares what arrives with its SHA-256, and refuses another content
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
    pub async fn put_new(&self, url: &S3Url, file: &Path, sha256: &str) -> Result<Put> {
        let what = format!("put {}", url.label());
        let put = self.aws.calls().write(&what, calls::Kind::Once, async || {
            let body =
                ByteStream::from_path(file).await.map_err(|error| failed("s3:PutObject", Kind::Invalid, &error))?;
            let call = self.client.put_object().bucket(&url.bucket).key(&url.key).if_none_match("*");
            let call = call.content_type(ZIP).checksum_sha256(sha256).body(body);
            call.set_expected_bucket_owner(self.owner())
                .send()
                .await
                .map_err(|error| AwsError::new("s3:PutObject", &error))
        });
        put_of(put.await)
    }

    /// Copies an object to where there is none, by S3 itself, this very version of it. `from` is the client that read it. S3 hashes
    /// what it writes; neither tags nor metadata go along, which would take permissions of their own.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
    pub async fn copy_new(&self, url: &S3Url, from: &Self, object: &Object) -> Result<Put> {
        let source = format!("{}/{}", object.url.bucket, utf8_percent_encode(&object.url.key, RESERVED));
        let call = self.client.copy_object().bucket(&url.bucket).key(&url.key).copy_source(source).if_none_match("*");
        let call = call
            .set_copy_source_if_match(object.etag.clone())
            .set_expected_bucket_owner(self.owner())
            .set_expected_source_bucket_owner(from.owner())
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .metadata_directive(MetadataDirective::Replace)
            .tagging_directive(TaggingDirective::Replace)
            .content_type(ZIP);
        let what = format!("copy {} to {}", object.url.label(), url.label());
        let copied = self.aws.calls().write(&what, calls::Kind::Once, async || {
            call.clone().send().await.map_err(|error| AwsError::new("s3:PutObject", &error))
        });
        put_of(copied.await)
    }

    /// Notes what became of the write that was sent last, when a look shows it.
    pub fn correct(&self, answer: Answer) {
        self.aws.calls().correct(answer);
    }

    /// The SHA-256 of an object, in base64: all of it is read, this very version, and nothing of it is kept.
    pub async fn sha256(&self, object: &Object) -> Result<String> {
        let operation = "s3:GetObject";
        let read = self.aws.calls().read(operation, async || {
            let call = self.client.get_object().bucket(&object.url.bucket).key(&object.url.key);
            let call = call.set_if_match(object.etag.clone()).set_expected_bucket_owner(self.owner());
            let mut answer = call.send().await.map_err(|error| AwsError::new(operation, &error))?;
            let mut hash = Sha256::new();
            while let Some(part) =
                answer.body.try_next().await.map_err(|error| failed(operation, Kind::Broken, &error))?
            {
                hash.update(&part);
            }
            Ok::<_, AwsError>(STANDARD.encode(hash.finalize()))
        });
        read.await.with_context(|| format!("read {}", object.url.label()))
    }

    /// Reads the block of [`BLOCK`] bytes of an object that begins here, of this very version of it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub async fn block(&self, object: &Object, start: u64) -> Result<Vec<u8>> {
        let end = (start + BLOCK).min(object.size) - 1;
        let operation = if object.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let block = self
            .aws
            .calls()
            .read(operation, async || {
                let call = self
                    .client
                    .get_object()
                    .bucket(&object.url.bucket)
                    .key(&object.url.key)
                    .set_version_id(object.version.clone())
                    .set_if_match(object.etag.clone())
                    .range(format!("bytes={start}-{end}"));
                let answer = call.send().await.map_err(|error| AwsError::new(operation, &error))?;
                let body = answer.body.collect().await.map_err(|error| failed(operation, Kind::Broken, &error))?;
                Ok::<_, AwsError>(body.to_vec())
            })
            .await;
        match block {
            Ok(block) if block.len() as u64 == end - start + 1 => Ok(block),
            Ok(_) => bail!("{}: S3 answered another part than was asked for", object.url.label()),
            Err(error) if is(&error, Kind::Precondition) => {
                Err(error.context(format!("{} was replaced while it was read: run the step again", object.url.label())))
            }
            Err(error) => Err(error.context(format!("read a part of {}", object.url.label()))),
        }
    }
}

/// What came of a write that is only made where there is nothing.
fn put_of<T>(answer: Result<T>) -> Result<Put> {
    match answer {
        Ok(_) => Ok(Put::Done),
        // 409 where somebody else puts it at this moment.
        Err(error) if is(&error, Kind::Precondition) || is(&error, Kind::Conflict) => Ok(Put::Exists),
        Err(error) if is(&error, Kind::Broken) || is(&error, Kind::TimedOut) => Ok(Put::Unanswered),
        Err(error) => Err(error),
    }
}

/// A body that could not be read, here or there.
fn failed(operation: &'static str, kind: Kind, error: &dyn std::error::Error) -> AwsError {
    AwsError {
        operation,
        kind,
        code: String::new(),
        message: Foreign::new(error.to_string()),
        reason: None,
        request_id: None,
    }
}

fn is(error: &anyhow::Error, kind: Kind) -> bool {
    refusal(error).is_some_and(|refusal| refusal.kind == kind)
}

/// What is read at once. The directory of most archives fits in.
pub const BLOCK: u64 = 256 * 1024;
