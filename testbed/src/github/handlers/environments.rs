//! Environments of a repository.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::Environment;
use crate::github::shapes::node;
use crate::github::state::{Repository, Shared};
use crate::wire::encode;

/// Makes the environment when there is none of that name yet: unprotected, as GitHub does for an unknown name.
pub(crate) fn mention<'a>(shared: &mut Shared, repository: &'a mut Repository, name: &str) -> &'a mut Environment {
    repository.environments.entry(name.to_owned()).or_insert_with(|| Environment {
        id: shared.next_id(),
        name: name.to_owned(),
        created: shared.now(),
        wait_minutes: 0,
    })
}

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let all: Vec<_> = call.repository.environments.values().collect();
    Ok(call.counted(&all, "environments", |environment| shape(call, environment)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let environment = call.repository.environments.get(call.parameter("environment_name"));
    let environment = environment.ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(shape(call, environment)))
}

fn shape(call: &Call<'_>, environment: &Environment) -> Value {
    let rules = match environment.wait_minutes {
        0 => json!([]),
        minutes => json!([{
            "id": environment.id, "node_id": node("GA", environment.id), "type": "wait_timer", "wait_timer": minutes,
        }]),
    };
    let name = encode(&environment.name);
    json!({
        "id": environment.id,
        "node_id": node("EN", environment.id),
        "name": environment.name,
        "url": format!("{}/environments/{name}", call.url()),
        "html_url": format!(
            "{}/deployments/activity_log?environments_filter={name}",
            call.urls.page(call.repository),
        ),
        "created_at": rfc3339(environment.created),
        "updated_at": rfc3339(environment.created),
        "protection_rules": rules,
        "deployment_branch_policy": null,
    })
}
