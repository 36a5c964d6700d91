//! The files a step writes for the runner: outputs, state, environment.
//!
//! Source: actions/runner 2.336, `FileCommandManager.cs`, class `EnvFileKeyValuePairs` (Linux build).

/// What the runner reads from a file of `name=value` and `name<<delimiter` entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCommands {
    /// Entries in the order of the file, up to the first malformed one. The runner has applied these by the time
    /// it meets an error. A later entry of the same name replaces an earlier one.
    pub pairs: Vec<(String, String)>,
    /// The runner's message on the first malformed entry, which fails the step.
    pub error: Option<String>,
    /// Blank lines between entries: the runner ignores them, `act` rejects the file.
    pub blank_lines: usize,
}

impl FileCommands {
    /// Reads the text of a file.
    ///
    /// The first of `=` and `<<` in a line decides. A heredoc ends at a line equal to its delimiter; its value keeps
    /// everything up to, but without, the line feed before that line. Only line feeds end lines: a carriage return
    /// is part of the value (and of the delimiter).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        while let Some((line, _)) = take_line(&mut rest) {
            if line.is_empty() {
                read.blank_lines += 1;
                continue;
            }
            match entry(line, &mut rest) {
                Ok(pair) => read.pairs.push(pair),
                Err(message) => {
                    read.error = Some(message);
                    break;
                }
            }
        }
        read
    }
}

fn entry(line: &str, rest: &mut &str) -> Result<(String, String), String> {
    let equals = line.find('=');
    let heredoc = line.find("<<");
    match (equals, heredoc) {
        (Some(at), None) => Ok((line[..at].to_owned(), line[at + 1..].to_owned())),
        (Some(at), Some(other)) if at < other => Ok((line[..at].to_owned(), line[at + 1..].to_owned())),
        (_, Some(at)) => {
            let (name, delimiter) = (&line[..at], &line[at + 2..]);
            if name.is_empty() || delimiter.is_empty() {
                return Err(format!("Invalid format '{line}'. Name must not be empty and delimiter must not be empty"));
            }
            Ok((name.to_owned(), heredoc_value(delimiter, rest)?))
        }
        (None, None) => Err(format!("Invalid format '{line}'")),
    }
}

fn heredoc_value(delimiter: &str, rest: &mut &str) -> Result<String, String> {
    let start = *rest;
    let mut length = 0;
    loop {
        match take_line(rest) {
            Some((line, _)) if line == delimiter => return Ok(start[..length].to_owned()),
            Some((_, true)) => length = start.len() - rest.len() - 1,
            Some((_, false)) => {
                return Err("Invalid value. EOF marker missing new line.".to_owned());
            }
            None => {
                return Err(format!("Invalid value. Matching delimiter not found '{delimiter}'"));
            }
        }
    }
}

/// The next line without its line feed, and whether it had one.
fn take_line<'a>(rest: &mut &'a str) -> Option<(&'a str, bool)> {
    if rest.is_empty() {
        return None;
    }
    if let Some((line, after)) = rest.split_once('\n') {
        *rest = after;
        Some((line, true))
    } else {
        Some((std::mem::take(rest), false))
    }
}
