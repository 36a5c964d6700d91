//! The command line, made from the declarations of the steps, as `action.yml` is.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Field, FieldKind, fields};
use crate::reference::{meaning, short_meaning};
use crate::steps::{self, Definition};

pub(super) const COMPLETION: &str = "completion";
pub(super) const REPOSITORY: &str = "repository";
pub(super) const YES: &str = "yes";
pub(super) const JSON: &str = "json";
const SHELL: &str = "shell";

/// What the values of a flag are declared as.
const FLAG: &str = "`true` or `false`";
/// Where lines of help are wrapped at the latest.
const WIDEST: usize = 120;
/// The same where there is no terminal.
const DEFAULT_WIDTH: usize = 120;

/// The whole command line. For completion the words of enumerations are named; they are not for reading, where every wrong value
/// of an invocation is told at once.
#[must_use]
pub fn command(for_completion: bool) -> Command {
    let common: Vec<Field> = fields::<CommonInputs>().into_iter().filter(|field| field.name != "step").collect();
    let steps = steps::all().into_iter().map(|step| subcommand(&step, &common, for_completion));
    Command::new("deploy-action")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Carries one built artifact from dev to staging to production on AWS, one step per invocation.")
        .after_help(
            "`deploy-action <step> --help` lists the inputs of a step, `deploy-action help <step>` tells all of each.\n\
             `deploy-action completion <shell>` prints what completes them. A step that changes something shows its plan and asks first.",
        )
        .term_width(width())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("Steps")
        .subcommand_value_name("STEP")
        .disable_help_flag(true)
        .arg(help())
        .arg(repository())
        .subcommands(steps)
        .subcommand(
            Command::new(COMPLETION)
                .about("Prints what completes steps and inputs in a shell")
                .arg(Arg::new(SHELL).required(true).value_parser(value_parser!(Shell))),
        )
}

fn subcommand(step: &Definition, common: &[Field], for_completion: bool) -> Command {
    let own = (step.inputs)();
    let has_repository = own.iter().any(|field| field.name == REPOSITORY);
    let flag = |name: &'static str, about| Arg::new(name).long(name).action(ArgAction::SetTrue).help(about);
    let surroundings = [
        flag(YES, "Carry the plan out without asking."),
        flag(JSON, "Print the outputs as one object of JSON."),
        help(),
    ];
    let surroundings: Vec<Arg> = (!has_repository).then(repository).into_iter().chain(surroundings).collect();
    let rows = |fields: &[Field]| fields.iter().map(|field| (field.name.clone(), short_meaning(field))).collect();
    let groups = [
        ("Inputs", rows(&own)),
        ("Inputs of every step", rows(common)),
        ("At a terminal", surroundings.iter().map(row).collect()),
    ];
    let heading = |heading| move |field| argument(field, for_completion).help_heading(heading).hide_short_help(true);
    Command::new(step.name)
        .about(step.about)
        .term_width(width())
        .disable_help_flag(true)
        .after_help(overview(&groups, width()))
        .after_long_help("")
        .args(own.iter().map(heading("Inputs")))
        .args(common.iter().map(heading("Inputs of every step")))
        .args(surroundings.into_iter().map(|argument| argument.help_heading("At a terminal").hide_short_help(true)))
}

type Rows = Vec<(String, String)>;

fn row(argument: &Arg) -> (String, String) {
    (argument.get_id().to_string(), argument.get_help().map(ToString::to_string).unwrap_or_default())
}

/// The options in as few lines as can be, so that those of a step fit a screen: clap's own form takes two lines for each.
fn overview(groups: &[(&str, Rows)], width: usize) -> String {
    let column = groups.iter().flat_map(|(_, rows)| rows).map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for (heading, rows) in groups.iter().filter(|(_, rows)| !rows.is_empty()) {
        lines.push(format!("{heading}:"));
        for (name, text) in rows {
            let mut name = format!("--{name}");
            for line in wrapped(text, width.saturating_sub(column + 6).max(30)) {
                lines.push(format!("  {name:<0$}  {line}", column + 2));
                name.clear();
            }
        }
        lines.push(String::new());
    }
    lines.push("`deploy-action help <step>` tells all of each.".to_owned());
    lines.join("\n")
}

/// The lines of a text, none longer than `width` but for a word that is.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How wide a line of help may be.
fn width() -> usize {
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).min(WIDEST))
}

/// Short in both spellings, so that a step's inputs fit a screen; `help <step>` tells all.
fn help() -> Arg {
    Arg::new("help").long("help").short('h').action(ArgAction::HelpShort).help("List the inputs.")
}

fn repository() -> Arg {
    Arg::new(REPOSITORY)
        .long(REPOSITORY)
        .value_name("OWNER/NAME")
        .help("The repository whose record is kept. Without it, that of the git remote `origin`.")
}

/// The option of an input.
fn argument(field: &Field, for_completion: bool) -> Arg {
    let argument = Arg::new(field.name.clone())
        .long(field.name.clone())
        .value_name(value_name(field))
        .help(short_meaning(field))
        .long_help(format!("{}\n\nValue: {}.", meaning(field), field.shape));
    let choices: Vec<String> = match field.kind {
        FieldKind::Choice => field.shape.split(" or ").map(|word| word.trim_matches('`').to_owned()).collect(),
        _ => Vec::new(),
    };
    let argument = if for_completion && !choices.is_empty() {
        argument.value_parser(PossibleValuesParser::new(choices))
    } else {
        argument
    };
    match field.shape.as_str() {
        FLAG => argument.num_args(0..=1).default_missing_value("true"),
        // A list in YAML begins with a dash.
        shape if shape.starts_with("YAML") => argument.allow_hyphen_values(true),
        shape if is_lines(shape) => argument.action(ArgAction::Append),
        _ => argument,
    }
}

/// Whether an input holds several values, one a line: its option may be given several times.
fn is_lines(shape: &str) -> bool {
    shape.starts_with("lines") || shape.contains("or lines")
}

fn value_name(field: &Field) -> String {
    const NAMES: [(&str, &str); 6] = [
        ("lines", "LINE"),
        ("a duration", "DURATION"),
        ("a whole number", "NUMBER"),
        ("YAML", "YAML"),
        ("JSON", "JSON"),
        ("secret", "SECRET"),
    ];
    if field.kind == FieldKind::Choice || field.shape == FLAG {
        return field.shape.replace(" or ", "|").replace('`', "");
    }
    let known = NAMES.into_iter().find(|(begin, _)| field.shape.starts_with(begin));
    known.map_or("TEXT", |(_, name)| name).to_owned()
}

/// The inputs that were given, by name.
pub(super) fn inputs(step: &Definition, given: &ArgMatches) -> Vec<(String, String)> {
    let known = (step.inputs)().into_iter().chain(fields::<CommonInputs>()).filter(|field| field.name != "step");
    let values = known.filter_map(|field| {
        let lines: Vec<&str> = given.get_many::<String>(&field.name)?.map(String::as_str).collect();
        Some((field.name, lines.join("\n")))
    });
    std::iter::once(("step".to_owned(), step.name.to_owned())).chain(values).collect()
}

/// What a shell reads to complete the command line.
pub(super) fn completion(given: &ArgMatches) -> String {
    let mut text = Vec::new();
    if let Some(shell) = given.get_one::<Shell>(SHELL) {
        clap_complete::generate(*shell, &mut command(true), "deploy-action", &mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}
