"""A preview of a lifecycle policy tells which images it would expire or archive, and by which rule: see ecr/lifecycle.py.

MiniStack has none.
"""

from ministack.services import ecr

from ..ecr import images, lifecycle, operations
from ..pages import page
from ..scope import error, json_response
from . import ecr_lifecycle_policies

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetLifecyclePolicyPreview.html"
ROWS = [
    "ecr: StartLifecyclePolicyPreview without a policy",
    "ecr: GetLifecyclePolicyPreview before any was begun",
    "ecr: a preview is IN_PROGRESS, then COMPLETE",
    "ecr: StartLifecyclePolicyPreview while another one is in progress",
    "ecr: a preview that fails",
    "ecr: a preview by count keeps the youngest",
    "ecr: a rule of higher priority shields the images it matches",
    "ecr: a preview by age",
    "ecr: a preview by the last pull archives",
    "ecr: a preview of archived images",
    "ecr: a preview of patterns and prefixes",
    "ecr: a preview leaves out what an index or an image needs",
    "ecr: GetLifecyclePolicyPreview by imageIds and by tag status",
    "ecr: GetLifecyclePolicyPreview answers pages of 100",
]
MOST = 100


def install():
    operations.added({"StartLifecyclePolicyPreview": _start, "GetLifecyclePolicyPreview": _get})


def _start(data: dict):
    refused = images.no_repository(data)
    if refused:
        return refused
    name = data["repositoryName"]
    text = data.get("lifecyclePolicyText") or ecr._lifecycle_policies.get(name)
    if text is None:
        return error(
            "LifecyclePolicyNotFoundException",
            f"Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{ecr._registry_id()}'",
        )
    running = lifecycle.preview(name)
    if running and running[1] == "IN_PROGRESS":
        return error(
            "LifecyclePolicyPreviewInProgressException",
            "The previous lifecycle policy preview request has not completed. Wait and try again.",
        )
    refused = ecr_lifecycle_policies.refusal(text)
    if refused:
        return refused
    lifecycle.begin(name, text)
    return json_response(_answer(name, text, "IN_PROGRESS"))


def _get(data: dict):
    refused = images.no_repository(data)
    if refused:
        return refused
    name = data["repositoryName"]
    found = lifecycle.preview(name)
    if found is None:
        return error("LifecyclePolicyPreviewNotFoundException", "There is no dry run for this repository.")
    preview, status = found
    results = [one for one in preview.get("results", []) if _asked(data, one)]
    size = data.get("maxResults", MOST)
    paged = page(results, size, data.get("nextToken"))
    if paged is None or not 1 <= size <= MOST:
        return error("InvalidParameterException", "Invalid parameter: maxResults or nextToken")
    answer = _answer(name, preview["text"], status) | {"previewResults": paged[0], "summary": _summary(preview)}
    return json_response(answer | ({"nextToken": paged[1]} if paged[1] else {}))


def _asked(data: dict, result: dict) -> bool:
    status = (data.get("filter") or {}).get("tagStatus", "ANY")
    if status != "ANY" and (status == "TAGGED") != bool(result["imageTags"]):
        return False
    named = data.get("imageIds")
    return not named or any(
        one.get("imageDigest") == result["imageDigest"] or one.get("imageTag") in result["imageTags"] for one in named
    )


def _summary(preview: dict) -> dict:
    kinds = [one["action"]["type"] for one in preview.get("results", [])]
    moved = kinds.count("TRANSITION")
    summary = {"expiringImageTotalCount": kinds.count("EXPIRE")}
    if moved:
        summary["transitioningImageTotalCounts"] = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": moved}]
    return summary


def _answer(name: str, text: str, status: str) -> dict:
    return {
        "registryId": ecr._registry_id(),
        "repositoryName": name,
        "lifecyclePolicyText": text,
        "status": status,
    }
