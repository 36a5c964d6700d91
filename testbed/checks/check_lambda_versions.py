"""Versions and aliases of functions."""

import base64
import collections
import hashlib
import json
import time
import urllib.request
import uuid

from .check_ecr import Images
from .common import package, section, source


@section("lambda")
def versions(c):
    f, n = c.functions, "published"
    c.create(n, source("A"))
    publish = lambda **options: f.publish_version(FunctionName=n, **options)
    c.row("PublishVersion stale RevisionId", lambda: publish(RevisionId=str(uuid.uuid4())), error="PreconditionFailed")
    c.row(
        "PublishVersion wrong CodeSha256",
        lambda: publish(CodeSha256=base64.b64encode(b"0" * 32).decode()),
        error="InvalidParameterValue",
    )
    c.row(
        "UpdateFunctionCode DryRun leaves function",
        lambda: dry_run(c, n),
        want=lambda r: r["code same"] and r["revision same"] and r["answered new digest"],
    )
    first = c.row("PublishVersion", lambda: publish(Description="one"), want=lambda r: r["FunctionArn"].endswith(":1"))
    c.row("PublishVersion again unchanged", lambda: publish()["Version"], want=lambda r: r == "1")
    c.row(
        "PublishVersion again with another description (AWS: no new version)",
        lambda: publish(Description="other"),
        want=lambda r: r["Version"] == "1" and r["Description"] == "one",
    )
    c.row(
        "re-upload IDENTICAL then publish (AWS: no new version)",
        lambda: (c.update(n, source("A")), publish()["Version"])[1],
        want=lambda r: r == "1",
    )
    c.row(
        "changed configuration, same code, then publish",
        lambda: (c.configure(n, Environment={"Variables": {"STAGE": "x"}}), publish())[1],
        want=lambda r: r["Version"] > "1" and r["CodeSha256"] == first["CodeSha256"],
    )
    c.row(
        "GetFunction of a version: Code.Location is that version's package",
        lambda: (c.update(n, source("other")), location(c, n, "1"))[1],
        want=lambda r: r == (first["CodeSha256"], first["CodeSha256"]),
    )
    c.row(
        "UpdateFunctionCode Publish=True answers the versioned ARN",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("B"), Publish=True),
        want=lambda r: r["FunctionArn"].endswith(f"{n}:{r['Version']}"),
    )
    c.settle(n)
    c.row(
        "UpdateFunctionCode Publish=True twice same code + PublishVersion",
        lambda: publish_twice(c, n),
        want=lambda r: len(set(r)) == 1,
    )
    c.row(
        "the version published with an update runs its code",
        lambda: c.says(n, Qualifier=publish()["Version"]),
        want=lambda r: r == "C",
    )
    c.row(
        "CreateFunction Publish=True answers the versioned ARN",
        lambda: c.create("born", source("A"), Publish=True),
        want=lambda r: r["Version"] == "1" and r["FunctionArn"].endswith("born:1"),
    )

    def pending():
        c.set(next_version={"state": "Failed", "reason": "No memory.", "code": "InternalError", "delay": 0.3})
        c.update(n, source("P"))
        made = publish()
        after = c.settle(n, Qualifier=made["Version"])
        return made["State"], after["State"], after.get("StateReason"), after.get("StateReasonCode")

    c.row(
        "a published version is Pending, then Failed",
        pending,
        want=lambda r: r == ("Pending", "Failed", "No memory.", "InternalError"),
    )
    c.row(
        "ListVersionsByFunction",
        lambda: [v["Version"] for v in f.list_versions_by_function(FunctionName=n)["Versions"]],
        want=lambda r: r[0] == "$LATEST",
    )
    c.row(
        "ListVersionsByFunction paging",
        lambda: [
            len(page["Versions"])
            for page in f.get_paginator("list_versions_by_function").paginate(
                FunctionName=n, PaginationConfig={"PageSize": 2}
            )
        ],
        want=lambda r: max(r) == 2 and len(r) > 1,
    )
    c.row(
        "GetFunction Qualifier missing",
        lambda: f.get_function(FunctionName=n, Qualifier="777"),
        error="ResourceNotFound",
    )


@section("lambda")
def packages(c):
    f, n = c.functions, "packaged"
    c.create(n, source("A"))
    key = f"arn:aws:kms:eu-west-1:{c.account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    bucket = f"packages-{c.account}"
    s3 = c.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stored = lambda code: s3.put_object(Bucket=bucket, Key="app.zip", Body=source(code))["VersionId"]
    code = lambda **named: f.get_function(FunctionName=n, **named)["Code"]

    def update(**sent):
        f.update_function_code(FunctionName=n, **sent)
        c.settle(n)
        return f.publish_version(FunctionName=n)["Version"]

    first = update(ZipFile=source("B"), SourceKMSKeyArn=key)
    c.row(
        "UpdateFunctionCode without SourceKMSKeyArn takes the customer's key off",
        lambda: (code().get("SourceKMSKeyArn"), update(ZipFile=source("C")), code().get("SourceKMSKeyArn")),
        want=lambda r: (r[0], r[2]) == (key, None),
    )
    place = {"S3Bucket": bucket, "S3Key": "app.zip"}
    pinned = place | {"S3ObjectVersion": stored("D")}
    second = update(**pinned, S3ObjectStorageMode="REFERENCE")
    c.row(
        "UpdateFunctionCode without S3ObjectStorageMode makes a copy",
        lambda: (code().get("ResolvedS3Object"), update(**place), code().get("ResolvedS3Object")),
        want=lambda r: (r[0], r[2]) == (pinned, None),
    )
    c.row(
        "GetFunction of a version tells its own key and object",
        lambda: [code(Qualifier=v).get(m) for v in (first, second) for m in ("SourceKMSKeyArn", "ResolvedS3Object")],
        want=lambda r: r == [key, None, None, pinned],
    )
    s3.delete_object(Bucket=bucket, Key="app.zip", VersionId=pinned["S3ObjectVersion"])
    c.row(
        "GetFunction of a version whose object is gone tells an error",
        lambda: code(Qualifier=second),
        want=lambda r: r["Error"]["ErrorCode"] and "Location" not in r,
    )
    f.put_function_code_signing_config(
        FunctionName=n, CodeSigningConfigArn=f"arn:aws:lambda:eu-west-1:{c.account}:code-signing-config:csc-0123456789abcdef0"
    )
    c.row(
        "UpdateFunctionCode unsigned, with a code signing configuration",
        lambda: update(ZipFile=source("E")),
        error="CodeVerificationFailed",
    )
    c.row(
        "UpdateFunctionCode changed since it was signed",
        lambda: update(ZipFile=package("broken", "META-INF/signature")),
        error="InvalidCodeSignature",
    )
    f.delete_function_code_signing_config(FunctionName=n)
    f.put_function_concurrency(FunctionName=n, ReservedConcurrentExecutions=0)
    c.row(
        "Invoke a version of a function whose reserved concurrency is 0",
        lambda: c.invoke(n, Qualifier=first),
        error="TooManyRequests",
    )
    f.delete_function_concurrency(FunctionName=n)

    def hashes():
        told = lambda: c.settle(n)["ConfigSha256"]
        before = told()
        c.update(n, source("F"))
        return before, told(), (c.configure(n, Timeout=17), told())[1]

    c.row(
        "ConfigSha256 changes with the configuration, and not with the code",
        hashes,
        want=lambda r: r[0] == r[1] and r[1] != r[2],
    )

    def runtimes():
        images = Images(c, "packaged")
        image = images.uri(images.push("v1", {}))
        c.create("image", PackageType="Image", Code={"ImageUri": image})
        return c.settle(n)["RuntimeVersionConfig"]["RuntimeVersionArn"], c.settle("image").get("RuntimeVersionConfig")

    c.row(
        "a managed runtime has a version, an image has none",
        runtimes,
        want=lambda r: ":runtime:" in r[0] and r[1] is None,
    )


@section("lambda")
def aliases(c):
    f, n = c.functions, "aliased"
    c.create(n, source("A"))
    a = f.publish_version(FunctionName=n)["Version"]
    c.update(n, source("B"))
    b = f.publish_version(FunctionName=n)["Version"]
    update = lambda **changes: f.update_alias(FunctionName=n, Name="live", **changes)
    weights = lambda **shares: {"AdditionalVersionWeights": shares}
    made = c.row("CreateAlias", lambda: f.create_alias(FunctionName=n, Name="live", FunctionVersion=a))
    c.row(
        "CreateAlias duplicate",
        lambda: f.create_alias(FunctionName=n, Name="live", FunctionVersion=a),
        error="ResourceConflict",
    )
    c.row(
        "CreateAlias to missing version",
        lambda: f.create_alias(FunctionName=n, Name="bad", FunctionVersion="999"),
        error="ResourceNotFound",
    )
    c.row(
        "UpdateAlias stale RevisionId",
        lambda: update(FunctionVersion=b, RevisionId=str(uuid.uuid4())),
        error="PreconditionFailed",
    )
    c.row(
        "UpdateAlias good RevisionId",
        lambda: update(FunctionVersion=a, RevisionId=made["RevisionId"]),
        want=lambda r: r["RevisionId"] != made["RevisionId"],
    )
    c.row("UpdateAlias missing version", lambda: update(FunctionVersion="999"), error="ResourceNotFound")
    update(FunctionVersion=a)
    c.row(
        "UpdateAlias weights to same version (AWS: InvalidParameterValue)",
        lambda: update(RoutingConfig=weights(**{a: 0.5})),
        error="InvalidParameterValue",
    )
    c.row(
        "UpdateAlias weights to missing version",
        lambda: update(RoutingConfig=weights(**{"99": 0.5})),
        error="ResourceNotFound",
    )
    c.row(
        "UpdateAlias weight above 1",
        lambda: update(RoutingConfig=weights(**{b: 1.5})),
        error=("InvalidParameterValue", "ValidationException"),
    )
    c.update(n, source("C"))
    third = f.publish_version(FunctionName=n)["Version"]
    c.row(
        "UpdateAlias weights for two versions",
        lambda: update(RoutingConfig=weights(**{b: 0.1, third: 0.1})),
        error="InvalidParameterValue",
    )
    update(FunctionVersion=a, RoutingConfig=weights())
    c.row("UpdateAlias weights", lambda: update(FunctionVersion=a, RoutingConfig=weights(**{b: 0.5})))

    def split():
        ran = collections.Counter()
        for _ in range(60):
            _, _, version, payload, _ = c.invoke(n, Qualifier="live")
            ran[version, payload["v"], payload["arn"].rsplit(":", 1)[-1]] += 1
        return dict(ran)

    c.row(
        "Weighted alias splits 60 invocations 50/50",
        split,
        want=lambda r: set(r) == {(a, "A", "live"), (b, "B", "live")} and min(r.values()) > 10,
    )
    c.row(
        "Weighted alias splits through a function URL", lambda: through_url(c, n), want=lambda r: set(r) == {"A", "B"}
    )
    c.row(
        "UpdateAlias clear weights",
        lambda: update(FunctionVersion=b, RoutingConfig=weights()),
        want=lambda r: not r.get("RoutingConfig"),
    )
    c.row("Invoke by alias answers the version", lambda: c.invoke(n, Qualifier="live")[2], want=lambda r: r == b)
    c.row(
        "ListAliases",
        lambda: [x["Name"] for x in f.list_aliases(FunctionName=n)["Aliases"]],
        want=lambda r: r == ["live"],
    )
    c.row(
        "DeleteFunction version referenced by alias",
        lambda: f.delete_function(FunctionName=n, Qualifier=b),
        error="ResourceConflict",
    )

    provision = lambda: f.put_provisioned_concurrency_config(
        FunctionName=n, Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    allocated = lambda: f.get_provisioned_concurrency_config(FunctionName=n, Qualifier="live")
    # As it is once the allocations under way have ended.
    ended = lambda: (
        c.set(provisioned_concurrency_delay=0),
        c.until(allocated, lambda found: found["Status"] != "IN_PROGRESS"),
    )[1]

    def provisioned():
        c.set(provisioned_concurrency_delay=600)
        put, meanwhile, got = provision(), allocated(), ended()
        return put["Status"], meanwhile["Status"], got["Status"], got["AvailableProvisionedConcurrentExecutions"]

    c.row(
        "Provisioned concurrency is IN_PROGRESS, then READY",
        provisioned,
        want=lambda r: r == ("IN_PROGRESS", "IN_PROGRESS", "READY", 2),
    )
    routed = lambda: (
        (live := f.get_alias(FunctionName=n, Name="live"))["FunctionVersion"],
        (live.get("RoutingConfig") or {}).get("AdditionalVersionWeights"),
        allocated()["Status"],
    )

    def arriving():
        update(FunctionVersion=a, RoutingConfig=weights())
        c.set(provisioned_concurrency_delay=600)
        update(FunctionVersion=b, RoutingConfig=weights())
        first, served = routed(), c.invoke(n, Qualifier="live")[2]
        c.set(provisioned_concurrency_delay=0)
        return first, served, c.until(routed, lambda found: found[1] is None)

    c.row(
        "UpdateAlias with provisioned concurrency: the version before serves until it is READY",
        arriving,
        want=lambda r: r == ((b, {a: 1.0}, "IN_PROGRESS"), a, (b, None, "READY")),
    )

    def failing():
        c.set(provisioned_concurrency_failure="FUNCTION_ERROR_INIT_FAILURE")
        update(FunctionVersion=third, RoutingConfig=weights())
        ended()
        return routed()

    c.row(
        "UpdateAlias with provisioned concurrency that FAILED: the version before goes on serving",
        failing,
        want=lambda r: r == (third, {b: 1.0}, "FAILED"),
    )
    c.row("Provisioned concurrency of a weighted alias", provision, error="InvalidParameterValue")

    def again():
        c.set(provisioned_concurrency_failure=None)
        update(FunctionVersion=a, RoutingConfig=weights())
        return routed(), allocated().get("StatusReason")

    c.row(
        "UpdateAlias after provisioned concurrency that FAILED: it is READY again",
        again,
        want=lambda r: r == ((a, None, "READY"), None),
    )

    def newer():
        c.set(provisioned_concurrency_delay=600, provisioned_concurrency_failure="FUNCTION_ERROR_INIT_FAILURE")
        provision()
        c.set(provisioned_concurrency_failure=None)
        update(FunctionVersion=b, RoutingConfig=weights())
        c.set(provisioned_concurrency_delay=0)
        c.until(routed, lambda found: found[1] is None)
        # The older one ends at about the same time, and must change nothing.
        time.sleep(0.1)
        return routed()

    c.row(
        "UpdateAlias while provisioned concurrency is IN_PROGRESS: the newer allocation counts",
        newer,
        want=lambda r: r == (b, None, "READY"),
    )


def dry_run(c, name):
    before = c.settle(name)
    answered = c.functions.update_function_code(FunctionName=name, ZipFile=source("DRY"), DryRun=True)
    after = c.settle(name)
    return {
        "code same": before["CodeSha256"] == after["CodeSha256"],
        "revision same": before["RevisionId"] == after["RevisionId"],
        "answered new digest": answered["CodeSha256"] != before["CodeSha256"],
    }


def location(c, name, version):
    found = c.functions.get_function(FunctionName=name, Qualifier=version)
    with urllib.request.urlopen(found["Code"]["Location"], timeout=10) as response:
        hashed = hashlib.sha256(response.read()).digest()
    return base64.b64encode(hashed).decode(), found["Configuration"]["CodeSha256"]


def publish_twice(c, name):
    numbers = []
    for _ in range(2):
        numbers.append(
            c.functions.update_function_code(FunctionName=name, ZipFile=source("C"), Publish=True)["Version"]
        )
        c.settle(name)
    return [*numbers, c.functions.publish_version(FunctionName=name)["Version"]]


def through_url(c, name):
    url = c.functions.create_function_url_config(FunctionName=name, AuthType="NONE", Qualifier="live")["FunctionUrl"]
    c.functions.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="url",
        Principal="*",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType="NONE",
    )
    host = url.split("://", 1)[1].split("/", 1)[0]
    said = collections.Counter()
    for _ in range(30):
        request = urllib.request.Request(c.url + "/", headers={"Host": host})
        with urllib.request.urlopen(request, timeout=10) as response:
            said[json.loads(response.read())["v"]] += 1
    return dict(said)


SECTIONS = [versions, packages, aliases]
