"""Updates of functions, and what is refused."""

import collections
import json
import threading
import time
import urllib.request
import uuid

from .common import describe, section, source


@section("lambda")
def updates(c):
    f, n = c.functions, "updated"
    f.create_function(
        FunctionName=n, Role=c.role, Runtime="python3.12", Handler="index.handler", Code={"ZipFile": source("A")}
    )
    c.row(
        "Update immediately while State=Pending",
        lambda: f.update_function_configuration(FunctionName=n, Description="x"),
        error="ResourceConflictException",
    )
    c.row("Invoke while Pending", lambda: c.invoke(n), error="ResourceConflictException")
    c.row(
        "waiter function_active_v2",
        lambda: f.get_waiter("function_active_v2").wait(FunctionName=n, WaiterConfig={"Delay": 1}),
    )
    c.settle(n)
    c.row(
        "GetFunction Code.Location is the package",
        lambda: urllib.request.urlopen(f.get_function(FunctionName=n)["Code"]["Location"]).read(),
        want=lambda r: r == source("A"),
    )
    c.row(
        "UpdateFunctionCode response",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("B")),
        want=lambda r: (r["State"], r["LastUpdateStatus"], r.get("StateReasonCode")) == ("Active", "InProgress", None),
    )
    c.settle(n)

    def right_after():
        f.update_function_code(FunctionName=n, ZipFile=source("C"))
        return c.says(n)

    c.row(
        "Invoke right after update (while InProgress): AWS runs OLD code until Successful",
        right_after,
        want=lambda r: r == "B",
    )
    c.settle(n)
    c.row("Invoke after the update runs the new code", lambda: c.says(n), want=lambda r: r == "C")

    def twice(second):
        f.update_function_code(FunctionName=n, ZipFile=source("D" + str(time.time())))
        try:
            return second()
        finally:
            c.settle(n)

    c.row(
        "second UpdateFunctionCode while InProgress",
        lambda: twice(lambda: f.update_function_code(FunctionName=n, ZipFile=source("E"))),
        error="ResourceConflictException",
    )
    c.row(
        "UpdateFunctionConfiguration while InProgress",
        lambda: twice(lambda: f.update_function_configuration(FunctionName=n, Timeout=5)),
        error="ResourceConflictException",
    )
    c.row(
        "PublishVersion while InProgress",
        lambda: twice(lambda: f.publish_version(FunctionName=n)),
        error="ResourceConflictException",
    )
    c.row(
        "4 parallel UpdateFunctionCode, one wins",
        lambda: parallel(c, n),
        want=lambda r: r["ok"] == 1 and r["409 ResourceConflictException"] == 3,
    )
    c.settle(n)
    c.row(
        "waiter function_updated_v2",
        lambda: (
            c.update(n, source("F")),
            f.get_waiter("function_updated_v2").wait(FunctionName=n, WaiterConfig={"Delay": 1}),
        ),
    )
    c.row(
        "UpdateFunctionCode stale RevisionId",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("G"), RevisionId=str(uuid.uuid4())),
        error="PreconditionFailed",
    )
    c.row(
        "UpdateFunctionCode current RevisionId",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("G"), RevisionId=c.settle(n)["RevisionId"]),
    )
    c.settle(n)
    c.row(
        "UpdateFunctionConfiguration stale RevisionId",
        lambda: f.update_function_configuration(FunctionName=n, Timeout=7, RevisionId=str(uuid.uuid4())),
        error="PreconditionFailed",
    )
    c.row(
        "UpdateFunctionCode garbage zip",
        lambda: f.update_function_code(FunctionName=n, ZipFile=b"not a zip"),
        error="InvalidParameterValue",
    )
    c.row(
        "UpdateFunctionCode no such function",
        lambda: f.update_function_code(FunctionName="nope", ZipFile=source("G")),
        error="ResourceNotFound",
    )

    def fails():
        c.set(next_update_failure={"reason": "The image is broken.", "code": "InvalidImage"})
        c.update(n, source("H"))
        found = f.get_function_configuration(FunctionName=n)
        return found["LastUpdateStatus"], found.get("LastUpdateStatusReason"), found.get("LastUpdateStatusReasonCode")

    c.row(
        "an update fails and the reason is told",
        fails,
        want=lambda r: r == ("Failed", "The image is broken.", "InvalidImage"),
    )
    c.row(
        "the update after a failed one succeeds",
        lambda: (c.update(n, source("I")), c.says(n))[1],
        want=lambda r: r == "I",
    )
    c.row("an invocation in flight survives an update", lambda: in_flight(c, n), want=lambda r: r[:2] == (200, None))


@section("lambda")
def sources(c):
    f, n = c.functions, "sourced"
    c.create(n, source("A"))
    s3 = c.client("s3")
    bucket = f"code-{c.account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="a.zip", Body=source("S3"))
    c.row(
        "UpdateFunctionCode from S3",
        lambda: f.update_function_code(FunctionName=n, S3Bucket=bucket, S3Key="a.zip")["CodeSha256"],
    )
    c.settle(n)
    c.row("UpdateFunctionCode from S3 runs", lambda: c.says(n), want=lambda r: r == "S3")
    c.row(
        "UpdateFunctionCode from S3 missing key",
        lambda: f.update_function_code(FunctionName=n, S3Bucket=bucket, S3Key="zz.zip"),
        error="InvalidParameterValue",
    )
    c.row(
        "UpdateFunctionCode arch change",
        lambda: f.update_function_code(FunctionName=n, ZipFile=source("G"), Architectures=["arm64"]),
        want=lambda r: r["Architectures"] == ["arm64"],
    )
    c.settle(n)
    c.row(
        "CreateFunction bad role",
        lambda: c.functions.create_function(
            FunctionName="x",
            Runtime="python3.12",
            Role=f"arn:aws:iam::{c.account}:role/none",
            Handler="index.handler",
            Code={"ZipFile": source("A")},
        ),
        error="InvalidParameterValue",
    )
    c.row(
        "CreateFunction bad runtime",
        lambda: c.create("y", source("A"), Runtime="python2.1"),
        error="InvalidParameterValue",
    )
    c.row(
        "UpdateFunctionConfiguration bad runtime",
        lambda: c.configure(n, Runtime="python2.1"),
        error="InvalidParameterValue",
    )
    c.row(
        "PutFunctionConcurrency",
        lambda: f.put_function_concurrency(FunctionName=n, ReservedConcurrentExecutions=0)[
            "ReservedConcurrentExecutions"
        ],
        want=lambda r: r == 0,
    )
    c.row("Invoke with reserved concurrency 0 (AWS 429)", lambda: c.invoke(n), error="TooManyRequests")


def parallel(c, name):
    results = []

    def one(number):
        client = c.client("lambda")
        gate.wait()
        try:
            client.update_function_code(FunctionName=name, ZipFile=source(f"P{number}"))
            results.append("ok")
        except Exception as problem:
            results.append(describe(problem).split(":")[0])

    gate = threading.Barrier(4)
    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return collections.Counter(results)


def in_flight(c, name):
    c.configure(name, Timeout=10)
    c.says(name)
    result = []
    client = c.client("lambda")

    def long():
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"sleep": 0.8}).encode())
        result.extend((answer["StatusCode"], answer.get("FunctionError"), answer["Payload"].read()[:200]))

    thread = threading.Thread(target=long)
    thread.start()
    time.sleep(0.2)
    c.update(name, source("AFTER"))
    c.says(name)
    thread.join()
    return tuple(result)


SECTIONS = [updates, sources]
