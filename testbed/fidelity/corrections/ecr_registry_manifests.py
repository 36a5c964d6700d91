"""The registry takes a manifest only after its layers and images, under its own digest, and with plain media types.

MiniStack takes anything. The answers are those of https://github.com/int128/docker-manifest-create-action/pull/63 and
https://github.com/sigstore/sigstore-js/issues/1058; that there is no Location is told by many clients.
"""

import json

from ministack.services import ecr

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html"
ROWS = [
    "ecr: Docker v2 PUT manifest with unknown blobs",
    "ecr: Docker v2 PUT index before its images",
    "ecr: Docker v2 PUT manifest under another digest",
    "ecr: Docker v2 PUT manifest with a parameter in a media type (AWS: 405)",
    "ecr: Docker v2 PUT manifest answers no Location",
]


def install():
    @around(ecr, "_v2_put_manifest", "(name, ref, headers, body)", "61f30e54dc20")
    def put(inner, name, ref, headers, body):
        if name not in ecr._repositories:
            return inner(name, ref, headers, body)
        status, answered, content = _refusal(name, ref, body) or inner(name, ref, headers, body)
        return status, {key: value for key, value in answered.items() if key != "Location"}, content


def _refusal(name: str, ref: str, body: bytes):
    try:
        manifest = json.loads(body)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        return ecr._registry_error(400, "MANIFEST_INVALID", "Invalid JSON syntax")
    if ":" in ref and ref != ecr._content_digest(body):
        return ecr._registry_error(400, "DIGEST_INVALID", "The digest is not that of the manifest")
    parts = [manifest["config"], *manifest.get("layers", [])] if "config" in manifest else []
    children = manifest.get("manifests", [])
    named = [manifest.get("artifactType") or "", *(part.get("mediaType", "") for part in parts + children)]
    if any(";" in media_type for media_type in named):
        return ecr._registry_error(
            405,
            "UNSUPPORTED",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        )
    blobs = ecr._layer_blobs.get(name) or {}
    images = {image["imageDigest"] for image in ecr._images.get(name) or []}
    return _missing(name, "Layers", [part["digest"] for part in parts if "urls" not in part], blobs) or _missing(
        name, "Images", [child["digest"] for child in children], images
    )


def _missing(name: str, kind: str, wanted: list[str], known):
    absent = [digest for digest in wanted if digest not in known]
    if not absent:
        return None
    return ecr._registry_error(
        400,
        "MANIFEST_BLOB_UNKNOWN",
        f"{kind} with digests '[{', '.join(absent)}]' required for pushing image into repository with name '{name}' "
        f"in the registry with id '{ecr._registry_id()}' do not exist",
    )
