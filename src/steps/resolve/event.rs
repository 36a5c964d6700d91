//! What happened, read from the event's payload: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>. No I/O.

use serde_json::Value;

use crate::action::event::is_elsewhere;
use crate::action::inputs::CommitSha;
use crate::text;

/// Longest foreign name shown.
const SHOWN: usize = 100;

/// An event, as far as it says what to deploy.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// A branch was pushed to, or a schedule ran on it. Its name is any that git takes, like that of a tag.
    Branch { name: String, commit: CommitSha },
    /// A tag was pushed.
    Tag { name: String, commit: CommitSha },
    /// A release was published. Its `target_commitish` is where the tag would have been made, not where it is.
    Release { tag: String, prerelease: bool, action: ReleaseAction },
    /// Another workflow ended.
    WorkflowRun(WorkflowRun),
    /// Somebody asked for a deployment.
    Dispatch(Dispatch),
    /// Something happened to a pull request.
    PullRequest(PullRequest),
    /// Nothing is deployed for it, because.
    Other(String),
}

/// What happened to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReleaseAction {
    /// It was published.
    Published,
    /// It is a full release now: GitHub sends `released` beside `published`, and alone when a pre-release is promoted.
    Released,
}

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefKind {
    Branch,
    Tag,
}

/// A run of another workflow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WorkflowRun {
    /// The name of a branch, or, after the push of a tag, of that tag: the event does not say which.
    pub(super) name: String,
    /// Which of them it is, once that was looked at.
    pub(super) kind: Option<RefKind>,
    pub(super) commit: CommitSha,
    pub(super) workflow: String,
    /// The workflow's file, without its folder.
    pub(super) file: String,
    pub(super) conclusion: String,
}

/// What was asked for, by `workflow_dispatch` or `repository_dispatch`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Dispatch {
    pub(super) environment: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) version: Option<String>,
    /// Where the run was started: the branch or tag that was chosen, with `refs/..`.
    pub(super) git_ref: String,
    /// Its commit.
    pub(super) commit: Option<CommitSha>,
}

/// A pull request. Its commit is the head's: `GITHUB_SHA` is that of a merge which was never built, or of the base branch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PullRequest {
    pub(super) number: u64,
    pub(super) commit: CommitSha,
    /// The repository that the head is in, `owner/name`; `None` once it is deleted.
    pub(super) head_repository: Option<String>,
    /// Whether that is another repository than this one.
    pub(super) is_fork: bool,
    pub(super) state: PullRequestState,
}

/// Whether a pull request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PullRequestState {
    Open,
    /// This event closed it, merged or not.
    JustClosed,
    /// It was closed before.
    Closed,
}

/// Where the run stands, as the runner says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// `GITHUB_EVENT_NAME`.
    pub(super) event: &'a str,
    /// `GITHUB_REF`.
    pub(super) git_ref: &'a str,
    /// `GITHUB_SHA`.
    pub(super) commit: Option<&'a CommitSha>,
}

impl Event {
    /// Reads an event; the error says what the payload lacks.
    pub(super) fn read(place: Place<'_>, payload: &Value) -> Result<Self, String> {
        match place.event {
            "push" => push(place, payload),
            "schedule" => on_ref(place.git_ref, place.commit.cloned(), place.event),
            "release" => release(payload),
            "workflow_run" => workflow_run(payload),
            "workflow_dispatch" => Ok(Self::Dispatch(dispatch(place, &payload["inputs"]))),
            "repository_dispatch" => Ok(Self::Dispatch(dispatch(place, &payload["client_payload"]))),
            "pull_request" | "pull_request_target" if !payload["pull_request"].is_null() => {
                pull_request(payload).map(Self::PullRequest)
            }
            "" => Err("GITHUB_EVENT_NAME is not set: this step reads the event that started the run".to_owned()),
            name => Ok(other(format!("no rule is about the event {}", text::truncated(name, SHOWN)))),
        }
    }
}

fn other(why: impl Into<String>) -> Event {
    Event::Other(why.into())
}

fn push(place: Place<'_>, payload: &Value) -> Result<Event, String> {
    let git_ref = payload["ref"].as_str().unwrap_or(place.git_ref);
    if payload["deleted"] == true {
        return Ok(other(format!("{} was deleted", label(git_ref))));
    }
    // Of an annotated tag `after` names the tag's object, and `head_commit` the commit.
    let head = payload["head_commit"]["id"].as_str().and_then(|id| id.parse().ok());
    on_ref(git_ref, head.or_else(|| place.commit.cloned()), place.event)
}

/// An event about a branch or a tag.
fn on_ref(git_ref: &str, commit: Option<CommitSha>, event: &str) -> Result<Event, String> {
    let commit =
        commit.ok_or_else(|| format!("the event {event} has no commit, and GITHUB_SHA is not set or no commit"))?;
    let named = |kind: &str| git_ref.strip_prefix(kind).map(str::to_owned);
    if let Some(name) = named("refs/tags/") {
        return Ok(Event::Tag { name, commit });
    }
    let none = || other(format!("{} is no branch and no tag", label(git_ref)));
    Ok(named("refs/heads/").map_or_else(none, |name| Event::Branch { name, commit }))
}

fn release(payload: &Value) -> Result<Event, String> {
    let action = match payload["action"].as_str().unwrap_or_default() {
        "published" => ReleaseAction::Published,
        "released" => ReleaseAction::Released,
        action => {
            let why = "only `published` and `released` ones are deployed";
            return Ok(other(format!("the release was {}, and {why}", label(action))));
        }
    };
    let tag = payload["release"]["tag_name"].as_str().ok_or("the event release holds no `release.tag_name`")?;
    Ok(Event::Release { tag: tag.to_owned(), prerelease: payload["release"]["prerelease"] == true, action })
}

fn workflow_run(payload: &Value) -> Result<Event, String> {
    let run = &payload["workflow_run"];
    let text = |name: &str| run[name].as_str().unwrap_or_default();
    // What the run does not say of its workflow, the workflow may.
    let of_workflow = |name: &str| {
        let of_run = Some(text(name)).filter(|text| !text.is_empty());
        of_run.or_else(|| payload["workflow"][name].as_str()).unwrap_or_default()
    };
    let workflow = of_workflow("name").to_owned();
    if payload["action"] != "completed" {
        return Ok(other(format!("the workflow {} has not ended yet", label(&workflow))));
    }
    // Whoever may open a pull request decides what runs for it, and whoever may fork what the branch is called.
    if text("event").starts_with("pull_request") {
        return Ok(other(format!("the workflow {} ran for a pull request, which is not deployed", label(&workflow))));
    }
    if is_elsewhere(&run["head_repository"], &payload["repository"]) {
        return Ok(other(format!("the workflow {} ran for another repository", label(&workflow))));
    }
    let commit =
        text("head_sha").parse().map_err(|why: String| format!("`head_sha` of the event workflow_run {why}"))?;
    let path = of_workflow("path").split('@').next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Event::WorkflowRun(WorkflowRun {
        name: text("head_branch").to_owned(),
        kind: None,
        commit,
        workflow,
        file,
        conclusion: text("conclusion").to_owned(),
    }))
}

/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>
fn pull_request(payload: &Value) -> Result<PullRequest, String> {
    let request = &payload["pull_request"];
    let head = &request["head"];
    let number = request["number"].as_u64().ok_or("the event pull_request holds no `pull_request.number`")?;
    let commit = head["sha"].as_str().unwrap_or_default();
    let commit =
        commit.parse().map_err(|why: String| format!("`pull_request.head.sha` of the event pull_request {why}"))?;
    let state = match (payload["action"].as_str(), request["state"].as_str()) {
        (Some("closed"), _) => PullRequestState::JustClosed,
        (_, Some("open")) => PullRequestState::Open,
        (_, Some("closed")) => PullRequestState::Closed,
        (_, state) => {
            return Err(format!(
                "`pull_request.state` is {}: it is unknown whether it is open",
                label(state.unwrap_or_default())
            ));
        }
    };
    Ok(PullRequest {
        number,
        commit,
        head_repository: head["repo"]["full_name"].as_str().map(str::to_owned),
        is_fork: is_elsewhere(&head["repo"], &payload["repository"]),
        state,
    })
}

/// `asked` is null where the workflow declares no inputs.
fn dispatch(place: Place<'_>, asked: &Value) -> Dispatch {
    let given = |name: &str| match &asked[name] {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Dispatch {
        environment: given("environment"),
        tag: given("tag").map(|tag| tag.strip_prefix("refs/tags/").map_or(tag.clone(), str::to_owned)),
        version: given("version"),
        git_ref: place.git_ref.to_owned(),
        commit: place.commit.cloned(),
    }
}

fn label(name: &str) -> String {
    text::truncated(name, SHOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEAD: &str = "4fe2c1a9d4e5f60718293a4b5c6d7e8f9a0b1c2d";
    const OBJECT: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

    fn read(event: &str, git_ref: &str, payload: &Value) -> Result<Event, String> {
        let commit = HEAD.parse().unwrap();
        Event::read(Place { event, git_ref, commit: Some(&commit) }, payload)
    }

    #[test]
    fn pushes_are_told_apart_by_their_reference() {
        let commit = || HEAD.parse().unwrap();
        let main = Event::Branch { name: "main".to_owned(), commit: commit() };
        assert_eq!(read("push", "refs/heads/main", &json!({"ref": "refs/heads/main", "after": HEAD})), Ok(main));
        let annotated = json!({"ref": "refs/tags/v1.2.3", "after": OBJECT, "head_commit": {"id": HEAD}});
        let tag = Event::Tag { name: "v1.2.3".to_owned(), commit: commit() };
        assert_eq!(read("push", "refs/tags/v1.2.3", &annotated), Ok(tag));
        let odd = Event::Branch { name: "fix/#12".to_owned(), commit: commit() };
        assert_eq!(read("push", "refs/heads/fix/#12", &json!({"ref": "refs/heads/fix/#12"})), Ok(odd));
        for payload in [json!({"ref": "refs/heads/main", "deleted": true}), json!({"ref": "refs/pull/1/merge"})] {
            assert!(matches!(read("push", "refs/heads/main", &payload), Ok(Event::Other(_))), "{payload}");
        }
    }

    #[test]
    fn releases_are_deployed_when_they_are_published_or_promoted() {
        let payload = |action: &str, tag: &str| json!({"action": action, "release": {"tag_name": tag, "target_commitish": "main", "prerelease": true}});
        for (word, tag, action) in [
            ("published", "v1.2.3", ReleaseAction::Published),
            ("released", "v1.2.3", ReleaseAction::Released),
            ("published", "@scope/pkg@1.2.3", ReleaseAction::Published),
            ("published", "v1;x", ReleaseAction::Published),
        ] {
            let release = Event::Release { tag: tag.to_owned(), prerelease: true, action };
            assert_eq!(read("release", "", &payload(word, tag)), Ok(release));
        }
        for action in ["created", "edited", "prereleased"] {
            assert!(matches!(read("release", "", &payload(action, "v1.2.3")), Ok(Event::Other(_))), "{action}");
        }
        assert!(read("release", "", &json!({"action": "published"})).is_err());
    }

    #[test]
    fn runs_for_pull_requests_and_forks_are_not_deployed() {
        let payload = |event: &str, head: u64| {
            json!({
                "action": "completed",
                "repository": {"id": 7},
                "workflow_run": {
                    "name": "CI", "path": ".github/workflows/ci.yml@main", "event": event, "head_branch": "main",
                    "head_sha": HEAD, "conclusion": "success", "head_repository": {"id": head},
                },
            })
        };
        let Ok(Event::WorkflowRun(run)) = read("workflow_run", "", &payload("push", 7)) else { panic!() };
        assert_eq!((run.workflow.as_str(), run.file.as_str(), run.name.as_str()), ("CI", "ci.yml", "main"));
        let mut unnamed = payload("push", 7);
        for nothing in [json!(""), json!(null)] {
            unnamed["workflow_run"]["name"] = nothing.clone();
            unnamed["workflow_run"]["path"] = nothing;
            unnamed["workflow"] = json!({"name": "test", "path": ".github/workflows/test.yml"});
            let Ok(Event::WorkflowRun(run)) = read("workflow_run", "", &unnamed) else { panic!() };
            assert_eq!((run.workflow.as_str(), run.file.as_str()), ("test", "test.yml"));
        }
        for payload in [payload("pull_request", 7), payload("push", 8)] {
            assert!(matches!(read("workflow_run", "", &payload), Ok(Event::Other(_))), "{payload}");
        }
        let mut going = payload("push", 7);
        going["action"] = json!("requested");
        assert!(matches!(read("workflow_run", "", &going), Ok(Event::Other(_))));
    }

    #[test]
    fn a_dispatch_may_say_nothing() {
        let Ok(Event::Dispatch(none)) = read("workflow_dispatch", "refs/heads/main", &json!({"inputs": null})) else {
            panic!()
        };
        assert_eq!((none.environment, none.tag, none.version), (None, None, None));
        let payload =
            json!({"client_payload": {"environment": " stg ", "tag": "refs/tags/v1", "version": 7, "deep": {}}});
        let Ok(Event::Dispatch(some)) = read("repository_dispatch", "refs/heads/main", &payload) else { panic!() };
        let text = |part: &str| Some(part.to_owned());
        assert_eq!((some.environment, some.tag, some.version), (text("stg"), text("v1"), text("7")));
    }

    #[test]
    fn other_events_are_named() {
        for event in ["pull_request_review", "issues", "merge_group"] {
            assert!(matches!(read(event, "", &json!({})), Ok(Event::Other(_))), "{event}");
        }
        assert!(read("", "", &json!({})).is_err());
    }

    #[test]
    fn a_pull_request_of_an_unknown_state_is_no_open_one() {
        let payload = |state: Value| {
            let head = json!({"sha": HEAD, "repo": {"id": 1, "full_name": "org/shop"}});
            json!({"action": "labeled", "repository": {"id": 1}, "pull_request": {"number": 12, "state": state, "head": head}})
        };
        let Ok(Event::PullRequest(open)) = read("pull_request", "", &payload(json!("open"))) else { panic!() };
        assert_eq!((open.state, open.is_fork), (PullRequestState::Open, false));
        for state in [json!("locked"), json!(null)] {
            assert!(read("pull_request", "", &payload(state)).is_err());
        }
    }
}
