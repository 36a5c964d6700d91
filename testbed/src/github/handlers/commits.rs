//! Commits, comparisons, trees and blobs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::{Seconds, rfc3339, seconds};
use crate::github::compare::{Change, changes, compare, history};
use crate::github::objects::{Commit, EntryKind, Objects};
use crate::github::shapes::node;

/// The author of commits and tags that the test does not describe further: name and address.
pub(crate) const AUTHOR: (&str, &str) = ("Mona Lisa", "mona@example.com");

/// Files of a comparison or a commit: at most so many, on the first page.
const FILES: usize = 300;

/// Commits of a comparison without paging.
const COMMITS: usize = 250;

pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let from = call.query("sha").unwrap_or(&call.repository.default_branch);
    let objects = &call.repository.objects;
    let Some(from) = call.repository.resolve(from).and_then(|sha| objects.place(&sha)) else {
        return Err(match call.query("sha") {
            Some(_) => Answer::not_found(),
            None => Answer::error(409, "Git Repository is empty."),
        });
    };
    let since = call.query("since").and_then(seconds).unwrap_or(Seconds::MIN);
    let until = call.query("until").and_then(seconds).unwrap_or(Seconds::MAX);
    let path = call.query("path");
    let found: Vec<&Commit> = history(objects, from)
        .into_iter()
        .map(|at| &objects.commits[at])
        .filter(|commit| (since..=until).contains(&commit.date))
        .filter(|commit| path.is_none_or(|path| touches(objects, commit, path)))
        .collect();
    Ok(call.paged(&found, |commit| shape(call, commit)))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let name = call.parameter("ref");
    let Some(commit) = call.repository.resolve(name).and_then(|sha| call.repository.objects.commit(&sha)) else {
        return Err(Answer::error(422, format!("No commit found for SHA: {name}")));
    };
    let changed = changes(&call.repository.objects, first_parent(&call.repository.objects, commit), commit);
    let mut body = shape(call, commit);
    let (added, deleted) =
        changed.iter().fold((0, 0), |sum, change| (sum.0 + change.additions, sum.1 + change.deletions));
    body["stats"] = json!({"additions": added, "deletions": deleted, "total": added + deleted});
    body["files"] = changed.iter().take(FILES).map(|change| file(call, commit, change)).collect();
    Ok(Answer::ok(body))
}

pub(crate) fn git_commit(call: &mut Call<'_>) -> Reply {
    let commit = call.repository.objects.commit(call.parameter("commit_sha"));
    Ok(Answer::ok(git_shape(call, commit.ok_or_else(Answer::not_found)?)))
}

/// A commit as the Git data API has it.
pub(super) fn git_shape(call: &Call<'_>, commit: &Commit) -> Value {
    let url = call.url();
    let page = call.urls.page(call.repository);
    let parents = commit.parents.iter().map(|at| {
        let sha = &call.repository.objects.commits[*at].sha;
        json!({"sha": sha, "url": format!("{url}/git/commits/{sha}"), "html_url": format!("{page}/commit/{sha}")})
    });
    json!({
        "sha": commit.sha,
        "node_id": node("C", &commit.sha),
        "url": format!("{url}/git/commits/{}", commit.sha),
        "html_url": format!("{page}/commit/{}", commit.sha),
        "author": person(commit),
        "committer": person(commit),
        "tree": {"sha": commit.tree, "url": format!("{url}/git/trees/{}", commit.tree)},
        "message": commit.message,
        "parents": parents.collect::<Vec<_>>(),
        "verification": verification(commit.verified, commit.date),
    })
}

/// `base...head`. Without paging the newest 250 commits are listed, oldest first.
pub(crate) fn comparison(call: &mut Call<'_>) -> Reply {
    let both = call.parameter("basehead");
    let Some((base, head)) = both.split_once("...").or_else(|| both.split_once("..")) else {
        return Err(Answer::not_found());
    };
    let objects = &call.repository.objects;
    let place = |name: &str| call.repository.resolve(name).and_then(|sha| objects.place(&sha));
    let (Some(base_at), Some(head_at)) = (place(base), place(head)) else {
        return Err(Answer::not_found());
    };
    let found = compare(objects, base_at, head_at);
    let Some(merge_base) = found.merge_base.map(|at| &objects.commits[at]) else {
        return Err(Answer::error(404, format!("No common ancestor between {base} and {head}.")));
    };
    let (per_page, page) = call.page();
    let paged = call.query("page").is_some() || call.query("per_page").is_some();
    let shown = if paged {
        let start = found.ahead.len().min((page - 1) * per_page);
        &found.ahead[start..found.ahead.len().min(start + per_page)]
    } else {
        &found.ahead[found.ahead.len().saturating_sub(COMMITS)..]
    };
    let head_commit = &objects.commits[head_at];
    let files = match page {
        1 => changes(objects, Some(merge_base), head_commit),
        _ => Vec::new(),
    };
    let url = format!("{}/compare/{both}", call.url());
    let html = format!("{}/compare/{both}", call.urls.page(call.repository));
    let mut body = json!({
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "base_commit": shape(call, &objects.commits[base_at]),
        "merge_base_commit": shape(call, merge_base),
        "status": found.status(),
        "ahead_by": found.ahead.len(),
        "behind_by": found.behind,
        "total_commits": found.ahead.len(),
        "commits": shown.iter().map(|at| shape(call, &objects.commits[*at])).collect::<Vec<_>>(),
    });
    if page == 1 {
        body["files"] = files.iter().take(FILES).map(|change| file(call, head_commit, change)).collect();
    }
    let answer = Answer::ok(body);
    Ok(match call.link(found.ahead.len()).filter(|_| paged) {
        Some(link) => answer.header("link", link),
        None => answer,
    })
}

/// A tree, by its own id or by any name of a commit; with `recursive` (whatever its value) all the way down.
pub(crate) fn tree(call: &mut Call<'_>) -> Reply {
    let asked = call.parameter("tree_sha");
    let objects = &call.repository.objects;
    let sha = match objects.tree(asked) {
        Some(_) => asked.to_owned(),
        None => call
            .repository
            .resolve(asked)
            .and_then(|sha| objects.commit(&sha))
            .map(|commit| commit.tree.clone())
            .ok_or_else(Answer::not_found)?,
    };
    Ok(Answer::ok(tree_shape(call, &sha, call.query.contains_key("recursive"))))
}

/// A tree, with all that is in its folders where that is asked for.
pub(super) fn tree_shape(call: &Call<'_>, sha: &str, recursive: bool) -> Value {
    let mut listed = Vec::new();
    walk(call, sha, "", recursive, &mut listed);
    let truncated = listed.len() > call.repository.tree_limit;
    listed.truncate(call.repository.tree_limit);
    json!({
        "sha": sha,
        "url": format!("{}/git/trees/{sha}", call.url()),
        "tree": listed,
        "truncated": truncated,
    })
}

fn walk(call: &Call<'_>, sha: &str, folder: &str, recursive: bool, listed: &mut Vec<Value>) {
    let url = call.url();
    for entry in call.repository.objects.tree(sha).unwrap_or_default() {
        let path = format!("{folder}{}", entry.name);
        if entry.kind == EntryKind::Submodule {
            // Without an address: it is no object of this repository.
            listed.push(json!({"path": path, "mode": "160000", "type": "commit", "sha": entry.sha}));
        } else if entry.kind == EntryKind::Folder {
            listed.push(json!({
                "path": path, "mode": "040000", "type": "tree", "sha": entry.sha,
                "url": format!("{url}/git/trees/{}", entry.sha),
            }));
            if recursive {
                walk(call, &entry.sha, &format!("{path}/"), recursive, listed);
            }
        } else {
            let size = call.repository.objects.blobs.get(&entry.sha).map_or(0, Vec::len);
            listed.push(json!({
                "path": path, "mode": "100644", "type": "blob", "sha": entry.sha, "size": size,
                "url": format!("{url}/git/blobs/{}", entry.sha),
            }));
        }
    }
}

pub(crate) fn blob(call: &mut Call<'_>) -> Reply {
    let sha = call.parameter("file_sha");
    let content = call.repository.objects.blobs.get(sha).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(json!({
        "sha": sha,
        "node_id": node("B", sha),
        "size": content.len(),
        "url": format!("{}/git/blobs/{sha}", call.url()),
        "content": STANDARD.encode(content),
        "encoding": "base64",
    })))
}

/// A `commit` as lists and comparisons have it.
pub(crate) fn shape(call: &Call<'_>, commit: &Commit) -> Value {
    let url = call.url();
    let page = call.urls.page(call.repository);
    let sha = &commit.sha;
    let parents = commit.parents.iter().map(|at| {
        let sha = &call.repository.objects.commits[*at].sha;
        json!({"sha": sha, "url": format!("{url}/commits/{sha}"), "html_url": format!("{page}/commit/{sha}")})
    });
    json!({
        "sha": sha,
        "node_id": node("C", sha),
        "url": format!("{url}/commits/{sha}"),
        "html_url": format!("{page}/commit/{sha}"),
        "comments_url": format!("{url}/commits/{sha}/comments"),
        "commit": {
            "url": format!("{url}/git/commits/{sha}"),
            "author": person(commit),
            "committer": person(commit),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": format!("{url}/git/trees/{}", commit.tree)},
            "comment_count": 0,
            "verification": verification(commit.verified, commit.date),
        },
        // Null, as for every author whose address belongs to no account.
        "author": null,
        "committer": null,
        "parents": parents.collect::<Vec<_>>(),
    })
}

fn person(commit: &Commit) -> Value {
    json!({"name": commit.author.name, "email": commit.author.email, "date": rfc3339(commit.date)})
}

/// What GitHub says of a signature.
pub(crate) fn verification(verified: bool, date: Seconds) -> Value {
    if verified {
        json!({
            "verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----",
            "payload": "signed", "verified_at": rfc3339(date),
        })
    } else {
        json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null})
    }
}

fn file(call: &Call<'_>, commit: &Commit, change: &Change) -> Value {
    let page = call.urls.page(call.repository);
    let mut entry = json!({
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": format!("{page}/blob/{}/{}", commit.sha, change.path),
        "raw_url": format!("{page}/raw/{}/{}", commit.sha, change.path),
        "contents_url": format!("{}/contents/{}?ref={}", call.url(), change.path, commit.sha),
    });
    if let Some(previous) = &change.previous {
        entry["previous_filename"] = json!(previous);
    }
    entry
}

pub(crate) fn first_parent<'a>(objects: &'a Objects, commit: &Commit) -> Option<&'a Commit> {
    commit.parents.first().map(|at| &objects.commits[*at])
}

fn touches(objects: &Objects, commit: &Commit, path: &str) -> bool {
    let parent = first_parent(objects, commit);
    if parent.is_some_and(|parent| parent.tree == commit.tree) {
        return false;
    }
    let inside = |changed: &str| changed == path || changed.starts_with(&format!("{}/", path.trim_end_matches('/')));
    changes(objects, parent, commit).iter().any(|change| inside(&change.path))
}
