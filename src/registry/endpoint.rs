//! Where a registry is reached, and where it may send us: its own host with credentials, other hosts without.

use std::borrow::Cow;

use anyhow::{Context as _, Result};
use url::Url;

use crate::action::inputs::{Lines, RegistryEndpoint};
use crate::text::message;

/// How one registry is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The registry, as images name it.
    pub(super) host: String,
    /// What requests name as their host.
    pub(super) wire: String,
    /// What is connected to.
    base: Url,
}

/// A place a registry named in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its own: credentials go there.
    Own(Url),
    /// Another host: no credentials go there.
    Elsewhere(Url),
}

/// Why nobody should follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Astray {
    /// From an encrypted connection to an open one, to this host.
    Open(String),
    /// Anything else, in words.
    Wrong(String),
}

impl Endpoint {
    /// The endpoint of a registry. Plain HTTP only on the machine itself, or where the workflow asked for it.
    pub(super) fn of(host: &str, given: Option<&Lines<RegistryEndpoint>>) -> Result<Self> {
        let asked = given.into_iter().flatten().find(|line| line.host.eq_ignore_ascii_case(host));
        if let Some(line) = asked {
            return Ok(Self { host: host.to_owned(), wire: host.to_owned(), base: line.url.0.clone() });
        }
        let wire = if is_docker_hub(host) { "registry-1.docker.io" } else { host };
        let scheme = if is_loopback(wire) { "http" } else { "https" };
        let base =
            Url::parse(&format!("{scheme}://{wire}/")).with_context(|| format!("{host} is not a registry's host"))?;
        Ok(Self { host: host.to_owned(), wire: wire.to_owned(), base })
    }

    /// The address of a path of the registry's API.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Where a `Location` or a realm leads that was answered at `from`. The error says why nobody should follow it: an
    /// encrypted connection never leads to an open one (GHSA-jxpm-75mh-9fp7).
    pub(super) fn follow(&self, from: &Url, location: &str) -> Result<Place, Astray> {
        let wrong =
            |why: &str| Err(Astray::Wrong(message!("registry-sends-elsewhere", "the registry sends us to {why}")));
        let Ok(mut url) = from.join(location) else { return wrong("an address that cannot be read") };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return wrong("an address that is not http or https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("an address with a password in it");
        }
        if from.scheme() == "https" && url.scheme() == "http" {
            return Err(Astray::Open(url.host_str().unwrap_or_default().to_owned()));
        }
        url.set_fragment(None);
        if url.origin() == self.base.origin() {
            return Ok(Place::Own(url));
        }
        if authority(&url) == self.wire.to_ascii_lowercase() {
            // It calls itself by its own name; we reach it at another address.
            let mut own = self.base.clone();
            own.set_path(url.path());
            own.set_query(url.query());
            return Ok(Place::Own(own));
        }
        Ok(Place::Elsewhere(url))
    }
}

/// Docker Hub answers the API at another host than its images are named by.
fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io")
}

/// The name of a repository on the wire: Docker Hub's own images are named without their namespace
/// (<https://github.com/distribution/reference/blob/main/normalize.go>).
pub(super) fn repository_at<'n>(host: &str, name: &'n str) -> Cow<'n, str> {
    if is_docker_hub(host) && !name.contains('/') { format!("library/{name}").into() } else { name.into() }
}

/// Host and, where it is not the usual one, port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    fn endpoint(host: &str, lines: &str) -> Endpoint {
        let lines: Option<Lines<RegistryEndpoint>> = lines.parse().ok();
        Endpoint::of(host, lines.as_ref()).unwrap()
    }

    #[test]
    fn a_registry_is_reached_at_its_host_or_where_the_workflow_says() {
        let ecr = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        let table = [
            ("ghcr.io", "", "https://ghcr.io/v2/", "ghcr.io"),
            ("localhost:5000", "", "http://localhost:5000/v2/", "localhost:5000"),
            ("127.0.0.1:5000", "", "http://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
            ("10.0.0.1:5000", "", "https://10.0.0.1:5000/v2/", "10.0.0.1:5000"),
            ("docker.io", "", "https://registry-1.docker.io/v2/", "registry-1.docker.io"),
            (ecr, &format!("{ecr}=http://10.0.0.1:8080"), "http://10.0.0.1:8080/v2/", ecr),
        ];
        for (host, lines, url, named) in table {
            let endpoint = endpoint(host, lines);
            assert_eq!((endpoint.url("/v2/").as_str(), endpoint.wire.as_str()), (url, named), "{host}");
            // What a refusal is compared with: the name that the image has.
            assert_eq!(endpoint.host, host);
        }
    }

    #[test]
    fn credentials_stay_at_the_registry() {
        let at = |endpoint: &Endpoint, location: &str| endpoint.follow(&endpoint.url("/v2/a/blobs/x"), location);
        let own = |url: &str| Ok(Place::Own(url.parse().unwrap()));
        let elsewhere = |url: &str| Ok(Place::Elsewhere(url.parse().unwrap()));
        let ghcr = endpoint("ghcr.io", "");
        assert_eq!(at(&ghcr, "/v2/a/blobs/uploads/1?state=x"), own("https://ghcr.io/v2/a/blobs/uploads/1?state=x"));
        assert_eq!(at(&ghcr, "https://GHCR.io:443/v2/x"), own("https://ghcr.io/v2/x"));
        assert_eq!(at(&ghcr, "https://blobs.example.com/x?sig=1"), elsewhere("https://blobs.example.com/x?sig=1"));
        assert_eq!(at(&ghcr, "https://ghcr.io:8443/x"), elsewhere("https://ghcr.io:8443/x"));
        assert_eq!(at(&ghcr, "//evil.example.com/x"), elsewhere("https://evil.example.com/x"));
        let through = endpoint("ghcr.io", "ghcr.io=http://127.0.0.1:9000");
        assert_eq!(at(&through, "https://ghcr.io/token?a=b"), own("http://127.0.0.1:9000/token?a=b"));
        assert_eq!(at(&through, "http://127.0.0.1:9001/x"), elsewhere("http://127.0.0.1:9001/x"));
        for refused in
            ["http://ghcr.io/x", "http://169.254.169.254/x", "https://u:p@ghcr.io/x", "file:///x", "https://["]
        {
            assert!(at(&ghcr, refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn docker_hubs_own_images_have_a_namespace_on_the_wire() {
        let table = [
            ("docker.io", "python", "library/python"),
            ("index.docker.io", "python", "library/python"),
            ("docker.io", "org/app", "org/app"),
            ("docker.io", "library/python", "library/python"),
            ("ghcr.io", "python", "python"),
        ];
        for (host, name, on_the_wire) in table {
            assert_eq!(repository_at(host, name), on_the_wire, "{host}/{name}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_an_address() {
        for wrong in
            ["ghcr.io", "=https://a", "ghcr.io=a", "ghcr.io=https://a/path", "ghcr.io=https://u:p@a", "a b=https://a"]
        {
            assert!(wrong.parse::<RegistryEndpoint>().is_err(), "{wrong}");
        }
    }

    const LOCATIONS: [&str; 6] = [
        "/v2/a/blobs/uploads/1?x=y",
        "https://ghcr.io/token",
        "http://ghcr.io/token",
        "https://user:password@ghcr.io.evil.example/",
        "//evil.example/v2/",
        "ghcr.io=https://proxy.example",
    ];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn credentials_go_to_the_registry_alone_and_never_over_an_open_connection(location in like(&LOCATIONS)) {
            reads_plainly::<RegistryEndpoint>(&location);
            let own = endpoint("ghcr.io", "");
            let place = own.follow(&own.url("/v2/"), &location);
            if let Ok(Place::Own(url) | Place::Elsewhere(url)) = &place {
                prop_assert_eq!(url.scheme(), "https");
                prop_assert!(url.username().is_empty() && url.password().is_none());
            }
            if let Ok(Place::Own(url)) = &place {
                prop_assert_eq!((url.host_str(), url.port_or_known_default()), (Some("ghcr.io"), Some(443)));
            }
        }
    }
}
