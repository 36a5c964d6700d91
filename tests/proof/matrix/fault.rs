//! What can go wrong with a request, put to each of those who are asked.

use std::fmt;
use std::time::Duration;

use testbed::aws;
use testbed::github;
use testbed::registry;
use testbed::runner::Report;
use testbed::web::Answer;

use crate::proof::scenes::{Request, Stage, Target};

/// How long the invocation may take where its time limit is what ends it: so long, and three times what passed before the request in
/// the undisturbed run, which the machine may be slower at now.
const LIMIT: Duration = Duration::from_secs(4);
/// The same of a rollback, which is to do its work meanwhile.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(20);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Access is denied: 403, to this request and all like it.
    Refused,
    /// A server error, once.
    Broken,
    /// A server error, to this request and all like it.
    Down,
    /// Too many requests, and nothing is said of when to come back. Once.
    Throttled,
    /// Too many requests, and come back in a second. Once.
    ThrottledFor,
    /// The connection is reset, and nothing was done.
    ResetBefore,
    /// The request is carried out, and the connection reset instead of an answer.
    ResetAfter,
    /// Half of the answer arrives.
    Cut,
    /// The request is carried out, and no answer comes while the invocation has time.
    Slow,
    /// No answer comes while the invocation has time, and the request is carried out after it has ended.
    Late,
    /// The program is killed when the request has arrived, and nothing was done.
    KilledBefore,
    /// The program is killed when the request was carried out.
    KilledAfter,
    /// From here on, who is asked answers nothing any more.
    HangsFromHere,
    /// From here on, who is asked resets every connection.
    RefusesFromHere,
    /// From here on, who is asked says that there were too many requests, and GitHub and registries to come back in a minute.
    LimitedFromHere,
}

impl Fault {
    pub(crate) const ALL: [Self; 15] = [
        Self::Refused,
        Self::Broken,
        Self::Down,
        Self::Throttled,
        Self::ThrottledFor,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Cut,
        Self::Slow,
        Self::Late,
        Self::KilledBefore,
        Self::KilledAfter,
        Self::HangsFromHere,
        Self::RefusesFromHere,
        Self::LimitedFromHere,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Down => "down",
            Self::Throttled => "throttled",
            Self::ThrottledFor => "throttled-for",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::Cut => "cut",
            Self::Slow => "slow",
            Self::Late => "late",
            Self::KilledBefore => "killed-before",
            Self::KilledAfter => "killed-after",
            Self::HangsFromHere => "hangs-from-here",
            Self::RefusesFromHere => "refuses-from-here",
            Self::LimitedFromHere => "limited-from-here",
        }
    }

    /// Whether the program does not live to say how it ended.
    pub(crate) const fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    /// Whether a write that meets it may have been carried out and nobody knows, or was refused for good.
    pub(crate) const fn leaves_open(self) -> bool {
        matches!(self, Self::Refused | Self::ResetAfter | Self::KilledBefore | Self::KilledAfter)
    }

    /// Whether it is a fault of who is asked, whatever the requests are, from one of them on.
    pub(crate) const fn is_from_here(self) -> bool {
        matches!(self, Self::HangsFromHere | Self::RefusesFromHere | Self::LimitedFromHere)
    }

    /// Whether the fault is there to the end of the invocation.
    pub(crate) const fn lasts(self) -> bool {
        self.always() || matches!(self, Self::Slow | Self::Late)
    }

    /// Whether every further request meets it.
    const fn always(self) -> bool {
        self.is_from_here() || matches!(self, Self::Refused | Self::Down)
    }

    /// Whether most of the time of its cases is waiting.
    pub(crate) const fn waits(self) -> bool {
        self.is_from_here() || matches!(self, Self::Down | Self::Throttled | Self::Slow | Self::Late)
    }

    const fn holds(self) -> bool {
        matches!(self, Self::Slow | Self::Late | Self::HangsFromHere) || self.kills()
    }

    const fn applied(self) -> bool {
        matches!(self, Self::ResetAfter | Self::Slow | Self::KilledAfter)
    }

    /// Whether it is a case of its own for this request, before which came so many of the same name, and so many to its counterpart. A
    /// read that was carried out is as one that was not, and what a registry would do late it cannot: the content went with the
    /// connection. What lasts begins at the first request, and at writes that differ.
    pub(crate) fn concerns(self, request: &Request, occurrence: u32, before: u32) -> bool {
        match self {
            _ if self.is_from_here() => {
                request.counterpart().is_some() && (before == 0 || request.writes() && occurrence == 0)
            }
            Self::ResetAfter | Self::KilledAfter => request.writes(),
            Self::Late => request.writes() && !matches!(request.target, Target::Registry(_)),
            _ => true,
        }
    }

    /// Lets it happen to the request of this address, after so many of those that it could happen to.
    pub(crate) async fn put(self, stage: &Stage, request: &Request, after: u32) {
        match request.target {
            Target::Aws => stage.aws.faults(&[self.of_aws(request, after)]).await.unwrap(),
            Target::Github => stage.github.fault(self.of_github(request, after)),
            Target::Registry(name) => stage.registry(name).fault(self.of_registry(request, after)),
            Target::Web => self.of_web(stage, after),
        }
    }

    /// The time that a step gets under this fault, where waiting is what ends it.
    pub(crate) fn limit(self, step: &str, request: &Request) -> Option<Duration> {
        // GitHub wants a minute's pause when it names none.
        let waits = self == Self::Throttled && request.target == Target::Github;
        match self {
            _ if self.is_from_here() && step == "rollback" => Some(ROLLBACK_LIMIT),
            _ if self.is_from_here() || waits || matches!(self, Self::Slow | Self::Late) => {
                Some(LIMIT + 3 * request.arrived)
            }
            _ => None,
        }
    }

    /// The invocation with this fault put. Nothing when it was killed.
    pub(crate) async fn run(self, stage: &Stage, request: &Request, after: u32) -> Option<Report> {
        let runner = match self.limit(stage.step(), request) {
            Some(limit) => stage.runner().input("timeout", format!("{}s", limit.as_secs())),
            None => stage.runner(),
        };
        let mut running = runner.start().await;
        if !self.kills() {
            return Some(running.wait().await);
        }
        let killed = tokio::select! {
            () = held(stage, request, after) => true,
            () = running.ended() => false,
        };
        running.kill();
        let report = running.wait().await;
        (!killed).then_some(report)
    }

    /// Whether it happened.
    pub(crate) async fn fired(self, stage: &Stage, request: &Request, after: u32) -> bool {
        match request.target {
            Target::Aws => stage.aws.faults_fired().await.unwrap().iter().any(|times| *times > 0),
            Target::Github => stage.github.requests().iter().any(|one| one.faulty),
            Target::Registry(name) => stage.registry(name).requests().iter().any(|one| one.faulty),
            Target::Web => stage.web().requests().len() > after as usize,
        }
    }

    /// Ends it: whoever was silent is gone, or carries out what came.
    pub(crate) async fn end(self, stage: &Stage) {
        if self == Self::Late {
            stage.aws.release().await.unwrap();
            stage.github.release();
        }
        stage.aws.clear_faults().await.unwrap();
        stage.github.clear_faults();
        stage.registries.iter().for_each(|(_, registry)| registry.clear_faults());
        if let Some((server, good)) = &stage.web {
            server.replace([good.clone()]);
        }
    }

    fn of_aws(self, request: &Request, after: u32) -> aws::Fault {
        let (service, operation) = request.operation.split_once(' ').unwrap();
        let throttled = match service {
            "lambda" => (429, "TooManyRequestsException"),
            "registry" => (429, "TOOMANYREQUESTS"),
            "s3" | "layers" => (503, "SlowDown"),
            "sts" => (400, "Throttling"),
            _ => (400, "ThrottlingException"),
        };
        let denied = match service {
            "registry" => "DENIED",
            "s3" | "layers" | "sts" => "AccessDenied",
            _ => "AccessDeniedException",
        };
        let answer = match self {
            Self::Refused => Some((403, denied)),
            Self::Broken | Self::Down => Some((500, if service == "registry" { "UNKNOWN" } else { "InternalFailure" })),
            Self::Throttled | Self::ThrottledFor | Self::LimitedFromHere => Some(throttled),
            _ => None,
        };
        let one = !self.is_from_here();
        aws::Fault {
            service: Some(service.to_owned()),
            operation: one.then(|| operation.to_owned()),
            pattern: one.then(|| format!(r"^[A-Z]+ {}(\?X-Amz-.*)?\n", request.pattern())),
            after,
            times: if self.always() { u32::MAX } else { 1 },
            status: answer.map(|(status, _)| status),
            code: answer.map(|(_, code)| code.to_owned()),
            retry_after: (self == Self::ThrottledFor).then_some(1),
            applied: self.applied(),
            drop: matches!(self, Self::ResetBefore | Self::ResetAfter | Self::RefusesFromHere),
            truncate: self == Self::Cut,
            hold: self.holds(),
            ..aws::Fault::default()
        }
    }

    fn of_github(self, request: &Request, after: u32) -> github::Fault {
        use serde_json::json;

        const LIMITED: &str =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let (method, path) = if self.is_from_here() {
            // The API, and not the issuer of tokens.
            ("*", "^/(repos|uploads|rate_limit)".to_owned())
        } else {
            (request.operation.as_str(), format!("^{}$", request.pattern()))
        };
        let fault = github::Fault::on(method, &path).unwrap().after(after);
        let fault = if self.always() { fault.always() } else { fault };
        let fault = if self.applied() { fault.applied() } else { fault };
        let fault = if self.holds() { fault.hold() } else { fault };
        match self {
            Self::Refused => fault
                .status(403)
                .body(json!({"message": "Resource not accessible by integration"}))
                .header("x-accepted-github-permissions", "deployments=write"),
            Self::Broken | Self::Down => fault.status(502),
            Self::Throttled => fault.status(403).body(json!({"message": LIMITED})),
            Self::ThrottledFor => fault.status(429).body(json!({"message": LIMITED})).header("retry-after", "1"),
            Self::LimitedFromHere => fault.status(429).body(json!({"message": LIMITED})).header("retry-after", "60"),
            Self::ResetBefore | Self::ResetAfter | Self::RefusesFromHere => fault.cut(github::Cut::Reset),
            Self::Cut => fault.cut(github::Cut::Truncate),
            _ => fault,
        }
    }

    fn of_registry(self, request: &Request, after: u32) -> registry::Fault {
        let (method, path) = if self.is_from_here() {
            ("*", String::new())
        } else {
            (request.operation.as_str(), format!("^{}$", request.pattern()))
        };
        let fault = registry::Fault::on(method, &path).unwrap().after(after);
        let fault = if self.always() { fault.always() } else { fault };
        let fault = if self.applied() { fault.applied() } else { fault };
        let fault = if self.holds() { fault.hold() } else { fault };
        match self {
            Self::Refused => fault.status(403).code("DENIED"),
            Self::Broken | Self::Down => fault.status(500),
            Self::Throttled => fault.status(429).code("TOOMANYREQUESTS"),
            Self::ThrottledFor => fault.status(429).code("TOOMANYREQUESTS").retry_after(1),
            Self::LimitedFromHere => fault.status(429).code("TOOMANYREQUESTS").retry_after(60),
            Self::ResetBefore | Self::ResetAfter | Self::RefusesFromHere => fault.cut(registry::Cut::Reset),
            Self::Cut => fault.cut(registry::Cut::Truncate),
            _ => fault,
        }
    }

    /// A server of a script: so many good answers, then the bad one, then good ones again.
    fn of_web(self, stage: &Stage, after: u32) {
        let (server, good) = stage.web.as_ref().unwrap();
        let bad = match self {
            Self::Refused => Answer::status(403),
            Self::Broken | Self::Down => Answer::status(503),
            Self::Throttled => Answer::status(429),
            Self::ThrottledFor => Answer::status(429).header("retry-after", "1"),
            Self::ResetBefore | Self::ResetAfter => Answer::reset(),
            Self::Cut => Answer::text("{\"commit").claiming_length(4096),
            Self::Slow | Self::Late | Self::KilledBefore | Self::KilledAfter => Answer::hang(),
            Self::HangsFromHere | Self::RefusesFromHere | Self::LimitedFromHere => unreachable!("of no counterpart"),
        };
        let mut script = vec![good.clone(); after as usize];
        script.push(bad);
        if !self.always() {
            script.push(good.clone());
        }
        server.replace(script);
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// Waits until the request is held.
async fn held(stage: &Stage, request: &Request, after: u32) {
    match request.target {
        Target::Aws => stage.aws.held().await.unwrap(),
        Target::Github => stage.github.held().await,
        Target::Registry(name) => stage.registry(name).held().await,
        Target::Web => stage.web().wait_for_requests(after as usize + 1).await,
    }
}
