//! Answers, and the errors GitHub words the same way everywhere.

use serde_json::{Value, json};

/// What a route answers before headers common to all answers are added.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Text(String),
}

/// A route's result: both sides are answers, so that a refusal can be returned with `?`.
pub(crate) type Reply = Result<Answer, Answer>;

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn created(body: Value) -> Self {
        Self::json(201, body)
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Body::Empty }
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Text(body.into()) }
    }

    /// A `basic-error`: message, documentation and the status as a string.
    pub(crate) fn error(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(
            status,
            json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            }),
        )
    }

    pub(crate) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// A 422 that names the field, as `validation-error` has it.
    pub(crate) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self::unprocessable(&json!([{"resource": resource, "field": field, "code": code}]))
    }

    /// A 422 with a sentence about the field (`code` is `custom`).
    pub(crate) fn invalid_because(resource: &str, field: &str, message: &str) -> Self {
        Self::unprocessable(&json!([{
            "resource": resource, "field": field, "code": "custom", "message": message,
        }]))
    }

    fn unprocessable(errors: &Value) -> Self {
        Self::json(
            422,
            json!({
                "message": "Validation Failed",
                "errors": errors,
                "documentation_url": "https://docs.github.com/rest",
                "status": "422",
            }),
        )
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
