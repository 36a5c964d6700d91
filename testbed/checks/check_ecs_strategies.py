"""Deployments that move traffic, and what holds them.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
"""

import time

from .common import section
from .ecs_account import Balanced, Ecs

BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
CANARY = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10}}
LINEAR = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 2}}


def start(c, configuration):
    """A service behind a load balancer that runs already."""
    e, b = Ecs(c), Balanced(c, "lb")
    e.begin("web", e.define(e.image("v1")), loadBalancers=b.of_service(True), deploymentConfiguration=configuration)
    e.finish(e.service("web")["currentServiceDeployment"])
    return e, b


def steps(e, b, arn):
    """The weights of blue and green in turn, while minutes pass."""
    told = []
    e.follow(arn, lambda d: told.append(b.weights()) or d["status"] == "SUCCESSFUL" or e.advance(30))
    return [step for number, step in enumerate(told) if step not in told[:number]]


@section("ecs")
def blue_green(c):
    e, b = start(c, BLUE_GREEN)

    def moved():
        arn = e.hold("web", forceNewDeployment=True)
        before = b.weights()
        e.let_go("web")
        e.follow(arn, lambda d: d["lifecycleStage"] == "BAKE_TIME")
        return before, b.weights(), e.finish(arn)["status"]

    c.row("BLUE_GREEN moves the production rule, then bakes", moved, want=lambda r: r == ([100, 0], [0, 100], "SUCCESSFUL"))
    c.row(
        "a revision tells its traffic weights",
        lambda: e.deployment(e.service("web")["currentServiceDeployment"]),
        want=lambda r: (
            (
                r["targetServiceRevision"]["requestedProductionTrafficWeight"],
                r["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"],
            )
            == (100.0, 0.0)
        ),
    )
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    e.update("web", deploymentConfiguration={**BLUE_GREEN, "lifecycleHooks": [pause]})

    def tested():
        arn = e.deploy("web", forceNewDeployment=True)
        hook = waiting(e, arn)
        told = b.weights(b.test_rule), b.weights()
        e.api.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook)
        e.finish(arn)
        return told

    c.row("BLUE_GREEN test traffic comes first", tested, want=lambda r: r == ([100, 0], [0, 100]))


@section("ecs")
def canary_and_linear(c):
    e, b = start(c, CANARY)
    c.row(
        "CANARY gives the new revision its share",
        lambda: steps(e, b, e.deploy("web", forceNewDeployment=True)),
        want=lambda r: r[-2:] == [[90, 10], [0, 100]],
    )
    e.update("web", deploymentConfiguration=LINEAR)
    c.row(
        "LINEAR goes step by step",
        lambda: steps(e, b, e.deploy("web", forceNewDeployment=True)),
        want=lambda r: r[-4:] == [[25, 75], [50, 50], [75, 25], [100, 0]],
    )
    c.control("POST", f"accounts/{c.account}/alarms", [{"name": "errors", "type": "metric", "state": "OK"}])
    e.update("web", deploymentConfiguration={**CANARY, "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}})

    def triggered():
        arn = e.deploy("web", forceNewDeployment=True)
        before = c.until(b.weights, lambda w: 10 in w)
        c.control("POST", f"accounts/{c.account}/alarms", [{"name": "errors", "state": "ALARM"}])
        return e.follow(arn)["status"], before, b.weights()

    c.row("an alarm puts the weights back", triggered, want=lambda r: r == ("ROLLBACK_SUCCESSFUL", [90, 10], [100, 0]))


def later(e, arn, hook):
    """The hook that a deployment waits for once the bake time of its step is over."""
    e.advance(601)
    return waiting(e, arn, [hook])


def waiting(e, arn, before=()):
    """The hook that a deployment waits for."""
    found = lambda: [
        h["hookId"]
        for h in e.deployment(arn).get("lifecycleHookDetails", [])
        if h["status"] == "AWAITING_ACTION" and h["hookId"] not in before
    ]
    return e.c.until(found, bool)[0]


@section("ecs")
def hooks(c):
    pause = {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}
    e, b = start(c, CANARY)
    e.update("web", deploymentConfiguration={**CANARY, "lifecycleHooks": [pause]})
    go_on = lambda arn, hook, **more: e.api.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, **more)
    details = lambda arn: e.deployment(arn)["lifecycleHookDetails"]
    arn = e.deploy("web", forceNewDeployment=True)
    first = c.row("a PAUSE hook awaits an action", lambda: waiting(e, arn))
    c.row(
        "a paused deployment shows its hook",
        lambda: (details(arn)[0], e.deployment(arn)["lifecycleStage"]),
        want=lambda r: r[0]["timeoutAction"] == "ROLLBACK" and r[0]["expiresAt"] and r[1] != "PRE_PRODUCTION_TRAFFIC_SHIFT",
    )
    c.row(
        "ContinueServiceDeployment of a hook that does not wait",
        lambda: go_on(arn, "00000000-0000-0000-0000-000000000000"),
        error="InvalidParameter",
    )
    c.row(
        "ContinueServiceDeployment of no deployment",
        lambda: go_on(arn[:-4] + "0000", first or "x"),
        error="ServiceDeploymentNotFound",
    )
    c.row(
        "a CANARY pauses before each step of production traffic",
        lambda: (b.weights(), go_on(arn, first), later(e, arn, first), b.weights()),
        want=lambda r: (r[0], r[3]) == ([100, 0], [90, 10]),
    )
    c.row(
        "ContinueServiceDeployment goes on unless told otherwise",
        lambda: (go_on(arn, waiting(e, arn)), e.finish(arn))[1],
        want=lambda r: r["status"] == "SUCCESSFUL",
    )

    def rolled_back():
        arn = e.deploy("web", forceNewDeployment=True)
        go_on(arn, waiting(e, arn), action="ROLLBACK")
        return e.follow(arn)

    c.row("ContinueServiceDeployment ROLLBACK", rolled_back, want=lambda r: r["status"] == "ROLLBACK_SUCCESSFUL")
    timed = lambda action: {
        **CANARY,
        "lifecycleHooks": [{**pause, "timeoutConfiguration": {"timeoutInMinutes": 4, "action": action}}],
    }
    e.update("web", deploymentConfiguration=timed("ROLLBACK"))
    c.row(
        "a PAUSE hook that times out rolls back",
        lambda: e.finish(e.deploy("web", forceNewDeployment=True)),
        want=lambda r: (
            r["status"] == "ROLLBACK_SUCCESSFUL"
            and r["lifecycleHookDetails"][0]["status"] == "TIMED_OUT"
            and "timed out" in r["statusReason"]
        ),
    )
    e.update("web", deploymentConfiguration=timed("CONTINUE"))
    c.row(
        "a PAUSE hook that times out with CONTINUE goes on",
        lambda: e.finish(e.deploy("web", forceNewDeployment=True)),
        want=lambda r: r["status"] == "SUCCESSFUL" and r["lifecycleHookDetails"][0]["status"] == "TIMED_OUT",
    )
    shift = {"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}
    c.row(
        "a PAUSE hook at a traffic shift",
        lambda: e.update("web", deploymentConfiguration={**CANARY, "lifecycleHooks": [shift]}),
        error="InvalidParameter",
    )
    function = f"arn:aws:lambda:eu-west-1:{c.account}:function:judge"
    judged = {
        "targetType": "AWS_LAMBDA",
        "hookTargetArn": function,
        "roleArn": f"arn:aws:iam::{c.account}:role/r",
        "lifecycleStages": ["POST_SCALE_UP"],
    }
    e.update("web", deploymentConfiguration={**CANARY, "lifecycleHooks": [judged]})

    def failed():
        e.control("POST", "script", [{"service": "web", "hooks": {"judge": "FAILED"}}])
        return e.follow(e.deploy("web", forceNewDeployment=True))

    c.row(
        "a function hook that fails rolls back",
        failed,
        want=lambda r: r["status"] == "ROLLBACK_SUCCESSFUL" and r["lifecycleHookDetails"][0]["status"] == "FAILED",
    )


@section("elb")
def load_balancer(c):
    e, b = Ecs(c), Balanced(c, "lb")
    one = e.define(e.image("v1"))
    sick = e.define(e.image("v2", "- {when: {path: /health}, do: status 503}\n- do: ok"))
    e.create("web", one, loadBalancers=b.of_service(False))
    c.row("DescribeTargetHealth of tasks that run", lambda: b.health(), want=lambda r: r == ["healthy"] * 2)
    c.row(
        "a load balancer answers as the task behind it",
        lambda: b.get(),
        want=lambda r: r[0] == 200 and r[1]["digest"] == e.digests["v1"],
    )
    c.row("a load balancer answers requests that are not signed", lambda: b.get()[0], want=lambda r: r == 200)
    shares = [{"TargetGroupArn": group, "Weight": weight} for group, weight in zip(b.groups, (80, 20))]
    forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": shares}}]
    c.row(
        "DescribeRules tells the weights of target groups",
        lambda: (b.elb.modify_rule(RuleArn=b.rule, Actions=forward), b.weights())[1],
        want=lambda r: r == [80, 20],
    )
    # Nothing runs in the other group: a request to it is answered 503.
    c.row(
        "requests are shared out by weight",
        lambda: [b.get()[0] for _ in range(60)],
        want=lambda r: 0 < r.count(503) < 30 < r.count(200),
    )
    c.row("a target group publishes the 5xx of its tasks", lambda: published(c, e, b), want=lambda r: r == 3)
    c.set(ecs_delay=0.2)
    arn = e.deploy("web", taskDefinition=sick)
    c.row(
        "DescribeTargetHealth tells of a task that fails its check",
        lambda: c.until(b.health, lambda r: "unhealthy" in r),
        want=bool,
    )

    def replaced():
        primary = e.service("web")["deployments"][0]["id"]
        stopped = lambda: e.api.list_tasks(cluster="main", startedBy=primary, desiredStatus="STOPPED")["taskArns"]
        return e.task(c.until(stopped, bool)[0])["stoppedReason"], e.deployment(arn)["status"]

    c.row(
        "a task that fails its check is replaced",
        replaced,
        want=lambda r: "failed ELB health checks" in r[0] and r[1] == "IN_PROGRESS",
    )


def published(c, e, b):
    """How many 5xx of three requests to tasks that answer 500."""
    failing = e.define(e.image("v3", "- {when: {path: /health}, do: ok}\n- do: status 500"))
    e.create("failing", failing, loadBalancers=b.of_service(False))
    b.elb.modify_rule(RuleArn=b.rule, Actions=[{"Type": "forward", "TargetGroupArn": b.groups[0]}])
    e.update("web", desiredCount=0)
    e.steady("web")
    for _ in range(3):
        b.get("/orders")
    suffix = lambda arn: arn.split(":", 5)[5].removeprefix("loadbalancer/")
    balancer = b.elb.describe_load_balancers(Names=[b.name])["LoadBalancers"][0]["LoadBalancerArn"]
    named = {"LoadBalancer": suffix(balancer), "TargetGroup": suffix(b.groups[0])}
    query = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "HTTPCode_Target_5XX_Count",
        "Dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
    }
    now = time.time()
    answer = c.client("cloudwatch").get_metric_statistics(
        **query, StartTime=now - 600, EndTime=now + 600, Period=60, Statistics=["Sum"]
    )
    e.api.delete_service(cluster="main", service="failing", force=True)
    e.update("web", desiredCount=2)
    e.steady("web")
    return sum(point["Sum"] for point in answer["Datapoints"])


SECTIONS = [blue_green, canary_and_linear, hooks, load_balancer]
