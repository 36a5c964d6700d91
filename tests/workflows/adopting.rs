//! `docs/adopting.md`, walked by its letter: its commands in an empty repository, then the first deployment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use testbed::aws::{ImageSpec, Settings, command_line};
use testbed::github::Permission;
use tokio::process::Command;

use crate::world::{World, assert_verdict, job, push};

/// The commit of what served before: nobody knows it.
const FIRST: &str = "0000000000000000000000000000000000000001";

const PAGE: &str = include_str!("../../docs/adopting.md");

/// The commands of the page, in its order. A line that begins with `$ ` begins one; what follows in the block belongs to it.
fn commands() -> String {
    let blocks = PAGE.split("```console\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    lines.fold(String::new(), |script, line| script + line.strip_prefix("$ ").unwrap_or(line) + "\n")
}

/// The command lines a user has. `aws` is the real one; `gh api` asks the local GitHub, and what changes the
/// repository's settings is written down. Nothing is built: `docker push` waits until somebody else has pushed.
fn command_lines(folder: &Path) {
    let programs = [
        ("aws", format!("exec {} -m awscli \"$@\"", command_line().unwrap().display())),
        (
            "gh",
            r#"case "$1 $2" in
  "api --method") echo "$4" >> "$TOLD/settings" ;;
  "api "*) curl -fsS -H "Authorization: Bearer $GH_TOKEN" "$GITHUB_API_URL/$2" | jq -r "$4" ;;
  "variable set") echo "$5 $3=$7" >> "$TOLD/settings" ;;
  *) echo "what is gh $*?" >&2; exit 1 ;;
esac"#
                .to_owned(),
        ),
        (
            "docker",
            r#"case "$1" in
  login) cat > "$TOLD/password" ;;
  build) [ -f "${!#}/Dockerfile" ] ;;
  push) echo "$2" > "$TOLD/push.new" && mv "$TOLD/push.new" "$TOLD/push"; while [ ! -f "$TOLD/pushed" ]; do sleep 0.1; done ;;
  *) echo "what is docker $*?" >&2; exit 1 ;;
esac"#
                .to_owned(),
        ),
    ];
    for (name, body) in programs {
        let file = folder.join(name);
        fs::write(&file, format!("#!/usr/bin/env bash\nset -euo pipefail\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Whoever pushes the first image: the tag must be there before a function can be made of it.
async fn push_the_first_image(world: &World, told: &Path) {
    let name = loop {
        match fs::read_to_string(told.join("push")) {
            Ok(name) => break name,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    assert_eq!(name.trim(), world.aws.image_uri("shop-api", "first").replace('@', ":"), "what is pushed");
    world.aws.push_image(&ImageSpec::new("shop-api").release("0.9.0", FIRST).tag("first")).await.unwrap();
    fs::write(told.join("pushed"), "").unwrap();
}

#[tokio::test]
async fn a_new_user_reaches_a_deployment_by_this_page_alone() {
    let world = World::empty("adopting").await;
    let settings = Settings { enforce_iam: Some(true), ..Settings::default() };
    world.aws.settings(&settings).await.unwrap();
    let desk = tempfile::tempdir().unwrap();
    let [bin, told] = ["bin", "told"].map(|name| desk.path().join(name));
    for folder in [&bin, &told] {
        fs::create_dir(folder).unwrap();
    }
    command_lines(&bin);
    // The repository as it was cloned, with this one beside it, as the page has it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::os::unix::fs::symlink(root, world.folder().parent().unwrap().join("deploy-action")).unwrap();
    let origin = told.join("origin");
    let begin =
        format!("git init --quiet --bare --initial-branch main {0}\ngit clone --quiet {0} .\n", origin.display());

    let script = format!("set -euo pipefail\n{begin}{}", commands());
    let walk = Command::new("bash")
        .args(["-c", &script])
        .current_dir(world.folder())
        .envs(world.aws.environment())
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("TOLD", &told)
        .env("GITHUB_API_URL", world.github.url())
        .env("GH_TOKEN", world.repository.token(&[Permission::Contents.read()]))
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "new user")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "user@example.com")))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let pushing = async {
        push_the_first_image(&world, &told).await;
        std::future::pending::<()>().await;
    };
    let walked = tokio::select! {
        walked = walk => walked.unwrap(),
        () = pushing => unreachable!(),
    };

    let printed = format!("{}{}", String::from_utf8_lossy(&walked.stdout), String::from_utf8_lossy(&walked.stderr));
    assert!(walked.status.success(), "{printed}");
    assert_eq!(world.serves("shop-api-dev", "live").await, "1");
    let settings = fs::read_to_string(told.join("settings")).unwrap();
    let variable = |name: &str| {
        let line = settings.lines().find_map(|line| line.strip_prefix(&format!("dev {name}=")));
        line.unwrap_or_else(|| panic!("{name} in {settings}")).to_owned()
    };

    // What the push begins.
    let sha = world.merge("the first");
    let run = world
        .run("the page, then the first push", "dev.yml", &job("push", "refs/heads/main", &sha, "dev", 7))
        .event(push("refs/heads/main", &sha))
        .var("DEPLOY_ROLE", &variable("DEPLOY_ROLE"))
        .var("AWS_REGION", &variable("AWS_REGION"))
        .run()
        .await
        .unwrap();

    run.assert_success(true);
    for step in ["promote", "publish", "smoke", "swap", "health"] {
        assert_verdict(&run, step, "pass");
    }
    assert_eq!(world.serves("shop-api-dev", "live").await, "2");
    assert_eq!(world.records("dev").last().unwrap().states().last(), Some(&"success"));
}
