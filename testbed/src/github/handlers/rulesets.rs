//! Rulesets: which references may not be made, moved or deleted.

use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::records::Ruleset;
use crate::github::shapes::node;

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
