"""The registry of ECR: what `docker push` and `docker pull` speak."""

import base64
import json
import urllib.error
import urllib.request

from .check_ecr import INDEX, OCI, Images
from .common import REGION, digest, section

EMPTY = "application/vnd.oci.empty.v1+json"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


class Registry:
    """The registry of an account, as a client that is logged in."""

    def __init__(self, c, images):
        self.url, self.images = c.url, images
        token = images.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self.host = {"Host": f"{c.account}.dkr.ecr.{REGION}.amazonaws.com"}
        self.token, self.good = token, {**self.host, "Authorization": f"Basic {token}"}

    def call(self, path, method="GET", data=None, headers=None, **more):
        url = path if path.startswith("http") else self.url + path
        headers = {**(self.good if headers is None else headers), **more}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=10) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.headers, problem.read()

    def begin(self, repository="app", query=""):
        status, headers, _ = self.call(f"/v2/{repository}/blobs/uploads/{query}", "POST", b"")
        return status, headers.get("Location", "")

    def upload(self, blob, repository="app", wanted=None):
        return self.end(self.begin(repository)[1], blob, wanted)

    def end(self, location, blob, wanted=None):
        return self.call(f"{location}?digest={wanted or digest(blob)}", "PUT", blob)

    def put(self, reference, manifest, media_type=OCI, repository="app"):
        headers = {"Content-Type": media_type}
        return self.call(f"/v2/{repository}/manifests/{reference}", "PUT", manifest.encode(), **headers)

    def push(self, number, reference=None, repository="app"):
        manifest, configuration, layer = self.images.parts(number, OCI)
        for blob in (configuration, layer):
            self.upload(blob, repository)
        self.put(reference or digest(manifest.encode()), manifest, repository=repository)
        return manifest, digest(manifest.encode()), layer


def code(answer) -> str:
    """Status and error code of a refusal."""
    return f"{answer[0]} {json.loads(answer[2])['errors'][0]['code']}"


@section("ecr")
def registry(c):
    i = Images(c, "app")
    r = Registry(c, i)
    i.push("v1")
    image = i.describe(imageTag="v1")["imageDigest"]
    c.row(
        "GetAuthorizationToken is another one every time",
        lambda: i.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"] != r.token,
        want=bool,
    )
    c.row("Docker v2 GET /v2/", lambda: r.call("/v2/")[0], want=lambda r: r == 200)
    c.row(
        "Docker v2 without a token (AWS: 401)",
        lambda: r.call("/v2/", headers=r.host),
        want=lambda r: r[0] == 401 and "Basic" in str(r[1]),
    )
    made_up = {**r.host, "Authorization": "Basic " + base64.b64encode(b"AWS:nonsense").decode()}
    c.row(
        "Docker v2 with a made-up token (AWS: 401 or 403)",
        lambda: r.call("/v2/", headers=made_up)[0],
        want=lambda r: r in (401, 403),
    )
    c.row(
        "Docker v2 GET manifest by tag",
        lambda: r.call("/v2/app/manifests/v1")[1].get("Docker-Content-Digest"),
        want=lambda r: r == image,
    )
    c.row(
        "an image of PutImage is read by digest through the registry",
        lambda: r.call(f"/v2/app/manifests/{image}")[0],
        want=lambda r: r == 200,
    )
    c.row("Docker v2 GET tags", lambda: json.loads(r.call("/v2/app/tags/list")[2])["tags"], want=lambda r: r == ["v1"])
    found = i.ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])["images"][0]
    i.put(found["imageManifest"], OCI, "v2")
    pages = lambda query: r.call(f"/v2/app/tags/list?{query}")
    c.row(
        "Docker v2 tags come in pages",
        lambda: [pages(query)[1].get("Link") for query in ("n=1", "n=1&last=v1", "n=2")],
        want=lambda r: r == ['</v2/app/tags/list?last=v1&n=1>; rel="next"', None, None],
    )
    c.row("Docker v2 pages have at most 1000 tags", lambda: pages("n=1001")[0], want=lambda r: r == 400)
    c.row("Docker v2 start upload", lambda: r.begin()[0], want=lambda r: r == 202)
    c.row("Docker v2 of another repository", lambda: r.call("/v2/none/tags/list")[0], want=lambda r: r == 404)


@section("ecr")
def uploads(c):
    i = Images(c, "app")
    r = Registry(c, i)
    c.row("Docker v2 upload of a blob", lambda: r.upload(b"layer")[0], want=lambda r: r == 201)
    c.row(
        "Docker v2 upload with another digest",
        lambda: code(r.upload(b"layer", wanted=digest(b"other"))),
        want=lambda r: r == "400 DIGEST_INVALID",
    )
    c.row(
        "Docker v2 PATCH of an upload (AWS: 201)",
        lambda: r.call(r.begin()[1], "PATCH", b"part")[0],
        want=lambda r: r == 201,
    )
    c.row("Docker v2 upload of an empty blob", lambda: r.upload(b"")[0], want=lambda r: r == 400)

    def again():
        place = r.begin()[1]
        r.end(place, b"half", digest(b"whole"))
        return r.end(place, b"whole")[0]

    c.row("Docker v2 upload begun again in its session (AWS: 416)", again, want=lambda r: r == 416)
    place = lambda: r.call(f"/v2/app/blobs/{digest(b'layer')}")
    c.row(
        "Docker v2 HEAD blob",
        lambda: r.call(f"/v2/app/blobs/{digest(b'layer')}", "HEAD")[1]["Content-Length"],
        want=lambda r: r == "5",
    )
    c.row(
        "Docker v2 GET blob is a redirect to a URL that serves it",
        lambda: (place()[0], r.call(place()[1]["Location"], headers={})[2]),
        want=lambda r: r == (307, b"layer"),
    )
    c.row(
        "Docker v2 GET blob: the URL refuses Authorization",
        lambda: r.call(place()[1]["Location"])[0],
        want=lambda r: r == 400,
    )
    c.row(
        "Docker v2 GET blob: the URL serves a range",
        lambda: r.call(place()[1]["Location"], headers={"Range": "bytes=2-"})[::2],
        want=lambda r: r == (206, b"yer"),
    )


@section("ecr")
def manifests(c):
    i = Images(c, "app")
    r = Registry(c, i)
    unknown, _, _ = i.parts("unknown", OCI)
    c.row(
        "Docker v2 PUT manifest with unknown blobs",
        lambda: code(r.put("u1", unknown)),
        want=lambda r: r.endswith("MANIFEST_BLOB_UNKNOWN"),
    )
    manifest, image, _ = r.push("one", "v1")
    c.row(
        "DescribeImages and BatchGetImage see what was pushed through the registry",
        lambda: (
            i.describe(imageTag="v1")["imageDigest"],
            i.ecr.batch_get_image(repositoryName="app", imageIds=[{"imageDigest": image}])["images"][0],
        ),
        want=lambda r: r[0] == image and r[1]["imageManifest"] == manifest and r[1]["imageManifestMediaType"] == OCI,
    )
    child = {"mediaType": OCI, "digest": image, "size": len(manifest)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]})
    c.row(
        "Docker v2 PUT index before its images",
        lambda: code(r.put("early", index.replace(image, digest(b"no")), INDEX)),
        want=lambda r: r.endswith("MANIFEST_BLOB_UNKNOWN"),
    )
    c.row("Docker v2 PUT index", lambda: r.put("index", index, INDEX)[0], want=lambda r: r == 201)
    c.row(
        "Docker v2 PUT manifest under another digest",
        lambda: code(r.put(digest(b"no"), manifest)),
        want=lambda r: r == "400 DIGEST_INVALID",
    )
    c.row(
        "Docker v2 PUT manifest answers no Location",
        lambda: r.put(image, manifest)[:2],
        want=lambda r: r[0] == 201 and "Location" not in r[1],
    )
    r.upload(b"{}")
    empty = {"mediaType": EMPTY, "digest": digest(b"{}"), "size": 2}

    def bundle(kind):
        content = {"schemaVersion": 2, "mediaType": OCI, "artifactType": kind, "config": empty, "layers": [empty]}
        return json.dumps(content | {"subject": {"mediaType": INDEX, "digest": digest(index.encode()), "size": 1}})

    old, new = bundle("application/x;version=0.2"), bundle("application/vnd.dev.sigstore.bundle.v0.3+json")
    c.row(
        "Docker v2 PUT manifest with a parameter in a media type (AWS: 405)",
        lambda: code(r.put(digest(old.encode()), old)),
        want=lambda r: r == "405 UNSUPPORTED",
    )
    c.row(
        "Docker v2 PUT of a referrer answers OCI-Subject",
        lambda: r.put(digest(new.encode()), new)[1].get("OCI-Subject"),
        want=lambda r: r == digest(index.encode()),
    )
    listed = lambda subject: json.loads(r.call(f"/v2/app/referrers/{subject}")[2])["manifests"]
    c.row(
        "Docker v2 lists referrers",
        lambda: listed(digest(index.encode())),
        want=lambda r: [x["digest"] for x in r] == [digest(new.encode())] and "sigstore" in r[0]["artifactType"],
    )
    c.row("Docker v2 lists no referrers of an image that has none", lambda: listed(image), want=lambda r: r == [])


@section("ecr")
def immutable(c):
    i = Images(c, "app", imageTagMutability="IMMUTABLE")
    r = Registry(c, i)
    one, _, _ = r.push("one", "v1")
    two, _, _ = r.push("two", "v2")
    taken = lambda r: r == "400 TAG_INVALID"
    c.row("Docker v2 other image under an immutable tag", lambda: code(r.put("v1", two)), want=taken)
    c.row(
        "Docker v2 same image again under an immutable tag (AWS: TAG_INVALID)",
        lambda: code(r.put("v1", one)),
        want=taken,
    )
    c.row("Docker v2 second tag in an immutable repository", lambda: r.put("prd-1", one)[0], want=lambda r: r == 201)
    i.ecr.put_image_tag_mutability(
        repositoryName="app",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    c.row(
        "Docker v2 IMMUTABLE_WITH_EXCLUSION: excluded tag may move",
        lambda: (r.put("latest", one)[0], r.put("latest", two)[0]),
        want=lambda r: r == (201, 201),
    )
    c.row("Docker v2 IMMUTABLE_WITH_EXCLUSION: other tag may not", lambda: code(r.put("v1", two)), want=taken)


@section("ecr")
def mounting(c):
    i = Images(c, "app")
    i.ecr.create_repository(repositoryName="other")
    r = Registry(c, i)
    _, _, layer = r.push("one", "v1")
    r.upload(b"nobody needs this")
    mount = lambda blob: r.begin("other", f"?mount={digest(blob)}&from=app")[0]
    c.row("Docker v2 mounting is off at first (AWS: 202)", lambda: mount(layer), want=lambda r: r == 202)
    setting = {"name": "BLOB_MOUNTING", "value": "ENABLED"}
    said = lambda answer: {name: answer[name] for name in ("name", "value")}
    c.row(
        "PutAccountSetting BLOB_MOUNTING",
        lambda: said(i.ecr.put_account_setting(**setting)),
        want=lambda r: r == setting,
    )
    c.row(
        "GetAccountSetting BLOB_MOUNTING",
        lambda: said(i.ecr.get_account_setting(name="BLOB_MOUNTING")),
        want=lambda r: r == setting,
    )
    c.row("Docker v2 mounts a blob that an image needs", lambda: mount(layer), want=lambda r: r == 201)
    c.row(
        "Docker v2 mounts no blob that no image needs (AWS: 202)",
        lambda: mount(b"nobody needs this"),
        want=lambda r: r == 202,
    )


SECTIONS = [registry, uploads, manifests, immutable, mounting]
