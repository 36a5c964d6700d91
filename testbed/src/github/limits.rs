//! Rate limits: the headers of every answer, and the refusals.

use serde_json::{Value, json};

use super::answer::Answer;
use super::clock::Seconds;

/// The hourly budget of a `GITHUB_TOKEN` in one repository.
const PER_HOUR: u32 = 1_000;

#[derive(Debug, Clone)]
pub(crate) struct Limits {
    limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: Seconds,
    secondary: Option<Secondary>,
}

/// A secondary limit: met by the next `times` requests.
#[derive(Debug, Clone)]
struct Secondary {
    times: u32,
    status: u16,
    retry_after: Option<u32>,
}

impl Limits {
    pub(crate) fn new(now: Seconds) -> Self {
        Self { limit: PER_HOUR, remaining: PER_HOUR, reset: now + 3_600, secondary: None }
    }

    pub(crate) fn set(&mut self, remaining: u32, reset: Seconds) {
        self.limit = self.limit.max(remaining);
        self.remaining = remaining;
        self.reset = reset;
    }

    pub(crate) fn set_secondary(&mut self, times: u32, status: u16, retry_after: Option<u32>) {
        self.secondary = Some(Secondary { times, status, retry_after });
    }

    /// The refusal this request meets, if any; `None` takes one request from the budget.
    pub(crate) fn refuse(&mut self, now: Seconds) -> Option<Answer> {
        if let Some(secondary) = &mut self.secondary
            && secondary.times > 0
        {
            secondary.times -= 1;
            let refusal = Answer::error(
                secondary.status,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            );
            return Some(match secondary.retry_after {
                Some(after) => refusal.header("retry-after", after.to_string()),
                None => refusal,
            });
        }
        if now >= self.reset {
            self.remaining = self.limit;
            self.reset = now + 3_600;
        }
        if self.remaining == 0 {
            return Some(Answer::error(403, "API rate limit exceeded for installation."));
        }
        self.remaining -= 1;
        None
    }

    /// Gives back the request that an unchanged answer (304) does not cost.
    pub(crate) fn give_back(&mut self) {
        self.remaining = self.limit.min(self.remaining + 1);
    }

    pub(crate) fn headers(&self) -> [(&'static str, String); 5] {
        [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
            ("x-ratelimit-reset", self.reset.to_string()),
            ("x-ratelimit-used", (self.limit - self.remaining).to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
        ]
    }

    /// `GET /rate_limit`, which costs nothing.
    pub(crate) fn overview(&self) -> Value {
        let core = json!({
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": self.reset,
            "used": self.limit - self.remaining,
        });
        let search = json!({"limit": 30, "remaining": 30, "reset": self.reset, "used": 0});
        json!({"resources": {"core": core, "search": search}, "rate": core})
    }
}
