//! What a deployment request does before it makes a deployment: merge, and look at the commit's checks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::statuses::newest_per_context;
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::compare::compare;
use crate::github::objects::{NewCommit, Person};

/// `auto_merge`: merges the default branch into `git_ref` when that is behind. `None` when there is nothing to merge; else
/// the answer that replaces the deployment: 202 after a merge, 409 when it conflicts or `git_ref` is no branch.
pub(crate) fn default_branch_into(call: &mut Call<'_>, git_ref: &str, sha: &str) -> Option<Reply> {
    let default = call.repository.default_branch.clone();
    let upstream = call.repository.refs.get(&format!("heads/{default}"))?.clone();
    let objects = &call.repository.objects;
    let (base, head) = (objects.place(sha)?, objects.place(&upstream)?);
    let comparison = compare(objects, base, head);
    if comparison.ahead.is_empty() {
        return None;
    }
    let conflict = || Some(Err(Answer::error(409, format!("Conflict merging {default} into {git_ref}."))));
    let name = git_ref.trim_start_matches("refs/").trim_start_matches("heads/");
    let branch = format!("heads/{name}");
    if !call.repository.refs.contains_key(&branch) {
        return conflict();
    }
    let empty = Arc::default();
    let ancestor = comparison.merge_base.map_or(&empty, |at| &objects.commits[at].files);
    let (ours, theirs) = (&objects.commits[base].files, &objects.commits[head].files);
    let mut merged = (**ours).clone();
    for path in ours.keys().chain(theirs.keys()) {
        let (before, mine, other) = (ancestor.get(path), ours.get(path), theirs.get(path));
        if mine == other || other == before {
            continue;
        }
        if mine != before {
            return conflict();
        }
        match other {
            Some(blob) => merged.insert(path.clone(), blob.clone()),
            None => merged.remove(path),
        };
    }
    let commit = call.repository.objects.add_commit(NewCommit {
        parents: vec![base, head],
        message: format!("Merge {default} into {name}"),
        author: Person { name: call.actor.clone(), email: format!("{}@users.noreply.github.com", call.actor) },
        date: call.shared.now(),
        verified: true,
        files: Arc::new(merged),
    });
    call.repository.refs.insert(branch, commit);
    Some(Ok(Answer::json(202, &json!({"message": format!("Auto-merged {default} into {name} on deployment.")}))))
}

/// `required_contexts`: the contexts that must be green on the commit; all that exist when the request names none.
pub(crate) fn required_contexts(call: &Call<'_>, git_ref: &str, sha: &str) -> Result<(), Answer> {
    let mut seen: Vec<(String, String)> = newest_per_context(&call.repository.statuses, sha)
        .into_iter()
        .map(|status| (status.context.clone(), status.state.clone()))
        .collect();
    for run in call.repository.checks.iter().filter(|run| run.head_sha == sha) {
        let state = match run.conclusion.as_deref() {
            Some("success" | "neutral" | "skipped") => "success",
            Some(_) => "failure",
            None => "pending",
        };
        seen.push((run.name.clone(), state.to_owned()));
    }
    let required: Option<Vec<&str>> = call
        .body
        .get("required_contexts")
        .and_then(Value::as_array)
        .map(|contexts| contexts.iter().filter_map(Value::as_str).collect());
    let green = match &required {
        None => seen.iter().all(|(_, state)| state == "success"),
        Some(names) => {
            names.iter().all(|name| seen.iter().any(|(context, state)| context == name && state == "success"))
        }
    };
    if green {
        return Ok(());
    }
    let contexts: Vec<_> = seen.iter().map(|(context, state)| json!({"context": context, "state": state})).collect();
    Err(Answer::json(
        409,
        &json!({
            "message": format!("Conflict: Commit status checks failed for {git_ref}."),
            "errors": [{
                "contexts": contexts,
                "resource": "Deployment",
                "field": "required_contexts",
                "code": "invalid",
            }],
            "documentation_url": "https://docs.github.com/rest/deployments/deployments#create-a-deployment",
            "status": "409",
        }),
    ))
}
