//! What a step says of inputs is about inputs that it has: an advice that names another one cannot be followed.

use std::collections::BTreeSet;

use deploy_action::action::inputs::common::CommonInputs;
use deploy_action::action::inputs::{Field, fields};
use deploy_action::steps::{self, Definition};

use crate::layers::source;

/// Keys of values in YAML that are called as an input of another step is.
const KEYS: [(&str, &str); 11] = [
    ("notify", "to"),
    ("notify", "url"),
    ("notify", "pull-request"),
    // A key of its output, a check, what a check takes, and a word of GitHub's workflows.
    ("preflight", "state"),
    ("preflight", "workflow"),
    ("preflight", "variables"),
    ("preflight", "strategy"),
    ("preflight", "bucket"),
    ("smoke-test", "payload"),
    // A key of its output, and what the step that deploys takes, whichever it is.
    ("check-migrations", "version"),
    ("check-migrations", "migrations"),
];

fn names(fields: Vec<Field>) -> BTreeSet<String> {
    fields.into_iter().map(|field| field.name).collect()
}

/// The words in backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The source files of a step.
fn files(step: &Definition) -> Vec<String> {
    let module = step.name.replace('-', "_");
    let own = |path: &str| path.strip_prefix(&module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
    source::files("src/steps").into_iter().filter(|(path, _)| own(path)).map(|(_, text)| text).collect()
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
        for text in files(step).iter().flat_map(|file| source::texts(file)) {
            wrong.extend(foreign(step, text, &all).iter().map(|word| format!("{} has no `{word}`: {text}", step.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of what several steps share, they say only what all of them have; but for what is said of an input that was given.
#[test]
fn what_a_gate_advises_is_an_input_of_every_step_that_has_one() {
    let all = steps::all();
    let have_it: Vec<_> = all.iter().filter(|step| names((step.inputs)()).contains("fail-above")).collect();
    assert!(have_it.len() >= 3);
    // Checks that only functions have, and steps that watch functions.
    let of_functions = ["log-allow", "log-patterns", "app-logs", "init-errors"];
    let mut wrong = Vec::new();
    for (path, file) in source::files("src/watch").into_iter().filter(|(path, _)| path != "inputs.rs") {
        for (text, step) in source::texts(&file).iter().flat_map(|text| have_it.iter().map(move |step| (text, step))) {
            let foreign = foreign(step, text, &all);
            let foreign = foreign.iter().filter(|word| !of_functions.contains(word));
            wrong.extend(foreign.map(|word| format!("{path}: {} has no `{word}`: {text}", step.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_input_of_another_step_is_noticed() {
    let all = steps::all();
    let step = all.iter().find(|step| step.name == "publish-version").unwrap();
    let file = r##"fn f() { advise("give `source-username`", '"', 'a', "\\\\", r#"a "`tag`" b"#); } // "`scan`"
        // "`tag`"
        #[cfg(test)] fn g() { advise("`tag`"); }
        fn h() { advise("an escaped \" and `source-password`"); }"##;
    let found = source::texts(file);
    assert_eq!(found, ["give `source-username`", r"\\\\", r#"a "`tag`" b"#, r#"an escaped \" and `source-password`"#]);
    let said: Vec<_> = found.iter().flat_map(|text| foreign(step, text, &all)).collect();
    assert_eq!(said, ["source-username", "tag", "source-password"]);
    for good in
        ["give `image`", "see the output `digest`", "promote-artifact has `source-username`", "`sha`", "`nothing`"]
    {
        assert_eq!(foreign(step, good, &all), Vec::<&str>::new(), "{good}");
    }
}
