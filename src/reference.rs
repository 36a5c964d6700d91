//! The written reference, rendered from the declarations: `action.yml`, the tables of `docs/steps/`, the tables and policies of
//! `docs/permissions.md`, the policy of `docs/adopting.md`, the findings of `docs/migrations.md`, the README's table of steps. `cargo generate` writes it; a test fails when a file says something else than the code.

mod permissions;
mod table;

use std::collections::BTreeMap;

use self::table::table;
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Field, fields};
use crate::sql::{Rule, meaning as meaning_of};
use crate::steps::{self, Definition, Output};

/// The outputs of every step, in the order in which they are documented.
pub const COMMON_OUTPUTS: &[Output] = &[
    Output::text(
        "verdict",
        "How it ended: `pass`, `skipped`, `inconclusive`, `fail`, `error`, `superseded` or `cancelled`",
    ),
    Output::text("reason", "Why, in one line"),
    Output::text("changed", "`true` if something was changed, or may have been; in a dry run, if something would be"),
    Output::text("serving", "What serves now, in one line; empty where nothing is known to serve"),
    Output::text("started-at", "When the step began, RFC 3339, UTC"),
    Output::text("duration-seconds", "How long it took, in whole seconds"),
    Output::text(
        "evidence",
        "Path of the evidence file, relative to the workspace: every check with its source and time",
    ),
];

/// Where the list of steps and the common tables stand.
const INDEX: &str = "docs/steps/README.md";

/// Where the permissions stand.
const PERMISSIONS: &str = "docs/permissions.md";

/// Where a new user begins.
const ADOPTING: &str = "docs/adopting.md";

/// Where the findings of check-migrations stand.
const MIGRATIONS: &str = "docs/migrations.md";

/// The line of `action.yml` that belongs to the release: it names the image of the released version.
const IMAGE: &str = "  image: docker://ghcr.io/org/deploy-action:main";

/// The files that hold generated text, relative to the project's folder.
#[must_use]
pub fn files() -> Vec<String> {
    let mut files = vec!["action.yml".to_owned(), "README.md".to_owned(), INDEX.to_owned()];
    files.extend([PERMISSIONS.to_owned(), ADOPTING.to_owned(), MIGRATIONS.to_owned()]);
    files.extend(steps::all().iter().map(page));
    files
}

/// What a file must hold, given what it holds now: text between markers is replaced, all else is kept.
///
/// # Errors
/// When a marker is missing, or the file holds no generated text.
pub fn rendered(file: &str, now: &str) -> Result<String, String> {
    let steps = steps::all();
    let said = |problem: String| format!("{file}: {problem}");
    match file {
        "action.yml" => Ok(action_yml(&steps, image_line(now))),
        "README.md" => replaced(now, "steps", &table_of_steps(&steps, "docs/steps/")).map_err(said),
        INDEX => replaced(now, "steps", &table_of_steps(&steps, ""))
            .and_then(|text| replaced(&text, "common inputs", &table_of_inputs(&fields::<CommonInputs>())))
            .and_then(|text| replaced(&text, "common outputs", &table_of_outputs(COMMON_OUTPUTS)))
            .map_err(said),
        PERMISSIONS => replaced(now, "role", &permissions::table_of_role(&steps))
            .and_then(|text| replaced(&text, "policies", &permissions::policies(&steps)))
            .and_then(|text| replaced(&text, "job", &permissions::table_of_job(&steps)))
            .map_err(said),
        MIGRATIONS => replaced(now, "findings", &table_of_findings()).map_err(said),
        ADOPTING => replaced(now, "policy", &permissions::policy_of_an_image(&steps)).map_err(said),
        _ => {
            let step = steps.iter().find(|step| page(step) == file).ok_or_else(|| said("holds no reference".into()))?;
            replaced(now, "inputs", &table_of_inputs(&(step.inputs)()))
                .and_then(|text| replaced(&text, "outputs", &table_of_outputs(step.outputs)))
                .and_then(|text| replaced(&text, "permissions", &permissions::of_step(step)))
                .and_then(|text| replaced(&text, "deadline", &format!("Default `timeout`: {}.", step.timeout)))
                .map_err(said)
        }
    }
}

/// The page of a step.
#[must_use]
pub fn page(step: &Definition) -> String {
    format!("docs/steps/{}.md", step.name)
}

/// The line that names the image, which a release may have changed.
fn image_line(action_yml: &str) -> &str {
    action_yml.lines().find(|line| line.starts_with("  image: ")).unwrap_or(IMAGE)
}

/// What check-migrations finds.
fn table_of_findings() -> String {
    let rows = Rule::ALL.iter().map(|rule| {
        let (what, means) = meaning_of(*rule);
        vec![format!("`{}`", rule.id()), rule.class().word().to_owned(), what.to_owned(), means]
    });
    table(&["finding", "class", "what it is", "what it means, and the safe way"], rows)
}

/// Puts `text` between `<!-- marker -->` and `<!-- /marker -->`.
fn replaced(page: &str, marker: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {marker} -->"), format!("<!-- /{marker} -->"));
    let missing = || format!("the markers {begin} and {end} are missing");
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim_end()))
}

fn action_yml(steps: &[Definition], image: &str) -> String {
    let mut lines = vec![
        "# Generated by `cargo generate` from the declarations in src/steps; only the line `image:` is written by a release."
            .to_owned(),
        "name: deploy-action".to_owned(),
        "description: Carry one built artifact from dev to staging to production on AWS, and know what serves".to_owned(),
        "author: The deploy-action authors".to_owned(),
        "branding:".to_owned(),
        "  icon: upload-cloud".to_owned(),
        "  color: blue".to_owned(),
        String::new(),
        "inputs:".to_owned(),
    ];
    for field in fields::<CommonInputs>() {
        let meaning = if field.name == "step" {
            format!("{} One of {}.", field.description, names(steps))
        } else {
            meaning(&field)
        };
        lines.extend(entry(&field.name, &format!("{meaning} (Every step.)")));
        match field.name.as_str() {
            "step" => lines.push("    required: true".to_owned()),
            "token" => lines.push("    default: ${{ github.token }}".to_owned()),
            _ => {}
        }
    }
    for (name, uses) in by_name(steps) {
        lines.extend(entry(&name, &meanings(&uses)));
    }
    lines.extend([String::new(), "outputs:".to_owned()]);
    for Output { name, about: meaning, .. } in COMMON_OUTPUTS {
        lines.extend(entry(name, &format!("{meaning}. (Every step.)")));
    }
    for (name, uses) in outputs_by_name(steps) {
        lines.extend(entry(name, &joined(&uses)));
    }
    lines.extend([
        String::new(),
        "runs:".to_owned(),
        "  using: docker".to_owned(),
        image.to_owned(),
        "  entrypoint: /usr/local/bin/deploy-action".to_owned(),
    ]);
    lines.join("\n") + "\n"
}

/// A name with its description; a JSON string is a YAML string as well. The runner would evaluate an expression, so only what
/// stands in it is left.
fn entry(name: &str, description: &str) -> [String; 2] {
    [format!("  {name}:"), format!("    description: {}", serde_json::Value::from(without_expressions(description)))]
}

fn without_expressions(text: &str) -> String {
    text.replace("${{ ", "").replace(" }}", "")
}

/// What an input is for, as `action.yml` and the help at a terminal say it.
#[must_use]
pub fn meaning(field: &Field) -> String {
    without_expressions(&format!("{}{}", full_stop(&field.description), default_in_words(field)))
}

/// The same, of its first sentence only.
#[must_use]
pub fn short_meaning(field: &Field) -> String {
    without_expressions(&format!("{}{}", full_stop(field.summary()), default_in_words(field)))
}

fn names(steps: &[Definition]) -> String {
    steps.iter().map(|step| step.name).collect::<Vec<_>>().join(", ")
}

fn default_in_words(field: &Field) -> String {
    match (&field.default, field.required) {
        (_, true) => " Required.".to_owned(),
        (Some(default), false) => format!(" Default: `{default}`."),
        (None, false) => String::new(),
    }
}

/// The steps' own inputs, in the order in which they first appear, each with the steps that use it.
fn by_name(steps: &[Definition]) -> Vec<(String, Vec<(&'static str, Field)>)> {
    let mut order = Vec::new();
    let mut uses: BTreeMap<String, Vec<(&'static str, Field)>> = BTreeMap::new();
    for step in steps {
        for field in (step.inputs)() {
            let known = uses.entry(field.name.clone()).or_default();
            if known.is_empty() {
                order.push(field.name.clone());
            }
            known.push((step.name, field));
        }
    }
    order.into_iter().filter_map(|name| uses.remove_entry(&name)).collect()
}

/// What an input means: once for all steps that mean the same.
fn meanings(uses: &[(&'static str, Field)]) -> String {
    let worded: Vec<(&str, String)> = uses.iter().map(|(step, field)| (*step, meaning(field))).collect();
    joined(&worded.iter().map(|(step, words)| (*step, words.as_str())).collect::<Vec<_>>())
}

fn outputs_by_name(steps: &[Definition]) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut all: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for step in steps {
        for Output { name, about: meaning, .. } in step.outputs {
            match all.iter_mut().find(|(known, _)| known == name) {
                Some((_, uses)) => uses.push((step.name, meaning)),
                None => all.push((name, vec![(step.name, meaning)])),
            }
        }
    }
    all
}

/// `meaning (step, step.)`, one for each different meaning.
fn joined(uses: &[(&str, &str)]) -> String {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for (step, meaning) in uses {
        match said.iter_mut().find(|(known, _)| known == meaning) {
            Some((_, steps)) => steps.push(step),
            None => said.push((meaning, vec![step])),
        }
    }
    let said = said.iter().map(|(meaning, steps)| format!("{} ({}.)", full_stop(meaning), steps.join(", ")));
    said.collect::<Vec<_>>().join(" ")
}

fn full_stop(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn table_of_steps(steps: &[Definition], folder: &str) -> String {
    let rows = steps.iter().map(|step| vec![format!("[`{0}`]({folder}{0}.md)", step.name), full_stop(step.about)]);
    table(&["step", "what it does"], rows)
}

fn table_of_inputs(fields: &[Field]) -> String {
    let rows = fields.iter().map(|field| {
        let default = match (&field.default, field.required) {
            (_, true) => "required".to_owned(),
            (Some(default), false) => format!("`{default}`"),
            (None, false) if field.name == "token" => "`${{ github.token }}`".to_owned(),
            (None, false) => "-".to_owned(),
        };
        vec![format!("`{}`", field.name), field.shape.clone(), default, full_stop(&field.description)]
    });
    if fields.is_empty() {
        return "None of its own.".to_owned();
    }
    table(&["input", "value", "default", "meaning"], rows)
}

fn table_of_outputs(outputs: &[Output]) -> String {
    if outputs.is_empty() {
        return "None of its own.".to_owned();
    }
    let rows = outputs.iter().map(|output| vec![format!("`{}`", output.name), full_stop(output.about)]);
    table(&["output", "meaning"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "# Title\n<!-- inputs -->\nold\n<!-- /inputs -->\nkept\n";
        let new = replaced(page, "inputs", "new").unwrap();
        assert_eq!(new, "# Title\n<!-- inputs -->\n\nnew\n\n<!-- /inputs -->\nkept\n");
        assert_eq!(replaced(&new, "inputs", "new").unwrap(), new);
        assert!(replaced(page, "outputs", "new").unwrap_err().contains("<!-- outputs -->"));
    }

    #[test]
    fn meanings_that_are_the_same_are_said_once() {
        assert_eq!(
            joined(&[("a", "It is x"), ("b", "It is x."), ("c", "It is y")]),
            "It is x. (a.) It is x. (b.) It is y. (c.)"
        );
        assert_eq!(joined(&[("a", "It is x"), ("b", "It is x"), ("c", "It is y")]), "It is x. (a, b.) It is y. (c.)");
    }

    #[test]
    fn descriptions_hold_no_expressions() {
        assert_eq!(entry("a", "is `${{ job.status }}`")[1], "    description: \"is `job.status`\"");
    }

    #[test]
    fn the_line_of_the_image_is_left_to_the_release() {
        assert_eq!(image_line("runs:\n  image: docker://a@sha256:1\n"), "  image: docker://a@sha256:1");
        assert_eq!(image_line(""), IMAGE);
    }
}
