//! What a registry answers when it does not do what was asked.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use thiserror::Error;

use super::challenge::Challenge;
use crate::aws::denied;
use crate::calls::retry::{Again, ServiceError};
use crate::oci::EcrRegistry;
use crate::text::secrets;

/// A refused or failed call to a registry.
#[derive(Clone, Debug, Error)]
#[error("{told}")]
pub struct RegistryError {
    /// What kind of refusal it is.
    pub kind: Kind,
    /// The registry.
    pub host: String,
    pub(super) challenge: Option<Challenge>,
    /// The action of ECR that was refused.
    action: Option<Box<str>>,
    told: Box<str>,
}

/// Kinds of refusals, as far as code branches on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It wants to know who asks, or does not know them.
    Unauthorized,
    /// Whoever asks may not do this.
    Denied,
    /// There is no such repository.
    NoRepository,
    /// There is no such image or blob.
    NotFound,
    /// The tag exists and may not be written again. ECR says so even when it would stay on the same image
    /// (<https://github.com/aws/containers-roadmap/issues/2179>).
    TagExists,
    /// The request is refused for what it says.
    Invalid,
    /// Too many requests; the pause it asks for.
    Limited(Option<Duration>),
    /// What it sent is not what its digest says.
    Corrupt,
    /// It sends us where nobody should go.
    Untrusted,
    /// No usable answer.
    Broken,
}

impl RegistryError {
    pub(super) fn new(kind: Kind, host: &str, told: impl Into<String>) -> Self {
        Self { kind, host: host.to_owned(), challenge: None, action: None, told: told.into().into() }
    }

    /// No answer, or half of one. The URL is left out: it may be signed.
    pub(super) fn broken(host: &str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(inner) = innermost.source() {
            innermost = inner;
        }
        Self::new(Kind::Broken, host, format!("no usable answer from {}: {innermost}", shown(host)))
    }

    /// An answer of another status than the one expected.
    pub(super) fn refused(host: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let first = &answer["errors"][0];
        let code = first["code"].as_str().unwrap_or_default();
        let plain = String::from_utf8_lossy(body);
        let message = first["message"].as_str().unwrap_or_else(|| plain.trim());
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let words: Vec<String> = [status.as_u16().to_string(), code.to_owned(), secrets::excerpt(message, 300)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let told = format!("{} answered {}", shown(host), without_account(host, &words.join(" ")));
        let challenge = header("www-authenticate").and_then(Challenge::read);
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let action = denied(message).0.filter(|action| action.starts_with("ecr:")).map(Into::into);
        Self { challenge, action, ..Self::new(kind(status, code, message, retry_after), host, told) }
    }

    /// The same, about a request that ECR judges as this action: answers to HEAD have no body that could name it.
    pub(super) fn about(self, action: &str) -> Self {
        Self { action: self.action.or_else(|| Some(action.into())), ..self }
    }
}

impl ServiceError for RegistryError {
    fn again(&self) -> Again {
        match self.kind {
            Kind::Limited(pause) => Again::TurnedAway(pause),
            Kind::Broken => Again::Broken,
            _ => Again::No,
        }
    }

    fn advice(&self) -> Vec<String> {
        let ecr = EcrRegistry::from_host(&self.host).is_some();
        let advice = match self.kind {
            Kind::Denied if ecr && self.action.is_some() => {
                let action = self.action.as_deref().unwrap_or_default();
                return vec![format!(
                    "allow {action} on this repository to the role of this job (docs/permissions.md has the policy of each step); \
                     in another account its repository policy must allow it too"
                )];
            }
            Kind::Unauthorized | Kind::Denied if ecr => {
                "allow the role of this job the ecr actions that docs/permissions.md lists for promote-artifact, on this repository; \
                 in another account its repository policy must allow them too"
            }
            Kind::Unauthorized | Kind::Denied if self.host == "ghcr.io" => {
                "give the job `packages: read` and the package access to this repository, or give `source-username` and `source-password`"
            }
            Kind::Unauthorized | Kind::Denied => {
                "give `source-username` and `source-password`, and check what they may read"
            }
            Kind::Limited(_) => {
                "the registry turned the calls away as too many: run the step again, which is safe; or lower `max-parallel`"
            }
            Kind::Broken => "run the step again, which is safe: what is there already is not sent again",
            Kind::Corrupt => {
                "run the step again; if it stays so, the registry or something before it damages what it sends"
            }
            Kind::Untrusted => "ask who runs the registry; behind a proxy, name it with `registry-endpoint`",
            Kind::NoRepository | Kind::NotFound | Kind::TagExists | Kind::Invalid => return Vec::new(),
        };
        vec![advice.to_owned()]
    }
}

/// The registry's refusal behind an error.
#[must_use]
pub fn registry_refusal(error: &anyhow::Error) -> Option<&RegistryError> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

fn kind(status: StatusCode, code: &str, message: &str, retry_after: Option<Duration>) -> Kind {
    match (status.as_u16(), code) {
        (429, _) | (_, "TOOMANYREQUESTS") => Kind::Limited(retry_after),
        (401, _) => Kind::Unauthorized,
        // ECR answers 403 for a token that has ended, in plain text.
        (403, _) if message.contains("Authorization Token has expired") => Kind::Unauthorized,
        (403, _) => Kind::Denied,
        (404, "NAME_UNKNOWN") => Kind::NoRepository,
        (404, _) => Kind::NotFound,
        (400..=499, "TAG_INVALID") => Kind::TagExists,
        (408, _) => Kind::Broken,
        (400..=499, _) => Kind::Invalid,
        _ => Kind::Broken,
    }
}

/// A registry for people: ECR's without the account.
pub(super) fn shown(host: &str) -> &str {
    if EcrRegistry::from_host(host).is_some() { "ECR" } else { host }
}

/// ECR names the account in its messages; nothing of ours may.
fn without_account(host: &str, text: &str) -> String {
    EcrRegistry::from_host(host).map_or_else(|| text.to_owned(), |registry| text.replace(&registry.account, "*"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    const ECR: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";

    fn refused(host: &str, status: u16, body: &str) -> RegistryError {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        headers.insert("www-authenticate", "Basic realm=\"x\"".parse().unwrap());
        RegistryError::refused(host, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn refusals_are_told_apart() {
        let envelope = |code: &str| format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"m\"}}]}}");
        let table = [
            (401, envelope("UNAUTHORIZED"), Kind::Unauthorized),
            (403, envelope("DENIED"), Kind::Denied),
            (403, "Your Authorization Token has expired. Please run".to_owned(), Kind::Unauthorized),
            (404, envelope("NAME_UNKNOWN"), Kind::NoRepository),
            (404, envelope("MANIFEST_UNKNOWN"), Kind::NotFound),
            (404, String::new(), Kind::NotFound),
            (400, envelope("TAG_INVALID"), Kind::TagExists),
            (405, envelope("UNSUPPORTED"), Kind::Invalid),
            (429, String::new(), Kind::Limited(Some(Duration::from_secs(7)))),
            (400, envelope("TOOMANYREQUESTS"), Kind::Limited(Some(Duration::from_secs(7)))),
            (500, "<html>".to_owned(), Kind::Broken),
            (302, String::new(), Kind::Broken),
        ];
        for (status, body, kind) in table {
            assert_eq!(refused(ECR, status, &body).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_names_no_account() {
        let body = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"The repository with name 'a' does not exist in the \
                    registry with id '111122223333'\"}]}";
        let told = refused(ECR, 404, body).to_string();
        assert_eq!(
            told,
            "ECR answered 404 NAME_UNKNOWN The repository with name 'a' does not exist in the registry with id '*'"
        );
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_body_is_a_refusal_of_bounded_length(body in foreign(), status in 300..600_u16) {
            let told = refused(ECR, status, &body).to_string();
            prop_assert!(told.len() < 1000, "{} bytes", told.len());
        }
    }
}
