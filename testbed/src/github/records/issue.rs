//! Issues and their comments.

/// An issue.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its id.
    pub id: u64,
    /// Its number in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: Option<String>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is a pull request: GitHub numbers and lists them among the issues.
    pub is_pull_request: bool,
    /// `completed not_planned reopened`; none while it has never been closed.
    pub state_reason: Option<String>,
    /// Who opened it.
    pub author: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub updated_at: i64,
    /// Seconds since 1970.
    pub closed_at: Option<i64>,
}

/// A comment on an issue.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// The number of its issue.
    pub issue: u64,
    /// Its text.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub updated_at: i64,
}
