//! Every step in a world in which all foreign text is hostile, and every server repeats what it was sent: whatever the step
//! ends with, the runner, the summary and the outputs hold text, and no secret is shown in any spelling.

mod world;

use std::collections::BTreeSet;

use deploy_action::reference::COMMON_OUTPUTS;
use deploy_action::steps;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use testbed::aws::Fault;
use testbed::github;
use testbed::runner::{Command, Report};

pub(crate) use self::world::{HEADER, HOOK, HOSTILE, Hostile, PASSWORD, REFERENCE, Try, description, function};

/// Asserts that what a step wrote is text and the step's own structure.
#[track_caller]
fn assert_harmless(step: &str, report: &Report) {
    report.assert_runner_safe();
    assert_plain_markdown(report);
    let definition = steps::all().into_iter().find(|one| one.name == step).expect("a step");
    let declared: BTreeSet<&str> = COMMON_OUTPUTS.iter().chain(definition.outputs).map(|output| output.name).collect();
    let written: BTreeSet<&str> = report.outputs.keys().map(String::as_str).collect();
    assert_eq!(written, declared, "{report}");
    for (name, value) in &report.outputs {
        for line in value.split(['\n', '\r']) {
            assert_eq!(Command::parse(line, None), None, "the output {name}, when it is printed\n{report}");
        }
        assert!(!value.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "the output {name}: {value:?}");
    }
    for (place, text) in [("log", report.raw.as_str()), ("summary", &report.summary_raw)] {
        let turned = text.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        assert_eq!(turned, None, "the {place} is turned around\n{report}");
    }
}

/// One heading, paragraphs with bold words, one table, flat lists: what the summary is made of, and nothing else.
#[track_caller]
fn assert_plain_markdown(report: &Report) {
    let page = &report.summary_raw;
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM;
    let (mut headings, mut depth) = (0, 0);
    for event in Parser::new_ext(page, options) {
        match &event {
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(Tag::List(None)) => depth += 1,
            Event::End(TagEnd::List(false)) => depth -= 1,
            Event::Start(
                Tag::Paragraph
                | Tag::Strong
                | Tag::Item
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell,
            )
            | Event::End(_)
            | Event::Text(_)
            | Event::Code(_) => {}
            other => panic!("{other:?} is in the summary\n{page}"),
        }
        assert!(depth <= 1, "a list in a list\n{page}");
    }
    assert_eq!(headings, 1, "{page}");
    let hidden = page.chars().find(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'));
    assert_eq!(hidden, None, "what is copied from the summary holds something invisible\n{page}");
    let outside: String = page.split('`').step_by(2).collect();
    for link in ["://", "www.", "@"] {
        assert!(!outside.contains(link), "{link} is in the summary\n{page}");
    }
}

/// Asserts that neither a secret nor a part of one is anywhere.
#[track_caller]
fn assert_nothing_leaks(secrets: &[String], report: &Report) {
    let evidence = report.evidence().to_string();
    let outputs: Vec<&String> = report.outputs.values().collect();
    let log = report.raw.lines().filter(|line| !line.starts_with("::add-mask::")).collect::<Vec<_>>().join("\n");
    for secret in secrets {
        report.assert_no_secret(secret);
        let parts = secret.as_bytes().windows(14).map(|part| String::from_utf8_lossy(part).into_owned());
        for part in parts {
            for (place, text) in [
                ("log", &log),
                ("summary", &report.summary_raw),
                ("evidence", &evidence),
                ("outputs", &format!("{outputs:?}")),
            ] {
                assert!(!text.contains(&part), "{part}, a part of {secret}, is in the {place}\n{report}");
            }
        }
    }
}

/// Runs every step in such a world.
async fn every_step(trouble: impl AsyncFn(&Hostile)) {
    let scene = Hostile::new().await;
    let all = scene.steps();
    trouble(&scene).await;
    for (step, one) in all {
        let running = one.runner.start().await;
        let seen = running.command_line();
        let report = running.wait().await;
        assert_harmless(step, &report);
        let secrets: Vec<String> = scene.secrets().into_iter().chain(one.secrets).collect();
        assert_nothing_leaks(&secrets, &report);
        assert_eq!(seen.len(), 1, "the command line holds nothing but the program: {seen:?}");
    }
}

#[tokio::test]
async fn a_world_that_works() {
    every_step(async |_| {}).await;
}

#[tokio::test]
async fn aws_refuses_with_what_it_was_sent() {
    for (status, code) in
        [(403, "AccessDeniedException"), (400, "InvalidParameterValueException"), (403, "InvalidSignatureException")]
    {
        every_step(async |scene| {
            let fault = Fault {
                times: u32::MAX,
                status: Some(status),
                code: Some(code.to_owned()),
                message: Some(scene.told()),
                ..Fault::default()
            };
            scene.world.aws.faults(&[fault]).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn github_refuses_with_what_it_was_sent() {
    for status in [403, 422] {
        every_step(async |scene| {
            let body = serde_json::json!({"message": scene.told(), "errors": [{"message": scene.told()}]});
            let fault = github::Fault::on("*", "/repos/").unwrap().status(status).body(body).always();
            scene.world.github.fault(fault.header("x-accepted-github-permissions", "contents=read, ::error::x <b>"));
        })
        .await;
    }
}

#[tokio::test]
async fn registries_refuse_with_what_they_were_sent() {
    every_step(async |scene| {
        let fault = testbed::registry::Fault::on("*", "/(v2|token)").unwrap().status(403).body(scene.told()).always();
        scene.ghcr.fault(fault);
    })
    .await;
}

#[tokio::test]
async fn the_token_service_and_sts_refuse_with_what_they_were_sent() {
    for issuer in [true, false] {
        let scene = Hostile::new().await;
        let steps = scene.with_role();
        if issuer {
            let body = serde_json::json!({"message": scene.told()});
            scene.world.github.fault(github::Fault::on("GET", "/oidc/token").unwrap().status(403).body(body).always());
        } else {
            let refused = |message| Fault {
                service: Some("sts".to_owned()),
                times: u32::MAX,
                status: Some(403),
                code: Some("AccessDenied".to_owned()),
                message: Some(message),
                ..Fault::default()
            };
            scene.world.aws.faults(&[refused(scene.told())]).await.unwrap();
        }
        for (step, one) in steps {
            let report = one.runner.run().await;
            assert_harmless(step, &report);
            // A token that was made after the answers were written is not among what they repeat, and must not be shown either.
            assert_nothing_leaks(&scene.secrets(), &report);
        }
    }
}

/// Tokens are some 520 characters long and hold dots: that of the step, and one that nobody gave us.
#[tokio::test]
async fn a_token_of_520_characters_in_an_error_body_is_masked_whole() {
    let token = |part: &str| format!("ghs_{}.{}-{}", part.repeat(57), part.repeat(57), part.repeat(57));
    let (own, other) = (token("aB3"), token("xY9"));
    assert!(own.len() > 500);
    let world = crate::world::World::new().await;
    let body = serde_json::json!({ "message": format!("Resource not accessible by {own}, nor by {other}") });
    world.github.fault(github::Fault::on("GET", "/deployments").unwrap().status(403).body(body).always());
    let report = world.step("finish-deployment").token(&own).input("deployment-id", "1").input("status", "success");
    let report = report.run().await;
    report.assert_runner_safe().assert_no_secret(&own);
    let all = format!("{}\n{}\n{:?}", report.raw, report.summary_raw, report.outputs);
    let shown: Vec<&str> = all.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    for part in ["aB3aB3", "xY9xY9"] {
        assert!(!shown.iter().any(|line| line.contains(part)), "{part}\n{report}");
    }
    assert!(all.contains("Resource not accessible by ***, nor by ***"), "{report}");
}
