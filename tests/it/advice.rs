//! What a step says of inputs is about inputs that it has: an advice that names another one cannot be followed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use deploy_action::action::inputs::common::CommonInputs;
use deploy_action::action::inputs::{Field, fields};
use deploy_action::steps::{self, Definition};

/// Keys of values in YAML that are called as an input of another step is.
const KEYS: [(&str, &str); 3] = [("notify", "to"), ("notify", "url"), ("smoke-test", "payload")];

fn names(fields: Vec<Field>) -> BTreeSet<String> {
    fields.into_iter().map(|field| field.name).collect()
}

/// The texts of a source file, without those of its tests.
fn texts(source: &str) -> Vec<String> {
    let product = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String =
        product.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
    let code = code.replace("'\"'", "").replace("\\\"", "");
    code.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The words in backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The source files of a step.
fn files(step: &Definition) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/steps");
    let module = step.name.replace('-', "_");
    let mut open = vec![root.join(&module)];
    let mut found = vec![fs::read_to_string(root.join(format!("{module}.rs"))).unwrap()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    found
}

/// The inputs that a text of a step names and the step does not have.
fn foreign<'t>(step: &Definition, text: &'t str, all: &[Definition]) -> Vec<&'t str> {
    let common = names(fields::<CommonInputs>());
    let own = names((step.inputs)());
    let is_known = |word: &str| {
        common.contains(word)
            || own.contains(word)
            || step.outputs.iter().any(|output| output.name == word)
            || all.iter().any(|other| other.name == word)
            || KEYS.contains(&(step.name, word))
            // What is said of another step may name its inputs.
            || all.iter().any(|other| text.contains(other.name) && names((other.inputs)()).contains(word))
    };
    let is_input = |word: &str| all.iter().any(|other| names((other.inputs)()).contains(word));
    named(text).filter(|word| is_input(word) && !is_known(word)).collect()
}

#[test]
fn a_step_names_only_inputs_that_it_has() {
    let all = steps::all();
    let mut wrong = Vec::new();
    for step in &all {
        for text in files(step).iter().flat_map(|file| texts(file)) {
            wrong
                .extend(foreign(step, &text, &all).iter().map(|word| format!("{} has no `{word}`: {text}", step.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_input_of_another_step_is_noticed() {
    let all = steps::all();
    let step = all.iter().find(|step| step.name == "publish-version").unwrap();
    let source = "fn f() { advise(\"give `source-username`\"); } // \"`scan`\"\n// \"`tag`\"\n#[cfg(test)] \"`tag`\"";
    let found: Vec<String> = texts(source);
    assert_eq!(found[0], "give `source-username`");
    assert_eq!(foreign(step, &found[0], &all), ["source-username"]);
    for good in
        ["give `image`", "see the output `digest`", "promote-artifact has `source-username`", "`sha`", "`nothing`"]
    {
        assert_eq!(foreign(step, good, &all), Vec::<&str>::new(), "{good}");
    }
}
