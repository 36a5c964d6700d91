//! What the local GitHub remembers.

use std::collections::{BTreeMap, HashMap};

use super::clock::{Clock, Seconds};
use super::limits::Limits;
use super::objects::Objects;
use super::permissions::Token;
use super::records::{
    CheckRun, Comment, CommitStatus, Deployment, Environment, Issue, Issuer, Label, PullRequest, Release, Ruleset,
    WorkflowFile, WorkflowRun,
};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) shared: Shared,
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// Former names, in lower case, and what they became.
    pub(crate) renamed: BTreeMap<String, String>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) limits: Limits,
    pub(crate) invalid: Vec<String>,
    pub(crate) issuer: Issuer,
}

/// What all repositories share: the clock and the ids.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    last_id: u64,
    /// People and organisations, each with an id.
    accounts: BTreeMap<String, u64>,
}

impl Shared {
    pub(crate) fn now(&self) -> Seconds {
        self.clock.now()
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The id of an account; its first mention makes it.
    pub(crate) fn account(&mut self, login: &str) -> u64 {
        if let Some(id) = self.accounts.get(login) {
            return *id;
        }
        let id = self.next_id();
        self.accounts.insert(login.to_owned(), id);
        id
    }
}

impl State {
    pub(crate) fn new() -> Self {
        let clock = Clock::default();
        Self {
            limits: Limits::new(clock.now()),
            shared: Shared { clock, last_id: 1_000, accounts: BTreeMap::new() },
            repositories: BTreeMap::new(),
            renamed: BTreeMap::new(),
            tokens: HashMap::new(),
            invalid: Vec::new(),
            issuer: Issuer::default(),
        }
    }

    /// The repository `owner/name`; its first mention makes it.
    pub(crate) fn repository(&mut self, full_name: &str) -> (&mut Shared, &mut Repository) {
        let key = full_name.to_lowercase();
        if !self.repositories.contains_key(&key) {
            let made = Repository::new(&mut self.shared, full_name);
            self.repositories.insert(key.clone(), made);
        }
        let repository = self.repositories.entry(key).or_insert_with(|| Repository::new(&mut self.shared, full_name));
        (&mut self.shared, repository)
    }
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) owner_id: u64,
    pub(crate) name: String,
    pub(crate) created: Seconds,
    pub(crate) default_branch: String,
    pub(crate) private: bool,
    pub(crate) has_issues: bool,
    /// Whether labels of new issues are dropped.
    pub(crate) drops_labels: bool,
    pub(crate) immutable_releases: bool,
    /// Tags of immutable releases that were deleted: no other release may have them.
    pub(crate) used_up: Vec<String>,
    pub(crate) objects: Objects,
    /// `heads/main` and `tags/v1` to an object id.
    pub(crate) refs: BTreeMap<String, String>,
    /// How many entries a tree listing holds before it is cut short.
    pub(crate) tree_limit: usize,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) environments: BTreeMap<String, Environment>,
    pub(crate) statuses: Vec<CommitStatus>,
    pub(crate) checks: Vec<CheckRun>,
    pub(crate) rulesets: Vec<Ruleset>,
    pub(crate) workflows: Vec<WorkflowFile>,
    pub(crate) runs: Vec<WorkflowRun>,
    pub(crate) releases: Vec<Release>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) labels: Vec<Label>,
    /// By number; each is an issue too.
    pub(crate) pull_requests: BTreeMap<u64, PullRequest>,
    /// Branches with a protection rule, and the checks it asks for.
    pub(crate) protected: BTreeMap<String, Vec<String>>,
    /// Names of `secrets` and `variables`: of the repository (an empty text), `organization`, `environment <name>`.
    pub(crate) names: BTreeMap<(String, String), Vec<String>>,
}

/// GitHub's own limit of a recursive tree listing.
const TREE_LIMIT: usize = 100_000;

impl Repository {
    fn new(shared: &mut Shared, full_name: &str) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap_or(("org", full_name));
        Self {
            id: shared.next_id(),
            owner: owner.to_owned(),
            owner_id: shared.account(owner),
            name: name.to_owned(),
            created: shared.now(),
            default_branch: "main".to_owned(),
            private: true,
            has_issues: true,
            drops_labels: false,
            immutable_releases: false,
            used_up: Vec::new(),
            objects: Objects::default(),
            refs: BTreeMap::new(),
            tree_limit: TREE_LIMIT,
            deployments: Vec::new(),
            environments: BTreeMap::new(),
            statuses: Vec::new(),
            checks: Vec::new(),
            rulesets: Vec::new(),
            workflows: Vec::new(),
            runs: Vec::new(),
            releases: Vec::new(),
            issues: Vec::new(),
            comments: Vec::new(),
            labels: Vec::new(),
            pull_requests: BTreeMap::new(),
            protected: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Adds a run; its id.
    pub(crate) fn start_run(&mut self, shared: &mut Shared, mut run: WorkflowRun) -> u64 {
        if run.id == 0 {
            run.id = shared.next_id();
        }
        run.created_at = shared.now();
        run.updated_at = run.created_at;
        let id = run.id;
        self.runs.push(run);
        id
    }

    /// The commit that `name` means: an id, a short id, `heads/x`, `tags/x`, or a bare branch or tag, branches first.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix("refs/").unwrap_or(name);
        let object = [name.to_owned(), format!("heads/{name}"), format!("tags/{name}")]
            .iter()
            .find_map(|candidate| self.refs.get(candidate).cloned())
            .unwrap_or_else(|| name.to_owned());
        if let Some(commit) = self.objects.peel(&object) {
            return Some(commit.sha.clone());
        }
        let short = object.len() >= 7 && object.bytes().all(|byte| byte.is_ascii_hexdigit());
        short.then(|| self.objects.abbreviated(&object)).flatten().map(|commit| commit.sha.clone())
    }
}
