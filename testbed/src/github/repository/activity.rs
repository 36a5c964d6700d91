//! Workflows, releases and issues, as a test adds and reads them.

use super::Repository;
use crate::github::handlers::{labels, workflows};
use crate::github::records::{Comment, Issue, Release, Ruleset, RunState, Workflow, WorkflowFile, WorkflowRun};

impl Repository {
    /// Adds a workflow file; its id.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_workflow(&self, workflow: Workflow) -> u64 {
        self.with(|shared, repository| {
            let id = shared.next_id();
            repository.workflows.push(WorkflowFile { id, created: shared.now(), description: workflow });
            id
        })
    }

    /// Adds a queued run for this event, branch and commit; its id. A file without a workflow gets one.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_run(&self, file: &str, event: &str, branch: &str, sha: &str) -> u64 {
        if self.with(|_, repository| workflows::named(repository, file).is_none()) {
            self.add_workflow(Workflow { file: file.to_owned(), name: file.to_owned(), ..Workflow::default() });
        }
        self.with(|shared, repository| {
            let Some(workflow) = workflows::named(repository, file).cloned() else {
                return 0;
            };
            let run = WorkflowRun {
                event: event.to_owned(),
                head_branch: branch.to_owned(),
                head_sha: sha.to_owned(),
                ..WorkflowRun::of(&workflow)
            };
            repository.start_run(shared, run)
        })
    }

    /// All runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<WorkflowRun> {
        self.with(|_, repository| repository.runs.clone())
    }

    /// One run.
    #[must_use]
    pub fn run(&self, id: u64) -> Option<WorkflowRun> {
        self.runs().into_iter().find(|run| run.id == id)
    }

    /// Changes a run: its id, attempt, title, approvals, ..
    pub fn edit_run(&self, id: u64, edit: impl FnOnce(&mut WorkflowRun)) {
        self.with(|_, repository| {
            if let Some(run) = repository.runs.iter_mut().find(|run| run.id == id) {
                edit(run);
            }
        });
    }

    /// Moves a run to a state; what was left of its script is dropped.
    pub fn set_run(&self, id: u64, state: RunState) {
        let now = self.with(|shared, _| shared.now());
        self.edit_run(id, |run| {
            run.state = state;
            run.script.clear();
            run.updated_at = now;
        });
    }

    /// Adds a ruleset for tags; its id.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_ruleset(&self, mut ruleset: Ruleset) -> u64 {
        self.with(|shared, repository| {
            ruleset.id = shared.next_id();
            ruleset.created_at = shared.now();
            let id = ruleset.id;
            repository.rulesets.push(ruleset);
            id
        })
    }

    /// All releases, oldest first.
    #[must_use]
    pub fn releases(&self) -> Vec<Release> {
        self.with(|_, repository| repository.releases.clone())
    }

    /// Adds an issue by somebody, as it is on github.com; its number.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the number")]
    pub fn add_issue(&self, author: &str, title: &str, body: &str, labels: &[&str]) -> u64 {
        self.add(author, (title, body), labels, false)
    }

    /// Adds a pull request by somebody; its number.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the number")]
    pub fn add_pull_request(&self, author: &str, title: &str) -> u64 {
        self.add(author, (title, "Please merge."), &[], true)
    }

    fn add(&self, author: &str, (title, body): (&str, &str), labels: &[&str], is_pull_request: bool) -> u64 {
        self.with(|shared, repository| {
            let number = repository.issues.last().map_or(0, |last| last.number) + 1;
            let now = shared.now();
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            labels::make_in(shared, repository, &labels);
            repository.issues.push(Issue {
                id: shared.next_id(),
                number,
                title: title.to_owned(),
                body: Some(body.to_owned()),
                labels,
                assignees: Vec::new(),
                open: true,
                is_pull_request,
                state_reason: None,
                author: author.to_owned(),
                created_at: now,
                updated_at: now,
                closed_at: None,
            });
            number
        })
    }

    /// Adds a comment by somebody.
    pub fn add_comment(&self, issue: u64, author: &str, body: &str) {
        self.with(|shared, repository| {
            let now = shared.now();
            repository.comments.push(Comment {
                id: shared.next_id(),
                issue,
                body: body.to_owned(),
                author: author.to_owned(),
                created_at: now,
                updated_at: now,
            });
        });
    }

    /// Closes an issue.
    pub fn close_issue(&self, number: u64) {
        self.with(|_, repository| {
            if let Some(issue) = repository.issues.iter_mut().find(|issue| issue.number == number) {
                issue.open = false;
            }
        });
    }

    /// Adds a release, as a person makes it.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn add_release(&self, tag: &str, draft: bool, body: &str) -> u64 {
        self.with(|shared, repository| {
            let now = shared.now();
            let id = shared.next_id();
            repository.releases.push(Release {
                id,
                tag_name: tag.to_owned(),
                target_commitish: "main".to_owned(),
                name: Some(tag.to_owned()),
                body: Some(body.to_owned()),
                draft,
                prerelease: false,
                make_latest: "true".to_owned(),
                immutable: repository.immutable_releases && !draft,
                author: "octocat".to_owned(),
                created_at: now,
                published_at: (!draft).then_some(now),
                assets: Vec::new(),
            });
            id
        })
    }

    /// Uses up a tag, as an immutable release does that was deleted: no other release may have it.
    pub fn use_up_tag(&self, tag: &str) {
        self.with(|_, repository| repository.used_up.push(tag.to_owned()));
    }

    /// Changes a release.
    pub fn edit_release(&self, id: u64, edit: impl FnOnce(&mut Release)) {
        self.with(|_, repository| {
            if let Some(release) = repository.releases.iter_mut().find(|release| release.id == id) {
                edit(release);
            }
        });
    }

    /// Drops the labels of new issues without a word, as of a token that may not push.
    pub fn drop_labels(&self) {
        self.with(|_, repository| repository.drops_labels = true);
    }

    /// All issues, oldest first.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        self.with(|_, repository| repository.issues.clone())
    }

    /// The comments of an issue, oldest first.
    #[must_use]
    pub fn comments(&self, issue: u64) -> Vec<Comment> {
        self.with(|_, repository| {
            let all = repository.comments.iter();
            all.filter(|comment| comment.issue == issue).cloned().collect()
        })
    }
}
