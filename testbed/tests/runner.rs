//! The runner harness against small shell scripts: it must see what GitHub's runner would see.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
};

use serde_json::json;
use tempfile::TempDir;
use testbed::runner::{JOB_TOKEN, Level, Report, Runner, Syntax};

fn script(body: &str) -> Runner {
    Runner::new("/bin/sh").arg("-c").arg(body)
}

async fn run(body: &str) -> Report {
    script(body).run().await
}

/// Runs a script that prints `text` as it is, and nothing else.
async fn print(text: &str) -> Report {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("text");
    fs::write(&file, text).unwrap();
    script("cat \"$TEXT_FILE\"").env("TEXT_FILE", file).run().await
}

#[tokio::test]
async fn the_environment_is_that_of_a_container_and_nothing_else() {
    // A shell drops variables that it could not have set itself, those with dashes among them.
    let report = Runner::new("/usr/bin/env")
        .step("swap-alias")
        .input("max-attempts", " 3 ")
        .input("two words", "x")
        .declared_inputs(&["step", "url", "max-attempts"])
        .repository("acme/shop")
        .git_ref("refs/tags/v1.2.3")
        .event("release", json!({"action": "published"}))
        .run_id(7)
        .run_attempt(2)
        .env("AWS_REGION", "eu-west-1")
        .without_env("GITHUB_RETENTION_DAYS")
        .run()
        .await;
    let has = |line: &str| report.log.iter().any(|found| found == line);
    for line in [
        "INPUT_STEP=swap-alias",
        "INPUT_MAX-ATTEMPTS= 3 ",
        "INPUT_TWO_WORDS=x",
        "INPUT_URL=",
        "GITHUB_ACTIONS=true",
        "CI=true",
        "GITHUB_REPOSITORY=acme/shop",
        "GITHUB_REPOSITORY_OWNER=acme",
        "GITHUB_REF_NAME=v1.2.3",
        "GITHUB_REF_TYPE=tag",
        "GITHUB_EVENT_NAME=release",
        "GITHUB_RUN_ID=7",
        "GITHUB_RUN_ATTEMPT=2",
        "AWS_REGION=eu-west-1",
    ] {
        assert!(has(line), "{line:?} is missing\n{report}");
    }
    for name in ["CARGO_MANIFEST_DIR=", "GITHUB_TOKEN=", "GITHUB_RETENTION_DAYS=", "ACTIONS_ID_TOKEN"] {
        assert!(!report.raw.contains(name), "{name} is set\n{report}");
    }
    let step = script("pwd; cat \"$GITHUB_EVENT_PATH\"; echo; cat; ls -A \"$HOME\"");
    let report = step.event("release", json!({"action": "published"})).run().await;
    assert_eq!(report.log, [report.workspace.display().to_string().as_str(), "{\"action\":\"published\"}"]);
    assert!(report.succeeded());
}

#[tokio::test]
async fn inputs_declared_in_action_yml_are_all_set_and_others_warned_about() {
    let folder = TempDir::new().unwrap();
    let action = folder.path().join("action.yml");
    fs::write(
        &action,
        "inputs:\n  step: {required: true}\n  dry-run:\n    default: false\n  \
         token: {default: '${{ github.token }}'}\n  bare:\nruns: {using: docker, env: {MODE: action}}\n",
    )
    .unwrap();
    let report = Runner::new("/usr/bin/env").action_yml(&action).step("resolve").input("stepp", "x").run().await;
    for line in
        ["INPUT_BARE=", "INPUT_DRY-RUN=false", "INPUT_STEP=resolve", "INPUT_STEPP=x", "INPUT_TOKEN=***", "MODE=action"]
    {
        assert!(
            report.log.iter().any(|found| found == line),
            "{line:?} is missing
{report}"
        );
    }
    assert!(report.raw.contains(JOB_TOKEN));
    assert!(report.warning().message.starts_with("Unexpected input(s) 'stepp', valid inputs are ['bare'"));
    assert!(report.warning().by_runner);
}

#[tokio::test]
async fn inputs_may_be_anything_but_utf8() {
    let step = script("printf %s \"$INPUT_REASON\" > bytes");
    let value = OsString::from_vec(vec![b'a', 0xff, b'\n', b'z']);
    let report = step.raw_input("REASON", value.clone()).run().await;
    assert_eq!(fs::read(report.workspace.join("bytes")).unwrap(), value.as_bytes());
}

#[tokio::test]
async fn both_streams_are_read_and_commands_taken_out() {
    let report = run("echo plain; echo '::error file=a.rs,line=3,title=Bad::it broke%0Atwice' >&2
        echo 'remote: ##[warning]from afar'; echo '::notice::hi'; echo '::debug::x'; exit 4")
    .await;
    assert_eq!((report.exit_code, report.signal, report.succeeded()), (4, None, false));
    assert_eq!(report.log, ["plain"]);
    let error = report.error();
    assert_eq!((error.title.as_deref(), error.message.as_str()), (Some("Bad"), "it broke\ntwice"));
    assert_eq!((error.file.as_deref(), error.line), (Some("a.rs"), Some(3)));
    assert_eq!(report.warning().message, "from afar");
    assert_eq!(report.commands.len(), 4);
    assert!(report.commands.iter().any(|found| found.syntax == Syntax::Brackets));
    assert!(std::panic::catch_unwind(|| report.assert_runner_safe().exit_code).is_err(), "##[ is not safe");
}

#[tokio::test]
async fn lines_end_at_line_feed_or_carriage_return() {
    let report = print("one\rtwo\r\n\nprogress 1%\r::error::after a return\rlast").await;
    assert_eq!(report.log, ["one", "two", "", "progress 1%", "last"]);
    assert_eq!(report.error().message, "after a return");
}

#[tokio::test]
async fn masks_hide_later_lines_and_drop_job_outputs() {
    let report = run("echo 'before s3cr3t'; echo '::add-mask::s3cr3t'; echo 'a s3cr3ts3cr3t z'
        echo 'encoded czNjcjN0'; echo '::error title=s3cr3t::found s3cr3t'
        echo '::add-mask::two%0A lines '; echo 'a lines b'; echo '::add-mask:: '
        echo 'digest=sha256:1' >> \"$GITHUB_OUTPUT\"; echo 'uri=https://s3cr3t/' >> \"$GITHUB_OUTPUT\"
        echo '| s3cr3t |' >> \"$GITHUB_STEP_SUMMARY\"")
    .await;
    assert_eq!(report.log, ["before s3cr3t", "a *** z", "encoded ***", "a *** b"]);
    let error = report.error();
    assert_eq!((error.title.as_deref(), error.message.as_str()), (Some("***"), "found ***"));
    assert!(report.warning().message.starts_with("Can't add secret mask for empty string"));
    assert_eq!(report.output("uri"), "https://s3cr3t/");
    assert_eq!(report.dropped_outputs.iter().collect::<Vec<_>>(), ["uri"]);
    assert_eq!((report.summary.as_str(), report.summary_raw.as_str()), ("| *** |\n", "| s3cr3t |\n"));
    assert!(report.masks.ends_with(&["s3cr3t".into(), "two\n lines ".into(), "two".into(), "lines".into()]));
}

#[tokio::test]
async fn a_secret_is_found_wherever_it_leaks_but_not_in_add_mask() {
    run("echo ::add-mask::s3cr3t; echo fine").await.assert_no_secret("s3cr3t");
    for leak in [
        "echo x s3cr3t",
        "echo ::debug::s3cr3t >&2",
        "echo czNjcjN0",
        "echo a=s3cr3t >> $GITHUB_OUTPUT",
        "echo s3cr3t >> $GITHUB_STEP_SUMMARY",
        "mkdir deploy-evidence; echo '\"s3cr3t\"' > deploy-evidence/x-1.json",
    ] {
        let report = run(leak).await;
        let found = std::panic::catch_unwind(|| report.assert_no_secret("s3cr3t").exit_code).is_err();
        assert!(found, "{leak}");
    }
}

#[tokio::test]
async fn stop_commands_pauses_them_until_its_token() {
    let report = run("echo ::stop-commands::tok3n-tok3n; echo ::error::no; echo '##[set-output name=x]no'
        echo ::tok3n-tok3n::; echo ::notice::yes")
    .await;
    assert_eq!(report.log, ["::error::no", "##[set-output name=x]no"]);
    assert_eq!(report.annotations.iter().map(|found| found.level).collect::<Vec<_>>(), [Level::Notice]);
    assert!(report.outputs.is_empty() && report.masks.contains(&"tok3n-tok3n".to_owned()));
    for token in ["", "error", "Pause-Logging"] {
        let report = run(&format!("echo ::stop-commands::{token}; echo ::notice::still")).await;
        assert!(!report.succeeded() && report.annotations.len() == 3, "{token:?}\n{report}");
    }
}

#[tokio::test]
async fn dangerous_commands_are_seen_and_refused_or_obeyed_as_by_the_runner() {
    let report = run("echo '##[set-output name=digest]evil'; echo '::set-output name=other::kept'
        echo ::save-state name=pid::1; echo '##[add-matcher]m.json'; echo digest=good >> $GITHUB_OUTPUT")
    .await;
    assert_eq!((report.output("digest"), report.output("other")), ("good", "kept"));
    assert_eq!(report.state["pid"], "1");
    assert!(report.succeeded());
    let refused = run("echo ::set-env name=PATH::/evil").await;
    assert!(refused.exit_code == 0 && !refused.succeeded());
}

#[tokio::test]
async fn a_malformed_output_file_fails_the_step_after_the_good_entries() {
    let report = run("printf 'verdict=pass\\n\\nnonsense\\nlater=1\\n' >> $GITHUB_OUTPUT").await;
    assert_eq!((report.exit_code, report.succeeded()), (0, false));
    assert_eq!(report.file_command_error.as_deref(), Some("Invalid format 'nonsense'"));
    assert_eq!(report.outputs.len(), 1);
    assert_eq!(report.annotations.len(), 2);
    assert!(std::panic::catch_unwind(|| report.assert_verdict("pass", 0).exit_code).is_err());
    let nameless = run("echo =x >> $GITHUB_OUTPUT").await;
    assert!(!nameless.succeeded(), "{nameless}");
}

#[tokio::test]
async fn outputs_state_and_evidence_are_read() {
    let report = run("mkdir deploy-evidence; echo '{\"checks\": []}' > deploy-evidence/x-1.json
        printf 'verdict<<E\\npass\\nE\\nevidence=deploy-evidence/x-1.json\\n' >> $GITHUB_OUTPUT
        echo a=b >> $GITHUB_STATE")
    .await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.evidence(), json!({"checks": []}));
    assert_eq!(report.state["a"], "b");
    let folder = report.workspace.clone();
    drop(report);
    assert!(!folder.exists(), "a temporary workspace goes with its report");
}

#[tokio::test]
async fn limits_are_those_of_the_runner() {
    let report = run("i=0; while [ $i -lt 12 ]; do echo ::warning::$i; i=$((i+1)); done
        head -c 5000 /dev/zero | tr '\\0' x | sed 's/^/::error::/'; echo
        head -c 1048577 /dev/zero | tr '\\0' x > $GITHUB_STEP_SUMMARY")
    .await;
    let count = |level| report.annotations.iter().filter(|found| found.level == level).count();
    assert_eq!(count(Level::Warning), 10);
    assert_eq!(count(Level::Error), 2, "the long one, and the runner's on the summary\n{:?}", report.annotations);
    assert_eq!(report.annotations.iter().map(|found| found.message.len()).max(), Some(4096));
    assert!(report.summary.is_empty() && report.summary_raw.len() > 1024 * 1024);
    for unsafe_step in [
        "printf '\\033[31mred\\n'",
        "printf '1%%\\r2%%\\n'",
        "printf 'a=1\\n\\nb=2\\n' > $GITHUB_OUTPUT",
        "echo a=1 > $GITHUB_ENV",
        "echo ::add-matcher::x",
        "head -c 66000 /dev/zero > $GITHUB_STEP_SUMMARY",
    ] {
        let report = run(unsafe_step).await;
        assert!(std::panic::catch_unwind(|| report.assert_runner_safe().exit_code).is_err(), "{unsafe_step}");
    }
}

#[tokio::test]
async fn a_job_brings_its_workspace_token_and_github() {
    let workspace = TempDir::new().unwrap();
    fs::write(workspace.path().join("app.txt"), "app").unwrap();
    let report = script("cat app.txt; echo; env | sort")
        .workspace(workspace.path())
        .token("ghs_mine")
        .id_token("http://127.0.0.1:1/token?v=1", "id-request-token")
        .github_at("https://ghe.example/api/v3", "https://ghe.example")
        .secret("known-before")
        .env("LEAK", "known-before")
        .debug()
        .run()
        .await;
    for line in [
        "app",
        "INPUT_TOKEN=***",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN=***",
        "ACTIONS_RUNTIME_TOKEN=***",
        "GITHUB_API_URL=https://ghe.example/api/v3",
        "GITHUB_GRAPHQL_URL=https://ghe.example/api/graphql",
        "GITHUB_SERVER_URL=https://ghe.example",
        "LEAK=***",
        "RUNNER_DEBUG=1",
    ] {
        assert!(report.log.iter().any(|found| found == line), "{line:?} is missing\n{report}");
    }
    drop(report);
    assert!(workspace.path().join("app.txt").exists(), "a workspace that was given stays");
}
