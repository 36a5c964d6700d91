//! Inputs: declared once, as documented serde structs, and read through `envy`.
//!
//! The runner sets `INPUT_<NAME>` for every declared input, upper-cased, spaces turned to `_`, dashes kept; an input that is
//! not given is an empty string (actions/runner, `ActionRunner`). [`RawInputs`] undoes that; [`RawInputs::read`] fills a struct and
//! tells *every* problem, not just the first.

pub mod common;
mod keys;
mod reading;
pub mod values;
mod yaml;
mod yaml_parser;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use keys::{mapping, parse, texts};
pub use reading::{Field, FieldKind, fields, is_written_anew, key, without_values, word};
pub use values::*;
pub use yaml::{Written, Yaml};

use crate::text::{Foreign, message};

/// Longest name shown in an error.
const SHOWN: usize = 80;
/// Longest value of any input, in bytes. Larger data belongs into a file.
const LONGEST: usize = 65_536;

/// A group of inputs: a struct whose fields are inputs, named in kebab-case.
pub trait Inputs: DeserializeOwned + JsonSchema {
    /// What the fields cannot say each by itself: which belong together, which exclude each other.
    fn check(&self, problems: &mut Problems) {
        let _ = problems;
    }
}

/// Everything wrong with the inputs of one invocation.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds one problem: what is wrong and the fix, in one sentence.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Adds the problem when the condition holds.
    pub fn add_if(&mut self, condition: bool, problem: impl Into<String>) {
        if condition {
            self.add(problem);
        }
    }

    /// True when nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, one a line when there are several.
    #[must_use]
    pub fn message(&self) -> String {
        self.0.iter().map(|problem| Foreign::new(problem).for_message(usize::MAX)).collect::<Vec<_>>().join("\n")
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The inputs the workflow gave, by name.
#[derive(Clone, Default)]
pub struct RawInputs(BTreeMap<String, String>);

impl std::fmt::Debug for RawInputs {
    /// Names only: a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl RawInputs {
    /// Takes the `INPUT_*` variables. Values are trimmed, and blank ones count as not given.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>, problems: &mut Problems) -> Self {
        let mut given = BTreeMap::new();
        for (variable, value) in variables {
            let Some(name) = input_name(&variable, problems) else { continue };
            match value.into_string() {
                Ok(value) if value.len() > LONGEST => {
                    problems.add(format!("input `{name}` is longer than {LONGEST} bytes"));
                }
                Ok(value) if value.trim().is_empty() => {}
                Ok(value) => {
                    given.insert(name, value.trim().to_owned());
                }
                Err(_) => problems.add(format!("input `{name}` is not UTF-8 text")),
            }
        }
        Self(given)
    }

    /// Inputs for tests and tables.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    /// The value of one input.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads one group of inputs. Each given value is first tried alone among known good ones, so that every bad value is
    /// named, not just the first; `None` when something was wrong.
    pub fn read<T: Inputs>(&self, problems: &mut Problems) -> Option<T> {
        let before = problems.count();
        let fields = fields::<T>();
        let required: BTreeMap<String, String> = fields
            .iter()
            .filter(|field| field.required)
            .map(|field| (field.name.clone(), field.example.clone()))
            .collect();
        let mut values = required.clone();
        for field in &fields {
            match self.0.get(&field.name) {
                Some(value) => {
                    let mut alone = required.clone();
                    alone.insert(field.name.clone(), value.clone());
                    let good = match deserialize::<T>(alone) {
                        Ok(_) => value,
                        Err(error) => {
                            // serde's words for an enumeration repeat the value at any length.
                            let is_choice = field.kind == FieldKind::Choice;
                            let error = if is_choice { format!("must be {}", field.shape) } else { error };
                            let label = field.shown_back(value).map(|value| format!(", not \"{value}\""));
                            let label = label.unwrap_or_default();
                            problems.add(format!("input `{}` {error}{label}", field.name));
                            &field.example
                        }
                    };
                    values.insert(field.name.clone(), good.clone());
                }
                None if field.required => {
                    problems.add(format!("input `{}` is required: {}", field.name, field.summary()));
                }
                None => {}
            }
        }
        match deserialize::<T>(values) {
            Ok(inputs) => {
                inputs.check(problems);
                (problems.count() == before).then_some(inputs)
            }
            Err(error) => {
                problems.add_if(problems.count() == before, error);
                None
            }
        }
    }

    /// Names that are none of the `known` ones are problems, each with the nearest valid name.
    pub fn refuse_unknown(
        &self,
        step: &str,
        known: &BTreeSet<&str>,
        elsewhere: &BTreeMap<&str, Vec<&str>>,
        problems: &mut Problems,
    ) {
        for name in self.names().filter(|name| !known.contains(*name)) {
            let label = Foreign::new(name).for_message(SHOWN);
            let nearest = nearest(name, known.iter().copied());
            let hint = match (elsewhere.get(name), nearest) {
                (Some(steps), _) => format!("it belongs to {}", steps.join(", ")),
                (None, Some(nearest)) => format!("did you mean `{nearest}`?"),
                (None, None) => format!("see the inputs of {step} in docs/steps/{step}.md"),
            };
            problems.add(message!("input-not-used", "input `{label}` is not used by {step}: {hint}"));
        }
    }
}

/// The candidate most like a name, if one is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase().replace('_', "-"), candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

fn input_name(variable: &OsString, problems: &mut Problems) -> Option<String> {
    const PREFIX: &str = "INPUT_";
    if let Some(variable) = variable.to_str() {
        return variable.strip_prefix(PREFIX).map(str::to_lowercase);
    }
    let label = variable.to_string_lossy();
    problems.add_if(label.starts_with(PREFIX), "the name of an input is not UTF-8 text");
    None
}

fn deserialize<T: DeserializeOwned>(values: BTreeMap<String, String>) -> Result<T, String> {
    let variables = values.into_iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value));
    envy::prefixed("INPUT_").from_iter(variables).map_err(|error| {
        let message = error.to_string();
        // envy adds the value, which may be a secret, and its own upper-case name of the field.
        message.split(" while parsing value ").next().unwrap_or_default().to_owned()
    })
}
