"""Images: the API of ECR and its registry."""

import json
import urllib.request

from .common import REGION, digest, section

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Images:
    """A repository and what is pushed to it through the API."""

    def __init__(self, c, repository, **options):
        self.account, self.repository, self.ecr = c.account, repository, c.client("ecr")
        self.ecr.create_repository(repositoryName=repository, **options)

    def uri(self, reference):
        separator = "@" if reference.startswith("sha256:") else ":"
        return f"{self.account}.dkr.ecr.{REGION}.amazonaws.com/{self.repository}{separator}{reference}"

    def parts(self, number, media_type=DOCKER, labels=None, architecture="amd64"):
        """Manifest, configuration and layer of an image."""
        configuration = json.dumps(
            {"architecture": architecture, "os": "linux", "n": number, "config": {"Labels": labels or {}}}
        ).encode()
        layer = f"layer {number} ".encode() * 10
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "size": len(configuration),
                    "digest": digest(configuration),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                        "size": len(layer),
                        "digest": digest(layer),
                    }
                ],
            }
        )
        return manifest, configuration, layer

    def upload(self, blob, wanted=None):
        upload = self.ecr.initiate_layer_upload(repositoryName=self.repository)["uploadId"]
        self.ecr.upload_layer_part(
            repositoryName=self.repository,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(blob) - 1,
            layerPartBlob=blob,
        )
        return self.ecr.complete_layer_upload(
            repositoryName=self.repository, uploadId=upload, layerDigests=[wanted or digest(blob)]
        )

    def put(self, manifest, media_type=None, tag=None, **options):
        if media_type:
            options["imageManifestMediaType"] = media_type
        if tag:
            options["imageTag"] = tag
        return self.ecr.put_image(repositoryName=self.repository, imageManifest=manifest, **options)["image"]

    def push(self, tag, labels=None, architecture="amd64"):
        manifest, configuration, layer = self.parts(tag, OCI, labels, architecture)
        self.upload(configuration)
        self.upload(layer)
        return self.put(manifest, OCI, tag)["imageId"]["imageDigest"]

    def index(self, tag, *children, **options):
        """The digest of an index of images."""
        named = [
            {"mediaType": OCI, "digest": child, "size": 1, "platform": {"architecture": "amd64", "os": "linux"}}
            for child in children
        ]
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": named})
        return self.put(index, INDEX, tag, **options)["imageId"]["imageDigest"]

    def attest(self, subject):
        """The digest of a statement about an image."""
        manifest, configuration, layer = self.parts(subject, OCI)
        self.upload(configuration)
        self.upload(layer)
        told = {**json.loads(manifest), "subject": {"mediaType": OCI, "digest": subject, "size": 1}}
        told["layers"][0]["mediaType"] = "application/vnd.in-toto+json"
        return self.put(json.dumps(told), OCI)["imageId"]["imageDigest"]

    def describe(self, **image):
        found = self.ecr.describe_images(repositoryName=self.repository, imageIds=[image])
        return found["imageDetails"][0]


@section("ecr")
def put(c):
    i = Images(c, "app", imageTagMutability="IMMUTABLE")
    e, a = i.ecr, i.repository
    m1, c1, l1 = i.parts(1)
    m2, c2, l2 = i.parts(2)
    c.row("CreateRepository duplicate", lambda: e.create_repository(repositoryName=a), error="RepositoryAlreadyExists")
    c.row(
        "PutImage with missing layers (AWS: LayersNotFoundException)",
        lambda: i.put(m1, tag="zz"),
        error="LayersNotFound",
    )
    for blob in (c1, l1, c2, l2):
        i.upload(blob)
    c.row("Layer upload API", lambda: i.upload(b"another")["layerDigest"], want=lambda r: r == digest(b"another"))
    c.row("Layer upload API checks the digest", lambda: i.upload(b"third", digest(b"other")), error="InvalidLayer")
    c.row(
        "BatchCheckLayerAvailability",
        lambda: {
            x["layerDigest"]: x["layerAvailability"]
            for x in (
                e.batch_check_layer_availability(repositoryName=a, layerDigests=[digest(l1), digest(b"no")])["layers"]
            )
        },
        want=lambda r: r[digest(l1)] == "AVAILABLE" and r.get(digest(b"no")) != "AVAILABLE",
    )
    c.row(
        "PutImage docker v2",
        lambda: i.put(m1, tag="v1")["imageId"]["imageDigest"],
        want=lambda r: r == digest(m1.encode()),
    )
    c.row(
        "PutImage same tag same manifest (AWS: ImageAlreadyExistsException)",
        lambda: i.put(m1, tag="v1"),
        error="ImageAlreadyExists",
    )
    c.row(
        "PutImage same tag other manifest IMMUTABLE (AWS: ImageTagAlreadyExistsException)",
        lambda: i.put(m2, tag="v1"),
        error="ImageTagAlreadyExists",
    )
    c.row(
        "PutImage new tag for existing digest (promote/retag)",
        lambda: i.put(m1, tag="prod")["imageId"],
        want=lambda r: r == {"imageDigest": digest(m1.encode()), "imageTag": "prod"},
    )
    c.row(
        "PutImage wrong imageDigest (AWS: ImageDigestDoesNotMatch)",
        lambda: i.put(m2, tag="v9", imageDigest="sha256:" + "0" * 64),
        error="ImageDigestDoesNotMatch",
    )
    c.row("PutImage garbage manifest", lambda: i.put("{}", tag="g"), error="InvalidParameter")
    child = i.push("oci")
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {"mediaType": OCI, "digest": child, "size": 1, "platform": {"architecture": "amd64", "os": "linux"}}
            ],
        }
    )
    c.row("PutImage OCI index", lambda: i.put(index, INDEX, "idx")["imageManifestMediaType"], want=lambda r: r == INDEX)
    c.row(
        "PutImage index referencing missing image (AWS: ReferencedImagesNotFound)",
        lambda: i.put(index.replace(child, "sha256:" + "9" * 64), INDEX, "idx2"),
        error="ReferencedImagesNotFound",
    )
    c.row(
        "DescribeImages by tag",
        lambda: i.describe(imageTag="v1")["imageTags"],
        want=lambda r: sorted(r) == ["prod", "v1"],
    )
    c.row(
        "DescribeImages size is that of the layers",
        lambda: i.describe(imageTag="v1")["imageSizeInBytes"],
        want=lambda r: r == len(l1),
    )
    c.row(
        "DescribeImages missing tag (AWS: ImageNotFoundException)",
        lambda: i.describe(imageTag="nope"),
        error="ImageNotFoundException",
    )
    c.row("DescribeImages missing repo", lambda: e.describe_images(repositoryName="nope"), error="RepositoryNotFound")
    c.row(
        "BatchGetImage by tag returns exact manifest",
        lambda: e.batch_get_image(repositoryName=a, imageIds=[{"imageTag": "v1"}])["images"][0]["imageManifest"],
        want=lambda r: r == m1,
    )
    c.row(
        "BatchGetImage answers the tag asked for",
        lambda: e.batch_get_image(repositoryName=a, imageIds=[{"imageTag": "v1"}])["images"][0]["imageId"]["imageTag"],
        want=lambda r: r == "v1",
    )
    c.row(
        "BatchGetImage missing -> failures[]",
        lambda: e.batch_get_image(repositoryName=a, imageIds=[{"imageTag": "nope"}])["failures"],
        want=lambda r: r[0]["failureCode"] == "ImageNotFound",
    )
    c.row(
        "ListImages has every tag",
        lambda: sorted(
            x["imageTag"] for x in e.list_images(repositoryName=a, filter={"tagStatus": "TAGGED"})["imageIds"]
        ),
        want=lambda r: r == ["idx", "oci", "prod", "v1"],
    )
    c.row(
        "BatchDeleteImage by one tag of two leaves the image",
        lambda: (
            e.batch_delete_image(repositoryName=a, imageIds=[{"imageTag": "prod"}]),
            i.describe(imageTag="v1")["imageTags"],
        )[1],
        want=lambda r: r == ["v1"],
    )
    url = lambda layer: e.get_download_url_for_layer(repositoryName=a, layerDigest=layer)["downloadUrl"]
    c.row(
        "GetDownloadUrlForLayer serves the layer",
        lambda: urllib.request.urlopen(url(digest(l1)), timeout=5).read(),
        want=lambda r: r == l1,
    )
    c.row("GetDownloadUrlForLayer missing layer", lambda: url(digest(b"no")), error="LayerInaccessible")


@section("ecr")
def tags(c):
    i = Images(c, "app")
    i.ecr = e = c.client("ecr", parameter_validation=False)
    one, two = i.push("v1"), i.push("v2")
    manifest = lambda image: e.batch_get_image(repositoryName="app", imageIds=[{"imageDigest": image}])["images"][0][
        "imageManifest"
    ]
    c.row(
        "a MUTABLE tag moves",
        lambda: (i.put(manifest(two), OCI, "v1"), i.describe(imageTag="v1"))[1]["imageDigest"],
        want=lambda r: r == two,
    )
    c.row(
        "IMMUTABLE_WITH_EXCLUSION",
        lambda: e.put_image_tag_mutability(
            repositoryName="app",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
        ),
        want=lambda r: r["imageTagMutabilityExclusionFilters"],
    )
    c.row(
        "DescribeRepositories answers the exclusion filters",
        lambda: e.describe_repositories(repositoryNames=["app"])["repositories"][0],
        want=lambda r: (
            r["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
            and r["imageTagMutabilityExclusionFilters"][0]["filter"] == "latest*"
        ),
    )
    c.row(
        "IMMUTABLE_WITH_EXCLUSION: excluded tag may move",
        lambda: (i.put(manifest(one), OCI, "latest"), i.put(manifest(two), OCI, "latest"))[1]["imageId"],
    )
    c.row(
        "IMMUTABLE_WITH_EXCLUSION: other tag may not",
        lambda: (i.put(manifest(one), OCI, "w1"), i.put(manifest(two), OCI, "w1")),
        error="ImageTagAlreadyExists",
    )
    mutability = lambda mode, filters: e.put_image_tag_mutability(
        repositoryName="app",
        imageTagMutability=mode,
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": one} for one in filters],
    )
    c.row(
        "MUTABLE_WITH_EXCLUSION: excluded tag may not move",
        lambda: (
            mutability("MUTABLE_WITH_EXCLUSION", ["v*"]),
            i.put(manifest(one), OCI, "v7"),
            i.put(manifest(two), OCI, "v7"),
        ),
        error="ImageTagAlreadyExists",
    )
    c.row(
        "IMMUTABLE_WITH_EXCLUSION without a filter",
        lambda: mutability("IMMUTABLE_WITH_EXCLUSION", []),
        error="InvalidParameter",
    )
    c.row(
        "IMMUTABLE_WITH_EXCLUSION with six filters",
        lambda: mutability("IMMUTABLE_WITH_EXCLUSION", "abcdef"),
        error="InvalidParameter",
    )


SECTIONS = [put, tags]
