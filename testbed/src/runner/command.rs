//! Workflow commands in a log line, found and decoded as the runner does it.
//!
//! Source of every rule: actions/runner 2.336, `src/Runner.Common/ActionCommand.cs` (`TryParseV2`, `TryParse`).
//! The runner compares by .NET culture in a few places, where zero-width characters count for nothing; a match
//! that spans one shifts the command's name by as much, so that no registered name comes out. Comparing bytes,
//! as here, therefore finds the same commands.

use std::collections::BTreeMap;

/// Commands the runner has a handler for (`ActionCommandManager.cs`).
pub(super) const REGISTERED: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// How a command was spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `::name key=value::data`, first in its line but for white space.
    Colons,
    /// `##[name key=value]data`, anywhere in its line.
    Brackets,
}

/// A workflow command found in a line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name in lower case, e.g. `error`. Names are compared without regard to case.
    pub name: String,
    /// Its properties, keys in lower case, values decoded.
    pub properties: BTreeMap<String, String>,
    /// Its data, decoded.
    pub data: String,
    /// How it was spelled.
    pub syntax: Syntax,
}

impl Command {
    /// The command in `line`, if the runner would see one whose name is among the registered ones or `extra`
    /// (the token that ends `stop-commands`).
    #[must_use]
    pub fn parse(line: &str, extra: Option<&str>) -> Option<Self> {
        let extra = extra.map(str::to_lowercase);
        let registered = |name: &str| REGISTERED.contains(&name) || extra.as_deref() == Some(name);
        colons(line, &registered).or_else(|| brackets(line, &registered))
    }

    /// The property `key`, compared without regard to case.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(&key.to_lowercase()).map(String::as_str)
    }
}

fn colons(line: &str, registered: &dyn Fn(&str) -> bool) -> Option<Command> {
    let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = info.split_once(' ').map_or((info, None), |(name, rest)| (name, Some(rest.trim())));
    let name = name.to_lowercase();
    registered(&name).then(|| Command {
        name,
        properties: properties_of(properties, ',', unescape_property),
        data: unescape_data(data),
        syntax: Syntax::Colons,
    })
}

fn brackets(line: &str, registered: &dyn Fn(&str) -> bool) -> Option<Command> {
    let (_, after) = line.split_once("##[")?;
    let (info, data) = after.split_once(']')?;
    let (name, properties) = info.split_once(' ').map_or((info, None), |(name, rest)| (name, Some(rest)));
    let name = name.to_lowercase();
    registered(&name).then(|| Command {
        name,
        properties: properties_of(properties, ';', unescape_legacy),
        data: unescape_legacy(data),
        syntax: Syntax::Brackets,
    })
}

/// `key=value` pairs; one without a key or without a value is dropped, as .NET's `Split` with
/// `RemoveEmptyEntries` leaves fewer than two parts of it.
fn properties_of(text: Option<&str>, separator: char, decode: fn(&str) -> String) -> BTreeMap<String, String> {
    text.unwrap_or_default()
        .split(separator)
        .filter_map(|pair| pair.trim_start_matches('=').split_once('='))
        .map(|(key, value)| (key, value.trim_start_matches('=')))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_lowercase(), decode(value)))
        .collect()
}

fn unescape_data(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

fn unescape_property(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
}

fn unescape_legacy(text: &str) -> String {
    text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n").replace("%5D", "]").replace("%25", "%")
}
