//! The issue about failures: one for each environment and component. Its texts, how it is found again, and what is to be done with it.

use std::fmt::{self, Write as _};

use super::job_status::Ended;
use super::notification::Notification;
use crate::github::{Comment, Issue, LONGEST_BODY, NewIssue};
use crate::text::{Foreign, truncated};

/// The most bytes of one line that a step said.
const LINE: usize = 2000;
/// The most of such lines.
const LINES: usize = 20;

/// What a text of ours begins with: it is found again by that, and by nothing else. Quoted, it does not stand first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    environment: String,
    component: String,
    /// The run that told it. Its attempts tell it once.
    run: u64,
    said: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Failed,
    Fixed,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, component, run, said } = self;
        let said = if *said == State::Failed { "failed" } else { "fixed" };
        write!(f, "<!-- deploy-action:notify environment={environment} component={component} run={run} {said} -->")
    }
}

impl Marker {
    fn of(news: &Notification) -> Self {
        Self {
            environment: news.environment.clone(),
            component: news.component.clone(),
            run: news.run.id,
            said: if news.ended == Ended::Success { State::Fixed } else { State::Failed },
        }
    }

    /// Reads the first line of a text.
    fn read(body: &str) -> Option<Self> {
        let line = body.lines().next()?.strip_prefix("<!-- deploy-action:notify ")?.strip_suffix(" -->")?;
        let [environment, component, run, said] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            environment: environment.strip_prefix("environment=")?.to_owned(),
            component: component.strip_prefix("component=")?.to_owned(),
            run: run.strip_prefix("run=")?.parse().ok()?,
            said: match said {
                "failed" => State::Failed,
                "fixed" => State::Fixed,
                _ => return None,
            },
        })
    }

    /// Whether it is about the same environment and component.
    fn is_about(&self, news: &Notification) -> bool {
        self.environment.eq_ignore_ascii_case(&news.environment) && self.component == news.component
    }
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
    /// The issue that this run opened just now.
    pub(super) fn opened(issue: &Issue, news: &Notification) -> Self {
        let body = issue.body.clone().unwrap_or_default();
        Self { number: issue.number, url: issue.html_url.clone(), body, run: news.run.id }
    }

    /// Whether the run that opened it is this one.
    pub(super) fn is_of(&self, news: &Notification) -> bool {
        self.run == news.run.id
    }
}

/// The issue among those that are open. Others may look like it: only who may write for the repository is believed.
pub(super) fn find(issues: &[Issue], news: &Notification) -> Option<Found> {
    issues.iter().find_map(|issue| {
        let body = issue.trusted_body()?;
        let marker = Marker::read(body).filter(|marker| marker.is_about(news) && marker.said == State::Failed)?;
        Some(Found { number: issue.number, url: issue.html_url.clone(), body: body.to_owned(), run: marker.run })
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
    comments.iter().find_map(|comment| {
        let body = comment.trusted_body()?;
        let same = Marker::read(body).as_ref() == Some(&Marker::of(news));
        same.then(|| Previous { id: comment.id, body: body.to_owned() })
    })
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Nothing,
    Open(NewIssue),
    EditIssue(u64, String),
    EditComment(u64, String),
    Comment(u64, String),
    Close(u64),
}

/// Whether the comments have to be read for [`tasks`].
pub(super) fn needs_comments(news: &Notification, found: Option<&Found>) -> bool {
    found.is_some_and(|found| news.ended == Ended::Success || news.is_failure() && !found.is_of(news))
}

/// What is to be done with the issue. What this run said before is not said again; where a later attempt knows more, it is corrected.
pub(super) fn tasks(news: &Notification, found: Option<&Found>, previous: Option<&Previous>) -> Vec<Task> {
    let task = match (news.ended == Ended::Success, news.is_failure(), found, previous) {
        (true, _, Some(found), Some(_)) => return vec![Task::Close(found.number)],
        (true, _, Some(found), None) => {
            return vec![Task::Comment(found.number, fixed(news)), Task::Close(found.number)];
        }
        (false, true, None, _) => Task::Open(NewIssue { title: title(news), body: failed(news), labels: labels(news) }),
        (false, true, Some(found), _) if found.is_of(news) => match failed(news) {
            body if is_same(&body, &found.body) => Task::Nothing,
            body => Task::EditIssue(found.number, body),
        },
        (false, true, Some(_), Some(previous)) => match failed_again(news) {
            body if is_same(&body, &previous.body) => Task::Nothing,
            body => Task::EditComment(previous.id, body),
        },
        (false, true, Some(found), None) => Task::Comment(found.number, failed_again(news)),
        (true, _, None, _) | (false, false, _, _) => Task::Nothing,
    };
    vec![task]
}

/// GitHub may give lines back with other ends.
fn is_same(one: &str, other: &str) -> bool {
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

fn failed(news: &Notification) -> String {
    let end = "The next deployment there that succeeds closes this issue; one that fails is told in a comment. The first line, \
               which is hidden, is what it is found by.";
    let mention = if news.mention.is_empty() { String::new() } else { format!("\n{}\n", news.mention.join(" ")) };
    page(news, &format!("{mention}\n{end}\n"))
}

fn failed_again(news: &Notification) -> String {
    page(news, "")
}

/// One failure: what happened, a table, what the steps found.
fn page(news: &Notification, end: &str) -> String {
    let mut page = format!(
        "{}\n**{} {}**\n\n|||\n|---|---|\n",
        Marker::of(news),
        news.sign(),
        Foreign::new(news.headline()).for_markdown(LINE)
    );
    // Writing to a String cannot fail.
    for (name, value) in news.facts() {
        let _ = writeln!(page, "| {name} | {} |", Foreign::new(&value).for_markdown(LINE));
    }
    let _ = writeln!(page, "| Run | {} |", run(news));
    let troubles = news.troubles();
    if !troubles.is_empty() {
        page.push_str("\nWhat the steps found:\n\n");
    }
    for line in troubles.iter().take(LINES) {
        let _ = writeln!(page, "- {}", Foreign::new(line).for_markdown(LINE));
    }
    if troubles.len() > LINES {
        let _ = writeln!(page, "- and {} more", troubles.len() - LINES);
    }
    page.push_str(end);
    // A character is a byte or more: fewer bytes than GitHub takes characters are never too many.
    truncated(&page, LONGEST_BODY)
}

fn fixed(news: &Notification) -> String {
    format!(
        "{}\n{} {}: {}\n",
        Marker::of(news),
        news.sign(),
        Foreign::new(news.headline()).for_markdown(LINE),
        run(news)
    )
}

/// The run as a link. Its address comes from the runner.
fn run(news: &Notification) -> String {
    match &news.run_url {
        Some(url) if !url.contains(|c: char| c.is_whitespace() || c.is_control() || "()<>|".contains(c)) => {
            format!("[{}]({url})", news.run_words())
        }
        _ => news.run_words(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::notification::Aftermath;
    use super::super::notification::tests::{failure, hostile, success};
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
        Notification { run: Run { id, attempt }, ..news.clone() }
    }

    #[test]
    fn the_issue_is_found_by_its_first_line_and_its_author() {
        let ours = failed(&failure());
        let elsewhere = [
            failed(&Notification { environment: "stg".to_owned(), ..failure() }),
            failed(&Notification { component: "shop2".to_owned(), ..failure() }),
        ];
        let look_alikes = [
            issue(1, &ours, "User"),
            issue(2, &format!("> {ours}"), "Bot"),
            issue(3, &format!("see\n{ours}"), "Bot"),
            issue(4, &fixed(&success()), "Bot"),
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
        let found = find(&[issue(7, &failed(&first), "Bot")], &first).unwrap();
        let again = run(&first, 700, 2);
        let worse = Notification { aftermath: Aftermath::StillServes(None), ..first.clone() };
        let next = run(&first, 701, 1);
        let told_next = previous(&[comment(3, "x"), comment(4, &failed_again(&next))], &next).unwrap();
        let told_fixed = previous(&[comment(5, &fixed(&success()))], &success()).unwrap();
        assert_eq!(previous(&[comment(4, &failed_again(&next))], &first), None);
        let cancelled = Notification { ended: Ended::Cancelled, ..first.clone() };
        let open =
            |news: &Notification| Task::Open(NewIssue { title: title(news), body: failed(news), labels: labels(news) });
        let table = [
            ("the first failure", &first, None, None, vec![open(&first)]),
            ("the same again", &first, Some(&found), None, vec![Task::Nothing]),
            ("a second attempt", &again, Some(&found), None, vec![Task::EditIssue(7, failed(&again))]),
            ("it became worse", &worse, Some(&found), None, vec![Task::EditIssue(7, failed(&worse))]),
            ("another run", &next, Some(&found), None, vec![Task::Comment(7, failed_again(&next))]),
            ("that again", &next, Some(&found), Some(&told_next), vec![Task::Nothing]),
            ("a success", &success(), Some(&found), None, vec![Task::Comment(7, fixed(&success())), Task::Close(7)]),
            ("killed before it was closed", &success(), Some(&found), Some(&told_fixed), vec![Task::Close(7)]),
            ("a success as always", &success(), None, None, vec![Task::Nothing]),
            ("cancelled, nothing left", &cancelled, None, None, vec![Task::Nothing]),
            ("cancelled, nothing left, and an issue", &cancelled, Some(&found), None, vec![Task::Nothing]),
        ];
        for (case, news, found, previous, expected) in table {
            assert_eq!(tasks(news, found, previous), expected, "{case}");
        }
        let later = Notification { run_url: None, ..next.clone() };
        assert_eq!(tasks(&later, Some(&found), Some(&told_next)), [Task::EditComment(4, failed_again(&later))]);
    }

    #[test]
    fn a_failure_is_told_with_what_one_needs() {
        let page = failed(&failure());
        for said in
            ["rolled back to v41", "| Rollback | succeeded |", "| Version | v42 |", "8f3c1b2a9d4e", "@org/on-call"]
        {
            assert!(page.contains(said), "{said}\n{page}");
        }
        assert!(page.contains("[run 700, attempt 1](https://github.example.com/org/shop/actions/runs/700/attempts/1)"));
        assert!(!failed_again(&failure()).contains("@org/on-call"), "who is mentioned in the issue follows it");
        assert_eq!(title(&failure()), "Deployment of shop to prd failed");
        assert_eq!(labels(&failure()), ["deployment", "rollback", "urgent", "prd"]);
    }

    proptest! {
        #![proptest_config(config())]

        /// Foreign text adds no structure to a page, and no page is too long.
        #[test]
        fn foreign_text_is_shown_as_it_is(text in foreign()) {
            let harmless = Notification { aftermath: Aftermath::StillServes(None), ..hostile("x") };
            let plain = structure(&failed(&harmless)).0;
            prop_assert_eq!(structure(&failed(&hostile(&format!("x{text}")))).0, plain);
            let huge = failed(&hostile(&text.repeat(900)));
            prop_assert!(huge.chars().count() <= LONGEST_BODY);
            let good = fixed(&Notification { ended: Ended::Success, ..hostile(&text) });
            let outside_of_code: String = good.split('`').step_by(2).collect();
            prop_assert!(!outside_of_code.contains('@'), "{}", good);
        }

        #[test]
        fn any_first_line_is_a_marker_or_not(text in foreign()) {
            let _ = Marker::read(&text);
            let marker = Marker::of(&failure());
            prop_assert_eq!(Marker::read(&format!("{marker}\n{text}")), Some(marker));
        }
    }
}
