//! Cancelled it leaves no tag; memory is bounded. That it may be killed at any request is proved in `tests/proof/matrix`.

use std::time::Duration;

use testbed::aws::ImageSpec;
use testbed::registry::{Blob, Fault};
use testbed::runner::Signal;

use super::OneRegistry;

#[tokio::test]
async fn cancelled_it_stops_at_once_and_leaves_no_tag() {
    let one = OneRegistry::new().await;
    one.registry.fault(Fault::on("PUT", "/uploads/").unwrap().hold());
    let mut running = one.promotion("org/cancelled").start().await;
    one.registry.held().await;
    running.signal(Signal::TERM);
    let report = running.wait().await;
    report.assert_verdict("cancelled", 143).assert_runner_safe();
    assert!(report.duration < Duration::from_secs(10), "{report}");
    assert!(
        report.evidence()["writes"].as_array().unwrap().iter().any(|write| write["answer"] == "unknown"),
        "{report}"
    );
    one.registry.clear_faults();
    assert!(one.registry.tags("org/cancelled").is_empty());
    one.promotion("org/cancelled").run().await.assert_verdict("pass", 0);
}

/// The memory that a process has of its own, in KiB, without the pages of its program
/// (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
fn own_memory(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test]
async fn memory_is_bounded_for_an_image_of_a_gibibyte() {
    let one = OneRegistry::new().await;
    let mut spec = ImageSpec::new("org/app").release("2", "c0ffee");
    for seed in 0..8 {
        spec = spec.layer(Blob::generated(128 << 20, 1001 + seed));
    }
    let pushed = one.registry.put_image(&spec);
    let image = format!("{}/org/app@{}", one.registry.host(), pushed.digest);
    let promotion = one.promotion("org/large").input("source", image).timeout(Duration::from_mins(10));
    let running = promotion.start().await;
    let pid = running.pid();
    let (ended, mut ending) = tokio::sync::oneshot::channel();
    let watching = async {
        let mut most = 0;
        while ending.try_recv().is_err() {
            most = most.max(own_memory(pid).unwrap_or(0));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        most
    };
    let ends = async {
        let report = running.wait().await;
        let _ = ended.send(());
        report
    };
    let (report, most) = tokio::join!(ends, watching);
    report.assert_verdict("pass", 0);
    assert!(report.output("bytes-copied").parse::<u64>().unwrap() > 1 << 30, "{report}");
    println!("peak memory: {most} KiB, in {:?}", report.duration);
    assert!((1..64 * 1024).contains(&most), "{most} KiB");
    assert_eq!(one.registry.tags("org/large").get("prd-1"), Some(&pushed.digest));
}
