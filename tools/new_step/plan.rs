//! The files of a new step, with their whole text: found out before anything is written.

use std::fs;
use std::path::Path;

/// What the templates call their step, its module and its type.
const TEMPLATE: [&str; 3] = ["new-step", "new_step", "NewStep"];

/// The list of the steps, and that of what is tested of them.
const STEPS: &str = "src/steps/mod.rs";
const TESTS: &str = "tests/it/main.rs";
const CHANGELOG: &str = "CHANGELOG.md";

/// Every file that is written for the step `name`, relative to `root`, with its text.
///
/// # Errors
/// Everything that stands in the way: then nothing may be written.
pub(crate) fn files(root: &Path, name: &str, writes: bool) -> Result<Vec<(String, String)>, Vec<String>> {
    let module = module(name).map_err(|problem| vec![problem])?;
    let type_name: String = name.split('-').map(capitalise).collect();
    let stub = |text: &str| {
        let names = TEMPLATE.iter().zip([name, &module, &type_name]);
        names.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let function = "    function: shop-api-prd\n";
    // The example gives the inputs that the template takes.
    let (page, step, tests) = if writes {
        let inputs = format!("    environment: prd\n{function}    version: ${{{{ steps.publish.outputs.version }}}}\n");
        (
            include_str!("page.md").replace(function, &inputs),
            include_str!("writes/step.rs"),
            include_str!("writes/test.rs"),
        )
    } else {
        (include_str!("page.md").to_owned(), include_str!("reads/step.rs"), include_str!("reads/test.rs"))
    };
    let mut all = vec![(format!("docs/steps/{name}.md"), stub(&page)), (format!("src/steps/{module}.rs"), stub(step))];
    // In the template it is no test: there is no such step.
    all.push((format!("tests/it/{module}.rs"), stub(tests).replace("//#[tokio::test]", "#[tokio::test]")));

    let there = all.iter().filter(|(file, _)| root.join(file).exists());
    let mut problems: Vec<String> = there.map(|(file, _)| format!("{file} is there already")).collect();
    let changes: [(&str, Change); 3] = [
        (STEPS, &|text| {
            let text = with_module(text, "pub mod ", &module)?;
            after_last(
                &text,
                "        Definition::of::<",
                &format!("        Definition::of::<{module}::{type_name}>(),"),
            )
        }),
        (TESTS, &|text| {
            let text = with_module(text, "mod ", &module)?;
            let is_listed = |line: &&str| line.trim_end().ends_with("::UNDER_TEST,");
            let last = text.lines().rfind(is_listed).ok_or("lists no `UNDER_TEST`")?.to_owned();
            after_last(&text, &last, &format!("        {module}::UNDER_TEST,"))
        }),
        (CHANGELOG, &|text| with_entry(text, &format!("- The step `{name}`: TODO what it is for."))),
    ];
    for (file, change) in changes {
        let now = fs::read_to_string(root.join(file)).map_err(|error| format!("cannot be read: {error}"));
        match now.and_then(|text| change(&text)) {
            Ok(text) => all.push((file.to_owned(), text)),
            Err(problem) => problems.push(format!("{file} {problem}")),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

type Change<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The module of a step: its name, with `_`.
fn module(name: &str) -> Result<String, String> {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() > 40 || !name.split('-').all(is_word) {
        return Err(format!(
            "{name:?} is no name of a step: give words of a-z and 0-9 with `-` between them, `verify-domain`"
        ));
    }
    if name == TEMPLATE[0] {
        return Err(format!("{name:?} is the name of the templates: give another"));
    }
    Ok(name.replace('-', "_"))
}

fn capitalise(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// With a line that declares a module, after the last one that the alphabet has before it.
fn with_module(text: &str, keyword: &str, module: &str) -> Result<String, String> {
    let declared = |line: &str| {
        let rest = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?;
        rest.strip_suffix(';').map(str::to_owned)
    };
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| declared(line).is_some()).ok_or("declares no modules")?;
    if lines.iter().filter_map(|line| declared(line)).any(|known| known == module) {
        return Err(format!("declares the module {module} already"));
    }
    let before = lines.iter().rposition(|line| declared(line).is_some_and(|known| *known < *module));
    let at = before.map_or(first, |before| before + 1);
    Ok(with_line_at(&lines, at, &format!("{keyword}{module};")))
}

/// With a line after the last one that begins so.
fn after_last(text: &str, begins: &str, line: &str) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|known| known.starts_with(begins));
    let last = last.ok_or_else(|| format!("has no line that begins with `{}`", begins.trim()))?;
    Ok(with_line_at(&lines, last + 1, line))
}

/// With an entry at the end of what is added in the next release.
fn with_entry(text: &str, entry: &str) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let place = |from: usize, line: &str| lines[from..].iter().position(|known| *known == line).map(|at| from + at);
    let unreleased = place(0, "## Unreleased").ok_or("has no section `## Unreleased`")?;
    let added = place(unreleased, "### Added").ok_or("has no section `### Added` under `## Unreleased`")?;
    let ends =
        lines[added + 1..].iter().position(|line| line.starts_with('#')).map_or(lines.len(), |at| added + 1 + at);
    let last = lines[..ends].iter().rposition(|line| !line.is_empty()).unwrap_or(added);
    Ok(with_line_at(&lines, last + 1, entry))
}

fn with_line_at(lines: &[&str], at: usize, line: &str) -> String {
    let (before, after) = lines.split_at(at);
    let all = before.iter().copied().chain([line]).chain(after.iter().copied());
    all.fold(String::new(), |text, line| text + line + "\n")
}
