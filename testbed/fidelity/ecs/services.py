"""CreateService and UpdateService: what is refused, what is kept, and what starts a deployment.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from ministack.services import ecs

from ..scope import error
from . import deployments, hooks, model, scheduler

# With another value they start a deployment.
STARTING = (
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
# They are kept, and start none.
OTHERS = (
    "desiredCount",
    "deploymentConfiguration",
    "capacityProviderStrategy",
    "availabilityZoneRebalancing",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "propagateTags",
)
_DEFAULTS = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0}


def find(data: dict, name: str = "service"):
    """The record of a service, or the refusal."""
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if cluster is None or cluster not in ecs._clusters:
        return None, error("ClusterNotFoundException", "Cluster not found.")
    reference = ecs._resolve_service_ref(data.get(name, ""))
    record = reference and reference[1] in (None, cluster) and ecs._services.get(f"{cluster}/{reference[0]}")
    return (record, None) if record else (None, error("ServiceNotFoundException", "Service not found."))


def definition_refusal(reference: str):
    """Why a task definition cannot be run; none if it can."""
    definition = deployments.definition_of(reference)
    if definition is None:
        return error("ClientException", "TaskDefinition not found.")
    return error("ClientException", "TaskDefinition is inactive") if definition["status"] != "ACTIVE" else None


def network_refusal(definition: dict, configuration: dict | None):
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_NetworkConfiguration.html"""
    needed = definition["networkMode"] == "awsvpc"
    if needed and not configuration:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        return error("InvalidParameterException", message)
    if configuration and not needed:
        message = "Network Configuration is not valid for the given networkMode of this task definition."
        return error("InvalidParameterException", message)
    return None


def create_refusal(data: dict):
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if cluster is None or cluster not in ecs._clusters:
        return error("ClusterNotFoundException", "Cluster not found.")
    wrong = hooks.refusal(data.get("deploymentConfiguration") or {})
    if wrong:
        return error("InvalidParameterException", wrong)
    if (data.get("deploymentController") or {}).get("type") == "EXTERNAL":
        return None
    refusal = definition_refusal(data.get("taskDefinition", ""))
    definition = deployments.definition_of(data.get("taskDefinition", ""))
    return refusal or network_refusal(definition, data.get("networkConfiguration"))


def created(world, record: dict, data: dict) -> model.Service:
    """Takes over a service that MiniStack has just made."""
    for name in (*STARTING, *OTHERS):
        if name in data:
            record[name] = data[name]
    record["deploymentConfiguration"] = {**_DEFAULTS, **(data.get("deploymentConfiguration") or {})}
    record.update(events=[], deployments=[], createdAt=world.time, runningCount=0, pendingCount=0)
    on_fargate = record.get("launchType") == "FARGATE"
    for name, usual in (("platformVersion", "LATEST"), ("platformFamily", "Linux"), ("roleArn", None)):
        record[name] = record.get(name) or (usual if on_fargate else None)
    service = record["_testbed"] = model.Service(record)
    world.services[:] = [one for one in world.services if one.record["serviceArn"] != record["serviceArn"]]
    world.services.append(service)
    if record["deploymentController"].get("type", "ECS") == "ECS":
        world.reconcilers.append(scheduler.attend(world, service))
        deployments.begin(world, service, record["taskDefinition"])
    return service


def update(world, data: dict):
    """The refusal; none when it is done."""
    record, refusal = find(data)
    if refusal:
        return refusal
    if record["status"] != "ACTIVE":
        return error("ServiceNotActiveException", "Service was not ACTIVE.")
    configuration = {**record["deploymentConfiguration"], **(data.get("deploymentConfiguration") or {})}
    wrong = hooks.refusal(configuration)
    if wrong:
        return error("InvalidParameterException", wrong)
    kind = record["deploymentController"].get("type", "ECS")
    asked = data.get("taskDefinition")
    if asked is not None or data.get("forceNewDeployment"):
        if kind != "ECS":
            return error("InvalidParameterException", _OTHER_CONTROLLER[kind])
        refusal = definition_refusal(asked) if asked is not None else None
        if refusal:
            return refusal
    definition = deployments.definition_of(asked)["taskDefinitionArn"] if asked else record["taskDefinition"]
    starts = bool(data.get("forceNewDeployment")) or definition != record["taskDefinition"]
    starts = starts or any(name in data and data[name] != record.get(name) for name in STARTING)
    for name in (*STARTING, *OTHERS):
        if name in data:
            record[name] = data[name]
    record["deploymentConfiguration"] = configuration
    record["taskDefinition"] = definition
    if starts and kind == "ECS":
        deployments.begin(world, model.of(record), definition)
    return None


_OTHER_CONTROLLER = {
    "CODE_DEPLOY": "Unable to update task definition on services with a CODE_DEPLOY deployment controller. "
    "Use AWS CodeDeploy to trigger a new deployment.",
    "EXTERNAL": "Unable to update task definition on services with a EXTERNAL deployment controller. "
    "Use CreateTaskSet to create a new task set.",
}
