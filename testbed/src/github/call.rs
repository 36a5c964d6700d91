//! One request, as a route sees it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::Answer;
use super::state::{Repository, Shared};
use crate::wire::encode;

/// One request: what was asked, in which repository, by whom.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) repository: &'a mut Repository,
    pub(crate) parameters: BTreeMap<&'static str, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// The body as it was sent, for uploads.
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: String,
    /// Who the token acts as.
    pub(crate) actor: String,
    /// Whether drafts of releases are shown: to those who may write them.
    pub(crate) sees_drafts: bool,
    pub(crate) urls: Urls,
    /// The path as it was asked, base path included, for links to other pages.
    pub(crate) path: String,
    pub(crate) api_version: String,
}

/// Where this GitHub is, as the request reached it.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// `http://127.0.0.1:4000` or `http://127.0.0.1:4000/api/v3`.
    pub(crate) api: String,
    /// `http://127.0.0.1:4000`.
    pub(crate) html: String,
}

impl Urls {
    /// The API's address of a repository.
    pub(crate) fn repository(&self, repository: &Repository) -> String {
        format!("{}/repos/{}", self.api, repository.full_name())
    }

    /// The web page of a repository.
    pub(crate) fn page(&self, repository: &Repository) -> String {
        format!("{}/{}", self.html, repository.full_name())
    }
}

impl Call<'_> {
    /// A path parameter; the route's pattern has it.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A numeric path parameter; anything else is not found.
    pub(crate) fn id(&self, name: &str) -> Result<u64, Answer> {
        self.parameter(name).parse().ok().ok_or_else(Answer::not_found)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A string of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A boolean of the body.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.body.get(name).and_then(Value::as_bool)
    }

    /// A string the body must have.
    pub(crate) fn required(&self, resource: &str, name: &str) -> Result<String, Answer> {
        self.text(name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| Answer::invalid(resource, name, "missing_field"))
    }

    /// `per_page` (at most 100) and `page`.
    pub(crate) fn page(&self) -> (usize, usize) {
        let number = |name, default| self.query(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        (number("per_page", 30).clamp(1, 100), number("page", 1).max(1))
    }

    /// The asked page of `items`, rendered by `shape`, with the `Link` header.
    pub(crate) fn paged<T>(&self, items: &[T], shape: impl Fn(&T) -> Value) -> Answer {
        self.paged_as(items, shape, |page, _| page)
    }

    /// The asked page under a key beside `total_count`.
    pub(crate) fn counted<T>(&self, items: &[T], key: &str, shape: impl Fn(&T) -> Value) -> Answer {
        self.paged_as(items, shape, |page, total| serde_json::json!({"total_count": total, key: page}))
    }

    fn paged_as<T>(
        &self,
        items: &[T],
        shape: impl Fn(&T) -> Value,
        wrap: impl FnOnce(Value, usize) -> Value,
    ) -> Answer {
        let (per_page, page) = self.page();
        let shown = items.iter().skip((page - 1) * per_page).take(per_page);
        let answer = Answer::ok(wrap(shown.map(shape).collect(), items.len()));
        match self.link(items.len()) {
            Some(link) => answer.header("link", link),
            None => answer,
        }
    }

    /// The `Link` header for `total` items; none when they fit one page.
    pub(crate) fn link(&self, total: usize) -> Option<String> {
        let (per_page, page) = self.page();
        let last = total.div_ceil(per_page).max(1);
        let mut targets = Vec::new();
        if page > 1 {
            targets.push(((page - 1).min(last), "prev"));
        }
        if page < last {
            targets.push((page + 1, "next"));
            targets.push((last, "last"));
        }
        if page > 1 {
            targets.push((1, "first"));
        }
        let links: Vec<_> = targets
            .into_iter()
            .map(|(number, relation)| format!("<{}>; rel=\"{relation}\"", self.page_url(number)))
            .collect();
        (!links.is_empty()).then(|| links.join(", "))
    }

    fn page_url(&self, page: usize) -> String {
        let mut query = self.query.clone();
        query.insert("page".to_owned(), page.to_string());
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        format!("{}{}?{}", self.urls.html, self.path, query.join("&"))
    }

    /// The API's address of the repository.
    pub(crate) fn url(&self) -> String {
        self.urls.repository(self.repository)
    }
}
