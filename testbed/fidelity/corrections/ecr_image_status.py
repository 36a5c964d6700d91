"""An image is ACTIVE, ARCHIVED or ACTIVATING; only active ones are pulled, and are described and listed unless a filter asks for others.

MiniStack has no archival storage class, and no filters of DescribeImages. Which failure BatchGetImage answers for an archived image, that
UpdateImageStorageClass refuses the class an image has, and that DescribeImages does not find an archived image that is named without a
filter (setting `ecr_describes_archived`) are assumptions. Images are pushed by the account's clock.
"""

from ministack.services import ecr

from .. import settings, watch
from ..ecr import archive, images, operations
from ..scope import body_of, error, get_account_id, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html"
ROWS = [
    "ecr: UpdateImageStorageClass archives an image, with the images of an index",
    "ecr: DescribeImages finds archived images by filter only",
    "ecr: DescribeImages of an archived image by name",
    "ecr: DescribeImages of an archived image by name, if AWS answers it",
    "ecr: DescribeImages by tag status",
    "ecr: ListImages finds archived images by filter only",
    "ecr: BatchGetImage of an archived image",
    "ecr: Docker v2 GET manifest of an archived image",
    "ecr: GetDownloadUrlForLayer of an archived image",
    "ecr: BatchCheckLayerAvailability of an archived image",
    "ecr: CreateFunction of an archived image",
    "ecr: an archived image that is restored is ACTIVATING, then ACTIVE",
    "ecr: an archived image that is pushed again is ACTIVE",
    "ecr: UpdateImageStorageClass to the class an image has",
]


def install():
    operations.added({"UpdateImageStorageClass": _update})
    _pushes()
    _pulls()

    @around(ecr, "_describe_images", "(data)", "86c7f7b273ab")
    def describe(inner, data):
        name, named = data.get("repositoryName"), data.get("imageIds")
        for wanted in (named or []) if name in ecr._repositories else []:
            image = ecr._find_image(name, wanted)
            if image and not _shown(image, data, bool(named)):
                return images.missing(name, wanted)
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        every = [(detail, images.named(name, detail["imageDigest"])) for detail in answer["imageDetails"]]
        answer["imageDetails"] = [
            detail | archive.fields(image) for detail, image in every if _shown(image, data, bool(named))
        ]
        return json_response(answer)

    @around(ecr, "_list_images", "(data)", "ee72ee16d753")
    def every(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        answer, name = body_of(response), data["repositoryName"]
        answer["imageIds"] = [
            one for one in answer["imageIds"] if _shown(images.named(name, one["imageDigest"]), data, False)
        ]
        return json_response(answer)


def _pushes():
    @around(ecr, "_put_image", "(data)", "657a41f57e5e")
    def put(inner, data):
        name, text, tag = data.get("repositoryName"), data.get("imageManifest", ""), data.get("imageTag")
        image = _restored(name, ecr._image_digest(text), tag)
        if image and not tag:
            told = {"imageId": images.identifier(image, {}), "imageManifest": text, "repositoryName": name}
            return json_response({"image": {**told, "registryId": ecr._registry_id()}})
        return _stamped(name, lambda: inner(data))

    @around(ecr, "_v2_put_manifest", "(name, ref, headers, body)", "61f30e54dc20")
    def put_manifest(inner, name, ref, headers, body):
        _restored(name, ecr._content_digest(body), ref)
        return _stamped(name, lambda: inner(name, ref, headers, body))


def _pulls():
    @around(ecr, "_batch_get_image", "(data)", "b9c1da9cdc90")
    def get(inner, data):
        asked = data.get("imageIds", [])
        found = [(wanted, ecr._find_image(data.get("repositoryName"), wanted)) for wanted in asked]
        away = [wanted for wanted, image in found if image and archive.status(image) != "ACTIVE"]
        response = inner({**data, "imageIds": [wanted for wanted in asked if wanted not in away]})
        if response[0] >= 300 or not away:
            return response
        answer = body_of(response)
        why = {"failureCode": "ImageInaccessible", "failureReason": "The image is archived"}
        return json_response({**answer, "failures": answer["failures"] + [{"imageId": one, **why} for one in away]})

    @around(ecr, "_resolve_manifest", "(name, ref)", "b2c28d3b30c5")
    def resolve(inner, name, ref):
        found = inner(name, ref)
        image = ecr._find_image(name, {"imageDigest": found[0]}) if found[0] else None
        return (None, None, None) if image and archive.status(image) != "ACTIVE" else found

    @around(ecr, "_get_download_url_for_layer", "(data)", "56e5002b00dc")
    def url(inner, data):
        name, digest = data.get("repositoryName"), data.get("layerDigest", "")
        if archive.archived_layer(name, digest):
            return error(
                "LayerInaccessibleException", f"Layer with digest '{digest}' is archived in repository '{name}'"
            )
        return inner(data)

    @around(ecr, "_batch_check_layer_availability", "(data)", "fa54e5eeff06")
    def available(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        for layer in answer["layers"]:
            if archive.archived_layer(data["repositoryName"], layer["layerDigest"]):
                layer["layerAvailability"] = "ARCHIVED"
        return json_response(answer)


def _shown(image: dict, data: dict, named: bool) -> bool:
    """Whether a filter lets an image through."""
    asked = data.get("filter") or {}
    if asked.get("tagStatus") in ("TAGGED", "UNTAGGED") and (asked["tagStatus"] == "TAGGED") != bool(
        image.get("imageTags")
    ):
        return False
    wanted = asked.get("imageStatus")
    if wanted is None and named and settings.value(get_account_id(), "ecr_describes_archived"):
        return True
    return wanted == "ANY" or archive.status(image) == (wanted or "ACTIVE")


def _restored(name: str, digest: str, tag: str | None) -> dict | None:
    """The image that is pushed, if it was archived: it is active at once, and without the tag that is pushed."""
    image = ecr._find_image(name, {"imageDigest": digest}) if name in ecr._repositories else None
    if image is None or archive.status(image) == "ACTIVE":
        return None
    archive.restore(name, image, at_once=True)
    if tag in image.get("imageTags", []):
        image["imageTags"].remove(tag)
    return image


def _stamped(name: str, push):
    """Notes when new images were pushed."""
    known = {image["imageDigest"] for image in ecr._images.get(name) or []}
    response = push()
    for image in ecr._images.get(name) or []:
        if image["imageDigest"] not in known:
            image["imagePushedAt"] = round(watch.reached(get_account_id()), 3)
    return response


def _update(data: dict):
    image, refused = images.found(data, data.get("imageId") or {})
    if refused:
        return refused
    name, status = data["repositoryName"], archive.status(image)
    if (data.get("targetStorageClass"), status) not in (("ARCHIVE", "ACTIVE"), ("STANDARD", "ARCHIVED")):
        return error(
            "ImageStorageClassUpdateNotSupportedException",
            f"The storage class of the image is not changed to {data.get('targetStorageClass')}: it is {status}",
        )
    if data["targetStorageClass"] == "ARCHIVE":
        archive.put_away(name, image)
    else:
        archive.restore(name, image)
    return json_response(
        {
            "registryId": ecr._registry_id(),
            "repositoryName": name,
            "imageId": images.identifier(image, data["imageId"]),
            "imageStatus": archive.status(image),
        }
    )
