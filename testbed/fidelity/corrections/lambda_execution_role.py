"""The execution role must exist, and be older than IAM takes to tell Lambda of it.

MiniStack accepts any role. `role_delay` of the account sets for how long a new role cannot be assumed.
"""

import calendar
import time

from ministack.services import iam, lambda_svc

from .. import settings
from ..scope import error, get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html"
ROWS = ["lambda: CreateFunction bad role"]


def install():
    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        parts = data.get("Role", "").split(":")
        role = None
        if len(parts) == 6 and parts[5].startswith("role/"):
            role = iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1])
        if role is None or _age(role) < settings.value(get_account_id(), "role_delay"):
            return error(
                "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
            )
        return inner(data)


def _age(role: dict) -> float:
    try:
        created = calendar.timegm(time.strptime(role["CreateDate"][:19], "%Y-%m-%dT%H:%M:%S"))
    except (KeyError, ValueError):
        return float("inf")
    return time.time() - created
