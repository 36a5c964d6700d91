//! Events as API Gateway and load balancers send them to functions.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::form_urlencoded;

use super::values::UrlPath;

/// What a function is used to being invoked with.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// API Gateway's HTTP APIs and function URLs, payload format 2.0.
    #[default]
    ApigwV2,
    /// API Gateway's REST APIs, and HTTP APIs with payload format 1.0.
    ApigwV1,
    /// An application load balancer.
    Alb,
    /// The payload as it is; the whole of what is returned is the body.
    Raw,
}

/// A request as it arrives at the gateway.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a UrlPath,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<&'a str>,
}

impl EventKind {
    /// The event for a request. `Raw` has none of its own.
    #[must_use]
    pub fn event(self, request: &Request<'_>) -> Value {
        match self {
            Self::ApigwV2 => apigw_v2(request),
            Self::ApigwV1 => apigw_v1(request),
            Self::Alb => alb(request),
            Self::Raw => json!({}),
        }
    }
}

fn by_name(request: &Request<'_>) -> Map<String, Value> {
    let known = [("host", "deploy-action.invalid"), ("user-agent", crate::net::USER_AGENT)];
    let known = known.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    let given = request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str().into()));
    known.chain(given).collect()
}

/// The query's parameters; the last of several values, `null` for no query.
fn query(query: &str) -> Value {
    if query.is_empty() {
        return Value::Null;
    }
    let pairs = form_urlencoded::parse(query.as_bytes());
    Value::Object(pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect())
}

/// Each value as a list of one.
fn as_lists(values: &Value) -> Value {
    match values.as_object() {
        Some(values) => Value::Object(values.iter().map(|(name, value)| (name.clone(), json!([value]))).collect()),
        None => Value::Null,
    }
}

/// Milliseconds since 1970, and the time as a web server's log has it.
fn now() -> (i64, String) {
    let now = OffsetDateTime::now_utc();
    let month: String = now.month().to_string().chars().take(3).collect();
    let (hour, minute, second) = now.to_hms();
    let label = format!("{:02}/{month}/{}:{hour:02}:{minute:02}:{second:02} +0000", now.day(), now.year());
    (now.unix_timestamp() * 1000, label)
}

fn apigw_v2(request: &Request<'_>) -> Value {
    let (path, raw_query) = request.path.parts();
    let (epoch, time) = now();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": raw_query,
        "headers": by_name(request),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "deploy-action",
            "domainName": "deploy-action.invalid",
            "domainPrefix": "deploy-action",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": crate::net::USER_AGENT,
            },
            "requestId": "deploy-action",
            "routeKey": "$default",
            "stage": "$default",
            "time": time,
            "timeEpoch": epoch,
        },
        "isBase64Encoded": false,
    });
    if !raw_query.is_empty() {
        event["queryStringParameters"] = query(raw_query);
    }
    if let Some(body) = request.body {
        event["body"] = body.into();
    }
    event
}

fn apigw_v1(request: &Request<'_>) -> Value {
    let (path, raw_query) = request.path.parts();
    let (epoch, time) = now();
    let (headers, query) = (Value::Object(by_name(request)), query(raw_query));
    json!({
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "multiValueHeaders": as_lists(&headers),
        "headers": headers,
        "multiValueQueryStringParameters": as_lists(&query),
        "queryStringParameters": query,
        "pathParameters": { "proxy": path.trim_start_matches('/') },
        "stageVariables": null,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "deploy-action",
            "domainName": "deploy-action.invalid",
            "httpMethod": request.method,
            "identity": { "sourceIp": "127.0.0.1", "userAgent": crate::net::USER_AGENT },
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": "deploy-action",
            "requestTime": time,
            "requestTimeEpoch": epoch,
            "resourcePath": "/{proxy+}",
            "stage": "$default",
        },
        "body": request.body,
        "isBase64Encoded": false,
    })
}

fn alb(request: &Request<'_>) -> Value {
    let (path, raw_query) = request.path.parts();
    let query = if raw_query.is_empty() { json!({}) } else { query(raw_query) };
    json!({
        "requestContext": { "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/deploy-action/0" } },
        "httpMethod": request.method,
        "path": path,
        "queryStringParameters": query,
        "headers": by_name(request),
        "body": request.body.unwrap_or_default(),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_path_query_headers_and_body() {
        let path: UrlPath = "/health?deep=1&x=a%20b".parse().unwrap();
        let request =
            Request { method: "GET", path: &path, headers: vec![("X-Key".to_owned(), "1".to_owned())], body: None };
        let v2 = EventKind::ApigwV2.event(&request);
        assert_eq!(v2["rawPath"], "/health");
        assert_eq!(v2["requestContext"]["http"]["method"], "GET");
        assert_eq!(v2["queryStringParameters"]["x"], "a b");
        assert_eq!(v2["headers"]["x-key"], "1");
        let v1 = EventKind::ApigwV1.event(&request);
        assert_eq!((&v1["path"], &v1["body"]), (&json!("/health"), &Value::Null));
        assert_eq!(v1["multiValueQueryStringParameters"]["deep"], json!(["1"]));
        let alb = EventKind::Alb.event(&request);
        assert_eq!((&alb["path"], &alb["body"]), (&json!("/health"), &json!("")));
    }
}
