//! Bad input: told before anything is called, all of it at once, with the fix, and harmless whatever it holds. The tests are
//! made from the list of steps, so a new step is tested by being listed.

mod values;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use deploy_action::action::Output;
use deploy_action::action::inputs::common::CommonInputs;
use deploy_action::action::inputs::{Field, fields};
use deploy_action::reference::COMMON_OUTPUTS;
use deploy_action::steps::{self, Definition};
use serde_json::json;
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, WebServer};

use crate::messages::message;
use crate::world::World;

/// AWS, GitHub, the issuer of tokens and the proxy of everything else: nobody may call here.
struct Nobody(WebServer);

impl Nobody {
    fn home() -> Self {
        Self(WebServer::start([Answer::status(500)]))
    }

    /// A step of a job that has everything it takes to call somebody.
    fn runner(&self) -> Runner {
        // No step deploys a pull request.
        let mut runner = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .git_ref("refs/pull/1/merge")
            .event("pull_request", json!({"action": "opened", "number": 1}))
            .github_at(&self.0.url(""), &self.0.url(""))
            .id_token(&self.0.url("/token?a=b"), "request-token-of-the-job")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret-key-of-the-job")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL", self.0.url(""));
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"] {
            runner = runner.env(proxy, self.0.url(""));
        }
        runner
    }

    fn step(&self, step: &Definition) -> Runner {
        self.runner().step(step.name)
    }

    /// Asserts that the run was refused as bad input, harmlessly and without a call, and returns the problems it told.
    #[track_caller]
    fn refused(&self, report: &Report) -> Vec<String> {
        report.assert_verdict("error", 2).assert_runner_safe();
        assert_eq!(self.0.connections(), 0, "it called {:?}\n{report}", self.0.requests());
        assert_eq!(report.output("changed"), "false");
        assert_eq!(report.output("serving"), "");
        let error = report.error();
        assert!(!error.message.is_empty() && !error.by_runner);
        for Output { name, .. } in COMMON_OUTPUTS {
            let _ = report.output(name);
        }
        let common = |name: &str| COMMON_OUTPUTS.iter().any(|known| known.name == name);
        let told = report.outputs.iter().find(|(name, value)| !common(name) && !value.is_empty());
        assert!(told.is_none(), "no other output says anything: {told:?}\n{report}");
        assert!(!report.output("reason").contains('\n'));
        let evidence = report.evidence();
        let mut told: Vec<String> =
            evidence["advice"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let last = told.pop().unwrap();
        assert!(last.starts_with("nothing was attempted; "), "{last}");
        assert!(last.contains(".md)"), "{last}");
        if told.is_empty() { vec![report.output("reason").to_owned()] } else { told }
    }
}

fn registered() -> Vec<Definition> {
    let all = steps::all();
    assert!(!all.is_empty(), "no step is registered");
    all
}

fn own(step: &Definition) -> Vec<Field> {
    (step.inputs)()
}

/// Every input that a step takes, the common ones included, without `step` itself.
fn taken(step: &Definition) -> Vec<Field> {
    fields::<CommonInputs>().into_iter().chain(own(step)).filter(|field| field.name != "step").collect()
}

/// Whether an input takes any text. All others have a form that hostile text does not fit.
fn is_free(field: &Field) -> bool {
    let free = [
        "text",
        "secret",
        "a regular expression",
        "`key=value`",
        "a path in the workspace, or `s3://bucket/key`",
        "a version: a commit, a number or a tag",
        "the id of a tenant",
    ];
    free.contains(&field.shape.trim_start_matches("lines, each ").trim_end_matches("; or lines `function=value`"))
}

/// Something wrong that belongs to no input of any step, so that a run whose other inputs are fine is refused as well.
const WRONG: (&str, &str) = ("qqqq", "x");

/// Text that would be a command, hide something, or break a file, if it were printed as it is.
const HOSTILE: [&str; 9] = [
    "::set-output name=x::y",
    "##[add-mask]x",
    "see ##[set-output name=verdict]pass",
    "a\n::error::forged\nb",
    "a\r::warning::forged",
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
    "50%0A::error::forged",
    "x\u{202e}reversed\u{200b}",
    "`rm -rf /` | <img src=x onerror=1> [a](javascript:b) @org/team",
];

#[track_caller]
fn assert_told(told: &[String], beginning: &str, report: &Report) {
    assert!(
        told.iter().any(|line| line.starts_with(beginning)),
        "nothing begins with {beginning:?}:\n{told:#?}\n{report}"
    );
}

#[tokio::test]
async fn a_step_without_inputs_tells_what_it_needs() {
    let nobody = Nobody::home();
    for step in registered() {
        let report = nobody.step(&step).run().await;
        if report.exit_code == 2 {
            let told = nobody.refused(&report);
            for field in own(&step).iter().filter(|field| field.required) {
                assert_told(&told, &format!("input `{}` is required", field.name), &report);
            }
        } else if report.exit_code == 4 {
            // What a step reads by itself, the records or the evidence, is not there.
            report.assert_verdict("error", 4).assert_runner_safe();
        } else {
            // A step may have nothing it must be given; then it has nothing to do either, or nothing that it could look at.
            assert!(["skipped", "inconclusive"].contains(&report.output("verdict")), "{report}");
            report.assert_runner_safe();
            assert!(own(&step).iter().all(|field| !field.required), "{}", step.name);
        }
        assert_eq!(nobody.0.connections(), 0, "{}", step.name);
    }
}

#[tokio::test]
async fn no_step_and_an_unknown_step_tell_the_steps_there_are() {
    let nobody = Nobody::home();
    let report = nobody.runner().run().await;
    let told = nobody.refused(&report);
    assert_told(&told, "input `step` is required: one of ", &report);
    for step in registered() {
        assert!(told[0].contains(step.name), "{told:?}");
        let middle = step.name.len() / 2;
        let misspelt = format!("{}{}", &step.name[..middle], &step.name[middle + 1..]);
        let report = nobody.runner().step(&misspelt).run().await;
        let told = nobody.refused(&report);
        assert_eq!(told, [format!("input `step` \"{misspelt}\" is not a step: did you mean `{}`?", step.name)]);
    }
    for hostile in HOSTILE.into_iter().chain(["zzz", "SWAP ALIAS\u{0}"]) {
        let hostile = hostile.replace('\0', "");
        let told = nobody.refused(&nobody.runner().step(&hostile).run().await);
        assert!(told[0].contains("is not a step: "), "{told:?}");
    }
}

#[tokio::test]
async fn a_blank_step_is_not_given_and_a_trimmed_one_is() {
    let nobody = Nobody::home();
    for blank in ["", " ", "\n\t "] {
        let told = nobody.refused(&nobody.runner().step(blank).run().await);
        assert!(told[0].starts_with("input `step` is required"), "{told:?}");
    }
    for step in registered() {
        let told =
            nobody.refused(&nobody.runner().step(&format!("\n {} ", step.name)).input(WRONG.0, WRONG.1).run().await);
        assert!(told.iter().any(|line| line.contains(&format!("is not used by {}", step.name))), "{told:?}");
    }
}

#[tokio::test]
async fn a_misspelt_input_tells_the_nearest_name() {
    let nobody = Nobody::home();
    for step in registered() {
        let names: BTreeSet<String> = taken(&step).into_iter().map(|field| field.name).collect();
        let misspell = |name: &str| format!("{}{}", &name[..name.len() - 2], &name[name.len() - 1..]);
        let long: Vec<&String> =
            names.iter().filter(|name| name.len() >= 5 && !names.contains(&misspell(name))).collect();
        let mut runner = nobody.step(&step);
        for name in &long {
            runner = runner.input(&misspell(name), "x");
        }
        let report = runner.run().await;
        let told = nobody.refused(&report);
        for name in long {
            let line = format!("input `{}` is not used by {}: did you mean `{name}`?", misspell(name), step.name);
            assert_told(&told, &line, &report);
        }
        // Underscores for dashes, as in other tools.
        let report = nobody.step(&step).input("dry_run", "true").run().await;
        let told = nobody.refused(&report);
        assert_told(&told, &message("input-not-used", &["dry_run", step.name, "did you mean `dry-run`?"]), &report);
        let told = nobody.refused(&nobody.step(&step).input(WRONG.0, WRONG.1).run().await);
        let page = format!("see the inputs of {0} in docs/steps/{0}.md", step.name);
        assert!(told.iter().any(|line| line.contains(&page)), "{told:?}");
    }
}

#[tokio::test]
async fn another_steps_input_tells_whose_it_is() {
    let nobody = Nobody::home();
    let all = registered();
    for step in &all {
        let names: BTreeSet<String> = taken(step).into_iter().map(|field| field.name).collect();
        let mut runner = nobody.step(step);
        let mut expected = Vec::new();
        for other in &all {
            for field in own(other).into_iter().filter(|field| !names.contains(&field.name)) {
                runner = runner.input(&field.name, field.example);
                expected.push((field.name, other.name));
            }
        }
        let report = runner.input(WRONG.0, WRONG.1).run().await;
        let told = nobody.refused(&report);
        for (name, other) in expected {
            let line = told
                .iter()
                .find(|line| line.starts_with(&format!("input `{name}` is not used by {}: it belongs to ", step.name)));
            assert!(line.is_some_and(|line| line.contains(other)), "{name} belongs to {other}: {told:#?}");
        }
    }
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let nobody = Nobody::home();
    for step in registered() {
        let runner = nobody
            .step(&step)
            .input("aws-region", "the moon")
            .input("timeout", "soon")
            .input("dry-run", "maybe")
            .input("environment", "a b")
            .input(WRONG.0, WRONG.1)
            .raw_input("COMPONENT", OsString::from_vec(vec![0xff]))
            .raw_input("SHA", "a".repeat(70_000));
        let report = runner.run().await;
        let told = nobody.refused(&report);
        for name in ["aws-region", "timeout", "dry-run", "environment", "component", "sha", WRONG.0] {
            assert_told(&told, &format!("input `{name}` "), &report);
            assert!(report.error().message.contains(&format!("input `{name}` ")), "{}", report.error().message);
        }
        assert!(report.output("reason").starts_with(&format!("{} inputs are wrong, the first: ", told.len())));
    }
}

#[tokio::test]
async fn the_inputs_that_action_yml_declares_are_no_inputs_given() {
    let nobody = Nobody::home();
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    for step in registered() {
        let bare = nobody.step(&step).run().await;
        if bare.exit_code == 4 || bare.output("verdict") == "inconclusive" {
            // With the token that action.yml declares it would begin.
            continue;
        }
        let declared = nobody.step(&step).action_yml(&action).run().await;
        assert_eq!(declared.output("reason"), bare.output("reason"), "{declared}");
        assert_eq!(declared.exit_code, bare.exit_code);
        declared.assert_runner_safe();
        // The token that action.yml sets is an input of every step.
        let told = nobody.refused(&nobody.step(&step).action_yml(&action).input(WRONG.0, WRONG.1).run().await);
        assert!(!told.iter().any(|line| line.contains("`token`")), "{told:?}");
    }
}

#[tokio::test]
async fn a_secret_in_a_wrong_place_is_not_printed() {
    let nobody = Nobody::home();
    let token = "github_pat_11ABCDEFG0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdef";
    for step in registered() {
        let mut runner = nobody.step(&step).token(token).input("token", token).input(WRONG.0, WRONG.1);
        for field in taken(&step).into_iter().filter(|field| field.name != "token") {
            runner = runner.input(&field.name, token);
        }
        let report = runner.run().await;
        nobody.refused(&report);
        report.assert_no_secret(token).assert_no_secret(&token[..70]);
    }
    let report = nobody.runner().step(token).input("token", token).run().await;
    nobody.refused(&report);
    report.assert_no_secret(token).assert_no_secret(&token[..70]);
    // A token of two lines is two secrets, wherever they are folded into one line.
    let two = "ghs_first-half-of-it\n::error::ghs_second-half-of-it";
    let runner = nobody.step(&registered()[0]).input("token", two).input("component", two).input("sha", two);
    let report = runner.run().await;
    let told = nobody.refused(&report);
    assert_told(&told, "input `token` must be one line", &report);
    for half in ["ghs_first-half-of-it", "ghs_second-half-of-it"] {
        report.assert_no_secret(half);
    }
}

/// Nobody has said yet that these are secrets: a value is shown back only where it is a name, a number or a word of an enumeration.
#[tokio::test]
async fn bad_input_is_refused_without_showing_a_password_in_it() {
    let nobody = Nobody::home();
    let password = "Sw0rdfish-of-the-team";
    let table = [
        ("health-check-with-backoff", "url", "https://user:{}@shop.example.com/health"),
        ("health-check-with-backoff", "payload", "{\"password\": \"{}\""),
        ("health-check-with-backoff", "expect-json", "{password: {}: x}"),
        ("promote-artifact", "registry-endpoint", "ghcr.io=https://user:{}@proxy.example.com"),
        ("dispatch", "inputs", "password: [{}]"),
        ("dispatch", "inputs", "{password: {}, password: {}}"),
        ("dispatch", "client-payload", "password: {}: x"),
        ("smoke-test", "cases", "- {}: x"),
        ("smoke-test", "cases", "- payload: {}\n  path: {}"),
        ("swap-alias", "expected-tags", "stage={}\n{}"),
        ("notify", "channels", "- to: webhook\n  url: https://user:{}@hooks.example.com"),
        ("detect-changes", "components", "shop: {paths: [a], {}: [b]}"),
        ("swap-alias", "component", "shop {}!"),
    ];
    for (step, input, value) in table {
        let report =
            nobody.runner().step(step).input(input, value.replace("{}", password)).input(WRONG.0, WRONG.1).run().await;
        let told = nobody.refused(&report);
        assert_told(&told, &format!("input `{input}` "), &report);
        report.assert_no_secret(password);
    }
}

/// Names, numbers and words of an enumeration are shown: whoever misspelt one sees it.
#[tokio::test]
async fn a_refused_word_is_shown_back() {
    let nobody = Nobody::home();
    for (input, value) in [("timeout", "90"), ("on-concurrent", "fial"), ("version", "v1.2")] {
        let report = nobody.runner().step("swap-alias").input(input, value).run().await;
        let told = nobody.refused(&report);
        assert!(told.iter().any(|line| line.ends_with(&format!(", not \"{value}\""))), "{told:?}");
    }
}

/// The evidence is written as root into a workspace that others fill.
#[tokio::test]
async fn evidence_is_not_written_through_a_symbolic_link() {
    let nobody = Nobody::home();
    let (workspace, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(elsewhere.path(), workspace.path().join("deploy-evidence")).unwrap();
    let report = nobody.runner().step("swap-alias").workspace(workspace.path()).run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert_eq!((report.output("evidence"), std::fs::read_dir(elsewhere.path()).unwrap().count()), ("", 0));
    assert!(report.raw.contains("it leads out of the workspace"), "{report}");

    let workspace = tempfile::tempdir().unwrap();
    std::fs::create_dir(workspace.path().join("deploy-evidence")).unwrap();
    let target = elsewhere.path().join("made-by-root");
    for name in [".gitignore", "swap-alias-1.json"] {
        std::os::unix::fs::symlink(&target, workspace.path().join("deploy-evidence").join(name)).unwrap();
    }
    let report = nobody.runner().step("swap-alias").workspace(workspace.path()).run().await;
    assert_eq!(report.output("evidence"), "deploy-evidence/swap-alias-2.json");
    assert!(!target.exists());
}

#[tokio::test]
async fn arguments_of_the_command_line_change_nothing() {
    let nobody = Nobody::home();
    let report = nobody.runner().arg("--step=rollback").arg("::error::forged").arg("--help").run().await;
    let told = nobody.refused(&report);
    assert_told(&told, "input `step` is required", &report);
}

/// Text that may hold anything goes into the log, the summary, the evidence and GitHub's record, and stays text in all of them.
#[tokio::test]
async fn free_text_is_harmless_where_it_is_printed() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let hostile = HOSTILE.join("\n");
    let swap = world.step("swap-alias").input("environment", "prd").input("function", "shop-api").input("version", "2");
    let report = swap.input("migrations", &hostile).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let rollback =
        world.step("rollback").input("environment", "prd").input("function", "shop-api").input("reason", &hostile);
    let report = rollback.input("scope", "any").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "1");
    for record in world.records() {
        for status in record.statuses {
            let description = status.description;
            assert!(!description.contains('\n') && !description.contains('\u{1b}'), "{description:?}");
        }
    }
}
