//! Properties of everything that is written: whatever a text is, the runner, a terminal and a page of Markdown take it for text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use testbed::runner::{ANNOTATION_LENGTH, Command, FileCommands};

use std::rc::Rc;

use super::commands::{annotation, opening};
use super::{Report, Workspace, evidence, outputs, screen, summary};
use crate::calls::{About, Journal};
use crate::hostile::{assert_harmless, config, foreign, structure};
use crate::outcome::Verdict;
use crate::text::secrets::Secret;
use crate::text::{self, Foreign};

fn seen(text: &str) -> String {
    text.replace('\u{200b}', "")
}

fn page(given: &str) -> String {
    let line = Foreign::new(given).for_message(text::LONGEST);
    let journal = Rc::<Journal>::default();
    let report = Report::new(Rc::clone(&journal));
    for verdict in [Verdict::Pass, Verdict::Fail] {
        report.check(given, given, given, verdict, "test");
    }
    report.section(given, vec![given.to_owned(); 2]);
    journal.sending(given, About::Target);
    report.warn(given);
    let facts = summary::Facts {
        step: "swap-alias",
        environment: Some("prd"),
        verdict: Verdict::Fail,
        reason: &line,
        advice: &line,
        serving: &line,
        evidence: "deploy-evidence/swap-alias-1.json",
    };
    summary::render(&facts, &report.snapshot())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_hold_no_command_and_no_control(given in foreign()) {
        let lines = Foreign::new(&given).for_log(usize::MAX);
        assert_harmless(&lines);
        prop_assert_eq!(Foreign::new(&lines).for_log(usize::MAX), lines.clone());
        prop_assert!(text::is_plain(&seen(&lines).replace(['\n', '\t'], "")));
        let line = Foreign::new(&given).for_message(usize::MAX);
        prop_assert!(!line.contains('\n'));
        assert_harmless(&line);
    }

    #[test]
    fn a_text_is_cut_between_characters(given in foreign(), limit in 3..5000_usize) {
        prop_assert!(text::truncated(&given, limit).len() <= limit);
        prop_assert!(Foreign::new(&given).for_markdown(limit).len() <= limit);
        prop_assert!(Foreign::new(&given).for_message(limit).len() <= limit);
    }

    #[test]
    fn an_event_of_the_log_is_lines_of_text(given in foreign()) {
        let written = screen::harmless(&format!("{given}\n"));
        assert_harmless(&written);
        prop_assert!(written.ends_with('\n') && written.len() <= 33 * 1024);
    }

    #[test]
    fn an_annotation_is_one_command_and_says_what_was_meant(title in foreign(), given in foreign()) {
        let line = annotation("error", &title, &given);
        prop_assert!(!line.contains(['\n', '\r']));
        let command = Command::parse(&line, None).unwrap();
        prop_assert_eq!(&command.name, "error");
        prop_assert!(command.properties.keys().all(|name| name == "title"), "{:?}", command);
        prop_assert!(command.data.encode_utf16().count() <= ANNOTATION_LENGTH);
        prop_assert_eq!(&command.data, &Foreign::new(&given).for_log(4000));
        assert_harmless(&command.data);
        let group = Command::parse(&opening(&title), None).unwrap();
        prop_assert_eq!((group.name.as_str(), group.data), ("group", Foreign::new(&title).for_message(4000)));
    }

    #[test]
    fn markdown_shows_a_text_and_makes_nothing_of_it(given in foreign()) {
        let line = Foreign::new(&given).for_message(usize::MAX);
        prop_assume!(!line.is_empty());
        let safe = Foreign::new(&given).for_markdown(usize::MAX);
        for (before, after) in [("", ""), ("- ", ""), ("### ", ""), ("**", "**"), ("| a |\n|---|\n| ", " |")] {
            let (plain, _) = structure(&format!("{before}x{after}\n"));
            let (tags, label) = structure(&format!("{before}{safe}{after}\n"));
            prop_assert_eq!(tags, plain, "{:?}", safe);
            let label = label.strip_prefix('a').filter(|_| before.starts_with('|')).unwrap_or(&label);
            prop_assert_eq!(label, seen(&line));
        }
        prop_assert!(text::is_plain(&safe), "{:?}", safe);
        // What GitHub links by itself, outside of code.
        let outside: String = safe.split('`').step_by(2).collect();
        for link in ["://", "www.", "@", "#"] {
            prop_assert!(!outside.replace("&#", "").to_lowercase().contains(link), "{:?}", safe);
        }
    }

    #[test]
    fn a_summary_has_the_same_structure_whatever_is_told(given in foreign()) {
        prop_assume!(!Foreign::new(&given).for_message(usize::MAX).is_empty() && given.len() < 2000);
        prop_assert_eq!(structure(&page(&given)).0, structure(&page("given")).0);
    }

    #[test]
    fn a_file_of_outputs_holds_the_names_meant_and_no_other(values in proptest::collection::vec(foreign(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output");
        let written: Vec<(String, String)> =
            values.into_iter().enumerate().map(|(number, value)| (format!("output-{number}"), value)).collect();
        outputs::append(&file, &written).unwrap();
        let read = FileCommands::parse(&std::fs::read_to_string(&file).unwrap());
        prop_assert_eq!(read, FileCommands { pairs: written, error: None, blank_lines: 0 });
    }

    #[test]
    fn evidence_is_json_with_bounded_lines(given in foreign()) {
        let report = Report::default();
        report.check(&given, &given, &given, Verdict::Fail, "test");
        let folder = tempfile::tempdir().unwrap();
        let checks = serde_json::to_value(report.snapshot().checks).unwrap();
        let path = evidence::write(&Workspace::at(folder.path()), "swap-alias", &checks).unwrap();
        let read: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join(path)).unwrap()).unwrap();
        for name in ["name", "observed", "required"] {
            let given = read[0][name].as_str().unwrap();
            prop_assert!(given.len() <= text::LONGEST && !given.contains('\n'));
            assert_harmless(given);
        }
    }

    #[test]
    fn a_secret_is_blotted_in_every_spelling_and_wherever_it_stands(
        secret in select(&SECRETS[..]),
        before in "[A-Za-z]{0,7}",
        after in foreign(),
        place in 1..13_usize,
    ) {
        Secret::new(secret).remember();
        let parts = secret.split_at(place);
        let torn = format!("{}\u{1b}[31m\u{200b}{}", parts.0, parts.1);
        let json = Value::from(secret).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for given in [secret, &torn, &json, &json.replace('/', "\\/"), &form, &form.replace('+', "%20")] {
            let given = format!("{before} {given} {after}");
            let cut = Foreign::new(&given).for_message(before.len() + 12);
            for label in [Foreign::new(&given).for_message(usize::MAX), Foreign::new(&given).for_log(usize::MAX), cut, page(&given)] {
                for part in secret.as_bytes().windows(8) {
                    let part = std::str::from_utf8(part).unwrap();
                    prop_assert!(!seen(&label).contains(part), "{:?} of {:?}", label, given);
                }
            }
        }
        let pair = format!("{before}:{secret}");
        for encoded in [STANDARD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)] {
            let label = Foreign::new(format!("Basic {encoded} {after}")).for_message(usize::MAX);
            prop_assert!(!label.contains(&encoded) && label.contains("***"), "{:?}", label);
        }
    }
}

const SECRETS: [&str; 4] = [
    "ghs_0123456789ABCdef",
    "wJalrXUtnFEMI/K7MDENG+bPxRfi=",
    "a \"quoted\" <p&ss> w'rd",
    "eyJhbGciOi.J9eyJzdWIi.c2lnbmF0",
];

#[test]
fn overlapping_secrets_leave_no_rest() {
    for secret in ["token-ABC-123456", "ABC-123456", "123456-tail-of-it"] {
        Secret::new(secret).remember();
    }
    assert_eq!(Foreign::new("a token-ABC-123456-tail-of-it b ABC-123456").for_message(usize::MAX), "a *** b ***");
}

#[test]
fn no_half_of_a_secret_is_left_where_a_text_was_cut_before_it_was_known() {
    let cut = text::truncated("the answer was: a-token-of-the-tests-0123456789", 36);
    assert!(cut.ends_with("a-token-of-the-te…"), "{cut}");
    Secret::new("a-token-of-the-tests-0123456789").remember();
    assert_eq!(Foreign::new(cut).for_message(100), "the answer was: …");
}

#[test]
fn a_secret_that_becomes_known_late_makes_no_markdown() {
    let report = Report::default();
    report.section("Answer", ["a late-known-secret bold late-known-secret b".to_owned()]);
    Secret::new("late-known-secret").remember();
    let facts = summary::Facts {
        step: "swap-alias",
        environment: None,
        verdict: Verdict::Pass,
        reason: "given",
        advice: "",
        serving: "",
        evidence: "",
    };
    let page = summary::render(&facts, &report.snapshot());
    assert!(page.contains("- a &#42;&#42;&#42; bold &#42;&#42;&#42; b"), "{page}");
}
