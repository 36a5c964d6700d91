//! The errors that GitHub words the same way everywhere, and other answers of its own.

use serde_json::{Value, json};

pub(crate) use crate::wire::Answer;

/// A route's result: both sides are answers, so that a refusal can be returned with `?`.
pub(crate) type Reply = Result<Answer, Answer>;

#[expect(clippy::needless_pass_by_value, reason = "bodies are made for their answer")]
impl Answer {
    pub(in crate::github) fn ok(body: Value) -> Self {
        Self::json(200, &body)
    }

    pub(in crate::github) fn created(body: Value) -> Self {
        Self::json(201, &body)
    }

    pub(in crate::github) fn no_content() -> Self {
        Self::empty(204)
    }

    /// A `basic-error`: message, documentation and the status as a string.
    pub(in crate::github) fn error(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(
            status,
            &json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            }),
        )
    }

    pub(in crate::github) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// A 422 that names the field, as `validation-error` has it.
    pub(in crate::github) fn invalid(resource: &str, field: &str, code: &str) -> Self {
        Self::unprocessable(&json!([{"resource": resource, "field": field, "code": code}]))
    }

    /// A 422 with a sentence about the field (`code` is `custom`).
    pub(in crate::github) fn invalid_because(resource: &str, field: &str, message: &str) -> Self {
        Self::unprocessable(&json!([{
            "resource": resource, "field": field, "code": "custom", "message": message,
        }]))
    }

    fn unprocessable(errors: &Value) -> Self {
        Self::json(
            422,
            &json!({
                "message": "Validation Failed",
                "errors": errors,
                "documentation_url": "https://docs.github.com/rest",
                "status": "422",
            }),
        )
    }
}
