//! Environments of a repository.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::{BranchPolicy, Environment};
use crate::github::shapes::{self, node};
use crate::github::state::{Repository, Shared};
use crate::wire::encode;

/// Makes the environment when there is none of that name yet: unprotected, as GitHub does for an unknown name.
pub(crate) fn mention<'a>(shared: &mut Shared, repository: &'a mut Repository, name: &str) -> &'a mut Environment {
    repository.environments.entry(name.to_owned()).or_insert_with(|| Environment {
        id: shared.next_id(),
        name: name.to_owned(),
        created: shared.now(),
        wait_minutes: 0,
        reviewers: Vec::new(),
        branches: None,
    })
}

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let all: Vec<_> = call.repository.environments.values().cloned().collect();
    let shapes: Vec<Value> = all.iter().map(|environment| shape(call, environment)).collect();
    Ok(call.counted(&shapes, "environments", Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let environment = named(call)?;
    Ok(Answer::ok(shape(call, &environment)))
}

/// The branches and tags it may be deployed from, where they are named.
pub(crate) fn branch_policies(call: &mut Call<'_>) -> Reply {
    let environment = named(call)?;
    let Some(BranchPolicy::Named(names)) = &environment.branches else { return Err(Answer::not_found()) };
    let numbered: Vec<_> = (1_u64..).zip(names).collect();
    Ok(call.counted(
        &numbered,
        "branch_policies",
        |(id, (name, kind))| json!({"id": id, "node_id": node("BP", *id), "name": name, "type": kind}),
    ))
}

fn named(call: &Call<'_>) -> Result<Environment, Answer> {
    let environment = call.repository.environments.get(call.parameter("environment_name"));
    environment.cloned().ok_or_else(Answer::not_found)
}

fn shape(call: &mut Call<'_>, environment: &Environment) -> Value {
    let mut rules = Vec::new();
    let rule = |kind: &str| json!({"id": environment.id, "node_id": node("GA", environment.id), "type": kind});
    if environment.wait_minutes > 0 {
        let mut wait = rule("wait_timer");
        wait["wait_timer"] = json!(environment.wait_minutes);
        rules.push(wait);
    }
    if !environment.reviewers.is_empty() {
        let mut required = rule("required_reviewers");
        let people = environment.reviewers.iter().map(|login| shapes::user(call.shared, &call.urls, login));
        required["prevent_self_review"] = json!(false);
        required["reviewers"] = people.map(|user| json!({"type": "User", "reviewer": user})).collect();
        rules.push(required);
    }
    let policy = match &environment.branches {
        None => Value::Null,
        Some(policy) => {
            rules.push(rule("branch_policy"));
            let named = matches!(policy, BranchPolicy::Named(_));
            json!({"protected_branches": !named, "custom_branch_policies": named})
        }
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
        "deployment_branch_policy": policy,
    })
}
