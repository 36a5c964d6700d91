//! What `from-environment` finds by `components`: a commit that differs in files of others only.

use testbed::runner::Runner;

use super::{REPOSITORY, Scene, fail};

const COMPONENTS: &str = "
lib: {paths: ['lib/**']}
shop: {paths: [app, 'src/**'], ignore: ['**/*.md'], depends-on: [lib]}
admin: {paths: ['admin/**']}
docs: {paths: ['docs/**']}
";

/// A commit on top of the newest, with these files changed.
fn on_top(scene: &Scene, files: &[(&str, &str)]) -> String {
    scene.world.repository.commit(&[scene.commit()], files, "On top")
}

/// A promotion of that commit, with the components.
fn of(scene: &Scene, sha: &str) -> Runner {
    scene.of_dev().input("sha", sha).input("components", COMPONENTS)
}

#[tokio::test]
async fn a_commit_about_something_else_does_not_hide_the_artifact() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    let older = scene.in_dev(&scene.commits[0], "older").await;
    scene.record("dev", &scene.commits[0], &[&older], &["success", "inactive"]);
    scene.record("dev", scene.commit(), &[&digest], &["success"]);
    for (path, content) in [("docs/guide.md", "1"), ("admin/page.py", "1"), ("src/notes.md", "1")] {
        let sha = on_top(&scene, &[(path, content)]);
        // Without the components it is another commit with other files, and the way is told.
        let report = scene.of_dev().input("sha", &sha).run().await;
        assert!(fail(&report).contains("no dev artifact found"), "{report}");
        let message = &report.error().message;
        assert!(
            message.contains(&format!("differs first in {path}")) && message.contains("say so with `components`"),
            "{message}"
        );
        let report = of(&scene, &sha).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert_eq!((report.output("match"), report.output("source-sha")), ("component", scene.commit()), "{path}");
        assert_eq!(
            (report.output("digest"), scene.tagged(&format!("prd-{sha}")).await),
            (digest.as_str(), Some(digest.clone()))
        );
        assert!(report.output("reason").contains("with the same files of the component"), "{report}");
    }
    assert!(scene.world.github.invalid_requests().is_empty(), "{:?}", scene.world.github.invalid_requests());
}

#[tokio::test]
async fn a_commit_that_concerns_the_component_is_told_with_its_first_file() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    let id = scene.record("dev", scene.commit(), &[&digest], &["success"]);
    // By what it depends on, too; files of others are not named.
    for path in ["app", "src/a.py", "lib/a.py"] {
        let sha = on_top(&scene, &[("admin/a", "1"), (path, "changed"), ("zzz", "1")]);
        let report = of(&scene, &sha).run().await;
        assert!(fail(&report).contains("by the files of the component"), "{report}");
        let message = &report.error().message;
        let near = format!("{} (deployment {id}, ", scene.commit());
        assert!(message.contains(&near) && message.contains(&format!("differs first in {path})")), "{message}");
        assert_eq!(scene.tagged(&format!("prd-{sha}")).await, None);
    }
}

#[tokio::test]
async fn the_newest_of_equals_decides_and_none_is_taken_that_is_not_judged() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    scene.record("dev", scene.commit(), &[&digest], &["success"]);
    let between = on_top(&scene, &[("docs/a", "1")]);
    let sha = scene.world.repository.commit(&[&between], &[("docs/a", "2")], "On top");
    // Equal and newer, but not judged: passed over.
    let open = scene.record("dev", &between, &[&digest], &["in_progress"]);
    of(&scene, &sha).run().await.assert_verdict("pass", 0);
    // Once it has failed, the files have.
    scene.world.repository.add_status(open, "failure", "by hand");
    let other = scene.world.repository.commit(&[&between], &[("docs/a", "3")], "On top");
    let report = of(&scene, &other).run().await;
    assert!(fail(&report).contains(&format!("deployment {open}")), "{report}");
}

#[tokio::test]
async fn files_that_nobody_owns_are_said() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    scene.record("dev", scene.commit(), &[&digest], &["success"]);
    let sha = on_top(&scene, &[("Makefile", "all:"), ("docs/a", "1")]);
    let report = of(&scene, &sha).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let warning = &report.warning().message;
    assert!(warning.contains("which are not in what is promoted: Makefile"), "{warning}");
}

#[tokio::test]
async fn the_components_are_those_of_the_commit_and_are_read_when_they_are_needed() {
    let scene = Scene::new().await;
    let digest = scene.in_dev(scene.commit(), "tested").await;
    scene.record("dev", scene.commit(), &[&digest], &["success"]);
    let file = ".github/components.yml";
    let listed = format!("{COMPONENTS}workflows: {{paths: ['.github/**']}}\n");
    let sha = on_top(&scene, &[(file, &listed), ("docs/a", "1")]);
    let report = scene.of_dev().input("sha", &sha).input("components", file).run().await;
    report.assert_verdict("pass", 0);
    assert!(report.annotations.is_empty(), "{report}");
    assert_eq!(report.output("match"), "component");
    // A commit with a record of its own needs none.
    let report = scene.of_dev().input("components", file).input("tag", "again").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("match"), "commit");
    let another = on_top(&scene, &[("docs/a", "2")]);
    let report = scene.of_dev().input("sha", &another).input("components", file).run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert!(report.output("reason").contains("there is no file .github/components.yml in commit"), "{report}");
    let report = of(&scene, &another).input("component", "shpo").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("there is no component shpo: did you mean `shop`?"), "{report}");
    let report = scene.step().input("source", format!("{REPOSITORY}:x")).input("components", file).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("input `components` is for `from-environment`"), "{report}");
}
