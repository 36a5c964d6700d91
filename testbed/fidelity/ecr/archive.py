"""The archival storage class: an archived image is described, and not pulled, until it is restored or pushed again.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
"""

from ministack.services import ecr

from .. import settings, watch
from ..scope import get_account_id
from . import images


def status(image: dict) -> str:
    """ACTIVE, ARCHIVED or ACTIVATING, by the account's clock."""
    if "testbed_restored" in image:
        ready = image["testbed_restored"] + settings.value(get_account_id(), "ecr_restore_delay")
        return "ACTIVE" if watch.reached(get_account_id()) >= ready else "ACTIVATING"
    return "ARCHIVED" if "testbed_archived" in image else "ACTIVE"


def put_away(name: str, image: dict, at: float | None = None) -> None:
    """Archives an image with all that lives with it. That AWS archives the images of an index with it, is an assumption."""
    for one in [image, *images.dependants(name, image)]:
        one.pop("testbed_restored", None)
        one["testbed_archived"] = watch.reached(get_account_id()) if at is None else at


def restore(name: str, image: dict, at_once: bool = False) -> None:
    now = watch.reached(get_account_id())
    for one in [image, *images.dependants(name, image)]:
        if status(one) != "ACTIVE":
            one["testbed_restored"] = float("-inf") if at_once else now
            one["testbed_activated"] = now


def fields(image: dict) -> dict:
    """What DescribeImages tells about the storage of an image."""
    told = {"imageStatus": status(image)}
    if "testbed_archived" in image:
        told["lastArchivedAt"] = image["testbed_archived"]
    if "testbed_activated" in image and told["imageStatus"] == "ACTIVE":
        told["lastActivatedAt"] = image["testbed_activated"]
    if "testbed_pulled" in image:
        told["lastRecordedPullTime"] = image["testbed_pulled"]
    return told


def archived_layer(name: str, digest: str) -> bool:
    """Whether only archived images need a layer."""
    stored = ecr._images.get(name) or []
    if not any("testbed_archived" in image for image in stored):
        return False
    users = [image for image in stored if digest in images.parts(image)]
    return bool(users) and all(status(image) != "ACTIVE" for image in users)
