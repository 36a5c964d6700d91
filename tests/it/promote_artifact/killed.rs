//! No tag on anything half-way, wherever it is killed; memory is bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use testbed::aws::{Fault, ImageSpec};
use testbed::registry::Blob;
use testbed::runner::Signal;

use super::{OneRegistry, Scene};

#[tokio::test]
async fn killed_at_any_request_it_leaves_no_tag_and_the_next_run_completes() {
    let one = OneRegistry::new().await;
    one.promotion("org/whole").run().await.assert_verdict("pass", 0);
    let whole = one.registry.requests();
    let tagging =
        whole.iter().position(|request| request.method == "PUT" && request.path.ends_with("/prd-1")).unwrap() + 1;
    assert!(tagging > 20 && whole.len() > tagging, "{} requests, the tag at {tagging}", whole.len());
    for n in 1..=whole.len() {
        let repository = format!("org/killed-{n}");
        one.registry.hold(n as u64);
        let mut running = one.promotion(&repository).start().await;
        let held = tokio::time::timeout(Duration::from_secs(20), one.registry.held()).await;
        running.kill();
        running.wait().await;
        one.registry.release();
        let held = held.unwrap_or_else(|_| panic!("request {n} did not come"));
        // Parallel requests come in any order, but the tag comes after all of them.
        if n <= tagging {
            assert_eq!(one.registry.tags(&repository), BTreeMap::new(), "killed at {n}, {} {}", held.method, held.path);
        } else {
            one.assert_complete(&repository);
        }
        let report = one.promotion(&repository).run().await;
        assert!(report.succeeded(), "after a kill at {n}:\n{report}");
        one.assert_complete(&repository);
    }
}

#[tokio::test]
async fn killed_at_any_request_to_ecr_it_leaves_no_tag_and_the_next_run_completes() {
    let scene = Scene::new().await;
    let spec = ImageSpec::new("org/app").release("1.4.0", scene.commit());
    let pushed = scene.ghcr.put_image(&spec);
    scene.promotion(&pushed.digest).run().await.assert_verdict("pass", 0);
    let calls = scene.world.aws.requests().await.unwrap();
    let whole: Vec<_> = calls.iter().filter(|call| call.service == "registry").collect();
    let tagging = whole.iter().position(|call| call.operation == "PutManifest" && call.path.contains("/prd-")).unwrap();
    for n in 0..=tagging {
        let repository = format!("killed-{n}");
        scene.world.aws.create_repository(&repository).await.unwrap();
        let after = u32::try_from(n).unwrap();
        let held = Fault {
            service: Some("registry".to_owned()),
            after,
            delay: Some(600.0),
            drop: true,
            times: u32::MAX,
            ..Fault::default()
        };
        scene.world.aws.clear_requests().await.unwrap();
        scene.world.aws.faults(&[held]).await.unwrap();
        let mut running = scene.promotion(&pushed.digest).input("destination", repository.as_str()).start().await;
        for _ in 0..400 {
            let log = scene.world.aws.requests().await.unwrap();
            if log.iter().filter(|call| call.service == "registry" && !call.by_rule).count() > n {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        running.kill();
        running.wait().await;
        scene.world.aws.clear_faults().await.unwrap();
        let tag = scene.world.aws.image_digest(&repository, &scene.tag()).await.unwrap();
        assert_eq!(tag, None, "killed at {n}");
        let report = scene.promotion(&pushed.digest).input("destination", repository.as_str()).run().await;
        assert!(report.succeeded(), "after a kill at {n}:\n{report}");
        assert_eq!(scene.manifest(&repository, &scene.tag()).await, pushed.manifest.bytes);
    }
}

#[tokio::test]
async fn cancelled_it_stops_at_once_and_leaves_no_tag() {
    let one = OneRegistry::new().await;
    one.promotion("org/whole").run().await.assert_verdict("pass", 0);
    let whole = one.registry.requests();
    let upload =
        whole.iter().position(|request| request.method == "PUT" && request.path.contains("/uploads/")).unwrap() + 1;
    one.registry.hold(upload as u64);
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
    one.registry.release();
    assert!(one.registry.tags("org/cancelled").is_empty());
    one.promotion("org/cancelled").run().await.assert_verdict("pass", 0);
}

/// The most memory a process has used, in KiB (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
fn peak(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test]
async fn memory_is_bounded_for_an_image_of_a_gibibyte() {
    let one = OneRegistry::new().await;
    let mut spec = ImageSpec::new("org/app").release("2", "c0ffee");
    for seed in 0..8 {
        spec = spec.layer(Blob::generated(128 << 20, 1001 + 2 * seed));
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
            most = most.max(peak(pid).unwrap_or(0));
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
