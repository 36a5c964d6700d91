//! The local GitHub against GitHub's own OpenAPI description: every route it serves is asked, with what it answers on
//! success and in the main refusals, and every answer must have the form the description gives it.

#[expect(dead_code, reason = "this file asks through `Contract`, which needs only a part")]
#[path = "github/client.rs"]
mod client;
#[path = "github_openapi/contract.rs"]
mod contract;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::github::{BranchPolicy, LocalGithub, Permission, Ruleset, RunJob, RunState, Workflow, routes};

use contract::{Contract, deviations};

#[tokio::test]
async fn every_route_answers_as_github_describes_it() {
    let github = LocalGithub::start().await.unwrap();
    let mut contract = Contract::of(&github, "org/app");
    repository_and_git(&mut contract).await;
    commit_statuses_and_checks(&mut contract).await;
    deployments(&mut contract).await;
    actions(&mut contract).await;
    releases(&mut contract).await;
    issues(&mut contract).await;
    git_writes_and_pull_requests(&mut contract).await;
    protection_and_names(&mut contract).await;
    refusals(&mut contract).await;
    contract.finish();

    let served: BTreeSet<_> = routes().into_iter().collect();
    assert_eq!(contract.described(), served, "routes.txt and the routes served differ");
    assert_eq!(contract.asked, served, "a route was not asked");
    assert_eq!(github.invalid_requests(), [""; 0]);
}

/// Nobody is there who adds the account's organization or an installed app to an event: they are left out.
#[tokio::test]
async fn every_event_has_the_form_that_github_describes() {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let commits = app.history("main", 2);
    let tag = app.annotated_tag("v1.0.0", &commits[0], "First");
    app.add_workflow(Workflow { file: "ci.yml".to_owned(), name: "CI".to_owned(), ..Workflow::default() });
    let run = app.add_run("ci.yml", "push", "main", &commits[1]);
    app.set_run(run, RunState::completed("success"));
    let inputs = json!({"environment": "stg"});
    let events = [
        ("push", app.push_event("refs/heads/main", &commits[1])),
        ("push", app.push_event("refs/heads/new", &commits[0])),
        ("push", app.push_event("refs/tags/v1.0.0", &tag)),
        ("push", app.deletion_event("refs/heads/main", &commits[1])),
        ("pull_request", app.pull_request_event("opened", 12, &commits[1], None)),
        ("pull_request", app.pull_request_event("opened", 12, &commits[1], Some("somebody"))),
        ("release", app.release_event("published", "v1.0.0")),
        ("workflow_run", app.workflow_run_event(run)),
        ("workflow_dispatch", app.workflow_dispatch_event("refs/heads/main", &inputs)),
        ("repository_dispatch", app.repository_dispatch_event("sample.collected", &inputs)),
    ];
    let description: Value = serde_json::from_str(include_str!("../github-openapi/events.json")).unwrap();
    let described: BTreeSet<&str> = description["events"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(described, events.iter().map(|(name, _)| *name).collect());
    for (name, event) in &events {
        let found = deviations(&description, name, &description["events"][name], event);
        assert_eq!(found, Vec::<String>::new(), "{event:#}");
    }
}

async fn repository_and_git(contract: &mut Contract<'_>) {
    let app = contract.app.clone();
    let first = app.push("main", &[("src/a.py", "1\n"), ("old", "o\n")], "First");
    let sha = app.commit_tree(&[&first], &[("src/a.py", "2\n"), ("new", "o\n"), ("b", "b\n")], "Second");
    app.branch("main", &sha);
    let tag = app.annotated_tag("v1.0.0", &sha, "One");
    let signed = app.signed_tag("v1.0.1", &app.signed_commit(&[&sha], &[], "Signed"), "Two");
    let tree = app.tree(&sha).unwrap();

    contract.get("/rate_limit", "/rate_limit", 200).await;
    contract.get("/user", "/user", 200).await;
    contract.get("/repos/{owner}/{repo}", "", 200).await;
    contract.get("/branches", "/branches", 200).await;
    contract.get("/branches/{branch}", "/branches/main", 200).await;
    contract.get("/branches/{branch}", "/branches/none", 404).await;
    contract.get("/tags", "/tags", 200).await;
    contract.get("/commits", "/commits", 200).await;
    contract.get("/commits/{ref}", "/commits/main", 200).await;
    contract.get("/commits/{ref}", "/commits/tags%2Fv1.0.1", 200).await;
    contract.get("/commits/{ref}", "/commits/none", 422).await;
    contract.get("/compare/{basehead}", &format!("/compare/{first}...main"), 200).await;
    contract.get("/compare/{basehead}", &format!("/compare/main...{first}?per_page=1&page=2"), 200).await;
    contract.get("/compare/{basehead}", "/compare/main...none", 404).await;
    contract.get("/git/commits/{commit_sha}", &format!("/git/commits/{sha}"), 200).await;
    contract.get("/git/commits/{commit_sha}", "/git/commits/none", 404).await;
    contract.get("/git/matching-refs/{ref}", "/git/matching-refs/tags/v", 200).await;
    contract.get("/git/ref/{ref}", "/git/ref/tags/v1.0.0", 200).await;
    contract.get("/git/ref/{ref}", "/git/ref/tags/none", 404).await;
    contract.post("/git/refs", "/git/refs", json!({"ref": "refs/tags/v2", "sha": sha}), 201).await;
    contract.post("/git/refs", "/git/refs", json!({"ref": "refs/tags/v2", "sha": sha}), 422).await;
    contract.get("/git/tags/{tag_sha}", &format!("/git/tags/{tag}"), 200).await;
    contract.get("/git/tags/{tag_sha}", &format!("/git/tags/{signed}"), 200).await;
    contract.get("/git/tags/{tag_sha}", &format!("/git/tags/{sha}"), 404).await;
    let listed = contract.get("/git/trees/{tree_sha}", &format!("/git/trees/{tree}?recursive=1"), 200).await;
    let blob = listed["tree"][0]["sha"].as_str().unwrap().to_owned();
    contract.get("/git/trees/{tree_sha}", "/git/trees/none", 404).await;
    contract.get("/git/blobs/{file_sha}", &format!("/git/blobs/{blob}"), 200).await;
    contract.get("/git/blobs/{file_sha}", "/git/blobs/none", 404).await;
}

async fn git_writes_and_pull_requests(contract: &mut Contract<'_>) {
    let app = contract.app.clone();
    let modules = "[submodule \"api\"]\n\tpath = services/api\n\turl = https://github.com/org/api.git\n";
    let first = app.push("next", &[(".gitmodules", modules), ("docs/a", "a\n")], "First");
    let tip = app.push_submodule("next", "services/api", &"1".repeat(40));
    let contents = "/contents/{path}";
    contract.get(contents, &format!("/contents/services/api?ref={tip}"), 200).await;
    contract.get(contents, "/contents/docs?ref=next", 200).await;
    contract.get(contents, "/contents/docs/a?ref=next", 200).await;
    contract.get(contents, "/contents/none?ref=next", 404).await;
    let (trees, commits, refs) = ("/git/trees", "/git/commits", "/git/refs/{ref}");
    let entry = json!({"path": "services/api", "mode": "160000", "type": "commit", "sha": "2".repeat(40)});
    let body = json!({"base_tree": app.tree(&tip).unwrap(), "tree": [entry]});
    let tree = contract.post(trees, trees, body.clone(), 201).await["sha"].clone();
    contract.post(trees, trees, json!({"base_tree": "none", "tree": []}), 422).await;
    contract.get("/git/trees/{tree_sha}", &format!("/git/trees/{}?recursive=1", tree.as_str().unwrap()), 200).await;
    let body = json!({"message": "Move it", "tree": tree, "parents": [tip]});
    let made = contract.post(commits, commits, body, 201).await["sha"].clone();
    contract.post(commits, commits, json!({"message": "x", "tree": "none"}), 422).await;
    let own = "/git/refs/heads/next";
    contract.send("PATCH", refs, own, json!({"sha": made, "force": false}), 200).await;
    contract.send("PATCH", refs, own, json!({"sha": first}), 422).await;
    let pulls = "/pulls";
    let body = json!({"title": "Move it", "head": "next", "base": "main", "body": "Please."});
    contract.post(pulls, pulls, body.clone(), 201).await;
    contract.post(pulls, pulls, body, 422).await;
    contract.get(pulls, "/pulls?state=all&head=org:next&base=main", 200).await;
}

async fn protection_and_names(contract: &mut Contract<'_>) {
    let app = contract.app.clone();
    app.protect_branch("main", &["test"]);
    contract.get("/branches/{branch}", "/branches/main", 200).await;
    app.add_ruleset(Ruleset {
        target: "branch".to_owned(),
        enforcement: "active".to_owned(),
        include: vec!["~DEFAULT_BRANCH".to_owned()],
        rules: ["pull_request", "required_status_checks", "deletion"].map(str::to_owned).to_vec(),
        checks: vec!["test".to_owned()],
        ..Ruleset::default()
    });
    contract.get("/rules/branches/{branch}", "/rules/branches/main", 200).await;
    app.guarded_environment("prd", &["octocat"], Some(BranchPolicy::Named(vec![("v*".to_owned(), "tag".to_owned())])));
    app.guarded_environment("stg", &[], Some(BranchPolicy::Protected));
    let policies = "/environments/{environment_name}/deployment-branch-policies";
    contract.get(policies, "/environments/prd/deployment-branch-policies", 200).await;
    contract.get("/environments/{environment_name}", "/environments/prd", 200).await;
    contract.get("/environments/{environment_name}", "/environments/stg", 200).await;
    for kind in ["secrets", "variables"] {
        for scope in ["", "organization", "environment prd"] {
            app.add_names(kind, scope, &["A_NAME"]);
        }
        let own = format!("/actions/{kind}");
        contract.get(&own, &own, 200).await;
        let own = format!("/actions/organization-{kind}");
        contract.get(&own, &own, 200).await;
        let of_environment = format!("/environments/{{environment_name}}/{kind}");
        contract.get(&of_environment, &format!("/environments/prd/{kind}"), 200).await;
        contract.get(&of_environment, &format!("/environments/none/{kind}"), 404).await;
    }
}

async fn commit_statuses_and_checks(contract: &mut Contract<'_>) {
    let sha = contract.app.reference("heads/main").unwrap();
    let path = format!("/statuses/{sha}");
    let status = json!({
        "state": "success", "context": "deploy/dev", "description": "v42 serves", "target_url": "https://x.example",
    });
    contract.post("/statuses/{sha}", &path, status, 201).await;
    contract.get("/commits/{ref}/status", "/commits/main/status", 200).await;
    contract.get("/commits/{ref}/status", "/commits/none/status", 404).await;
    contract.get("/commits/{ref}/statuses", "/commits/main/statuses", 200).await;
    let output = json!({"title": "Deployed", "summary": "v42 serves"});
    let run = json!({"name": "deploy", "head_sha": sha, "status": "in_progress", "output": output});
    let id = contract.post("/check-runs", "/check-runs", run, 201).await["id"].to_string();
    let own = format!("/check-runs/{id}");
    contract.get("/check-runs/{check_run_id}", &own, 200).await;
    let done = json!({"status": "completed", "conclusion": "success"});
    contract.send("PATCH", "/check-runs/{check_run_id}", &own, done, 200).await;
    contract.get("/commits/{ref}/check-runs", "/commits/main/check-runs", 200).await;
}

async fn deployments(contract: &mut Contract<'_>) {
    let (all, one) = ("/deployments", "/deployments/{deployment_id}");
    let body = json!({
        "ref": "main", "task": "deploy", "auto_merge": false, "required_contexts": [], "environment": "prd",
        "payload": {"schema": 1}, "description": "v42", "production_environment": true, "transient_environment": false,
    });
    let id = contract.post(all, all, body.clone(), 201).await["id"].to_string();
    let mut text = body.clone();
    text["payload"] = json!("text");
    contract.post(all, all, text, 201).await;
    contract.post(all, all, json!({"ref": "none"}), 422).await;
    let app = contract.app.clone();
    app.branch("behind", &app.commit(&[], &[], "Alone"));
    contract.post(all, all, json!({"ref": "behind"}), 202).await;
    app.add_commit_status(&app.reference("heads/main").unwrap(), "ci", "failure");
    contract.post(all, all, json!({"ref": "main"}), 409).await;
    contract.get(all, "/deployments?environment=prd&task=deploy&per_page=1&page=2", 200).await;
    contract.get(one, &format!("/deployments/{id}"), 200).await;
    contract.get(one, "/deployments/1", 404).await;

    let (statuses, own) = ("/deployments/{deployment_id}/statuses", format!("/deployments/{id}/statuses"));
    let status = json!({
        "state": "success", "description": "da1 swap-alias pass", "log_url": "https://x.example/log",
        "environment_url": "https://x.example", "auto_inactive": false,
    });
    let made = contract.post(statuses, &own, status, 201).await["id"].to_string();
    contract.post(statuses, &own, json!({"state": "error", "description": "x".repeat(141)}), 422).await;
    contract.get(statuses, &own, 200).await;
    contract.get(statuses, "/deployments/1/statuses", 404).await;
    contract.get(&format!("{statuses}/{{status_id}}"), &format!("{own}/{made}"), 200).await;
    contract.get(&format!("{statuses}/{{status_id}}"), &format!("{own}/1"), 404).await;
    contract.send("DELETE", one, &format!("/deployments/{id}"), Value::Null, 422).await;
    contract.post(statuses, &own, json!({"state": "inactive"}), 201).await;
    contract.send("DELETE", one, &format!("/deployments/{id}"), Value::Null, 204).await;

    app.environment("prd", 5);
    contract.get("/environments", "/environments", 200).await;
    contract.get("/environments/{environment_name}", "/environments/prd", 200).await;
}

async fn actions(contract: &mut Contract<'_>) {
    let app = contract.app.clone();
    let workflow = app.add_workflow(Workflow {
        file: "deploy.yml".to_owned(),
        name: "Deploy".to_owned(),
        inputs: vec!["version".to_owned()],
        ..Workflow::default()
    });
    contract.get("/actions/workflows", "/actions/workflows", 200).await;
    contract.get("/actions/workflows/{workflow_id}", "/actions/workflows/deploy.yml", 200).await;
    let (dispatches, own) =
        ("/actions/workflows/{workflow_id}/dispatches", format!("/actions/workflows/{workflow}/dispatches"));
    contract.post(dispatches, &own, json!({"ref": "main"}), 204).await;
    let asked = json!({"ref": "main", "inputs": {"version": "1"}, "return_run_details": true});
    let id = contract.post(dispatches, &own, asked, 200).await["workflow_run_id"].as_u64().unwrap();
    let run = format!("/actions/runs/{id}");
    contract.get("/actions/runs", "/actions/runs?event=workflow_dispatch", 200).await;
    contract.get("/actions/workflows/{workflow_id}/runs", "/actions/workflows/deploy.yml/runs", 200).await;
    contract.get("/actions/runs/{run_id}", &run, 200).await;
    contract.get("/actions/runs/{run_id}", "/actions/runs/1", 404).await;
    app.edit_run(id, |run| {
        run.approvals.push(("prd".to_owned(), "octocat".to_owned(), "approved".to_owned()));
        run.jobs.push(RunJob { name: "build".to_owned(), started_at: 0, ..RunJob::default() });
    });
    let jobs = "/actions/runs/{run_id}/attempts/{attempt_number}/jobs";
    contract.get(jobs, &format!("{run}/attempts/1/jobs"), 200).await;
    contract.get(jobs, &format!("{run}/attempts/2/jobs"), 404).await;
    contract.get("/actions/runs/{run_id}/approvals", &format!("{run}/approvals"), 200).await;
    let cancel = format!("{run}/cancel");
    contract.send("POST", "/actions/runs/{run_id}/cancel", &cancel, Value::Null, 202).await;
    app.set_run(id, RunState::completed("success"));
    contract.send("POST", "/actions/runs/{run_id}/cancel", &cancel, Value::Null, 409).await;
    contract.get("/actions/runs/{run_id}", &run, 200).await;
    let event = json!({"event_type": "deployed", "client_payload": {"version": "1"}});
    contract.post("/dispatches", "/dispatches", event, 204).await;
    let long = json!({"event_type": "x".repeat(101)});
    contract.post("/dispatches", "/dispatches", long, 422).await;
}

async fn releases(contract: &mut Contract<'_>) {
    let (all, one) = ("/releases", "/releases/{release_id}");
    let ruleset = contract.app.add_ruleset(Ruleset {
        name: "releases".to_owned(),
        target: "tag".to_owned(),
        enforcement: "active".to_owned(),
        include: vec!["refs/tags/v*".to_owned()],
        rules: vec!["deletion".to_owned(), "update".to_owned()],
        ..Ruleset::default()
    });
    contract.get("/rulesets", "/rulesets?targets=tag", 200).await;
    contract.get("/rulesets/{ruleset_id}", &format!("/rulesets/{ruleset}"), 200).await;
    contract.get("/immutable-releases", "/immutable-releases", 404).await;
    contract.app.enable_immutable_releases();
    contract.get("/immutable-releases", "/immutable-releases", 200).await;
    contract.get("/releases/latest", "/releases/latest", 404).await;
    let draft = json!({"tag_name": "v1.0.0", "name": "One", "body": "x", "draft": true, "make_latest": "true"});
    let id = contract.post(all, all, draft, 201).await["id"].to_string();
    let own = format!("/releases/{id}");
    let assets = "/releases/{release_id}/assets";
    let asset = contract.upload(assets, &format!("{own}/assets?name=a.txt"), 201).await["id"].to_string();
    contract.get(assets, &format!("{own}/assets"), 200).await;
    contract.send("PATCH", one, &own, json!({"draft": false}), 200).await;
    contract.send("PATCH", one, "/releases/1", json!({"draft": false}), 404).await;
    contract.post(all, all, json!({"tag_name": "v1.0.0"}), 422).await;
    contract.get(all, all, 200).await;
    contract.get(one, &own, 200).await;
    contract.get("/releases/latest", "/releases/latest", 200).await;
    contract.get("/releases/tags/{tag}", "/releases/tags/v1.0.0", 200).await;
    contract.get("/releases/tags/{tag}", "/releases/tags/none", 404).await;
    let notes = json!({"tag_name": "v1.0.1", "previous_tag_name": "v1.0.0"});
    contract.post("/releases/generate-notes", "/releases/generate-notes", notes, 200).await;
    let path = format!("/releases/assets/{asset}");
    contract.send("DELETE", "/releases/assets/{asset_id}", &path, Value::Null, 204).await;
    contract.send("DELETE", one, &own, Value::Null, 204).await;
    contract.send("DELETE", one, &own, Value::Null, 404).await;
}

async fn issues(contract: &mut Contract<'_>) {
    let (all, one) = ("/issues", "/issues/{issue_number}");
    let label = json!({"name": "urgent", "color": "ff0000", "description": "Now"});
    contract.post("/labels", "/labels", label.clone(), 201).await;
    contract.post("/labels", "/labels", label, 422).await;
    contract.get("/labels", "/labels", 200).await;
    contract.get("/labels/{name}", "/labels/urgent", 200).await;
    contract.get("/labels/{name}", "/labels/none", 404).await;
    let issue = json!({"title": "prd failed", "body": "x", "labels": ["urgent"], "assignees": ["octocat"]});
    contract.post(all, all, issue, 201).await;
    contract.get(all, "/issues?state=open&labels=urgent", 200).await;
    contract.get(one, "/issues/1", 200).await;
    contract.get(one, "/issues/2", 404).await;
    contract.post("/issues/{issue_number}/labels", "/issues/1/labels", json!({"labels": ["prd"]}), 200).await;
    let comments = "/issues/{issue_number}/comments";
    let comment = contract.post(comments, "/issues/1/comments", json!({"body": "Again"}), 201).await;
    contract.get(comments, "/issues/1/comments", 200).await;
    let path = format!("/issues/comments/{}", comment["id"]);
    contract.send("PATCH", "/issues/comments/{comment_id}", &path, json!({"body": "Twice"}), 200).await;
    let closed = json!({"state": "closed", "state_reason": "completed"});
    contract.send("PATCH", one, "/issues/1", closed, 200).await;
    contract.post(all, all, json!({"title": "Long", "body": "x".repeat(65_537)}), 422).await;
    let number = contract.app.add_pull_request("octocat", "A change");
    contract.get(all, "/issues?state=open", 200).await;
    contract.get(one, &format!("/issues/{number}"), 200).await;
    contract.app.disable_issues();
    contract.post(all, all, json!({"title": "Gone"}), 410).await;
    contract.post(comments, &format!("/issues/{number}/comments"), json!({"body": "Deployed"}), 201).await;
}

/// What is said to everyone alike has one form.
async fn refusals(contract: &mut Contract<'_>) {
    let strict = contract.app.token(&[Permission::Contents.read()]);
    contract.refused(Some(strict), "/deployments", 403).await;
    contract.refused(Some("ghs_wrong".to_owned()), "/deployments", 401).await;
    contract.refused(None, "/deployments", 404).await;
    contract.github_limits();
    contract.get("/deployments", "/deployments", 403).await;
}
