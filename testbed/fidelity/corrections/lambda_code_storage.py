"""UpdateFunctionCode sets back what it is not sent: the customer's key of the package, and that Lambda runs it from S3.

MiniStack keeps both, and tells those of $LATEST for every version. An object that Lambda runs from the customer's bucket
(S3ObjectStorageMode REFERENCE, which takes a version of the object) and cannot get at is told as `Code.Error`.
"""

import base64

from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-self-managed-storage.html"
ROWS = [
    "lambda: UpdateFunctionCode without SourceKMSKeyArn takes the customer's key off",
    "lambda: UpdateFunctionCode without S3ObjectStorageMode makes a copy",
    "lambda: GetFunction of a version tells its own key and object",
    "lambda: GetFunction of a version whose object is gone tells an error",
]

_KEPT = ("source_kms_key_arn", "s3_object_storage_mode", "s3_object_ref")


def install():
    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        if "ImageUri" in data:
            return inner(name, data)
        return inner(name, {"SourceKMSKeyArn": None, "S3ObjectStorageMode": None} | data)

    @around(lambda_svc, "_publish_version", "(name, data)", "3bc240a8db5d")
    def publish(inner, name, data):
        response = inner(name, data)
        function = lambda_svc._functions.get(name)
        if response[0] < 300:
            version = function["versions"][body_of(response)["Version"]]
            version.setdefault("testbed_storage", {key: function.get(key) for key in _KEPT})
        return response

    @around(lambda_svc, "_get_function", "(name, qualifier)", "4d089b87a939")
    def get(inner, name, qualifier=None):
        response = inner(name, qualifier)
        answer = body_of(response)
        if response[0] >= 300 or "Location" not in answer["Code"]:
            return response
        record, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
        stored = (record or {}).get("testbed_storage") or lambda_svc._functions[name]
        code = answer["Code"]
        for member in ("SourceKMSKeyArn", "ResolvedS3Object"):
            code.pop(member, None)
        if stored.get("source_kms_key_arn"):
            code["SourceKMSKeyArn"] = stored["source_kms_key_arn"]
        if stored.get("s3_object_storage_mode") == "REFERENCE":
            place = code["ResolvedS3Object"] = stored["s3_object_ref"]
            found = lambda_svc._fetch_code_from_s3(place["S3Bucket"], place["S3Key"], place.get("S3ObjectVersion"))
            if found is None:
                code.pop("Location")
                code["Error"] = {"ErrorCode": "NoSuchVersion", "Message": "The specified version does not exist."}
        return json_response(answer)


def package(data: dict) -> bytes | None:
    """The archive that a request brings."""
    if data.get("ZipFile"):
        return base64.b64decode(data["ZipFile"])
    if data.get("S3Bucket"):
        return lambda_svc._fetch_code_from_s3(data["S3Bucket"], data["S3Key"], data.get("S3ObjectVersion"))
    return None
