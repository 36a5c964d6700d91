"""Images and repositories that a request names, or the refusal if there are none."""

import json
import re

from ministack.services import ecr

from ..scope import error

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


def no_repository(data: dict):
    """The refusal of a request whose repository does not exist; none if it does."""
    name = data.get("repositoryName")
    if name in ecr._repositories:
        return None
    return error(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist in the registry with id '{ecr._registry_id()}'",
    )


def found(data: dict, wanted: dict):
    """An image of the request's repository, and the refusal if there is none."""
    refused = no_repository(data)
    if refused:
        return None, refused
    image = ecr._find_image(data["repositoryName"], wanted)
    if image is None:
        return None, missing(data["repositoryName"], wanted)
    return image, None


def missing(name: str, wanted: dict):
    """The refusal of an image that does not exist."""
    return error(
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:'{wanted.get('imageDigest', 'null')}', "
        f"imageTag:'{wanted.get('imageTag', 'null')}'}} does not exist within the repository "
        f"with name '{name}' in the registry with id '{ecr._registry_id()}'",
    )


def named(repository: str, reference: str) -> dict:
    """The image that a test names by tag or digest."""
    kind = "imageDigest" if reference.startswith("sha256:") else "imageTag"
    image = ecr._find_image(repository, {kind: reference})
    if image is None:
        raise ValueError(f"there is no image {reference} in the repository {repository}")
    return image


def identifier(image: dict, wanted: dict) -> dict:
    """The image as a request named it, with its digest."""
    return {"imageDigest": image["imageDigest"]} | ({"imageTag": wanted["imageTag"]} if wanted.get("imageTag") else {})


def is_index(image: dict) -> bool:
    return image.get("imageManifestMediaType") in INDEXES


def is_attestation(image: dict) -> bool:
    """Whether it holds statements about another image, and nothing that could run."""
    manifest = json.loads(image["imageManifest"])
    return bool(manifest.get("subject")) or any(
        "in-toto" in layer.get("mediaType", "") for layer in manifest.get("layers", [])
    )


def parts(image: dict) -> list[str]:
    """The digests of the configuration and the layers of an image."""
    manifest = json.loads(image["imageManifest"])
    return [part.get("digest") for part in [manifest.get("config") or {}, *manifest.get("layers", [])]]


def dependent(name: str) -> set[str]:
    """The digests of what an index, or another image, of the repository needs or is referred to by."""
    manifests = {image["imageDigest"]: json.loads(image["imageManifest"]) for image in ecr._images.get(name) or []}
    children = {child["digest"] for manifest in manifests.values() for child in manifest.get("manifests", [])}
    subjects = {digest: (manifest.get("subject") or {}).get("digest") for digest, manifest in manifests.items()}
    return children | {digest for digest, subject in subjects.items() if subject in manifests}


def dependants(name: str, image: dict) -> list[dict]:
    """What lives and goes with an image: the images of an index, and what refers to one of them."""
    family = {image["imageDigest"]}
    family |= {child["digest"] for child in json.loads(image["imageManifest"]).get("manifests", [])}
    found = []
    for other in ecr._images.get(name) or []:
        subject = (json.loads(other["imageManifest"]).get("subject") or {}).get("digest")
        if other is not image and (other["imageDigest"] in family or subject in family):
            found.append(other)
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern with `*` for any text matches."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
