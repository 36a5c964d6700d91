"""A rule may forward to several target groups, each with a weight.

MiniStack drops them, and answers 502.
"""

import random

from ministack.services import alb

from ..ecs import clock, listeners
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html"
ROWS = [
    "elb: DescribeRules tells the weights of target groups",
    "elb: requests are shared out by weight",
]


def install():
    @around(alb, "_parse_actions", "(params, prefix)", "40b80c548b38")
    def parse(inner, params, prefix="DefaultActions"):
        actions = inner(params, prefix)
        for number, action in enumerate(actions, 1):
            groups = _groups(params, f"{prefix}.member.{number}.ForwardConfig.TargetGroups.member")
            if groups:
                arn = alb._p(params, "ListenerArn") or alb._p(params, "RuleArn")
                listeners.belong(arn, [one["TargetGroupArn"] for one in groups])
                action["ForwardConfig"] = {"TargetGroups": groups}
                if len(groups) == 1:
                    action.setdefault("TargetGroupArn", groups[0]["TargetGroupArn"])
        return actions

    @around(alb, "_action_xml", "(a)", "10e98009b945")
    def xml(inner, a):
        found = inner(a)
        if a.get("Type") != "forward":
            return found
        shares = "".join(
            f"<member><TargetGroupArn>{one['TargetGroupArn']}</TargetGroupArn><Weight>{one['Weight']}</Weight></member>"
            for one in _shares(a)
        )
        sticky = "<TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig>"
        told = f"<ForwardConfig><TargetGroups>{shares}</TargetGroups>{sticky}</ForwardConfig>"
        return found.removesuffix("</member>") + told + "</member>"

    @around(
        alb,
        "_execute_action",
        "(action, method, path, headers, body, query_params, raw_query_string, raw_path)",
        "e27169c814be",
    )
    async def execute(inner, action, *arguments, **named):
        # The weights as they are now.
        with clock.settled():
            shares = _shares(action) if action.get("Type") == "forward" else []
        if len(shares) > 1:
            weights = [one["Weight"] for one in shares]
            chosen = random.choices(shares, weights)[0] if sum(weights) else None
            action = {"Type": "forward", "TargetGroupArn": chosen["TargetGroupArn"] if chosen else ""}
        elif shares:
            action = {**action, "TargetGroupArn": shares[0]["TargetGroupArn"]}
        return await inner(action, *arguments, **named)


def _groups(params, prefix: str) -> list[dict]:
    groups, number = [], 1
    while arn := alb._p(params, f"{prefix}.{number}.TargetGroupArn"):
        groups.append({"TargetGroupArn": arn, "Weight": int(alb._p(params, f"{prefix}.{number}.Weight", "1") or 1)})
        number += 1
    return groups


def _shares(action: dict) -> list[dict]:
    """The target groups of an action, a single one with weight 1, as AWS tells it."""
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups")
    single = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}] if action.get("TargetGroupArn") else []
    return groups or single
