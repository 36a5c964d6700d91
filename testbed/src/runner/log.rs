//! What the runner makes of a step's log, line by line.
//!
//! Source: actions/runner 2.336, `OutputManager.cs`, `ActionCommandManager.cs` (the handlers of the commands) and
//! `ExecutionContext.cs` (`AddIssue`).

use std::collections::BTreeMap;

use super::{command::Command, command::REGISTERED, mask::Masker};

/// The runner keeps this many annotations of each level per step; more stay in the log only.
pub const ANNOTATIONS_PER_LEVEL: usize = 10;
/// The runner cuts an annotation's message at this many UTF-16 units.
pub const ANNOTATION_LENGTH: usize = 4096;

/// The kind of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `::error`
    Error,
    /// `::warning`
    Warning,
    /// `::notice`
    Notice,
}

impl Level {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "notice" => Some(Self::Notice),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// An annotation as it is shown on the run's page: masked, cut at 4096 UTF-16 units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Error, warning or notice.
    pub level: Level,
    /// The property `title`.
    pub title: Option<String>,
    /// The text.
    pub message: String,
    /// The property `file`, as given.
    pub file: Option<String>,
    /// The property `line`.
    pub line: Option<u32>,
    /// Whether the runner itself wrote it (a malformed file, an unknown input), not the program.
    pub by_runner: bool,
}

/// The state of the runner's reading of one step's log.
#[derive(Debug, Default)]
pub(super) struct StepLog {
    pub(super) masker: Masker,
    /// Everything as written, both streams in order of arrival.
    pub(super) raw: Vec<u8>,
    /// Every line but those that were `add-mask` commands, unmasked: what may leak.
    pub(super) written: Vec<String>,
    /// Lines that were not commands, masked.
    pub(super) lines: Vec<String>,
    /// The log as the job's page shows it.
    pub(super) shown: Vec<String>,
    pub(super) commands: Vec<Command>,
    pub(super) annotations: Vec<Annotation>,
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) state: BTreeMap<String, String>,
    /// Commands that the runner refused, which fails the step whatever the exit code.
    pub(super) failed: bool,
    stop_token: Option<String>,
    echo: bool,
}

impl StepLog {
    /// Takes in one line of either stream.
    pub(super) fn line(&mut self, line: &str) {
        match Command::parse(line, self.stop_token.as_deref()) {
            Some(command) if self.stop_token.is_none() => self.execute(line, command),
            Some(command) if self.stop_token.as_deref().is_some_and(|token| same(token, &command.name)) => {
                self.stop_token = None;
                self.written.push(line.to_owned());
                self.show(line);
                self.commands.push(command);
            }
            _ => {
                self.written.push(line.to_owned());
                self.lines.push(self.masker.mask(line));
                self.show(line);
            }
        }
    }

    fn execute(&mut self, line: &str, command: Command) {
        if command.name != "add-mask" {
            self.written.push(line.to_owned());
        }
        let omits_echo = matches!(command.name.as_str(), "add-mask" | "debug" | "error" | "warning" | "notice");
        if self.echo && !omits_echo {
            self.show(line);
        }
        if let Err(problem) = self.handle(line, &command) {
            let what = if omits_echo { &command.name } else { line };
            self.issue(Level::Error, &format!("Unable to process command '{what}' successfully."));
            self.issue(Level::Error, &problem);
            self.failed = true;
        }
        self.commands.push(command);
    }

    fn handle(&mut self, line: &str, command: &Command) -> Result<(), String> {
        match command.name.as_str() {
            "error" | "warning" | "notice" => self.annotate(command),
            "group" | "endgroup" => {
                let title = if command.name == "group" { command.data.as_str() } else { "" };
                self.show(&format!("##[{}]{title}", command.name));
            }
            "add-mask" if !self.masker.add(&command.data) => {
                self.issue(Level::Warning, "Can't add secret mask for empty string in ##[add-mask] command.");
            }
            "set-output" => {
                let name = required_name(command)?;
                insert(&mut self.outputs, name, &command.data);
            }
            "save-state" => {
                let name = required_name(command)?;
                insert(&mut self.state, name, &command.data);
            }
            "stop-commands" => self.stop(line, &command.data)?,
            "echo" => match command.data.trim().to_uppercase().as_str() {
                "ON" => self.echo = true,
                "OFF" => self.echo = false,
                _ => {
                    return Err(format!(
                        "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{}'.",
                        command.data
                    ));
                }
            },
            "set-env" | "add-path" => {
                return Err(format!("The `{}` command is disabled.", command.name));
            }
            // A mask was added above. Matchers would turn later lines into annotations; that a program sets any is seen in `commands`.
            _ => {}
        }
        Ok(())
    }

    /// `ValidateStopToken`: not empty, not a command's name, not `pause-logging`. Tokens of more than six
    /// characters become masked.
    fn stop(&mut self, line: &str, token: &str) -> Result<(), String> {
        if token.is_empty() || same(token, "pause-logging") || REGISTERED.iter().any(|name| same(name, token)) {
            return Err("You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command.".to_owned());
        }
        self.stop_token = Some(token.to_owned());
        if token.encode_utf16().count() > 6 {
            self.masker.add(token);
        }
        self.show(line);
        Ok(())
    }

    fn annotate(&mut self, command: &Command) {
        let Some(level) = Level::of(&command.name) else {
            return;
        };
        let text = |key| command.property(key).map(|value| self.masker.mask(value));
        let (title, file) = (text("title"), text("file"));
        self.add(Annotation {
            level,
            title,
            message: command.data.clone(),
            file,
            line: command.property("line").and_then(|line| line.parse().ok()),
            by_runner: false,
        });
    }

    /// An error or a warning of the runner's own.
    pub(super) fn issue(&mut self, level: Level, message: &str) {
        self.add(Annotation {
            level,
            title: None,
            message: message.to_owned(),
            file: None,
            line: None,
            by_runner: true,
        });
    }

    fn add(&mut self, mut annotation: Annotation) {
        annotation.message = cut(&self.masker.mask(&annotation.message));
        self.show(&format!("##[{}]{}", annotation.level.name(), annotation.message));
        if self.annotations.iter().filter(|kept| kept.level == annotation.level).count() < ANNOTATIONS_PER_LEVEL {
            self.annotations.push(annotation);
        }
    }

    fn show(&mut self, line: &str) {
        self.shown.push(self.masker.mask(line));
    }
}

fn required_name(command: &Command) -> Result<&str, String> {
    command
        .property("name")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| format!("Required field 'name' is missing in ##[{}] command.", command.name))
}

/// Sets an entry of one of the runner's dictionaries, whose keys differ by more than case.
pub(super) fn insert(map: &mut BTreeMap<String, String>, key: &str, value: &str) {
    let key = map.keys().find(|known| same(known, key)).cloned().unwrap_or_else(|| key.to_owned());
    map.insert(key, value.to_owned());
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn cut(message: &str) -> String {
    let units: Vec<u16> = message.encode_utf16().take(ANNOTATION_LENGTH).collect();
    String::from_utf16_lossy(&units)
}

/// Splits one stream into lines as .NET's `StreamReader.ReadLine` does: at line feed, carriage return, or both.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    after_return: bool,
}

impl Lines {
    /// The lines completed by `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => lines.push(text(&std::mem::take(&mut self.pending))),
                _ => self.pending.push(byte),
            }
        }
        lines
    }

    /// The last line, if it was not ended.
    pub(super) fn finish(self) -> Option<String> {
        (!self.pending.is_empty()).then(|| text(&self.pending))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
