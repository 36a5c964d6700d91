//! What the event that started the run says of where its code comes from.
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use serde_json::Value;

/// Whether a head is in another repository than the one that the run is in; so is one whose repository was deleted, and one of
/// which that is not known.
#[must_use]
pub fn is_elsewhere(head_repository: &Value, repository: &Value) -> bool {
    repository["id"].is_null() || head_repository["id"] != repository["id"]
}

/// Whether the run has this repository's token and secrets for a head that is in another one: a `pull_request_target` of a fork, or
/// a `workflow_run` after one. Whoever may open a pull request decides what such a head holds.
///
/// <https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/>
#[must_use]
pub fn trusts_a_foreign_head(name: &str, payload: impl FnOnce() -> Value) -> bool {
    let head = match name {
        "pull_request_target" => "/pull_request/head/repo",
        "workflow_run" => "/workflow_run/head_repository",
        _ => return false,
    };
    let payload = payload();
    is_elsewhere(payload.pointer(head).unwrap_or(&Value::Null), &payload["repository"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_head_is_foreign_unless_it_is_known_to_be_of_this_repository() {
        let target = |head: Value| json!({"repository": {"id": 1}, "pull_request": {"head": {"repo": head}}});
        let run = |head: Value| json!({"repository": {"id": 1}, "workflow_run": {"head_repository": head}});
        let (own, other) = (json!({"id": 1}), json!({"id": 2}));
        let table = [
            ("pull_request_target", target(own.clone()), false),
            ("pull_request_target", target(other.clone()), true),
            ("pull_request_target", target(Value::Null), true),
            ("pull_request_target", Value::Null, true),
            ("workflow_run", run(own), false),
            ("workflow_run", run(other.clone()), true),
            // Its token is the fork's, and GitHub gives it no secrets.
            ("pull_request", target(other), false),
            ("push", Value::Null, false),
        ];
        for (name, payload, expected) in table {
            assert_eq!(trusts_a_foreign_head(name, || payload.clone()), expected, "{name} {payload}");
        }
    }
}
