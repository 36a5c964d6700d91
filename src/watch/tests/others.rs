//! The alias, addresses, other systems, samples, and the end of the time.

use std::time::Duration;

use super::script::*;
use crate::calls::{Deadline, Ended};
use crate::outcome::{Stop, Verdict};
use crate::watch::{Check, Probed, Watch, watch};

#[tokio::test(start_paused = true)]
async fn a10_an_alias_that_somebody_moved_is_superseded() {
    for now in [Some(alias(43, &[])), None] {
        let mut script = Script::new();
        script.aliases.push((60, now));
        let watched = script.run(&of_rate(5, rate())).await;
        assert_eq!(watched.verdict(), Verdict::Superseded);
        assert!(!watched.rolls_back() && watched.superseded.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn mo13_weights_that_somebody_changed_are_superseded() {
    let mut script = Script::new();
    script.aliases = vec![(0, Some(alias(41, &[(42, 0.1)]))), (60, Some(alias(41, &[(42, 0.05)])))];
    let mut plan = of_rate(5, rate());
    plan.functions[0].alias = alias(41, &[(42, 0.1)]);
    let watched = script.run(&plan).await;
    assert_eq!(
        watched.superseded.as_deref(),
        Some("alias live of api was at version 41 with 10% to 42, and is at version 41 with 5% to 42")
    );
}

#[tokio::test(start_paused = true)]
async fn provisioned_concurrency_that_becomes_ready_is_nobodys_write() {
    let mut script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    script.aliases = vec![(0, Some(alias(42, &[(41, 1.0)]))), (60, Some(alias(42, &[])))];
    let mut plan = of_rate(5, rate());
    plan.functions[0].alias = alias(42, &[(41, 1.0)]);
    assert_eq!(script.run(&plan).await.verdict(), Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a27_a_cancellation_ends_the_watch() {
    let script = Script::new();
    let (deadline, cancel) = Deadline::new(Duration::from_mins(20));
    let plan = of_rate(5, rate());
    let cancelling = async {
        tokio::time::sleep(Duration::from_secs(70)).await;
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(watch(&script, &deadline, &plan), cancelling);
    let Err(Stop::Error(error)) = ended else { panic!("{ended:?}") };
    assert_eq!(error.downcast_ref::<Ended>(), Some(&Ended::Cancelled));
}

fn of_address() -> Watch {
    Watch { addresses: vec!["https://shop.example.com/health".to_owned()], ..nothing(5) }
}

#[tokio::test(start_paused = true)]
async fn three_bad_answers_in_a_row_fail_and_two_do_not() {
    let bad = Some("status 503, not 200 (status)".to_owned());
    let mut script = Script::new();
    script.answers = vec![(0, None), (100, bad.clone()), (115, None)];
    assert_says(&script.run(&of_address()).await, Verdict::Pass, "answers were bad, the last: status 503");
    let mut script = Script::new();
    script.answers = vec![(0, None), (100, bad.clone())];
    let watched = script.run(&of_address()).await;
    assert_says(&watched, Verdict::Fail, "3 bad answers in a row");
    assert!(watched.is_early);
    // In the middle of a row when the window ends: asked on until it is known.
    let mut script = Script::new();
    script.answers = vec![(0, None), (295, bad)];
    assert_says(&script.run(&of_address()).await, Verdict::Fail, "3 bad answers in a row");
}

#[tokio::test(start_paused = true)]
async fn another_system_shows_the_release_or_nothing_yet() {
    let plan = Watch { probe: Some(("traces".to_owned(), Duration::from_mins(2))), ..nothing(5) };
    let mut script = Script::new();
    script.shows.push((400, Probed::Shown));
    assert_says(&script.run(&plan).await, Verdict::Pass, "shows the release");
    assert_says(&Script::new().run(&plan).await, Verdict::Inconclusive, "nothing of the release yet: no trace");
    let mut script = Script::new();
    script.shows.push((0, Probed::Refused("status 401".to_owned())));
    assert_says(&script.run(&plan).await, Verdict::Error, "it could not be asked: status 401");
}

#[tokio::test(start_paused = true)]
async fn samples_are_sent_in_the_first_half_and_their_answers_count() {
    let plan = Watch { synthetic_requests: 60, ..of_rate(5, rate()) };
    let script = Script::new().traffic(&rate(), &[(30, 0), (30, 0)], 90);
    assert_says(&script.run(&plan).await, Verdict::Pass, "0 of 60 answers were bad");
    assert_eq!(script.invocations.get(), 60);
}

/// To Lambda an answer with status 500 is no error, as a number or as a text.
#[tokio::test(start_paused = true)]
async fn a23_a_status_that_is_a_text_is_seen_by_what_reads_answers() {
    let plan = Watch { synthetic_requests: 60, ..of_rate(5, rate()) };
    let mut script = Script::new().traffic(&rate(), &[(30, 0), (30, 0)], 90);
    script.answers = vec![(0, Some("status 500, not 200".to_owned()))];
    let watched = script.run(&plan).await;
    assert_says(&watched, Verdict::Fail, "bad answers in a row, the last: status 500");
    assert_eq!(found(&watched, Check::Url).verdict, Verdict::Fail);
}

#[tokio::test(start_paused = true)]
async fn a22_an_error_rate_of_the_functions_address_sees_what_lambda_does_not() {
    let of_url =
        crate::watch::Rate { requests: metric("UrlRequestCount", 42), errors: metric("Url5xxCount", 42), ..rate() };
    let mut script = Script::new().traffic(&rate(), &[(60, 0); 5], 90);
    script.add(&of_url.requests, &of_url.errors, &[(60, 30); 5], 90, 0);
    assert_eq!(script.run(&of_rate(5, rate())).await.verdict(), Verdict::Pass);
    let mut script = Script::new().traffic(&rate(), &[(60, 0); 5], 90);
    script.add(&of_url.requests, &of_url.errors, &[(60, 30); 5], 90, 0);
    assert_says(&script.run(&of_rate(5, of_url)).await, Verdict::Fail, "30 of 60");
}

/// All times are AWS's: the runner's clock, here days away from the script's, moves nothing.
#[tokio::test(start_paused = true)]
async fn a29_the_window_is_the_same_by_any_clock_of_the_runner() {
    for hours in [-1, 0, 1] {
        let mut script = Script::new();
        script.since += time::Duration::hours(hours);
        let script = script.traffic(&rate(), &[(24, 0); 5], 90);
        let plan = Watch { since: script.since, ..of_rate(5, rate()) };
        let watched = script.run(&plan).await;
        assert_says(&watched, Verdict::Pass, "0 of 120");
        assert!(!script.now_is_before(300 + 120) && script.now_is_before(300 + 300));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_window_is_inconclusive() {
    let script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    let watched = script.run_for(&of_rate(5, rate()), Duration::from_mins(3)).await.unwrap();
    assert_says(&watched, Verdict::Inconclusive, "not decided when the time was over");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_over_is_judged_at_once() {
    let mut script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    script.begins = 3600;
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Pass, "0 of 120");
    assert!(script.now_is_before(3700));
}
