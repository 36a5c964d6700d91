//! What a test sets, breaks and looks up in the server: settings, faults, the request log, issuers' keys.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Account;
use super::account::send;

/// Settings of an account. What is `None` stays as it is; `testbed/fidelity/settings.py` has the defaults.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Settings {
    /// Seconds between an update of a function and `LastUpdateStatus` Successful; 0.15 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_delay: Option<f64>,
    /// Seconds between `CreateFunction` and State Active; as `update_delay` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_delay: Option<f64>,
    /// Makes the next update fail: `{"reason": ..., "code": "InvalidImage", "function": optional}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update_failure: Option<Value>,
    /// What becomes of the next published version: `{"state": "Failed", "reason": ..., "code": ..., "delay": 0.2}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_version: Option<Value>,
    /// Seconds for which published versions are Pending; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_delay: Option<f64>,
    /// Seconds for which provisioned concurrency is `IN_PROGRESS`, that under way too; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency_delay: Option<f64>,
    /// Why provisioned concurrency that begins from now on fails; an empty text: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency_failure: Option<String>,
    /// Seconds session credentials last; what the caller asks for unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_lifetime: Option<f64>,
    /// Seconds a token of ECR's registry is good; twelve hours unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecr_token_lifetime: Option<f64>,
    /// Seconds by which the clock of AWS is ahead of this machine's; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_shift: Option<f64>,
    /// Seconds for which a new role cannot be assumed by Lambda; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_delay: Option<f64>,
    /// Seconds until a datapoint can be read, those that are there already too; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_delay: Option<f64>,
    /// Seconds until a log event can be read, those that are there already too; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_delay: Option<f64>,
    /// Seconds by which what can be read by now is ahead, see [`Account::advance`]; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch_shift: Option<f64>,
    /// Datapoints on a page of `GetMetricData`; 100,800 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_page: Option<u32>,
    /// Events on a page of `FilterLogEvents`; what the caller wants unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_page: Option<u32>,
    /// Empty pages with a token that a scan of `FilterLogEvents` begins with; 0 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_empty_pages: Option<u32>,
    /// Seconds between two states of a task of ECS or of a service deployment, those under way too; 0.05 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_delay: Option<f64>,
    /// Seconds that a minute of bake times and hooks of ECS takes, those under way too; 60 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_minute: Option<f64>,
    /// What images of other registries than ECR do: `[{"match": "proxy", "do": "exit 1"}]`; they serve unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_images: Option<Value>,
    /// The container engine that runs tasks of which no image says what it does: `{"host": "unix:///..", "registries": {"ghcr.io": ".."}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_engine: Option<Value>,
    /// Reasons for which the next calls of `RunTask` start nothing, one for each: `["RESOURCE:ENI"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs_run_failures: Option<Vec<String>>,
    /// Seconds that each phase of a build of CodeBuild takes, those under way too; 0.02 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codebuild_delay: Option<f64>,
    /// Seconds that a scan of an image takes, those under way too; 0.02 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecr_scan_delay: Option<f64>,
    /// Seconds that a preview of a lifecycle policy takes, those under way too; 0.02 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecr_preview_delay: Option<f64>,
    /// Seconds until an archived image is restored, those under way too; 0.02 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecr_restore_delay: Option<f64>,
    /// Whether `DescribeImages` answers an archived image that is named without a filter; no unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecr_describes_archived: Option<bool>,
    /// Seconds until a changed distribution is Deployed, and serves by what was changed, those under way too; 0.05 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_delay: Option<f64>,
    /// Seconds until an invalidation is Completed, and has reached the edge, those under way too; 0.05 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidation_delay: Option<f64>,
    /// Seconds for which a new key value store is PROVISIONING; 0.05 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvs_create_delay: Option<f64>,
    /// Seconds until functions see what was written to a key value store, those under way too; 0.05 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvs_delay: Option<f64>,
    /// Whether sessions may only do what their policies allow; yes unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_iam: Option<bool>,
}

/// A rule that makes requests of an account fail. `testbed/fidelity/faults.py` explains the fields.
///
/// `Fault { operation: Some("UpdateAlias".into()), status: Some(500), applied: true, ..Fault::default() }` carries
/// the first `UpdateAlias` out and answers 500.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the rule")]
pub struct Fault {
    /// `lambda`, `ecr`, `sts`, `iam`, `s3`, `cloudfront`, ...; `registry` for `/v2`, `edge` for what viewers ask of a distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// `UpdateAlias`, `BatchGetImage`, `AssumeRole`, ...; in the registry `PutManifest`, `HeadBlob`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// A regular expression searched in `METHOD /path?query`, newline, body.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// How many matching requests pass first.
    pub after: u32,
    /// How many requests it applies to: 0, the default, means 1; `u32::MAX` means all.
    #[serde(skip_serializing_if = "is_zero")]
    pub times: u32,
    /// Seconds to wait first; with `applied`, once the request was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<f64>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error's code; a usual one for the status unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The field Retry-After of the answer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Carries the request out before failing it.
    pub applied: bool,
    /// Answers a GET of Lambda as the one before it was answered: a read that lags behind a write.
    pub stale: bool,
    /// Sends half of the real answer's body, then closes the connection.
    pub truncate: bool,
    /// Resets the connection instead of answering.
    pub drop: bool,
    /// Receives the request (with `applied`: and carries it out) and answers nothing: see [`Account::held`].
    pub hold: bool,
    /// Requests that somebody else makes before this one is carried out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Hook>,
    /// Requests that somebody else makes once this one's answer is known, before it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_answer: Vec<Hook>,
}

/// A request that the server makes as somebody else in the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hook {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body, JSON or text.
    pub body: Value,
    /// The service; the one of the request that is answered unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// `X-Amz-Target` of a JSON service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Further fields of its head.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl Hook {
    /// Somebody points an alias to another version.
    #[must_use]
    pub fn move_alias(function: &str, alias: &str, version: &str) -> Self {
        Self {
            method: "PUT".to_owned(),
            path: format!("/2015-03-31/functions/{function}/aliases/{alias}"),
            body: json!({"FunctionVersion": version}),
            service: Some("lambda".to_owned()),
            target: None,
            headers: BTreeMap::new(),
        }
    }
}

/// A request that the account, or a session of it, has made.
#[derive(Clone, Debug, Deserialize)]
pub struct Request {
    /// Counts the requests of all accounts, in the order of arrival.
    pub number: u64,
    /// Seconds since 1970.
    pub time: f64,
    /// The account's id, or the key of a session of it; empty if the request was not signed.
    pub access_key: String,
    /// `lambda`, `ecr`, ...; `registry` for `/v2`.
    pub service: String,
    /// `UpdateAlias`, ...
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// The field Host.
    pub host: String,
    /// Path, decoded.
    pub path: String,
    /// Query, as sent.
    pub query: String,
    /// Names in the path (`function`, `alias`), the query, and short values of the body.
    pub params: serde_json::Map<String, Value>,
    /// The field User-Agent.
    pub user_agent: String,
    /// How it was signed: `AWS4-HMAC-SHA256`, `AWS4-ECDSA-P256-SHA256`; empty if it was not.
    pub algorithm: String,
    /// The first 2000 bytes of the body.
    pub body: String,
    /// Whether a rule's [`Hook`] made it.
    pub by_rule: bool,
    /// The answer's status; none while there is no answer, and if the connection was reset.
    pub status: Option<u16>,
    /// Seconds between the request and its answer; none while there is no answer.
    pub seconds: Option<f64>,
    /// The fault rule that applied to it.
    pub fault: Option<u64>,
}

/// An RSA key of an issuer of tokens.
#[derive(Clone, Debug, Deserialize)]
pub struct OidcKey {
    /// Its identifier.
    pub kid: String,
    /// Its public half, as `/.well-known/jwks` answers it.
    pub jwks: Value,
}

impl Account {
    /// Changes settings of this account.
    ///
    /// # Errors
    ///
    /// The server refuses them.
    pub async fn settings(&self, settings: &Settings) -> Result<()> {
        self.control("PATCH", &format!("accounts/{}/settings", self.id), &json!(settings)).await?;
        Ok(())
    }

    /// Adds fault rules for this account's requests.
    ///
    /// # Errors
    ///
    /// The server refuses them.
    pub async fn faults(&self, faults: &[Fault]) -> Result<()> {
        self.control("POST", &format!("accounts/{}/faults", self.id), &json!(faults)).await?;
        Ok(())
    }

    /// How often the rules of this account have applied, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn faults_fired(&self) -> Result<Vec<u64>> {
        let rules = self.control("GET", &format!("accounts/{}/faults", self.id), &Value::Null).await?;
        let rules = rules.as_array().cloned().unwrap_or_default();
        Ok(rules.iter().map(|rule| rule["fired"].as_u64().unwrap_or_default()).collect())
    }

    /// Waits until a rule holds a request of this account: the moment to kill the program.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn held(&self) -> Result<()> {
        self.control("GET", &format!("accounts/{}/held", self.id), &Value::Null).await?;
        Ok(())
    }

    /// Carries out what is held, late and unheard of. [`Account::clear_faults`] ends a hold without.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn release(&self) -> Result<()> {
        self.control("POST", &format!("accounts/{}/release", self.id), &Value::Null).await?;
        Ok(())
    }

    /// Removes all fault rules of this account, and resets the connections of requests that are held.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn clear_faults(&self) -> Result<()> {
        self.control("DELETE", &format!("accounts/{}/faults", self.id), &Value::Null).await?;
        Ok(())
    }

    /// The requests of this account since it was made or they were cleared, in the order of arrival.
    ///
    /// The calls of this type are among them: clear them before the part that is looked at.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn requests(&self) -> Result<Vec<Request>> {
        let requests = self.control("GET", &format!("accounts/{}/requests", self.id), &Value::Null).await?;
        serde_json::from_value(requests).context("read the request log")
    }

    /// The requests as `lambda UpdateAlias`, without those of rules: what most tests compare.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn operations(&self) -> Result<Vec<String>> {
        let requests = self.requests().await?;
        let own = requests.iter().filter(|request| !request.by_rule);
        Ok(own.map(|request| format!("{} {}", request.service, request.operation)).collect())
    }

    /// Forgets the requests of this account.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn clear_requests(&self) -> Result<()> {
        self.control("DELETE", &format!("accounts/{}/requests", self.id), &Value::Null).await?;
        Ok(())
    }

    /// Sets fields of a function's configuration that AWS sets by itself, such as `{"State": "Inactive"}`.
    ///
    /// # Errors
    ///
    /// There is no such function or version.
    pub async fn set_configuration(&self, function: &str, qualifier: &str, fields: &Value) -> Result<()> {
        let path = format!("accounts/{}/functions/{function}?qualifier={}", self.id, crate::wire::encode(qualifier));
        self.control("PATCH", &path, fields).await?;
        Ok(())
    }

    /// Sets fields of an alias's provisioned concurrency, such as `{"Status": "FAILED"}`.
    ///
    /// # Errors
    ///
    /// There is no such function, or its alias has none.
    pub async fn set_provisioned(&self, function: &str, alias: &str, fields: &Value) -> Result<()> {
        self.control("PATCH", &format!("accounts/{}/provisioned/{function}?alias={alias}", self.id), fields).await?;
        Ok(())
    }

    /// A new RSA key for an issuer of tokens (ring, which the testbed uses for TLS, cannot make one).
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn oidc_key(&self) -> Result<OidcKey> {
        let key = self.control("POST", "oidc/key", &json!({})).await?;
        serde_json::from_value(key).context("read the key")
    }

    /// A token with these claims, signed by a key of [`Account::oidc_key`].
    ///
    /// # Errors
    ///
    /// There is no such key.
    pub async fn sign_token(&self, kid: &str, claims: &Value) -> Result<String> {
        let signed = self.control("POST", "oidc/sign", &json!({"kid": kid, "claims": claims})).await?;
        signed["token"].as_str().map(str::to_owned).context("no token in the answer")
    }

    /// Makes keys of an issuer known to STS, beside those it has. Issuers are known to all accounts.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn publish_issuer_keys(&self, issuer: &str, jwks: &Value) -> Result<()> {
        self.control("POST", "oidc/issuers", &json!({"issuer": issuer, "jwks": jwks})).await?;
        Ok(())
    }

    /// Calls a control endpoint of the server; `testbed/fidelity/control.py` lists them.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = self.client.request(method, format!("{}/_testbed/{path}", self.endpoint));
        if !body.is_null() {
            request = request.body(serde_json::to_vec(body)?);
        }
        Ok(send(request).await?.ok().with_context(|| format!("_testbed/{path}"))?.json())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
