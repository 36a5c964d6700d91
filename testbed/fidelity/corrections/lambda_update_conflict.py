"""While a function is Pending or an update is InProgress, updating it or publishing it answers 409.

MiniStack accepts everything at any time: a deployer that does not wait passes, and of four parallel updates all win.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around
from . import lambda_publish_with_update

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
ROWS = [
    "lambda: Update immediately while State=Pending",
    "lambda: second UpdateFunctionCode while InProgress",
    "lambda: UpdateFunctionConfiguration while InProgress",
    "lambda: PublishVersion while InProgress",
    "lambda: 4 parallel UpdateFunctionCode, one wins",
]


def install():
    for name, source in (
        ("_update_code", "0998d118b422"),
        ("_update_config", "6999cb0695da"),
        ("_publish_version", "3bc240a8db5d"),
    ):
        around(lambda_svc, name, "(name, data)", source)(change)


def change(inner, name, data):
    function = lambda_svc._functions.get(name)
    if function is not None and not lambda_publish_with_update.within_update():
        if function["config"].get("State") == "Pending":
            return error(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the "
                "following state: Pending",
                409,
            )
        if function["config"].get("LastUpdateStatus") == "InProgress":
            return error(
                "ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{lambda_svc._func_arn(name)}",
                409,
            )
    return inner(name, data)
