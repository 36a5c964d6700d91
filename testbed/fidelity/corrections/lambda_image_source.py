"""A function's image must be in ECR, for one platform, and is resolved to its digest once.

MiniStack takes any ImageUri, leaves CodeSha256 empty and repeats the tag as ResolvedImageUri. AWS refuses an absent
image and an index (manifest list), answers the digest as CodeSha256, and keeps the resolved image per version.
"""

import re

from ministack.services import ecr, lambda_svc

from ..ecr import archive, images
from ..scope import body_of, error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"
ROWS = [
    "lambda: CreateFunction Image, image absent from ECR",
    "lambda: CreateFunction Image, index of several platforms",
    "lambda: GetFunction image: ResolvedImageUri and CodeSha256 are the image's digest",
    "lambda: GetFunction image by tag: ResolvedImageUri has digest",
    "lambda: UpdateFunctionCode ImageUri by tag",
    "lambda: UpdateFunctionCode ImageUri absent from ECR",
    "lambda: a published version keeps its image",
]

_URI = re.compile(
    r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{64}))?$"
)


def install():
    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        uri = (data.get("Code") or {}).get("ImageUri")
        if not uri:
            return inner(data)
        image, refusal = resolve(uri)
        if refusal:
            return refusal
        response = inner(data)
        if response[0] >= 300:
            return response
        function = lambda_svc._functions[data["FunctionName"]]
        for record in (function, *function["versions"].values()):
            _remember(record, image)
        return json_response({**body_of(response), "CodeSha256": function["config"]["CodeSha256"]}, 201)

    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        if "ImageUri" not in data or name not in lambda_svc._functions:
            return inner(name, data)
        image, refusal = resolve(data["ImageUri"])
        if refusal:
            return refusal
        response = inner(name, data)
        if response[0] >= 300:
            return response
        function = lambda_svc._functions[name]
        _remember(function, image)
        return json_response(function["config"])

    @around(lambda_svc, "_publish_version", "(name, data)", "3bc240a8db5d")
    def publish(inner, name, data):
        response = inner(name, data)
        function = lambda_svc._functions.get(name) or {}
        if response[0] < 300 and function.get("testbed_image"):
            version = function["versions"][body_of(response)["Version"]]
            version.setdefault("testbed_image", function["testbed_image"])
        return response

    @around(lambda_svc, "_get_function", "(name, qualifier)", "4d089b87a939")
    def get(inner, name, qualifier=None):
        response = inner(name, qualifier)
        if response[0] >= 300:
            return response
        record, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
        if not (record or {}).get("testbed_image"):
            return response
        answer = body_of(response)
        answer["Code"]["ResolvedImageUri"] = record["testbed_image"]
        return json_response(answer)


def resolve(uri: str):
    """The URI by digest of an image a function can run, or the refusal."""
    found = _URI.match(uri)
    image = found and _find(*found.groups())
    if not image:
        return None, error(
            "InvalidParameterValueException", f"Source image {uri} does not exist. Provide a valid source image."
        )
    if image.get("imageManifestMediaType") in images.INDEXES:
        return None, error(
            "InvalidParameterValueException",
            f"The image manifest, config or layer media type for the source image {uri} is not supported.",
        )
    account, region, repository = found.groups()[:3]
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}@{image['imageDigest']}", None


def parts(resolved: str) -> tuple[str, str, str, str]:
    """Account, region, repository and digest of a resolved image."""
    account, region, repository, _, digest = _URI.match(resolved).groups()
    return account, region, repository, digest


def _find(account, region, repository, tag, digest):
    for image in ecr._images.get_scoped(account, region, repository) or []:
        if image["imageDigest"] == digest if digest else (tag or "latest") in image.get("imageTags", []):
            return image if archive.status(image) == "ACTIVE" else None
    return None


def _remember(record: dict, image: str) -> None:
    record["testbed_image"] = image
    record["config"]["CodeSha256"] = image.rsplit(":", 1)[-1]
