"""What the checks and tests make of deployments by the control calls: see testbed/fidelity/ecs/control.py."""

import threading
import urllib.request

from .common import section
from .ecs_account import BREAKER, Ecs


@section("ecs")
def scripts(c):
    e = Ecs(c)
    one, two = e.define(e.image("v1")), e.define(e.image("v2"))
    e.create("web", one, deploymentConfiguration=BREAKER)
    script = lambda **told: e.control("POST", "script", [{"service": "web", **told}])
    follow = lambda **told: (script(**told), e.follow(e.deploy("web", forceNewDeployment=True)))[1]
    c.row(
        "a script: hold",
        lambda: (e.hold("web", taskDefinition=two), e.let_go("web"), e.follow(e.service("web")["currentServiceDeployment"])),
        want=lambda r: r[2]["status"] == "SUCCESSFUL",
    )
    c.row(
        "a script: break",
        lambda: follow(**{"break": {"at": "CLEAN_UP", "reason": "It broke."}}),
        want=lambda r: (r["status"], r["statusReason"]) == ("ROLLBACK_SUCCESSFUL", "It broke."),
    )
    c.row(
        "a script: superseded by somebody else",
        lambda: (follow(superseded={"task-definition": one}), e.steady("web")),
        want=lambda r: r[0]["status"] == "STOPPED" and r[1]["taskDefinition"].endswith(one),
    )
    c.row(
        "a script: a rollback that fails",
        lambda: follow(**{"break": {}, "rollback": "fail"}),
        want=lambda r: r["status"] == "ROLLBACK_FAILED" and r["rollback"],
    )
    c.row(
        "a service recovers from a rollback that failed",
        lambda: e.follow(e.deploy("web", forceNewDeployment=True)),
        want=lambda r: r["status"] == "SUCCESSFUL",
    )
    c.row(
        "fields of a deployment that a test sets",
        lambda: (
            e.control("PATCH", "deployment", {"service": "web", "set": {"status": "PAUSED"}}),
            e.deployment(e.service("web")["currentServiceDeployment"])["status"],
        ),
        want=lambda r: r[1] == "PAUSED",
    )
    c.row(
        "101 events are 100",
        lambda: (
            e.control("POST", "event", {"service": "web", "message": "is told.", "times": 101}),
            e.service("web")["events"],
        )[1],
        want=lambda r: len(r) == 100 and len({event["id"] for event in r}) == 100,
    )


@section("ecs")
def early_success(c):
    e = Ecs(c)
    one = e.define(e.image("v1", "- {do: ok, stopping: 5}"))
    early = {"earlySuccessCriteria": {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"}}
    e.create("web", one, count=4, deploymentConfiguration={**early, "maximumPercent": 150})
    c.set(ecs_delay=60)
    arn = e.deploy("web", forceNewDeployment=True)
    c.row(
        "early success: SUCCESSFUL while old tasks run",
        lambda: e.follow(arn, lambda d: d["status"] == "SUCCESSFUL" or e.advance(10)),
        want=lambda r: r["sourceServiceRevisions"][0]["runningTaskCount"] > 0,
    )
    c.set(ecs_delay=0.02)
    c.row("early success: the old tasks go in the end", lambda: e.advance(30) or e.steady("web"))


@section("ecs")
def stand(c):
    e = Ecs(c)
    one, two = e.image("v1"), e.image("v2")
    made = e.control("POST", "service", {"service": "web", "image": one, "balanced": True, "count": 3})
    c.row(
        "a service in one call runs already",
        lambda: e.service("web"),
        want=lambda r: r["runningCount"] == 3 and len(r["deployments"]) == 1,
    )
    answers, ended = [], threading.Event()

    def load():
        while not ended.is_set():
            with urllib.request.urlopen(c.url + made["path"] + "/", timeout=10) as response:
                answers.append((response.status, response.read()))

    def deployed():
        generator = threading.Thread(target=load)
        generator.start()
        try:
            container = {"name": "web"}
            definition = e.define(two, container=container)
            return e.follow(e.deploy("web", taskDefinition=definition))["status"]
        finally:
            ended.set()
            generator.join()

    c.row(
        "a rolling deployment under load loses no request",
        lambda: (deployed(), {status for status, _ in answers}, len({body for _, body in answers})),
        want=lambda r: r == ("SUCCESSFUL", {200}, 2),
    )


SECTIONS = [scripts, early_success, stand]
