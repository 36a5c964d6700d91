//! The second runs that may refuse, or leave the records as they are, each with its reason. All others converge.

use testbed::runner::Report;

use super::case::Case;
use super::fault::Fault;

/// A second run that may refuse, or that finds everything as it should be but the records.
struct Allowed {
    /// The scene's name begins so; empty for those of all steps.
    scene: &'static str,
    /// The request is this one: operation and path; empty for all.
    request: &'static str,
    /// The faults it holds for; none for all.
    faults: &'static [Fault],
    /// The verdict, and a part of the reason that it gives.
    verdict: &'static str,
    says: &'static str,
    /// Why converging would be wrong.
    why: &'static str,
}

/// What users are answered is judged.
const NOT_SEEN: Allowed = Allowed {
    scene: "publish-site",
    request: "edge GET /.release.json",
    faults: &[Fault::Refused],
    verdict: "fail",
    says: "is held",
    why: "users were refused what was published: it was judged bad, and what served before was put back",
};

/// What went back without any record of it.
const UNRECORDED: Allowed = Allowed {
    scene: "rollback:service-by-history",
    request: "",
    faults: &[],
    verdict: "skipped",
    says: "main/web",
    why: "nobody has recorded this service before: that it went back is told by ECS alone, and records are not made up afterwards",
};

const ALLOWED: &[Allowed] = &[
    UNRECORDED,
    Allowed { scene: "rollback:service-paused", ..UNRECORDED },
    Allowed {
        scene: "",
        request: "POST /repos/org/shop/deployments",
        faults: &[Fault::Refused],
        verdict: "skipped",
        says: "nothing to do",
        why: "no record was kept, which the first run warned of; who made the change is not known to the second, and records are \
              not made up afterwards",
    },
    NOT_SEEN,
    Allowed { request: "edge GET /index.html", ..NOT_SEEN },
    Allowed { request: "edge GET /assets/app-abcd0002.js", ..NOT_SEEN },
    Allowed { scene: "publish-site:by-key", request: "edge GET /robots.txt", ..NOT_SEEN },
    Allowed { scene: "publish-site:by-origin", request: "edge GET /robots.txt", ..NOT_SEEN },
    Allowed { scene: "promote-site:by-key", request: "edge GET /robots.txt", ..NOT_SEEN },
    Allowed { scene: "promote-site:by-origin", request: "edge GET /robots.txt", ..NOT_SEEN },
    Allowed { scene: "promote-site", ..NOT_SEEN },
    Allowed { scene: "promote-site", request: "edge GET /index.html", ..NOT_SEEN },
    Allowed { scene: "promote-site", request: "edge GET /assets/app-abcd0002.js", ..NOT_SEEN },
    Allowed {
        scene: "publish-version:latest",
        request: "POST /repos/org/shop/deployments",
        faults: &[Fault::Refused],
        verdict: "skipped",
        says: "it already serves traffic",
        why: "no record was kept, which the first run warned of, and records are not made up afterwards",
    },
];

/// Why the second run of a case may end as it does; nothing if it may not.
pub(super) fn allowed(case: &Case, report: &Report) -> Option<&'static str> {
    let said = |name: &str| report.outputs.get(name).map_or("", String::as_str);
    ALLOWED
        .iter()
        .find(|one| {
            case.name.starts_with(one.scene)
                && (one.request.is_empty()
                    || format!("{} {}", case.request.operation, case.request.path) == one.request)
                && (one.faults.is_empty() || one.faults.contains(&case.fault))
                && said("verdict") == one.verdict
                && said("reason").contains(one.says)
        })
        .map(|one| one.why)
}
