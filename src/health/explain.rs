//! Why it may be unhealthy, and what to do: what the function says of itself, and advice for each class of trouble.

use std::time::Duration;

use anyhow::Result;
use url::{Host, Url};

use super::inputs::HealthInputs;
use super::lambda::LambdaProbe;
use super::model::{Checker, Place, Subject, Target};
use super::run::in_short;
use crate::action::commands;
use crate::calls::{Deadline, Ended};
use crate::lambda::{Lambda, Qualifier};
use crate::net::failure::Class;
use crate::text::{Foreign, LONGEST, human_duration, message_str};

/// Looking for an explanation may take this long, also after the deadline; a cancellation ends it.
const LIMIT: Duration = Duration::from_secs(10);
/// As many lines of a function's log are shown.
const LOG_LINES: usize = 20;

/// Reports how the functions stand: state, last update, version of the alias, last log lines. With `url`, each is also asked
/// directly, which distinguishes a broken function from a broken way to it. What cannot be read is reported, and changes no verdict.
pub(super) async fn explain<L: AsyncFn() -> Result<Lambda>>(
    checker: &Checker<'_, L>,
    inputs: &HealthInputs,
    targets: &[Target],
    bad: &[&Place],
) {
    let deadline = &checker.calls.deadline;
    if targets.is_empty() || deadline.is_cancelled() {
        return;
    }
    let late = checker.calls.until(deadline.renew(LIMIT));
    let lambda = match (checker.lambda)().await {
        Ok(lambda) => lambda.with_calls(late.clone()),
        Err(error) => {
            tracing::info!("the function cannot be looked at to explain this: {error:#}");
            return;
        }
    };
    for target in targets {
        let place = bad.iter().find(|place| matches!(&place.subject, Subject::Function(asked) if asked == target));
        if inputs.asking.url.is_none() && place.is_none() {
            continue;
        }
        let mut lines = standing(&lambda, target).await;
        let log = match place {
            Some(place) => place.log.clone(),
            None => asked_directly(&late.deadline, &lambda, target, inputs, &mut lines).await,
        };
        lines.extend(last_lines(&log, LOG_LINES));
        let title = format!("State of {target}");
        commands::group(&title);
        for line in &lines {
            tracing::info!("{line}");
        }
        commands::end_group();
        checker.report.section(title, lines);
    }
}

async fn standing(lambda: &Lambda, target: &Target) -> Vec<String> {
    let mut lines = Vec::new();
    match lambda.function(&target.function, None).await {
        Ok(function) => lines.push(format!(
            "function {}: State {}, LastUpdateStatus {}",
            target.function, function.state, function.last_update
        )),
        Err(error) => lines.push(format!("{error:#}")),
    }
    let Qualifier::Alias(name) = &target.alias else { return lines };
    let alias = match lambda.alias(&target.function, name).await {
        Ok(Some(alias)) => alias,
        Ok(None) => {
            lines.push(format!("alias {name} does not exist"));
            return lines;
        }
        Err(error) => {
            lines.push(format!("{error:#}"));
            return lines;
        }
    };
    lines.push(format!("alias {name} points to version {alias}"));
    if let Some(version) = alias.version {
        match lambda.function(&target.function, Some(version)).await {
            Ok(described) => {
                let commit = described.commit().map(|commit| format!(", commit {}", commit.short()));
                lines.push(format!("version {version}: State {}{}", described.state, commit.unwrap_or_default()));
            }
            Err(error) => lines.push(format!("{error:#}")),
        }
    }
    lines
}

/// Asks the function itself, and returns the end of its log.
async fn asked_directly(
    deadline: &Deadline,
    lambda: &Lambda,
    target: &Target,
    inputs: &HealthInputs,
    lines: &mut Vec<String>,
) -> Foreign {
    let probe = match LambdaProbe::new(lambda, target, inputs).await {
        Ok(probe) => probe,
        Err(wrong) => {
            lines.push(format!("it cannot be asked directly: {}", wrong.reason));
            return Foreign::default();
        }
    };
    let asked = match target.alias {
        Qualifier::Alias(_) => "asked directly through the alias",
        Qualifier::Latest => "asked directly",
    };
    let problem = match deadline.read(probe.ask()).await.map_err(anyhow::Error::from).flatten() {
        Ok(Ok(answer)) => {
            let version = answer.executed.map(|version| version.to_string());
            let same = "if that is as it should be, the trouble lies between the url and the function";
            format!("{asked}, it answers {}: {same}", in_short(&answer, version.as_deref()))
        }
        Ok(Err(fault)) => format!("{asked}, {}", fault.problem),
        Err(error) if error.is::<Ended>() => format!("{asked}, it did not answer in {}", human_duration(LIMIT)),
        Err(error) => format!("it cannot be asked directly: {error:#}"),
    };
    lines.push(problem);
    lines.extend(lambda.stop_executions(&target.function).await);
    probe.log()
}

/// The last lines of a log, without the platform's own that only count.
#[must_use]
pub fn last_lines(log: &Foreign, most: usize) -> Vec<String> {
    let counting = ["START RequestId", "END RequestId"];
    let lines: Vec<&str> = log
        .raw()
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !counting.iter().any(|start| line.starts_with(start)))
        .collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(most))
        .map(|line| format!("log: {}", Foreign::new(*line).for_message(LONGEST)))
        .collect()
}

/// What to do about the trouble of a place.
pub(super) fn advice(inputs: &HealthInputs, place: &Place) -> Vec<String> {
    let Some(fault) = &place.found.fault else { return Vec::new() };
    let status = place.found.answer.as_ref().and_then(|answer| answer.status);
    let mut advice = Vec::new();
    let first = match &place.subject {
        Subject::Url(_) => of_url(inputs, fault.class, status),
        Subject::Function(_) => of_function(fault.class),
    };
    advice.push(first.to_owned());
    if matches!(fault.class, Class::Connect | Class::Dns | Class::Timeout)
        && matches!(&place.subject, Subject::Url(url) if is_local(url))
    {
        advice.push(
            message_str!("localhost", "localhost is this action's own container, not the runner: publish the service's port and give the runner's \
             address, or name a service of the job's `services:`")
                .to_owned(),
        );
    }
    if fault.forbidden {
        advice = vec!["give the public or private address of the service".to_owned()];
    }
    advice
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

fn of_url(inputs: &HealthInputs, class: Class, status: Option<u16>) -> &'static str {
    match class {
        Class::Dns => {
            "check the host name of `url`, and whether its DNS record exists already; a private name resolves only on a runner inside the network"
        }
        Class::Connect => {
            "check that the service runs, listens on that port, and that its firewall lets this runner in"
        }
        Class::Tls => {
            "fix the certificate of the server; to trust a private authority, set AWS_CA_BUNDLE to its PEM file, which adds to the trusted roots"
        }
        Class::Timeout => "look at what the service waits for; if it may take that long, raise `request-timeout`",
        Class::Proxy => {
            "see that HTTPS_PROXY names the proxy, with its credentials (`http://user:password@host:port`), or name the host in NO_PROXY"
        }
        Class::Latency => "find out what is slow, or raise `max-latency`",
        Class::Body => {
            "compare the last answer with `expect-json` and `expect-body`; where it cannot be read, see what the server, or a proxy in front of it, sends"
        }
        Class::Version => {
            message_str!(
                "other-version-answers",
                "the service answers, but not with the version expected: see whether traffic was moved to it, whether `url` leads there, and whether `version-from` names the right place"
            )
        }
        Class::Status => of_status(inputs, status),
    }
}

fn of_status(inputs: &HealthInputs, status: Option<u16>) -> &'static str {
    match status {
        Some(401 | 403) => {
            "the endpoint requires authentication: send credentials with `headers`, or check a path that needs none"
        }
        Some(404 | 410) => "check the path of `url`: the server answers, but has nothing at this path",
        Some(405) if inputs.asking.method.0 == reqwest::Method::HEAD => {
            "the server does not take HEAD there: set `method: GET`"
        }
        Some(405) => "the server does not take this method there: set `method`",
        Some(300..=399) if inputs.asking.follow_redirects.0 > 0 => {
            "it redirects more often than `follow-redirects` allows, or in a circle: give the address where it ends, or name the status in `expect-status`; a redirection to a login page is not health"
        }
        Some(300..=399) => {
            "give the address it redirects to, set `follow-redirects`, or name the status in `expect-status`; a redirection to a login page is not health"
        }
        Some(429) => "the server limits the rate of requests: raise `base-wait`",
        Some(502..=504) => {
            "the proxy or load balancer in front of the service gets no answer from it: look at the service's own log"
        }
        _ => "look at the service's own log; if this status is good, name it in `expect-status`",
    }
}

fn of_function(class: Class) -> &'static str {
    match class {
        Class::Version => {
            "another version answers than the one expected: see what the alias points to, and who moved it"
        }
        Class::Latency => "find out what is slow, or raise `max-latency`",
        Class::Body => "compare the last answer with `expect-json` and `expect-body`",
        Class::Timeout => "the function did not answer in time: look at what it waits for, or raise its timeout",
        _ => "look at the function's last log lines above, and at `event` and `path`: they must be what it is used to",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_log_leave_out_what_only_counts() {
        let log = "START RequestId: 1 Version: 42\none\n\ntwo\nREPORT RequestId: 1 Duration: 3 ms\nEND RequestId: 1\n";
        assert_eq!(last_lines(&Foreign::new(log), 2), ["log: two", "log: REPORT RequestId: 1 Duration: 3 ms"]);
    }

    #[test]
    fn the_runners_localhost_is_known_in_every_form() {
        for url in [
            "http://localhost:3000/",
            "http://127.0.0.1/",
            "http://[::1]:80/",
            "http://0.0.0.0/",
            "http://a.localhost/",
        ] {
            assert!(is_local(&url.parse().unwrap()), "{url}");
        }
        assert!(!is_local(&"https://shop.example.com/localhost".parse().unwrap()));
    }
}
