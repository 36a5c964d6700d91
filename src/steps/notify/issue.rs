//! The issue about failures, one for each environment and component, and the comment on a pull request: their texts, how they are
//! found again, and what is to be done with them.

use std::fmt::Write as _;

use super::notification::Notification;
use super::render::{Render, is_plain};
use super::status::Status;
use super::task::Task;
use crate::github::{Comment, Issue, LONGEST_BODY, NewIssue};
use crate::text::{Foreign, truncated};

/// The most bytes of one line that a step said.
const LINE: usize = 2000;

struct Markdown;

impl Render for Markdown {
    fn text(foreign: &str) -> String {
        Foreign::new(foreign).for_markdown(LINE)
    }
}

/// What a text says.
const FAILED: &str = "failed";
const FIXED: &str = "fixed";
/// How things stand, on a pull request.
const TOLD: &str = "told";

/// What stands for the run in a text that was written from a terminal: no run has this number.
const NO_RUN: u64 = 0;

/// What a text of ours begins with: it is found again by that, and by nothing else. Quoted, it does not stand first.
fn marker(news: &Notification, says: &str) -> String {
    format!("{}{} {says} -->", about(news), news.run.map_or(NO_RUN, |run| run.id))
}

fn about(news: &Notification) -> String {
    let environment = news.environment.to_lowercase();
    format!("<!-- deploy-action:notify environment={environment} component={} run=", news.component)
}

/// The run that wrote a text about the same environment and component, and what it says. The attempts of a run say it once.
fn read_marker<'b>(body: &'b str, news: &Notification) -> Option<(u64, &'b str)> {
    let line = body.lines().next()?.strip_suffix(" -->")?;
    let (run, says) = line.strip_prefix(about(news).as_str())?.split_once(' ')?;
    Some((run.parse().ok()?, says))
}

/// The open issue of an environment and component, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) number: u64,
    pub(super) url: String,
    body: String,
    run: u64,
}

impl Found {
    /// Whether the run that opened it is this one.
    pub(super) fn is_of(&self, news: &Notification) -> bool {
        news.run.is_some_and(|run| run.id == self.run)
    }
}

/// The issue among those that are open. Others may look like it: only who may write for the repository is believed.
pub(super) fn find(issues: &[Issue], news: &Notification) -> Option<Found> {
    issues.iter().find_map(|issue| {
        let body = issue.trusted_body()?;
        let (run, _) = read_marker(body, news).filter(|(_, says)| *says == FAILED)?;
        Some(Found { number: issue.number, url: issue.html_url.clone(), body: body.to_owned(), run })
    })
}

/// What this run said in a comment before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Previous {
    id: u64,
    body: String,
}

/// Finds it.
pub(super) fn previous(comments: &[Comment], news: &Notification) -> Option<Previous> {
    let says = if news.status == Status::Success { FIXED } else { FAILED };
    find_comment(comments, news, |run, said| news.run.is_some_and(|own| own.id == run) && said == says)
}

/// The newest comment on a pull request that tells how things stand there, of whichever run.
pub(super) fn find_told(comments: &[Comment], news: &Notification) -> Option<Previous> {
    find_comment(comments, news, |_, says| says == TOLD)
}

fn find_comment(comments: &[Comment], news: &Notification, is_it: impl Fn(u64, &str) -> bool) -> Option<Previous> {
    comments.iter().rev().find_map(|comment| {
        let body = comment.trusted_body()?;
        read_marker(body, news).filter(|(run, says)| is_it(*run, says))?;
        Some(Previous { id: comment.id, body: body.to_owned() })
    })
}

/// Whether the comments have to be read for [`tasks`].
pub(super) fn needs_comments(news: &Notification, found: Option<&Found>) -> bool {
    found.is_some_and(|found| news.status == Status::Success || news.is_failure() && !found.is_of(news))
}

/// What is to be done with the issue. What this run said before is not said again; where a later attempt knows more, it is corrected.
pub(super) fn tasks(news: &Notification, found: Option<&Found>, previous: Option<&Previous>) -> Vec<Task> {
    match (news.status == Status::Success, news.is_failure(), found, previous) {
        (true, _, Some(found), Some(_)) => vec![Task::Close(found.number)],
        (true, _, Some(found), None) => vec![Task::Comment(found.number, fix_comment(news)), Task::Close(found.number)],
        (false, true, None, _) => {
            vec![Task::Open(NewIssue { title: title(news), body: failure_page(news), labels: labels(news) })]
        }
        (false, true, Some(found), _) if found.is_of(news) => {
            let body = failure_page(news);
            if is_same(&body, &found.body) { Vec::new() } else { vec![Task::EditIssue(found.number, body)] }
        }
        (false, true, Some(found), Some(previous)) => correct(previous, found.number, failure_comment(news)),
        (false, true, Some(found), None) => vec![Task::Comment(found.number, failure_comment(news))],
        (true, _, None, _) | (false, false, _, _) => Vec::new(),
    }
}

/// What is to be done with the comment on a pull request.
pub(super) fn tasks_of_comment(news: &Notification, number: u64, previous: Option<&Previous>) -> Vec<Task> {
    let body = page(news, TOLD, "");
    match previous {
        Some(previous) => correct(previous, number, body),
        None => vec![Task::Comment(number, body)],
    }
}

fn correct(previous: &Previous, number: u64, body: String) -> Vec<Task> {
    if is_same(&body, &previous.body) { Vec::new() } else { vec![Task::EditComment(number, previous.id, body)] }
}

/// GitHub may give lines back with other ends.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.lines().map(str::trim_end).eq(other.trim_end().lines().map(str::trim_end))
}

/// As the workflows of teams name them. One that is longer than GitHub takes is left out: it would take the others with it.
fn labels(news: &Notification) -> Vec<String> {
    let all = ["deployment", "rollback", "urgent", &news.environment];
    all.into_iter().filter(|label| !is_too_long(label)).map(str::to_owned).collect()
}

/// Whether GitHub takes no label of this name: it has more than 50 characters.
pub(super) fn is_too_long(label: &str) -> bool {
    label.chars().count() > 50
}

/// The same for every failure of the environment and component, and without foreign text.
fn title(news: &Notification) -> String {
    format!("Deployment of {} to {} failed", news.component, news.environment)
}

fn failure_page(news: &Notification) -> String {
    let end = "The next deployment there that succeeds closes this issue; one that fails is added as a comment. The first line, \
               which is hidden, is what it is found by.";
    let mention = if news.mention.is_empty() { String::new() } else { format!("\n{}\n", news.mention.join(" ")) };
    page(news, FAILED, &format!("{mention}\n{end}\n"))
}

fn failure_comment(news: &Notification) -> String {
    page(news, FAILED, "")
}

/// What happened, a table, and what more there is to say.
fn page(news: &Notification, says: &str, end: &str) -> String {
    let mut page = format!("{}\n**{}**\n\n|||\n|---|---|\n", marker(news, says), Markdown::headline(news));
    // Writing to a String cannot fail.
    for (name, value) in Markdown::facts(news) {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    for (name, link) in links(news) {
        let _ = writeln!(page, "| {name} | {link} |");
    }
    let remarks = Markdown::remarks(news);
    if !remarks.is_empty() {
        page.push('\n');
    }
    for line in remarks {
        let _ = writeln!(page, "- {line}");
    }
    page.push_str(end);
    // A character is a byte or more: fewer bytes than GitHub takes characters are never too many.
    truncated(&page, LONGEST_BODY)
}

fn fix_comment(news: &Notification) -> String {
    let run = links(news).find(|(name, _)| *name == "Run").map(|(_, run)| format!(": {run}")).unwrap_or_default();
    format!("{}\n{}{run}\n", marker(news, FIXED), Markdown::headline(news))
}

/// Where more is told, but for the issue itself.
fn links(news: &Notification) -> impl Iterator<Item = (&'static str, String)> {
    let all = news.links().into_iter().filter(|link| link.name != "Issue" && is_plain(&link.url));
    all.map(|link| (link.name, format!("[{}]({})", link.words, link.url)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::notification::tests::{failure, hostile, success};
    use super::super::status::Aftermath;
    use super::*;
    use crate::hostile::{config, foreign, structure};
    use crate::record::Run;

    fn issue(number: u64, body: &str, kind: &str) -> Issue {
        let body = json!({"number": number, "html_url": "u", "body": body, "user": {"type": kind}, "author_association": "NONE"});
        serde_json::from_value(body).unwrap()
    }

    fn comment(id: u64, body: &str) -> Comment {
        serde_json::from_value(json!({"id": id, "body": body, "user": {"type": "Bot"}, "author_association": "NONE"}))
            .unwrap()
    }

    fn run(news: &Notification, id: u64, attempt: u64) -> Notification {
        Notification { run: Some(Run { id, attempt }), ..news.clone() }
    }

    #[test]
    fn the_issue_is_found_by_its_first_line_and_its_author() {
        let ours = failure_page(&failure());
        let elsewhere = [
            failure_page(&Notification { environment: "stg".to_owned(), ..failure() }),
            failure_page(&Notification { component: "shop2".to_owned(), ..failure() }),
        ];
        let look_alikes = [
            issue(1, &ours, "User"),
            issue(2, &format!("> {ours}"), "Bot"),
            issue(3, &format!("see\n{ours}"), "Bot"),
            issue(4, &fix_comment(&success()), "Bot"),
            issue(5, "<!-- deploy-action:notify -->", "Bot"),
            issue(6, &elsewhere[0], "Bot"),
            issue(7, &elsewhere[1], "Bot"),
            issue(8, "", "Bot"),
        ];
        assert_eq!(find(&look_alikes, &failure()), None);
        let with_ours: Vec<Issue> = look_alikes.into_iter().chain([issue(9, &ours, "Bot")]).collect();
        assert_eq!(find(&with_ours, &failure()).map(|found| found.number), Some(9));
        let windows = issue(10, &ours.replace('\n', "\r\n"), "Bot");
        assert_eq!(find(&[windows], &failure()).map(|found| (found.number, found.run)), Some((10, 700)));
    }

    #[test]
    fn a_run_says_one_thing_once_and_corrects_it() {
        let first = failure();
        let found = find(&[issue(7, &failure_page(&first), "Bot")], &first).unwrap();
        let again = run(&first, 700, 2);
        let worse = Notification { aftermath: Aftermath::StillServes(None), ..first.clone() };
        let next = run(&first, 701, 1);
        let told_next = previous(&[comment(3, "x"), comment(4, &failure_comment(&next))], &next).unwrap();
        let told_fixed = previous(&[comment(5, &fix_comment(&success()))], &success()).unwrap();
        assert_eq!(previous(&[comment(4, &failure_comment(&next))], &first), None);
        let cancelled = Notification { status: Status::Cancelled, ..first.clone() };
        let open = |news: &Notification| {
            Task::Open(NewIssue { title: title(news), body: failure_page(news), labels: labels(news) })
        };
        let table = [
            ("the first failure", &first, None, None, vec![open(&first)]),
            ("the same again", &first, Some(&found), None, vec![]),
            ("a second attempt", &again, Some(&found), None, vec![Task::EditIssue(7, failure_page(&again))]),
            ("it became worse", &worse, Some(&found), None, vec![Task::EditIssue(7, failure_page(&worse))]),
            ("another run", &next, Some(&found), None, vec![Task::Comment(7, failure_comment(&next))]),
            ("that again", &next, Some(&found), Some(&told_next), vec![]),
            (
                "a success",
                &success(),
                Some(&found),
                None,
                vec![Task::Comment(7, fix_comment(&success())), Task::Close(7)],
            ),
            ("killed before it was closed", &success(), Some(&found), Some(&told_fixed), vec![Task::Close(7)]),
            ("a success as always", &success(), None, None, vec![]),
            ("cancelled, nothing left", &cancelled, None, None, vec![]),
            ("cancelled, nothing left, and an issue", &cancelled, Some(&found), None, vec![]),
        ];
        for (case, news, found, previous, expected) in table {
            assert_eq!(tasks(news, found, previous), expected, "{case}");
        }
        let later = Notification { run_url: None, ..next.clone() };
        assert_eq!(tasks(&later, Some(&found), Some(&told_next)), [Task::EditComment(7, 4, failure_comment(&later))]);
    }

    #[test]
    fn a_failure_is_told_with_what_one_needs() {
        let page = failure_page(&failure());
        for said in
            ["rolled back to v41", "| Rollback | succeeded |", "| Version | v42 |", "8f3c1b2a9d4e", "@org/on-call"]
        {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert!(page.contains("[run 700, attempt 1](https://github.example.com/org/shop/actions/runs/700/attempts/1)"));
        assert!(!failure_comment(&failure()).contains("@org/on-call"), "who is mentioned in the issue follows it");
        assert_eq!(title(&failure()), "Deployment of shop to prd failed");
        assert_eq!(labels(&failure()), ["deployment", "rollback", "urgent", "prd"]);
    }

    #[test]
    fn the_comment_on_a_pull_request_is_one_whichever_run_tells() {
        let news = Notification { address: Some("https://pr-12.example.com/".to_owned()), ..success() };
        let [Task::Comment(12, body)] = <[Task; 1]>::try_from(tasks_of_comment(&news, 12, None)).unwrap() else {
            panic!("no comment")
        };
        assert!(body.contains("| Address | [open](https://pr-12.example.com/) |"), "{body}");
        let told = find_told(&[comment(1, "x"), comment(4, &body), comment(5, &fix_comment(&news))], &news).unwrap();
        assert_eq!(told.id, 4);
        assert_eq!(tasks_of_comment(&news, 12, Some(&told)), []);
        let next = run(&failure(), 701, 1);
        let told = find_told(&[comment(4, &body)], &next).unwrap();
        assert!(matches!(tasks_of_comment(&next, 12, Some(&told))[..], [Task::EditComment(12, 4, _)]));
        let elsewhere = Notification { environment: "pr-13".to_owned(), ..news };
        assert_eq!(find_told(&[comment(4, &body)], &elsewhere), None);
    }

    proptest! {
        #![proptest_config(config())]

        /// Foreign text adds no structure to a page, and no page is too long.
        #[test]
        fn foreign_text_is_shown_as_it_is(text in foreign()) {
            let harmless = Notification { aftermath: Aftermath::StillServes(None), ..hostile("x") };
            let plain = structure(&failure_page(&harmless)).0;
            prop_assert_eq!(structure(&failure_page(&hostile(&format!("x{text}")))).0, plain);
            let huge = failure_page(&hostile(&text.repeat(900)));
            prop_assert!(huge.chars().count() <= LONGEST_BODY);
            let good = fix_comment(&Notification { status: Status::Success, ..hostile(&text) });
            let outside_of_code: String = good.split('`').step_by(2).collect();
            prop_assert!(!outside_of_code.contains('@'), "{}", good);
        }

        #[test]
        fn any_first_line_is_a_marker_or_not(text in foreign()) {
            let _ = read_marker(&text, &failure());
            let body = format!("{}\n{text}", marker(&failure(), FAILED));
            prop_assert_eq!(read_marker(&body, &failure()), Some((700, FAILED)));
        }
    }
}
