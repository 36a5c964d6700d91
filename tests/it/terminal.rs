//! The program at a terminal: options for inputs, help and completion from the same declarations as `action.yml`, a plan that is
//! confirmed, colours on a terminal only.

use std::process::Output;
use std::time::Duration;

use deploy_action::action::inputs::common::CommonInputs;
use deploy_action::action::inputs::fields;
use deploy_action::reference::{meaning, short_meaning};
use deploy_action::steps;
use serde_json::{Value, json};
use testbed::github::{Deployment, Permission};
use testbed::pty::Terminal;
use tokio::process::Command;

use crate::world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_deploy-action");
const PATIENCE: Duration = Duration::from_secs(30);
/// As many lines as a screen of 120 columns has.
const SCREEN: usize = 64;

async fn run(arguments: &[&str]) -> (i32, String, String) {
    let ended = Command::new(PROGRAM).args(arguments).env_clear().output().await.unwrap();
    parts(ended)
}

fn parts(ended: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

/// One line, as it is read.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn help_shows_the_own_inputs_of_a_step_first_on_one_screen() {
    for step in steps::all() {
        let (code, help, _) = run(&[step.name, "--help"]).await;
        assert_eq!(code, 0, "{help}");
        let (own, common) = help.split_once("\nInputs of every step:\n").expect("the common inputs after its own");
        assert!(own.lines().count() <= SCREEN, "{} lines\n{own}", own.lines().count());
        for (part, fields) in [(own, (step.inputs)()), (common, fields::<CommonInputs>())] {
            let part = folded(part);
            for field in fields.iter().filter(|field| field.name != "step") {
                let line = folded(&format!("--{} {}", field.name, short_meaning(field)));
                assert!(part.contains(&line), "{}: {line}\n{help}", step.name);
            }
        }
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    }
}

#[tokio::test]
async fn all_that_help_tells_of_an_input_is_the_text_of_action_yml() {
    let action = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml")).unwrap();
    let action: Value = testbed::yaml(&action).unwrap();
    for step in steps::all() {
        let (_, help, _) = run(&["help", step.name]).await;
        let help = folded(&help);
        for field in (step.inputs)() {
            let text = meaning(&field);
            let known = action["inputs"][&field.name]["description"].as_str().unwrap();
            assert!(known.contains(&text), "{} is told otherwise in action.yml: {text}", field.name);
            assert!(help.contains(&folded(&text)), "{}: {text}\n{help}", step.name);
        }
    }
}

#[tokio::test]
async fn every_shell_is_told_every_step_input_and_word() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&["completion", shell]).await;
        assert_eq!(code, 0);
        for word in ["rollback", "expected-current", "dry-run", "this-run", "registry-endpoint"] {
            assert!(script.contains(word), "{shell} is not told {word}");
        }
    }
}

#[tokio::test]
async fn a_wrong_line_ends_with_exit_code_2_and_the_nearest_name() {
    let table: [(&[&str], &str); 4] = [
        (&[], "Usage: deploy-action"),
        (&["rolback"], "'rollback'"),
        (&["rollback", "--expcted-current", "3"], "'--expected-current'"),
        (&["rollback", "--function", "shop-api", "--attempts", "many"], "input `attempts` must be"),
    ];
    for (arguments, expected) in table {
        let (code, _, told) = run(arguments).await;
        assert!(code == 2 && told.contains(expected), "{arguments:?}: {code}\n{told}");
        assert!(!told.contains('\x1b') && !told.contains("::"), "{told}");
    }
}

/// In a container action arguments are whatever a workflow's `args:` says.
#[tokio::test]
async fn arguments_are_ignored_where_a_runner_or_a_container_is() {
    for name in ["GITHUB_ACTIONS", "INPUT_STEP"] {
        let mut command = Command::new(PROGRAM);
        command.args(["rollback", "--help"]).env_clear().env(name, "rollback");
        let folder = tempfile::tempdir().unwrap();
        let (code, printed, _) = parts(command.current_dir(folder.path()).output().await.unwrap());
        assert!(code == 2 && printed.contains("::error title="), "{name}: {printed}");
    }
}

/// The swap of a function to its second version, as a person types it.
struct Swap {
    world: World,
    folder: tempfile::TempDir,
}

impl Swap {
    async fn new() -> Self {
        let world = World::new().await;
        world.shop("shop-api", 2).await;
        Self { world, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, step: &str, more: &[&str]) -> Command {
        let grants = [Permission::Deployments.write(), Permission::Contents.read()];
        let mut command = Command::new(PROGRAM);
        command.args([step, "--repository", "org/shop", "--environment", "prd", "--function", "shop-api"]).args(more);
        command.env_clear().envs(self.world.aws.environment()).env("GITHUB_API_URL", self.world.github.url());
        command.env("GH_TOKEN", self.world.repository.token_of("octocat", &grants)).current_dir(self.folder.path());
        command
    }

    fn swap(&self) -> Command {
        self.command("swap-alias", &["--version", "2", "--sha", &self.world.commits[1]])
    }

    async fn serves(&self) -> String {
        self.world.live("shop-api").await.version
    }
}

#[tokio::test]
async fn nothing_is_written_before_the_plan_is_confirmed() {
    let swap = Swap::new().await;
    let mut no = Terminal::start(&swap.swap()).unwrap();
    let seen = no.wait_for("[y/N]", PATIENCE).await.unwrap();
    assert!(seen.contains("live moves from version 1 to 2") && seen.contains("to put back by hand"), "{seen}");
    assert_eq!(swap.world.writes().await, [""; 0]);
    no.write("n\n").await.unwrap();
    let (code, seen) = no.end(PATIENCE).await.unwrap();
    assert!(code == 130 && seen.contains("\x1b[31mcancelled:\x1b[0m not confirmed: nothing was written"), "{seen}");
    assert_eq!((swap.serves().await.as_str(), swap.world.records().len()), ("1", 0));

    let mut interrupted = Terminal::start(&swap.swap()).unwrap();
    interrupted.wait_for("[y/N]", PATIENCE).await.unwrap();
    interrupted.interrupt().await.unwrap();
    let (code, seen) = interrupted.end(PATIENCE).await.unwrap();
    assert!(code == 130 && seen.contains("cancelled by SIGINT"), "{code} {seen}");
    assert_eq!((swap.serves().await.as_str(), swap.world.records().len()), ("1", 0));

    let mut yes = Terminal::start(&swap.swap()).unwrap();
    yes.wait_for("[y/N]", PATIENCE).await.unwrap();
    yes.write("y\n").await.unwrap();
    let (code, seen) = yes.end(PATIENCE).await.unwrap();
    assert!(code == 0 && seen.contains("\x1b[32mpass:\x1b[0m") && seen.contains("previous-version: 1"), "{seen}");
    assert_eq!(swap.serves().await, "2");
}

#[tokio::test]
async fn where_nobody_can_be_asked_the_plan_takes_yes() {
    let swap = Swap::new().await;
    let (code, _, told) = parts(swap.swap().output().await.unwrap());
    assert!(code == 2 && told.contains("give `--yes`"), "{code} {told}");
    assert_eq!(swap.world.writes().await, [""; 0]);
    let (code, printed, told) = parts(swap.swap().args(["--dry-run", "--json"]).output().await.unwrap());
    let outputs: Value = serde_json::from_str(&printed).expect("one object of JSON");
    assert!(code == 0 && outputs["verdict"] == "pass" && outputs["changed"] == "true", "{printed}{told}");
    assert!(!told.contains('\x1b'), "colours are for a terminal: {told}");
    assert_eq!(swap.world.writes().await, [""; 0]);
    let (code, _, told) = parts(swap.swap().arg("--yes").output().await.unwrap());
    assert_eq!((code, swap.serves().await.as_str()), (0, "2"), "{told}");
}

#[tokio::test]
async fn a_record_made_at_a_terminal_names_the_user_and_no_run_and_the_way_back_is_by_it() {
    let swap = Swap::new().await;
    let (code, _, told) = parts(swap.swap().arg("--yes").output().await.unwrap());
    assert_eq!(code, 0, "{told}");
    let record = swap.world.records().pop().unwrap();
    assert!(record.payload["run"].is_null() && record.payload["actor"] == "octocat", "{:?}", record.payload);
    assert_eq!(record.states().last(), Some(&"success"));
    // Whatever serves there, whoever put it there.
    let back = swap.command("rollback", &["--reason", "checkout is broken", "--yes"]).output().await.unwrap();
    let (code, _, told) = parts(back);
    assert_eq!((code, swap.serves().await.as_str()), (0, "1"), "{told}");
    assert!(swap.world.records().pop().unwrap().payload["run"].is_null());
}

/// What a terminal left open belongs to no run that could be asked: it is in the way for an hour.
#[tokio::test]
async fn an_open_record_of_a_terminal_is_in_the_way_and_is_not_taken_for_ones_own() {
    let swap = Swap::new().await;
    let left = || {
        let target = swap.world.aws.target("shop-api", "live", &json!({"version": "2"}));
        let commit = swap.world.commits[1].clone();
        let payload = json!({"schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target],
            "actor": "hubot"});
        let made = Deployment { sha: commit, environment: "prd".to_owned(), payload, ..Deployment::default() };
        let id = swap.world.repository.add_deployment(made);
        swap.world.repository.add_status(id, "in_progress", "da1 swap-alias pass by hand");
    };
    left();
    let (code, _, told) = parts(swap.swap().arg("--yes").output().await.unwrap());
    assert!(code == 5 && told.contains("a terminal (of hubot) deploys shop to prd too"), "{code} {told}");
    assert_eq!(swap.serves().await, "1");
    let (code, _, told) = parts(swap.swap().args(["--yes", "--on-concurrent", "ignore"]).output().await.unwrap());
    assert_eq!((code, swap.serves().await.as_str()), (0, "2"), "{told}");
}
