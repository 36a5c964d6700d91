//! The clients that the watch asks.

use super::inputs::Monitor;
use super::observe::{Observed, OfFunction};
use crate::action::inputs::HttpUrl;
use crate::calls::Calls;
use crate::context::Context;
use crate::health::Address;
use crate::health::lambda::MARGIN;
use crate::outcome::{Outcome, Step};
use crate::smoke::Case;
use crate::watch::values::Probe;
use crate::watch::{Check, Live, OfAws, Samples};

/// Another system may take this long for an answer.
const PROBING: std::time::Duration = std::time::Duration::from_secs(10);

impl Monitor {
    /// The source of the watch. Clients of AWS are made where there is something to ask it.
    pub(super) async fn source(&self, cx: &Context, observed: &Observed) -> Step<Live> {
        let aws = match &observed.location {
            Some(_) => {
                Some(OfAws { lambda: cx.lambda().await?, cloudwatch: cx.cloudwatch().await?, logs: cx.logs().await? })
            }
            None => None,
        };
        let urls = self.asking.url.iter().flatten().filter(|_| self.is_chosen(Check::Url));
        let probe = self.gate.probe.as_ref().filter(|_| self.is_chosen(Check::Probe));
        let calls: Calls = cx.calls.clone();
        Ok(Live {
            clock: observed.clock,
            calls,
            aws,
            addresses: urls.map(|url| Address::of_inputs(&url.0, &self.asking)).collect(),
            probe: probe.map(|probe| address(cx, observed, probe)).transpose()?,
            samples: observed.functions.iter().map(|one| self.samples(one)).collect(),
        })
    }

    fn samples(&self, one: &OfFunction) -> Samples {
        let name = &one.function.name;
        let cases = self.cases.clone().unwrap_or_default();
        let cases: Vec<Case> = cases.iter().filter(|case| case.is_for(name)).cloned().collect();
        Samples {
            function: name.clone(),
            alias: self.alias.clone(),
            cases,
            event: self.event,
            limit: one.function.invocation_limit() + MARGIN,
            tenant: self.tenant_id.clone().filter(|_| one.function.per_tenant),
            durable: one.function.durable.is_some(),
            sent: std::cell::Cell::new(0),
        }
    }
}

/// The address of a probe, with what it is asked about filled in.
fn address(cx: &Context, observed: &Observed, probe: &Probe) -> Step<Address> {
    let first = observed.functions.first();
    let commit = first.and_then(|one| one.function.commit()).or_else(|| cx.commit());
    let known = [
        ("{sha}", commit.map(|commit| commit.to_string())),
        ("{version}", first.map(|one| one.watched.version.to_string())),
        ("{since}", Some(crate::action::report::time(observed.since))),
    ];
    let mut url = probe.url.clone();
    for (name, value) in known {
        if !url.contains(name) {
            continue;
        }
        let Some(value) = value else {
            return Err(
                Outcome::bad_input(format!("input `probe`: nothing is known to put in place of `{name}`")).into()
            );
        };
        url = url.replace(name, &value);
    }
    let url: HttpUrl = url.parse().map_err(|error| Outcome::bad_input(format!("input `probe`: `url` {error}")))?;
    Ok(Address::plain(&url.0, probe.headers.clone(), probe.expect.clone(), PROBING))
}
