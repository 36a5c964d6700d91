//! The end of an invocation: outputs, summary, evidence and the one annotation, written once.

use std::time::Instant;

use serde_json::{Value, json};

use crate::action::commands::{self, Level};
use crate::action::report::Account;
use crate::action::screen::{self, Colour};
use crate::action::{Output, Runner, evidence, outputs, summary};
use crate::outcome::{Ending, Outcome, Verdict};
use crate::steps;
use crate::text::{Foreign, LONGEST, each_text, message};

/// The most bytes of one item of advice.
const ADVICE: usize = 1024;

/// A step's own output as it is written. One that is known only after a write, and cannot be passed on whole, is left out, with a
/// warning: a later step would take a part for the whole.
fn output(declared: &Output, account: &mut Account) -> (String, String) {
    let value = account.outputs.get(declared.name).map(String::as_str).unwrap_or_default();
    let written = declared.to_write(value).unwrap_or_else(|obstacle| {
        account.warnings.push(format!("the output `{}` is left out: {obstacle}", declared.name));
        String::new()
    });
    (declared.name.to_owned(), written)
}

/// Writes everything down and returns the exit code. A file that cannot be written is reported, and changes no verdict.
pub(super) fn finish(
    runner: &Runner,
    step: &str,
    environment: Option<&str>,
    outcome: &Outcome,
    mut account: Account,
    began: &(String, Instant),
) -> u8 {
    let ending = outcome.ending;
    let verdict = ending.verdict();
    let reason = Foreign::new(&outcome.reason).for_record(LONGEST);
    let serving = Foreign::new(account.serving.as_deref().unwrap_or_default()).for_record(LONGEST);
    let advice: Vec<String> = outcome.advice.iter().map(|advice| Foreign::new(advice).for_message(ADVICE)).collect();

    let declared = steps::all().into_iter().filter(|known| known.name == step).flat_map(|known| known.outputs);
    let own: Vec<(String, String)> = declared.map(|declared| output(declared, &mut account)).collect();
    let run = json!({
        "repository": runner.github_repository, "id": runner.run_id(), "attempt": runner.attempt(), "job": runner.github_job,
        "commit": runner.github_sha,
    });
    if !account.notices.is_empty() {
        let known = evidence::earlier_notices(&runner.workspace(), &clean(run.clone()));
        account.notices.retain(|notice| !known.contains(&notice.about));
    }
    let mut record = json!({
        "step": step,
        "environment": environment,
        "verdict": verdict,
        "reason": reason,
        "changed": account.may_have_changed(),
        "serving": serving,
        "started-at": began.0,
        "duration-seconds": began.1.elapsed().as_secs(),
        "checks": account.checks,
        "writes": account.writes,
        "warnings": account.warnings,
        "advice": advice,
        "notices": account.notices,
        "run": run,
    });
    if !account.measured.is_empty() {
        record["measured"] = account.measured.clone().into();
    }
    let record = clean(record);
    let evidence = evidence::write(&runner.workspace(), step, &record).unwrap_or_else(|error| {
        tracing::info!("the evidence was not written: {error:#}");
        String::new()
    });

    for (extension, text) in &account.drawings {
        if let Err(error) = evidence::write_beside(&runner.workspace(), &evidence, extension, text) {
            tracing::info!("the drawing was not written: {error:#}");
        }
    }

    let mut written: Vec<(String, String)> = vec![
        ("verdict".into(), verdict.to_string()),
        ("reason".into(), reason.clone()),
        ("changed".into(), account.may_have_changed().to_string()),
        ("serving".into(), serving.clone()),
        ("started-at".into(), began.0.clone()),
        ("duration-seconds".into(), began.1.elapsed().as_secs().to_string()),
        ("evidence".into(), evidence.clone()),
    ];
    written.extend(own);
    if let Some(file) = &runner.github_output
        && let Err(error) = outputs::append(file, &written)
    {
        tracing::info!("the outputs were not written: {error:#}");
    }

    let facts = summary::Facts {
        step,
        environment,
        verdict,
        reason: &reason,
        advice: &advice.join("\n"),
        serving: &serving,
        evidence: &evidence,
    };
    let page = summary::render(&facts, &account);
    if let Some(file) = &runner.github_step_summary
        && let Err(error) = summary::append(file, &page)
    {
        tracing::info!("the job summary was not written: {error:#}");
    }

    if let Some(terminal) = &runner.terminal {
        conclude(ending, &reason, &serving, &advice, &account);
        let printed = if terminal.json { as_json(&written) } else { as_lines(&written) };
        screen::print(&printed);
        return ending.code();
    }
    tracing::info!("{} {verdict}: {reason}", verdict.sign());
    if !serving.is_empty() {
        tracing::info!("serves now: {serving}");
    }
    for (level, spot, title, message) in &account.annotations {
        commands::annotate_at(*level, spot, title, message);
    }
    annotate(step, ending, &reason, &serving, &advice, &account.warnings);
    for notice in &account.notices {
        commands::annotate(Level::Notice, step, &notice.text);
    }
    ending.code()
}

/// The end, as a person at a terminal reads it.
fn conclude(ending: Ending, reason: &str, serving: &str, advice: &[String], account: &Account) {
    let verdict = ending.verdict();
    let (colour, bad) = match ending {
        Ending::BadVersionServes => (Colour::Red, ", a bad version still serves"),
        _ if verdict.is_good() => (Colour::Green, ""),
        _ if verdict == Verdict::Inconclusive => (Colour::Yellow, ""),
        _ => (Colour::Red, ""),
    };
    screen::show(colour, &format!("{verdict}{bad}:"), reason);
    if !serving.is_empty() {
        tracing::info!("serves now: {serving}");
    }
    for line in advice {
        tracing::info!("- {line}");
    }
    for notice in &account.notices {
        screen::show(Colour::Yellow, "notice:", &notice.text);
    }
}

/// The outputs as one object of JSON.
fn as_json(outputs: &[(String, String)]) -> String {
    let all = outputs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(all.collect()).to_string()
}

/// The outputs that say something a person does not know yet, `name: value` a line.
fn as_lines(outputs: &[(String, String)]) -> String {
    const SAID: [&str; 6] = ["verdict", "reason", "serving", "changed", "started-at", "duration-seconds"];
    let new = outputs.iter().filter(|(name, value)| !value.is_empty() && !SAID.contains(&name.as_str()));
    new.map(|(name, value)| format!("{name}: {}", value.replace('\n', "\n  "))).collect::<Vec<_>>().join("\n")
}

/// The one error or warning of the step.
fn annotate(step: &str, ending: Ending, reason: &str, serving: &str, advice: &[String], warnings: &[String]) {
    let verdict = ending.verdict();
    let mut lines = vec![reason.to_owned()];
    if !serving.is_empty() {
        lines.push(format!("Serves now: {serving}"));
    }
    lines.extend(advice.iter().map(|line| format!("- {line}")));
    lines.extend(warnings.iter().map(|line| format!("- warning: {line}")));
    let message = lines.join("\n");
    let (level, title, message) = match ending {
        Ending::BadVersionServes => {
            (Level::Error, message!("bad-version-serves", "{step}: BAD VERSION STILL SERVES"), message)
        }
        Ending::InconclusiveFails => (Level::Error, format!("{step}: {verdict}"), message),
        _ if verdict == Verdict::Inconclusive => (Level::Warning, format!("{step}: {verdict}"), message),
        _ if !verdict.is_good() => (Level::Error, format!("{step}: {verdict}"), message),
        _ if !warnings.is_empty() => (Level::Warning, format!("{step}: {verdict}"), warnings.join("\n")),
        _ => return,
    };
    commands::annotate(level, &title, &message);
}

/// Nothing in the evidence holds a secret or an account id.
fn clean(value: Value) -> Value {
    each_text(value, &|text| Foreign::new(text).for_evidence())
}
