//! Values that no input takes: hostile, over-long, not UTF-8, no numbers, no flags.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use deploy_action::action::inputs::{Field, FieldKind};

use super::{HOSTILE, Nobody, WRONG, assert_told, is_free, registered, taken};

#[tokio::test]
async fn hostile_values_are_refused_and_printed_harmlessly() {
    let nobody = Nobody::home();
    for step in registered() {
        for hostile in HOSTILE {
            let mut runner = nobody.step(&step).input(WRONG.0, WRONG.1);
            // A secret would be blotted out wherever it stands, and hide what is looked for.
            for field in taken(&step).into_iter().filter(|field| field.kind != FieldKind::Secret) {
                runner = runner.input(&field.name, hostile);
            }
            let report = runner.run().await;
            let told = nobody.refused(&report);
            for field in taken(&step).iter().filter(|field| !is_free(field)) {
                assert_told(&told, &format!("input `{}` must ", field.name), &report);
            }
            assert_eq!(report.annotations.len(), 1, "{report}");
        }
    }
}

#[tokio::test]
async fn hostile_names_are_refused_and_printed_harmlessly() {
    let nobody = Nobody::home();
    let step = registered()[0];
    for name in ["A B", "::ERROR::X", "##[ERROR]X", "A\nB", "\u{1b}[31mRED", "Ü", "", "%0A", "A=B"] {
        let name = name.replace('=', "");
        let told = nobody.refused(&nobody.step(&step).raw_input(&name, "x").run().await);
        assert!(told.iter().any(|line| line.contains(&format!("is not used by {}", step.name))), "{told:?}");
    }
    let long = "x".repeat(5000);
    let told = nobody.refused(&nobody.step(&step).raw_input(&long, "x").run().await);
    assert!(told.iter().all(|line| line.len() < 400), "{told:?}");
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    let nobody = Nobody::home();
    let broken = || OsString::from_vec(vec![b'a', 0xff, 0xfe]);
    for step in registered() {
        let mut runner = nobody.step(&step);
        for field in taken(&step) {
            runner = runner.raw_input(field.name.to_uppercase(), broken());
        }
        let report = runner.run().await;
        let told = nobody.refused(&report);
        for field in taken(&step) {
            assert_told(&told, &format!("input `{}` is not UTF-8 text", field.name), &report);
        }
    }
    let told = nobody.refused(&nobody.step(&registered()[0]).raw_input(broken(), "x").run().await);
    assert!(told.contains(&"the name of an input is not UTF-8 text".to_owned()), "{told:?}");
    // Other variables are nobody's business.
    let runner = nobody.step(&registered()[0]).env("OTHER", broken()).env(broken(), "x").env("GITHUB_ACTOR", broken());
    let told = nobody.refused(&runner.input(WRONG.0, WRONG.1).run().await);
    assert!(!told.iter().any(|line| line.contains("UTF-8")), "{told:?}");
}

#[tokio::test]
async fn over_long_values_are_refused() {
    let nobody = Nobody::home();
    for step in registered() {
        // As many at a time as fit into the environment of a process.
        for some in taken(&step).chunks(12) {
            let mut runner = nobody.step(&step);
            for field in some {
                runner = runner.input(&field.name, "a".repeat(65_537));
            }
            let report = runner.run().await;
            let told = nobody.refused(&report);
            for field in some {
                assert_told(&told, &format!("input `{}` is longer than 65536 bytes", field.name), &report);
            }
        }
        let mut runner = nobody.step(&step).input(WRONG.0, WRONG.1);
        for field in taken(&step).into_iter().filter(|field| field.kind != FieldKind::Secret) {
            runner = runner.input(&field.name, "a".repeat(3000));
        }
        let report = runner.run().await;
        let told = nobody.refused(&report);
        for field in taken(&step).iter().filter(|field| !is_free(field)) {
            assert_told(&told, &format!("input `{}` must ", field.name), &report);
        }
        assert!(told.iter().all(|line| line.len() < 600), "{told:#?}");
    }
}

#[tokio::test]
async fn numbers_and_durations_are_numbers_and_durations() {
    let nobody = Nobody::home();
    let wrong = ["ten", "-1", "1.5", "5 m", "１５", "1e3", "0x10", "99999999999999999999", "NaN", "5m5m", "5d", "%5"];
    for step in registered() {
        let measured = |field: &Field| {
            ["a whole number", "a duration", "the number of"].iter().any(|begin| field.shape.starts_with(begin))
        };
        for value in wrong {
            let mut runner = nobody.step(&step).input(WRONG.0, WRONG.1);
            for field in taken(&step).iter().filter(|field| measured(field)) {
                runner = runner.input(&field.name, value);
            }
            let report = runner.run().await;
            let told = nobody.refused(&report);
            for field in taken(&step).iter().filter(|field| measured(field)) {
                assert_told(&told, &format!("input `{}` must ", field.name), &report);
            }
        }
    }
}

#[tokio::test]
async fn flags_are_those_of_yaml_core() {
    let nobody = Nobody::home();
    let is_flag = |field: &&Field| field.shape == "`true` or `false`";
    for step in registered() {
        for value in ["yes", "1", "on", "tRUE", "true false", "y", "null"] {
            let mut runner = nobody.step(&step);
            for field in taken(&step).iter().filter(is_flag) {
                runner = runner.input(&field.name, value);
            }
            let report = runner.run().await;
            let told = nobody.refused(&report);
            for field in taken(&step).iter().filter(is_flag) {
                assert_told(
                    &told,
                    &format!("input `{}` must be `true` or `false`, not \"{value}\"", field.name),
                    &report,
                );
            }
        }
        for value in ["true", "True", "TRUE", "false", "False", "FALSE", " true\n", " ", ""] {
            let mut runner = nobody.step(&step).input(WRONG.0, WRONG.1);
            for field in taken(&step).iter().filter(is_flag) {
                runner = runner.input(&field.name, value);
            }
            let told = nobody.refused(&runner.run().await);
            assert!(!told.iter().any(|line| line.contains("must be `true` or `false`")), "{told:?}");
        }
    }
}
