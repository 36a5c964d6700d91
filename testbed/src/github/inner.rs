//! What the server and its handles share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::permissions::{Grant, Token};
use super::state::State;
use crate::lock::lock;
use crate::wire::Traffic;

#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    pub(crate) traffic: Traffic,
}

impl Inner {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::new()), traffic: Traffic::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn issue_token(&self, repositories: &[(&str, &[Grant])]) -> String {
        self.issue_token_of("github-actions[bot]", repositories)
    }

    pub(crate) fn issue_token_of(&self, actor: &str, repositories: &[(&str, &[Grant])]) -> String {
        let mut state = self.state();
        for (repository, _) in repositories {
            state.repository(repository);
        }
        let mut token = Token { actor: actor.to_owned(), repositories: BTreeMap::new() };
        for (repository, grants) in repositories {
            token.grant(repository, grants);
        }
        let text = format!("ghs_localtoken{:022}", state.shared.next_id());
        state.tokens.insert(text.clone(), token);
        text
    }
}
