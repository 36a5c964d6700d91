//! What a runner would say and a terminal has otherwise: the repository, the token.

use std::ffi::OsString;
use std::process::Command;

use url::Url;

/// Variables of a runner that mean the same at a terminal: where GitHub is.
const KEPT: [&str; 2] = ["GITHUB_API_URL", "GITHUB_SERVER_URL"];
/// Those of a runner, which say nothing of a terminal, whoever set them.
const RUNNERS: [&str; 4] = ["INPUT_", "GITHUB_", "RUNNER_", "ACTIONS_"];
/// Where the token stands, as for GitHub's own `gh`.
const TOKENS: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];
/// GitHub's own host.
const GITHUB: &str = "https://github.com";

/// The variables that a runner would set for these inputs, in these surroundings.
pub(super) fn variables(
    given: Vec<(OsString, OsString)>,
    repository: Option<String>,
    mut inputs: Vec<(String, String)>,
) -> Vec<(OsString, OsString)> {
    let value = |wanted: &str| {
        let found = given.iter().find(|(name, _)| name == wanted).and_then(|(_, value)| value.to_str());
        found.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|_| inputs.iter().all(|(known, _)| known != name)) {
            inputs.push((name.to_owned(), value));
        }
    };
    add("token", TOKENS.into_iter().find_map(value));
    let server = value("GITHUB_SERVER_URL").unwrap_or_else(|| GITHUB.to_owned());
    let repository = repository.or_else(|| repository_at(&origin()?, &server));
    let is_kept = |name: &str| KEPT.contains(&name) || !RUNNERS.iter().any(|prefix| name.starts_with(prefix));
    let mut all: Vec<(OsString, OsString)> =
        given.into_iter().filter(|(name, _)| name.to_str().is_none_or(is_kept)).collect();
    all.retain(|(name, _)| name != "GITHUB_SERVER_URL");
    all.push(("GITHUB_SERVER_URL".into(), server.into()));
    all.extend(repository.map(|name| ("GITHUB_REPOSITORY".into(), name.into())));
    all.extend(inputs.into_iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()).into(), value.into())));
    all
}

/// Where the remote `origin` of the repository around us is.
fn origin() -> Option<String> {
    let found = Command::new("git").args(["remote", "get-url", "origin"]).output().ok()?;
    let address = String::from_utf8(found.stdout).ok().filter(|_| found.status.success())?;
    Some(address.trim().to_owned())
}

/// The repository, `owner/name`, at an address of git, where that is on this server. The token belongs to no other.
fn repository_at(address: &str, server: &str) -> Option<String> {
    // `git@github.com:owner/name.git` is a short form of `ssh://git@github.com/owner/name.git`.
    let address = match address.split_once(':') {
        Some((host, path)) if !path.starts_with("//") => Url::parse(&format!("ssh://{host}/{path}")),
        _ => Url::parse(address),
    };
    let address = address.ok()?;
    let server = Url::parse(server).ok()?;
    let host = address.host_str()?;
    let is_there = Some(host) == server.host_str() || (host == "ssh.github.com" && server.as_str().starts_with(GITHUB));
    let name = address.path().trim_matches('/');
    let name = name.strip_suffix(".git").unwrap_or(name);
    (is_there && name.split('/').count() == 2).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_read_from_every_form_of_an_address_on_the_server_of_the_token() {
        let own = "https://github.example.com";
        let table = [
            ("git@github.com:org/shop.git", GITHUB, Some("org/shop")),
            ("https://github.com/org/shop", GITHUB, Some("org/shop")),
            ("https://user@github.com/org/shop.git/", GITHUB, Some("org/shop")),
            ("ssh://git@ssh.github.com:443/org/shop.git", GITHUB, Some("org/shop")),
            ("git@github.example.com:org/shop.git", own, Some("org/shop")),
            ("git@github.example.com:org/shop.git", GITHUB, None),
            ("git@github.com:org/shop.git", own, None),
            ("git@github.com:shop.git", GITHUB, None),
            ("../shop", GITHUB, None),
            ("/srv/git/shop.git", GITHUB, None),
        ];
        for (address, server, expected) in table {
            assert_eq!(repository_at(address, server).as_deref(), expected, "{address} at {server}");
        }
    }

    #[test]
    fn nothing_of_a_runner_reaches_the_step() {
        let given = ["GITHUB_RUN_ID", "GITHUB_SHA", "GITHUB_OUTPUT", "INPUT_FUNCTION", "GH_TOKEN", "AWS_REGION"];
        let given = given.map(|name| (name.into(), format!("the {name}").into())).to_vec();
        let made = variables(given, Some("org/shop".to_owned()), vec![("step".to_owned(), "resolve".to_owned())]);
        let mut names: Vec<&str> = made.iter().filter_map(|(name, _)| name.to_str()).collect();
        names.sort_unstable();
        let expected =
            ["AWS_REGION", "GH_TOKEN", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "INPUT_STEP", "INPUT_TOKEN"];
        assert_eq!(names, expected);
    }
}
