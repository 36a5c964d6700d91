"""What the registry is asked for must be allowed to whoever asked for the token.

MiniStack's registry asks nobody. Each request of the registry protocol is one of ECR's actions on the repository; the
answer to who may not is 403 DENIED, with the action and the resource. A token is good for what its owner may do when it
is used.
"""

from ministack.services import ecr

from ..wrapping import around
from . import ecr_registry_login, iam_enforcement

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html"
ROWS = [
    "iam: Docker v2 GET manifest is ecr:BatchGetImage on the repository",
    "iam: Docker v2 HEAD manifest is ecr:BatchGetImage on the repository",
    "iam: Docker v2 GET blob is ecr:GetDownloadUrlForLayer on the repository",
    "iam: Docker v2 HEAD blob is ecr:BatchCheckLayerAvailability on the repository",
    "iam: Docker v2 begin of an upload is ecr:InitiateLayerUpload on the repository",
    "iam: Docker v2 part of an upload is ecr:UploadLayerPart on the repository",
    "iam: Docker v2 end of an upload is ecr:UploadLayerPart and ecr:CompleteLayerUpload on the repository",
    "iam: Docker v2 PUT manifest is ecr:PutImage on the repository",
    "iam: Docker v2 GET tags is ecr:ListImages on the repository",
    "iam: a token may do what its owner may do now",
]

_ACTIONS = {
    ("manifest", "GET"): ["BatchGetImage"],
    ("manifest", "HEAD"): ["BatchGetImage"],
    ("manifest", "PUT"): ["PutImage"],
    ("manifest", "DELETE"): ["BatchDeleteImage"],
    ("blob", "GET"): ["GetDownloadUrlForLayer"],
    ("blob", "HEAD"): ["BatchCheckLayerAvailability"],
    ("blob_uploads", "POST"): ["InitiateLayerUpload"],
    ("blob_upload_session", "PATCH"): ["UploadLayerPart"],
    ("blob_upload_session", "PUT"): ["UploadLayerPart", "CompleteLayerUpload"],
    ("tags_list", "GET"): ["ListImages"],
    ("referrers", "GET"): ["BatchGetImage"],
}


def install():
    @around(ecr, "handle_registry_request", "(method, path, headers, body, query_params)", "8d092cb90854")
    async def registry(inner, method, path, headers, body, query_params):
        lower = {name.lower(): value for name, value in headers.items()}
        owner = ecr_registry_login.owner_of(lower.get("authorization", ""))
        if iam_enforcement.bound(*owner):
            kind, name = _asked(path)
            ecr._select_registry_request_scope(name, lower, query_params)
            resource = f"arn:aws:ecr:{ecr.get_region()}:{ecr.get_account_id()}:repository/{name}"
            for action in _ACTIONS.get((kind, method.upper()), []):
                words = iam_enforcement.refusal(owner[0], f"ecr:{action}", resource)
                if words:
                    status, answered, content = ecr._registry_error(403, "DENIED", words)
                    return status, answered, b"" if method.upper() == "HEAD" else content
        return await inner(method, path, headers, body, query_params)


def _asked(path: str) -> tuple[str, str]:
    """What is asked of which repository."""
    if "/referrers/" in path:
        return "referrers", path[len("/v2/") :].partition("/referrers/")[0]
    kind, name, _ = ecr._parse_v2_path(path) or ("", "", "")
    return kind, name
