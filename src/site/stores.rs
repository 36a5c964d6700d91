//! Key value stores of `CloudFront`, which functions read at the edge: by signed requests of our own.

use anyhow::{Context as _, Result, bail};
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};

use super::names::{KeyName, StoreName};
use crate::aws::signed::{Rest, Service, Signed};
use crate::aws::{Aws, Kind, absent_is_none, refusal};
use crate::calls::{self, Answer};
use crate::text::escape::RESERVED;
use crate::text::{Foreign, LONGEST, message};

const FIND: &str = "cloudfront:DescribeKeyValueStore";
const DESCRIBE: &str = "cloudfront-keyvaluestore:DescribeKeyValueStore";
const GET: &str = "cloudfront-keyvaluestore:GetKey";
const UPDATE: &str = "cloudfront-keyvaluestore:UpdateKeys";

/// A key as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The ARN of its store.
    pub store: String,
    /// The `ETag` of the whole store: any change of any key changes it.
    pub etag: String,
    /// The value; none where there is no such key.
    pub value: Option<String>,
}

/// The client.
#[derive(Clone, Debug)]
pub struct Stores {
    aws: Aws,
    cloudfront: Signed,
    keys: Signed,
}

impl Stores {
    /// The client.
    ///
    /// # Errors
    /// HTTP cannot be set up, or the account cannot be asked for.
    pub async fn new(aws: Aws) -> Result<Self> {
        let service = Service { name: "cloudfront", id: "CloudFront" };
        let cloudfront = Signed::global(&aws, service, "cloudfront.amazonaws.com", "us-east-1")?;
        let service = Service { name: "cloudfront-keyvaluestore", id: "CloudFront KeyValueStore" };
        let host = format!("{}.cloudfront-kvs.global.api.aws", aws.account().await?);
        Ok(Self { cloudfront, keys: Signed::everywhere(&aws, service, &host)?, aws })
    }

    /// The ARN of a store that can be used.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DescribeKeyValueStore.html>
    async fn arn(&self, store: &StoreName) -> Result<String> {
        let path = format!("2020-05-31/key-value-store/{store}");
        let call = || self.cloudfront.xml(FIND, Rest { method: "GET", path: &path, guard: None, body: String::new() });
        let found = self.aws.calls().read(FIND, call).await;
        let (_, answer) = found.with_context(|| format!("look for the key value store {store}"))?;
        let document = roxmltree::Document::parse(&answer).context("read what CloudFront says of a key value store")?;
        let text = |name: &str| {
            let node = document.descendants().find(|node| node.tag_name().name() == name);
            node.and_then(|node| node.text()).unwrap_or_default().to_owned()
        };
        let status = text("Status");
        if status != "READY" {
            bail!(message!(
                "store-not-ready",
                "the key value store {store} is {}, and not READY: run this step again in a minute",
                Foreign::new(status).for_message(LONGEST)
            ));
        }
        Ok(text("ARN"))
    }

    /// Reads a key: the `ETag` of the store first, so that whatever is written in between refuses a write that is guarded by it.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_kvs_DescribeKeyValueStore.html>
    ///
    /// # Errors
    /// There is no such store, it is not ready, or `CloudFront` refuses.
    pub async fn read(&self, store: &StoreName, key: &KeyName) -> Result<StoredKey> {
        let arn = self.arn(store).await?;
        let path = keys_of(&arn);
        let call = || self.keys.rest(DESCRIBE, Rest { method: "GET", path: &path, ..Rest::default() });
        let described = self.aws.calls().read(DESCRIBE, call).await;
        let (etag, _) = described.with_context(|| format!("look at the key value store {store}"))?;
        let path = format!("{path}/keys/{}", utf8_percent_encode(key.as_str(), RESERVED));
        let call = || self.keys.rest(GET, Rest { method: "GET", path: &path, ..Rest::default() });
        let read = self.aws.calls().read(GET, call).await;
        let read = absent_is_none(read.with_context(|| format!("read the key {key} of the key value store {store}")))?;
        let value = read.and_then(|(_, answer)| answer.get("Value").and_then(Value::as_str).map(str::to_owned));
        Ok(StoredKey { store: arn, etag: etag.context("CloudFront names no ETag of the key value store")?, value })
    }

    /// Writes a key of a store in which nothing was written since; false where something was.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_kvs_UpdateKeys.html>
    ///
    /// # Errors
    /// `CloudFront` refuses for any other reason.
    pub async fn put(&self, read: &StoredKey, key: &KeyName, value: &str) -> Result<bool> {
        let body = json!({"Puts": [{"Key": key, "Value": value}]}).to_string();
        let path = format!("{}/keys", keys_of(&read.store));
        let what = format!("point {key} to {value}");
        let call = || {
            let call = Rest { method: "POST", path: &path, guard: Some(&read.etag), body: body.clone() };
            self.keys.rest(UPDATE, call)
        };
        match self.aws.calls().write(&what, calls::Kind::Repeatable, call).await {
            Ok(_) => Ok(true),
            Err(error)
                if refusal(&error).is_some_and(|one| matches!(one.kind, Kind::Conflict | Kind::Precondition)) =>
            {
                self.aws.calls().correct(Answer::Refused);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Notes of the last write that it was carried out after all: its answer was lost, and sent again it met itself.
    pub(super) fn note_applied(&self) {
        self.aws.calls().correct(Answer::Applied);
    }
}

/// The path of a store, without a slash at its beginning.
fn keys_of(arn: &str) -> String {
    format!("key-value-stores/{}", utf8_percent_encode(arn, RESERVED))
}
