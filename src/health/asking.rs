//! How an address is asked once, and what it must answer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::expectation::Expectation;
use super::json::JsonExpectations;
use super::values::{Body, ExpectedVersion, Headers, Method, Pattern, Pause, Statuses, VersionFrom};
use crate::action::inputs::{HttpUrl, Lines, Number};

/// Where to ask and what the answer must be, whenever and however often that is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Asking {
    /// Addresses to ask, one a line. All must be healthy; they are asked at the same time.
    pub url: Option<Lines<HttpUrl>>,
    /// How long one attempt may take, redirections and body included. An invocation may take as long as the function's own
    /// timeout.
    #[serde(default = "super::inputs::defaults::request_timeout")]
    pub request_timeout: Pause,
    /// How long making a connection may take.
    #[serde(default = "super::inputs::defaults::connect_timeout")]
    pub connect_timeout: Pause,
    /// Statuses that are good: numbers and ranges, `200,204,300-399`. Without it, `200` where the answer has a status: a function with
    /// `event: raw` may return none.
    pub expect_status: Option<Statuses>,
    /// The version that must answer. Of a commit, seven digits are enough.
    pub expect_version: Option<ExpectedVersion>,
    /// Where to read the version from. Without it, `executed-version` for a function, `json:/commit` for `url`.
    pub version_from: Option<VersionFrom>,
    /// What the JSON of the body must hold, as YAML. A pointer, and a value, a `/pattern/` or a comparison such as `"< 50"`; a number without
    /// quotes is also equal to text that is written like it.
    pub expect_json: Option<JsonExpectations>,
    /// A regular expression that must be found in the body.
    pub expect_body: Option<Pattern>,
    /// The longest time a good answer may take.
    pub max_latency: Option<Pause>,
    /// Method of the request.
    #[serde(default = "super::inputs::defaults::method")]
    pub method: Method,
    /// Headers of the request, `Name: value` a line. Their values are masked.
    pub headers: Option<Headers>,
    /// Body of the request. Never shown.
    pub body: Option<Body>,
    /// How many redirections are followed.
    #[serde(default = "super::inputs::defaults::follow_redirects")]
    pub follow_redirects: Number<0, 10>,
}

impl Asking {
    /// What an answer must be. A version is read from `json:/commit` of an address where nothing else is said.
    #[must_use]
    pub fn expectation(&self) -> Expectation {
        let otherwise = match (&self.url, &self.expect_version) {
            (None, _) => Some(VersionFrom::Executed),
            (Some(_), Some(_)) => Some(VersionFrom::Json("/commit".to_owned())),
            (Some(_), None) => None,
        };
        Expectation {
            status: self.expect_status.clone(),
            body: self.expect_body.clone(),
            json: self.expect_json.clone().unwrap_or_default(),
            version: self.expect_version.clone(),
            version_from: self.version_from.clone().or(otherwise),
            max_latency: self.max_latency.map(|most| most.0),
        }
    }
}
