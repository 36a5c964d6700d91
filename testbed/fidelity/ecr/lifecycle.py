"""Lifecycle policies: what a rule would do to which image, and the previews that tell it.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html#lp_evaluation_rules
https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html

That images of an index are no candidates while the index is there was tried on AWS (https://github.com/DefangLabs/pulumi-defang/issues/466);
that they do not count either is an assumption, and so is that a rule of one storage class shields no image from one of the other.
"""

import json

from ministack.services import ecr

from .. import settings, watch
from ..scope import get_account_id, here
from . import archive, images

_DAY = 86_400
_COUNTS = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_previews: dict[tuple, dict] = {}
# What the next preview of a repository becomes, in place of COMPLETE.
_becomes: dict[tuple, str] = {}


class Invalid(Exception):
    """The text is no lifecycle policy."""


def rules(text: str) -> list[dict]:
    """The rules of a policy, the first one first."""
    try:
        found = json.loads(text)["rules"]
    except (ValueError, KeyError, TypeError) as problem:
        raise Invalid("string does not match the schema of a lifecycle policy") from problem
    for rule in found:
        selection, kind = rule.get("selection", {}), rule.get("action", {}).get("type")
        if not isinstance(rule.get("rulePriority"), int) or selection.get("countType") not in _COUNTS:
            raise Invalid("each rule needs a rulePriority and a countType")
        if selection.get("tagStatus") not in ("tagged", "untagged", "any") or kind not in ("expire", "transition"):
            raise Invalid("each rule needs a tagStatus and an action")
        named = selection.get("tagPrefixList") or selection.get("tagPatternList")
        if (selection["tagStatus"] == "tagged") != bool(named):
            raise Invalid("tagPrefixList or tagPatternList is needed with tagStatus 'tagged', and with it only")
        if not isinstance(selection.get("countNumber"), int) or selection["countNumber"] < 1:
            raise Invalid("countNumber must be positive")
        if (selection["countType"] == "imageCountMoreThan") == ("countUnit" in selection):
            raise Invalid("countUnit is needed with counts of days, and with them only")
        if selection["countType"] == "sinceImagePulled" and kind != "transition":
            raise Invalid("sinceImagePulled is for the action transition only")
    if len({rule["rulePriority"] for rule in found}) != len(found):
        raise Invalid("rulePriority must be unique")
    for rule in found:
        last = max(one["rulePriority"] for one in found if _class(one) == _class(rule))
        if rule["selection"]["tagStatus"] == "any" and rule["rulePriority"] < last:
            raise Invalid("a rule with tagStatus 'any' must have the highest rulePriority")
    return sorted(found, key=lambda rule: rule["rulePriority"])


def results(name: str, text: str, now: float) -> list[dict]:
    """What the policy would do, image by image, in the order in which they were pushed."""
    stored = ecr._images.get(name) or []
    dependent = images.dependent(name)
    candidates = [image for image in stored if image["imageDigest"] not in dependent]
    marked, shielded = {}, {}
    for rule in rules(text):
        matching = [
            image for image in candidates if _matches(rule["selection"], image) and _storage(image) == _class(rule)
        ]
        seen = shielded.setdefault(_class(rule), set())
        for image in _affected(rule["selection"], matching, now):
            if image["imageDigest"] not in seen:
                marked.setdefault(image["imageDigest"], rule)
        seen |= {image["imageDigest"] for image in matching}
    found = [_result(image, marked[image["imageDigest"]]) for image in candidates if image["imageDigest"] in marked]
    return sorted(found, key=lambda one: one["imagePushedAt"])


def _affected(selection: dict, matching: list[dict], now: float) -> list[dict]:
    number = selection["countNumber"]
    if selection["countType"] == "imageCountMoreThan":
        return sorted(matching, key=lambda image: image["imagePushedAt"], reverse=True)[number:]
    since = {
        "sinceImagePushed": lambda image: image["imagePushedAt"],
        "sinceImagePulled": lambda image: image.get("testbed_pulled", image["imagePushedAt"]),
        "sinceImageTransitioned": lambda image: image["testbed_archived"],
    }[selection["countType"]]
    return [image for image in matching if now - since(image) > number * _DAY]


def _matches(selection: dict, image: dict) -> bool:
    tags = image.get("imageTags", [])
    if selection["tagStatus"] != "tagged":
        return selection["tagStatus"] == "any" or not tags
    patterns = [f"{prefix}*" for prefix in selection.get("tagPrefixList", [])] + selection.get("tagPatternList", [])
    return all(any(images.matches(pattern, tag) for tag in tags) for pattern in patterns)


def _class(rule: dict) -> str:
    return rule["selection"].get("storageClass", "standard")


def _storage(image: dict) -> str:
    return "archive" if archive.status(image) == "ARCHIVED" else "standard"


def _result(image: dict, rule: dict) -> dict:
    action = {"type": rule["action"]["type"].upper()}
    if action["type"] == "TRANSITION":
        action["targetStorageClass"] = rule["action"].get("targetStorageClass", "archive").upper()
    return {
        "imageTags": list(image.get("imageTags", [])),
        "imageDigest": image["imageDigest"],
        "imagePushedAt": image["imagePushedAt"],
        "action": action,
        "appliedRulePriority": rule["rulePriority"],
        "storageClass": _storage(image).upper(),
    }


def begin(name: str, text: str) -> dict:
    """Begins a preview."""
    made = {"text": text, "began": watch.reached(get_account_id()), "becomes": _becomes.pop(here(name), "COMPLETE")}
    _previews[here(name)] = made
    return made


def preview(name: str) -> tuple[dict, str] | None:
    """The preview of a repository and its status; none if there is none."""
    found = _previews.get(here(name))
    if found is None:
        return None
    ready = found["began"] + settings.value(get_account_id(), "ecr_preview_delay")
    status = found.get("status") or (found["becomes"] if watch.reached(get_account_id()) >= ready else "IN_PROGRESS")
    if status == "COMPLETE" and "results" not in found:
        found["results"] = results(name, found["text"], found["began"])
    return found, status


def tell(name: str, data: dict) -> None:
    """What a test says of the preview there is, or of the next one."""
    if "becomes" in data:
        _becomes[here(name)] = data["becomes"]
    elif data["status"] is None:
        _previews.pop(here(name), None)
    else:
        found = _previews.setdefault(
            here(name), {"text": '{"rules": []}', "began": watch.reached(get_account_id()), "becomes": "COMPLETE"}
        )
        found["status"] = data["status"]
