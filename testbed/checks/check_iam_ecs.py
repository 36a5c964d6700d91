"""Which action and which resource requests to ECS are judged by, and who may pass a role.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

import json

from .check_iam import Roles
from .common import REGION, section
from .ecs_account import NETWORK, Balanced, Ecs


@section("iam")
def ecs(c):
    e, r, b = Ecs(c), Roles(c), Balanced(c, "lb")
    definition = e.define(e.image("v1", "- do: serve"))
    e.create("web", definition)
    prefix = f"arn:aws:ecs:{REGION}:{c.account}"
    task = e.run(definition)["tasks"][0]["taskArn"]
    current = e.service("web").get("currentServiceDeployment", f"{prefix}:service-deployment/main/web/1")
    revisions = e.service("web").get("currentServiceRevisions") or [{"arn": f"{prefix}:service-revision/main/web/1"}]
    revision = revisions[0]["arn"]
    row = lambda name, act, action, resource: r.row(name, "ecs", act, action, resource)
    web = {"cluster": "main", "service": "web"}
    row(
        "DescribeServices is ecs:DescribeServices on the service",
        lambda s: s.describe_services(cluster="main", services=["web"]),
        "ecs:DescribeServices",
        f"{prefix}:service/main/web",
    )
    row(
        "UpdateService is ecs:UpdateService on the service",
        lambda s: s.update_service(**web, enableExecuteCommand=False),
        "ecs:UpdateService",
        f"{prefix}:service/main/web",
    )
    row(
        "ListServiceDeployments is ecs:ListServiceDeployments on the service",
        lambda s: s.list_service_deployments(**web),
        "ecs:ListServiceDeployments",
        f"{prefix}:service/main/web",
    )
    row(
        "DescribeServiceDeployments is on the service deployment",
        lambda s: s.describe_service_deployments(serviceDeploymentArns=[current]),
        "ecs:DescribeServiceDeployments",
        current,
    )
    row(
        "DescribeServiceRevisions is on the service revision",
        lambda s: s.describe_service_revisions(serviceRevisionArns=[revision]),
        "ecs:DescribeServiceRevisions",
        revision,
    )
    row(
        "RunTask is ecs:RunTask on the task definition",
        lambda s: s.run_task(cluster="main", taskDefinition=definition, networkConfiguration=NETWORK),
        "ecs:RunTask",
        f"{prefix}:task-definition/{definition}",
    )
    row(
        "DescribeTasks is ecs:DescribeTasks on the task",
        lambda s: s.describe_tasks(cluster="main", tasks=[task]),
        "ecs:DescribeTasks",
        task,
    )
    denied = lambda name, action, act: c.row(
        f"{name} is on the service deployment", lambda: told(c, r, action, act, current), want=lambda w: w == (True, False)
    )
    denied(
        "StopServiceDeployment",
        "ecs:StopServiceDeployment",
        lambda s: s.stop_service_deployment(serviceDeploymentArn=current, stopType="ROLLBACK"),
    )
    denied(
        "ContinueServiceDeployment",
        "ecs:ContinueServiceDeployment",
        lambda s: s.continue_service_deployment(serviceDeploymentArn=current, hookId="0" * 36),
    )
    health = lambda keys: c.client("elbv2", **keys).describe_target_health(TargetGroupArn=b.groups[0])
    name = "elasticloadbalancing:DescribeTargetHealth"
    c.row("DescribeTargetHealth of a target group only", lambda: health(r.only(name, b.groups[0])), error="AccessDenied")
    c.row("DescribeTargetHealth is allowed on everything", lambda: health(r.only(name, "*")))


def told(c, r, action, act, resource):
    """Whether it is refused without the action, and with it on this resource only."""

    def refused(keys):
        try:
            act(c.client("ecs", **keys))
        except Exception as problem:
            return "AccessDenied" in str(problem) and resource in str(problem)
        return False

    return refused(r.without(action)), refused(r.only(action, resource))


@section("iam")
def passing(c):
    e, r = Ecs(c), Roles(c)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = c.client("iam").create_role(RoleName="task", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    app = [{"name": "app", "image": "public.ecr.aws/app:1", "memory": 128}]
    register = lambda keys, **more: c.client("ecs", **keys).register_task_definition(
        family="fam", containerDefinitions=app, **more
    )
    everything = {"Action": "ecs:*", "Resource": "*"}
    passes = lambda service: {
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": service}},
    }
    c.row(
        "RegisterTaskDefinition may pass roles",
        lambda: register(r.session(everything, passes("ecs-tasks.amazonaws.com")), taskRoleArn=role),
    )
    c.row(
        "RegisterTaskDefinition needs iam:PassRole on the roles",
        lambda: register(r.without("iam:PassRole"), taskRoleArn=role),
        error="AccessDenied",
    )
    c.row(
        "RegisterTaskDefinition may pass roles to tasks only",
        lambda: register(r.session(everything, passes("lambda.amazonaws.com")), executionRoleArn=role),
        error="AccessDenied",
    )
    c.row("RegisterTaskDefinition without roles passes none", lambda: register(r.without("iam:PassRole")))
    tagged = {"tags": [{"key": "deploy-action", "value": "1"}]}
    c.row(
        "RegisterTaskDefinition with tags needs ecs:TagResource",
        lambda: register(r.without("ecs:TagResource"), **tagged),
        error="AccessDenied",
    )
    e.api.register_task_definition(family="roles", containerDefinitions=app, taskRoleArn=role)
    run = lambda keys: c.client("ecs", **keys).run_task(cluster="main", taskDefinition="roles", launchType="EC2")
    c.row("RunTask needs iam:PassRole on the roles", lambda: run(r.without("iam:PassRole")), error="AccessDenied")


SECTIONS = [ecs, passing]
