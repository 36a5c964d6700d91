//! Sites: buckets with CloudFront in front of them, as a test makes and steers them, and viewers. `testbed/fidelity/edge/control.py` lists
//! the fields, `testbed/fidelity/edge/functions.py` what a function does.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{Account, Answer, send};

/// A distribution to make in front of a bucket, which is made if it is not there. Unless told otherwise it keeps objects for a day, and its
/// default root object is `index.html`.
#[derive(Clone, Debug)]
pub struct SiteSpec {
    body: Value,
}

impl SiteSpec {
    /// A distribution in front of a bucket that it may read, and not list.
    #[must_use]
    pub fn new(bucket: &str) -> Self {
        Self { body: json!({"bucket": bucket}) }
    }

    /// What of the bucket it serves, such as `/live`.
    #[must_use]
    pub fn origin_path(self, path: &str) -> Self {
        self.with("origin-path", json!(path))
    }

    /// Answers an error of the bucket (403 or 404) by a page, with this status.
    #[must_use]
    pub fn error_page(self, code: u16, page: &str, status: u16) -> Self {
        self.with("errors", json!([{"code": code, "page": page, "status": status}]))
    }

    /// A function in front, and its store: `{"key": "live/shop", "release": "r0", "only": "html$", "items": {"live/shop": "r1"}}`.
    #[must_use]
    pub fn pointer(self, pointer: &Value) -> Self {
        self.with("pointer", pointer.clone())
    }

    /// Any other field: `aliases`, `behaviours`, `list`, `policy`, `root`.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }
}

/// A distribution that is deployed, and what belongs to it.
#[derive(Clone, Debug, Deserialize)]
pub struct Site {
    /// Its id.
    pub distribution: String,
    /// Its ARN.
    pub arn: String,
    /// Its domain name: what `Host` names. The server answers for it, as an HTTP proxy too.
    pub domain: String,
    /// The bucket behind it.
    pub bucket: String,
    /// Where it answers below [`Account::endpoint`], as by HTTPS.
    pub path: String,
    /// ARN of the key value store, of a site with a pointer.
    pub store: Option<String>,
    /// ARN of the function, of a site with a pointer.
    pub function: Option<String>,
}

/// The path of a site's store.
fn store_path(site: &Site) -> Result<String> {
    let arn = site.store.as_ref().context("the site has no pointer")?;
    Ok(format!("/key-value-stores/{}", arn.replace(':', "%3A").replace('/', "%2F")))
}

impl Account {
    /// Makes a distribution that is deployed, and its bucket if there is none.
    ///
    /// # Errors
    ///
    /// CloudFront or S3 refuses.
    pub async fn create_site(&self, spec: &SiteSpec) -> Result<Site> {
        let made = self.steer_edge("POST", "site", &spec.body).await?;
        serde_json::from_value(made).context("read the site")
    }

    /// Where a site is read: its address for a program that cannot choose what it connects to.
    #[must_use]
    pub fn site_url(&self, site: &Site) -> String {
        format!("{}{}", self.endpoint(), site.path)
    }

    /// What a viewer gets: `view(&site, "/index.html", &[("range", "bytes=0-9")])`. The field `x-cache` tells where from.
    ///
    /// # Errors
    ///
    /// The call itself fails; any status is an answer.
    pub async fn view(&self, site: &Site, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.client.request(Method::GET, format!("{}{path}", self.site_url(site)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    /// What the edge keeps of a site: `[{"path", "status", "age", "good", "etag"}]`.
    ///
    /// # Errors
    ///
    /// There is no such distribution.
    pub async fn edge_cache(&self, site: &Site) -> Result<Value> {
        self.steer_edge("GET", &format!("cache?distribution={}", site.distribution), &Value::Null).await
    }

    /// Says what the status of a key value store is, by its name; none: as it is.
    ///
    /// # Errors
    ///
    /// There is no such store.
    pub async fn set_store_status(&self, store: &str, status: Option<&str>) -> Result<()> {
        self.steer_edge("PATCH", "store", &json!({"store": store, "status": status})).await?;
        Ok(())
    }

    /// The value of a key of a site's store, and the `ETag` of the store.
    ///
    /// # Errors
    ///
    /// There is no such store.
    pub async fn stored(&self, site: &Site, key: &str) -> Result<(Option<String>, String)> {
        let path = store_path(site)?;
        let described = self.cloudfront("GET", &path, &[], Vec::new()).await?.ok()?;
        let etag = described.header("etag").unwrap_or_default().to_owned();
        let listed = self.cloudfront("GET", &format!("{path}/keys?MaxResults=50"), &[], Vec::new()).await?.ok()?.text();
        let listed: Value = serde_json::from_str(&listed).context("read the keys of a store")?;
        let item = listed["Items"].as_array().and_then(|items| items.iter().find(|item| item["Key"] == key));
        Ok((item.and_then(|item| item["Value"].as_str()).map(str::to_owned), etag))
    }

    /// Writes keys of a site's store, or deletes them where there is no value, as somebody else does.
    ///
    /// # Errors
    ///
    /// There is no such store.
    pub async fn store(&self, site: &Site, items: &[(&str, Option<&str>)]) -> Result<()> {
        let (_, etag) = self.stored(site, "").await?;
        let path = format!("{}/keys", store_path(site)?);
        let puts: Vec<Value> =
            items.iter().filter_map(|(key, value)| Some(json!({"Key": key, "Value": (*value)?}))).collect();
        let deletes: Vec<Value> =
            items.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| json!({"Key": key})).collect();
        let body = json!({"Puts": puts, "Deletes": deletes}).to_string();
        self.cloudfront("POST", &path, &[("if-match", &etag)], body.into_bytes()).await?.ok()?;
        Ok(())
    }

    /// Calls CloudFront, or a key value store: `cloudfront("GET", "/2020-05-31/distribution/E1/config", &[], Vec::new())`. The answer is
    /// XML; that of `/key-value-stores/..` is JSON.
    ///
    /// # Errors
    ///
    /// The call itself fails; an error of the service is an answer.
    pub async fn cloudfront(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer> {
        let service = if path.starts_with("/key-value-stores/") { "cloudfront-keyvaluestore" } else { "cloudfront" };
        let mut request = self.request(service, method, path)?.body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    async fn steer_edge(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.control(method, &format!("accounts/{}/edge/{path}", self.id), body).await.context("steer CloudFront")
    }
}
