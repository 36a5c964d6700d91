"""StopTask asks the containers to stop, which takes time, and takes the task's tags.

MiniStack has the task STOPPED in the answer, with exit code 0, and keeps its tags.
"""

from ministack.services import ecs

from ..ecs import clock, tasks
from ..scope import error, json_response
from ..wrapping import around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html"
ROWS = [
    "ecs: StopTask takes time, and the exit code tells of the signal",
    "ecs: StopTask takes the tags",
]


def install():
    @around_action(ecs, "StopTask", "_stop_task", "(data)", "06eb83088bbc")
    def stop(inner, data):
        with clock.settled():
            task = ecs._resolve_task(data.get("task", ""), ecs._resolve_cluster_name(data.get("cluster", "default")))
            if not task or "_stop" not in task:
                return inner(data) if task else error("InvalidParameterException", "The referenced task was not found.")
            if task["lastStatus"] != "STOPPED":
                tasks.stop(task, "UserInitiated", data.get("reason") or "Task stopped by user")
                task.setdefault("stopCode", task["_stop"][0])
                task.setdefault("stoppedReason", task["_stop"][1])
                task["tags"] = []
                ecs._tags.pop(task["taskArn"], None)
            return json_response({"task": ecs._sanitize(task)})
