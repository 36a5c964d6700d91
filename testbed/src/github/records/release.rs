//! Releases and their assets.

/// A release.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its id.
    pub id: u64,
    /// Its tag; a draft's need not exist.
    pub tag_name: String,
    /// Where the tag is made when there is none.
    pub target_commitish: String,
    /// Its title.
    pub name: Option<String>,
    /// Its notes.
    pub body: Option<String>,
    /// Whether only writers see it.
    pub draft: bool,
    /// Whether it is marked as not ready for production.
    pub prerelease: bool,
    /// `true`, `false` or `legacy`.
    pub make_latest: String,
    /// Published while the repository had immutable releases.
    pub immutable: bool,
    /// Who made it.
    pub author: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub published_at: Option<i64>,
    /// Its files.
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Shown instead of the name.
    pub label: Option<String>,
    /// Its media type.
    pub content_type: String,
    /// The file itself.
    pub content: Vec<u8>,
    /// `uploaded`; `open` when the upload broke off.
    pub state: String,
    /// Who uploaded it.
    pub uploader: String,
    /// Seconds since 1970.
    pub created_at: i64,
}
