//! References, tags, commits, comparisons and trees.

use serde_json::{Value, json};
use testbed::github::{LocalGithub, Repository};

use super::client::Client;

async fn app() -> (LocalGithub, Repository, Client) {
    let github = LocalGithub::start().await.unwrap();
    let app = github.repository("org/app");
    let client = Client::of(&github, &app);
    (github, app, client)
}

async fn compare(client: &Client, base: &str, head: &str, query: &str) -> Value {
    let answer = client.get(&format!("/repos/org/app/compare/{base}...{head}{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn histories_of_thousands_of_commits_are_compared() {
    let (_github, app, client) = app().await;
    let old = app.push("main", &[("a.txt", "1\n")], "First");
    let side = app.commit(&[&old], &[("b.txt", "1\n")], "Side");
    app.history("main", 5_000);
    let tip = app.push("main", &[("a.txt", "2\n")], "Last");

    let forth = compare(&client, &old, "main", "").await;
    assert_eq!(
        (&forth["status"], &forth["ahead_by"], &forth["behind_by"]),
        (&json!("ahead"), &json!(5_001), &json!(0))
    );
    assert_eq!(forth["total_commits"], 5_001);
    let listed = forth["commits"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[249]["sha"]), (250, &json!(tip)));
    let back = compare(&client, "main", &old, "?per_page=1&page=2").await;
    assert_eq!((&back["status"], &back["behind_by"]), (&json!("behind"), &json!(5_001)));
    assert!(back.get("files").is_none());
    let same = compare(&client, "heads/main", &tip, "").await;
    assert_eq!((&same["status"], &same["commits"]), (&json!("identical"), &json!([])));
    let apart = compare(&client, &tip, &side, "").await;
    assert_eq!(
        (&apart["status"], &apart["ahead_by"], &apart["behind_by"]),
        (&json!("diverged"), &json!(1), &json!(5_001))
    );
    assert_eq!(apart["merge_base_commit"]["sha"], json!(old));
    let page = compare(&client, &old, &tip, "?per_page=100&page=51").await;
    assert_eq!(page["commits"].as_array().unwrap().len(), 1);
    assert_eq!(page["commits"][0]["sha"], json!(tip));
}

#[tokio::test]
async fn histories_with_nothing_in_common_are_not_found() {
    let (_github, app, client) = app().await;
    app.push("main", &[], "First");
    let stranger = app.commit(&[], &[], "Stranger");
    assert_eq!(client.get(&format!("/repos/org/app/compare/main...{stranger}")).await.status, 404);
    assert_eq!(client.get("/repos/org/app/compare/main...nowhere").await.status, 404);
}

#[tokio::test]
async fn a_merge_reaches_both_of_its_parents() {
    let (_github, app, client) = app().await;
    let base = app.push("main", &[("a.txt", "1\n")], "Base");
    let left = app.commit(&[&base], &[("l.txt", "1\n")], "Left");
    let right = app.commit(&[&base], &[("r.txt", "1\n")], "Right");
    let merge = app.commit(&[&left, &right], &[("r.txt", "1\n")], "Merge");
    let found = compare(&client, &merge, &right, "").await;
    assert_eq!((&found["status"], &found["behind_by"]), (&json!("behind"), &json!(2)));
    let found = compare(&client, &right, &merge, "").await;
    assert_eq!(found["ahead_by"], 2);
}

#[tokio::test]
async fn changed_files_are_added_modified_removed_or_renamed_and_at_most_300() {
    let (_github, app, client) = app().await;
    let base = app.commit_tree(&[], &[("kept", "k\n"), ("old", "o\n"), ("gone", "g\n"), ("text", "1\n2\n")], "Base");
    let head =
        app.commit_tree(&[&base], &[("kept", "k\n"), ("new", "o\n"), ("text", "1\n3\n4\n"), ("more", "m\n")], "Head");
    let found = compare(&client, &base, &head, "").await;
    let files: Vec<_> =
        found["files"].as_array().unwrap().iter().map(|file| json!([file["filename"], file["status"]])).collect();
    assert_eq!(
        Value::Array(files),
        json!([["gone", "removed"], ["more", "added"], ["new", "renamed"], ["text", "modified"]])
    );
    assert_eq!(found["files"][2]["previous_filename"], "old");
    assert_eq!((&found["files"][3]["additions"], &found["files"][3]["deletions"]), (&json!(2), &json!(1)));

    let names: Vec<String> = (0..400).map(|number| format!("f/{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
    let big = app.commit(&[&head], &many, "Many");
    let found = compare(&client, &head, &big, "").await;
    assert_eq!(found["files"].as_array().unwrap().len(), 300);
}

#[tokio::test]
async fn annotated_tags_are_peeled_step_by_step_also_nested_ones() {
    let (_github, app, client) = app().await;
    let sha = app.push("main", &[], "First");
    let inner = app.annotated_tag("inner", &sha, "Inner");
    let outer = app.annotated_tag("v1.0.0", &inner, "Outer");
    app.tag("light", &sha);

    let reference = client.get("/repos/org/app/git/ref/tags/v1.0.0").await.body;
    assert_eq!(reference["ref"], "refs/tags/v1.0.0");
    assert_eq!((&reference["object"]["type"], &reference["object"]["sha"]), (&json!("tag"), &json!(outer)));
    let tag = client.get(&format!("/repos/org/app/git/tags/{outer}")).await.body;
    assert_eq!((&tag["object"]["type"], &tag["object"]["sha"]), (&json!("tag"), &json!(inner)));
    let tag = client.get(&format!("/repos/org/app/git/tags/{inner}")).await.body;
    assert_eq!((&tag["object"]["type"], &tag["object"]["sha"]), (&json!("commit"), &json!(sha)));
    let light = client.get("/repos/org/app/git/ref/tags/light").await.body;
    assert_eq!((&light["object"]["type"], &light["object"]["sha"]), (&json!("commit"), &json!(sha)));
    assert_eq!(client.get(&format!("/repos/org/app/git/tags/{sha}")).await.status, 404);
    for name in ["tags/v1.0.0", "tags%2Fv1.0.0", "v1.0.0", &sha[..7]] {
        let commit = client.get(&format!("/repos/org/app/commits/{name}")).await;
        assert_eq!(commit.body["sha"], json!(sha), "{name}");
    }
    let listed = client.get("/repos/org/app/tags").await.body;
    assert!(listed.as_array().unwrap().iter().all(|tag| tag["commit"]["sha"] == json!(sha)));
}

#[tokio::test]
async fn a_branch_and_a_tag_of_one_name_are_told_apart() {
    let (_github, app, client) = app().await;
    let tagged = app.push("main", &[], "First");
    app.tag("v1", &tagged);
    let branch = app.push("v1", &[], "On the branch");
    let sha = async |name: &str| client.get(&format!("/repos/org/app/commits/{name}")).await.body["sha"].clone();
    assert_eq!(sha("tags/v1").await, json!(tagged));
    assert_eq!(sha("heads/v1").await, json!(branch));
    assert_eq!(sha("v1").await, json!(branch));
    assert_eq!(client.get("/repos/org/app/git/ref/v1").await.status, 404);
    assert_eq!(client.get("/repos/org/app/commits/nowhere").await.status, 422);
}

#[tokio::test]
async fn six_hundred_tags_are_listed_by_page_or_by_prefix() {
    let (_github, app, client) = app().await;
    let sha = app.push("main", &[], "First");
    for number in 0..600 {
        app.tag(&format!("v1.0.{number}"), &sha);
    }
    app.tag("v-api-1.0.0", &sha);
    let mut next = Some("/repos/org/app/tags?per_page=100".to_owned());
    let mut seen = Vec::new();
    while let Some(path) = next {
        let answer = client.get(&path).await;
        seen.extend(answer.body.as_array().unwrap().iter().map(|tag| tag["name"].to_string()));
        next = answer.header("link").and_then(|link| {
            let link = link.split(", ").find(|link| link.ends_with("rel=\"next\""))?;
            Some(link[1..link.find('>')?].to_owned())
        });
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 601);
    let matching = client.get("/repos/org/app/git/matching-refs/tags/v-api-").await.body;
    assert_eq!((matching.as_array().unwrap().len(), &matching[0]["ref"]), (1, &json!("refs/tags/v-api-1.0.0")));
    let all = client.get("/repos/org/app/git/matching-refs/tags/v1.0.").await.body;
    assert_eq!(all.as_array().unwrap().len(), 600);
}

#[tokio::test]
async fn trees_are_listed_recursively_and_cut_short_when_told() {
    let (_github, app, client) = app().await;
    let sha = app.push("main", &[("src/api/main.py", "1\n"), ("README.md", "2\n")], "First");
    let paths = |tree: &Value| {
        tree["tree"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["path"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = client.get(&format!("/repos/org/app/git/trees/{sha}?recursive=1")).await.body;
    assert_eq!(paths(&all), ["README.md", "src", "src/api", "src/api/main.py"]);
    assert_eq!((&all["truncated"], &all["sha"]), (&json!(false), &json!(app.tree(&sha))));
    let flat = client.get("/repos/org/app/git/trees/main").await.body;
    assert_eq!(paths(&flat), ["README.md", "src"]);
    let blob = client.get(&format!("/repos/org/app/git/blobs/{}", all["tree"][3]["sha"].as_str().unwrap())).await.body;
    assert_eq!((&blob["content"], &blob["encoding"]), (&json!("MQo="), &json!("base64")));
    app.truncate_trees(2);
    let cut = client.get(&format!("/repos/org/app/git/trees/{sha}?recursive=1")).await.body;
    assert_eq!((paths(&cut).len(), &cut["truncated"]), (2, &json!(true)));
}

#[tokio::test]
async fn commits_are_listed_newest_first_by_branch_and_path() {
    let (_github, app, client) = app().await;
    let one = app.push("main", &[("a/x", "1")], "One");
    let two = app.push("main", &[("b/x", "1")], "Two");
    app.push("other", &[], "Elsewhere");
    let shas = async |query: &str| {
        let body = client.get(&format!("/repos/org/app/commits{query}")).await.body;
        body.as_array().unwrap().iter().map(|commit| commit["sha"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shas("").await, [two.clone(), one.clone()]);
    assert_eq!(shas("?path=a").await, std::slice::from_ref(&one));
    assert_eq!(shas(&format!("?sha={one}")).await, [one]);
    assert_eq!(shas("?per_page=1").await, [two]);
}
