"""Uploads to the registry: PATCH answers 201, an empty blob is refused, and a session does not begin again.

MiniStack answers 202, takes the empty blob, and appends. See https://github.com/cirruslabs/tart/issues/273,
https://github.com/oras-project/oras-py/issues/54 and https://github.com/apple/container/issues/1895.
"""

from ministack.services import ecr

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html"
ROWS = [
    "ecr: Docker v2 PATCH of an upload (AWS: 201)",
    "ecr: Docker v2 upload of an empty blob",
    "ecr: Docker v2 upload begun again in its session (AWS: 416)",
]


def install():
    @around(ecr, "_v2_patch_blob_upload", "(name, upload_uuid, body)", "a4dbd282a715")
    def patch(inner, name, upload_uuid, body):
        status, headers, content = inner(name, upload_uuid, body)
        return 201 if status == 202 else status, headers, content

    @around(ecr, "_v2_complete_blob_upload", "(name, upload_uuid, query_params, body)", "64eca8dc4be9")
    def complete(inner, name, upload_uuid, query_params, body):
        held = (ecr._uploads.get(name) or {}).get(upload_uuid)
        if held is None:
            return inner(name, upload_uuid, query_params, body)
        if held and body:
            return ecr._registry_error(
                416, "BLOB_UPLOAD_INVALID", f"The first byte of the layer part is 0 instead of {len(held)}"
            )
        if not held and not body:
            return ecr._registry_error(400, "BLOB_UPLOAD_INVALID", "The upload has no parts")
        return inner(name, upload_uuid, query_params, body)
