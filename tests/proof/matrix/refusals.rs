//! The second runs that may refuse, each with its reason. All others converge.

use testbed::runner::Report;

use super::case::Case;
use super::fault::Fault;

/// A second run that may refuse.
struct Allowed {
    /// The scene's name begins so.
    scene: &'static str,
    /// The request's operation is this.
    operation: &'static str,
    /// The faults it holds for.
    faults: &'static [Fault],
    /// The verdict, and a part of the reason that it gives.
    verdict: &'static str,
    says: &'static str,
    /// Why converging would be wrong.
    why: &'static str,
}

const ALLOWED: &[Allowed] = &[];

/// Why the second run of a case may refuse as it does; nothing if it may not.
pub(super) fn allowed(case: &Case, report: &Report) -> Option<&'static str> {
    let said = |name: &str| report.outputs.get(name).map_or("", String::as_str);
    ALLOWED
        .iter()
        .find(|one| {
            case.name.starts_with(one.scene)
                && case.request.operation == one.operation
                && one.faults.contains(&case.fault)
                && said("verdict") == one.verdict
                && said("reason").contains(one.says)
        })
        .map(|one| one.why)
}
