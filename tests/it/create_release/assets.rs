//! create-release: its assets, whole or not at all.

use crate::messages::message;
use testbed::github::{Asset, Cut, Fault};
use testbed::runner::Runner;

use super::{World, advice};

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("dist")).unwrap();
        let files = Self(folder);
        files.put("dist/app.zip", &vec![7; 200_000]);
        files.put("NOTICE.txt", b"notice");
        files
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    fn step(&self, world: &World) -> Runner {
        world.step().workspace(self.0.path()).input("assets", "dist/app.zip\nNOTICE.txt")
    }
}

#[tokio::test]
async fn they_are_there_before_the_release_is_published() {
    let (world, files) = (World::new().await, Files::new());
    world.repository.enable_immutable_releases();
    files.step(&world).run().await.assert_verdict("pass", 0).assert_runner_safe();
    let release = world.only();
    let found: Vec<(&str, usize)> =
        release.assets.iter().map(|asset| (asset.name.as_str(), asset.content.len())).collect();
    assert_eq!(found, [("app.zip", 200_000), ("NOTICE.txt", 6)]);
    assert_eq!(release.assets[0].content, vec![7; 200_000]);
    let writes = world.writes();
    assert!(writes[0] == "POST releases" && writes.last().unwrap().starts_with("PATCH releases/"), "{writes:?}");
    files.step(&world).run().await.assert_verdict("skipped", 0);
    assert_eq!(world.writes(), writes);
}

#[tokio::test]
async fn an_upload_that_broke_off_is_replaced() {
    let (world, files) = (World::new().await, Files::new());
    // The first run dies after the draft; half of a file has arrived, and another file is an older one.
    world.step().input("draft", "true").run().await.assert_verdict("pass", 0);
    let half = |id, name: &str, state: &str| Asset {
        id,
        name: name.to_owned(),
        label: None,
        content_type: String::new(),
        content: vec![7; 100],
        state: state.to_owned(),
        uploader: String::new(),
        created_at: 0,
    };
    world.repository.edit_release(world.only().id, |release| {
        release.assets =
            vec![half(1, "app.zip", "open"), half(2, "NOTICE.txt", "uploaded"), half(3, "other", "uploaded")];
    });
    files.step(&world).run().await.assert_verdict("pass", 0);
    let sizes: Vec<(String, usize)> =
        world.only().assets.into_iter().map(|asset| (asset.name, asset.content.len())).collect();
    let expected =
        [("other", 100), ("app.zip", 200_000), ("NOTICE.txt", 6)].map(|(name, size)| (name.to_owned(), size));
    assert_eq!(sizes, expected);
    assert!(!world.only().draft);
}

#[tokio::test]
async fn an_answer_that_is_lost_uploads_nothing_twice() {
    let upload = || Fault::on("POST", "/uploads/.*app.zip").unwrap();
    for fault in [upload().status(502).applied(), upload().cut(Cut::Reset).applied(), upload().status(502)] {
        let (world, files) = (World::new().await, Files::new());
        world.github.fault(fault);
        files.step(&world).run().await.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!(world.only().assets.len(), 2);
    }
}

#[tokio::test]
async fn what_was_published_is_never_replaced() {
    let (world, files) = (World::new().await, Files::new());
    files.step(&world).run().await.assert_verdict("pass", 0);
    let before = world.writes();
    files.put("NOTICE.txt", b"other!");
    let report = files.step(&world).run().await;
    report.assert_verdict("fail", 1);
    let reason = message("release-published", &["v1.2.3", "its asset NOTICE.txt is another file"]);
    assert_eq!(report.output("reason"), reason);
    assert!(advice(&report).contains("release the next version"));
    assert_eq!(world.writes(), before);
    // What is missing may still come, where releases are not immutable.
    world.repository.edit_release(world.only().id, |release| release.assets.truncate(1));
    files.put("NOTICE.txt", b"notice");
    files.step(&world).run().await.assert_verdict("pass", 0);
    assert_eq!(world.only().assets.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_said_before_anything_is_written() {
    let (world, files) = (World::new().await, Files::new());
    files.put("empty", b"");
    for (assets, verdict, code, told) in [
        ("gone.zip", "fail", 1, "asset gone.zip does not exist in the workspace"),
        ("dist", "fail", 1, "asset dist is no file"),
        ("empty", "fail", 1, "asset empty is empty, which GitHub does not take"),
        ("NOTICE.txt\ndist/../NOTICE.txt", "error", 2, "must be a path in the workspace"),
        ("NOTICE.txt\n./NOTICE.txt", "error", 2, "must not hold two files of one name"),
        (".env", "error", 2, "GitHub would rename others"),
        ("/etc/passwd", "error", 2, "must be a path in the workspace"),
    ] {
        let report = files.step(&world).input("assets", assets).run().await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert!(report.output("reason").contains(told), "{told}\n{report}");
    }
    assert!(world.repository.releases().is_empty());
}

/// This action runs as root: it could read what nobody else of the job can.
#[tokio::test]
async fn a_symbolic_link_out_of_the_workspace_is_not_uploaded() {
    let (world, files) = (World::new().await, Files::new());
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(elsewhere.path(), "a secret of the machine").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), files.0.path().join("dist/link.zip")).unwrap();
    std::os::unix::fs::symlink("app.zip", files.0.path().join("dist/latest.zip")).unwrap();
    let report = files.step(&world).input("assets", "dist/link.zip").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("asset dist/link.zip cannot be read: it leads out of"), "{report}");
    assert!(world.repository.releases().is_empty());
    files.step(&world).input("assets", "dist/latest.zip").run().await.assert_verdict("pass", 0);
    assert_eq!(world.only().assets[0].content, vec![7; 200_000]);
}

#[tokio::test]
async fn enterprise_server_has_its_uploads_under_its_own_host() {
    let (world, files) = (World::new().await, Files::new());
    let step = files.step(&world).github_at(&world.github.enterprise_url(), "https://github.example.com");
    step.run().await.assert_verdict("pass", 0);
    assert_eq!(world.only().assets.len(), 2);
    assert!(world.github.requests().iter().any(|one| one.path().starts_with("/api/uploads/repos/org/shop/releases/")));
}
