//! What the platform's own lines in a log tell, in plain text or in JSON.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>

use serde_json::Value;

/// How long the initialisation took, in milliseconds: of a cold start, or of a restored snapshot.
#[must_use]
pub fn init_duration(log: &str) -> Option<f64> {
    let named = |line: &str| {
        ["Init Duration: ", "Restore Duration: "].iter().find_map(|name| {
            let rest = line.split_once(name)?.1;
            rest.split_whitespace().next()?.parse().ok()
        })
    };
    let metric = |line: &str| {
        let event = platform(line, "platform.report")?;
        let metrics = event.pointer("/record/metrics")?;
        metrics.get("initDurationMs").or_else(|| metrics.get("restoreDurationMs"))?.as_f64()
    };
    log.lines().find_map(|line| if line.starts_with("REPORT ") { named(line) } else { metric(line) })
}

/// What an initialisation that did not succeed ends with.
const FAILED: [&str; 3] = ["error", "timeout", "failure"];

/// The status of an initialisation that did not succeed; a status that is not known says nothing. Only the platform's own lines
/// count: an application may log the same words.
#[must_use]
pub fn failed_init(log: &str) -> Option<String> {
    let named = |line: &str| {
        let rest = line.strip_prefix("INIT_REPORT ")?.split_once("Status: ")?.1;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let status = |line: &str| {
        let event = platform(line, "platform.initReport")?;
        event.pointer("/record/status").and_then(Value::as_str).map(str::to_owned)
    };
    log.lines().filter_map(|line| named(line).or_else(|| status(line))).find(|status| FAILED.contains(&status.as_str()))
}

fn platform(line: &str, kind: &str) -> Option<Value> {
    let event: Value = serde_json::from_str(line).ok().filter(|_| line.starts_with('{'))?;
    (event.get("type").and_then(Value::as_str) == Some(kind)).then_some(event)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};

    #[test]
    fn the_duration_of_the_initialisation_stands_in_the_report_line() {
        let table = [
            ("REPORT RequestId: 1 Duration: 1.2 ms Billed Duration: 2 ms Init Duration: 123.45 ms\t", Some(123.45)),
            ("START\nREPORT RequestId: 1\tDuration: 1.2 ms\tRestore Duration: 80 ms", Some(80.0)),
            ("REPORT RequestId: 1 Duration: 1.2 ms", None),
            ("we log Init Duration: 5 ms ourselves", None),
            (r#"{"type":"platform.report","record":{"metrics":{"durationMs":1.0,"initDurationMs":99.5}}}"#, Some(99.5)),
            (r#"{"type":"app","record":{"metrics":{"initDurationMs":99.5}}}"#, None),
            ("", None),
        ];
        for (log, duration) in table {
            assert_eq!(init_duration(log), duration, "{log}");
        }
    }

    #[test]
    fn a_failed_initialisation_is_told_by_the_platform_alone() {
        let table = [
            ("INIT_REPORT Init Duration: 9 ms Phase: init Status: error Error Type: X", Some("error")),
            ("INIT_REPORT Init Duration: 9999.1 ms\tPhase: init\tStatus: timeout", Some("timeout")),
            ("app says INIT_REPORT Status: error", None),
            (r#"{"type":"platform.initReport","record":{"status":"failure"}}"#, Some("failure")),
            (r#"{"type":"platform.initReport","record":{"status":"success"}}"#, None),
            (r#"{"type":"platform.initReport","record":{"status":"somethingNew"}}"#, None),
        ];
        for (log, status) in table {
            assert_eq!(failed_init(log).as_deref(), status, "{log}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_log_is_read(
            log in like(&[
                "REPORT RequestId: 1\tInit Duration: 1.5 ms\t",
                "INIT_REPORT Init Duration: 1 ms Status: error",
                "{\"type\":\"platform.report\",\"record\":{\"metrics\":{\"initDurationMs\":1}}}",
            ]),
        ) {
            let _ = (init_duration(&log), failed_init(&log));
            let _ = crate::smoke::classify(&log, &log, &log);
            prop_assert!(crate::health::explain::last_lines(&crate::text::Foreign::new(log), 20).len() <= 20);
        }
    }
}
