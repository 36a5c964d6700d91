//! What one event of a function's log says: the platform's own lines, the runtime's report of a failure, or the application's words. Pure.
//!
//! A failure is taken only from the platform's lines, from a runtime's own report, and from the member `errorType` of a line of JSON: an
//! application may write all of these names itself, in the middle of a sentence.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>

use serde_json::Value;

use crate::smoke::{Family, Phase, classify};

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// An invocation has ended.
    Finished,
    /// Another line of the platform, or of an extension.
    Platform,
    /// The code did not start.
    NotStarted(Family),
    /// Written by the application.
    Application,
}

/// How lines of the platform begin in plain text.
const PLATFORM: [&str; 11] = [
    "INIT_START ",
    "START RequestId: ",
    "END RequestId: ",
    "REPORT RequestId: ",
    "INIT_REPORT ",
    "RESTORE_START ",
    "RESTORE_REPORT ",
    "EXTENSION\t",
    "TELEMETRY\t",
    "LOGS\t",
    "XRAY TraceId: ",
];
/// How the platform begins what it says of a process that ended.
const FROM_PLATFORM: &str = "RequestId: ";
/// How the runtimes of Java and Ruby begin what they say of code that they cannot load.
const NOT_LOADED: [&str; 4] =
    ["Class not found: ", "Error loading class ", "Error loading method ", "Init error when loading handler "];

/// Reads an event.
pub(super) fn read(message: &str) -> Line {
    let message = message.trim_end();
    if let Some(event) = json(message) {
        return of_json(&event, message);
    }
    if PLATFORM.iter().any(|begin| message.starts_with(begin)) {
        return of_platform(message);
    }
    let otherwise = if message.starts_with(FROM_PLATFORM) { Line::Platform } else { Line::Application };
    match report_of_runtime(message) {
        Some((kind, words)) => not_started(&kind, &words, "").unwrap_or(otherwise),
        None => Line::Application,
    }
}

fn json(message: &str) -> Option<Value> {
    message.starts_with('{').then(|| serde_json::from_str(message).ok()).flatten()
}

fn of_json(event: &Value, message: &str) -> Line {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/type");
    if kind == "extension" || kind.starts_with("platform.") && event.get("record").is_some() {
        let (status, failed) = (text("/record/status"), text("/record/errorType"));
        return match kind {
            "platform.runtimeDone" => Line::Finished,
            "platform.initReport" | "platform.restoreReport" | "platform.report" if is_failure(status) => {
                of_status(status, text("/record/phase"), failed, message)
            }
            _ => Line::Platform,
        };
    }
    // The runtime's report, where the log is in JSON: an application that logs an error of its own names a type of its own.
    let failed = text("/errorType");
    not_started(failed, text("/errorMessage"), "").unwrap_or(Line::Application)
}

/// `INIT_REPORT Init Duration: 9.01 ms Phase: init Status: error Error Type: Runtime.ExitError`, with tabs between its parts.
fn of_platform(message: &str) -> Line {
    if message.starts_with("END ") {
        return Line::Finished;
    }
    let named = |name: &str| {
        let rest = message.split_once(name)?.1;
        rest.split_whitespace().next()
    };
    match named("Status: ").filter(|status| is_failure(status)) {
        Some(status) if !message.starts_with("START") => {
            let (phase, kind) = (named("Phase: ").unwrap_or_default(), named("Error Type: ").unwrap_or_default());
            of_status(status, phase, kind, message)
        }
        _ => Line::Platform,
    }
}

fn is_failure(status: &str) -> bool {
    matches!(status, "error" | "timeout" | "failure")
}

/// An initialisation that took too long is begun once more with the first invocation, so that it says nothing by itself.
fn of_status(status: &str, phase: &str, kind: &str, message: &str) -> Line {
    if status == "timeout" && matches!(phase, "" | "init") {
        return Line::Platform;
    }
    not_started(kind, "", message).unwrap_or(Line::Platform)
}

/// The family, where what is reported came before the handler. A type of the application's own says nothing without a line of the platform.
fn not_started(kind: &str, words: &str, log: &str) -> Option<Line> {
    let (family, phase) = classify(kind, words, log);
    let is_known = !(kind.is_empty() && words.is_empty() && log.is_empty());
    (is_known && phase == Phase::Init).then_some(Line::NotStarted(family))
}

/// What a runtime says of a failure in plain text: its type and its words.
fn report_of_runtime(message: &str) -> Option<(String, String)> {
    let owned = |kind: &str, words: &str| Some((kind.trim().to_owned(), words.to_owned()));
    // Python: `[ERROR] Runtime.ImportModuleError: Unable to import module 'app': ..`. A logger of the application puts tabs there.
    if let Some(rest) = message.strip_prefix("[ERROR] ")
        && let Some((kind, words)) = rest.split_once(": ")
        && kind.starts_with("Runtime.")
        && !kind.contains(char::is_whitespace)
    {
        return owned(kind, words);
    }
    // The platform: `RequestId: 6f74 Error: Runtime exited with error: exit status 1` and the type on a line of its own.
    if let Some(rest) = message.strip_prefix(FROM_PLATFORM)
        && let Some((_, words)) = rest.split_once(" Error: ")
    {
        return owned(words.lines().nth(1).unwrap_or_default(), words);
    }
    // Node.js: `2026-11-20T10:00:00.000Z	undefined	ERROR	Uncaught Exception 	{"errorType":"Runtime.ImportModuleError",..}`.
    let fields: Vec<&str> = message.splitn(5, '\t').collect();
    if let [_, _, "ERROR", what, error] = fields.as_slice()
        && what.trim() == "Uncaught Exception"
        && let Some(error) = json(error)
    {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        return owned(text("errorType"), text("errorMessage"));
    }
    NOT_LOADED.iter().any(|begin| message.starts_with(begin)).then(|| {
        let kind = if message.starts_with("Init error") { "Init<Error>" } else { "" };
        (kind.to_owned(), message.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::Line::{Application, Finished, NotStarted, Platform};
    use super::*;
    use crate::smoke::Family::{Extension, Import, Process, Snapstart, Timeout};

    const LINES: &[(&str, Line)] = &[
        (
            "INIT_START Runtime Version: python:3.12.v1\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:1",
            Platform,
        ),
        ("START RequestId: 6f74 Version: 42", Platform),
        ("END RequestId: 6f74\n", Finished),
        ("REPORT RequestId: 6f74\tDuration: 3 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB", Platform),
        (
            "REPORT RequestId: 6f74\tDuration: 3 ms\tStatus: error\tError Type: Runtime.InvalidEntrypoint",
            NotStarted(Process),
        ),
        ("REPORT RequestId: 6f74\tDuration: 3 ms\tStatus: timeout", Platform),
        (
            "INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError",
            NotStarted(Import),
        ),
        (
            "INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError",
            NotStarted(Process),
        ),
        (
            "INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: Extension.Crash",
            NotStarted(Extension),
        ),
        ("INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: errorString", NotStarted(Import)),
        ("INIT_REPORT Init Duration: 9999 ms\tPhase: init\tStatus: timeout", Platform),
        ("INIT_REPORT Init Duration: 9999 ms\tPhase: invoke\tStatus: timeout", NotStarted(Timeout)),
        (
            "RESTORE_REPORT Restore Duration: 9 ms\tStatus: error\tError Type: Runtime.AfterRestoreError",
            NotStarted(Snapstart),
        ),
        ("EXTENSION\tName: insights\tState: Ready\tEvents: [INVOKE]", Platform),
        ("TELEMETRY\tName: insights\tState: Subscribed\tTypes: [Platform]", Platform),
        ("LOGS\tName: insights\tState: Subscribed", Platform),
        ("XRAY TraceId: 1-5e\tSegmentId: 07\tSampled: true", Platform),
        (
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'\nTraceback (most recent call last):",
            NotStarted(Import),
        ),
        ("[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'app': invalid syntax", NotStarted(Import)),
        ("[ERROR] KeyError: 'name'\nTraceback (most recent call last):", Application),
        ("[ERROR]\t2026-11-20T10:00:00.000Z\t6f74\thandled Runtime.ImportModuleError", Application),
        (
            "2026-11-20T10:00:00.000Z\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"Error: Cannot find module 'x'\"}",
            NotStarted(Import),
        ),
        (
            "2026-11-20T10:00:00.000Z\t6f74\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\",\"errorMessage\":\"x\"}",
            Application,
        ),
        ("2026-11-20T10:00:00.000Z\t6f74\tINFO\tRuntime.ImportModuleError handled", Application),
        (
            "RequestId: 6f74 Error: fork/exec /var/task/bootstrap: exec format error\nRuntime.InvalidEntrypoint",
            NotStarted(Process),
        ),
        ("RequestId: 6f74 Error: Runtime exited with error: exit status 1\nRuntime.ExitError", Platform),
        (
            "Class not found: example.App: java.lang.ClassNotFoundException\njava.lang.ClassNotFoundException",
            NotStarted(Import),
        ),
        ("Init error when loading handler app.handler", NotStarted(Import)),
        (
            r#"{"errorMessage":"cannot load such file -- app","errorType":"Init<LoadError>","stackTrace":[]}"#,
            NotStarted(Import),
        ),
        (r#"{"time":"x","type":"platform.start","record":{"requestId":"6f74","version":"42"}}"#, Platform),
        (r#"{"time":"x","type":"platform.runtimeDone","record":{"requestId":"6f74","status":"success"}}"#, Finished),
        (
            r#"{"time":"x","type":"platform.report","record":{"requestId":"6f74","status":"error","errorType":"Function<X>"}}"#,
            Platform,
        ),
        (
            r#"{"time":"x","type":"platform.initReport","record":{"phase":"init","status":"error","errorType":"Runtime.ImportModuleError"}}"#,
            NotStarted(Import),
        ),
        (r#"{"time":"x","type":"platform.initReport","record":{"phase":"init","status":"timeout"}}"#, Platform),
        (
            r#"{"time":"x","type":"platform.initReport","record":{"phase":"invoke","status":"timeout"}}"#,
            NotStarted(Timeout),
        ),
        (
            r#"{"time":"x","type":"platform.restoreReport","record":{"status":"error","errorType":"Runtime.AfterRestoreError"}}"#,
            NotStarted(Snapstart),
        ),
        (r#"{"time":"x","type":"platform.extension","record":{"name":"insights","state":"Ready"}}"#, Platform),
        (
            r#"{"timestamp":"x","log_level":"ERROR","errorType":"Runtime.ImportModuleError","errorMessage":"Unable to import module 'app'"}"#,
            NotStarted(Import),
        ),
        (r#"{"timestamp":"x","level":"INFO","message":"Runtime.ImportModuleError handled"}"#, Application),
        (r#"{"timestamp":"x","level":"ERROR","errorType":"OrderRefused","errorMessage":"no stock"}"#, Application),
        (r#"{"type":"platform.initReport","note":"written by the application"}"#, Application),
        ("order 17 taken", Application),
        ("START of the day", Application),
        ("", Application),
    ];

    /// A11, A12, A18, and the lines of every managed runtime and of `provided.*`.
    #[test]
    fn every_runtimes_lines_are_told_apart() {
        for (message, line) in LINES {
            assert_eq!(read(message), *line, "{message}");
        }
    }
}
