//! Every route: method, path as GitHub's OpenAPI description writes it, the permission it needs, and its handler.

use std::collections::BTreeMap;

use super::answer::Reply;
use super::call::Call;
use super::handlers::{
    checks, commits, deployments, environments, git_writes, issues, labels, names, pulls, refs, releases, repositories,
    rulesets, runs, statuses, workflows,
};
use super::permissions::{Grant, Permission};
use crate::wire::decode;

pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) needs: Grant,
    pub(crate) handler: fn(&mut Call<'_>) -> Reply,
}

const fn route(method: &'static str, path: &'static str, needs: Grant, handler: fn(&mut Call<'_>) -> Reply) -> Route {
    Route { method, path, needs, handler }
}

const ACTIONS: Permission = Permission::Actions;
const CHECKS: Permission = Permission::Checks;
const CONTENTS: Permission = Permission::Contents;
const DEPLOYMENTS: Permission = Permission::Deployments;
const ENVIRONMENTS: Permission = Permission::Environments;
const ISSUES: Permission = Permission::Issues;
const PULL_REQUESTS: Permission = Permission::PullRequests;
const SECRETS: Permission = Permission::Secrets;
const STATUSES: Permission = Permission::Statuses;
const VARIABLES: Permission = Permission::Variables;

/// The route outside any repository.
pub(crate) const RATE_LIMIT: &str = "/rate_limit";
/// The other one: whose token it is.
pub(crate) const USER: &str = "/user";

/// What all other routes start with.
const REPOSITORY: &str = "/repos/{owner}/{repo}";

/// Relative to [`REPOSITORY`]. The first match is taken: fixed words stand before parameters.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "", Permission::Metadata.read(), repositories::get),
    route("GET", "/branches", CONTENTS.read(), refs::branches),
    route("GET", "/branches/{branch}", CONTENTS.read(), refs::branch),
    route("GET", "/rules/branches/{branch}", Permission::Metadata.read(), rulesets::for_branch),
    route("GET", "/tags", CONTENTS.read(), refs::tags),
    route("GET", "/commits", CONTENTS.read(), commits::list),
    route("GET", "/commits/{ref}/check-runs", CHECKS.read(), checks::list),
    route("GET", "/commits/{ref}/status", STATUSES.read(), statuses::combined),
    route("GET", "/commits/{ref}/statuses", STATUSES.read(), statuses::list),
    route("GET", "/commits/{ref}", CONTENTS.read(), commits::get),
    route("GET", "/compare/{basehead}", CONTENTS.read(), commits::comparison),
    route("GET", "/contents/{path}", CONTENTS.read(), git_writes::contents),
    route("GET", "/git/blobs/{file_sha}", CONTENTS.read(), commits::blob),
    route("GET", "/git/commits/{commit_sha}", CONTENTS.read(), commits::git_commit),
    route("POST", "/git/commits", CONTENTS.write(), git_writes::create_commit),
    route("GET", "/git/matching-refs/{ref}", CONTENTS.read(), refs::matching),
    route("GET", "/git/ref/{ref}", CONTENTS.read(), refs::get),
    route("POST", "/git/refs", CONTENTS.write(), refs::create),
    route("PATCH", "/git/refs/{ref}", CONTENTS.write(), git_writes::update_ref),
    route("GET", "/git/tags/{tag_sha}", CONTENTS.read(), refs::tag_object),
    route("GET", "/git/trees/{tree_sha}", CONTENTS.read(), commits::tree),
    route("POST", "/git/trees", CONTENTS.write(), git_writes::create_tree),
    route("POST", "/statuses/{sha}", STATUSES.write(), statuses::create),
    route("GET", "/deployments", DEPLOYMENTS.read(), deployments::list),
    route("POST", "/deployments", DEPLOYMENTS.write(), deployments::create),
    route("GET", "/deployments/{deployment_id}", DEPLOYMENTS.read(), deployments::get),
    route("DELETE", "/deployments/{deployment_id}", DEPLOYMENTS.write(), deployments::delete),
    route("GET", "/deployments/{deployment_id}/statuses", DEPLOYMENTS.read(), deployments::list_statuses),
    route("POST", "/deployments/{deployment_id}/statuses", DEPLOYMENTS.write(), deployments::create_status),
    route("GET", "/deployments/{deployment_id}/statuses/{status_id}", DEPLOYMENTS.read(), deployments::get_status),
    route("GET", "/environments", ACTIONS.read(), environments::list),
    route("GET", "/environments/{environment_name}", ACTIONS.read(), environments::get),
    route("GET", "/environments/{environment_name}/deployment-branch-policies", ACTIONS.read(), environments::branch_policies),
    route("GET", "/environments/{environment_name}/secrets", ENVIRONMENTS.read(), names::environment_secrets),
    route("GET", "/environments/{environment_name}/variables", ENVIRONMENTS.read(), names::environment_variables),
    route("POST", "/check-runs", CHECKS.write(), checks::create),
    route("GET", "/check-runs/{check_run_id}", CHECKS.read(), checks::get),
    route("PATCH", "/check-runs/{check_run_id}", CHECKS.write(), checks::update),
    route("GET", "/actions/runs", ACTIONS.read(), runs::list),
    route("GET", "/actions/secrets", SECRETS.read(), names::secrets),
    route("GET", "/actions/variables", VARIABLES.read(), names::variables),
    route("GET", "/actions/organization-secrets", SECRETS.read(), names::organization_secrets),
    route("GET", "/actions/organization-variables", VARIABLES.read(), names::organization_variables),
    route("GET", "/actions/runs/{run_id}", ACTIONS.read(), runs::get),
    route("GET", "/actions/runs/{run_id}/approvals", ACTIONS.read(), runs::approvals),
    route("GET", "/actions/runs/{run_id}/attempts/{attempt_number}/jobs", ACTIONS.read(), runs::jobs),
    route("POST", "/actions/runs/{run_id}/cancel", ACTIONS.write(), runs::cancel),
    route("GET", "/actions/workflows", ACTIONS.read(), workflows::list),
    route("GET", "/actions/workflows/{workflow_id}", ACTIONS.read(), workflows::get),
    route("POST", "/actions/workflows/{workflow_id}/dispatches", ACTIONS.write(), workflows::dispatch),
    route("GET", "/actions/workflows/{workflow_id}/runs", ACTIONS.read(), runs::list),
    route("POST", "/dispatches", CONTENTS.write(), workflows::repository_dispatch),
    route("GET", "/pulls", PULL_REQUESTS.read(), pulls::list),
    route("POST", "/pulls", PULL_REQUESTS.write(), pulls::create),
    route("GET", "/rulesets", Permission::Metadata.read(), rulesets::list),
    route("GET", "/rulesets/{ruleset_id}", Permission::Metadata.read(), rulesets::get),
    route("GET", "/immutable-releases", CONTENTS.read(), releases::immutable),
    route("GET", "/releases", CONTENTS.read(), releases::list),
    route("POST", "/releases", CONTENTS.write(), releases::create),
    route("POST", "/releases/generate-notes", CONTENTS.write(), releases::generate_notes),
    route("GET", "/releases/latest", CONTENTS.read(), releases::latest),
    route("GET", "/releases/tags/{tag}", CONTENTS.read(), releases::by_tag),
    route("DELETE", "/releases/assets/{asset_id}", CONTENTS.write(), releases::delete_asset),
    route("GET", "/releases/{release_id}", CONTENTS.read(), releases::get),
    route("PATCH", "/releases/{release_id}", CONTENTS.write(), releases::update),
    route("DELETE", "/releases/{release_id}", CONTENTS.write(), releases::delete),
    route("GET", "/releases/{release_id}/assets", CONTENTS.read(), releases::list_assets),
    route("POST", "/releases/{release_id}/assets", CONTENTS.write(), releases::upload_asset),
    route("GET", "/issues", ISSUES.read(), issues::list),
    route("POST", "/issues", ISSUES.write(), issues::create),
    route("PATCH", "/issues/comments/{comment_id}", ISSUES.write(), issues::update_comment),
    route("GET", "/issues/{issue_number}", ISSUES.read(), issues::get),
    route("PATCH", "/issues/{issue_number}", ISSUES.write(), issues::update),
    route("GET", "/issues/{issue_number}/comments", ISSUES.read(), issues::list_comments),
    route("POST", "/issues/{issue_number}/comments", ISSUES.write(), issues::create_comment),
    route("POST", "/issues/{issue_number}/labels", ISSUES.write(), issues::add_labels),
    route("GET", "/labels", ISSUES.read(), labels::list),
    route("POST", "/labels", ISSUES.write(), labels::create),
    route("GET", "/labels/{name}", ISSUES.read(), labels::get),
];

/// Parameters whose value may contain slashes.
const LONG: &[&str] = &["ref", "basehead", "branch", "tag", "tree_sha", "path"];

/// All routes as `GET /repos/{owner}/{repo}/tags`, written as GitHub's OpenAPI description writes them.
#[must_use]
pub fn routes() -> Vec<String> {
    let own = ROUTES.iter().map(|route| format!("{} {REPOSITORY}{}", route.method, route.path));
    [RATE_LIMIT, USER].map(|path| format!("GET {path}")).into_iter().chain(own).collect()
}

impl Route {
    /// The path as the OpenAPI description writes it.
    pub(crate) fn template(&self) -> String {
        format!("{REPOSITORY}{}", self.path)
    }
}

/// A path in a repository: `owner/name`, and the rest.
pub(crate) fn in_repository(path: &str) -> Option<(String, &str)> {
    let rest = path.strip_prefix("/repos/")?;
    let (owner, rest) = rest.split_once('/')?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((format!("{}/{}", decode(owner), decode(&rest[..end])), &rest[end..]))
}

/// The route of a path inside a repository, with the values of its parameters.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Route, BTreeMap<&'static str, String>)> {
    let path: Vec<_> = path.split('/').collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| {
        let pattern: Vec<_> = route.path.split('/').collect();
        let mut values = BTreeMap::new();
        matches(&pattern, &path, &mut values).then_some((route, values))
    })
}

fn matches(pattern: &[&'static str], path: &[&str], values: &mut BTreeMap<&'static str, String>) -> bool {
    let Some((first, pattern)) = pattern.split_first() else {
        return path.is_empty();
    };
    let Some(name) = first.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
        return path.first() == Some(first) && matches(pattern, &path[1..], values);
    };
    let longest = if LONG.contains(&name) { path.len() } else { path.len().min(1) };
    (1..=longest).rev().any(|taken| {
        let value = decode(&path[..taken].join("/"));
        let found = !value.is_empty() && matches(pattern, &path[taken..], values);
        if found {
            values.insert(name, value);
        }
        found
    })
}
