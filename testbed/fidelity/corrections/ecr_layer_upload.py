"""The layer upload operations keep the bytes, check the digest, and share the store of the registry.

MiniStack throws the bytes away and never has a layer.
"""

import base64
import hashlib

from ministack.services import ecr

from ..scope import body_of, error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html"
ROWS = ["ecr: Layer upload API checks the digest", "ecr: BatchCheckLayerAvailability"]

_uploads: dict[str, bytearray] = {}
_MEDIA_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def install():
    @around(ecr, "_initiate_layer_upload", "(data)", "26e291dec789")
    def initiate(inner, data):
        response = inner(data)
        if response[0] < 300:
            _uploads[body_of(response)["uploadId"]] = bytearray()
        return response

    @around(ecr, "_upload_layer_part", "(data)", "4f0210073b88")
    def part(inner, data):
        upload = _uploads.get(data.get("uploadId", ""))
        if upload is None:
            return _unknown(data)
        if data.get("partFirstByte", 0) != len(upload):
            return error("InvalidLayerPartException", f"Expected part to begin at byte {len(upload)}")
        upload.extend(base64.b64decode(data["layerPartBlob"]))
        return json_response({**body_of(inner(data)), "lastByteReceived": len(upload) - 1})

    @around(ecr, "_complete_layer_upload", "(data)", "372be6445fa6")
    def complete(inner, data):
        upload = _uploads.get(data.get("uploadId", ""))
        if upload is None:
            return _unknown(data)
        if not upload:
            return error("EmptyUploadException", "Upload has no parts")
        digest = "sha256:" + hashlib.sha256(upload).hexdigest()
        if digest not in data.get("layerDigests", []):
            return error("InvalidLayerException", f"Expected layer digest {data.get('layerDigests')}, found {digest}")
        blobs = ecr._layer_blobs.setdefault(data["repositoryName"], {})
        if digest in blobs:
            return error(
                "LayerAlreadyExistsException",
                f"Layer with digest '{digest}' already exists in repository '{data['repositoryName']}'",
            )
        blobs[digest] = bytes(_uploads.pop(data["uploadId"]))
        return json_response({**body_of(inner(data)), "layerDigest": digest})

    @around(ecr, "_batch_check_layer_availability", "(data)", "fa54e5eeff06")
    def available(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        blobs = ecr._layer_blobs.get(data["repositoryName"]) or {}
        layers = []
        for digest in data.get("layerDigests", []):
            if digest in blobs:
                layers.append(
                    {
                        "layerDigest": digest,
                        "layerAvailability": "AVAILABLE",
                        "layerSize": len(blobs[digest]),
                        "mediaType": _MEDIA_TYPE,
                    }
                )
            else:
                layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        return json_response({"layers": layers, "failures": []})


def _unknown(data: dict):
    return error(
        "UploadNotFoundException",
        f"The upload '{data.get('uploadId')}' in repository '{data.get('repositoryName')}' could not be found",
    )
