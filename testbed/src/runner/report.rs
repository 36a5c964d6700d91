//! What a step left behind, read as the runner reads it, and the assertions on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use super::{
    command::Command,
    environment::Files,
    file_command::FileCommands,
    log::{self, Annotation, Level, StepLog},
};

/// Larger summaries are not shown, and the step gets an error annotation (`CreateStepSummaryCommand`).
const SUMMARY_LIMIT: usize = 1024 * 1024;

/// What ended a cancelled step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledBy {
    /// It ended within 7.5 s of SIGINT.
    Interrupt,
    /// It ended within 2.5 s of SIGTERM.
    Terminate,
    /// It ignored both.
    Kill,
}

/// How the process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) exit_code: i32,
    pub(super) signal: Option<Signal>,
    pub(super) duration: Duration,
    pub(super) cancelled_by: Option<CancelledBy>,
}

/// A step that has ended. Displayed, it is everything one needs to see why.
#[derive(Clone, Debug)]
pub struct Report {
    /// The exit code; 128 + n after signal n, as a container engine reports it.
    pub exit_code: i32,
    /// The signal that ended the program, if one did.
    pub signal: Option<Signal>,
    /// From start to end.
    pub duration: Duration,
    /// What ended it, after [`super::Running::cancel`].
    pub cancelled_by: Option<CancelledBy>,
    /// The lines of both streams in order of arrival, masked, without those that were commands.
    pub log: Vec<String>,
    /// The log as the job's page shows it: masked, with `##[error]`, `##[group]` and the like.
    pub shown: Vec<String>,
    /// Everything as it was written, unmasked.
    pub raw: String,
    /// Every command the runner executed, in order.
    pub commands: Vec<Command>,
    /// The first ten of each level, the runner's own included.
    pub annotations: Vec<Annotation>,
    /// The masked values in order, those known from the start included.
    pub masks: Vec<String>,
    /// What later steps of the same job see in `steps.<id>.outputs`.
    pub outputs: BTreeMap<String, String>,
    /// Names of outputs that hold a masked value: the runner leaves them out of the *job's* outputs
    /// (`JobExtension.cs`, "Skip output ... since it may contain secret").
    pub dropped_outputs: BTreeSet<String>,
    /// What a post step would get as `STATE_<name>`.
    pub state: BTreeMap<String, String>,
    /// What later steps get as environment (`GITHUB_ENV`).
    pub env_file: BTreeMap<String, String>,
    /// What later steps get on their `PATH` (`GITHUB_PATH`).
    pub path_file: Vec<String>,
    /// The runner's message on a malformed file (output, state or environment), which fails the step.
    pub file_command_error: Option<String>,
    /// The job summary as it is shown: masked line by line; empty if there is none or it is over 1 MiB.
    pub summary: String,
    /// The job summary as it was written.
    pub summary_raw: String,
    /// The step's workspace. If it is a temporary one, it lives as long as the report.
    pub workspace: PathBuf,
    pub(super) written: Vec<String>,
    pub(super) refused_command: bool,
    pub(super) output_file: String,
    pub(super) files: Arc<Files>,
}

impl Report {
    pub(super) fn new(ended: &Ended, mut log: StepLog, files: Files) -> Self {
        let text = |name| String::from_utf8_lossy(&fs::read(files.command(name)).unwrap_or_default()).into_owned();
        let (output_file, summary_raw) = (text("output"), text("step_summary"));
        let mut file_command_error = None;
        let mut read = |log: &mut StepLog, name: &str, text: &str| {
            let mut read = FileCommands::parse(text);
            if name == "output"
                && let Some(at) = read.pairs.iter().position(|(key, _)| key.is_empty())
            {
                read.pairs.truncate(at);
                read.error = Some("Value cannot be null. (Parameter 'name')".to_owned());
            }
            if let Some(message) = read.error {
                log.issue(Level::Error, &format!("Unable to process file command '{name}' successfully."));
                log.issue(Level::Error, &message);
                file_command_error.get_or_insert(message);
            }
            read.pairs
        };
        let (mut outputs, mut state) = (std::mem::take(&mut log.outputs), std::mem::take(&mut log.state));
        for (name, value) in read(&mut log, "output", &output_file) {
            log::insert(&mut outputs, &name, &value);
        }
        for (name, value) in read(&mut log, "state", &text("state")) {
            log::insert(&mut state, &name, &value);
        }
        let env_file = read(&mut log, "env", &text("env")).into_iter().collect();
        let path_file = text("path").lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let summary = summary(&mut log, &summary_raw);
        let masker = &log.masker;
        let dropped = |(_, value): &(&String, &String)| masker.mask(value) != **value;
        Self {
            exit_code: ended.exit_code,
            signal: ended.signal,
            duration: ended.duration,
            cancelled_by: ended.cancelled_by,
            dropped_outputs: outputs.iter().filter(dropped).map(|(name, _)| name.clone()).collect(),
            masks: masker.values().to_vec(),
            log: log.lines,
            shown: log.shown,
            raw: String::from_utf8_lossy(&log.raw).into_owned(),
            commands: log.commands,
            annotations: log.annotations,
            outputs,
            state,
            env_file,
            path_file,
            file_command_error,
            summary,
            summary_raw,
            workspace: files.workspace.clone(),
            written: log.written,
            refused_command: log.failed,
            output_file,
            files: Arc::new(files),
        }
    }

    /// Whether the runner calls the step a success: exit code 0, no malformed file, no refused command.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit_code == 0 && self.file_command_error.is_none() && !self.refused_command
    }

    /// The output `name`.
    ///
    /// # Panics
    /// If it was not set.
    #[must_use]
    #[track_caller]
    pub fn output(&self, name: &str) -> &str {
        match self.outputs.get(name) {
            Some(value) => value,
            None => panic!("the output {name} was not set\n{self}"),
        }
    }

    /// The one error annotation.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn error(&self) -> &Annotation {
        self.only(Level::Error)
    }

    /// The one warning annotation.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn warning(&self) -> &Annotation {
        self.only(Level::Warning)
    }

    #[track_caller]
    fn only(&self, level: Level) -> &Annotation {
        let found: Vec<&Annotation> = self.annotations.iter().filter(|found| found.level == level).collect();
        match found[..] {
            [one] => one,
            _ => panic!("expected one {level:?} annotation, not {}\n{self}", found.len()),
        }
    }

    /// The folder that holds the step's files, home and temporary folder; the workspace is elsewhere if given.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.files.root.path()
    }

    /// The evidence: the JSON file that the output `evidence` names, relative to the workspace.
    ///
    /// # Panics
    /// If there is no such output or file, it is not relative, or not JSON.
    #[must_use]
    #[track_caller]
    pub fn evidence(&self) -> Value {
        let path = Path::new(self.output("evidence"));
        assert!(path.is_relative(), "the evidence's path {} is not relative\n{self}", path.display());
        let text = match fs::read_to_string(self.workspace.join(path)) {
            Ok(text) => text,
            Err(problem) => panic!("the evidence {} cannot be read: {problem}\n{self}", path.display()),
        };
        match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(problem) => panic!("the evidence is not JSON: {problem}\n{text}\n{self}"),
        }
    }
}

fn summary(log: &mut StepLog, written: &str) -> String {
    if written.len() > SUMMARY_LIMIT {
        log.issue(
            Level::Error,
            &format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got {}k.",
                written.len() / 1024
            ),
        );
        return String::new();
    }
    written.lines().map(|line| log.masker.mask(line) + "\n").collect()
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "---- exit code {} after {:?}; log:", self.exit_code, self.duration)?;
        self.shown.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out, "---- outputs:")?;
        self.outputs.iter().try_for_each(|(name, value)| writeln!(out, "{name}={value}"))?;
        if let Some(message) = &self.file_command_error {
            writeln!(out, "---- malformed file: {message}")?;
        }
        if !self.summary.is_empty() {
            writeln!(out, "---- summary:\n{}", self.summary)?;
        }
        write!(out, "----")
    }
}
