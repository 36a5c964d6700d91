"""The registry scans its images by basic or enhanced scanning, and each repository as the first rule that matches it says.

MiniStack knows a flag of each repository only.
"""

from ministack.services import ecr

from ..ecr import operations, scans
from ..scope import error, json_response

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html"
ROWS = [
    "ecr: GetRegistryScanningConfiguration is basic at first",
    "ecr: PutRegistryScanningConfiguration of enhanced scanning",
    "ecr: BatchGetRepositoryScanningConfiguration by the rules",
    "ecr: PutRegistryScanningConfiguration of basic scanning that is continuous",
]


def install():
    operations.added(
        {
            "GetRegistryScanningConfiguration": _get,
            "PutRegistryScanningConfiguration": _put,
            "BatchGetRepositoryScanningConfiguration": _of_repositories,
        }
    )


def _get(data: dict):
    return json_response({"registryId": ecr._registry_id(), "scanningConfiguration": scans.configuration()})


def _put(data: dict):
    try:
        return json_response({"registryScanningConfiguration": scans.configure(data)})
    except ValueError as problem:
        return error("InvalidParameterException", f"Invalid parameter: {problem}")


def _of_repositories(data: dict):
    known = [name for name in data["repositoryNames"] if name in ecr._repositories]
    failures = [
        {
            "repositoryName": name,
            "failureCode": "REPOSITORY_NOT_FOUND",
            "failureReason": f"The repository with name '{name}' does not exist",
        }
        for name in data["repositoryNames"]
        if name not in known
    ]
    return json_response({"scanningConfigurations": [_told(name) for name in known], "failures": failures})


def _told(name: str) -> dict:
    frequency, filters = scans.frequency(name)
    return {
        "repositoryArn": ecr._repositories[name]["repositoryArn"],
        "repositoryName": name,
        "scanOnPush": frequency == "SCAN_ON_PUSH",
        "scanFrequency": frequency,
        "appliedScanFilters": filters,
    }
