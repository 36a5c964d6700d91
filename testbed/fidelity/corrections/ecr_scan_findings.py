"""DescribeImageScanFindings answers where the scan of an image has come to, and what it found, in pages; StartImageScan begins a basic one.

MiniStack scans nothing.
"""

from ministack.services import ecr

from .. import watch
from ..ecr import archive, images, operations, scans
from ..pages import page
from ..scope import error, get_account_id, json_response

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html"
ROWS = [
    "ecr: DescribeImageScanFindings of an image that was not scanned",
    "ecr: DescribeImageScanFindings of a missing image",
    "ecr: a basic scan on push is IN_PROGRESS, then COMPLETE",
    "ecr: a basic scan tells its findings",
    "ecr: DescribeImageScanFindings brings every finding once, in pages of 100",
    "ecr: an enhanced scan is PENDING, then ACTIVE",
    "ecr: an enhanced scan tells its findings",
    "ecr: an enhanced scan is COMPLETE before its findings are there",
    "ecr: a scan goes through the states that a test tells",
    "ecr: a scan of a status that nobody knows",
    "ecr: the images of an index are scanned, and the index is not",
    "ecr: an attestation is UNSUPPORTED_IMAGE",
    "ecr: the scan of an archived image",
    "ecr: StartImageScan",
    "ecr: StartImageScan twice in 24 hours",
    "ecr: StartImageScan of an index",
    "ecr: StartImageScan of an archived image",
    "ecr: StartImageScan with enhanced scanning",
]
SIZE, MOST = 100, 1000
_DAY = 86_400


def install():
    operations.added({"DescribeImageScanFindings": _describe, "StartImageScan": _start})


def _describe(data: dict):
    image, refused = images.found(data, data.get("imageId") or {})
    if refused:
        return refused
    name = data["repositoryName"]
    state = scans.state(name, image)
    if state is None:
        wanted = f"imageDigest:'{image['imageDigest']}', imageTag:'{data['imageId'].get('imageTag', 'null')}'"
        return error(
            "ScanNotFoundException",
            f"Image scan does not exist for the image with '{{{wanted}}}' in the repository with name '{name}' in the "
            f"registry with id '{ecr._registry_id()}'",
        )
    shared, listed, found = scans.results(name, image, state)
    size = data.get("maxResults", SIZE)
    paged = page(found, size, data.get("nextToken"))
    if paged is None or not 1 <= size <= MOST:
        return error("InvalidParameterException", "Invalid parameter: maxResults or nextToken")
    answer = _answer(data, image, state) | {"imageScanFindings": {**shared, listed: paged[0]}}
    return json_response(answer | ({"nextToken": paged[1]} if paged[1] else {}))


def _start(data: dict):
    image, refused = images.found(data, data.get("imageId") or {})
    if refused:
        return refused
    if scans.configuration()["scanType"] == "ENHANCED":
        return error("ValidationException", "This feature is disabled")
    if archive.status(image) != "ACTIVE":
        return error("ImageArchivedException", "The specified image is archived and cannot be scanned.")
    if images.is_index(image) or images.is_attestation(image):
        return error(
            "UnsupportedImageTypeException",
            f"An artifact with media type '{image['imageManifestMediaType']}' cannot be scanned. For more information, see the "
            "Amazon ECR documentation.",
        )
    before = scans.began_at(data["repositoryName"], image)
    if before is not None and watch.reached(get_account_id()) < before + _DAY:
        return error("LimitExceededException", "The scan quota per image has been exceeded. Wait and try again.")
    scans.begin(image)
    return json_response(_answer(data, image, {"status": "IN_PROGRESS"}))


def _answer(data: dict, image: dict, state: dict) -> dict:
    return {
        "registryId": ecr._registry_id(),
        "repositoryName": data["repositoryName"],
        "imageId": images.identifier(image, data["imageId"]),
        "imageScanStatus": scans.described(state),
    }
