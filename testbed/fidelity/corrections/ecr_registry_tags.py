"""A tag of an immutable repository is not put again through the registry, not even on the same image.

MiniStack takes the same image under the same tag again, and knows no exclusion filters there. The words are those of
https://github.com/aws/containers-roadmap/issues/2179.
"""

from ministack.services import ecr

from ..wrapping import around
from . import ecr_tag_exclusions

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"
ROWS = [
    "ecr: Docker v2 same image again under an immutable tag (AWS: TAG_INVALID)",
    "ecr: Docker v2 IMMUTABLE_WITH_EXCLUSION: other tag may not",
]


def install():
    @around(ecr, "_v2_put_manifest", "(name, ref, headers, body)", "61f30e54dc20")
    def put(inner, name, ref, headers, body):
        repository = ecr._repositories.get(name)
        if repository is None or ":" in ref:
            return inner(name, ref, headers, body)
        taken = any(ref in image.get("imageTags", []) for image in ecr._images.get(name) or [])
        if taken and ecr_tag_exclusions.immutable(repository, ref):
            return ecr._registry_error(
                400,
                "TAG_INVALID",
                f"The image tag '{ref}' already exists in the '{name}' repository and cannot be overwritten because "
                "the tag is immutable.",
            )
        mutability = repository["imageTagMutability"]
        # Whether the tag may move is decided above.
        repository["imageTagMutability"] = "MUTABLE"
        try:
            return inner(name, ref, headers, body)
        finally:
            repository["imageTagMutability"] = mutability
