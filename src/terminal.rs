//! The program at a terminal: `deploy-action rollback --environment prd ..`. Its options are the inputs, read as the runner's are.

mod command;
mod surroundings;

use std::ffi::OsString;

use clap::ArgMatches;

pub use self::command::command;
use crate::action::{Terminal, screen};
use crate::invocation;
use crate::steps;

/// What a usage error ends with, as bad input does.
const USAGE: u8 = 2;

/// What holds where it is not given, because there is no run to speak of.
const WITHOUT_RUN: [(&str, &str); 1] = [("scope", "any")];

/// Whether a person has started the program: no runner did, and no container's variables name a step.
#[must_use]
pub fn is_meant(variables: &[(OsString, OsString)]) -> bool {
    !variables.iter().any(|(name, _)| name == "INPUT_STEP" || name == "GITHUB_ACTIONS")
}

/// Runs the program on these arguments and variables and returns its exit code.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, variables: Vec<(OsString, OsString)>) -> u8 {
    screen::is_persons();
    let matches = match command(false).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(asked) => {
            let _ = asked.print();
            return u8::try_from(asked.exit_code()).unwrap_or(USAGE);
        }
    };
    let Some((name, given)) = matches.subcommand() else { return USAGE };
    if name == command::COMPLETION {
        screen::print(&command::completion(given));
        return 0;
    }
    let Some(step) = steps::all().into_iter().find(|step| step.name == name) else { return USAGE };
    let repository = text(&matches, command::REPOSITORY).or_else(|| {
        let is_input = (step.inputs)().iter().any(|field| field.name == command::REPOSITORY);
        if is_input { None } else { text(given, command::REPOSITORY) }
    });
    let mut inputs = command::inputs(&step, given);
    for (name, value) in WITHOUT_RUN {
        if (step.inputs)().iter().any(|field| field.name == name) && inputs.iter().all(|(known, _)| known != name) {
            inputs.push((name.to_owned(), value.to_owned()));
        }
    }
    let terminal = Terminal { yes: given.get_flag(command::YES), json: given.get_flag(command::JSON) };
    let variables = surroundings::variables(variables, repository, inputs);
    invocation::run(variables, Some(terminal)).await
}

fn text(given: &ArgMatches, name: &str) -> Option<String> {
    given.get_one::<String>(name).cloned()
}
