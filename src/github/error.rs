//! What GitHub answers when it does not do what was asked.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::calls::{Again, ServiceError, innermost};
use crate::text::Foreign;
use crate::text::{clock_after, human_duration, message, message_str};

/// The pause after a secondary rate limit that names none
/// (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).
const SECONDARY_PAUSE: Duration = Duration::from_mins(1);

/// A refused or failed call to GitHub.
#[derive(Clone, Debug, Error)]
#[error("{text}")]
pub struct GithubError {
    /// What kind of refusal it is.
    pub kind: Kind,
    text: String,
}

/// Kinds of refusals, as far as code branches on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no usable token or repository; nothing was sent.
    Unusable,
    /// The token is wrong, or has expired: that of a GitHub App lasts an hour.
    BadToken,
    /// The token may not do this; the permission that is missing, when GitHub names it.
    Denied(Option<String>),
    /// Not there, or not visible to this token.
    NotFound,
    /// Switched off in this repository: issues.
    Gone,
    /// A rate limit; the pause it asks for.
    Limited(Duration),
    /// The request is wrong, or conflicts with something: 409, 422.
    Invalid,
    /// The name of the tag cannot have a release any more: one that is immutable used it up, though it was deleted.
    TagName,
    /// It leads elsewhere, and not to what belongs to the API: the token is not sent there.
    Moved,
    /// Nobody may do this, whatever the token may: what to do about it.
    Closed(&'static str),
    /// The repository has no such commit, branch or tag.
    NoRef,
    /// No usable answer.
    Broken,
}

impl Kind {
    /// The permission that is missing, as a workflow gives it: `deployments: write`.
    #[must_use]
    pub fn permission(&self) -> Option<String> {
        match self {
            // What stands before and after a semicolon is good alone, and names are written as workflows write them.
            Self::Denied(Some(needed)) => {
                let one = |needed: &str| needed.trim().replace('=', ": ").replace(',', ", ").replace('_', "-");
                Some(needed.split(';').map(one).collect::<Vec<_>>().join(" or "))
            }
            _ => None,
        }
    }
}

impl GithubError {
    /// GitHub's refusal among the causes of an error, if it is one.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Option<&Self> {
        error.chain().find_map(|cause| cause.downcast_ref())
    }

    /// True when an error is such a refusal.
    #[must_use]
    pub fn is(error: &anyhow::Error, kind: &Kind) -> bool {
        Self::of(error).is_some_and(|refusal| refusal.kind == *kind)
    }

    /// True when what was sent may have been done, and nobody knows: there was no answer, or none that can be read.
    #[must_use]
    pub fn is_unanswered(error: &anyhow::Error) -> bool {
        Self::is(error, &Kind::Broken) || error.chain().any(<dyn Error>::is::<serde_json::Error>)
    }

    pub(super) fn unusable(text: &str) -> Self {
        Self { kind: Kind::Unusable, text: text.to_owned() }
    }

    pub(super) fn broken(what: &str, error: &(dyn Error + 'static)) -> Self {
        let text = format!("{what}: no usable answer from GitHub: {}", innermost(error));
        Self { kind: Kind::Broken, text }
    }

    pub(super) fn too_large(what: &str, most: usize) -> Self {
        Self { kind: Kind::Invalid, text: format!("{what}: GitHub's answer is larger than {most} bytes") }
    }

    pub(super) fn from_answer(what: &str, status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let message = answer["message"].as_str().unwrap_or("no message").to_owned();
        let details: Vec<String> = answer["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error["message"].as_str().or(error["code"].as_str()).map(str::to_owned))
            .collect();
        let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
        let kind = kind(status, headers, &message, &answer["errors"]);
        let hint = match &kind {
            Kind::Limited(pause) => {
                let clock = clock_after(*pause).map(|clock| format!(", at {clock}")).unwrap_or_default();
                format!(" (the limit ends in {}{clock})", human_duration(*pause))
            }
            refused => refused.permission().map(|needed| format!(" (it takes `{needed}`)")).unwrap_or_default(),
        };
        Self {
            text: message!(
                "github-answered",
                "{what}: GitHub answered {}: {}{}{hint}",
                status.as_u16(),
                Foreign::new(message).for_message(300),
                Foreign::new(details).for_message(300)
            ),
            kind,
        }
    }
}

impl ServiceError for GithubError {
    fn again(&self) -> Again {
        match self.kind {
            Kind::Limited(pause) => Again::TurnedAway(Some(pause)),
            Kind::Broken => Again::Broken,
            _ => Again::No,
        }
    }

    fn advice(&self) -> Vec<String> {
        let advice = match &self.kind {
            Kind::Unusable => Some(
                "give the step a token, `token: ${{ github.token }}`, which is the default of action.yml".to_owned(),
            ),
            Kind::BadToken => Some(
                message_str!("token-expired", "the token has expired or is wrong: a GitHub App's lasts one hour, the job's own until the job ends; make a new one just \
                 before this step, or give `token: ${{ github.token }}`")
                    .to_owned(),
            ),
            kind @ Kind::Denied(Some(_)) => Some(message!(
                "missing-github-permission", "give the job the permission `{}` under `permissions:`",
                kind.permission().unwrap_or_default()
            )),
            Kind::Denied(None) => {
                Some("give the job the permissions that docs/permissions.md lists for this step".to_owned())
            }
            Kind::NotFound => {
                Some("check the name; for a private repository the token needs `contents: read`".to_owned())
            }
            Kind::Gone => Some("this is switched off in the settings of the repository".to_owned()),
            Kind::Limited(_) => {
                Some(message_str!("github-rate-limit", "GitHub's rate limit resets only after this step's deadline: run the step again later").to_owned())
            }
            Kind::Broken => Some("GitHub did not answer: run the step again, which is safe".to_owned()),
            Kind::Moved => Some("the repository was renamed or moved: write its name as it is now".to_owned()),
            Kind::Closed(advice) => Some((*advice).to_owned()),
            Kind::Invalid | Kind::TagName | Kind::NoRef => None,
        };
        advice.into_iter().collect()
    }
}

/// What GitHub says where no permission would help, and what does.
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
const CLOSED: [(&str, &str); 4] = [
    ("archived so is read-only", "the repository is archived: unarchive it in its settings, or write elsewhere"),
    (
        "SAML enforcement",
        "authorize the token for the organization's single sign-on, or give the job's own: `${{ github.token }}`",
    ),
    (
        "IP allow list",
        "the organization's list of allowed addresses leaves out this runner: run the job on one that is on it",
    ),
    ("account is suspended", "the account that the token belongs to is suspended: give the token of another"),
];

fn kind(status: StatusCode, headers: &HeaderMap, message: &str, errors: &Value) -> Kind {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if matches!(status.as_u16(), 403 | 429) {
        if let Some(pause) = header("retry-after").and_then(|seconds| seconds.parse().ok()) {
            return Kind::Limited(Duration::from_secs(pause));
        }
        if header("x-ratelimit-remaining") == Some("0") {
            // The reset is a time of GitHub's clock, which the answer tells: the runner's may be wrong.
            let now = header("date").and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
            let now = now.unwrap_or_else(OffsetDateTime::now_utc).unix_timestamp();
            let reset = header("x-ratelimit-reset").and_then(|second| second.parse::<i64>().ok());
            let left = reset.and_then(|reset| reset.checked_sub(now)).and_then(|left| u64::try_from(left).ok());
            return Kind::Limited(Duration::from_secs(left.unwrap_or_default().saturating_add(1)));
        }
        if status.as_u16() == 429 || message.to_lowercase().contains("secondary rate limit") {
            return Kind::Limited(SECONDARY_PAUSE);
        }
    }
    let closed = CLOSED.iter().find(|(words, _)| message.contains(words));
    if let Some((_, advice)) = closed.filter(|_| matches!(status.as_u16(), 401 | 403)) {
        return Kind::Closed(advice);
    }
    // The same field is named for a tag that GitHub does not take.
    let burnt = |error: &Value| {
        let used_up = error["message"].as_str().is_some_and(|message| message.contains("immutable release"));
        error["field"] == "tag_name" && error["code"] != "already_exists" && used_up
    };
    match status.as_u16() {
        300..=399 => Kind::Moved,
        401 => Kind::BadToken,
        403 => Kind::Denied(header("x-accepted-github-permissions").map(str::to_owned)),
        404 => Kind::NotFound,
        410 => Kind::Gone,
        422 if message.starts_with("No ref found") => Kind::NoRef,
        422 if errors.as_array().into_iter().flatten().any(burnt) => Kind::TagName,
        400..=499 => Kind::Invalid,
        _ => Kind::Broken,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    #[test]
    fn limits_are_told_from_missing_permissions() {
        let kind_of = |status: u16, pairs: &[(&'static str, &'static str)], message: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            let body = format!("{{\"message\":\"{message}\"}}");
            GithubError::from_answer("x", StatusCode::from_u16(status).unwrap(), &headers, &body).kind
        };
        let permission = [("x-accepted-github-permissions", "deployments=write")];
        assert_eq!(
            kind_of(403, &permission, "Resource not accessible by integration"),
            Kind::Denied(Some("deployments=write".to_owned()))
        );
        assert_eq!(kind_of(403, &[("retry-after", "7")], "slow down"), Kind::Limited(Duration::from_secs(7)));
        assert_eq!(kind_of(403, &[], "You have exceeded a secondary rate limit"), Kind::Limited(SECONDARY_PAUSE));
        assert_eq!(
            kind_of(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")], "API rate limit exceeded"),
            Kind::Limited(Duration::from_secs(1))
        );
        let by_its_own_clock = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1772366405"),
            ("date", "Sun, 01 Mar 2026 12:00:00 GMT"),
        ];
        assert_eq!(kind_of(403, &by_its_own_clock, "API rate limit exceeded"), Kind::Limited(Duration::from_secs(6)));
        let beyond = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "18446744073709551615")];
        assert_eq!(kind_of(403, &beyond, "API rate limit exceeded"), Kind::Limited(Duration::from_secs(1)));
        assert_eq!(kind_of(401, &[], "Bad credentials"), Kind::BadToken);
        assert_eq!(kind_of(422, &[], "Validation Failed"), Kind::Invalid);
        assert_eq!(kind_of(422, &[], "No ref found for: 8f3c1b2"), Kind::NoRef);
        assert_eq!(kind_of(502, &[], "x"), Kind::Broken);
        assert_eq!(kind_of(301, &[("location", "https://elsewhere.example/")], "Moved Permanently"), Kind::Moved);
        for message in ["Repository was archived so is read-only.", "Sorry. Your account is suspended"] {
            assert!(matches!(kind_of(403, &permission, message), Kind::Closed(_)), "{message}");
        }
    }

    #[test]
    fn a_tag_name_that_cannot_have_a_release_is_told_from_one_that_has_one() {
        let kind_of = |code: &str, message: &str| {
            let errors =
                serde_json::json!([{"resource": "Release", "field": "tag_name", "code": code, "message": message}]);
            kind(StatusCode::UNPROCESSABLE_ENTITY, &HeaderMap::new(), "Validation Failed", &errors)
        };
        let used_up = "tag_name was used by an immutable release";
        let table = [
            ("custom", used_up, Kind::TagName),
            ("already_exists", used_up, Kind::Invalid),
            ("custom", "tag_name is not a valid tag", Kind::Invalid),
            ("custom", "tag_name is not well-formed", Kind::Invalid),
            ("invalid", "", Kind::Invalid),
        ];
        for (code, message, expected) in table {
            assert_eq!(kind_of(code, message), expected, "{code}: {message}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_answer_is_a_refusal_of_bounded_length(body in foreign(), message in foreign(), status in 300..600_u16) {
            let status = StatusCode::from_u16(status).unwrap();
            let json = serde_json::json!({"message": message, "errors": [{"message": message}, {"code": message}]});
            for body in [body.clone(), json.to_string()] {
                let text = GithubError::from_answer("what", status, &HeaderMap::new(), &body).to_string();
                prop_assert!(text.len() < 1000, "{} bytes", text.len());
            }
        }

        #[test]
        fn any_pause_is_read_or_passed_over(
            value in prop_oneof![any::<u64>().prop_map(|n| n.to_string()), "[ -~]{0,24}"],
            name in prop::sample::select(&["retry-after", "x-ratelimit-reset"][..]),
        ) {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-remaining", "0".parse().unwrap());
            headers.insert(name, value.parse().unwrap());
            prop_assert!(matches!(kind(StatusCode::FORBIDDEN, &headers, "", &Value::Null), Kind::Limited(_)));
        }
    }
}
