//! Logs.

use super::script::*;
use crate::aws::logs::LogClass;
use crate::outcome::{Ending, Verdict};
use crate::smoke::Family;
use crate::watch::{AppLogs, Check, Watch};

const GROUP: &str = "/aws/lambda/api";
const STREAM: &str = "2026/11/20/[42]0f1e2d3c";
const FAILED: &str =
    "INIT_REPORT Init Duration: 9 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError";
const JSON: &str = r#"{"time":"x","type":"platform.initReport","record":{"phase":"init","status":"error","errorType":"Runtime.ImportModuleError"}}"#;

fn plain() -> Watch {
    of_log(5, GROUP, None)
}

/// An invocation that says something.
fn good(script: Script) -> Script {
    script.event(STREAM, 20, "START RequestId: 1 Version: 42").event(STREAM, 20, "order 17 taken").event(
        STREAM,
        21,
        "END RequestId: 1",
    )
}

#[tokio::test(start_paused = true)]
async fn a11_an_import_error_fails_at_once_and_the_same_words_of_the_application_do_not() {
    for line in [FAILED, JSON] {
        let watched = good(Script::new()).event(STREAM, 30, line).run(&plain()).await;
        assert_says(&watched, Verdict::Fail, "it does not start (import)");
        assert!(watched.is_early && watched.rolls_back());
    }
    let words = good(Script::new()).event(STREAM, 30, "handled Runtime.ImportModuleError").run(&plain()).await;
    assert_says(&words, Verdict::Pass, "none among 4 lines");
}

#[tokio::test(start_paused = true)]
async fn a12_errors_of_other_runtimes_fail_with_their_family_and_a_hint() {
    let table = [
        (
            r#"{"errorMessage":"cannot load such file -- app","errorType":"Init<LoadError>","stackTrace":[]}"#,
            Family::Import,
        ),
        ("Class not found: example.App: java.lang.ClassNotFoundException", Family::Import),
        (
            "RequestId: 6f74 Error: fork/exec /var/task/bootstrap: exec format error\nRuntime.InvalidEntrypoint",
            Family::Process,
        ),
    ];
    for (line, family) in table {
        let watched = Script::new().event(STREAM, 30, line).run(&plain()).await;
        assert_says(&watched, Verdict::Fail, &format!("it does not start ({family})"));
        assert_eq!(found(&watched, Check::InitErrors).advice.as_deref(), Some(family.advice()));
    }
}

#[tokio::test(start_paused = true)]
async fn a13_empty_pages_before_the_event_are_turned() {
    let mut script = Script::new().event(STREAM, 30, FAILED);
    script.empty_pages = 3;
    assert_says(&script.run(&plain()).await, Verdict::Fail, "Runtime.ImportModuleError");
}

#[tokio::test(start_paused = true)]
async fn a14_over_midnight_the_streams_of_both_days_are_read() {
    let mut script = Script::new().event("2026/11/21/[42]aa", 180, FAILED);
    // 2026-11-20 23:58:00 UTC.
    script.since += std::time::Duration::from_mins(13 * 60 + 58);
    let watched = script.run(&Watch { since: script.since, ..plain() }).await;
    assert_says(&watched, Verdict::Fail, "Runtime.ImportModuleError");
    let prefixes = script.prefixes.borrow();
    assert!(
        prefixes.contains(&"2026/11/20/[42]".to_owned()) && prefixes.contains(&"2026/11/21/[42]".to_owned()),
        "{prefixes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a15_other_functions_of_a_shared_group_and_other_versions_do_not_count() {
    let shared = of_log(5, "/shop/all", None);
    let script = Script::new()
        .event("2026/11/20/orders[42][aa]", 30, FAILED)
        .event("2026/11/20/api[4][bb]", 30, FAILED)
        .event("2026/11/20/api[421][bb]", 30, FAILED)
        .event("2026/11/20/api[42][cc]", 30, "order 17 taken")
        .event("2026/11/20/api[42][cc]", 31, "END RequestId: 1");
    assert_says(&script.run(&shared).await, Verdict::Pass, "none among 2 lines");
    let own = good(Script::new()).event("2026/11/20/[4]aa", 30, FAILED).event("2026/11/20/[142]aa", 30, FAILED);
    assert_says(&own.run(&plain()).await, Verdict::Pass, "none among 3 lines");
}

/// Invocations of which only the platform speaks.
fn silent(script: Script) -> Script {
    let script = script.event(STREAM, 20, "START RequestId: 1 Version: 42");
    script.event(STREAM, 21, "END RequestId: 1").event(STREAM, 21, "REPORT RequestId: 1\tDuration: 3 ms")
}

#[tokio::test(start_paused = true)]
async fn a16_only_lines_of_the_platform_fail() {
    let watched = silent(Script::new()).run(&plain()).await;
    assert_says(&watched, Verdict::Fail, "1 invocation ended, and only the platform wrote lines");
    let mut warns = plain();
    warns.log_rules.as_mut().unwrap().app_logs = AppLogs::Warn;
    let watched = silent(Script::new()).run(&warns).await;
    assert_says(&watched, Verdict::Pass, "only the platform wrote lines");
    assert!(found(&watched, Check::AppLogs).warns.is_some());
}

#[tokio::test(start_paused = true)]
async fn a16_where_levels_leave_lines_out_it_is_undecidable() {
    let hidden = of_log(5, GROUP, Some("`SystemLogLevel` WARN leaves out when an invocation begins and ends"));
    let watched = silent(Script::new()).run(&hidden).await;
    assert_says(&watched, Verdict::Inconclusive, "undecidable: `SystemLogLevel` WARN");
}

#[tokio::test(start_paused = true)]
async fn a17_a_log_group_that_is_not_there_though_requests_came_is_an_error_with_a_hint_at_the_role() {
    let missing = |requests: u32| {
        let mut script = Script::new().traffic(&rate(), &[(requests, 0); 5], 100);
        script.class = None;
        script
    };
    let counted = Watch { rates: of_rate(5, rate()).rates, ..plain() };
    // Where nobody counts requests, nobody knows.
    for (requests, plan) in [(20, &counted), (0, &plain())] {
        let watched = missing(requests).run(plan).await;
        assert_says(&watched, Verdict::Error, "log group /aws/lambda/api of api does not exist");
        assert!(watched.is_early, "{watched:?}");
        assert!(found(&watched, Check::InitErrors).advice.as_deref().unwrap().contains("CreateLogStream"));
    }
}

/// Lambda makes the group with the first invocation.
#[tokio::test(start_paused = true)]
async fn a_log_group_that_is_not_there_yet_is_inconclusive_where_no_request_came() {
    let counted = Watch { rates: of_rate(5, rate()).rates, ..plain() };
    let mut script = Script::new();
    script.class = None;
    let watched = script.run(&counted).await;
    assert_says(&watched, Verdict::Inconclusive, "does not exist yet");
    assert!(!watched.is_early, "{watched:?}");
}

#[tokio::test(start_paused = true)]
async fn a18_lines_of_extensions_are_not_the_applications() {
    let script = silent(Script::new()).event(STREAM, 19, "EXTENSION\tName: insights\tState: Ready\tEvents: [INVOKE]");
    let script = script.event(STREAM, 19, "TELEMETRY\tName: insights\tState: Subscribed\tTypes: [Platform]");
    assert_says(&script.run(&plain()).await, Verdict::Fail, "only the platform wrote lines");
}

#[tokio::test(start_paused = true)]
async fn a28_throttled_reads_of_the_log_change_no_verdict() {
    let script = good(Script::new());
    script.faults.borrow_mut().insert("logs", throttled(5));
    assert_says(&script.run(&plain()).await, Verdict::Pass, "none among 3 lines");
}

#[tokio::test(start_paused = true)]
async fn mo07_a_late_event_with_an_older_time_is_found_once() {
    let mut script = good(Script::new()).event(STREAM, 120, "order 18 taken");
    script.events.push((STREAM.to_owned(), 60, "order 19 taken".to_owned(), 150));
    assert_says(&script.run(&plain()).await, Verdict::Pass, "none among 5 lines");
    let mut script = good(Script::new()).event(STREAM, 120, "order 18 taken");
    script.events.push((STREAM.to_owned(), 60, FAILED.to_owned(), 150));
    assert_says(&script.run(&plain()).await, Verdict::Fail, "does not start");
}

#[tokio::test(start_paused = true)]
async fn mo08_a_class_that_cannot_be_read_is_an_error_that_names_it() {
    for class in [LogClass::Delivery, LogClass::Essentials] {
        let mut script = silent(Script::new());
        script.class = Some(class);
        let outcome = script.run_for(&plain(), std::time::Duration::from_mins(10)).await.unwrap_err();
        assert_eq!(outcome.ending, Ending::Judged(Verdict::Error));
        assert!(outcome.reason.contains(class.word()), "{outcome:?}");
    }
    assert!(LogClass::try_from("ARCHIVE".to_owned()).unwrap_err().to_string().contains("ARCHIVE"));
}

#[tokio::test(start_paused = true)]
async fn mo15_masked_lines_match_no_pattern_and_it_is_told() {
    let mut plan = plain();
    plan.log_rules.as_mut().unwrap().patterns = vec!["card 4[0-9]+".parse().unwrap()];
    let script = good(Script::new()).event(STREAM, 40, "card **************** refused");
    assert_says(&script.run(&plan).await, Verdict::Pass, "1 of them hold masked text (****)");
    let script = good(Script::new()).event(STREAM, 40, "card 4111 refused");
    assert_says(&script.run(&plan).await, Verdict::Fail, "a line that `log-patterns` names: card 4111 refused");
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_allowed_fail_nothing() {
    let mut plan = plain();
    plan.log_rules.as_mut().unwrap().allow = vec!["^card ".parse().unwrap(), "ImportModuleError".parse().unwrap()];
    plan.log_rules.as_mut().unwrap().patterns = vec!["refused".parse().unwrap()];
    let script = good(Script::new()).event(STREAM, 40, "card 4111 refused").event(STREAM, 41, FAILED);
    assert_says(&script.run(&plan).await, Verdict::Pass, "2 allowed by `log-allow`");
}

#[tokio::test(start_paused = true)]
async fn mo17_queries_turned_away_by_insights_are_repeated_and_then_an_error() {
    let infrequent = |times| {
        let mut script = good(Script::new());
        script.class = Some(LogClass::InfrequentAccess);
        script.faults.borrow_mut().insert("insights", throttled(times));
        script
    };
    assert_says(&infrequent(5).run(&plain()).await, Verdict::Pass, "none among 3 lines");
    assert_says(&infrequent(1000).run(&plain()).await, Verdict::Error, "could not be read to the end");
}
