//! Names of secrets and variables: of the repository, its environments and its organization. No call gives a secret's value.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;

/// When they were made.
const MADE: &str = "2026-01-05T09:00:00Z";

pub(crate) fn secrets(call: &mut Call<'_>) -> Reply {
    list(call, "secrets", "")
}

pub(crate) fn variables(call: &mut Call<'_>) -> Reply {
    list(call, "variables", "")
}

pub(crate) fn organization_secrets(call: &mut Call<'_>) -> Reply {
    list(call, "secrets", "organization")
}

pub(crate) fn organization_variables(call: &mut Call<'_>) -> Reply {
    list(call, "variables", "organization")
}

pub(crate) fn environment_secrets(call: &mut Call<'_>) -> Reply {
    let scope = environment(call)?;
    list(call, "secrets", &scope)
}

pub(crate) fn environment_variables(call: &mut Call<'_>) -> Reply {
    let scope = environment(call)?;
    list(call, "variables", &scope)
}

fn environment(call: &Call<'_>) -> Result<String, Answer> {
    let name = call.parameter("environment_name");
    let found = call.repository.environments.keys().find(|known| known.eq_ignore_ascii_case(name));
    found.map(|name| format!("environment {name}")).ok_or_else(Answer::not_found)
}

fn list(call: &Call<'_>, kind: &str, scope: &str) -> Reply {
    let all = call.repository.names.get(&(kind.to_owned(), scope.to_owned())).cloned().unwrap_or_default();
    Ok(call.counted(&all, kind, |name| {
        let mut shape = json!({"name": name, "created_at": MADE, "updated_at": MADE});
        if kind == "variables" {
            shape["value"] = Value::from("a value");
        }
        shape
    }))
}
