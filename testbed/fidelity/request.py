"""What a request is: whose it is, which service and which operation, told from the bytes as AWS would."""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

# The region is absent from a signature for all regions (SigV4A).
_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]+/(?:([^/]+)/)?([^/]+)/aws4_request")
# Where the URL of a function's package points: a bucket of Lambda's own, to AWS.
_PACKAGE = re.compile(r"^/_ministack/lambda-code/(\d{12})/([a-z0-9-]+)/")
_REGISTRY_HOST = re.compile(r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.")
_LAYER = re.compile(r"^/_testbed/layers/(\d{12})/([a-z0-9-]+)/")
# https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html: CloudWatch's protocol in newer SDKs.
_RPC = re.compile(r"^/service/[^/]+/operation/([^/]+)$")
_ROLE = re.compile(r"^arn:aws[\w-]*:iam::(\d{12}):role/")

_FUNCTION = r"^/[\d-]+/functions"
_LAMBDA = [
    (method, re.compile(pattern), operation)
    for method, pattern, operation in [
        ("POST", _FUNCTION + "$", "CreateFunction"),
        ("GET", _FUNCTION + "$", "ListFunctions"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)$", "GetFunction"),
        ("DELETE", _FUNCTION + "/(?P<function>[^/]+)$", "DeleteFunction"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/configuration$", "GetFunctionConfiguration"),
        ("PUT", _FUNCTION + "/(?P<function>[^/]+)/configuration$", "UpdateFunctionConfiguration"),
        ("PUT", _FUNCTION + "/(?P<function>[^/]+)/code$", "UpdateFunctionCode"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/versions$", "PublishVersion"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/versions$", "ListVersionsByFunction"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/aliases$", "CreateAlias"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/aliases$", "ListAliases"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/aliases/(?P<alias>[^/]+)$", "GetAlias"),
        ("PUT", _FUNCTION + "/(?P<function>[^/]+)/aliases/(?P<alias>[^/]+)$", "UpdateAlias"),
        ("DELETE", _FUNCTION + "/(?P<function>[^/]+)/aliases/(?P<alias>[^/]+)$", "DeleteAlias"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/invocations$", "Invoke"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/response-streaming-invocations$", "InvokeWithResponseStream"),
        ("PUT", _FUNCTION + "/(?P<function>[^/]+)/concurrency$", "PutFunctionConcurrency"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/concurrency$", "GetFunctionConcurrency"),
        ("DELETE", _FUNCTION + "/(?P<function>[^/]+)/concurrency$", "DeleteFunctionConcurrency"),
        ("PUT", _FUNCTION + "/(?P<function>[^/]+)/provisioned-concurrency$", "PutProvisionedConcurrencyConfig"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/provisioned-concurrency$", "GetProvisionedConcurrencyConfig"),
        ("DELETE", _FUNCTION + "/(?P<function>[^/]+)/provisioned-concurrency$", "DeleteProvisionedConcurrencyConfig"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/url$", "CreateFunctionUrlConfig"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/url$", "GetFunctionUrlConfig"),
        ("POST", _FUNCTION + "/(?P<function>[^/]+)/policy$", "AddPermission"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/policy$", "GetPolicy"),
        ("GET", _FUNCTION + "/(?P<function>[^/]+)/durable-executions$", "ListDurableExecutionsByFunction"),
        ("POST", "^/[^/]+/durable-executions/.+/stop$", "StopDurableExecution"),
        ("GET", "^/[^/]+/account-settings", "GetAccountSettings"),
        ("GET", "^/[^/]+/tags/", "ListTags"),
        ("POST", "^/[^/]+/tags/", "TagResource"),
        ("DELETE", "^/[^/]+/tags/", "UntagResource"),
    ]
]
_CLOUDFRONT = [
    (method, re.compile(f"^/2020-05-31/{pattern}/?$"), operation)
    for method, pattern, operation in [
        ("POST", "distribution", "CreateDistribution"),
        ("GET", "distribution", "ListDistributions"),
        ("GET", "distribution/(?P<distribution>[^/]+)", "GetDistribution"),
        ("DELETE", "distribution/(?P<distribution>[^/]+)", "DeleteDistribution"),
        ("GET", "distribution/(?P<distribution>[^/]+)/config", "GetDistributionConfig"),
        ("PUT", "distribution/(?P<distribution>[^/]+)/config", "UpdateDistribution"),
        ("POST", "distribution/(?P<distribution>[^/]+)/invalidation", "CreateInvalidation"),
        ("GET", "distribution/(?P<distribution>[^/]+)/invalidation", "ListInvalidations"),
        ("GET", "distribution/(?P<distribution>[^/]+)/invalidation/(?P<invalidation>[^/]+)", "GetInvalidation"),
        ("POST", "key-value-store", "CreateKeyValueStore"),
        ("GET", "key-value-store", "ListKeyValueStores"),
        ("GET", "key-value-store/(?P<store>[^/]+)", "DescribeKeyValueStore"),
        ("POST", "function", "CreateFunction"),
        ("GET", "function", "ListFunctions"),
        ("GET", "function/(?P<function>[^/]+)", "GetFunction"),
        ("PUT", "function/(?P<function>[^/]+)", "UpdateFunction"),
        ("GET", "function/(?P<function>[^/]+)/describe", "DescribeFunction"),
        ("POST", "function/(?P<function>[^/]+)/publish", "PublishFunction"),
        ("GET", "tagging", "ListTagsForResource"),
        ("POST", "tagging", "TagResource"),
    ]
]
_STORE = re.compile(r"^/key-value-stores/(?P<store>arn:[^/]+/[^/]+)(?P<keys>/keys)?(?:/(?P<key>.+))?$")
_REGISTRY = [
    ("manifests", {"GET": "GetManifest", "HEAD": "HeadManifest", "PUT": "PutManifest", "DELETE": "DeleteManifest"}),
    ("blobs/uploads", {"POST": "StartUpload", "PATCH": "UploadChunk", "PUT": "CompleteUpload", "GET": "UploadStatus"}),
    ("blobs", {"GET": "GetBlob", "HEAD": "HeadBlob", "DELETE": "DeleteBlob"}),
    ("tags", {"GET": "ListTags"}),
    ("referrers", {"GET": "ListReferrers"}),
]


@dataclass
class Request:
    """A request with its whole body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    access_key: str = ""
    account: str = ""
    region: str = ""
    service: str = ""
    operation: str = ""
    # rest-json, rest-xml, json, cbor, query, s3, oci or http: decides what an error looks like.
    protocol: str = "http"
    params: dict = field(default_factory=dict)
    # The body as text: what it is in JSON if it is CBOR.
    text: str = ""
    # Made by a fault rule, on behalf of another deployer.
    by_rule: bool = False


def identify(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Request:
    request = Request(method, path, query, headers, body, text=body[:65536].decode("utf-8", "replace"))
    signature = _CREDENTIAL.search(headers.get("authorization", ""))
    named = parse_qs(query, keep_blank_values=True)
    if signature:
        request.access_key, request.region, request.service = signature.groups(default="")
    elif "X-Amz-Credential" in named:
        parts = named["X-Amz-Credential"][0].split("/")
        if len(parts) == 5:
            request.access_key, request.region, request.service = parts[0], parts[2], parts[3]
    request.params = {name: values[0] for name, values in named.items() if not name.startswith("X-Amz-")}
    layer = _LAYER.match(path)
    if layer:
        # A presigned URL: nobody signs, and what went wrong is told as S3 does.
        request.service, request.operation, request.protocol = "layers", "GetLayer", "s3"
        request.account, request.region = layer.groups()
        return request
    if _of_viewer(request):
        return request
    _operation(request)
    request.account = _account(request)
    return request


def _of_viewer(request: Request) -> bool:
    """Whether the request is for a distribution: then it is about whoever has that, and its operation is its method."""
    from .edge import address, progress

    found = address.distribution(request.headers.get("host", ""))
    if found:
        request.service, request.operation, request.account = "edge", request.method, progress.owner(found)
    return found is not None


def _operation(request: Request) -> None:
    headers, path = request.headers, request.path
    target = headers.get("x-amz-target", "")
    if path == "/v2" or path.startswith("/v2/"):
        request.service, request.protocol = "registry", "oci"
        request.operation = "Ping"
        for marker, operations in _REGISTRY:
            if f"/{marker}/" in path:
                request.operation = operations.get(request.method, request.method)
                break
    elif target:
        request.protocol, request.operation = "json", target.rsplit(".", 1)[-1]
        request.params |= _scalars(request.body)
    elif rpc := _RPC.match(path):
        request.protocol, request.operation = "cbor", rpc.group(1)
        request.text = _cbor_as_json(request.body)
        request.params |= _scalars(request.text.encode())
    elif path == "/" and request.method == "POST" and b"Action=" in request.body:
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        request.protocol, request.operation = "query", form.get("Action", "")
        request.params |= {name: value for name, value in form.items() if len(value) <= 256}
        request.service = request.service or ("sts" if request.operation.startswith("AssumeRole") else "")
    elif "Action" in request.params and path == "/":
        request.protocol, request.operation = "query", request.params["Action"]
    elif request.service == "lambda" or (not request.service and re.match(_FUNCTION, path)):
        request.service, request.protocol = "lambda", "rest-json"
        _lambda(request)
    elif path.startswith("/2020-05-31/"):
        request.service, request.protocol = "cloudfront", "rest-xml"
        request.operation, named = _call(_CLOUDFRONT, request.method, path)
        request.operation = request.operation or request.method
        request.params |= named
    elif found := _STORE.match(path):
        request.service, request.protocol = "cloudfront-keyvaluestore", "rest-json"
        request.operation = _key_value_store(request.method, found)
        request.params |= {name: value for name, value in found.groupdict().items() if value and name != "keys"}
    elif request.service == "s3" or _PACKAGE.match(path):
        request.service, request.protocol, request.operation = "s3", "s3", _s3(request)
    else:
        request.operation = request.method


def lambda_operation(method: str, path: str) -> str | None:
    """The operation of Lambda that a request is, if it is one of those known here."""
    return _lambda_call(method, path)[0]


def _lambda_call(method: str, path: str) -> tuple[str | None, dict]:
    return _call(_LAMBDA, method, path)


def _call(table: list, method: str, path: str) -> tuple[str | None, dict]:
    for wanted, pattern, operation in table:
        found = pattern.match(path) if method == wanted else None
        if found:
            return operation, found.groupdict()
    return None, {}


def _lambda(request: Request) -> None:
    operation, named = _lambda_call(request.method, request.path)
    request.operation = operation or request.method
    request.params |= named
    if operation not in (None, "Invoke"):
        request.params |= _scalars(request.body)


def _key_value_store(method: str, found: re.Match) -> str:
    if found["key"]:
        return {"GET": "GetKey", "PUT": "PutKey", "DELETE": "DeleteKey"}.get(method, method)
    if found["keys"]:
        return {"GET": "ListKeys", "POST": "UpdateKeys"}.get(method, method)
    return "DescribeKeyValueStore"


# What a request with one of these in its query is about.
_S3_PARTS = {"tagging": "Tagging", "versioning": "Versioning", "policy": "Policy", "location": "Location", "acl": "Acl"}


def _s3(request: Request) -> str:
    key = len([part for part in request.path.split("/") if part]) > 1
    query = request.params
    verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}.get(request.method)
    for part, name in _S3_PARTS.items():
        if part in query and verb:
            return f"{verb}{'Object' if key else 'Bucket'}{name}"
    if key:
        if "uploadId" in query or "uploads" in query:
            return {
                "POST": "CompleteMultipartUpload" if "uploadId" in query else "CreateMultipartUpload",
                "PUT": "UploadPart",
                "DELETE": "AbortMultipartUpload",
            }.get(request.method, "ListParts")
        if request.method == "PUT" and "x-amz-copy-source" in request.headers:
            return "CopyObject"
        return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(
            request.method, request.method
        )
    if request.method == "GET":
        return "ListBuckets" if request.path == "/" else "ListObjectsV2" if "list-type" in query else "GetBucket"
    return {
        "PUT": "CreateBucket",
        "HEAD": "HeadBucket",
        "DELETE": "DeleteBucket",
        "POST": "DeleteObjects",
    }.get(request.method, request.method)


def _cbor_as_json(body: bytes) -> str:
    """The body in JSON, times as seconds since 1970."""
    import cbor2

    try:
        found = cbor2.loads(body) if body else {}
    except cbor2.CBORDecodeError:
        return ""
    return json.dumps(found, default=lambda value: value.timestamp() if hasattr(value, "timestamp") else str(value))


def _scalars(body: bytes) -> dict:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: value for name, value in data.items() if _short(value)}


def _short(value) -> bool:
    if isinstance(value, str):
        return len(value) <= 256
    return value is not None and len(json.dumps(value)) <= 512


def _account(request: Request) -> str:
    """The account a request is about: the key's, the session's, the registry's, or the role's."""
    from ministack.core.responses import _account_from_sts_session

    key = request.access_key
    if re.fullmatch(r"\d{12}", key):
        return key
    if key:
        return _account_from_sts_session(key) or "000000000000"
    package = _PACKAGE.match(request.path)
    if package:
        request.region = package.group(2)
        return package.group(1)
    if request.service == "registry":
        host = _REGISTRY_HOST.match(request.headers.get("host", ""))
        if host:
            request.region = host.group(2)
            return host.group(1)
        from .corrections import ecr_registry_login

        scope = ecr_registry_login.scope_of(request.headers.get("authorization", ""))
        if scope:
            request.region = scope[1]
            return scope[0]
    role = _ROLE.match(str(request.params.get("RoleArn", "")))
    return role.group(1) if role else "000000000000"
