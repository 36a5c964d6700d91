"""A service is brought to what it should be by deployments that take time: tasks start, and old ones go.

MiniStack has each deployment COMPLETED in the answer of the call, with or without tasks, takes task definitions that do not
exist or are INACTIVE, starts no deployment for what else changes, and tells no events. What happens instead: ../ecs.
"""

from ministack.services import ecs

from ..ecs import answers, clock, deployments, model, services
from ..scope import json_response
from ..wrapping import around, around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html"
ROWS = [
    "ecs: CreateService begins a deployment",
    "ecs: CreateService of an awsvpc task without a network",
    "ecs: CreateService in no cluster",
    "ecs: CreateService of a missing task definition",
    "ecs: UpdateService is IN_PROGRESS beside the old deployment",
    "ecs: UpdateService of a missing task definition",
    "ecs: UpdateService of an INACTIVE task definition",
    "ecs: UpdateService of a service that is INACTIVE",
    "ecs: UpdateService of a service that CodeDeploy deploys",
    "ecs: UpdateService with another network starts a deployment",
    "ecs: tasks of a service go through their states",
    "ecs: a container health check keeps a deployment going",
    "ecs: events tell of the steady state",
    "ecs: tasks of a deployment are started by it",
]


def install():
    @around_action(ecs, "CreateService", "_create_service", "(data)", "8bc82a13551c")
    def create(inner, data):
        with clock.settled() as world:
            refusal = services.create_refusal(data)
            if refusal:
                return refusal
            response = inner(data)
            if response[0] >= 300:
                return response
            cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
            record = ecs._services[f"{cluster}/{data['serviceName']}"]
            answers.refresh(services.created(world, record, data))
            return json_response({"service": ecs._sanitize(record)})

    @around_action(ecs, "UpdateService", "_update_service", "(data)", "bde69c11b50d")
    def update(inner, data):
        with clock.settled() as world:
            refusal = services.update(world, data)
            if refusal:
                return refusal
            record, _ = services.find(data)
            answers.refresh(model.of(record))
            return json_response({"service": ecs._sanitize(record)})

    @around_action(ecs, "DescribeServices", "_describe_services", "(data)", "f9e11ac2be56")
    def describe(inner, data):
        with clock.settled():
            for service in model.services():
                answers.refresh(service)
            return inner(data)

    @around_action(ecs, "DeleteService", "_delete_service", "(data)", "3f32aa017e1f")
    def delete(inner, data):
        with clock.settled():
            record, refusal = services.find(data)
            if refusal:
                return refusal
            response = inner(data)
            if response[0] < 300 and "_testbed" in record:
                deployments.end_all(model.of(record))
            return response

    @around(ecs, "_reconcile_service_tasks", "(cluster_name, svc_key)", "16e4d03cbf75")
    def reconcile(inner, cluster_name, svc_key):
        """Tasks come and go by the scheduler of ../ecs."""

    @around(ecs, "_sync_service_targets", "(cluster_name, svc)", "54c6f0448b05")
    def targets(inner, cluster_name, svc):
        """Targets are registered as tasks run: ../ecs/listeners.py."""
