//! Which family of trouble a failed invocation belongs to: from the error's type, the platform's log lines and, where there is no
//! type, the words. Pure.
//!
//! The names are those of the runtime interface clients and of the runtime interface emulator; an application's own log lines are
//! never looked at, for they may hold any of them.

use std::fmt;

use super::log::failed_init;

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
    /// The handler raised an error of its own.
    Handler,
}

/// When it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the handler could run: no case can pass.
    Init,
    /// While the handler ran.
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
            Self::Handler => "the handler raised this: see the last log lines",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

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
const PROCESS: [&str; 8] = [
    "Runtime.ExitError",
    "Runtime.InvalidEntrypoint",
    "Runtime.InvalidWorkingDir",
    "Runtime.InvalidTaskConfig",
    "Runtime.NodeJsExit",
    "Runtime.OutOfMemory",
    "Runtime.NotFound",
    "Runtime.Unknown",
];
const SNAPSTART: [&str; 5] = [
    "Runtime.BeforeSnapshotError",
    "Runtime.AfterRestoreError",
    "Runtime.BeforeCheckpointError",
    "Runtime.RestoreHookUserTimeout",
    "Runtime.RestoreError",
];
const RESPONSE: [&str; 5] = [
    "Runtime.MarshalError",
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
const PROCESS_WORDS: [&str; 5] =
    ["Runtime exited", "Process exited before completing request", "exec format error", "fork/exec ", "signal: killed"];

/// Tells family and phase from the error's type, its message and the end of the log.
#[must_use]
pub fn classify(kind: &str, message: &str, log: &str) -> (Family, Phase) {
    let init = failed_init(log);
    let family = by_kind(kind).or_else(|| by_words(kind, message));
    let family = match (family, init.as_deref()) {
        (Some(family), _) => family,
        (None, Some("timeout")) => Family::Timeout,
        // Go, Rust and .NET report the name of the error's own type: only the phase tells.
        (None, Some(_)) => Family::Import,
        (None, None) => Family::Handler,
    };
    let phase = match family {
        Family::Import | Family::Extension | Family::Snapstart => Phase::Init,
        Family::Process if kind != "Runtime.NodeJsExit" && !ran(log) => Phase::Init,
        _ if init.is_some() => Phase::Init,
        _ => Phase::Invoke,
    };
    (family, phase)
}

/// A process that ended while the handler ran leaves a log in which its initialisation is not told as failed, and which it
/// reached the request in.
fn ran(log: &str) -> bool {
    failed_init(log).is_none() && log.lines().any(|line| line.starts_with("START RequestId"))
}

fn by_kind(kind: &str) -> Option<Family> {
    match kind {
        _ if IMPORT.contains(&kind) => Some(Family::Import),
        _ if PROCESS.contains(&kind) => Some(Family::Process),
        _ if SNAPSTART.contains(&kind) => Some(Family::Snapstart),
        _ if RESPONSE.contains(&kind) => Some(Family::Response),
        "Sandbox.Timedout" | "Sandbox.Timeout" => Some(Family::Timeout),
        _ if kind.starts_with("Extension.") => Some(Family::Extension),
        // Ruby says when it happened, with the class in angle brackets.
        _ if kind.starts_with("Init<") => Some(Family::Import),
        _ if kind.starts_with("Function<") => Some(Family::Handler),
        _ => None,
    }
}

fn by_words(kind: &str, message: &str) -> Option<Family> {
    if message.contains("Task timed out after ") {
        return Some(Family::Timeout);
    }
    // An error with a type of its own is the handler's, whatever its words, unless the class loader speaks.
    let typed = !matches!(kind, "" | "Unhandled" | "Error" | "Runtime.Error") && !kind.contains("LambdaValidation");
    let has = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if has(&["Class not found:", "Error loading class"]) || (!typed && has(&IMPORT_WORDS)) {
        return Some(Family::Import);
    }
    let missing = message.starts_with("Handler '") && message.contains("missing on module");
    if !typed && missing {
        return Some(Family::Import);
    }
    (!typed && has(&PROCESS_WORDS)).then_some(Family::Process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtimes_errors_are_told_apart() {
        use Family::{Extension, Handler, Import, Process, Response, Snapstart, Timeout};
        use Phase::{Init, Invoke};
        let failed_init = "INIT_REPORT Init Duration: 9 ms Phase: init Status: error Error Type: X";
        let slow_init = "INIT_REPORT Init Duration: 9999 ms Phase: init Status: timeout";
        let started = "START RequestId: 1 Version: 7";
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
            ("Runtime.ExitError", "Runtime exited with error: exit status 1", "", Process, Init),
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
            ("Extension.Crash", "exit status 1", "", Extension, Init),
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
