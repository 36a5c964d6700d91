"""Provisioned concurrency is allocated over time, is refused for $LATEST, and can fail.

MiniStack's is READY at once. How long it takes, and whether it fails, are settings of the account.
"""

import time

from ministack.services import lambda_svc

from .. import settings
from ..scope import error, get_account_id, in_background, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html"
ROWS = ["lambda: Provisioned concurrency is IN_PROGRESS, then READY"]


def install():
    @around(lambda_svc, "_put_provisioned_concurrency", "(func_name, qualifier, data)", "c9f084246ab9")
    def put(inner, func_name, qualifier, data):
        if not qualifier or qualifier == "$LATEST":
            return error(
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
            )
        response = inner(func_name, qualifier, data)
        if response[0] >= 300:
            return response
        kept = lambda_svc._functions[func_name]["provisioned_concurrency"][qualifier]
        seconds = settings.value(get_account_id(), "provisioned_concurrency_delay")
        failure = settings.value(get_account_id(), "provisioned_concurrency_failure")
        if seconds or failure:
            kept.update(
                Status="IN_PROGRESS",
                AvailableProvisionedConcurrentExecutions=0,
                AllocatedProvisionedConcurrentExecutions=0,
            )
            in_background(_settle, kept, seconds, failure)
        return json_response(kept, 202)


def _settle(kept: dict, seconds: float, failure: str | None) -> None:
    time.sleep(seconds)
    if failure:
        kept.update(Status="FAILED", StatusReason=failure)
        return
    wanted = kept["RequestedProvisionedConcurrentExecutions"]
    kept.update(
        Status="READY", AvailableProvisionedConcurrentExecutions=wanted, AllocatedProvisionedConcurrentExecutions=wanted
    )
