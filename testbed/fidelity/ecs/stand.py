"""A service that runs already, made for a test in one call: control.py has the fields."""

import secrets

from ministack.services import alb, ecs

from .. import settings
from ..scope import body_of, get_account_id
from . import model


def make(world, data: dict) -> dict:
    cluster, name = data.get("cluster", "main"), data["service"]
    if cluster not in ecs._clusters:
        ecs._create_cluster({"clusterName": cluster})
    port = data.get("port", 8080)
    definition = _definition(data, name, port)
    balanced = _balancer(name) if data.get("balanced") else {}
    request = {
        "cluster": cluster,
        "serviceName": name,
        "taskDefinition": definition,
        "desiredCount": data.get("count", 2),
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
        **(data.get("fields") or {}),
    }
    if balanced:
        containers = data.get("containers") or [{"name": name}]
        request["loadBalancers"] = [_load_balancer(balanced, containers[0]["name"], port, request)]
    # It is there already: its first deployment takes no time, and no hook holds it.
    configuration = dict(request.pop("deploymentConfiguration", {}))
    held = configuration.pop("lifecycleHooks", [])
    request["deploymentConfiguration"] = configuration
    account = get_account_id()
    before = {name: settings.value(account, name) for name in ("ecs_delay", "ecs_minute")}
    settings.change(account, {"ecs_delay": 0.0, "ecs_minute": 0.0})
    try:
        _accepted(ecs._ACTION_MAP["CreateService"](request))
        world.settle()
    finally:
        settings.change(account, before)
    service = model.of(ecs._services[f"{cluster}/{name}"])
    if held:
        service.record["deploymentConfiguration"] = {**service.record["deploymentConfiguration"], "lifecycleHooks": held}
    made = {"cluster": cluster, "service": name, "definition": definition}
    return made | {"deployment": service.current() and service.current().arn, **balanced}


def _accepted(response) -> dict:
    if response[0] >= 300:
        raise ValueError(str(body_of(response)))
    return body_of(response)


def _definition(data: dict, name: str, port: int) -> str:
    containers = data.get("containers") or [
        {"name": name, "image": data["image"], "essential": True, "portMappings": [{"containerPort": port}]}
    ]
    made = _accepted(
        ecs._ACTION_MAP["RegisterTaskDefinition"](
            {
                "family": data.get("family", name),
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "cpu": "256",
                "memory": "512",
                "containerDefinitions": containers,
                **(data.get("definition") or {}),
            }
        )
    )
    return made["taskDefinition"]["taskDefinitionArn"]


def _load_balancer(balanced: dict, container: str, port: int, request: dict) -> dict:
    found = {"targetGroupArn": balanced["groups"][0], "containerName": container, "containerPort": port}
    strategy = (request.get("deploymentConfiguration") or {}).get("strategy", "ROLLING")
    if strategy != "ROLLING":
        found["advancedConfiguration"] = {
            "alternateTargetGroupArn": balanced["groups"][1],
            "productionListenerRule": balanced["rule"],
            "testListenerRule": balanced["test-rule"],
            "roleArn": f"arn:aws:iam::{get_account_id()}:role/ecsInfrastructureRole",
        }
    return found


def _balancer(name: str) -> dict:
    """A load balancer with one listener, its rules for production and test traffic, and two target groups."""
    host = f"{name}-{secrets.token_hex(5)}"
    alb._create_lb({"Name": host, "Subnets.member.1": "subnet-1", "Subnets.member.2": "subnet-2"})
    balancer = next(arn for arn, one in alb._lbs.items() if one["LoadBalancerName"] == host)
    groups = []
    for color in ("blue", "green"):
        asked = {"Name": f"{host}-{color}"[-32:], "TargetType": "ip", "Protocol": "HTTP", "Port": "80", "VpcId": "vpc-1"}
        alb._create_tg(asked | {"HealthCheckPath": "/health"})
        groups.append(next(arn for arn, one in alb._tgs.items() if one["TargetGroupName"] == asked["Name"]))
        alb._tgs[groups[-1]]["LoadBalancerArns"] = [balancer]
    alb._create_listener(
        {"LoadBalancerArn": balancer, "Port": "80", "Protocol": "HTTP", **_forward("DefaultActions", groups[0])}
    )
    listener = next(arn for arn, one in alb._listeners.items() if one["LoadBalancerArn"] == balancer)
    test = {"Conditions.member.1.Field": "http-header"} | {
        "Conditions.member.1.HttpHeaderConfig.HttpHeaderName": "x-test",
        "Conditions.member.1.HttpHeaderConfig.Values.member.1": "1",
    }
    path = {"Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": "*"}
    rules = []
    for priority, condition in (("1", test), ("2", path)):
        alb._create_rule({"ListenerArn": listener, "Priority": priority, **condition, **_forward("Actions", groups[0])})
        rules.append(
            next(arn for arn, one in alb._rules.items() if one["ListenerArn"] == listener and one["Priority"] == priority)
        )
    return {"groups": groups, "rule": rules[1], "test-rule": rules[0], "listener": listener, "path": f"/_alb/{host}"}


def _forward(name: str, group: str) -> dict:
    return {f"{name}.member.1.Type": "forward", f"{name}.member.1.TargetGroupArn": group}
