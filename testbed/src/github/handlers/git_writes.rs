//! Trees, commits and references, as the Git data API makes and moves them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{commits, refs};
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::compare::compare;
use crate::github::objects::{NewCommit, Person};

/// A tree on top of another: entries are added, replaced, or taken away where `sha` is null.
pub(crate) fn create_tree(call: &mut Call<'_>) -> Reply {
    let mut files = match call.text("base_tree") {
        Some(base) => {
            let found = call.repository.objects.files_of(base);
            (*found.ok_or_else(|| Answer::error(422, "base_tree is not a valid tree"))?).clone()
        }
        None => std::collections::BTreeMap::default(),
    };
    for entry in call.body["tree"].as_array().cloned().unwrap_or_default() {
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let (path, sha) = (word("path"), word("sha"));
        let is_submodule = word("mode") == "160000";
        if path.is_empty() || is_submodule != (word("type") == "commit") {
            return Err(Answer::error(422, "tree.mode and tree.type do not fit"));
        }
        if entry["sha"].is_null() && entry["content"].is_null() {
            files.remove(&path);
        } else if let Some(content) = entry["content"].as_str() {
            let blob = call.repository.objects.add_blob(content.as_bytes());
            files.insert(path, blob);
        } else if is_submodule || call.repository.objects.blobs.contains_key(&sha) {
            files.insert(path, sha);
        } else {
            return Err(Answer::error(422, format!("tree.sha {sha} is not a valid blob")));
        }
    }
    let tree = call.repository.objects.add_files(&Arc::new(files));
    Ok(Answer::created(commits::tree_shape(call, &tree, false)))
}

pub(crate) fn create_commit(call: &mut Call<'_>) -> Reply {
    let message = call.required("Commit", "message")?;
    let tree = call.required("Commit", "tree")?;
    let files = call.repository.objects.files_of(&tree);
    let files = files.ok_or_else(|| Answer::error(422, "Tree SHA does not exist"))?;
    let parents: Vec<&str> = call.body["parents"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let places: Option<Vec<usize>> = parents.iter().map(|sha| call.repository.objects.place(sha)).collect();
    let parents = places.ok_or_else(|| Answer::error(422, "Parent SHA does not exist or is not a commit object"))?;
    // Without an author it is the token's; GitHub signs what an app makes so.
    let email = format!("{}@users.noreply.github.com", call.actor);
    let sha = call.repository.objects.add_commit(NewCommit {
        parents,
        message,
        author: Person { name: call.actor.clone(), email },
        date: call.shared.now(),
        verified: true,
        files,
    });
    let commit = call.repository.objects.commit(&sha).ok_or_else(Answer::not_found)?;
    Ok(Answer::created(commits::git_shape(call, commit)))
}

/// Only forward, unless forced; never a branch that rules protect from pushes.
pub(crate) fn update_ref(call: &mut Call<'_>) -> Reply {
    let name = call.parameter("ref").to_owned();
    let to = call.required("Reference", "sha")?;
    let objects = &call.repository.objects;
    let Some(now) = call.repository.refs.get(&name) else {
        return Err(Answer::error(422, "Reference does not exist"));
    };
    let Some(at) = objects.place(&to) else { return Err(Answer::error(422, "Object does not exist")) };
    let forward = objects.place(now).is_some_and(|now| compare(objects, now, at).behind == 0);
    if !forward && call.flag("force") != Some(true) {
        return Err(Answer::error(422, "Update is not a fast forward"));
    }
    let branch = name.strip_prefix("heads/").unwrap_or_default();
    if super::rulesets::of_branch(call.repository, branch)
        .any(|ruleset| ruleset.rules.iter().any(|rule| rule == "pull_request"))
    {
        let why = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";
        return Err(Answer::error(422, why));
    }
    call.repository.refs.insert(name.clone(), to.clone());
    Ok(Answer::ok(refs::shape(call, &name, &to)))
}

/// A file or a submodule of a commit; of a folder what is in it.
pub(crate) fn contents(call: &mut Call<'_>) -> Reply {
    let path = call.parameter("path").to_owned();
    let name = call.query("ref").unwrap_or(&call.repository.default_branch).to_owned();
    let objects = &call.repository.objects;
    let commit = call.repository.resolve(&name).and_then(|sha| objects.commit(&sha));
    let commit = commit.ok_or_else(|| Answer::error(404, format!("No commit found for the ref {name}")))?;
    if let Some(sha) = commit.files.get(&path) {
        return Ok(Answer::ok(content(call, &path, &name, sha, &commit.files)?));
    }
    let inside = format!("{path}/");
    let listed: Vec<Value> = commit
        .files
        .iter()
        .filter(|(file, _)| file.strip_prefix(&inside).is_some_and(|rest| !rest.contains('/')))
        .filter_map(|(file, sha)| {
            let mut entry = content(call, file, &name, sha, &commit.files).ok()?;
            for name in ["content", "encoding", "submodule_git_url"] {
                entry.as_object_mut()?.remove(name);
            }
            Some(entry)
        })
        .collect();
    if listed.is_empty() {
        return Err(Answer::not_found());
    }
    Ok(Answer::ok(listed.into()))
}

fn content(
    call: &Call<'_>,
    path: &str,
    git_ref: &str,
    sha: &str,
    files: &crate::github::objects::Files,
) -> Result<Value, Answer> {
    use base64::Engine as _;
    let (url, page) = (call.url(), call.urls.page(call.repository));
    let own = format!("{url}/contents/{path}?ref={git_ref}");
    let short = path.rsplit('/').next().unwrap_or(path);
    let blobs = &call.repository.objects.blobs;
    let Some(bytes) = blobs.get(sha) else {
        let address = submodule_url(blobs, files, path).ok_or_else(Answer::not_found)?;
        // Only what is on GitHub has these addresses.
        let of_github =
            address.strip_prefix("https://github.com/").map(|name| name.trim_end_matches(".git").to_owned());
        let git = of_github.as_ref().map(|name| format!("{}/repos/{name}/git/trees/{sha}", call.urls.api));
        let html = of_github.as_ref().map(|name| format!("{}/{name}/tree/{sha}", call.urls.html));
        return Ok(json!({
            "name": short, "path": path, "sha": sha, "size": 0, "url": own, "html_url": html, "git_url": git,
            "download_url": null, "type": "submodule", "submodule_git_url": address,
            "_links": {"self": own, "git": git, "html": html},
        }));
    };
    let (git, html) = (format!("{url}/git/blobs/{sha}"), format!("{page}/blob/{git_ref}/{path}"));
    Ok(json!({
        "name": short, "path": path, "sha": sha, "size": bytes.len(), "url": own, "html_url": html, "git_url": git,
        "download_url": format!("{page}/raw/{git_ref}/{path}"), "type": "file",
        "content": base64::engine::general_purpose::STANDARD.encode(bytes), "encoding": "base64",
        "_links": {"self": own, "git": git, "html": html},
    }))
}

/// What `.gitmodules` says.
fn submodule_url(
    blobs: &std::collections::HashMap<String, Vec<u8>>,
    files: &crate::github::objects::Files,
    path: &str,
) -> Option<String> {
    let text = String::from_utf8_lossy(blobs.get(files.get(".gitmodules")?)?).into_owned();
    let section = text.split("[submodule").find(|part| part.contains(&format!("path = {path}\n")))?;
    section.lines().find_map(|line| line.trim().strip_prefix("url = ").map(str::to_owned))
}
