"""What a test says about ECS of an account, under /_testbed/accounts/{id}/ecs/, in the region `?region=`.

POST   service      makes a cluster, a task definition and a service that runs already, in one call:
                    {"cluster": "main", "service": "web", "image" or "containers": [...], "count": 2, "family"?, "port"?: 8080,
                    "balanced"?: true, "definition"?: {fields}, "fields"?: {of CreateService}} ->
                    {"cluster", "service", "definition", "deployment", "groups": [..], "rule", "test-rule", "listener", "path"}
                    With "balanced" a load balancer stands in front: a listener, a production rule and a test rule (header
                    `x-test: 1`), and two target groups; `path` is where it answers.
POST   script       [{"service", "cluster"?, ...}]: what the next deployment of the service does, one each; `at` is a stage of
                    AWS's, `PRODUCTION_TRAFFIC_SHIFT 10` the step with that share; a rolling one has SCALE_UP and CLEAN_UP.
    "hold": stage                             it never gets past this stage
    "break": {"at", "reason"}                 it fails there, and is rolled back
    "superseded": {"at", "task-definition"?}  somebody else's UpdateService comes there
    "rollback": "fail" or "hold"              its rollback ends ROLLBACK_FAILED, or never
    "hooks": {function: "FAILED" or "hold"}   what a hook answers
PATCH  script       {"service", "cluster"?, "set": {...}}: changes that of the newest deployment: {"hold": null} lets it go on
PATCH  deployment   {"service", "cluster"?, "set": {fields}}: what is said of the newest deployment, whatever is true
PATCH  service      {"service", "cluster"?, "set": {fields}}: sets fields of the service itself
PATCH  revision     {"service", "cluster"?, "set": {fields}}: sets `overrides` of the newest service revision
POST   stop         {"task", "code", "reason"}: ECS stops a task
POST   event        {"service", "cluster"?, "message", "times"?: 1}: adds events
GET    services     names, and what each would answer behind its load balancer
"""

from ministack.services import alb, ecs

from . import clock, listeners, model, stand, tasks


def answer(method: str, parts: list[str], data):
    """The answer; none if there is no such endpoint."""
    with clock.settled() as world:
        match (method, *parts):
            case ("POST", "service"):
                made = stand.make(world, data)
            case ("POST", "script"):
                for one in data:
                    script = {name: value for name, value in one.items() if name not in ("service", "cluster")}
                    _service(one).scripts.append(script)
                made = {}
            case ("PATCH", "script"):
                made = _deployment(data).script
                made.update(data["set"])
            case ("PATCH", "deployment"):
                made = _deployment(data).fields
                made.update(data["set"])
            case ("PATCH", "service"):
                _service(data).record.update(data["set"])
                made = data["set"]
            case ("PATCH", "revision"):
                _deployment(data).target.overrides = data["set"].get("overrides")
                made = data["set"]
            case ("POST", "stop"):
                tasks.stop(ecs._tasks[data["task"]], data["code"], data["reason"])
                made = {}
            case ("POST", "event"):
                for _ in range(data.get("times", 1)):
                    _service(data).tell(world, data["message"])
                made = {}
            case ("GET", "services"):
                made = [_told(service) for service in model.services()]
            case _:
                return None
    return made


def _service(data: dict) -> model.Service:
    cluster = data.get("cluster", "main")
    record = ecs._services.get(f"{cluster}/{data['service']}")
    if not record or "_testbed" not in record:
        raise ValueError(f"there is no service {data['service']} in the cluster {cluster}")
    return model.of(record)


def _deployment(data: dict) -> model.Deployment:
    return _service(data).current()


def _told(service: model.Service) -> dict:
    running = [task for task in service.live() if task["lastStatus"] == "RUNNING"]
    return {
        "service": service.name,
        "weights": {one.arn: one.weight for one in service.revisions},
        "answers": [listeners.answer(task, "", "/")[0] for task in running],
        "targets": {group: len(found) for group, found in alb._targets.items()},
    }
