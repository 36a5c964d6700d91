//! How a registry behaves where registries differ.

use std::time::Duration;

/// How callers say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// They need not.
    None,
    /// User and password with every request, as ECR has it.
    Basic,
    /// A token of the token endpoint, as the GitHub Container Registry has it.
    Bearer,
}

/// The `Location` of uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `/v2/..`
    Relative,
    /// `http://host/v2/..`, or, if the request's `Host` is not the registry's own, `https://` and that host.
    Absolute,
    /// There is none.
    Missing,
    /// `http://` and this host and port.
    OtherHost(String),
}

/// What a request to mount a blob of another repository leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The blob is there (201), if the other repository has it and the caller may read that.
    Granted,
    /// As `Granted`, if a manifest of the other repository needs the blob, as ECR has it once `BLOB_MOUNTING` is on.
    OfReferenced,
    /// An upload is begun (202).
    Refused,
}

/// How a registry behaves where registries differ. May be changed while it runs: [`super::Registry::configure`].
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent switch")]
pub struct Options {
    /// How callers say who they are.
    pub login: Login,
    /// Whether anybody may read.
    pub public: bool,
    /// Whether tokens are given at the registry's own host, as on ghcr.io, instead of at a port of their own.
    pub own_tokens: bool,
    /// How long a token of the token endpoint is good for.
    pub token_lifetime: Duration,
    /// Whether the token endpoint tells `expires_in`.
    pub tells_lifetime: bool,
    /// Whether the token endpoint tells it as text, as it should not.
    pub lifetime_as_text: bool,
    /// Whether another way to log in is offered first, in a field of its own.
    pub negotiates: bool,
    /// The repository that scopes name, whichever is asked for: a mirror has the names of its source.
    pub upstream: Option<String>,
    /// Whether a repository must be there before the first push: [`super::Registry::create_repository`].
    pub known_repositories: bool,
    /// Whether `Docker-Content-Digest` is sent.
    pub digest_header: bool,
    /// Whether the answer to a manifest PUT has a `Location`.
    pub manifest_location: bool,
    /// Whether `GET` of a manifest is refused if `Accept` does not name its media type.
    pub strict_accept: bool,
    /// Whether a manifest's blobs and children must be there first.
    pub validates: bool,
    /// Whether a tag may never be put twice, not even on the same digest (`TAG_INVALID`).
    pub immutable: bool,
    /// Whether media types may have parameters (`;version=0.2`).
    pub media_type_parameters: bool,
    /// Whether a blob may be empty.
    pub empty_blobs: bool,
    /// Whether there is an API for referrers.
    pub referrers: bool,
    /// Whether `GET` of a blob is a redirect to the blob store, another host that refuses `Authorization`.
    pub redirects: bool,
    /// Whether `Range` is heeded in `GET` of blobs.
    pub ranges: bool,
    /// The status of a `PATCH` that went well.
    pub patch_status: u16,
    /// Whether a `PUT` with a body is refused (416) in a session that holds bytes already.
    pub refuses_restart: bool,
    /// Where uploads go on.
    pub location: Location,
    /// What mounting leads to.
    pub mount: Mount,
    /// The most tags of one page.
    pub page: usize,
    /// Whether uploaded blobs are hashed and forgotten; what is read back then is other content of the same length.
    pub discards: bool,
}

impl Options {
    /// As the GitHub Container Registry.
    pub(super) fn ghcr() -> Self {
        Self {
            login: Login::Bearer,
            public: false,
            own_tokens: false,
            token_lifetime: Duration::from_mins(5),
            tells_lifetime: true,
            lifetime_as_text: false,
            negotiates: false,
            upstream: None,
            known_repositories: false,
            digest_header: true,
            manifest_location: true,
            strict_accept: true,
            validates: true,
            immutable: false,
            media_type_parameters: true,
            empty_blobs: true,
            referrers: false,
            redirects: true,
            ranges: true,
            patch_status: 202,
            refuses_restart: false,
            location: Location::Relative,
            mount: Mount::Granted,
            page: 100,
            discards: false,
        }
    }

    /// As ECR.
    pub(super) fn ecr() -> Self {
        Self {
            login: Login::Basic,
            known_repositories: true,
            manifest_location: false,
            strict_accept: false,
            media_type_parameters: false,
            empty_blobs: false,
            referrers: true,
            patch_status: 201,
            refuses_restart: true,
            location: Location::Absolute,
            mount: Mount::Refused,
            page: 1000,
            ..Self::ghcr()
        }
    }
}
