"""Tasks of RunTask, and task definitions.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from .common import section
from .ecs_account import NETWORK, Ecs


@section("ecs")
def tasks(c):
    e = Ecs(c)
    job = "- {when: {command: fail}, do: exit 3}\n- {do: exit 0, after: 0.1}"
    good = e.define(e.image("job", job), family="job")
    started = lambda definition, **more: e.run(definition, **more)["tasks"][0]["taskArn"]
    ended = lambda definition, **more: e.stopped(started(definition, **more))
    exits = lambda task: [one.get("exitCode") for one in task["containers"]]

    def lived():
        made = e.run(good)["tasks"][0]
        return made["lastStatus"], e.stopped(made["taskArn"])

    c.row(
        "RunTask goes from PROVISIONING to STOPPED with the exit code",
        lived,
        want=lambda r: (
            (r[0], r[1]["startedAt"] < r[1]["stoppedAt"], r[1]["stopCode"], exits(r[1]))
            == ("PROVISIONING", True, "EssentialContainerExited", [0])
        ),
    )
    command = {"overrides": {"containerOverrides": [{"name": "app", "command": ["migrate", "fail"]}]}}
    c.row(
        "RunTask exit 3",
        lambda: ended(e.define(e.image("three", "- do: exit 3"), family="job")),
        want=lambda r: exits(r) == [3],
    )
    c.row("RunTask by command", lambda: ended(good, **command), want=lambda r: exits(r) == [3])
    missing = e.define(e.images.uri("none"), family="job")
    c.row(
        "RunTask image that cannot be pulled",
        lambda: ended(missing),
        want=lambda r: (
            r["stopCode"] == "TaskFailedToStart"
            and "CannotPullContainerError" in r["stoppedReason"]
            and exits(r) == [None]
            and "CannotPull" in r["containers"][0]["reason"]
        ),
    )
    arm = e.define(e.image("arm", architecture="arm64"), family="job")
    c.row("RunTask of an image for another platform", lambda: ended(arm), want=lambda r: "platform" in r["stoppedReason"])
    sidecar = {"name": "proxy", "image": "public.ecr.aws/proxy:1", "essential": False}
    both = e.define(e.images.uri("job"), family="job", others=[sidecar])
    c.row("RunTask beside a sidecar that is stopped", lambda: ended(both), want=lambda r: exits(r) == [0, 143])
    spot = e.define(
        e.image("spot", "- {do: 'stop SpotInterruption Your Spot Task was interrupted.', after: 0.05}"), family="job"
    )
    c.row("RunTask stopped by ECS", lambda: ended(spot), want=lambda r: r["stopCode"] == "SpotInterruption")
    slow = e.define(e.image("slow", "- do: serve"), family="job")
    arn = started(slow, tags=[{"key": "a", "value": "b"}])
    c.until(lambda: e.task(arn), lambda t: t["lastStatus"] == "RUNNING")
    stop = lambda: e.api.stop_task(cluster="main", task=arn, reason="done")["task"]["lastStatus"]
    c.row(
        "StopTask takes time, and the exit code tells of the signal",
        lambda: (stop(), e.stopped(arn)),
        want=lambda r: (
            r[0] != "STOPPED" and (exits(r[1]), r[1]["stopCode"], r[1]["stoppedReason"]) == ([143], "UserInitiated", "done")
        ),
    )
    c.row(
        "StopTask takes the tags",
        lambda: e.api.describe_tasks(cluster="main", tasks=[arn], include=["TAGS"])["tasks"][0].get("tags", []),
        want=lambda r: r == [],
    )
    c.row("StopTask of none", lambda: e.api.stop_task(cluster="main", task="0" * 32), error="InvalidParameter")
    c.row(
        "a stopped task is forgotten after an hour",
        lambda: (e.task(arn), e.advance(3700), e.api.describe_tasks(cluster="main", tasks=[arn])["failures"])[2],
        want=lambda r: r[0]["reason"] == "MISSING",
    )


@section("ecs")
def refusals(c):
    e = Ecs(c)
    good = e.define(e.image("job", "- do: serve"), family="job")
    bridge = e.define(
        e.images.uri("job"), family="bridge", container={"memory": 128}, networkMode="bridge", requiresCompatibilities=["EC2"]
    )
    gone = e.define(e.images.uri("job"), family="gone")
    e.api.deregister_task_definition(taskDefinition=gone)
    again = lambda **more: e.run(good, clientToken="one", **more)
    first = c.row(
        "RunTask with the same client token",
        lambda: (again(), again()),
        want=lambda r: r[0]["tasks"][0]["taskArn"] == r[1]["tasks"][0]["taskArn"],
    )

    def conflict():
        try:
            again(startedBy="other")
        except e.api.exceptions.ConflictException as problem:
            return problem.response["resourceIds"]
        return None

    c.row("RunTask client token with another request", conflict, want=lambda r: r == [first[0]["tasks"][0]["taskArn"]])
    refused = lambda name, act, error="InvalidParameter": c.row(f"RunTask {name}", act, error=error)
    refused("client token of 65 characters", lambda: e.run(good, clientToken="x" * 65))
    c.set(ecs_run_failures=["RESOURCE:ENI"])
    c.row(
        "RunTask failures",
        lambda: (e.run(good), e.run(good)),
        want=lambda r: (r[0]["tasks"], r[0]["failures"][0]["reason"], len(r[1]["tasks"])) == ([], "RESOURCE:ENI", 1),
    )
    refused("without a network", lambda: e.api.run_task(cluster="main", taskDefinition=good, launchType="FARGATE"))
    refused("with a network it cannot have", lambda: e.run(bridge, launchType="EC2"))
    command = lambda name, text: {"containerOverrides": [{"name": name, "command": [text]}]}
    refused("overrides of 8193 characters", lambda: e.run(good, overrides=command("app", "x" * 8193)))
    refused("override of no container", lambda: e.run(good, overrides=command("other", "x")))
    refused("of an INACTIVE task definition", lambda: e.run(gone), "ClientException")
    refused("of a missing task definition", lambda: e.run("job:99"), "ClientException")
    refused(
        "in no cluster",
        lambda: e.api.run_task(cluster="none", taskDefinition=good, networkConfiguration=NETWORK),
        "ClusterNotFound",
    )
    refused(
        "with a launch type and a capacity provider",
        lambda: e.run(good, capacityProviderStrategy=[{"capacityProvider": "FARGATE"}]),
    )
    listed = lambda **more: e.api.list_tasks(**{"cluster": "main", **more})
    c.row("ListTasks with startedBy and another filter", lambda: listed(startedBy="a", family="job"), error="InvalidParameter")
    c.row("ListTasks of a service that is not there", lambda: listed(serviceName="none"), error="ServiceNotFound")
    c.row("ListTasks in no cluster", lambda: listed(cluster="none"), error="ClusterNotFound")
    mine = e.run(good, startedBy="da-web-prd")["tasks"][0]["taskArn"]
    c.row("ListTasks by startedBy", lambda: listed(startedBy="da-web-prd")["taskArns"], want=lambda r: r == [mine])


@section("ecs")
def logs(c):
    e = Ecs(c)
    options = {"awslogs-group": "/ecs/job", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "job"}
    logged = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    c.client("logs").create_log_group(logGroupName="/ecs/job")
    job = e.define(e.image("job", "- {do: exit 1, log: [one, two, three]}"), family="job", container=logged)

    def lines():
        task = e.stopped(e.run(job)["tasks"][0]["taskArn"])["taskArn"].rsplit("/", 1)[1]
        events = c.client("logs").get_log_events(logGroupName="/ecs/job", logStreamName=f"job/app/{task}", startFromHead=True)
        return [one["message"] for one in events["events"]]

    lost = {"logConfiguration": {"logDriver": "awslogs", "options": {**options, "awslogs-group": "/ecs/none"}}}
    without = e.define(e.images.uri("job"), family="job", container=lost)
    c.row(
        "a task without its log group does not start",
        lambda: e.stopped(e.run(without)["tasks"][0]["taskArn"]),
        want=lambda r: r["stopCode"] == "TaskFailedToStart" and "log group does not exist" in r["stoppedReason"],
    )
    c.row("a task writes its lines once and in order", lines, want=lambda r: r == ["one", "two", "three"])


@section("ecs")
def definitions(c):
    e = Ecs(c)
    app = {"name": "app", "image": "public.ecr.aws/app:1", "essential": True, "environment": [{"name": "A", "value": ""}]}
    fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    register = lambda **more: e.api.register_task_definition(
        **{"family": "fam", "containerDefinitions": [app], **fargate, **more}
    )
    describe = lambda name, **more: e.raw("DescribeTaskDefinition", {"taskDefinition": name, **more})
    future = {
        **fargate,
        "family": "future",
        "futureKey": {"a": [1, None]},
        "containerDefinitions": [{**app, "futureKey": {"b": []}}],
    }

    def kept():
        e.raw("RegisterTaskDefinition", future)
        found = describe("future")["taskDefinition"]
        return (
            found.get("futureKey"),
            found["containerDefinitions"][0].get("futureKey"),
            found["containerDefinitions"][0]["environment"],
        )

    c.row(
        "RegisterTaskDefinition keeps keys that no SDK knows",
        kept,
        want=lambda r: r[1:] == ({"b": []}, [{"name": "A", "value": ""}]) and "a" in r[0],
    )
    c.row(
        "RegisterTaskDefinition",
        lambda: register(tags=[{"key": "team", "value": "shop"}])["taskDefinition"],
        want=lambda r: r["revision"] == 1,
    )
    c.row(
        "RegisterTaskDefinition adds no empty values",
        lambda: describe("fam")["taskDefinition"],
        want=lambda r: not {"taskRoleArn", "executionRoleArn", "pidMode", "ipcMode"} & set(r) and r["requiresAttributes"],
    )
    c.row(
        "DescribeTaskDefinition tells tags with include TAGS only",
        lambda: (describe("fam").get("tags"), describe("fam", include=["TAGS"])["tags"]),
        want=lambda r: r == (None, [{"key": "team", "value": "shop"}]),
    )
    c.row("RegisterTaskDefinition sizes that Fargate does not have", lambda: register(memory="99999"), error="ClientException")
    c.row("RegisterTaskDefinition without containers", lambda: register(containerDefinitions=[]), error="ClientException")
    c.row(
        "RegisterTaskDefinition two containers of one name",
        lambda: register(containerDefinitions=[app, app]),
        error="ClientException",
    )
    secret = {**app, "secrets": [{"name": "A", "valueFrom": "/a"}]}
    c.row(
        "RegisterTaskDefinition a secret and a variable of one name",
        lambda: register(containerDefinitions=[secret]),
        error="ClientException",
    )
    c.row("DescribeTaskDefinition of none", lambda: describe_error(e), error="ClientException")
    c.row(
        "DeregisterTaskDefinition",
        lambda: (
            register(),
            e.api.deregister_task_definition(taskDefinition="fam:2"),
            describe("fam:2")["taskDefinition"]["status"],
        )[2],
        want=lambda r: r == "INACTIVE",
    )
    c.row(
        "DescribeTaskDefinition of a family is its newest ACTIVE revision",
        lambda: describe("fam")["taskDefinition"]["revision"],
        want=lambda r: r == 1,
    )

    register(family="family")
    c.row(
        "ListTaskDefinitions of a family, not of others that begin so",
        lambda: e.api.list_task_definitions(familyPrefix="fam", sort="DESC")["taskDefinitionArns"],
        want=lambda r: [arn.rsplit("/", 1)[1] for arn in r] == ["fam:1"],
    )

    def copied():
        e.raw("RegisterTaskDefinition", {**describe("fam:2")["taskDefinition"], "family": "copy"})
        return describe("copy")["taskDefinition"]

    c.row(
        "RegisterTaskDefinition takes no keys that AWS sets",
        copied,
        want=lambda r: (
            (r["status"], r["revision"], r.get("deregisteredAt"), len(r.get("requiresAttributes", [])))
            == ("ACTIVE", 1, None, 1)
        ),
    )


def describe_error(e):
    return e.api.describe_task_definition(taskDefinition="none:9")


SECTIONS = [tasks, refusals, logs, definitions]
