"""CodeBuild: builds, their ends and their logs.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

import re

from botocore.exceptions import ClientError

from .common import section

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PHASES = (
    "SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS FINALIZING COMPLETED"
).split()


class Builds:
    """Builds of the project `app`."""

    def __init__(self, c, **project):
        self.c, self.codebuild, self.logs = c, c.client("codebuild", parameter_validation=False), c.client("logs")
        self.project(**project)

    def project(self, name="app", **options):
        fields = {
            "source": {"type": "GITHUB", "location": "https://github.com/octo/app.git"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [{"name": "STAGE", "value": "dev"}, {"name": "PORT", "value": "1"}],
            },
            "serviceRole": f"arn:aws:iam::{self.c.account}:role/build",
        }
        return self.codebuild.create_project(name=name, **{**fields, **options})["project"]

    def control(self, method, path, body):
        return self.c.control(method, f"accounts/{self.c.account}/codebuild/{path}", body)

    def script(self, **script):
        self.control("POST", "script", [{"project": "app", **script}])

    def advance(self, seconds):
        self.c.control("POST", f"accounts/{self.c.account}/clock", {"advance": seconds})

    def start(self, **options) -> dict:
        return self.codebuild.start_build(projectName=options.pop("project", "app"), **options)["build"]

    def get(self, build) -> dict:
        return self.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]

    def run(self, **options) -> dict:
        """A build once it has ended."""
        build = self.start(**options)
        return self.c.until(lambda: self.get(build), lambda found: found["buildStatus"] != "IN_PROGRESS")

    def ended(self, script, seconds=0.0, **options) -> dict:
        """A build of a script once it has ended, with time on top."""
        self.script(**script)
        build = self.start(**options)
        self.advance(seconds)
        return self.c.until(lambda: self.get(build), lambda found: found["buildStatus"] != "IN_PROGRESS")

    def lines(self, build, **options) -> list[str]:
        place = build["logs"]
        options = {
            "logGroupName": place["groupName"],
            "logStreamName": place["streamName"],
            "startFromHead": True,
            **options,
        }
        return [event["message"] for event in self.logs.get_log_events(**options)["events"]]


def ends(build) -> list[tuple]:
    """The phases that were not good, and those after them."""
    found = [(phase["phaseType"], phase.get("phaseStatus")) for phase in build["phases"]]
    first = next((number for number, (_, status) in enumerate(found) if status != "SUCCEEDED"), 0)
    return found[first:]


def reason(build) -> tuple:
    bad = next(phase for phase in build["phases"] if phase.get("phaseStatus") != "SUCCEEDED")
    return tuple((bad.get("contexts") or [{}])[0].values())


@section("codebuild")
def start(c):
    b = Builds(c)
    b.script(hold="PROVISIONING")
    c.row(
        "StartBuild answers a build in progress",
        b.start,
        want=lambda r: (
            (r["buildStatus"], r["buildComplete"], r["currentPhase"]) == ("IN_PROGRESS", False, "QUEUED")
            and [(phase["phaseType"], phase.get("phaseStatus")) for phase in r["phases"]]
            == [("SUBMITTED", "SUCCEEDED"), ("QUEUED", None)]
            and "endTime" not in r
            and "sourceVersion" not in r
        ),
    )
    c.row("StartBuild of a project that is missing", lambda: b.start(project="none"), error="ResourceNotFound")
    c.row(
        "StartBuild with overrides",
        lambda: b.start(
            environmentVariablesOverride=[
                {"name": "STAGE", "value": "prd"},
                {"name": "URL", "value": "db", "type": "SECRETS_MANAGER"},
            ],
            sourceVersion=COMMIT,
            buildspecOverride="version: 0.2",
            imageOverride="own",
            timeoutInMinutesOverride=15,
        ),
        want=lambda r: (
            {one["name"]: (one["value"], one.get("type")) for one in r["environment"]["environmentVariables"]}
            == {"STAGE": ("prd", "PLAINTEXT"), "PORT": ("1", None), "URL": ("db", "SECRETS_MANAGER")}
            and (r["sourceVersion"], r["source"]["buildspec"], r["environment"]["image"], r["timeoutInMinutes"])
            == (COMMIT, "version: 0.2", "own", 15)
        ),
    )
    c.row(
        "StartBuild leaves the project as it is",
        lambda: b.codebuild.batch_get_projects(names=["app"])["projects"][0]["environment"]["image"],
        want=lambda r: r == "aws/codebuild/standard:7.0",
    )
    c.row("StartBuild with a time-out of 3 minutes", lambda: b.start(timeoutInMinutesOverride=3), error="InvalidInput")
    c.row(
        "BatchGetBuilds of a build that is missing",
        lambda: b.codebuild.batch_get_builds(ids=["app:none"])["buildsNotFound"],
        want=lambda r: r == ["app:none"],
    )
    c.row("BatchGetBuilds of no build", lambda: b.codebuild.batch_get_builds(ids=[]), error="InvalidInput")
    tokens(c, b)
    kept = {
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/own", "streamName": "db"}},
        "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        "queuedTimeoutInMinutes": 30,
    }
    b.project(name="vpc", **kept)
    c.row(
        "BatchGetProjects answers logsConfig, vpcConfig and the time-outs",
        lambda: b.codebuild.batch_get_projects(names=["vpc"])["projects"][0],
        want=lambda r: {name: r[name] for name in kept} == kept and r["timeoutInMinutes"] == 60,
    )
    many(c, b)


def tokens(c, b):
    first = b.start(idempotencyToken="one", sourceVersion="main")["id"]
    c.row(
        "StartBuild again with the same token",
        lambda: b.start(idempotencyToken="one", sourceVersion="main")["id"],
        want=lambda r: r == first,
    )
    c.row(
        "StartBuild with the same token and other parameters",
        lambda: b.start(idempotencyToken="one", sourceVersion="next"),
        error="InvalidInput",
    )
    c.row(
        "StartBuild with the same token after five minutes",
        lambda: (
            [b.start(idempotencyToken="two")["id"] for _ in range(2)]
            + [(b.advance(301), b.start(idempotencyToken="two")["id"])[1]]
        ),
        want=lambda r: r[0] == r[1] != r[2],
    )


def many(c, b):
    b.project(name="many")
    started = [b.start(project="many")["id"] for _ in range(103)]

    def pages():
        first = b.codebuild.list_builds_for_project(projectName="many")
        return [
            first["ids"],
            b.codebuild.list_builds_for_project(projectName="many", nextToken=first["nextToken"])["ids"],
        ]

    c.row(
        "ListBuildsForProject answers the newest first, in pages",
        pages,
        want=lambda r: r == [started[:2:-1], started[2::-1]],
    )


@section("codebuild")
def phases(c):
    b = Builds(c)
    c.row(
        "a build goes through its phases",
        lambda: b.run(sourceVersion="main"),
        want=lambda r: (
            [phase["phaseType"] for phase in r["phases"]] == PHASES
            and "phaseStatus" not in r["phases"][-1]
            and all("durationInSeconds" in phase for phase in r["phases"][:-1])
            and (r["buildStatus"], r["buildComplete"], r["currentPhase"]) == ("SUCCEEDED", True, "COMPLETED")
            and r["endTime"] > r["startTime"]
        ),
    )
    c.row(
        "a build resolves its source version",
        lambda: [b.run(sourceVersion=version)["resolvedSourceVersion"] for version in (COMMIT, "main")],
        want=lambda r: r[0] == COMMIT and re.fullmatch("[0-9a-f]{40}", r[1]),
    )
    failed = [
        ("POST_BUILD", "SUCCEEDED"),
        ("UPLOAD_ARTIFACTS", "SUCCEEDED"),
        ("FINALIZING", "SUCCEEDED"),
        ("COMPLETED", None),
    ]
    c.row(
        "a build that fails in BUILD is FAILED, and POST_BUILD and UPLOAD_ARTIFACTS are attempted",
        lambda: b.ended({"end": "FAILED", "command": "./migrate up", "exit": 3}),
        want=lambda r: (
            r["buildStatus"] == "FAILED"
            and ends(r) == [("BUILD", "FAILED"), *failed]
            and reason(r)
            == ("COMMAND_EXECUTION_ERROR", "Error while executing command: ./migrate up. Reason: exit status 3")
        ),
    )
    c.row(
        "a build that fails in DOWNLOAD_SOURCE is FAILED",
        lambda: b.ended({"end": "FAILED", "at": "DOWNLOAD_SOURCE"}, sourceVersion="gone"),
        want=lambda r: (
            r["buildStatus"] == "FAILED" and ends(r)[0][0] == "DOWNLOAD_SOURCE" and "version gone" in reason(r)[1]
        ),
    )
    c.row(
        "a build that faults is FAULT",
        lambda: b.ended({"end": "FAULT", "at": "PROVISIONING"}),
        want=lambda r: r["buildStatus"] == "FAULT" and ends(r) == [("PROVISIONING", "FAULT"), ("COMPLETED", None)],
    )
    timed_out = lambda phase: (
        lambda r: (
            r["buildStatus"] == "TIMED_OUT"
            and ends(r) == [(phase, "TIMED_OUT"), ("COMPLETED", None)]
            and reason(r)[0] == "BUILD_TIMED_OUT"
        )
    )
    c.row("a build that takes too long is TIMED_OUT", lambda: b.ended({"hold": "BUILD"}, 3700), want=timed_out("BUILD"))
    c.row(
        "a build that stays in the queue too long is TIMED_OUT",
        lambda: b.ended({"hold": "QUEUED"}, 8 * 3600 + 1),
        want=timed_out("QUEUED"),
    )

    def unknown():
        build = b.run()
        b.control("PATCH", "build", {"build": build["id"], "set": {"buildStatus": "PAUSED"}})
        return b.get(build)["buildStatus"]

    c.row("a status that nobody knows", unknown, want=lambda r: r == "PAUSED")
    stop(c, b)


def in_phase(b, phase, **script):
    """A build that is held in this phase."""
    b.script(hold=phase, **script)
    build = b.start()
    return b.c.until(lambda: b.get(build), lambda found: found["currentPhase"] == phase)


def stop(c, b):
    stopped = lambda build: b.codebuild.stop_build(id=build["id"])["build"]
    c.row(
        "StopBuild stops the phase at hand",
        lambda: stopped(in_phase(b, "BUILD")),
        want=lambda r: (
            (r["buildStatus"], r["buildComplete"]) == ("STOPPED", True)
            and ends(r) == [("BUILD", "STOPPED"), ("COMPLETED", None)]
        ),
    )

    def later():
        build = in_phase(b, "BUILD", **{"stop-after": 60})
        first = stopped(build)["buildStatus"]
        b.advance(61)
        return first, b.get(build)["buildStatus"]

    c.row("StopBuild that takes its time", later, want=lambda r: r == ("IN_PROGRESS", "STOPPED"))
    c.row(
        "StopBuild of a build that has ended", lambda: stopped(b.run())["buildStatus"], want=lambda r: r == "SUCCEEDED"
    )
    c.row("StopBuild of a build that is missing", lambda: stopped({"id": "app:none"}), error="ResourceNotFound")


@section("codebuild")
def logs(c):
    b = Builds(c)
    c.row(
        "a build has no log group before PROVISIONING",
        lambda: in_phase(b, "QUEUED")["logs"],
        want=lambda r: "groupName" not in r and r["cloudWatchLogsArn"].endswith(":log-group:null:log-stream:null"),
    )
    c.row(
        "a build names its own log stream",
        lambda: in_phase(b, "PROVISIONING"),
        want=lambda r: (
            (r["logs"]["groupName"], r["logs"]["streamName"]) == ("/aws/codebuild/app", r["id"].split(":")[1])
        ),
    )

    def while_it_goes_on():
        build = in_phase(b, "BUILD", log=["one", "two"], seconds={"BUILD": 90})
        read = lambda: [line for line in b.lines(build) if not line.startswith("[Container]")]
        told = [read()]
        for _ in range(2):
            b.advance(31)
            told.append(read())
        b.control("PATCH", "script", {"build": build["id"], "set": {"hold": None}})
        c.until(lambda: b.get(build), lambda found: found["buildStatus"] == "SUCCEEDED")
        return [*told, read()]

    c.row(
        "a build writes its log while it goes on",
        while_it_goes_on,
        want=lambda r: r == [[], ["one\n"], ["one\n", "two\n"], ["one\n", "two\n"]],
    )
    c.row(
        "the log tells why a command failed",
        lambda: "".join(b.lines(b.ended({"end": "FAILED", "exit": 2, "log": ["error: Dirty database version 12"]}))),
        want=lambda r: re.search(
            "Entering phase BUILD\n.*Running command ./run\nerror: Dirty database version 12\n.*Phase complete: BUILD State: FAILED\n"
            ".*Phase context status code: COMMAND_EXECUTION_ERROR Message: .*exit status 2\n",
            r,
        ),
    )
    b.project(name="own", logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "/own", "streamName": "db"}})
    c.row(
        "a build logs where its project says",
        lambda: (lambda build: (build, b.lines(build)))(b.run(project="own")),
        want=lambda r: (
            (r[0]["logs"]["groupName"], r[0]["logs"]["streamName"]) == ("/own", "db/" + r[0]["id"].split(":")[1])
            and r[1]
        ),
    )
    b.project(name="silent", logsConfig={"cloudWatchLogs": {"status": "DISABLED"}})

    def silent():
        build = b.run(project="silent")
        try:
            b.logs.describe_log_streams(logGroupName="/aws/codebuild/silent")
        except ClientError as problem:
            return build["logs"], problem.response["Error"]["Code"], b.lines(b.run())[-1]
        return None

    c.row(
        "a build without CloudWatch Logs names none",
        silent,
        want=lambda r: "groupName" not in r[0] and r[1] == "ResourceNotFoundException" and r[2],
    )


SECTIONS = [start, phases, logs]
