"""Lifecycle policies, previews of them, and archived images.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
"""

import json

from .check_ecr import OCI, Images
from .check_ecr_registry import Registry
from .common import digest, section


def rule(priority, number, count="imageCountMoreThan", tags="any", action="expire", **selection):
    if count != "imageCountMoreThan":
        selection["countUnit"] = "days"
    what = {"type": action} | ({"targetStorageClass": "archive"} if action == "transition" else {})
    selection = {"tagStatus": tags, "countType": count, "countNumber": number, **selection}
    return {"rulePriority": priority, "selection": selection, "action": what}


def policy(*rules):
    return json.dumps({"rules": rules})


class Kept(Images):
    """Images of a repository, and what a policy would do to them."""

    def __init__(self, c, repository="app"):
        super().__init__(c, repository)
        self.c = c

    def set(self, image, **told):
        body = {"repository": self.repository, "image": image, "set": told}
        self.c.control("PATCH", f"accounts/{self.c.account}/ecr/image", body)

    def tell(self, **told):
        self.c.control("PATCH", f"accounts/{self.c.account}/ecr/preview", {"repository": self.repository, **told})

    def aged(self, **days):
        """Pushes images, and answers their digests by tag; each is so many days old."""
        found = {}
        for tag, age in days.items():
            found[tag] = self.push(tag)
            self.set(tag, pushed=-age * 86400)
        return found

    def begin(self, *rules, **options):
        text = {"lifecyclePolicyText": policy(*rules)} if rules else {}
        return self.ecr.start_lifecycle_policy_preview(repositoryName=self.repository, **text, **options)

    def get(self, **options):
        return self.ecr.get_lifecycle_policy_preview(repositoryName=self.repository, **options)

    def preview(self, *rules, **options):
        """A preview once it has ended."""
        self.begin(*rules)
        return self.c.until(lambda: self.get(**options), lambda found: found["status"] != "IN_PROGRESS")

    def affected(self, *rules):
        """What would happen to which image, by its first tag."""
        results = self.preview(*rules)["previewResults"]
        return [(one["imageTags"][0], one["action"]["type"], one["appliedRulePriority"]) for one in results]

    def store(self, kind, tag):
        return self.ecr.update_image_storage_class(
            repositoryName=self.repository, imageId={"imageTag": tag}, targetStorageClass=kind
        )["imageStatus"]


@section("ecr")
def previews(c):
    k = Kept(c)
    c.row("StartLifecyclePolicyPreview without a policy", k.begin, error="LifecyclePolicyNotFound")
    c.row("GetLifecyclePolicyPreview before any was begun", k.get, error="LifecyclePolicyPreviewNotFound")
    text = policy(rule(1, 1))
    put = lambda text: k.ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)
    c.row(
        "GetLifecyclePolicy without one",
        lambda: k.ecr.get_lifecycle_policy(repositoryName="app"),
        error="LifecyclePolicyNotFound",
    )
    c.row("PutLifecyclePolicy of a broken policy", lambda: put(policy(rule(1, 0))), error="InvalidParameter")
    c.row(
        "GetLifecyclePolicy",
        lambda: (put(text), k.ecr.get_lifecycle_policy(repositoryName="app"))[1]["lifecyclePolicyText"],
        want=lambda r: r == text,
    )
    k.aged(v1=3, v2=2, v3=1)
    c.set(ecr_preview_delay=30)

    def in_time():
        found = [k.begin()["status"], k.get()["status"], len(k.get()["previewResults"])]
        c.control("POST", f"accounts/{c.account}/clock", {"advance": 31})
        return [*found, k.get()["status"], k.get()["summary"]["expiringImageTotalCount"]]

    c.row(
        "a preview is IN_PROGRESS, then COMPLETE",
        in_time,
        want=lambda r: r == ["IN_PROGRESS", "IN_PROGRESS", 0, "COMPLETE", 2],
    )
    c.set(ecr_preview_delay=0)

    def somebodys():
        k.tell(status="IN_PROGRESS")
        k.begin()

    c.row("StartLifecyclePolicyPreview while another one is in progress", somebodys, error="PreviewInProgress")
    k.tell(status=None)

    def fails():
        k.tell(becomes="FAILED")
        return k.preview()

    c.row("a preview that fails", fails, want=lambda r: r["status"] == "FAILED" and r["previewResults"] == [])
    rules(c, k)


def rules(c, k):
    c.row(
        "a preview by count keeps the youngest",
        lambda: k.affected(rule(1, 2)),
        want=lambda r: r == [("v1", "EXPIRE", 1)],
    )
    keep = rule(1, 5, tags="tagged", tagPrefixList=["v1"])
    c.row(
        "a rule of higher priority shields the images it matches",
        lambda: k.affected(keep, rule(2, 1)),
        want=lambda r: r == [("v2", "EXPIRE", 2)],
    )
    c.row(
        "a preview by age",
        lambda: k.affected(rule(1, 2, "sinceImagePushed")),
        want=lambda r: r == [("v1", "EXPIRE", 1), ("v2", "EXPIRE", 1)],
    )
    k.set("v1", pulled=-60)

    def by_pull():
        found = k.preview(rule(1, 1, "sinceImagePulled", action="transition"))
        told = found["previewResults"]
        return [one["imageTags"][0] for one in told], told[0]["action"], found["summary"]

    c.row(
        "a preview by the last pull archives",
        by_pull,
        want=lambda r: (
            r[0] == ["v2", "v3"]
            and r[1] == {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
            and r[2]["transitioningImageTotalCounts"] == [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 2}]
        ),
    )
    patterns = {"tagPatternList": ["*1"]}
    c.row(
        "a preview of patterns and prefixes",
        lambda: [
            k.affected(rule(1, 1, "sinceImagePushed", tags="tagged", **patterns)),
            k.affected(rule(1, 1, "sinceImagePushed", tags="tagged", tagPrefixList=["v1", "v2"])),
        ],
        want=lambda r: r == [[("v1", "EXPIRE", 1)], []],
    )
    c.row(
        "GetLifecyclePolicyPreview by imageIds and by tag status",
        lambda: [
            len(k.preview(rule(1, 1), **asked)["previewResults"])
            for asked in (
                {},
                {"imageIds": [{"imageTag": "v2"}]},
                {"imageIds": [{"imageTag": "v3"}]},
                {"filter": {"tagStatus": "UNTAGGED"}},
            )
        ],
        want=lambda r: r == [2, 1, 0, 0],
    )


@section("ecr")
def needed(c):
    k = Kept(c)
    found = k.aged(a=9, b=8, alone=7)
    index = k.index("multi", found["a"])
    k.attest(found["b"])
    k.set(index, pushed=-10 * 86400)
    old = lambda: {one["imageDigest"] for one in k.preview(rule(1, 1, "sinceImagePushed"))["previewResults"]}
    c.row(
        "a preview leaves out what an index or an image needs",
        old,
        want=lambda r: r == {index, found["b"], found["alone"]},
    )
    k.store("ARCHIVE", "alone")
    k.set("alone", archived=-100 * 86400)
    of_archive = {"storageClass": "archive"}
    c.row(
        "a preview of archived images",
        lambda: [
            (one["imageTags"], one["storageClass"])
            for one in k.preview(rule(1, 90, "sinceImageTransitioned", **of_archive))["previewResults"]
        ],
        want=lambda r: r == [(["alone"], "ARCHIVE")],
    )


@section("ecr")
def pages(c):
    k = Kept(c)
    k.push("v0")
    for number in range(1, 103):
        manifest, configuration, _ = k.parts(number, OCI)
        told = {**json.loads(manifest), "layers": []}
        k.upload(configuration)
        k.put(json.dumps(told), OCI, f"v{number}")
    everything = lambda name, call, **options: [
        len((first := call(repositoryName="app", **options))[name]),
        len(call(repositoryName="app", nextToken=first["nextToken"], **options)[name]),
    ]
    e = k.ecr
    c.row(
        "DescribeImages answers pages of 100",
        lambda: everything("imageDetails", e.describe_images),
        want=lambda r: r == [100, 3],
    )
    c.row(
        "ListImages answers pages of 100", lambda: everything("imageIds", e.list_images), want=lambda r: r == [100, 3]
    )
    c.row(
        "ListImages with maxResults",
        lambda: len(e.list_images(repositoryName="app", maxResults=1000)["imageIds"]),
        want=lambda r: r == 103,
    )
    c.row(
        "DescribeImages with maxResults and imageIds",
        lambda: e.describe_images(repositoryName="app", imageIds=[{"imageTag": "v1"}], maxResults=5),
        error="InvalidParameter",
    )

    def previewed():
        k.preview(rule(1, 1))
        return everything("previewResults", e.get_lifecycle_policy_preview)

    c.row("GetLifecyclePolicyPreview answers pages of 100", previewed, want=lambda r: r == [100, 2])


@section("ecr")
def archived(c):
    k = Kept(c)
    e, registry = k.ecr, Registry(c, k)
    one, two = k.push("v1"), k.push("v2")
    index = k.index("multi", two)
    active = lambda call, name, **asked: sorted(
        {image["imageDigest"] for image in call(repositoryName="app", **({"filter": asked} if asked else {}))[name]}
    )
    listed = lambda **asked: active(e.list_images, "imageIds", **asked)
    described = lambda **asked: active(e.describe_images, "imageDetails", **asked)
    c.row(
        "DescribeImages by tag status",
        lambda: described(tagStatus="UNTAGGED"),
        want=lambda r: r == [],
    )
    c.row(
        "UpdateImageStorageClass archives an image, with the images of an index",
        lambda: [k.store("ARCHIVE", "multi"), described()],
        want=lambda r: r == ["ARCHIVED", [one]],
    )
    c.row(
        "DescribeImages finds archived images by filter only",
        lambda: [described(imageStatus=status) for status in ("ARCHIVED", "ANY", "ACTIVATING")],
        want=lambda r: r == [sorted([two, index]), sorted([one, two, index]), []],
    )
    c.row(
        "ListImages finds archived images by filter only",
        lambda: [listed(), listed(imageStatus="ARCHIVED")],
        want=lambda r: r == [[one], sorted([two, index])],
    )
    c.row("DescribeImages of an archived image by name", lambda: k.describe(imageTag="v2"), error="ImageNotFound")

    def named():
        c.set(ecr_describes_archived=True)
        return k.describe(imageTag="v2")

    c.row(
        "DescribeImages of an archived image by name, if AWS answers it",
        named,
        want=lambda r: r["imageStatus"] == "ARCHIVED" and r["lastArchivedAt"],
    )
    c.set(ecr_describes_archived=False)
    c.row(
        "BatchGetImage of an archived image",
        lambda: e.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}]),
        want=lambda r: len(r["images"]) == 1 and r["failures"][0]["failureCode"] == "ImageInaccessible",
    )
    c.row(
        "Docker v2 GET manifest of an archived image",
        lambda: [registry.call(f"/v2/app/manifests/{name}")[0] for name in ("v1", "v2", two)],
        want=lambda r: r == [200, 404, 404],
    )
    layer = digest(k.parts("v2", OCI)[2])
    c.row(
        "GetDownloadUrlForLayer of an archived image",
        lambda: e.get_download_url_for_layer(repositoryName="app", layerDigest=layer),
        error="LayerInaccessible",
    )
    c.row(
        "BatchCheckLayerAvailability of an archived image",
        lambda: e.batch_check_layer_availability(repositoryName="app", layerDigests=[layer])["layers"][0],
        want=lambda r: r["layerAvailability"] == "ARCHIVED",
    )
    c.row(
        "CreateFunction of an archived image",
        lambda: c.create("f", PackageType="Image", Code={"ImageUri": k.uri(two)}),
        error="InvalidParameterValue",
    )
    c.row("UpdateImageStorageClass to the class an image has", lambda: k.store("ARCHIVE", "v2"), error="NotSupported")
    restored(c, k, two)


def restored(c, k, two):
    c.set(ecr_restore_delay=1200)

    def in_time():
        found = [k.store("STANDARD", "multi")]
        found.append(
            len(k.ecr.describe_images(repositoryName="app", filter={"imageStatus": "ACTIVATING"})["imageDetails"])
        )
        c.control("POST", f"accounts/{c.account}/clock", {"advance": 1201})
        return [*found, k.describe(imageTag="v2")["imageStatus"]]

    c.row(
        "an archived image that is restored is ACTIVATING, then ACTIVE",
        in_time,
        want=lambda r: r == ["ACTIVATING", 2, "ACTIVE"],
    )

    def again():
        k.store("ARCHIVE", "v2")
        k.put(k.parts("v2", OCI)[0], OCI, "v2")
        return k.describe(imageTag="v2")

    c.row(
        "an archived image that is pushed again is ACTIVE",
        again,
        want=lambda r: r["imageStatus"] == "ACTIVE" and r["imageDigest"] == two,
    )


SECTIONS = [previews, needed, pages, archived]
