//! Requests against GitHub's own description: names of queries and properties, types, required ones.
//!
//! GitHub ignores what it does not know; a deployer that misspells `auto_inactive` is wrong all the same.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::routes::Route;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../github-openapi/github.json")).unwrap_or(Value::Null));

/// What is wrong with a request to this route; empty when nothing is.
pub(crate) fn violations(route: &Route, query: &BTreeMap<String, String>, body: &Value) -> Vec<String> {
    let template = route.template();
    let operation = &DESCRIPTION["paths"][&template][route.method.to_lowercase()];
    let line = format!("{} {template}", route.method);
    let known = operation["query"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<String> = query
        .keys()
        .filter(|name| !known.iter().any(|known| known == name.as_str()))
        .map(|name| format!("{line}: unknown query parameter {name:?}"))
        .collect();
    match operation.get("request") {
        Some(schema) => check(schema, body, "body", &mut found),
        None if body.is_null() => {}
        None => found.push("a body where none is taken".to_owned()),
    }
    for problem in &mut found {
        if !problem.starts_with(&line) {
            *problem = format!("{line}: {problem}");
        }
    }
    found
}

fn check(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = DESCRIPTION.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
        return check(target, value, place, found);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let fits = |choice: &Value| {
                let mut inner = Vec::new();
                check(choice, value, place, &mut inner);
                inner.is_empty()
            };
            if !choices.iter().any(fits) {
                found.push(format!("{place} fits none of its forms"));
            }
        }
    }
    if !has_type(&schema["type"], value) {
        found.push(format!("{place} must be {}", schema["type"]));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{place} must be one of {}", schema["enum"]));
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        check_members(schema, properties, members, place, found);
    }
    if let Some(items) = value.as_array() {
        for (at, item) in items.iter().enumerate() {
            check(&schema["items"], item, &format!("{place}/{at}"), found);
        }
    }
}

fn check_members(
    schema: &Value,
    properties: &Map<String, Value>,
    members: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (name, member) in members {
        match properties.get(name) {
            Some(property) => check(property, member, &format!("{place}/{name}"), found),
            None if schema.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false)) => {}
            None => found.push(format!("{place} has the unknown property {name:?}")),
        }
    }
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{place} lacks {name:?}"));
        }
    }
}

fn has_type(kind: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    };
    match kind {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
