//! Where lines go: to the runner's log, or to a person at a terminal, whose standard output is kept for results.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard};

use crate::text::{Foreign, secrets};

/// The most bytes of one event: a function may fail with 6 MB.
const LONGEST: usize = 32 * 1024;

/// A colour of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Well.
    Green,
    /// To be looked at.
    Yellow,
    /// Bad.
    Red,
}

impl Colour {
    const fn code(self) -> u8 {
        match self {
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
        }
    }
}

#[derive(Debug)]
struct Screen {
    /// Whether a person reads, and not the runner.
    is_persons: bool,
    /// Whether what a person reads can show colours, and a line that changes.
    is_live: bool,
    has_colours: bool,
    /// The line that changes, when it is shown.
    progress: Option<String>,
}

static SCREEN: Mutex<Screen> =
    Mutex::new(Screen { is_persons: false, is_live: false, has_colours: false, progress: None });

/// Takes the cursor to the beginning of an empty line.
const CLEAR: &str = "\r\x1b[K";

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// From now on a person reads. Colours and progress are shown on a terminal only (<https://no-color.org>).
pub fn is_persons() {
    let is_live = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let has_colours = is_live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    secrets::has_no_runner();
    *screen() = Screen { is_persons: true, is_live, has_colours, progress: None };
}

/// Whether a person reads, and not the runner.
pub(super) fn has_person() -> bool {
    screen().is_persons
}

/// Writes text that is harmless, its line feeds included. A closed stream leaves nobody to tell, and ends no step.
pub(super) fn write(text: &str) {
    let screen = screen();
    if !screen.is_persons {
        let _ = io::stdout().lock().write_all(text.as_bytes());
        return;
    }
    let mut stream = io::stderr().lock();
    let _ = match &screen.progress {
        Some(progress) => write!(stream, "{CLEAR}{text}{progress}"),
        None => write!(stream, "{text}"),
    };
    let _ = stream.flush();
}

pub(super) fn flush() {
    let _ = if screen().is_persons { io::stderr().lock().flush() } else { io::stdout().lock().flush() };
}

/// Shows how far it is, in a line that changes; nothing takes the line away.
pub fn show_progress(line: Option<String>) {
    let mut screen = screen();
    if !screen.is_live || (line.is_none() && screen.progress.is_none()) {
        return;
    }
    let mut stream = io::stderr().lock();
    let _ = write!(stream, "{CLEAR}{}", line.as_deref().unwrap_or_default());
    let _ = stream.flush();
    screen.progress = line;
}

/// Shows a line that begins with a word in a colour. The line may hold foreign text.
pub fn show(colour: Colour, word: &str, text: &str) {
    write(&format!("{} {}", painted(colour, word), harmless(text)));
}

/// One event as it is written, ended by its line feed.
pub(super) fn harmless(event: &str) -> String {
    // The library writes terminal codes out; as codes they are taken away, and a secret around one is known again.
    let event = event.replace("\\x1b", "\u{1b}").replace("\\u{9b}", "\u{9b}");
    Foreign::new(event.trim_end_matches('\n')).for_log(LONGEST).trim_end_matches('\n').to_owned() + "\n"
}

fn painted(colour: Colour, text: &str) -> String {
    if screen().has_colours { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
}

/// Prints a result to standard output.
pub fn print(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}
