//! Services of AWS that are called by signed requests of our own, without a crate of the SDK: those of which few calls are needed, and
//! those whose answers must be passed on whole, with fields that no release of an SDK knows yet.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::{v4, v4a};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_types::service_config::ServiceConfigKey;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

use super::Aws;
use super::error::{AwsError, Kind, Refused};
use crate::calls::UnknownValue;
use crate::net::{self, Clock, failure};

/// A request may take this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a service is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Its name in signatures and host names, e.g. `ecs`.
    pub(crate) name: &'static str,
    /// Its name in the settings of an endpoint, e.g. `ECS` of `AWS_ENDPOINT_URL_ECS`.
    pub(crate) id: &'static str,
}

/// Where signatures of a client are good.
#[derive(Clone, Debug)]
enum Scope {
    /// In this region.
    Region(String),
    /// In all regions: by an asymmetric signature, `SigV4A`.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html>
    Everywhere,
}

/// A call in a protocol REST.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest<'a> {
    /// Its method.
    pub(crate) method: &'static str,
    /// Its path, without a slash at the beginning.
    pub(crate) path: &'a str,
    /// The `ETag` of `If-Match`.
    pub(crate) guard: Option<&'a str>,
    /// Its body, empty where there is none.
    pub(crate) body: String,
}

/// A client of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    service: Service,
    config: SdkConfig,
    endpoint: String,
    scope: Scope,
    http: reqwest::Client,
    /// AWS's clock, once an answer has shown that this machine's is away from it.
    clock: Rc<Cell<Option<Clock>>>,
}

impl Signed {
    /// The client of a service, with the credentials of this connection.
    pub(crate) fn new(aws: &Aws, service: Service) -> Result<Self> {
        let config = aws.config();
        let region = config.region().map_or("", aws_config::Region::as_ref).to_owned();
        Self::at(aws, service, endpoint(config, service), Scope::Region(region))
    }

    /// The client of a service that is in no region: at this host, signed for this region, unless an address is set for it.
    pub(crate) fn global(aws: &Aws, service: Service, host: &str, region: &str) -> Result<Self> {
        let endpoint = own_endpoint(aws.config(), service).unwrap_or_else(|| format!("https://{host}/"));
        Self::at(aws, service, endpoint, Scope::Region(region.to_owned()))
    }

    /// The client of a service that takes only signatures for all regions: at this host, unless an address is set for it.
    pub(crate) fn everywhere(aws: &Aws, service: Service, host: &str) -> Result<Self> {
        let endpoint = own_endpoint(aws.config(), service).unwrap_or_else(|| format!("https://{host}/"));
        Self::at(aws, service, endpoint, Scope::Everywhere)
    }

    fn at(aws: &Aws, service: Service, endpoint: String, scope: Scope) -> Result<Self> {
        let http = net::client()?.timeout(PATIENCE).build().context("set up HTTP for AWS")?;
        Ok(Self { service, config: aws.config().clone(), endpoint, scope, http, clock: Rc::default() })
    }

    /// Calls an operation in the protocol REST-XML, and answers its `ETag` and its XML. The path begins without a slash.
    /// <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>
    pub(crate) async fn xml(&self, action: &'static str, call: Rest<'_>) -> Result<(Option<String>, String), AwsError> {
        let fields: Vec<(&str, &str)> = [("content-type", "application/xml")]
            .into_iter()
            .chain(call.guard.map(|etag| ("if-match", etag)))
            .collect();
        let url = format!("{}{}", self.endpoint, call.path);
        let (status, headers, text) = self.send(action, (call.method, &url), &fields, call.body).await?;
        let text = read_xml(action, status, &headers, text)?;
        Ok((etag(&headers), text))
    }

    /// Calls an operation in the protocol JSON 1.1. `action` is the IAM action, and `target` the header `X-Amz-Target`.
    /// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>
    pub(crate) async fn json(&self, action: &'static str, target: &str, body: &Value) -> Result<Value, AwsError> {
        let fields = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let (status, headers, text) = self.send(action, ("POST", &self.endpoint), &fields, body.to_string()).await?;
        read_json(action, status, &headers, &text)
    }

    /// Reads by an operation in the protocol REST-JSON. The path begins without a slash.
    pub(crate) async fn rest_json(&self, action: &'static str, path: &str) -> Result<Value, AwsError> {
        let call = Rest { method: "GET", path, ..Rest::default() };
        self.rest(action, call).await.map(|(_, answer)| answer)
    }

    /// Calls an operation in the protocol REST-JSON, and answers its `ETag` and its JSON. The path begins without a slash.
    /// <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>
    pub(crate) async fn rest(&self, action: &'static str, call: Rest<'_>) -> Result<(Option<String>, Value), AwsError> {
        let content = (!call.body.is_empty()).then_some(("content-type", "application/json"));
        let fields: Vec<(&str, &str)> = content.into_iter().chain(call.guard.map(|etag| ("if-match", etag))).collect();
        let url = format!("{}{}", self.endpoint, call.path);
        let (status, headers, text) = self.send(action, (call.method, &url), &fields, call.body).await?;
        Ok((etag(&headers), read_json(action, status, &headers, &text)?))
    }

    /// Calls an operation in the query protocol, and answers its XML.
    /// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
    pub(crate) async fn query(&self, action: &'static str, form: &[(&str, &str)]) -> Result<String, AwsError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let fields = [("content-type", "application/x-www-form-urlencoded")];
        let (status, headers, text) = self.send(action, ("POST", &self.endpoint), &fields, body).await?;
        read_xml(action, status, &headers, text)
    }

    async fn send(
        &self,
        action: &'static str,
        (method, url): (&str, &str),
        fields: &[(&str, &str)],
        body: String,
    ) -> Result<(u16, HeaderMap, Vec<u8>), AwsError> {
        let known = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self.http.request(known, url);
        let signed = self.sign((method, url), fields, &body).await;
        let signed = signed.map_err(|error| AwsError::unanswered(action, Kind::Credentials, format!("{error:#}")))?;
        for (name, value) in fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .chain(signed.iter().map(|(name, value)| (name.as_str(), value.clone())))
        {
            request = request.header(name, value);
        }
        let broken = |error: &reqwest::Error| {
            let kind = if error.is_timeout() { Kind::TimedOut } else { Kind::Broken };
            let fault = failure::of_request(error, self.endpoint.starts_with("https"));
            AwsError::unanswered(action, kind, fault.problem)
        };
        let answer = request.body(body).send().await.map_err(|error| broken(&error))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.bytes().await.map_err(|error| broken(&error))?;
        if status >= 400 {
            self.note_clock(&headers);
        }
        Ok((status, headers, text.to_vec()))
    }

    /// The header fields of a signature.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
    async fn sign(
        &self,
        (method, url): (&str, &str),
        fields: &[(&str, &str)],
        body: &str,
    ) -> Result<Vec<(String, String)>> {
        let provider = self.config.credentials_provider().context("no credentials are set")?;
        let identity = provider.provide_credentials().await?.into();
        let time = self.clock.get().map_or_else(SystemTime::now, |clock| clock.now().into());
        let settings = SigningSettings::default();
        let parameters = match &self.scope {
            Scope::Region(region) => v4::SigningParams::builder()
                .identity(&identity)
                .region(region)
                .name(self.service.name)
                .time(time)
                .settings(settings)
                .build()?
                .into(),
            Scope::Everywhere => v4a::SigningParams::builder()
                .identity(&identity)
                .region_set("*")
                .name(self.service.name)
                .time(time)
                .settings(settings)
                .build()?
                .into(),
        };
        let request = SignableRequest::new(method, url, fields.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Learns AWS's time from an answer: a request that is sent again is signed by it.
    fn note_clock(&self, headers: &HeaderMap) {
        let date = headers.get("date").and_then(|date| DateTime::from_str(date.to_str().ok()?, Format::HttpDate).ok());
        let Some(theirs) = date.and_then(|date| SystemTime::try_from(date).ok()) else { return };
        let theirs = OffsetDateTime::from(theirs);
        // Within a minute nothing is refused, and the field has whole seconds only.
        let differs = (theirs - OffsetDateTime::now_utc()).abs() > time::Duration::MINUTE;
        self.clock.set(differs.then(|| Clock::told(theirs)));
    }
}

/// The member of an answer. What this release does not know of an enumeration is an error that names it.
pub(crate) fn one<T: DeserializeOwned>(answer: &Value, name: &str) -> Result<T> {
    let value = answer.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| {
        let words = error.to_string();
        match words.strip_suffix(", which this release does not know").and_then(|known| known.split_once(" is ")) {
            Some((field, value)) => UnknownValue::new(field, value).into(),
            None => anyhow!("the answer of AWS could not be read: `{name}`: {error}"),
        }
    })
}

/// The same of a list, which is empty where the answer has none.
pub(crate) fn list<T: DeserializeOwned>(answer: &Value, name: &str) -> Result<Vec<T>> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => one(answer, name),
    }
}

/// The JSON of an answer, or the refusal in it. Its code stands in a header, or in the body: `com.amazonaws.ecs#ClientException`, or with
/// an address after a colon.
#[expect(clippy::result_large_err, reason = "the error of every call")]
fn read_json(action: &'static str, status: u16, headers: &HeaderMap, text: &[u8]) -> Result<Value, AwsError> {
    let answer = serde_json::from_slice::<Value>(text);
    if status < 400 {
        return answer.map_err(|error| AwsError::unanswered(action, Kind::Broken, unreadable(&error)));
    }
    let body = answer.unwrap_or_default();
    let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = headers.get("x-amzn-errortype").and_then(|code| code.to_str().ok());
    let code = code.map_or_else(|| word("__type"), str::to_owned);
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned();
    let message = [word("message"), word("Message")].concat();
    Err(AwsError::answered(action, status, Refused { code, message }, headers))
}

/// The XML of an answer, or the refusal in it.
#[expect(clippy::result_large_err, reason = "the error of every call")]
fn read_xml(action: &'static str, status: u16, headers: &HeaderMap, text: Vec<u8>) -> Result<String, AwsError> {
    let text =
        String::from_utf8(text).map_err(|error| AwsError::unanswered(action, Kind::Broken, unreadable(&error)))?;
    if status < 400 {
        return Ok(text);
    }
    let read = roxmltree::Document::parse(&text).ok();
    let word = |name: &str| {
        let found = read.as_ref()?.descendants().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).map(str::to_owned)
    };
    let (code, message) = (word("Code").unwrap_or_default(), word("Message").unwrap_or_default());
    Err(AwsError::answered(action, status, Refused { code, message }, headers))
}

fn etag(headers: &HeaderMap) -> Option<String> {
    headers.get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned)
}

fn unreadable(error: &dyn std::error::Error) -> String {
    format!("the answer could not be read: {error}")
}

/// Where a service is: the address that was set for it or for all, else the region's.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>,
/// <https://docs.aws.amazon.com/general/latest/gr/rande.html>
fn endpoint(config: &SdkConfig, service: Service) -> String {
    if let Some(own) = own_endpoint(config, service) {
        return own;
    }
    let region = config.region().map_or("", aws_config::Region::as_ref);
    let fips = if config.use_fips() == Some(true) { "-fips" } else { "" };
    format!("https://{}{fips}.{region}.{}/", service.name, suffix(region, config.use_dual_stack() == Some(true)))
}

/// The address that was set for a service or for all, with a slash at its end.
fn own_endpoint(config: &SdkConfig, service: Service) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = config.service_config().zip(key.ok()).and_then(|(config, key)| config.load_config(key));
    let url = own.or_else(|| config.endpoint_url().map(str::to_owned))?;
    Some(format!("{}/", url.trim_end_matches('/')))
}

/// The end of host names in a region's partition.
fn suffix(region: &str, dual_stack: bool) -> &'static str {
    match (region, dual_stack) {
        (china, true) if china.starts_with("cn-") => "api.amazonwebservices.com.cn",
        (china, false) if china.starts_with("cn-") => "amazonaws.com.cn",
        (iso, _) if iso.starts_with("us-iso-") => "c2s.ic.gov",
        (iso, _) if iso.starts_with("us-isob-") => "sc2s.sgov.gov",
        (sovereign, _) if sovereign.starts_with("eusc-") => "amazonaws.eu",
        (_, true) => "api.aws",
        (_, false) => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_regions_unless_another_is_set() {
        let ecs = Service { name: "ecs", id: "ECS" };
        let config = |region: &'static str| SdkConfig::builder().region(aws_config::Region::new(region));
        assert_eq!(endpoint(&config("eu-west-1").build(), ecs), "https://ecs.eu-west-1.amazonaws.com/");
        assert_eq!(endpoint(&config("cn-north-1").build(), ecs), "https://ecs.cn-north-1.amazonaws.com.cn/");
        assert_eq!(
            endpoint(&config("us-east-1").use_fips(true).build(), ecs),
            "https://ecs-fips.us-east-1.amazonaws.com/"
        );
        assert_eq!(endpoint(&config("us-east-1").use_dual_stack(true).build(), ecs), "https://ecs.us-east-1.api.aws/");
        assert_eq!(
            endpoint(&config("us-east-1").endpoint_url("http://127.0.0.1:1").build(), ecs),
            "http://127.0.0.1:1/"
        );
    }
}
