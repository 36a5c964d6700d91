//! What a registry answers when it does not do what was asked.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use thiserror::Error;

use super::challenge::Challenge;
use crate::aws::{self, AwsError, denied};
use crate::calls::{Again, ServiceError, innermost};
use crate::net::retry_after::retry_after;
use crate::oci::EcrRegistry;
use crate::text::{Foreign, message};

/// A refused or failed call to a registry.
#[derive(Clone, Debug, Error)]
#[error("{text}")]
pub struct RegistryError {
    /// What kind of refusal it is.
    pub kind: Kind,
    /// The registry.
    pub host: String,
    pub(super) challenge: Option<Box<Challenge>>,
    /// What was to be done there, if that is known: reading at the source, writing at the destination.
    pub access: Option<Access>,
    /// The action of ECR that was refused.
    pub action: Option<Box<str>>,
    /// Whether it was tried again already, as often as that makes sense.
    settled: bool,
    text: Box<str>,
}

/// What may be done with a repository: the scope that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Pull,
    /// Reading and writing.
    Push,
}

/// Kinds of refusals, as far as code branches on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It requires authentication, or refuses the credentials.
    Unauthorized,
    /// It offers only ways to log in that we do not know.
    UnknownLogin,
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
    /// It has no such operation.
    Unsupported,
    /// Too many requests; the pause it asks for.
    Limited(Option<Duration>),
    /// What it sent is not what its digest says.
    Corrupt,
    /// It sends us where nobody should go.
    Untrusted,
    /// It sends us from https to http.
    Unencrypted,
    /// No usable answer.
    Broken,
}

impl RegistryError {
    pub(super) fn new(kind: Kind, host: &str, text: impl Into<String>) -> Self {
        let (host, text) = (host.to_owned(), text.into().into());
        Self { kind, host, challenge: None, access: None, action: None, settled: false, text }
    }

    /// A refusal of this kind, for tests.
    #[cfg(test)]
    pub(crate) fn of_kind(kind: Kind, host: &str) -> Self {
        Self::new(kind, host, "refused")
    }

    /// No answer, or half of one. The URL is left out: it may be signed.
    pub(super) fn broken(host: &str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        Self::new(Kind::Broken, host, format!("no usable answer from {}: {}", label(host), innermost(&error)))
    }

    /// An answer of another status than the one expected.
    pub(super) fn from_answer(host: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let first = &answer["errors"][0];
        let code = first["code"].as_str().unwrap_or_default();
        let plain = String::from_utf8_lossy(body);
        let message = first["message"].as_str().unwrap_or_else(|| plain.trim());
        let words: Vec<String> = [status.as_u16().to_string(), code.to_owned(), Foreign::new(message).for_message(300)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let mut text =
            message!("registry-answered", "{} answered {}", label(host), without_account(host, &words.join(" ")));
        let challenges = headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let challenge = Challenge::read(challenges);
        let mut kind = kind(status, code, message, pause(headers));
        if let (Kind::Unauthorized, Some(Challenge::Unknown(schemes))) = (&kind, &challenge) {
            text = format!("{text} (it offers {})", Foreign::new(schemes).for_message(100));
            kind = Kind::UnknownLogin;
        }
        let action = denied(message).0.filter(|action| action.starts_with("ecr:")).map(Into::into);
        Self { challenge: challenge.map(Box::new), action, ..Self::new(kind, host, text) }
    }

    /// A refusal of ECR's own API, of a write.
    pub(super) fn of_aws(host: &str, error: &AwsError) -> Self {
        let kind = match (error.kind, error.code.as_str()) {
            (_, "ImageTagAlreadyExistsException" | "ImageAlreadyExistsException") => Kind::TagExists,
            (_, "ImageDigestDoesNotMatchException") => Kind::Corrupt,
            (_, "RepositoryNotFoundException") => Kind::NoRepository,
            (aws::Kind::Denied, _) => Kind::Denied,
            (aws::Kind::Credentials | aws::Kind::Clock, _) => Kind::Unauthorized,
            (aws::Kind::Throttled(pause), _) => Kind::Limited(pause),
            (aws::Kind::TimedOut | aws::Kind::Broken, _) => Kind::Broken,
            _ => Kind::Invalid,
        };
        let words = format!("{} {}", error.code, error.message.for_message(300));
        let words = without_account(host, words.trim());
        let text = if kind == Kind::Broken {
            format!("no usable answer from {}: {words}", label(host))
        } else {
            message!("registry-answered", "{} answered {}", label(host), words)
        };
        let action = (kind == Kind::Denied).then(|| error.operation.into());
        Self { access: Some(Access::Push), action, ..Self::new(kind, host, text) }
    }

    /// The same, when this was to be done, unless something else was: writing a blob reads it elsewhere.
    pub(super) fn at(self, access: Access) -> Self {
        Self { access: self.access.or(Some(access)), ..self }
    }

    /// The same, after all the tries that there are.
    pub(super) fn settled(self) -> Self {
        Self { settled: true, ..self }
    }

    /// Whether another request could be taken, of the same caller.
    pub(super) fn is_about_the_request(&self) -> bool {
        matches!(self.kind, Kind::Denied | Kind::NotFound | Kind::NoRepository | Kind::Invalid | Kind::Unsupported)
    }

    /// Whether it is for want of a login to this registry, for this.
    pub(super) fn is_at(&self, host: &str, access: Access) -> bool {
        self.kind == Kind::Unauthorized && self.host == host && self.access.is_none_or(|found| found == access)
    }

    /// The same, about a request that ECR judges as this action: answers to HEAD have no body that could name it.
    pub(super) fn about(self, action: &str) -> Self {
        Self { action: self.action.or_else(|| Some(action.into())), ..self }
    }
}

impl ServiceError for RegistryError {
    fn again(&self) -> Again {
        match self.kind {
            _ if self.settled => Again::No,
            Kind::Limited(pause) => Again::TurnedAway(pause),
            Kind::Broken => Again::Broken,
            _ => Again::No,
        }
    }
}

/// The registry's refusal behind an error.
#[must_use]
pub fn registry_refusal(error: &anyhow::Error) -> Option<&RegistryError> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// How long it asks to be left alone.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text("retry-after")?, text("date"))
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
        (405 | 501, _) => Kind::Unsupported,
        (408, _) => Kind::Broken,
        (400..=499, _) => Kind::Invalid,
        _ => Kind::Broken,
    }
}

/// A registry for people: ECR's without the account.
pub(super) fn label(host: &str) -> &str {
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
        RegistryError::from_answer(host, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
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
            (405, envelope("UNSUPPORTED"), Kind::Unsupported),
            (501, String::new(), Kind::Unsupported),
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
        let text = refused(ECR, 404, body).to_string();
        assert_eq!(
            text,
            "ECR answered 404 NAME_UNKNOWN The repository with name 'a' does not exist in the registry with id '*'"
        );
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_body_is_a_refusal_of_bounded_length(body in foreign(), status in 300..600_u16) {
            let text = refused(ECR, status, &body).to_string();
            prop_assert!(text.len() < 1000, "{} bytes", text.len());
        }
    }
}
