//! Which family of trouble a failed invocation belongs to: from the error's type, the platform's log lines and, where there is no
//! type, the words. Pure.
//!
//! The names are those of the runtime interface clients and of the runtime interface emulator; an application's own log lines are
//! never looked at, for they may hold any of them.

use std::fmt;

use super::log::failed_init;

/// Types of errors that the platform and its runtimes report, not the function's own code.
const OF_THE_PLATFORM: [&str; 4] = ["Runtime.", "Sandbox.", "Function.", "Extension."];

/// A family of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The code could not be loaded: a module, the handler, a syntax error.
    Import,
    /// The process did not start, or ended: an exit, a signal, no memory, no executable.
    Process,
    /// It took longer than it may.
    Timeout,
    /// An extension failed.
    Extension,
    /// Taking or restoring a snapshot failed.
    Snapstart,
    /// The handler returned what cannot be sent.
    Response,
    /// The runtime reported an error that this release has no family for.
    Runtime,
    /// The handler raised an error of its own.
    Handler,
}

/// When it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the handler could run: no case can pass. Only where something says so.
    Init,
    /// While the handler ran, or nothing says when.
    Invoke,
}

impl Family {
    /// Its name in the output `init-error`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Process => "process",
            Self::Timeout => "timeout",
            Self::Extension => "extension",
            Self::Snapstart => "snapstart",
            Self::Response => "response",
            Self::Runtime => "runtime",
            Self::Handler => "handler",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Import => {
                "the code cannot be loaded: see that the package holds the module named, built for the function's runtime and \
                 architecture, and that the function's handler setting names it"
            }
            Self::Process => {
                "the process did not start or ended by itself: see the entry point (`bootstrap`, executable, of the function's \
                 architecture), the memory setting, and the last log lines"
            }
            Self::Timeout => {
                "look at what it waits for (a network it cannot reach, often), or raise the function's timeout"
            }
            Self::Extension => "an extension failed, not the code: see the function's layers and extensions",
            Self::Snapstart => "see the hooks that run before the snapshot and after it is restored",
            Self::Response => "the handler must return what can be sent as JSON, at most 6 MB",
            Self::Runtime => {
                "the runtime reported this, not the handler: look its type up in the documentation of the function's runtime, and \
                 see the last log lines"
            }
            Self::Handler => "the handler raised this: see the last log lines",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The code could not be loaded.
const IMPORT: [&str; 8] = [
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.MalformedHandlerName",
    "Runtime.UserCodeSyntaxError",
    "Runtime.BuiltInModuleConflict",
    "Runtime.BadFunctionCode",
    "Runtime.UserCodeImportError",
    "java.lang.ClassNotFoundException",
];
/// The process could not be started.
const NOT_STARTED: [&str; 4] =
    ["Runtime.InvalidEntrypoint", "Runtime.InvalidWorkingDir", "Runtime.InvalidTaskConfig", "Runtime.NotFound"];
/// The process ended: at its start as well as in the handler.
const ENDED: [&str; 4] = ["Runtime.ExitError", "Runtime.NodeJsExit", "Runtime.OutOfMemory", "Runtime.Unknown"];
/// Refusals of the runtime when it looks at the handler, before anything is handed to it. Node.js 24 takes no handler with a callback.
const REFUSED: [&str; 2] = ["Runtime.CallbackHandlerDeprecated", "Runtime.MalformedStreamingHandler"];
const SNAPSTART: [&str; 5] = [
    "Runtime.BeforeSnapshotError",
    "Runtime.AfterRestoreError",
    "Runtime.BeforeCheckpointError",
    "Runtime.RestoreHookUserTimeout",
    "Runtime.RestoreError",
];
const RESPONSE: [&str; 6] = [
    "Runtime.MarshalError",
    "Runtime.JSONStringifyError",
    "Runtime.UnmarshalError",
    "Runtime.TruncatedResponse",
    "Function.ResponseSizeTooLarge",
    "Runtime.InvalidResponse",
];
/// The words of runtimes that report no type of their own for code that cannot be loaded.
const IMPORT_WORDS: [&str; 8] = [
    "Unable to import module",
    "Cannot find module",
    "Class not found:",
    "Error loading class",
    "Error loading method",
    "Could not find the specified handler assembly",
    "Unable to load type",
    "is undefined or not exported",
];
const NOT_STARTED_WORDS: [&str; 2] = ["exec format error", "fork/exec "];
const ENDED_WORDS: [&str; 3] = ["Runtime exited", "Process exited before completing request", "signal: killed"];

/// Tells family and phase from the error's type, its message and the end of the log.
///
/// It did not start only where something says so: the type of the error, its words, or the platform's line of an initialisation
/// that failed. That a line is missing says nothing: a log may be in JSON, be filtered by its level, or be longer than what comes back.
#[must_use]
pub fn classify(kind: &str, message: &str, log: &str) -> (Family, Phase) {
    let of_the_platform = OF_THE_PLATFORM.iter().any(|prefix| kind.starts_with(prefix));
    // After an initialisation that took too long, another one begins with the invocation: whoever then tells an error of its own
    // came to the handler.
    let init = failed_init(log).filter(|status| status != "timeout" || of_the_platform || kind.is_empty());
    let (family, at_init) = match by_kind(kind).or_else(|| by_words(kind, message)) {
        Some(known) => known,
        None if of_the_platform => (Family::Runtime, false),
        None if init.as_deref() == Some("timeout") => (Family::Timeout, true),
        // Go, Rust and .NET report the name of the error's own type: only the phase tells.
        None if init.is_some() => (Family::Import, true),
        None => (Family::Handler, false),
    };
    (family, if at_init || init.is_some() { Phase::Init } else { Phase::Invoke })
}

/// The family, and whether errors of this type belong to the start.
fn by_kind(kind: &str) -> Option<(Family, bool)> {
    match kind {
        _ if IMPORT.contains(&kind) => Some((Family::Import, true)),
        _ if NOT_STARTED.contains(&kind) => Some((Family::Process, true)),
        _ if ENDED.contains(&kind) => Some((Family::Process, false)),
        _ if REFUSED.contains(&kind) => Some((Family::Runtime, true)),
        _ if SNAPSTART.contains(&kind) => Some((Family::Snapstart, true)),
        _ if RESPONSE.contains(&kind) => Some((Family::Response, false)),
        "Sandbox.Timedout" | "Sandbox.Timeout" => Some((Family::Timeout, false)),
        "Extension.InitError" | "Extension.LaunchError" => Some((Family::Extension, true)),
        _ if kind.starts_with("Extension.") => Some((Family::Extension, false)),
        // Ruby says when it happened, with the class in angle brackets.
        _ if kind.starts_with("Init<") => Some((Family::Import, true)),
        _ if kind.starts_with("Function<") => Some((Family::Handler, false)),
        _ if kind.starts_with("Runtime<") => Some((Family::Runtime, false)),
        _ => None,
    }
}

fn by_words(kind: &str, message: &str) -> Option<(Family, bool)> {
    if message.contains("Task timed out after ") {
        return Some((Family::Timeout, false));
    }
    // An error with a type of its own is the handler's, whatever its words, unless the class loader speaks.
    let typed = !matches!(kind, "" | "Unhandled" | "Error" | "Runtime.Error") && !kind.contains("LambdaValidation");
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let missing = message.starts_with("Handler '") && message.contains("missing on module");
    if has(&["Class not found:", "Error loading class"]) {
        return Some((Family::Import, true));
    }
    if typed {
        return None;
    }
    let of_words = [
        (missing || has(&IMPORT_WORDS), (Family::Import, true)),
        (has(&NOT_STARTED_WORDS), (Family::Process, true)),
        (has(&ENDED_WORDS), (Family::Process, false)),
    ];
    of_words.into_iter().find_map(|(says, found)| says.then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtimes_errors_are_told_apart() {
        use Family::{Extension, Handler, Import, Process, Response, Runtime, Snapstart, Timeout};
        use Phase::{Init, Invoke};
        let failed_init = "INIT_REPORT Init Duration: 9 ms Phase: init Status: error Error Type: X";
        let slow_init = "INIT_REPORT Init Duration: 9999 ms Phase: init Status: timeout";
        let started = "START RequestId: 1 Version: 7";
        let json_started = r#"{"time":"x","type":"platform.start","record":{"requestId":"1"}}"#;
        let json_failed = r#"{"time":"x","type":"platform.initReport","record":{"phase":"init","status":"error"}}"#;
        let json_slow = r#"{"time":"x","type":"platform.initReport","record":{"phase":"init","status":"timeout"}}"#;
        let table = [
            ("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'boto4'", "", Import, Init),
            ("Runtime.HandlerNotFound", "index.handler is undefined or not exported", "", Import, Init),
            ("Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token", "", Import, Init),
            ("Runtime.BadFunctionCode", "Class not found: example.App", "", Import, Init),
            ("java.lang.NoClassDefFoundError", "Error loading class example.App", "", Import, Init),
            ("Init<LoadError>", "cannot load such file -- app", "", Import, Init),
            ("Function<ZeroDivisionError>", "divided by 0", "", Handler, Invoke),
            ("", "Unable to import module 'app'", "", Import, Init),
            ("", "Handler 'run' missing on module 'app'", "", Import, Init),
            ("Runtime.ExitError", "Runtime exited with error: exit status 1", failed_init, Process, Init),
            ("Runtime.ExitError", "Runtime exited with error: exit status 1", "", Process, Invoke),
            ("Runtime.ExitError", "Runtime exited with error: exit status 1", json_started, Process, Invoke),
            ("Runtime.ExitError", "Runtime exited with error: exit status 1", json_failed, Process, Init),
            ("Runtime.InvalidWorkingDir", "", "", Process, Init),
            ("", "fork/exec /var/task/bootstrap: exec format error", "", Process, Init),
            ("Runtime.ExitError", "Runtime exited with error: signal: killed", started, Process, Invoke),
            (
                "Runtime.InvalidEntrypoint",
                "fork/exec /var/task/bootstrap: exec format error",
                failed_init,
                Process,
                Init,
            ),
            ("Runtime.OutOfMemory", "", started, Process, Invoke),
            ("", "RequestId: 1 Process exited before completing request", started, Process, Invoke),
            ("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 3.00 seconds", "", Timeout, Invoke),
            ("", "2026-11-20T10:00:00Z 1 Task timed out after 3.00 seconds", "", Timeout, Invoke),
            ("Sandbox.Timedout", "Task timed out after 3.00 seconds", slow_init, Timeout, Init),
            ("Sandbox.Timedout", "Task timed out after 3.00 seconds", json_slow, Timeout, Init),
            ("KeyError", "'name'", slow_init, Handler, Invoke),
            ("Extension.Crash", "exit status 1", "", Extension, Invoke),
            ("Extension.Crash", "exit status 1", failed_init, Extension, Init),
            ("Extension.InitError", "", "", Extension, Init),
            ("Runtime.CallbackHandlerDeprecated", "", "", Runtime, Init),
            ("Runtime.SomethingNew", "", started, Runtime, Invoke),
            ("Runtime.SomethingNew", "", failed_init, Runtime, Init),
            ("Sandbox.SomethingNew", "", "", Runtime, Invoke),
            ("Runtime.AfterRestoreError", "", "", Snapstart, Init),
            ("Runtime.MarshalError", "Object of type set is not JSON serializable", "", Response, Invoke),
            ("Function.ResponseSizeTooLarge", "", "", Response, Invoke),
            ("KeyError", "'name'", started, Handler, Invoke),
            ("ModuleNotFoundError", "Cannot find module 'x'", started, Handler, Invoke),
            ("errorString", "no configuration", failed_init, Import, Init),
            ("System.InvalidOperationException", "", failed_init, Import, Init),
            ("errorString", "no configuration", started, Handler, Invoke),
        ];
        for (kind, message, log, family, phase) in table {
            assert_eq!(classify(kind, message, log), (family, phase), "{kind}: {message}");
        }
    }

    #[test]
    fn names_in_an_applications_own_lines_mean_nothing() {
        let log = "START RequestId: 1 Version: 7\nhandled Runtime.ImportModuleError\n[INFO] INIT_REPORT Status: error";
        assert_eq!(classify("ValueError", "bad", log), (Family::Handler, Phase::Invoke));
    }
}
