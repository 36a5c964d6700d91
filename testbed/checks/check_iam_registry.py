"""What the registry of ECR asks of who has a token."""

import json

from .check_ecr import OCI, Images
from .check_ecr_registry import Registry
from .check_iam import Roles
from .common import REGION, digest, section


class Bearer(Registry):
    """The registry of an account, as a session that is logged in."""

    def __init__(self, c, images, keys):
        super().__init__(c, images)
        answer = c.client("ecr", **keys).get_authorization_token()["authorizationData"][0]
        self.good = {**self.host, "Authorization": f"Basic {answer['authorizationToken']}"}


@section("iam")
def registry(c):
    r, i = Roles(c), Images(c, "app")
    manifest, configuration, layer = i.parts("v1", OCI)
    i.push("v1")
    root = Registry(c, i)
    resource = f"arn:aws:ecr:{REGION}:{c.account}:repository/app"
    login = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}

    def part(b, place):
        return b.call(place, "PATCH", b"part")

    calls = [
        ("GET manifest", ["ecr:BatchGetImage"], lambda b: b.call("/v2/app/manifests/v1")),
        ("HEAD manifest", ["ecr:BatchGetImage"], lambda b: b.call("/v2/app/manifests/v1", "HEAD")),
        ("GET blob", ["ecr:GetDownloadUrlForLayer"], lambda b: b.call(f"/v2/app/blobs/{digest(layer)}")),
        ("HEAD blob", ["ecr:BatchCheckLayerAvailability"], lambda b: b.call(f"/v2/app/blobs/{digest(layer)}", "HEAD")),
        ("begin of an upload", ["ecr:InitiateLayerUpload"], lambda b: b.call("/v2/app/blobs/uploads/", "POST", b"")),
        ("part of an upload", ["ecr:UploadLayerPart"], lambda b: part(b, root.begin()[1])),
        (
            "end of an upload",
            ["ecr:UploadLayerPart", "ecr:CompleteLayerUpload"],
            lambda b: b.end(root.begin()[1], b"another"),
        ),
        ("PUT manifest", ["ecr:PutImage"], lambda b: b.put("v1", manifest)),
        ("GET tags", ["ecr:ListImages"], lambda b: b.call("/v2/app/tags/list")),
    ]
    for name, wanted, act in calls:

        def judged(wanted=wanted, act=act):
            told = [act(Bearer(c, i, r.without(action))) for action in wanted]
            only = {"Action": wanted, "Resource": resource}
            return told, act(Bearer(c, i, r.session(login, only)))[0], wanted

        c.row(f"Docker v2 {name} is {' and '.join(wanted)} on the repository", judged, want=is_denied(resource))

    keys = r.session(login, {"Action": "ecr:ListImages", "Resource": resource})
    bearer = Bearer(c, i, keys)
    before = bearer.call("/v2/app/tags/list")[0]
    r.allow(f"r{r.made}", login)
    c.row(
        "a token may do what its owner may do now",
        lambda: (before, bearer.call("/v2/app/tags/list")[0]),
        want=lambda r: r == (200, 403),
    )


def is_denied(resource):
    """Each action that is missing makes it 403 DENIED, which names it unless it has no body; with all it is done."""

    def judge(result):
        told, with_all, wanted = result
        for (status, _, body), action in zip(told, wanted, strict=True):
            message = json.loads(body)["errors"][0] if body else {"code": "DENIED", "message": f"{action} on {resource}"}
            named = action in message["message"] and resource in message["message"]
            if status != 403 or message["code"] != "DENIED" or not named:
                return False
        return with_all < 400

    return judge


SECTIONS = [registry]
