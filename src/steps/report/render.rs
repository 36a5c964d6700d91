//! What report says: S000's "Deployment complete".

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::boxes::LEVELS;
use super::evidence::{Evidence, Found};
use super::judge::{Judged, Mark, delta};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::{self, Foreign, message, number_of};

/// The longest text of a box, in bytes, and what is named of several in one line.
const LONGEST: usize = 300;
const NAMED: usize = 4;

static DIGEST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("sha256:[0-9a-f]{64}").ok());

/// What the deployment is about, as its newest evidence says.
struct About {
    environment: String,
    commit: String,
    digest: String,
    serving: String,
    run: Option<String>,
}

impl About {
    fn of(cx: &Context, files: &[Evidence]) -> Self {
        let newest = |of: &dyn Fn(&Evidence) -> Option<String>| files.iter().rev().find_map(of);
        let serving = newest(&|file| Some(file.serving.clone()).filter(|serving| !serving.is_empty()));
        let digest = serving.as_deref().and_then(|serving| Some(DIGEST.as_ref()?.find(serving)?.as_str().to_owned()));
        let unknown = || "unknown".to_owned();
        Self {
            environment: newest(&|file| file.environment.clone()).unwrap_or_else(unknown),
            commit: newest(&|file| file.run.commit.clone()).unwrap_or_else(unknown),
            digest: digest.unwrap_or_else(unknown),
            serving: serving.unwrap_or_else(unknown),
            run: newest(&|file| cx.runner.page_of_run(file.run.repository.as_deref()?, file.run.id?)),
        }
    }
}

/// Reports, and ends.
pub(super) fn report(cx: &Context, found: &Found, judged: &[Judged], requires: bool) -> Step<Outcome> {
    let about = About::of(cx, &found.files);
    let delta = delta(judged);
    for one in judged {
        let verdict = match one.mark {
            Mark::Verified => Verdict::Pass,
            Mark::NotVerified if one.required => Verdict::Inconclusive,
            Mark::NotVerified => Verdict::Skipped,
            Mark::Failed => Verdict::Fail,
        };
        let asked_for = if one.required { "verified" } else { "not required" };
        let source = one.sources.last().map_or("none", |source| source.file.as_str());
        cx.report.check(
            format!("{} level {}: {}", one.mark.sign(), one.level, one.title),
            format!("{}{}", one.reason, seen(one)),
            asked_for,
            verdict,
            source,
        );
    }
    for passed_over in found.passed_over.iter().take(NAMED) {
        tracing::info!("passed over: {passed_over}");
    }
    let document = json!({
        "environment": about.environment, "commit": about.commit, "digest": about.digest, "serving": about.serving,
        "run": about.run, "delta": delta, "boxes": judged,
    });
    cx.report.value("delta", delta.to_string())?;
    cx.report.value("json", text::json(&text::each_text(document, &|text| Foreign::new(text).for_record(LONGEST))))?;
    cx.report.output("markdown", markdown(&about, judged, delta));
    Ok(conclude(judged, delta, requires, &about))
}

/// Where and when it was seen.
fn seen(one: &Judged) -> String {
    let source = one.sources.last();
    source.map(|source| format!(" ({} of job {}, {})", source.step, source.job, source.at)).unwrap_or_default()
}

fn conclude(judged: &[Judged], delta: usize, requires: bool, about: &About) -> Outcome {
    let of = |mark: Mark| judged.iter().filter(move |one| one.mark == mark);
    let names = |all: Vec<&Judged>| {
        let mut names: Vec<String> =
            all.iter().take(NAMED).map(|one| format!("{} ({})", one.title, one.reason)).collect();
        if all.len() > NAMED {
            names.push(format!("and {} more", all.len() - NAMED));
        }
        names.join("; ")
    };
    let failed: Vec<&Judged> = of(Mark::Failed).collect();
    let open: Vec<&Judged> = of(Mark::NotVerified).filter(|one| one.required).collect();
    let verified = of(Mark::Verified).count();
    if !failed.is_empty() {
        return Outcome::fail(message!("deployment-not-complete", "delta = {delta}: failed: {}", names(failed)))
            .advise("look at the step and the job that the box names");
    }
    if !open.is_empty() {
        let reason = message!("boxes-not-verified", "delta = {delta}: not verified: {}", names(open));
        let verdict = if requires { Verdict::Fail } else { Verdict::Inconclusive };
        return Outcome::new(verdict, reason)
            .advise("add the step that verifies it, and hand its evidence over; or take it out of `require`");
    }
    Outcome::pass(format!(
        "delta = 0: {} verified of the deployment of {} to {}",
        number_of(verified, "box").replace("boxs", "boxes"),
        short(&about.commit),
        about.environment
    ))
}

fn short(commit: &str) -> &str {
    commit.get(..7).filter(|_| commit.len() == 40).unwrap_or(commit)
}

/// The text for a person: pasted into an issue, or a pull request.
fn markdown(about: &About, judged: &[Judged], delta: usize) -> String {
    let safe = |text: &str| Foreign::new(text).for_markdown(LONGEST);
    let mut page = String::new();
    let title = if delta == 0 { "Deployment complete" } else { "Deployment not complete" };
    // Writing to a String cannot fail.
    let _ = writeln!(page, "## {title}: {} to {}\n", safe(short(&about.commit)), safe(&about.environment));
    let _ = writeln!(page, "**Environment**: {}  ", safe(&about.environment));
    let _ = writeln!(page, "**Commit**: {}  ", safe(&about.commit));
    let _ = writeln!(page, "**Image Digest**: {}  ", safe(&about.digest));
    let _ = writeln!(page, "**Serves**: {}\n", safe(&about.serving));
    for (level, name) in LEVELS {
        let _ = writeln!(page, "**Level {level}: {name}**\n");
        for one in judged.iter().filter(|one| one.level == level) {
            let optional = if one.required { "" } else { " (not required)" };
            let _ = writeln!(
                page,
                "- {} {}{optional}: {}{}",
                one.mark.sign(),
                one.title,
                safe(&one.reason),
                safe(&seen(one))
            );
        }
        page.push('\n');
    }
    if let Some(run) = &about.run {
        let _ = writeln!(page, "**Evidence**: {}\n", safe(run));
    }
    let _ = writeln!(page, "**Convergence**: delta = {delta}");
    page
}
