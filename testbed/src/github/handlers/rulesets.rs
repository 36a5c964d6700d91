//! Rulesets: which references may not be made, moved or deleted.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::Ruleset;
use crate::github::shapes::node;
use crate::github::state::Repository;

/// Without conditions and rules, which only the reading of one ruleset tells.
pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let targets = call.query("targets").map(|asked| asked.split(',').map(str::to_owned).collect::<Vec<_>>());
    let wanted = |ruleset: &Ruleset| targets.as_ref().is_none_or(|asked| asked.contains(&ruleset.target));
    let found: Vec<Ruleset> = call.repository.rulesets.iter().filter(|ruleset| wanted(ruleset)).cloned().collect();
    let shapes: Vec<Value> = found.iter().map(|ruleset| shape(call, ruleset)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let id = call.id("ruleset_id")?;
    let ruleset = call.repository.rulesets.iter().find(|ruleset| ruleset.id == id).cloned();
    let ruleset = ruleset.ok_or_else(Answer::not_found)?;
    let mut whole = shape(call, &ruleset);
    whole["conditions"] = json!({"ref_name": {"include": ruleset.include, "exclude": ruleset.exclude}});
    whole["rules"] = ruleset.rules.iter().map(|rule| json!({"type": rule})).collect();
    Ok(Answer::ok(whole))
}

/// The rulesets that are enforced for a branch.
pub(super) fn of_branch<'a>(repository: &'a Repository, branch: &str) -> impl Iterator<Item = &'a Ruleset> {
    let (name, is_default) = (format!("refs/heads/{branch}"), branch == repository.default_branch);
    let matches = move |pattern: &String| match pattern.as_str() {
        "~ALL" => true,
        "~DEFAULT_BRANCH" => is_default,
        other => other.strip_suffix('*').map_or(*other == name, |begin| name.starts_with(begin)),
    };
    repository.rulesets.iter().filter(move |ruleset| {
        let is_in_force = ruleset.target == "branch" && ruleset.enforcement == "active";
        is_in_force && ruleset.include.iter().any(&matches) && !ruleset.exclude.iter().any(&matches)
    })
}

/// The rules in force for a branch, wherever they come from.
pub(crate) fn for_branch(call: &mut Call<'_>) -> Reply {
    let rules: Vec<Value> = of_branch(call.repository, call.parameter("branch"))
        .flat_map(|ruleset| {
            ruleset.rules.iter().map(|rule| {
                let mut shape = json!({
                    "type": rule, "ruleset_source_type": "Repository",
                    "ruleset_source": call.repository.full_name(), "ruleset_id": ruleset.id,
                });
                if rule == "required_status_checks" {
                    let checks: Vec<Value> = ruleset.checks.iter().map(|context| json!({"context": context})).collect();
                    shape["parameters"] =
                        json!({"required_status_checks": checks, "strict_required_status_checks_policy": false});
                }
                if rule == "pull_request" {
                    shape["parameters"] = json!({
                        "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
                        "require_last_push_approval": false, "required_approving_review_count": 1,
                        "required_review_thread_resolution": false,
                    });
                }
                shape
            })
        })
        .collect();
    Ok(call.paged(&rules, Clone::clone))
}

fn shape(call: &Call<'_>, ruleset: &Ruleset) -> Value {
    json!({
        "id": ruleset.id,
        "name": ruleset.name,
        "target": ruleset.target,
        "source_type": "Repository",
        "source": call.repository.full_name(),
        "enforcement": ruleset.enforcement,
        "node_id": node("RRS", ruleset.id),
        "_links": {"self": {"href": format!("{}/rulesets/{}", call.url(), ruleset.id)}},
        "created_at": rfc3339(ruleset.created_at),
        "updated_at": rfc3339(ruleset.created_at),
    })
}
