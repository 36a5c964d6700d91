"""The health of a target is that of its task, and a request to it is answered by that task.

MiniStack has every target healthy, and connects to addresses, of which tasks have none here. See ../ecs/listeners.py.
"""

import re

from ministack.services import alb

from ..ecs import clock, listeners
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html"
ROWS = [
    "elb: DescribeTargetHealth tells of a task that fails its check",
    "elb: a load balancer answers as the task behind it",
    "elb: a target group publishes the 5xx of its tasks",
    "elb: a task that fails its check is replaced",
]

_STATE = "<HealthStatus>healthy</HealthStatus><TargetHealth><State>healthy</State></TargetHealth>"


def install():
    @around(alb, "_describe_target_health", "(params)", "d848e8a26fcb")
    def describe(inner, params):
        with clock.settled():
            status, headers, body = inner(params)
            group = alb._p(params, "TargetGroupArn")
            text = body.decode() if isinstance(body, bytes) else body
            text = re.sub(rf"(<Target><Id>([^<]*)</Id>.*?</Target>){_STATE}", lambda found: _told(found, group), text)
            return status, headers, text.encode() if isinstance(body, bytes) else text

    alb._ACTION_MAP["DescribeTargetHealth"] = alb._describe_target_health

    @around(
        alb,
        "_forward_to_tg",
        "(tg_arn, method, path, headers, body, query_params, raw_query_string, raw_path)",
        "9a88384605d7",
    )
    async def forward(inner, tg_arn, method, path, *arguments, **named):
        if (alb._tgs.get(tg_arn) or {}).get("TargetType") == "ip":
            with clock.settled():
                answer = listeners.respond(tg_arn, path)
            if answer:
                return answer
        return await inner(tg_arn, method, path, *arguments, **named)


def _told(found, group: str) -> str:
    task = listeners.task_at(found.group(2))
    if task is None:
        return found.group(0)
    state, reason, description = listeners.state_of(task, group)
    if state == "healthy":
        return found.group(0)
    why = f"<Reason>{reason}</Reason><Description>{description}</Description>"
    return f"{found.group(1)}<TargetHealth><State>{state}</State>{why}</TargetHealth>"
