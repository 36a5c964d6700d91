//! JSON that many answers contain: accounts, repositories, the Actions app.

use serde_json::{Map, Value, json};

use super::call::Urls;
use super::clock::rfc3339;
use super::state::{Repository, Shared};

/// A `simple-user`.
pub(crate) fn user(shared: &mut Shared, urls: &Urls, login: &str) -> Value {
    let id = shared.account(login);
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    account(urls, login, id, kind)
}

/// As one's own account is shown.
pub(crate) fn public_user(shared: &mut Shared, urls: &Urls, login: &str) -> Value {
    let mut shown = user(shared, urls, login);
    let more = json!({
        "name": login, "company": null, "blog": null, "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

fn account(urls: &Urls, login: &str, id: u64, kind: &str) -> Value {
    let url = format!("{}/users/{login}", urls.api);
    json!({
        "login": login,
        "id": id,
        "node_id": node("U", id),
        "avatar_url": format!("{}/avatars/u/{id}", urls.html),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{}/{login}", urls.html),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": kind,
        "site_admin": false,
    })
}

/// The addresses every form of a repository lists, by their name without `_url` and their path.
const LINKS: &[(&str, &str)] = &[
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
];

/// A `minimal-repository`.
pub(crate) fn repository(urls: &Urls, repository: &Repository) -> Value {
    Value::Object(members(urls, repository))
}

/// A `full-repository`.
pub(crate) fn full_repository(urls: &Urls, repository: &Repository) -> Value {
    let mut all = members(urls, repository);
    let page = urls.page(repository);
    let open = repository.issues.iter().filter(|issue| issue.open).count();
    let more = json!({
        "default_branch": repository.default_branch,
        "visibility": if repository.private { "private" } else { "public" },
        "archived": false,
        "disabled": false,
        "clone_url": format!("{page}.git"),
        "git_url": format!("{}.git", page.replacen("http:", "git:", 1)),
        "ssh_url": format!("git@github.local:{}.git", repository.full_name()),
        "svn_url": page,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
        "size": 1,
        "forks": 0,
        "forks_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "stargazers_count": 0,
        "subscribers_count": 0,
        "network_count": 0,
        "open_issues": open,
        "open_issues_count": open,
        "has_issues": repository.has_issues,
        "has_projects": false,
        "has_downloads": true,
        "has_wiki": false,
        "has_pages": false,
        "has_discussions": false,
        "created_at": rfc3339(repository.created),
        "updated_at": rfc3339(repository.created),
        "pushed_at": rfc3339(repository.created),
    });
    if let Value::Object(more) = more {
        all.extend(more);
    }
    Value::Object(all)
}

fn members(urls: &Urls, repository: &Repository) -> Map<String, Value> {
    let url = urls.repository(repository);
    let mut members = Map::new();
    for (name, path) in LINKS {
        members.insert(format!("{name}_url"), format!("{url}{path}").into());
    }
    let own = [
        ("id", repository.id.into()),
        ("node_id", node("R", repository.id).into()),
        ("name", repository.name.clone().into()),
        ("full_name", repository.full_name().into()),
        ("private", repository.private.into()),
        ("owner", account(urls, &repository.owner, repository.owner_id, "Organization")),
        ("html_url", urls.page(repository).into()),
        ("description", Value::Null),
        ("fork", false.into()),
        ("url", url.into()),
    ];
    members.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
    members
}

/// A node id: opaque, different for each kind and id.
pub(crate) fn node(kind: &str, id: impl std::fmt::Display) -> String {
    format!("{kind}_{id}")
}
