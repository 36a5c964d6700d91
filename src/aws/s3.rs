//! Archives in S3: pinned by version, and inspected by reading only the parts that matter. SDK types do not leave this module.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::Client;

use crate::action::inputs::AccountId;
use crate::aws::refusal;
use crate::aws::{Aws, AwsError, Kind};
use crate::text::{self, Foreign};

/// An object as it is given: `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Url {
    /// The bucket.
    pub bucket: String,
    /// The object's key, without a slash at its beginning.
    pub key: String,
}

impl FromStr for S3Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be an object, `s3://bucket/key`".to_owned();
        let (bucket, key) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
        let is_key = !key.is_empty() && key.len() <= 1024 && !key.ends_with('/') && text::is_plain(key);
        if is_bucket && is_key { Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() }) } else { Err(wrong()) }
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl S3Url {
    /// For people: without the account that many buckets have in their name.
    #[must_use]
    pub fn label(&self) -> String {
        let parts: Vec<&str> =
            self.bucket.split('-').map(|part| if part.parse::<AccountId>().is_ok() { "*" } else { part }).collect();
        format!("s3://{}/{}", parts.join("-"), self.key)
    }
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
    etag: Option<String>,
}

/// The client.
#[derive(Debug)]
pub struct S3 {
    aws: Aws,
    client: Client,
}

impl S3 {
    /// The client, in the region in use: Lambda takes archives only from buckets of its own region.
    #[must_use]
    pub fn new(aws: Aws) -> Self {
        let config = aws.config();
        // An endpoint of one's own (an interface endpoint, a local AWS) has no host name for each bucket.
        let own_endpoint = config.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own_endpoint).build();
        Self { client: Client::from_conf(config), aws }
    }

    /// Looks an object up; `None` when there is none.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
    pub async fn head(&self, url: &S3Url) -> Result<Option<Object>> {
        let call = self.client.head_object().bucket(&url.bucket).key(&url.key);
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
            etag: answer.e_tag().map(str::to_owned),
        }))
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
                answer.body.collect().await.map(aws_sdk_s3::primitives::AggregatedBytes::to_vec).map_err(|error| {
                    AwsError {
                        operation,
                        kind: Kind::Broken,
                        code: String::new(),
                        message: Foreign::new(error.to_string()),
                        reason: None,
                        request_id: None,
                    }
                })
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

fn is(error: &anyhow::Error, kind: Kind) -> bool {
    refusal(error).is_some_and(|refusal| refusal.kind == kind)
}

/// What is read at once. The directory of most archives fits in.
pub const BLOCK: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn objects_are_read_and_shown() {
        for text in ["s3://bucket/key", "s3://my.bucket-1/a/b=c/d.zip"] {
            assert_eq!(text.parse::<S3Url>().unwrap().to_string(), text);
        }
        for wrong in
            ["s3://bucket", "s3://bucket/", "s3://Bucket/k", "s3://b/k", "s3:///k", "bucket/key", "s3://bucket/a/"]
        {
            assert!(wrong.parse::<S3Url>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_in_a_buckets_name_is_not_shown() {
        let label = |text: &str| text.parse::<S3Url>().unwrap().label();
        assert_eq!(label("s3://shop-111122223333-eu-west-1/a.zip"), "s3://shop-*-eu-west-1/a.zip");
        assert_eq!(label("s3://shop-20260101/a.zip"), "s3://shop-20260101/a.zip");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["s3://bucket/key", "s3://artifacts-111122223333/a/b.zip"])) {
            reads_plainly::<S3Url>(&text);
        }
    }
}
