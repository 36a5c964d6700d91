//! The bucket of a site. Every call names the owner that the bucket must have. SDK types do not leave this module.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier, TaggingDirective,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::names::{BucketName, Site};
use crate::aws::{Aws, AwsError, Kind, absent_is_none, refusal};
use crate::calls::{self, Answer};
use crate::text::escape::RESERVED;

/// How an object is served.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// `Content-Type`.
    #[serde(rename = "type")]
    pub content_type: String,
    /// `Cache-Control`.
    pub cache: String,
    /// `Content-Encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
}

/// What is written.
#[derive(Clone, Debug)]
pub enum Body {
    /// A file.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What must be there for a write to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    New,
    /// The object with this `ETag`.
    Is(String),
    /// Anything: the marker excludes others.
    Claimed,
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there, with this `ETag`.
    Done(String),
    /// Something else was there than was guarded by.
    Refused,
}

/// An object in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub modified: OffsetDateTime,
}

/// The client of the bucket of a site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SiteBucket {
    aws: Aws,
    client: Client,
    name: BucketName,
    owner: String,
}

impl SiteBucket {
    /// The bucket of a site, which must belong to the account of the credentials.
    ///
    /// # Errors
    /// The account cannot be asked for.
    pub async fn of(aws: Aws, site: &Site) -> Result<Self> {
        let own_endpoint = aws.config().endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(aws.config()).force_path_style(own_endpoint).build();
        let owner = aws.account().await?.as_str().to_owned();
        Ok(Self { client: Client::from_conf(config), name: site.bucket.clone(), owner, aws })
    }

    /// The connection by which it is reached.
    pub(super) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The same with a journal handle of its own, so that what is learned of a lost answer is noted of this write.
    fn alone(&self) -> Self {
        Self { aws: self.aws.with_calls(self.aws.calls().separate()), ..self.clone() }
    }

    fn label(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name.label())
    }

    /// Reads an object, with its `ETag`; `None` where there is none.
    ///
    /// # Errors
    /// S3 refuses.
    pub async fn get(&self, key: &str) -> Result<Option<(String, Vec<u8>, OffsetDateTime)>> {
        let operation = "s3:GetObject";
        let read = self.aws.calls().read(operation, async || {
            let call = self.client.get_object().bucket(self.name.as_str()).key(key).expected_bucket_owner(&self.owner);
            let answer = call.send().await.map_err(|error| AwsError::new(operation, &error))?;
            let etag = answer.e_tag().unwrap_or_default().to_owned();
            let modified = moment(answer.last_modified());
            let body = answer.body.collect().await.map_err(|error| unreadable(operation, &error))?;
            Ok::<_, AwsError>((etag, body.to_vec(), modified))
        });
        match read.await.with_context(|| format!("read {}", self.label(key))) {
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "NoSuchBucket") => Err(error),
            read => absent_is_none(read),
        }
    }

    /// The SHA-256 of an object, in hexadecimal digits: as S3 keeps it, else of the whole object, which is read. `None` where there is none.
    ///
    /// # Errors
    /// S3 refuses.
    pub async fn sha256(&self, key: &str) -> Result<Option<String>> {
        let call = self.client.head_object().bucket(self.name.as_str()).key(key);
        let call = call.checksum_mode(ChecksumMode::Enabled).expected_bucket_owner(&self.owner);
        let found = self.aws.calls().aws("s3:GetObject", || call.clone().send()).await;
        let Some(found) = absent_is_none(found.with_context(|| format!("look at {}", self.label(key))))? else {
            return Ok(None);
        };
        // Of an object that came in parts it is a checksum of checksums, `..-<parts>`.
        if let Some(sum) = found.checksum_sha256().filter(|sum| !sum.contains('-')) {
            return hex(sum).map(Some);
        }
        Ok(self.get(key).await?.map(|(_, body, _)| format!("{:x}", Sha256::digest(body))))
    }

    /// Puts an object, whose content S3 compares with its SHA-256.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    ///
    /// # Errors
    /// S3 refuses for any other reason than the guard.
    pub async fn put(&self, key: &str, body: &Body, sha256: &str, meta: &Meta, guard: &Guard) -> Result<Put> {
        let me = self.alone();
        let sum = base64_of(sha256)?;
        let what = format!("put {}", me.label(key));
        let put = me.aws.calls().write(&what, calls::Kind::Repeatable, async || {
            let body = match body {
                Body::File(file) => {
                    ByteStream::from_path(file).await.map_err(|error| unreadable("s3:PutObject", &error))?
                }
                Body::Bytes(bytes) => ByteStream::from(bytes.clone()),
            };
            let call = me.client.put_object().bucket(me.name.as_str()).key(key).expected_bucket_owner(&me.owner);
            let call = match guard {
                Guard::New => call.if_none_match("*"),
                Guard::Is(etag) => call.if_match(etag),
                Guard::Claimed => call,
            };
            let call = call
                .content_type(&meta.content_type)
                .cache_control(&meta.cache)
                .set_content_encoding(meta.encoding.clone())
                .set_content_language(meta.language.clone())
                .set_content_disposition(meta.disposition.clone());
            call.checksum_sha256(&sum).body(body).send().await.map_err(|error| AwsError::new("s3:PutObject", &error))
        });
        match put.await {
            Ok(done) => Ok(Put::Done(done.e_tag().unwrap_or_default().to_owned())),
            // 409 where somebody else writes it at this moment; 404 where what was guarded by is gone.
            Err(error) if *guard != Guard::Claimed && is_guarded(&error) => {
                me.aws.calls().correct(Answer::Refused);
                Ok(Put::Refused)
            }
            Err(error) => Err(error),
        }
    }

    /// Copies an object within the bucket, with these header fields, and says the hash of what arrived; nothing where the guard refuses it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
    ///
    /// # Errors
    /// S3 refuses; or it does not say what it copied.
    pub async fn copy(&self, from: &str, to: &str, meta: &Meta, guard: &Guard) -> Result<Option<String>> {
        let me = self.alone();
        let source = format!("{}/{}", me.name, utf8_percent_encode(from, RESERVED));
        let call = me.client.copy_object().bucket(me.name.as_str()).key(to).copy_source(source);
        let call = call
            .expected_bucket_owner(&me.owner)
            .expected_source_bucket_owner(&me.owner)
            .metadata_directive(MetadataDirective::Replace)
            .tagging_directive(TaggingDirective::Replace)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type(&meta.content_type)
            .cache_control(&meta.cache)
            .set_content_encoding(meta.encoding.clone())
            .set_content_language(meta.language.clone())
            .set_content_disposition(meta.disposition.clone());
        let call = match guard {
            Guard::New => call.if_none_match("*"),
            Guard::Is(etag) => call.if_match(etag),
            Guard::Claimed => call,
        };
        let what = format!("copy to {}", me.label(to));
        let copied = me.aws.calls().aws_write(&what, calls::Kind::Repeatable, "s3:PutObject", || call.clone().send());
        let copied = match copied.await {
            Err(error) if *guard != Guard::Claimed && is_guarded(&error) => {
                me.aws.calls().correct(Answer::Refused);
                return Ok(None);
            }
            copied => copied.with_context(|| format!("copy {}", me.label(from)))?,
        };
        match copied.copy_object_result().and_then(|result| result.checksum_sha256()) {
            Some(sum) => hex(sum).map(Some),
            None => bail!("S3 does not say what it copied to {}", me.label(to)),
        }
    }

    /// The objects whose keys begin so.
    ///
    /// # Errors
    /// S3 refuses.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut found = Vec::new();
        let mut from: Option<String> = None;
        loop {
            let call = self.client.list_objects_v2().bucket(self.name.as_str()).prefix(prefix);
            let call = call.expected_bucket_owner(&self.owner).set_continuation_token(from.take());
            let page = self.aws.calls().aws("s3:ListBucket", || call.clone().send()).await;
            let page = page.with_context(|| format!("list {}", self.label(prefix)))?;
            found.extend(page.contents().iter().filter_map(|object| {
                Some(Listed { key: object.key()?.to_owned(), modified: moment(object.last_modified()) })
            }));
            from = page.next_continuation_token().filter(|_| page.is_truncated() == Some(true)).map(str::to_owned);
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    /// Deletes objects, 1,000 a call; those that S3 would not delete, with its word for it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
    ///
    /// # Errors
    /// S3 refuses all of them.
    pub async fn delete(&self, keys: &[String]) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for part in keys.chunks(1000) {
            let objects = part.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects = objects.collect::<Result<Vec<_>, _>>().context("name what is deleted")?;
            let delete =
                Delete::builder().set_objects(Some(objects)).quiet(true).build().context("say what is deleted")?;
            let call = self.client.delete_objects().bucket(self.name.as_str()).expected_bucket_owner(&self.owner);
            let call = call.delete(delete);
            let what = format!("delete {} objects of {}", part.len(), self.label(""));
            let kind = calls::Kind::Repeatable;
            let done = self.aws.calls().aws_write(&what, kind, "s3:DeleteObject", || call.clone().send()).await?;
            left.extend(
                done.errors()
                    .iter()
                    .map(|error| format!("{} ({})", error.key().unwrap_or_default(), error.code().unwrap_or_default())),
            );
        }
        Ok(left)
    }

    /// The bucket's own tags.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html>
    ///
    /// # Errors
    /// S3 refuses.
    pub async fn tags(&self) -> Result<BTreeMap<String, String>> {
        let call = self.client.get_bucket_tagging().bucket(self.name.as_str()).expected_bucket_owner(&self.owner);
        let found = self.aws.calls().aws("s3:GetBucketTagging", || call.clone().send()).await;
        match found.with_context(|| format!("read the tags of bucket {}", self.name.label())) {
            Ok(found) => Ok(found.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()),
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "NoSuchTagSet") => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }
}

fn is_guarded(error: &anyhow::Error) -> bool {
    refusal(error).is_some_and(|refusal| match refusal.kind {
        Kind::Precondition | Kind::Conflict => true,
        Kind::NotFound => !matches!(refusal.code.as_str(), "NoSuchBucket" | "NoSuchKey"),
        _ => false,
    })
}

fn moment(at: Option<&aws_smithy_types::DateTime>) -> OffsetDateTime {
    let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok());
    at.unwrap_or_else(OffsetDateTime::now_utc)
}

fn unreadable(operation: &'static str, error: &dyn std::error::Error) -> AwsError {
    AwsError::unanswered(operation, Kind::Broken, format!("could not be read: {error}"))
}

/// A hash as S3 has it, in hexadecimal digits.
fn hex(base64: &str) -> Result<String> {
    use std::fmt::Write as _;
    let bytes = STANDARD.decode(base64).context("read the checksum that S3 keeps")?;
    Ok(bytes.iter().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "{byte:02x}");
        all
    }))
}

/// A hash in hexadecimal digits, as S3 wants it.
fn base64_of(hex: &str) -> Result<String> {
    let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2).unwrap_or_default(), 16));
    Ok(STANDARD.encode(bytes.collect::<Result<Vec<u8>, _>>().context("read a hash")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_as_s3_has_it_and_back() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(base64_of(empty).unwrap(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(hex(&base64_of(empty).unwrap()).unwrap(), empty);
    }
}
