//! What run-task decides before it starts anything: whether a task of its own goes on already, or one of somebody else. No I/O.

use sha2::{Digest as _, Sha256};

/// The variable by which a task is found again: `<scope>/<run>/<key>`.
pub(super) const MARK: &str = "DEPLOY_ACTION_TASK";
/// What AWS takes as the name of who started a task is cut here, so that all of it fits:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html#ECS-RunTask-request-startedBy>.
const PART: usize = 32;

/// By what tasks are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The same for all tasks of a purpose, component and environment: of them one goes on at a time.
    pub(super) scope: String,
    /// The run; `local` at a terminal.
    pub(super) run: String,
    /// The same for each attempt of this step of this run.
    key: String,
}

/// A task that AWS knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// By which it is asked for.
    pub(super) id: String,
    /// Its variable [`MARK`].
    pub(super) mark: String,
    /// Whether it has not stopped yet.
    pub(super) goes_on: bool,
}

impl Known {
    /// The run that has started it.
    pub(super) fn run(&self) -> &str {
        self.mark.split('/').nth(1).unwrap_or_default()
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Start a task, after so many of this step that have stopped.
    Start(usize),
    /// Follow the one that an earlier attempt has started.
    Join(Known),
    /// One of somebody else goes on.
    Other(Known),
}

impl Label {
    /// Of a purpose, a component and an environment; of a run, and of what tells its steps apart.
    pub(super) fn new(purpose: &str, component: &str, environment: &str, run: &str, step: &[&str]) -> Self {
        let plain = |text: &str| -> String {
            let plain = text.to_lowercase();
            plain.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(PART).collect()
        };
        let told = hash(&[component, &environment.to_lowercase()]);
        let named: Vec<String> =
            [component, environment].iter().map(|part| plain(part)).filter(|part| !part.is_empty()).collect();
        Self {
            scope: format!("da-{purpose}-{}-{}", named.join("-"), &told[..6]),
            run: run.to_owned(),
            key: hash(&[&[run], step].concat())[..12].to_owned(),
        }
    }

    /// The value of [`MARK`].
    pub(super) fn mark(&self) -> String {
        format!("{}/{}/{}", self.scope, self.run, self.key)
    }

    /// Whether a task belongs to the same scope.
    pub(super) fn is_in_scope(&self, mark: &str) -> bool {
        mark.split('/').next() == Some(self.scope.as_str())
    }

    /// What makes a request of a task that is sent twice one task: the same for the same request after equally many tasks of this step that
    /// have stopped. 64 characters, as many as ECS takes.
    pub(super) fn token(&self, request: &str, before: usize) -> String {
        hash(&[&self.mark(), request, &before.to_string()])
    }
}

fn hash(parts: &[&str]) -> String {
    format!("{:x}", Sha256::digest(parts.join("\0")))
}

/// Decides by the tasks of the scope.
pub(super) fn plan(label: &Label, known: &[Known], ignores_others: bool) -> Plan {
    let mark = label.mark();
    let (own, others): (Vec<&Known>, Vec<&Known>) = known.iter().partition(|one| one.mark == mark);
    if let Some(going) = own.iter().find(|one| one.goes_on) {
        return Plan::Join((*going).clone());
    }
    match others.iter().find(|one| one.goes_on && !ignores_others) {
        Some(other) => Plan::Other((*other).clone()),
        None => Plan::Start(own.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(run: &str) -> Label {
        Label::new("migrate", "shop/api", "PRD", run, &["job", "step"])
    }

    fn known(id: &str, label: &Label, goes_on: bool) -> Known {
        Known { id: id.to_owned(), mark: label.mark(), goes_on }
    }

    #[test]
    fn an_earlier_attempt_is_joined_and_one_that_ended_counts() {
        let (own, other) = (label("7"), label("8"));
        assert_eq!(plan(&own, &[], false), Plan::Start(0));
        assert_eq!(plan(&own, &[known("a", &own, false), known("b", &own, false)], false), Plan::Start(2));
        assert_eq!(
            plan(&own, &[known("a", &own, false), known("b", &own, true)], false),
            Plan::Join(known("b", &own, true))
        );
        assert_eq!(plan(&own, &[known("c", &other, false)], false), Plan::Start(0));
        let others = [known("c", &other, true)];
        assert_eq!(plan(&own, &others, false), Plan::Other(others[0].clone()));
        assert_eq!(plan(&own, &others, true), Plan::Start(0));
        assert_eq!(others[0].run(), "8");
    }

    #[test]
    fn the_scope_is_of_purpose_component_and_environment_and_fits_where_aws_keeps_it() {
        let own = label("7");
        assert!(own.scope.starts_with("da-migrate-shop-api-prd-"), "{}", own.scope);
        assert_eq!(own.scope, Label::new("migrate", "shop/api", "prd", "8", &["x"]).scope);
        assert_ne!(own.scope, Label::new("test", "shop/api", "prd", "7", &["job", "step"]).scope);
        assert_ne!(own.scope, Label::new("migrate", "shop-api", "prd", "7", &["job", "step"]).scope);
        let long = "ä".repeat(200);
        let long = Label::new("migrate", &long, &long, "7", &[]);
        assert!(long.scope.len() <= 128 && long.scope.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        assert!(own.is_in_scope(&label("8").mark()) && !own.is_in_scope(&long.mark()));
    }

    #[test]
    fn a_token_is_of_the_request_and_of_what_went_before() {
        let own = label("7");
        assert_eq!(own.token("{}", 0), label("7").token("{}", 0));
        assert_eq!(own.token("{}", 0).len(), 64);
        for other in [own.token("{}", 1), own.token("{1}", 0), label("8").token("{}", 0)] {
            assert_ne!(other, own.token("{}", 0));
        }
    }
}
