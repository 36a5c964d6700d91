"""ListTasks with startedBy has no other filter, and with a service that is not there is refused.

MiniStack combines all filters, and finds tasks of services by startedBy.
"""

from ministack.services import ecs

from ..ecs import clock, services, tasks
from ..scope import error
from ..wrapping import around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html"
ROWS = [
    "ecs: ListTasks with startedBy and another filter",
    "ecs: ListTasks of a service that is not there",
    "ecs: ListTasks in no cluster",
]

# What the task should be is no filter of this kind: callers name it beside startedBy.
_FILTERS = ("serviceName", "family", "containerInstance", "launchType")


def install():
    @around_action(ecs, "ListTasks", "_list_tasks", "(data)", "4509b25d2bf8")
    def list_them(inner, data):
        with clock.settled() as world:
            if ecs._resolve_cluster_name(data.get("cluster", "default")) not in ecs._clusters:
                return error("ClusterNotFoundException", "Cluster not found.")
            if data.get("startedBy") and any(data.get(name) for name in _FILTERS):
                return error("InvalidParameterException", "startedBy cannot be combined with another filter.")
            if data.get("serviceName"):
                record, refusal = services.find(data, "serviceName")
                if refusal:
                    return refusal
                data = {**data, "serviceName": record["serviceName"]}
            tasks.forget_old(world)
            return inner(data)
