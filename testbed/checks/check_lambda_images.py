"""Functions from images."""

import json

from .check_ecr import INDEX, OCI, Images
from .common import section, source

BEHAVIOUR = "- {when: {env: {STAGE: prd}, after-invocations: 1}, do: status 500}\n- {do: ok}\n"


@section("lambda")
def images(c):
    f, n = c.functions, "image"
    i = Images(c, "app")
    labels = {
        "org.opencontainers.image.revision": "c0ffee",
        "org.opencontainers.image.version": "1.0.0",
        "testbed.behaviour": BEHAVIOUR,
    }
    one = i.push("v1", labels)
    two = i.push("v2", {**labels, "org.opencontainers.image.version": "2.0.0"})
    arm = i.push("arm", labels, architecture="arm64")
    child = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [
                {"mediaType": OCI, "digest": one, "size": 1, "platform": {"architecture": "amd64", "os": "linux"}}
            ],
        }
    )
    i.put(child, INDEX, "multi")
    create = lambda name, uri, **options: c.create(name, PackageType="Image", Code={"ImageUri": uri}, **options)
    c.row(
        "CreateFunction Image, image absent from ECR",
        lambda: create("none", i.uri("sha256:" + "a" * 64)),
        error="InvalidParameterValue",
    )
    c.row(
        "CreateFunction Image, index of several platforms",
        lambda: create("index", i.uri("multi")),
        error="InvalidParameterValue",
    )
    c.row("CreateFunction Image", lambda: create(n, i.uri(one), Environment={"Variables": {"STAGE": "prd"}}))
    c.row(
        "GetFunction image: ResolvedImageUri and CodeSha256 are the image's digest",
        lambda: told(c, n),
        want=lambda r: r == (i.uri(one), one.split(":")[1]),
    )
    c.row(
        "UpdateFunctionCode ImageUri absent from ECR",
        lambda: f.update_function_code(FunctionName=n, ImageUri=i.uri("v9")),
        error="InvalidParameterValue",
    )
    c.row(
        "Invoke image function",
        lambda: c.invoke(n, {"rawPath": "/health", "requestContext": {}}, LogType="Tail"),
        want=lambda r: (
            r[3]["statusCode"] == 200
            and json.loads(r[3]["body"]) == {"status": "ok", "commit": "c0ffee", "version": "1.0.0", "stage": "prd"}
            and "REPORT" in r[4]
        ),
    )
    c.row(
        "Invoke image function, second rule",
        lambda: c.invoke(n, {"rawPath": "/health"})[3],
        want=lambda r: r["statusCode"] == 500,
    )
    version = c.row("PublishVersion of image function", lambda: f.publish_version(FunctionName=n)["Version"])
    c.row(
        "UpdateFunctionCode ImageUri by tag",
        lambda: f.update_function_code(FunctionName=n, ImageUri=i.uri("v2")),
        want=lambda r: r["CodeSha256"] == two.split(":")[1],
    )
    c.settle(n)
    c.row(
        "GetFunction image by tag: ResolvedImageUri has digest",
        lambda: told(c, n),
        want=lambda r: r == (i.uri(two), two.split(":")[1]),
    )
    c.row(
        "a published version keeps its image",
        lambda: told(c, n, Qualifier=version),
        want=lambda r: r == (i.uri(one), one.split(":")[1]),
    )
    c.row(
        "UpdateFunctionCode ZipFile on Image function",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("A")),
        error="InvalidParameterValue",
    )
    c.create("zip", source("A"))
    c.row(
        "UpdateFunctionCode ImageUri on Zip function",
        lambda: f.update_function_code(FunctionName="zip", ImageUri=i.uri(one)),
        error="InvalidParameterValue",
    )
    c.row(
        "Invoke image function built for another architecture",
        lambda: (create("arm", i.uri(arm)), c.invoke("arm"))[1][3],
        want=lambda r: r["errorType"] == "Runtime.InvalidEntrypoint" and "exec format error" in r["errorMessage"],
    )


@section("lambda")
def logs(c):
    """What the function of an image writes, and answers, by its event."""
    i = Images(c, "app")
    rules = "- {when: {event: up}, do: 'return {\"schema\": 7}', log: [one, two]}\n- {do: fail Dirty, log: [Dirty database version 6]}"
    image = i.uri(i.push("v1", {"testbed.behaviour": rules}))
    c.create("migrate", PackageType="Image", Code={"ImageUri": image})
    run = lambda event: c.invoke("migrate", event, LogType="Tail")
    c.row(
        "Invoke image function logs its own lines",
        lambda: run({"command": "up"}),
        want=lambda r: r[3] == {"schema": 7} and "\none\ntwo\n" in r[4],
    )
    c.row(
        "Invoke image function that fails logs its own lines",
        lambda: run({"command": "down"}),
        want=lambda r: (r[1], r[3]["errorType"]) == ("Unhandled", "Dirty") and "\nDirty database version 6\n" in r[4],
    )


def told(c, name, **qualifier):
    found = c.functions.get_function(FunctionName=name, **qualifier)
    return found["Code"].get("ResolvedImageUri"), found["Configuration"].get("CodeSha256")


SECTIONS = [images, logs]
