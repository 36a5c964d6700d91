//! What holds of every promotion, whatever the image looks like and whatever goes wrong: graphs and faults are drawn by numbers.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::registry::{Cut, Fault, Mount};

use super::OneRegistry;
use super::made::{GZIP, IMAGE, Maker, digest, linux, on};

/// A sequence of numbers that follows from its seed.
struct Numbers(u64);

impl Numbers {
    /// One below this.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// An image with some layers, of which some are shared with others.
fn image(maker: &Maker<'_>, numbers: &mut Numbers) -> Value {
    let architecture = ["amd64", "arm64", "s390x"][usize::try_from(numbers.below(3)).unwrap()];
    let configuration = linux(architecture, &format!("commit {}", numbers.below(1000)));
    let mut manifest = maker.unput(&configuration, GZIP);
    for _layer in 0..numbers.below(4) {
        let layer = maker.blob(GZIP, &format!("layer {}", numbers.below(6)).repeat(500));
        manifest["layers"].as_array_mut().unwrap().push(layer);
    }
    on(&maker.manifest(IMAGE, &manifest), "linux", architecture)
}

/// An index of images and of indexes, at most this deep.
fn index(maker: &Maker<'_>, numbers: &mut Numbers, depth: u64) -> Value {
    let mut entries = Vec::new();
    for _entry in 0..=numbers.below(3) {
        let deeper = depth > 0 && numbers.below(3) == 0;
        entries.push(if deeper { index(maker, numbers, depth - 1) } else { image(maker, numbers) });
    }
    maker.index(&entries.iter().collect::<Vec<_>>())
}

/// Something that refers to this.
fn referring(maker: &Maker<'_>, subject: &Value, number: u64) -> Value {
    let empty = maker.blob("application/vnd.oci.empty.v1+json", "{}");
    let layer = maker.blob("application/spdx+json", &format!("statement {number}"));
    let subject = json!({"mediaType": subject["mediaType"], "digest": subject["digest"], "size": subject["size"]});
    let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/spdx+json",
                          "config": empty, "layers": [layer], "subject": subject});
    maker.manifest(IMAGE, &manifest)
}

fn fault(numbers: &mut Numbers) -> Option<(Fault, bool)> {
    let method_and_path = [
        ("GET", "org/app/manifests/"),
        ("GET", "/store/"),
        ("POST", "/uploads/"),
        ("PUT", "/uploads/"),
        ("PUT", "/manifests/"),
        ("HEAD", "/blobs/"),
    ][usize::try_from(numbers.below(6)).unwrap()];
    let fault =
        Fault::on(method_and_path.0, method_and_path.1).unwrap().after(u32::try_from(numbers.below(4)).unwrap());
    Some(match numbers.below(7) {
        0 => return None,
        1 => (fault.status(503).times(2), true),
        2 => (fault.status(429).code("TOOMANYREQUESTS").times(2), true),
        3 => (fault.cut(Cut::Reset).times(2), true),
        4 => (fault.applied().cut(Cut::Reset), true),
        5 => (fault.status(403).code("DENIED").always(), false),
        _ => (fault.corrupt().always(), false),
    })
}

/// Everything below a manifest, and the blobs of it all, as the registry has it in this repository.
fn everything(one: &OneRegistry, repository: &str, top: &str) -> Option<BTreeSet<String>> {
    let (mut open, mut seen) = (vec![top.to_owned()], BTreeSet::new());
    while let Some(digest) = open.pop() {
        let manifest = one.registry.manifest(repository, &digest)?;
        let content: Value = serde_json::from_slice(&manifest.bytes).unwrap();
        let children = content["manifests"].as_array().into_iter().flatten();
        open.extend(children.map(|child| child["digest"].as_str().unwrap().to_owned()));
        for blob in content["layers"].as_array().into_iter().flatten().chain(content.get("config")) {
            let blob = blob["digest"].as_str().unwrap();
            one.registry.blob(repository, blob)?;
            seen.insert(blob.to_owned());
        }
        seen.insert(digest);
    }
    Some(seen)
}

#[tokio::test]
async fn the_destination_gets_the_whole_image_under_its_tag_or_no_tag_at_all() {
    let one = OneRegistry::new().await;
    let (mut passed, mut failed) = (0, 0);
    for case in 0..24_u64 {
        let numbers = &mut Numbers(0x9E37_79B9_7F4A_7C15 ^ (case + 1).wrapping_mul(0x2545_F491_4F6C_DD1D));
        one.registry.clear_faults();
        let mount = if numbers.below(3) == 0 { Mount::Granted } else { Mount::Refused };
        let lists = numbers.below(2) == 0;
        one.registry.configure(|options| (options.mount, options.referrers) = (mount, lists));
        let maker = Maker { registry: &one.registry, repository: "org/app" };
        let top = index(&maker, numbers, 2);
        let referrers: Vec<Value> = (0..numbers.below(3)).map(|number| referring(&maker, &top, number)).collect();
        if !lists && !referrers.is_empty() {
            let list = json!({"schemaVersion": 2, "mediaType": super::made::INDEX, "manifests": referrers}).to_string();
            let tag = digest(&top).replace(':', "-");
            one.registry.put_manifest("org/app", Some(&tag), super::made::INDEX, list.as_bytes());
        }
        let before = everything(&one, "org/app", digest(&top)).unwrap();
        let drawn = fault(numbers);
        if let Some((fault, _)) = &drawn {
            one.registry.fault(fault.clone());
        }
        let repository = format!("org/case-{case}");
        let source = format!("{}/org/app@{}", one.registry.host(), digest(&top));
        let promotion = one.promotion(&repository).input("source", source);
        let report = promotion.run().await;
        report.assert_runner_safe();
        one.registry.clear_faults();
        let tagged = one.registry.tags(&repository).get("prd-1").cloned();
        if report.succeeded() {
            passed += 1;
            assert_eq!(tagged.as_deref(), Some(digest(&top)), "case {case}: {report}");
            assert_eq!(everything(&one, &repository, digest(&top)).as_ref(), Some(&before), "case {case}");
            for referrer in referrers.iter().map(digest) {
                let there = one.registry.manifest(&repository, referrer).map(|found| found.digest);
                let is_told = report.annotations.iter().any(|told| told.message.contains("unknown"));
                assert!(is_told || there.as_deref() == Some(referrer), "case {case}: {report}");
            }
        } else {
            failed += 1;
            assert!(drawn.as_ref().is_some_and(|(_, passes)| !passes), "case {case}: {report}");
            assert_eq!(tagged, None, "case {case}: {report}");
        }
        // Once more without the fault: it converges, and a third time nothing is written.
        let again = promotion.run().await;
        assert!(again.succeeded(), "case {case}: {again}");
        assert_eq!(everything(&one, &repository, digest(&top)).as_ref(), Some(&before), "case {case}");
        let sent = one.registry.requests().len();
        promotion.run().await.assert_verdict("skipped", 0);
        let later: Vec<_> = one.registry.requests().into_iter().skip(sent).collect();
        assert!(later.iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")), "case {case}");
    }
    assert!(passed > 10 && failed > 1, "{passed} passed, {failed} failed");
}
