"""PutImage checks the manifest, its digest, its layers and its tag.

MiniStack stores anything, under any digest the caller names, and a manifest put by the API cannot be read by digest
through the registry.
"""

import json

from ministack.services import ecr

from ..scope import error
from ..wrapping import around
from . import ecr_tag_exclusions

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html"
ROWS = [
    "ecr: PutImage with missing layers (AWS: LayersNotFoundException)",
    "ecr: PutImage same tag same manifest (AWS: ImageAlreadyExistsException)",
    "ecr: PutImage wrong imageDigest (AWS: ImageDigestDoesNotMatch)",
    "ecr: PutImage index referencing missing image (AWS: ReferencedImagesNotFound)",
    "ecr: PutImage garbage manifest",
    "ecr: an image of PutImage is read by digest through the registry",
]

_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def install():
    @around(ecr, "_put_image", "(data)", "657a41f57e5e")
    def put(inner, data):
        name = data.get("repositoryName")
        if name not in ecr._repositories:
            return inner(data)
        text = data.get("imageManifest", "")
        digest = ecr._image_digest(text)
        try:
            manifest = json.loads(text)
        except ValueError:
            manifest = None
        refused = _refusal(name, data, manifest, digest)
        if refused:
            return refused
        media_type = data.get("imageManifestMediaType") or manifest.get("mediaType") or _MEDIA_TYPE
        repository = ecr._repositories[name]
        mutability = repository["imageTagMutability"]
        # Whether the tag may move is decided above.
        repository["imageTagMutability"] = "MUTABLE"
        try:
            response = inner({**data, "imageDigest": digest, "imageManifestMediaType": media_type})
        finally:
            repository["imageTagMutability"] = mutability
        ecr._manifest_blobs.setdefault(name, {})[digest] = text.encode()
        return response


def _refusal(name: str, data: dict, manifest, digest: str):
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        return error(
            "InvalidParameterException",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        )
    if data.get("imageDigest") not in (None, digest):
        return error(
            "ImageDigestDoesNotMatchException",
            f"The digest of the image manifest '{digest}' does not match the digest "
            f"'{data['imageDigest']}' of the request",
        )
    images = ecr._images.get(name) or []
    tag = data.get("imageTag")
    holder = next((image for image in images if tag and tag in image.get("imageTags", [])), None)
    if tag is None and any(image["imageDigest"] == digest for image in images):
        return error(
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag 'null' already exists in the repository with name '{name}' "
            f"in registry with id '{ecr._registry_id()}'",
        )
    if holder and holder["imageDigest"] == digest:
        return error(
            "ImageAlreadyExistsException",
            f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name "
            f"'{name}' in registry with id '{ecr._registry_id()}'",
        )
    if holder and ecr_tag_exclusions.immutable(ecr._repositories[name], tag):
        return error(
            "ImageTagAlreadyExistsException",
            f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten "
            "because the tag is immutable.",
        )
    blobs = ecr._layer_blobs.get(name) or {}
    parts = [manifest["config"], *manifest.get("layers", [])] if "config" in manifest else []
    missing = [part["digest"] for part in parts if part["digest"] not in blobs]
    if missing:
        return error(
            "LayersNotFoundException",
            f"Layers with digests '[{', '.join(missing)}]' required for pushing "
            f"image into repository with name '{name}' in the registry with id '{ecr._registry_id()}' do not exist",
        )
    known = {image["imageDigest"] for image in images}
    missing = [child["digest"] for child in manifest.get("manifests", []) if child["digest"] not in known]
    if missing:
        return error(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for pushing image into repository with "
            f"name '{name}' in the registry with id '{ecr._registry_id()}' do not exist",
        )
    return None
