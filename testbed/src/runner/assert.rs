//! Assertions on a report: the verdict, secrets, and what every step promises to the runner.

use std::{fs, path::Path};

use super::{
    Report,
    command::Syntax,
    file_command::FileCommands,
    log::{self, Level},
    mask,
};

/// GitHub's limit for the outputs of a job, in UTF-16.
const OUTPUT_LIMIT: usize = 1024 * 1024;

impl Report {
    /// Asserts the output `verdict` and the exit code.
    ///
    /// # Panics
    /// With the whole log, if they differ, or a file or command was malformed.
    #[track_caller]
    pub fn assert_verdict(&self, verdict: &str, exit_code: i32) -> &Self {
        let seen = (self.outputs.get("verdict").map(String::as_str), self.exit_code);
        assert!(seen == (Some(verdict), exit_code), "expected {:?}, not {seen:?}\n{self}", (Some(verdict), exit_code));
        assert!(self.file_command_error.is_none() && !self.refused_command, "the runner refuses what it wrote\n{self}");
        self
    }

    /// Asserts that `secret` is nowhere: neither in the log (but for `add-mask` commands), nor in outputs, state,
    /// environment file, summary, or the folder `deploy-evidence`; nor any spelling of it that the runner would
    /// mask (base64, JSON, URI and so on).
    ///
    /// # Panics
    /// If it is found.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "the assertion is the point")]
    pub fn assert_no_secret(&self, secret: &str) -> &Self {
        assert!(!secret.trim().is_empty(), "an empty secret is everywhere");
        let mut places = vec![("log".to_owned(), self.written.join("\n"))];
        for name in ["output", "state", "env", "path", "step_summary"] {
            places.push((name.to_owned(), lossy(&self.files.command(name))));
        }
        for entry in fs::read_dir(self.workspace.join("deploy-evidence")).into_iter().flatten().flatten() {
            places.push((entry.path().display().to_string(), lossy(&entry.path())));
        }
        for (place, text) in &places {
            for spelling in mask::spellings(secret) {
                assert!(!text.contains(&spelling), "{spelling:?} is in {place}\n{text}\n{self}");
            }
        }
        self
    }

    /// Asserts what a well-behaved action promises to the runner: only harmless commands, spelled with colons;
    /// annotations within the runner's limits; no terminal codes and no bare carriage returns; well-formed files
    /// (without blank lines between entries, which `act` rejects); outputs under 1 MiB (counted in UTF-16, as
    /// GitHub does); nothing in `GITHUB_ENV` or `GITHUB_PATH`; a summary under 64 KiB.
    ///
    /// # Panics
    /// With the whole log, naming the promise broken.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "the assertion is the point")]
    pub fn assert_runner_safe(&self) -> &Self {
        let mut broken = Vec::new();
        let harmless = ["error", "warning", "notice", "add-mask", "group", "endgroup", "debug"];
        for command in &self.commands {
            if !harmless.contains(&command.name.as_str()) || command.syntax != Syntax::Colons {
                broken.push(format!("it issued the command {command:?}"));
            }
            if command.data.encode_utf16().count() > log::ANNOTATION_LENGTH && Level::of(&command.name).is_some() {
                broken.push(format!("an annotation is longer than {} characters", log::ANNOTATION_LENGTH));
            }
        }
        for name in ["error", "warning", "notice"] {
            let count = self.commands.iter().filter(|command| command.name == name).count();
            if count > log::ANNOTATIONS_PER_LEVEL {
                broken.push(format!("{count} annotations of the level {name}"));
            }
        }
        if self.raw.contains('\u{1b}') || self.raw.replace("\r\n", "").contains('\r') {
            broken.push("its log holds terminal codes or bare carriage returns".to_owned());
        }
        broken.extend(self.file_command_error.as_ref().map(|message| format!("a malformed file: {message}")));
        if FileCommands::parse(&self.output_file).blank_lines > 0 {
            broken.push("a blank line in GITHUB_OUTPUT".to_owned());
        }
        if self.outputs.values().map(|value| value.encode_utf16().count() * 2).sum::<usize>() >= OUTPUT_LIMIT {
            broken.push("its outputs are over 1 MiB".to_owned());
        }
        if !self.env_file.is_empty() || !self.path_file.is_empty() {
            broken.push("it wrote GITHUB_ENV or GITHUB_PATH".to_owned());
        }
        if self.summary_raw.len() >= 64 * 1024 {
            broken.push(format!("a summary of {} bytes", self.summary_raw.len()));
        }
        assert!(broken.is_empty(), "{}\n{self}", broken.join("\n"));
        self
    }
}

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
