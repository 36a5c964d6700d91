//! The inputs of the health check that several steps take.

use schemars::JsonSchema;
use serde::Deserialize;

use super::asking::Asking;
use super::event::EventKind;
use super::expectation::Expectation;
use super::schedule::{Jitter, Schedule};
use super::values::{Method, Pause, Payload, Statuses, UrlPath, VersionFrom};
use crate::action::inputs::{Number, Problems};
use crate::lambda::TenantId;
use crate::text::message;

/// Where and how to ask, and what the answer must be. `attempts`, `function` and `alias` belong to the step that takes these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HealthInputs {
    /// Where to ask, and what the answer must be.
    #[serde(flatten)]
    pub asking: Asking,
    /// What a function is asked for. Without it, `/health`.
    pub path: Option<UrlPath>,
    /// The event to invoke a function with, in place of a request for `path`.
    pub payload: Option<Payload>,
    /// What kind of event a function expects and how its answer is read. Without it, `apigw-v2`, or `raw` with `payload`.
    pub event: Option<EventKind>,
    /// The tenant to invoke a function with tenant isolation for.
    pub tenant_id: Option<TenantId>,
    /// Wait after the first failed attempt; it doubles after each further one.
    #[serde(default = "defaults::base_wait")]
    pub base_wait: Pause,
    /// The longest wait between two attempts. A server's `Retry-After` is kept up to it.
    #[serde(default = "defaults::max_wait")]
    pub max_wait: Pause,
    /// Whether waits vary: `full` makes each anything up to its length.
    #[serde(default)]
    pub jitter: Jitter,
    /// Consecutive good answers required to be healthy, `base-wait` apart.
    #[serde(default = "defaults::success_threshold")]
    pub success_threshold: Number<1, 100>,
    /// Statuses that end the check when they come `fail-fast-after` times in a row; `none` for none.
    #[serde(default = "defaults::fail_fast_status")]
    pub fail_fast_status: Statuses,
    /// How often in a row: for these statuses and for certificates that are not trusted. `0` for never.
    #[serde(default = "defaults::fail_fast_after")]
    pub fail_fast_after: Number<0, 100>,
}

pub(super) mod defaults {
    use super::{Method, Number, Pause, Statuses};

    pub(in crate::health) fn base_wait() -> Pause {
        Pause::seconds(1)
    }

    pub(in crate::health) fn max_wait() -> Pause {
        Pause::seconds(60)
    }

    pub(in crate::health) fn success_threshold() -> Number<1, 100> {
        Number(1)
    }

    pub(in crate::health) fn request_timeout() -> Pause {
        Pause::seconds(10)
    }

    pub(in crate::health) fn connect_timeout() -> Pause {
        Pause::seconds(5)
    }

    pub(in crate::health) fn method() -> Method {
        Method(reqwest::Method::GET)
    }

    pub(in crate::health) fn fail_fast_status() -> Statuses {
        Statuses::of(&[400, 401, 403, 404, 405, 410])
    }

    pub(in crate::health) fn fail_fast_after() -> Number<0, 100> {
        Number(3)
    }

    pub(in crate::health) fn follow_redirects() -> Number<0, 10> {
        Number(0)
    }
}

impl HealthInputs {
    /// What must hold between these inputs and the number of attempts, whatever the step.
    pub fn check(&self, attempts: u32, problems: &mut Problems) {
        problems.add_if(
            self.success_threshold.0 > attempts,
            format!(
                "input `success-threshold` ({}) is more than `attempts` ({attempts}): so it can never be reached",
                self.success_threshold
            ),
        );
        let (base, most) = (self.base_wait, self.max_wait);
        problems.add_if(most < base, format!("input `max-wait` ({most}) is shorter than `base-wait` ({base})"));
        for (name, span) in
            [("request-timeout", self.asking.request_timeout), ("connect-timeout", self.asking.connect_timeout)]
        {
            problems.add_if(span.0.is_zero(), message!("input-must-be", "input `{name}` must be longer than 0s"));
        }
        self.check_event(problems);
        self.check_version(problems);
    }

    fn check_event(&self, problems: &mut Problems) {
        if self.payload.is_some() {
            problems.add_if(
                self.path.is_some(),
                "give either `path` or `payload`: a payload is sent to the function as it is",
            );
        } else if self.event == Some(EventKind::Raw) {
            problems.add("with `event: raw`, give the `payload` to invoke the function with");
        }
        problems.add_if(
            self.asking.url.is_none() && self.asking.follow_redirects.0 > 0,
            "input `follow-redirects` is only of use with `url`",
        );
    }

    fn check_version(&self, problems: &mut Problems) {
        let executed = matches!(self.asking.version_from, Some(VersionFrom::Executed));
        problems.add_if(
            executed && self.asking.url.is_some(),
            "`version-from: executed-version` comes from invocations, not from a `url`: give `json:`, `header:` or `body:`",
        );
        if let (None, Some(VersionFrom::Executed) | None, Some(version)) =
            (&self.asking.url, &self.asking.version_from, &self.asking.expect_version)
        {
            problems.add_if(
                version.as_str().parse::<crate::lambda::Version>().is_err(),
                "input `expect-version` must be the number of a published version: that is what an invocation tells; for a commit set \
                 `version-from`, e.g. `json:/commit`",
            );
        }
    }

    /// True when anything was given that says where to ask or what to expect.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asking.url.is_some()
            || self.path.is_some()
            || self.payload.is_some()
            || self.event.is_some()
            || self.asking.expect_version.is_some()
            || self.asking.version_from.is_some()
            || self.asking.expect_json.is_some()
            || self.asking.expect_body.is_some()
            || self.asking.max_latency.is_some()
            || self.asking.expect_status.is_some()
    }

    /// The kind of event a function is invoked with.
    #[must_use]
    pub fn event_kind(&self) -> EventKind {
        let otherwise = if self.payload.is_some() { EventKind::Raw } else { EventKind::ApigwV2 };
        self.event.unwrap_or(otherwise)
    }

    /// What an answer must be.
    #[must_use]
    pub fn expectation(&self) -> Expectation {
        self.asking.expectation()
    }

    /// When to ask.
    #[must_use]
    pub fn schedule(&self, attempts: u32) -> Schedule {
        Schedule { base: self.base_wait.0, most: self.max_wait.0, jitter: self.jitter, attempts }
    }
}
