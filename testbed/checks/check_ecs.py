"""Services of ECS, their deployments and revisions.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from .common import section
from .ecs_account import BREAKER, NETWORK, Ecs


@section("ecs")
def services(c):
    e = Ecs(c)
    one, two = e.define(e.image("v1")), e.define(e.image("v2"))
    refused = lambda name, error, act: c.row(name, act, error=error)
    refused(
        "CreateService in no cluster",
        "ClusterNotFound",
        lambda: e.api.create_service(cluster="none", serviceName="x", taskDefinition=one),
    )
    refused("CreateService of a missing task definition", "ClientException", lambda: e.begin("none", "web:99"))
    refused(
        "CreateService of an awsvpc task without a network",
        "InvalidParameter",
        lambda: e.api.create_service(cluster="main", serviceName="none", taskDefinition=one),
    )
    c.row(
        "CreateService begins a deployment",
        lambda: e.begin("web", one)["deployments"],
        want=lambda r: (r[0]["rolloutState"], r[0]["runningCount"]) == ("IN_PROGRESS", 0),
    )
    c.row("a service becomes steady", lambda: e.steady("web"), want=lambda r: r["runningCount"] == 2)
    c.row(
        "events tell of the steady state",
        lambda: e.service("web")["events"],
        want=lambda r: (
            any("has reached a steady state" in x["message"] for x in r)
            and any("has started 2 tasks" in x["message"] for x in r)
        ),
    )
    c.row("CreateService twice", lambda: e.begin("web", one), error="ClientException")
    c.row(
        "UpdateService is IN_PROGRESS beside the old deployment",
        lambda: e.update("web", taskDefinition=two)["deployments"],
        want=lambda r: [(d["status"], d["rolloutState"]) for d in r] == [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")],
    )
    c.row("tasks of a deployment are started by it", lambda: startedby(e), want=lambda r: r[0] == r[1])
    c.row(
        "UpdateService in the end runs the new tasks only",
        lambda: e.steady("web"),
        want=lambda r: r["taskDefinition"].endswith(two),
    )
    refused("UpdateService of a missing task definition", "ClientException", lambda: e.update("web", taskDefinition="web:99"))
    e.api.deregister_task_definition(taskDefinition=one)
    refused("UpdateService of an INACTIVE task definition", "ClientException", lambda: e.update("web", taskDefinition=one))
    refused("UpdateService of no service", "ServiceNotFound", lambda: e.update("none"))
    other = {"awsvpcConfiguration": {**NETWORK["awsvpcConfiguration"], "securityGroups": ["sg-2"]}}
    c.row(
        "UpdateService with another network starts a deployment",
        lambda: e.update("web", networkConfiguration=other)["deployments"],
        want=lambda r: len(r) == 2,
    )
    e.steady("web")
    kept = {"desiredCount": 1, "deploymentConfiguration": BREAKER, "enableExecuteCommand": False, "propagateTags": "SERVICE"}
    c.row(
        "UpdateService of what starts no deployment", lambda: e.update("web", **kept)["deployments"], want=lambda r: len(r) == 1
    )
    e.api.create_service(
        cluster="main",
        serviceName="green",
        taskDefinition=two,
        desiredCount=0,
        networkConfiguration=NETWORK,
        deploymentController={"type": "CODE_DEPLOY"},
    )
    refused(
        "UpdateService of a service that CodeDeploy deploys",
        "InvalidParameter",
        lambda: e.update("green", taskDefinition=two, forceNewDeployment=True),
    )
    c.row(
        "DescribeServices of a missing one",
        lambda: e.api.describe_services(cluster="main", services=["none"])["failures"],
        want=lambda r: r[0]["reason"] == "MISSING",
    )
    c.row(
        "DescribeServices in no cluster",
        lambda: e.api.describe_services(cluster="none", services=["web"]),
        error="ClusterNotFound",
    )
    c.row("DeleteService", lambda: e.api.delete_service(cluster="main", service="web", force=True))
    refused("UpdateService of a service that is INACTIVE", "ServiceNotActive", lambda: e.update("web", taskDefinition=two))


def startedby(e):
    primary = e.service("web")["deployments"][0]["id"]
    arns = e.c.until(lambda: e.api.list_tasks(cluster="main", startedBy=primary)["taskArns"], bool)
    return primary, e.task(arns[0])["startedBy"]


@section("ecs")
def health(c):
    e = Ecs(c)
    one = e.define(e.image("v1"), family="health")
    check = {"healthCheck": {"command": ["CMD", "true"]}}
    sick = e.define(e.image("sick", "- do: never-healthy"), family="health", container=check)
    e.create("web", one)
    c.row(
        "tasks of a service go through their states",
        lambda: states(e, one),
        want=lambda r: r == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"],
    )
    c.row(
        "a container health check keeps a deployment going",
        lambda: unhealthy(e, sick),
        want=lambda r: r[0] == "IN_PROGRESS" and r[1] == "Task failed container health checks",
    )


def states(e, definition):
    e.c.set(ecs_delay=60)
    primary = e.update("web", forceNewDeployment=True)["deployments"][0]["id"]
    arn = e.c.until(lambda: e.advance(10) or e.api.list_tasks(cluster="main", startedBy=primary)["taskArns"], bool)[0]
    told = []
    while "RUNNING" not in told and len(told) < 100:
        told.append(e.task(arn)["lastStatus"])
        e.advance(20)
    e.c.set(ecs_delay=0.02)
    e.steady("web")
    return list(dict.fromkeys(told))


def unhealthy(e, definition):
    arn = e.deploy("web", taskDefinition=definition)
    primary = e.service("web")["deployments"][0]["id"]
    stopped = lambda: e.api.list_tasks(cluster="main", startedBy=primary, desiredStatus="STOPPED")["taskArns"]
    task = e.task(e.c.until(stopped, bool)[0])
    return e.deployment(arn)["status"], task["stoppedReason"]


@section("ecs")
def deployments(c):
    e = Ecs(c)
    first = e.image("v1")
    one, two = e.define(first), e.define(e.image("v2"))
    e.create("web", one)
    listed = lambda **more: e.api.list_service_deployments(cluster="main", service="web", **more)
    c.row(
        "DescribeServices names the current deployment and revisions",
        lambda: e.service("web"),
        want=lambda r: (
            ":service-deployment/main/web/" in r["currentServiceDeployment"]
            and r["currentServiceRevisions"][0]["runningTaskCount"] == 2
        ),
    )
    c.row(
        "a deployment becomes SUCCESSFUL",
        lambda: e.follow(e.deploy("web", taskDefinition=two)),
        want=lambda r: (
            r["status"] == "SUCCESSFUL" and len(r["sourceServiceRevisions"]) == 1 and r["finishedAt"] >= r["startedAt"]
        ),
    )
    c.row(
        "ListServiceDeployments has one for each change",
        lambda: listed()["serviceDeployments"],
        want=lambda r: [x["status"] for x in r] == ["SUCCESSFUL"] * 2 and r[0]["createdAt"] > r[1]["createdAt"],
    )
    c.row(
        "ListServiceDeployments by status",
        lambda: (len(listed(status=["SUCCESSFUL"])["serviceDeployments"]), listed(status=["STOPPED"])["serviceDeployments"]),
        want=lambda r: r == (2, []),
    )
    c.row(
        "ListServiceDeployments by pages",
        lambda: listed(maxResults=1, nextToken=listed(maxResults=1)["nextToken"])["serviceDeployments"],
        want=lambda r: len(r) == 1,
    )
    c.row(
        "ListServiceDeployments of no service",
        lambda: e.api.list_service_deployments(cluster="main", service="none"),
        error="ServiceNotFound",
    )
    c.row(
        "DescribeServiceRevisions tells the digests that run", lambda: images(e), want=lambda r: r == [("app", e.digests["v2"])]
    )
    c.row("a later deployment stops the one before", lambda: superseded(e, one), want=lambda r: r == ("STOPPED", "SUCCESSFUL"))
    none = f"arn:aws:ecs:eu-west-1:{c.account}:service-deployment/main/web/1"
    c.row(
        "DescribeServiceDeployments of what is not there",
        lambda: e.api.describe_service_deployments(serviceDeploymentArns=[none])["failures"],
        want=lambda r: r[0]["reason"] == "MISSING",
    )
    loose = e.define(first, container={"versionConsistency": "disabled"})
    c.row(
        "DescribeServiceRevisions without versionConsistency tells no digest",
        lambda: (e.follow(e.deploy("web", taskDefinition=loose)), images(e))[1],
        want=lambda r: r == [("app", None)],
    )
    c.row(
        "scaled to zero is stable at once",
        lambda: (e.update("web", desiredCount=0), e.steady("web"))[1],
        want=lambda r: r["runningCount"] == 0,
    )


def images(e):
    arn = e.deployment(e.service("web")["currentServiceDeployment"])["targetServiceRevision"]["arn"]
    return [(one["containerName"], one.get("imageDigest")) for one in e.revision(arn)["containerImages"]]


def superseded(e, definition):
    before, after = e.hold("web", forceNewDeployment=True), e.deploy("web", taskDefinition=definition)
    last = e.follow(after)["status"]
    return e.deployment(before)["status"], last


@section("ecs")
def circuit_breaker(c):
    e = Ecs(c)
    good, bad = e.define(e.image("v1")), e.define(e.image("v2", "- do: exit 1"))
    e.create("web", good, deploymentConfiguration=BREAKER)
    arn = e.deploy("web", taskDefinition=bad)
    c.row(
        "the circuit breaker rolls back",
        lambda: (e.follow(arn), e.service("web")),
        want=lambda r: (
            (r[0]["status"], r[1]["taskDefinition"].rsplit("/", 1)[1], r[1]["runningCount"]) == ("ROLLBACK_SUCCESSFUL", good, 2)
            and "circuit breaker" in r[0]["rollback"]["reason"]
            and r[0]["rollback"]["serviceRevisionArn"] == r[0]["sourceServiceRevisions"][0]["arn"]
        ),
    )
    c.row(
        "the circuit breaker tells its count and threshold",
        lambda: e.deployment(arn)["deploymentCircuitBreaker"],
        want=lambda r: r["status"] == "TRIGGERED" and r["failureCount"] >= r["threshold"] == 3,
    )
    e.steady("web")
    e.update("web", deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    c.row(
        "the circuit breaker without rollback ends STOPPED",
        lambda: e.follow(e.deploy("web", taskDefinition=bad)),
        want=lambda r: r["status"] == "STOPPED" and "rollback" not in r and "circuit breaker" in r["statusReason"],
    )
    counted = {
        "deploymentCircuitBreaker": {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 1}}
    }
    e.create("api", good, deploymentConfiguration=counted)
    c.row(
        "the circuit breaker by COUNT",
        lambda: e.follow(e.deploy("api", taskDefinition=bad))["deploymentCircuitBreaker"],
        want=lambda r: r["threshold"] == 1,
    )
    e.create("job", good)
    c.row(
        "without a circuit breaker a deployment goes on",
        lambda: unguarded(e, bad),
        want=lambda r: r["status"] == "IN_PROGRESS" and r["deploymentCircuitBreaker"]["status"] == "DISABLED",
    )


def unguarded(e, bad):
    arn = e.deploy("job", taskDefinition=bad)
    e.c.until(lambda: e.service("job")["deployments"][0]["failedTasks"], lambda failed: failed > 3)
    return e.deployment(arn)


@section("ecs")
def alarms(c):
    e = Ecs(c)
    one = e.define(e.image("v1"))
    c.control("POST", f"accounts/{c.account}/alarms", [{"name": "errors", "type": "metric", "state": "OK"}])
    watched = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}
    e.begin("web", one, deploymentConfiguration=watched)
    e.finish(e.service("web")["currentServiceDeployment"])
    c.row(
        "alarms that stay OK are MONITORING_COMPLETE",
        lambda: e.finish(e.deploy("web", forceNewDeployment=True)),
        want=lambda r: (r["status"], r["alarms"]["status"]) == ("SUCCESSFUL", "MONITORING_COMPLETE"),
    )

    def triggered():
        arn = e.deploy("web", forceNewDeployment=True)
        e.c.until(lambda: e.service("web"), lambda s: len(s["deployments"]) == 1 and s["runningCount"] == 2)
        c.control("POST", f"accounts/{c.account}/alarms", [{"name": "errors", "state": "ALARM"}])
        return e.follow(arn)

    c.row(
        "an alarm during the bake time rolls back",
        triggered,
        want=lambda r: (
            r["status"] == "ROLLBACK_SUCCESSFUL"
            and r["alarms"]["triggeredAlarmNames"] == ["errors"]
            and "errors" in r["statusReason"]
        ),
    )


@section("ecs")
def stopping(c):
    e = Ecs(c)
    one, slow = e.define(e.image("v1")), e.define(e.image("v2", "- do: hang"))
    e.create("web", one)
    arn = e.deploy("web", taskDefinition=slow)
    stop = lambda arn: e.api.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    c.row(
        "StopServiceDeployment rolls back",
        lambda: (stop(arn), e.follow(arn))[1],
        want=lambda r: r["status"] == "ROLLBACK_SUCCESSFUL" and "StopServiceDeployment" in r["statusReason"],
    )
    c.row("StopServiceDeployment of one that has ended", lambda: stop(arn), error="ConflictException")
    c.row("StopServiceDeployment of none", lambda: stop(arn[:-4] + "0000"), error="ServiceDeploymentNotFound")


SECTIONS = [services, health, deployments, circuit_breaker, alarms, stopping]
