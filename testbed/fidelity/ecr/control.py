"""What a test says about ECR of an account, under /_testbed/accounts/{id}/ecr/, in the region `?region=`.

POST   scan      [{"repository", "image"?: tag or digest, ...}]: how the scan of an image, or of all in the repository, has ended:
                 {"status", "description"?, "findings"?, "type"?} or {"states": [{"for": seconds, "status", ..}, .., {"status", ..}]}, from
                 now, or from when the image is pushed; a status that AWS does not know, too. Status null: there is no scan.
                 "findings": {"CRITICAL": 2} or [{"name", "severity", "package"?, "version"?, "fixed"?, "fix"?: "YES", "exploit"?: "NO",
                 "fields"?}]; without, a scan that has ended answers none yet. "type": "ENHANCED" or "BASIC", in place of the registry's.
                 DELETE with ?repository= forgets them
PATCH  image     {"repository", "image", "set": {"pushed"?: at, "pulled"?: at, "archived"?: at, "status"?: "ACTIVE"}}: an image was pushed,
                 pulled, archived at a time, in seconds from now; or is ACTIVE again
PATCH  preview   {"repository", "status": "IN_PROGRESS"}: somebody's preview of the lifecycle policy is in this status until another is
                 begun, null for no preview; or {"repository", "becomes": "FAILED"}: what the next preview becomes
"""

from .. import watch
from ..scope import get_account_id
from . import archive, images, lifecycle, scans


def answer(method: str, parts: list[str], query: dict, data):
    """The answer; none if there is no such endpoint."""
    match (method, *parts):
        case ("POST", "scan"):
            for one in data:
                scans.tell(one)
            return {}
        case ("DELETE", "scan"):
            scans.forget(query["repository"][0])
            return {}
        case ("PATCH", "image"):
            _set(data["repository"], images.named(data["repository"], data["image"]), data["set"])
            return {}
        case ("PATCH", "preview"):
            lifecycle.tell(data["repository"], data)
            return {}
    return None


def _set(repository: str, image: dict, told: dict) -> None:
    unknown = sorted(set(told) - {"pushed", "pulled", "archived", "status"})
    if unknown or told.get("status") not in (None, "ACTIVE"):
        raise ValueError(f"an image has no {', '.join(unknown) or 'such status'}")
    now = watch.reached(get_account_id())
    for name, field in (("pushed", "imagePushedAt"), ("pulled", "testbed_pulled")):
        if name in told:
            image[field] = round(now + told[name], 3)
    if "archived" in told:
        archive.put_away(repository, image, round(now + told["archived"], 3))
    if "status" in told:
        archive.restore(repository, image, at_once=True)
