"""How a registry scans, and where the scan of an image has come to by the account's clock.

A test tells results (control.py); without, an image that the configuration scans has no findings. Images of an index are scanned, the
index is not, as https://github.com/alexjurkiewicz/ecr-scan-image/issues/43 has it; that its findings are none that could be found
is an assumption. The descriptions are from there, and from https://github.com/alexjurkiewicz/ecr-scan-image/pull/51,
https://github.com/aws/aws-sdk/issues/289 and https://github.com/aws-observability/aws-otel-collector/issues/2193; those
of other states are assumptions.
"""

from ministack.services import ecr

from .. import settings, watch
from ..scope import get_account_id, get_region, here
from . import archive, findings, images

_UNSUPPORTED = "UnsupportedImageError: The operating system and/or package manager are not supported."
_DESCRIPTIONS = {
    "PENDING": "Pending start of the image scan.",
    "IN_PROGRESS": "The scan is in progress.",
    "COMPLETE": "The scan was completed successfully.",
    "ACTIVE": "Continuous scan is selected for image.",
    "FAILED": "The scan failed.",
    "UNSUPPORTED_IMAGE": _UNSUPPORTED,
    "SCAN_ELIGIBILITY_EXPIRED": "The image is no longer eligible for scanning.",
    "IMAGE_ARCHIVED": "The image is archived.",
}
_ENDED = ("COMPLETE", "ACTIVE")

_configurations: dict[tuple[str, str], dict] = {}
_told: dict[tuple[str, str, str], list[dict]] = {}


def configuration() -> dict:
    return _configurations.get((get_account_id(), get_region()), {"scanType": "BASIC", "rules": []})


def configure(data: dict) -> dict:
    """Sets how the registry scans."""
    kind = data.get("scanType", "BASIC")
    for rule in data.get("rules", []):
        if rule["scanFrequency"] not in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")[: 2 if kind == "ENHANCED" else 1]:
            raise ValueError(f"Scan frequency {rule['scanFrequency']} is not supported by scan type {kind}")
    made = {"scanType": kind, "rules": data.get("rules", [])}
    _configurations[get_account_id(), get_region()] = made
    return made


def frequency(name: str) -> tuple[str, list[dict]]:
    """How often images of a repository are scanned, and the filters that say so."""
    for wanted in ("CONTINUOUS_SCAN", "SCAN_ON_PUSH"):
        for rule in configuration()["rules"]:
            applied = [one for one in rule["repositoryFilters"] if images.matches(one["filter"], name)]
            if applied and rule["scanFrequency"] == wanted:
                return wanted, applied
    on_push = ecr._repositories[name].get("imageScanningConfiguration", {}).get("scanOnPush")
    return ("SCAN_ON_PUSH" if on_push and configuration()["scanType"] == "BASIC" else "MANUAL"), []


def tell(data: dict) -> None:
    """A result that a test tells of one image, or of all in a repository."""
    states = data.get("states") or [
        {name: value for name, value in data.items() if name not in ("repository", "image")}
    ]
    made = {"image": data.get("image"), "states": states, "at": watch.reached(get_account_id())}
    _told.setdefault(here(data["repository"]), []).append(made)


def forget(name: str) -> None:
    _told.pop(here(name), None)


def begin(image: dict) -> None:
    """A scan that StartImageScan begins."""
    image["testbed_scanned"] = watch.reached(get_account_id())


def state(name: str, image: dict) -> dict | None:
    """Where the scan of an image has come to; none if there is none."""
    if archive.status(image) != "ACTIVE":
        return {"status": "IMAGE_ARCHIVED"}
    now = watch.reached(get_account_id())
    for told in reversed(_told.get(here(name), [])):
        if told["image"] in (None, image["imageDigest"], *image.get("imageTags", [])):
            return _at(told["states"], now - max(told["at"], image["imagePushedAt"]))
    began = began_at(name, image)
    if began is None or images.is_index(image):
        return None
    if images.is_attestation(image):
        return {"status": "UNSUPPORTED_IMAGE"}
    enhanced = configuration()["scanType"] == "ENHANCED"
    if now < began + settings.value(get_account_id(), "ecr_scan_delay"):
        return {"status": "PENDING" if enhanced else "IN_PROGRESS"}
    return {"status": "ACTIVE" if enhanced and frequency(name)[0] == "CONTINUOUS_SCAN" else "COMPLETE", "findings": []}


def began_at(name: str, image: dict) -> float | None:
    """When the image was scanned last."""
    if "testbed_scanned" in image:
        return image["testbed_scanned"]
    return None if frequency(name)[0] == "MANUAL" else image["imagePushedAt"]


def described(state: dict) -> dict:
    return {"status": state["status"], "description": state.get("description", _DESCRIPTIONS.get(state["status"], ""))}


def results(name: str, image: dict, state: dict) -> tuple[dict, str, list[dict]]:
    """What is on every page, and the name and the list of what is in pages. Without findings told, a scan that has ended answers as one whose
    findings are not there yet: https://github.com/aws/aws-sdk/issues/289."""
    kind = state.get("type", configuration()["scanType"])
    told = state.get("findings")
    if told is None or (not told and state["status"] not in _ENDED):
        empty = {"enhancedFindings": []} if kind == "ENHANCED" and state["status"] not in _ENDED else {}
        return empty, "findings", []
    found, now = findings.listed(told), watch.now(get_account_id())
    shared = {
        "findingSeverityCounts": findings.counted(found),
        "imageScanCompletedAt": now,
        "vulnerabilitySourceUpdatedAt": now,
    }
    if kind == "ENHANCED":
        return (
            shared | {"findings": []},
            "enhancedFindings",
            [findings.enhanced(one, name, image, now) for one in found],
        )
    return shared, "findings", [findings.basic(one) for one in found]


def _at(states: list[dict], elapsed: float) -> dict | None:
    for state in states:
        if "for" not in state or elapsed < state["for"]:
            return state if state.get("status") else None
        elapsed -= state["for"]
    return states[-1]
