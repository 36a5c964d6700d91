//! create-release of one component: its notes tell the commits that touch its files.

use testbed::github::LocalGithub;
use testbed::runner::Runner;

use super::World;

const COMPONENTS: &str = "shared: {paths: [src/agent.py]}\nline: {paths: [\"src/line/**\"], ignore: [\"**/*.md\"], depends-on: [shared]}\n\
                          telegram: {paths: [\"src/telegram/**\"]}\n";

/// v-line-1.0.0 is the third commit; v-line-1.1.0 the last of those after it, which push these files with these messages.
async fn released(pushed: &[(&str, &str)]) -> (World, Runner) {
    let github = LocalGithub::start().await.unwrap();
    let repository = github.repository("org/shop");
    let mut commits = repository.history("main", 2);
    commits.push(repository.push("main", &[(".github/components.yml", COMPONENTS)], "Begin"));
    for (number, (path, message)) in pushed.iter().enumerate() {
        commits.push(repository.push("main", &[(path, &number.to_string())], message));
    }
    let last = commits.last().unwrap().clone();
    repository.tag("v-line-1.0.0", &commits[2]);
    repository.tag("v-line-1.1.0", &last);
    let world = World { github, repository, commits };
    let step = world.step().sha(&last).git_ref("refs/tags/v-line-1.1.0").input("component", "line");
    (world, step)
}

#[tokio::test]
async fn the_notes_tell_the_commits_that_touch_its_files() {
    for components in [COMPONENTS, ".github/components.yml"] {
        let (world, step) = released(&[
            ("src/line/bot.py", "Answer in LINE\n\nFor real."),
            ("src/telegram/bot.py", "Answer in Telegram"),
            ("src/line/README.md", "Describe LINE"),
            ("src/agent.py", "Think @everyone [twice](https://example.com)"),
        ])
        .await;
        let report = step.input("components", components).run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        let body = world.only().body.unwrap();
        let told: Vec<&str> = body.lines().filter(|line| line.starts_with("- ")).collect();
        assert_eq!(told.len(), 2, "{body}");
        assert!(body.starts_with("## What changed in line\n\n"), "{body}");
        assert!(told[0].starts_with("- Think ") && told[0].ends_with(&format!("({})", world.commits[6])), "{body}");
        assert!(told[0].contains("`@everyone`") && !told[0].contains("](http"), "{body}");
        assert_eq!(told[1], format!("- Answer in LINE ({})", world.commits[3]));
        world.assert_requests_are_good();
    }
}

#[tokio::test]
async fn a_component_that_nobody_knows_is_refused_before_anything_is_made() {
    let (world, step) = released(&[("src/line/bot.py", "Answer")]).await;
    let table = [
        (step.clone().input("components", "telegram: {paths: [\"src/**\"]}"), "line"),
        (step.clone().input("components", ".github/none.yml"), "there is no file .github/none.yml"),
        (step.clone().input("component", "").input("components", COMPONENTS), "goes with `component`"),
    ];
    for (step, told) in table {
        let report = step.run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.output("reason").contains(told), "{told}\n{report}");
    }
    assert!(world.repository.releases().is_empty() && world.writes().is_empty());
}
