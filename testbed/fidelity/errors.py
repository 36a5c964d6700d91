"""An error of AWS in the words of each protocol, as an SDK expects to read it.

rest-json: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
json:      https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
cbor:      https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#operation-error-serialization
query:     https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
rest-xml:  https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html#operation-error-serialization
S3:        https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
registry:  https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
"""

import json
import uuid
from xml.sax.saxutils import escape


_SPACES = {
    "cloudfront": "http://cloudfront.amazonaws.com/doc/2020-05-31/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


def response(request, status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an error of the service that the request is for."""
    identifier = str(uuid.uuid4())
    headers = {"x-amzn-requestid": identifier}
    if request.protocol == "rest-json":
        headers |= {"content-type": "application/json", "x-amzn-errortype": code}
        fault = "Server" if status >= 500 else "User"
        body = json.dumps({"Type": fault, "message": message, "Message": message})
    elif request.protocol == "json":
        headers |= {"content-type": "application/x-amz-json-1.1"}
        body = json.dumps({"__type": code, "message": message})
    elif request.protocol == "cbor":
        # The code that the service has in the query protocol goes into a header of its own.
        # https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
        fault = "Receiver" if status >= 500 else "Sender"
        headers |= {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        headers |= {"x-amzn-query-error": f"{code.removesuffix('Exception')};{fault}"}
        return status, headers, _cbor({"__type": code, "message": message})
    elif request.protocol in ("query", "rest-xml"):
        headers |= {"content-type": "text/xml"}
        space = _SPACES.get(request.service, _SPACES["iam"])
        fault = "Receiver" if status >= 500 else "Sender"
        body = (
            f'<ErrorResponse xmlns="{space}"><Error><Type>{fault}</Type><Code>{escape(code)}</Code>'
            f"<Message>{escape(message)}</Message></Error><RequestId>{identifier}</RequestId></ErrorResponse>"
        )
    elif request.protocol == "s3":
        headers |= {"content-type": "application/xml", "x-amz-request-id": identifier}
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            f"<Resource>{escape(request.path)}</Resource><RequestId>{identifier}</RequestId></Error>"
        )
        if request.method == "HEAD":
            body = ""
    elif request.protocol == "oci":
        headers |= {"content-type": "application/json", "docker-distribution-api-version": "registry/2.0"}
        body = json.dumps({"errors": [{"code": code, "message": message}]})
    else:
        headers |= {"content-type": "text/plain"}
        body = message
    return status, headers, body.encode()


def _cbor(body: dict) -> bytes:
    import cbor2

    return cbor2.dumps(body)


def expired_session(request) -> tuple[int, dict[str, str], bytes]:
    """What a service answers to credentials whose time is over."""
    if request.protocol in ("query", "rest-xml", "s3"):
        return response(
            request,
            400 if request.protocol == "s3" else 403,
            "ExpiredToken",
            "The security token included in the request is expired",
        )
    return response(
        request,
        400 if request.protocol == "json" else 403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )
