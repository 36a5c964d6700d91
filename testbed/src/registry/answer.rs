//! The errors of the distribution specification.

use serde_json::json;

use crate::wire::Answer;

/// A route's result: both sides are answers, so that a refusal can be returned with `?`.
pub(super) type Reply = Result<Answer, Answer>;

/// An `errors` list with one error.
pub(super) fn refusal(status: u16, code: &str, message: impl Into<String>) -> Answer {
    let message: String = message.into();
    Answer::json(status, &json!({"errors": [{"code": code, "message": message, "detail": null}]}))
}
