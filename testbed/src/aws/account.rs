//! An AWS account of a test: its calls, as the account's root.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::wire::encode;

/// The region of everything in the tests that names no other.
const REGION: &str = "eu-west-1";

/// An account that belongs to one test. Its id is its access key, and makes the caller the account's root.
///
/// Use it in the runtime it was made in.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    region: &'static str,
    pub(super) endpoint: String,
    pub(super) client: reqwest::Client,
    pub(super) role: Arc<tokio::sync::OnceCell<String>>,
}

/// An answer of a service, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header field, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, null if it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The answer if its status is below 300.
    ///
    /// # Errors
    ///
    /// Any other status, with the body as message.
    pub fn ok(self) -> Result<Self> {
        ensure!(self.status < 300, "{}: {}", self.status, self.text());
        Ok(self)
    }
}

impl Account {
    pub(super) fn new(endpoint: &str) -> Self {
        // The client speaks plain HTTP here, but is built with TLS and then wants a provider. It wants no certificates: reading those
        // of the machine takes longer than most calls.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build();
        let number = RandomState::new().build_hasher().finish() % 900_000_000_000 + 100_000_000_000;
        Self {
            id: number.to_string(),
            region: REGION,
            endpoint: endpoint.to_owned(),
            client: client.unwrap_or_default(),
            role: Arc::default(),
        }
    }

    /// Another account that nobody has used before, of the same server.
    #[must_use]
    pub fn neighbour(&self) -> Self {
        Self::new(&self.endpoint)
    }

    /// Its region.
    #[must_use]
    pub fn region(&self) -> &'static str {
        self.region
    }

    /// The same account in another region, which shares nothing with this one.
    #[must_use]
    pub fn in_region(&self, region: &'static str) -> Self {
        Self { region, ..self.clone() }
    }

    /// The URL of every service.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The variables that make an AWS SDK the root of this account.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", self.id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", self.region),
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Calls Lambda: `lambda("GET", "/2015-03-31/functions/app-api", None)`. A `null` body sends none.
    ///
    /// # Errors
    ///
    /// The call itself fails; an error of the service is an answer.
    pub async fn lambda(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        self.lambda_with(method, path, &[], if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? }).await
    }

    /// As [`Account::lambda`], with header fields and a body of any bytes.
    ///
    /// # Errors
    ///
    /// As [`Account::lambda`].
    pub async fn lambda_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer> {
        let mut request = self.request("lambda", method, path)?.header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    /// Calls a JSON service: `json_service("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeImages", &body)`.
    ///
    /// # Errors
    ///
    /// As [`Account::lambda`].
    pub async fn json_service(&self, service: &str, target: &str, body: &Value) -> Result<Answer> {
        let request = self
            .request(service, "POST", "/")?
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(serde_json::to_vec(body)?);
        send(request).await
    }

    /// Calls a query service: `query("iam", "CreateRole", &[("RoleName", "deploy"), ...])`. The answer is XML.
    ///
    /// # Errors
    ///
    /// As [`Account::lambda`].
    pub async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Result<Answer> {
        let version = if service == "iam" { "2010-05-08" } else { "2011-06-15" };
        let form = [("Action", action), ("Version", version)]
            .iter()
            .chain(parameters)
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&");
        let request =
            self.request(service, "POST", "/")?.header("content-type", "application/x-www-form-urlencoded").body(form);
        send(request).await
    }

    /// Calls S3: `s3("PUT", "/bucket/key", body)`.
    ///
    /// # Errors
    ///
    /// As [`Account::lambda`].
    pub async fn s3(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
        send(self.request("s3", method, path)?.body(body)).await
    }

    /// Makes a bucket, unless it is there, with versioning.
    ///
    /// # Errors
    ///
    /// S3 refuses.
    pub async fn create_bucket(&self, bucket: &str) -> Result<()> {
        self.create_bucket_without_versions(bucket).await?;
        let versioning = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                          <Status>Enabled</Status></VersioningConfiguration>";
        self.s3("PUT", &format!("/{bucket}?versioning"), versioning.into()).await?.ok()?;
        Ok(())
    }

    /// Makes a bucket, unless it is there.
    ///
    /// # Errors
    ///
    /// S3 refuses.
    pub async fn create_bucket_without_versions(&self, bucket: &str) -> Result<()> {
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
            self.region
        );
        let made = self.s3("PUT", &format!("/{bucket}"), place.into_bytes()).await?;
        if !made.text().contains("BucketAlreadyOwnedByYou") {
            made.ok().with_context(|| format!("make bucket {bucket}"))?;
        }
        Ok(())
    }

    /// Stores an object and answers its version, empty in a bucket without versions.
    ///
    /// # Errors
    ///
    /// S3 refuses.
    pub async fn s3_put(&self, bucket: &str, key: &str, body: Vec<u8>) -> Result<String> {
        let answer = self.s3("PUT", &format!("/{bucket}/{key}"), body).await?.ok()?;
        Ok(answer.header("x-amz-version-id").unwrap_or_default().to_owned())
    }

    /// An object's content.
    ///
    /// # Errors
    ///
    /// S3 refuses, or there is no such object.
    pub async fn s3_get(&self, bucket: &str, key: &str) -> Result<Vec<u8>> {
        Ok(self.s3("GET", &format!("/{bucket}/{key}"), Vec::new()).await?.ok()?.body)
    }

    pub(super) fn request(&self, service: &str, method: &str, path: &str) -> Result<RequestBuilder> {
        let credential = format!("{}/20260101/{}/{service}/aws4_request", self.id, self.region);
        let method = Method::from_bytes(method.as_bytes())?;
        Ok(self.client.request(method, format!("{}{path}", self.endpoint)).header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        ))
    }
}

pub(super) async fn send(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await.context("call the local AWS")?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.bytes().await.context("read the answer of the local AWS")?.to_vec();
    Ok(Answer { status, headers, body })
}
