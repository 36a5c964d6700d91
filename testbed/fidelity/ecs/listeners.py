"""Load balancers in front of services: targets, their health, the weights of rules, and what answers a request.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

import json
import random

from ministack.services import alb

from . import clock, images

_HEADERS = {"content-type": "application/json"}


def port_of(revision, group: str) -> tuple[str, int]:
    """The container behind a target group, and its port."""
    for one in revision.configuration.get("loadBalancers") or []:
        other = (one.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
        if group in (one.get("targetGroupArn"), other):
            return one["containerName"], int(one["containerPort"])
    return "", 80


def register(world, service) -> bool:
    """Registers the running tasks of each revision in its target group, and no others of the service."""
    changed = False
    known = service.published
    for revision in service.revisions:
        group = revision.group
        if not group or group not in alb._tgs:
            continue
        _, port = port_of(revision, group)
        running = [task for task in service.live(revision) if task["lastStatus"] == "RUNNING" and task.get("_address")]
        now = [task["_address"] for task in running]
        before = known.get((revision.id, group), [])
        if now != before:
            alb.set_targets_for_group(group, [(address, port) for address in now], before)
            known[revision.id, group] = now
            changed = True
            for word, number in (
                ("registered", len(set(now) - set(before))),
                ("deregistered", len(set(before) - set(now))),
            ):
                if number:
                    service.tell(world, f"{word} {number} targets in (target-group {group})")
    return changed


def task_at(address: str) -> dict | None:
    """The task that has this address."""
    for task in clock.world().tasks.values():
        if task.get("_address") == address and task["lastStatus"] != "STOPPED":
            return task
    return None


def checked(task: dict, group: str) -> int:
    """The status that the health check of a target group gets of a task."""
    found = alb._tgs.get(group) or {}
    path = found.get("HealthCheckPath") or "/"
    return answer(task, port_of(task["_revision"], group)[0], path)[0]


def matches(group: str, status: int) -> bool:
    """Whether a health check that gets this status is passed."""
    found = alb._tgs.get(group) or {}
    wanted = str((found.get("Matcher") or {}).get("HttpCode") or found.get("MatcherHttpCode") or "200")
    for part in wanted.split(","):
        low, _, high = part.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def state_of(task: dict | None, group: str) -> tuple[str, str, str]:
    """State, reason and description of a target's health."""
    if task is None or task["_stop"] is not None:
        return "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
    if not task.get("_checked"):
        return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
    status = checked(task, group)
    if matches(group, status):
        return "healthy", "", ""
    return "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


def answer(task: dict, container: str, path: str) -> tuple[int, dict, bytes]:
    """What a container answers to a request."""
    if task["_real"] and task["lastStatus"] == "RUNNING":
        return task["_real"].answer(container, path)
    image, rule = task["_answers"].get(container) or next(iter(task["_answers"].values()), (None, None))
    if image is None or task["lastStatus"] != "RUNNING":
        return 502, _HEADERS, b'{"message": "the target does not answer"}'
    told = rule["told"]
    chosen = images.rule_of(image, **told, path=path) if any("path" in (r.get("when") or {}) for r in image.rules) else rule
    verb, _, argument = str(chosen["do"]).partition(" ")
    status = {"status": lambda: int(argument), "never-healthy": lambda: 503}.get(verb, lambda: 200)()
    labels = image.labels
    content = {
        "status": "ok" if status < 400 else "error",
        "commit": labels.get("org.opencontainers.image.revision", ""),
        "version": labels.get("org.opencontainers.image.version", ""),
        "stage": told["variables"].get("STAGE", ""),
        "digest": image.digest,
    }
    return status, dict(_HEADERS), json.dumps(content, separators=(",", ":")).encode()


def respond(group: str, path: str) -> tuple[int, dict, bytes] | None:
    """What a load balancer answers from one of the tasks in a target group; none if no task of ours is there."""
    targets = [(target, task_at(target["Id"])) for target in alb._targets.get(group, [])]
    ours = [task for _, task in targets if task is not None]
    if not ours:
        return None
    # With no healthy target a load balancer asks all of them.
    good = [task for task in ours if state_of(task, group)[0] == "healthy"] or ours
    task = random.choice(good)
    return answer(task, port_of(task["_revision"], group)[0], path)


# The weights of rules


def weights(rule_arn: str) -> dict[str, int]:
    """The weights of the target groups that a rule, or a listener, forwards to."""
    action = _forward(rule_arn)
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") if action else None
    if groups:
        return {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in groups}
    return {action["TargetGroupArn"]: 1} if action and action.get("TargetGroupArn") else {}


def set_weights(rule_arn: str, shares: dict[str, float]) -> None:
    """Makes a rule forward to these target groups, each with its share in percent."""
    action = _forward(rule_arn)
    if action is None:
        return
    belong(rule_arn, shares)
    action.pop("TargetGroupArn", None)
    # Weights are whole numbers up to 999: percents, or about a tenth of one.
    whole = all(share == round(share) for share in shares.values())
    groups = [{"TargetGroupArn": group, "Weight": round(share if whole else share * 9.99)} for group, share in shares.items()]
    action["ForwardConfig"] = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": False}}


def belong(arn: str, groups) -> None:
    """Target groups that a rule or a listener names are those of its load balancer."""
    rule = alb._rules.get(arn) or {}
    listener = alb._listeners.get(rule.get("ListenerArn", arn))
    for group in groups:
        found = alb._tgs.get(group)
        if found and listener and listener["LoadBalancerArn"] not in found["LoadBalancerArns"]:
            found["LoadBalancerArns"].append(listener["LoadBalancerArn"])


def _forward(arn: str) -> dict | None:
    rule = alb._rules.get(arn) or alb._listeners.get(arn)
    if rule is None:
        return None
    actions = rule.get("Actions") or rule.get("DefaultActions") or []
    return next((action for action in actions if action["Type"] == "forward"), None)
