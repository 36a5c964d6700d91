//! The written reference says what the code does: `action.yml`, the tables, the lists of pages. `cargo generate` writes it.

#[path = "../../tools/notice.rs"]
mod notice;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deploy_action::action::Output;
use deploy_action::action::inputs::common::CommonInputs;
use deploy_action::action::inputs::{Field, Problems, RawInputs, fields};
use deploy_action::reference::{self, COMMON_OUTPUTS};
use deploy_action::steps::{self, Definition};
use serde_json::Value;

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn action_yml() -> Value {
    testbed::yaml(&text("action.yml")).unwrap()
}

fn registered() -> Vec<Definition> {
    let all = steps::all();
    assert!(!all.is_empty(), "no step is registered");
    all
}

/// Every step's own inputs, by step.
fn all_inputs() -> Vec<(&'static str, Field)> {
    registered().iter().flat_map(|step| (step.inputs)().into_iter().map(|field| (step.name, field))).collect()
}

#[test]
fn generated_files_say_what_the_code_says() {
    for file in reference::files() {
        let now = text(&file);
        let generated = reference::rendered(&file, &now).unwrap();
        let first = now.lines().zip(generated.lines()).find(|(now, generated)| now != generated);
        assert!(
            now == generated,
            "{file} is not what the code says: run `cargo generate`\nfirst difference: {first:#?}"
        );
    }
}

#[test]
fn the_notice_names_all_that_is_released() {
    let notice = text("NOTICE");
    assert_eq!(notice, notice::render().unwrap(), "run `cargo generate`");
    for part in ["GNU C Library", "BusyBox", "Mozilla", "ring v", "tokio v", "aws-sdk-lambda v"] {
        assert!(notice.contains(part), "{part}");
    }
}

#[test]
fn action_yml_is_what_the_marketplace_and_the_runner_ask_for() {
    let action = action_yml();
    let description = action["description"].as_str().unwrap();
    assert!(!description.is_empty() && description.len() < 125, "{description}");
    for key in ["name", "author"] {
        assert!(!action[key].as_str().unwrap().is_empty());
    }
    assert_eq!(action["runs"]["using"], Value::from("docker"));
    assert!(action["runs"]["image"].as_str().unwrap().starts_with("docker://ghcr.io/"));
    assert_eq!(action["runs"]["entrypoint"], Value::from("/usr/local/bin/deploy-action"));
    assert!(action["runs"].get("args").is_none(), "inputs reach the program by its environment only");
    for kind in ["inputs", "outputs"] {
        for (name, entry) in action[kind].as_object().unwrap() {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()),
                "{name}"
            );
            let description = entry["description"].as_str().unwrap();
            assert!(description.ends_with(".)"), "{kind} {name} says who uses it");
            assert!(!description.contains("${{"), "the runner would evaluate it: {name}");
            assert!(entry.get("value").is_none(), "the runner ignores `value` of a container action: {name}");
        }
    }
}

#[test]
fn the_token_is_the_only_default_and_the_step_the_only_required_input() {
    for (name, input) in action_yml()["inputs"].as_object().unwrap() {
        let default = input.get("default").and_then(Value::as_str);
        assert_eq!(default, (name == "token").then_some("${{ github.token }}"), "{name}");
        let required = input.get("required").and_then(Value::as_bool).unwrap_or_default();
        assert_eq!(required, name == "step", "{name}");
    }
}

#[test]
fn action_yml_declares_every_input_and_output_and_no_other() {
    let declared = |kind: &str| -> BTreeSet<String> {
        let action = action_yml();
        action[kind].as_object().unwrap().keys().cloned().collect()
    };
    let own = all_inputs().into_iter().map(|(_, field)| field.name);
    let inputs: BTreeSet<String> = fields::<CommonInputs>().into_iter().map(|field| field.name).chain(own).collect();
    assert_eq!(declared("inputs"), inputs);
    let all = registered();
    let own = all.iter().flat_map(|step| step.outputs).chain(COMMON_OUTPUTS).map(|output| output.name.to_owned());
    assert_eq!(declared("outputs"), own.collect());
}

#[test]
fn names_of_steps_are_told_apart() {
    let all = registered();
    let names: BTreeSet<&str> = all.iter().map(|step| step.name).collect();
    assert_eq!(names.len(), all.len());
    for step in &all {
        assert!(!step.about.is_empty() && !step.about.contains('\n'), "{}", step.name);
        assert!(step.timeout.0.as_secs() > 0, "{}", step.name);
    }
}

#[test]
fn every_input_is_described_and_named_once() {
    let common: BTreeSet<String> = fields::<CommonInputs>().into_iter().map(|field| field.name).collect();
    let mut seen = BTreeSet::new();
    for (step, field) in all_inputs() {
        assert!(!field.description.is_empty(), "{step}: {} is not described", field.name);
        assert!(!common.contains(&field.name), "{step}: {} is a common input as well", field.name);
        assert!(seen.insert((step, field.name.clone())), "{step}: {} is declared twice", field.name);
    }
    for field in fields::<CommonInputs>() {
        assert!(!field.description.is_empty(), "{} is not described", field.name);
    }
}

#[test]
fn every_example_is_a_valid_value() {
    let refused = |problems: &Problems, field: &Field| {
        // Other problems are of what belongs together, which one value alone does not have.
        let begins = format!("input `{}` must ", field.name);
        problems.message().lines().find(|line| line.starts_with(&begins) && line.ends_with('"')).map(str::to_owned)
    };
    for step in registered() {
        for field in (step.inputs)() {
            let mut problems = Problems::default();
            let given = RawInputs::from_pairs([(field.name.as_str(), field.example.as_str())]);
            let _ = (step.read)(&given, None, &mut problems);
            assert_eq!(refused(&problems, &field), None, "{}: the example of {}", step.name, field.name);
        }
    }
    for field in fields::<CommonInputs>() {
        let mut problems = Problems::default();
        let pairs = [("step", "swap-alias"), (field.name.as_str(), field.example.as_str())];
        assert!(
            RawInputs::from_pairs(pairs).read::<CommonInputs>(&mut problems).is_some(),
            "{}: {problems:?}",
            field.name
        );
    }
}

#[test]
fn every_default_is_a_valid_value() {
    for step in registered() {
        for field in (step.inputs)() {
            let Some(default) = &field.default else { continue };
            let mut problems = Problems::default();
            let _ = (step.read)(&RawInputs::from_pairs([(field.name.as_str(), default.as_str())]), None, &mut problems);
            let said = problems.message();
            assert!(!said.contains(&format!("input `{}` must", field.name)), "{}: {said}", step.name);
        }
    }
}

#[test]
fn an_input_of_several_steps_has_one_shape() {
    let mut shapes: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for (step, field) in all_inputs() {
        // A tag of git in one step, of a registry in the other: both are called so by everybody. And people are told of a version by
        // any name, and of a job that was skipped, while a place that was given up is no news. A commit can be deployed, but no workflow
        // is started at one. What is done about a bad end is called by what the step can do about it. A path is of
        // a server, or of the repository. One service gets one image, where several functions may each get their own; and
        // its versions are revisions. A site comes from a folder, and its header fields are by pattern. One task is run of one task definition. Which components there are is a map, and which are counted a
        // list; back in time it goes for months. What is checked beforehand is not what is watched afterwards.
        if field.name == "tag"
            || ["on-failure", "on-error", "on-inconclusive"].contains(&field.name.as_str())
            || (field.name == "path" && ["check-migrations", "pin-submodule", "run-task"].contains(&step))
            || (field.name == "checks" && step == "preflight")
            || (field.name == "ref" && step == "dispatch")
            || (field.name == "image" && ["deploy-service", "run-task"].contains(&step))
            || (field.name == "task-definition" && step == "run-task")
            || (["headers", "source"].contains(&field.name.as_str()) && step == "publish-site")
            || (field.name == "prefix" && step == "validate-tag")
            // As records name it, with `*` for the account.
            || (field.name == "bucket" && step == "rollback")
            || (field.name == "expected-current" && ["deploy-service", "promote-site", "rollback"].contains(&step))
            || (["components", "since"].contains(&field.name.as_str()) && step == "metrics")
            || (["version", "status"].contains(&field.name.as_str()) && step == "notify")
        {
            continue;
        }
        // One value is the short form of lines of such values.
        let shape = field.shape.trim_start_matches("lines, each ").to_owned();
        let (other, known) = shapes.entry(field.name.clone()).or_insert_with(|| (step, shape.clone()));
        assert_eq!(*known, shape, "{} is something else in {other} and {step}", field.name);
    }
}

#[test]
fn every_output_is_described_once_and_none_hides_a_common_one() {
    for step in registered() {
        let mut seen: BTreeSet<&str> = COMMON_OUTPUTS.iter().map(|output| output.name).collect();
        for Output { name, about: meaning, .. } in step.outputs {
            assert!(!meaning.is_empty() && !meaning.contains('\n'), "{}: {name}", step.name);
            assert!(seen.insert(name), "{}: {name}", step.name);
        }
    }
}

#[test]
fn every_page_is_listed_and_is_the_page_of_a_step() {
    let index = text("docs/README.md");
    let steps_index = text("docs/steps/README.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known: BTreeSet<String> = reference::files().into_iter().collect();
    for (folder, list) in [("docs", &index), ("docs/steps", &steps_index)] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_page =
                Path::new(&name).extension().is_some_and(|extension| extension == "md") && name != "README.md";
            assert!(!is_page || list.contains(&format!("({name})")), "{folder}/README.md does not list {name}");
            let orphan = folder == "docs/steps" && is_page && !known.contains(&format!("{folder}/{name}"));
            assert!(!orphan, "{folder}/{name} is the page of no step");
        }
    }
}

/// The files that the documents about the code name, from the project's folder, from `src`, or from the tests.
#[test]
fn files_of_the_code_are_named_as_they_are_called() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = regex::Regex::new(r"`([a-z0-9_/]+(?:\.rs|\.py|/))`").unwrap();
    for (document, at_least) in [("docs/architecture.md", 40), ("docs/performance.md", 1), ("CONTRIBUTING.md", 10)] {
        let text = text(document);
        let all: BTreeSet<&str> = named.captures_iter(&text).map(|found| found.extract::<1>().1[0]).collect();
        assert!(all.len() >= at_least, "{document} names {} files", all.len());
        let is_there = |file: &&&str| {
            let folders = ["", "src", "src/github", "src/steps", "src/record", "src/registry", "tests/proof/matrix"];
            folders.iter().any(|folder| root.join(folder).join(file).exists())
        };
        let gone: Vec<_> = all.iter().filter(|file| !is_there(file)).collect();
        assert!(gone.is_empty(), "{document} names what is not there: {gone:?}");
    }
}

/// Every action of AWS that the code names is declared by a step, and every declared one is named by the code or asked by Lambda.
#[test]
fn permissions_are_those_the_code_names() {
    fn named(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            // What stands before the tests, and is no declaration.
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.contains("AwsPermission::"));
            let words =
                lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
            let is_action = |word: &String| {
                let (service, action) = word.split_once(':').unwrap_or_default();
                [
                    "apigateway",
                    "cloudfront",
                    "cloudfront-keyvaluestore",
                    "cloudwatch",
                    "codebuild",
                    "ecr",
                    "ecs",
                    "elasticloadbalancing",
                    "iam",
                    "lambda",
                    "logs",
                    "rds",
                    "s3",
                    "secretsmanager",
                    "sns",
                ]
                .contains(&service)
                    && action.starts_with(|c: char| c.is_ascii_uppercase())
                    && action.chars().all(|c| c.is_ascii_alphabetic())
            };
            found.extend(words.filter(is_action));
        }
    }
    let mut code = BTreeSet::new();
    named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    // S3's name of a request, which is judged as s3:GetObject.
    code.remove("s3:HeadObject");
    // Asked for by Lambda and S3 themselves, or of another call.
    let theirs = [
        "ecr:GetRepositoryPolicy",
        "ecr:SetRepositoryPolicy",
        "ecs:TagResource",
        "iam:PassRole",
        "lambda:ListTags",
        "s3:ListBucket",
    ];
    // The registry's own requests, which ECR judges as these.
    let registry = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"];
    code.extend(theirs.iter().chain(&registry).map(|action| (*action).to_owned()));
    let declared: BTreeSet<String> =
        registered().iter().flat_map(|step| step.permissions.aws).map(|one| one.action.to_owned()).collect();
    assert_eq!(code, declared);
}

/// Links between the project's own pages lead somewhere.
#[test]
fn links_between_pages_are_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    for folder in ["docs", "docs/steps"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    for page in pages {
        for target in text(&page).split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            let file = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || target.contains("${{") || file.is_empty();
            let folder = Path::new(&page).parent().unwrap();
            assert!(outside || root.join(folder).join(file).exists(), "{page}: {target} leads nowhere");
        }
    }
}

/// Examples in the pages are YAML, name steps that exist and give them inputs they accept.
#[test]
fn examples_are_accepted() {
    let all = registered();
    let pages = reference::files().into_iter().filter(|file| Path::new(file).extension().is_some_and(|e| e == "md"));
    let mut examples = 0;
    for page in pages {
        for block in
            text(&page).split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(yaml, _)| yaml)
        {
            let parsed: Value = testbed::yaml(block).unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
            for with in uses_of_ours(&parsed) {
                let name =
                    with["step"].as_str().unwrap_or_else(|| panic!("{page}: an example without a step\n{block}"));
                let step =
                    all.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("{page}: no step {name}"));
                accepted(&page, step, &with);
                examples += 1;
            }
        }
    }
    assert!(examples >= all.len(), "{examples} examples");
}

/// An expression counts as a value of its input's kind: the input's example.
fn accepted(page: &str, step: &Definition, with: &Value) {
    let known: Vec<Field> = fields::<CommonInputs>().into_iter().chain((step.inputs)()).collect();
    let given = with.as_object().unwrap().iter().map(|(name, value)| {
        let field = known.iter().find(|field| field.name == *name);
        let field = field.unwrap_or_else(|| panic!("{page}: {} takes no {name}", step.name));
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let whole = value.starts_with("${{") && value.ends_with("}}") && value.matches("${{").count() == 1;
        let digest = format!("sha256:{}", "4f".repeat(32));
        let value = value.replace("${{ inputs.digest }}", &digest);
        let value = value.replace("${{ secrets.SLACK_WEBHOOK_URL }}", "https://hooks.slack.com/services/T0/B0/x");
        (name.clone(), if whole { field.example.clone() } else { value })
    });
    let given: Vec<(String, String)> = given.collect();
    let given = RawInputs::from_pairs(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut problems = Problems::default();
    let common = given.read::<CommonInputs>(&mut problems);
    let _ = (step.read)(&given, common.as_ref(), &mut problems);
    assert!(problems.is_empty(), "{page}: {}", problems.message());
}

/// The `with:` of every use of the action, wherever it stands.
fn uses_of_ours(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(uses_of_ours).collect(),
        Value::Object(entries) => {
            let ours = value.get("uses").and_then(Value::as_str).is_some_and(|uses| uses.contains("deploy-action@"));
            let with = ours.then(|| value.get("with").cloned().unwrap_or_default());
            with.into_iter().chain(entries.values().flat_map(uses_of_ours)).collect()
        }
        _ => Vec::new(),
    }
}
