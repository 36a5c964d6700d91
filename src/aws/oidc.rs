//! The job's OIDC token, and a role assumed with it.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::settings::TokenRequest;
use crate::calls::retry::{Again, ServiceError};
use crate::net;
use crate::text::secrets::Secret;

/// The claims of GitHub's tokens that are printed, in this order. Of these AWS has condition keys for `sub` and `aud`, and since
/// January 2026 for `repository`, `repository_id`, `environment`, `ref` and `job_workflow_ref` (and for `actor`, `actor_id`,
/// `enterprise_id` and `workflow`); `iss`, `repository_owner_id` and `event_name` are for people.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
const CLAIMS: [&str; 10] = [
    "sub",
    "aud",
    "iss",
    "repository",
    "repository_id",
    "repository_owner_id",
    "environment",
    "ref",
    "job_workflow_ref",
    "event_name",
];

/// Claims with this beginning are the repository's custom properties, which an organisation may have put into its tokens.
/// <https://docs.github.com/en/actions/concepts/security/openid-connect#using-repository-custom-properties-as-oidc-claims>
const PROPERTY: &str = "repo_property_";

/// The keys of the condition that is suggested. Ids, because a name can be given up and taken by somebody else.
const CONDITION: [&str; 3] = ["aud", "repository_id", "sub"];

/// Where the job's tokens come from. Absent without `id-token: write`.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    http: reqwest::Client,
    url: Url,
    bearer: Secret,
}

/// A call to the issuer that failed.
#[derive(Debug, Error)]
#[error("ask GitHub for the job's OIDC token: {message}")]
pub(super) struct IssuerError {
    message: String,
    again: Again,
}

impl ServiceError for IssuerError {
    fn again(&self) -> Again {
        self.again
    }
}

impl Issuer {
    /// The issuer that is asked there.
    pub(super) fn at(TokenRequest { url, bearer }: &TokenRequest) -> Result<Self> {
        bearer.remember();
        let url = Url::parse(url).context("read ACTIONS_ID_TOKEN_REQUEST_URL")?;
        let http = net::client()?.timeout(Duration::from_secs(10)).build()?;
        Ok(Self { http, url, bearer: bearer.clone() })
    }

    /// A new token for this audience. Tokens live for minutes, so each use asks anew.
    pub(super) async fn token(&self, audience: &str) -> Result<Secret, IssuerError> {
        #[derive(Deserialize)]
        struct Answer {
            value: String,
        }
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("audience", audience);
        let broken = |error: &reqwest::Error| IssuerError {
            message: error.to_string().replace(self.url.as_str(), "the issuer"),
            again: Again::Broken,
        };
        let answer =
            self.http.get(url).bearer_auth(self.bearer.expose()).send().await.map_err(|error| broken(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let turned_away = status.is_server_error() || status.as_u16() == 429;
            let again = if turned_away { Again::TurnedAway(asked.map(Duration::from_secs)) } else { Again::No };
            return Err(IssuerError { message: format!("it answered {status}"), again });
        }
        let answer: Answer = answer.json().await.map_err(|error| broken(&error))?;
        Ok(Secret::new(answer.value))
    }
}

/// The claims of a token, read without verifying it: for people, never for decisions.
pub(super) fn claims(token: &str) -> Result<Map<String, Value>> {
    let Some(payload) = token.split('.').nth(1) else { bail!("the token is not a JWT") };
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).context("read the claims of the token")?;
    serde_json::from_slice(&json).context("read the claims of the token")
}

/// Why a role refused a token, and the condition of a trust policy that would accept it.
pub(super) fn explain(claims: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let known = CLAIMS.iter().filter_map(|name| Some(format!("{name} = {}", text(name)?)));
    let properties = claims.iter().filter(|(name, _)| name.starts_with(PROPERTY));
    let properties = properties
        .map(|(name, value)| format!("{name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    let label: Vec<String> = known.chain(properties).collect();
    let issuer = text("iss").unwrap_or_default().trim_start_matches("https://").to_owned();
    let condition: Vec<String> =
        CONDITION.into_iter().filter_map(|name| Some(format!("\"{issuer}:{name}\": \"{}\"", text(name)?))).collect();
    vec![
        format!("the job's token says: {}", label.join("; ")),
        format!(
            "a trust policy that accepts it has the principal {{\"Federated\": \"arn:aws:iam::<account>:oidc-provider/{issuer}\"}}, \
             the action sts:AssumeRoleWithWebIdentity and the condition {{\"StringEquals\": {{{}}}}}",
            condition.join(", ")
        ),
        "compare that with the role's trust policy: a job with `environment:` has the environment in its `sub`, not the \
         branch, and repositories made since July 2026 have ids in it"
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{assert_harmless, config, foreign};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_token_is_explained_or_passed_over(message in foreign()) {
            let _ = claims(&message);
            let payload = URL_SAFE_NO_PAD.encode(serde_json::json!({"sub": message, "aud": [message], "iss": message, "repo_property_a": [message]}).to_string());
            let read = claims(&format!("a.{payload}.b")).unwrap();
            for line in explain(&read) {
                assert_harmless(&crate::text::Foreign::new(line).for_message(1000));
            }
        }
    }
}
