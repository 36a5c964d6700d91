"""Provisioned concurrency is allocated over time, is refused for $LATEST and for weighted aliases, and can fail.

MiniStack's is READY at once. How long it takes, and whether it fails, are settings of the account. An alias that has it and
is moved keeps its traffic on the version it left until the environments of the new one are ready: AWS gives that version a
weight of 1 and takes it away by itself, with another RevisionId; when the allocation fails, the weight stays. See
https://github.com/hashicorp/terraform-provider-aws/pull/48116 for what GetAlias answers meanwhile.
"""

import time

from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from .. import settings
from ..scope import error, get_account_id, in_background, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"
ROWS = [
    "lambda: Provisioned concurrency is IN_PROGRESS, then READY",
    "lambda: Provisioned concurrency of a weighted alias",
    "lambda: UpdateAlias with provisioned concurrency: the version before serves until it is READY",
    "lambda: UpdateAlias with provisioned concurrency that FAILED: the version before goes on serving",
]


def install():
    @around(lambda_svc, "_put_provisioned_concurrency", "(func_name, qualifier, data)", "c9f084246ab9")
    def put(inner, func_name, qualifier, data):
        if not qualifier or qualifier == "$LATEST":
            return error(
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
            )
        alias = (lambda_svc._functions.get(func_name) or {}).get("aliases", {}).get(qualifier) or {}
        if alias.get("RoutingConfig"):
            return error(
                "InvalidParameterValueException", "Alias with weights can not be used with Provisioned Concurrency"
            )
        response = inner(func_name, qualifier, data)
        if response[0] >= 300:
            return response
        kept = lambda_svc._functions[func_name]["provisioned_concurrency"][qualifier]
        if _begin(kept):
            in_background(_settle, kept, *_ending())
        return json_response(kept, 202)

    @around(lambda_svc, "_update_alias", "(func_name, alias_name, data)", "0017f6b94b06")
    def update(inner, func_name, alias_name, data):
        function = lambda_svc._functions.get(func_name) or {}
        alias = function.get("aliases", {}).get(alias_name)
        before = _serving(alias) if alias else None
        response = inner(func_name, alias_name, data)
        kept = function.get("provisioned_concurrency", {}).get(alias_name)
        if response[0] >= 300 or kept is None or alias.get("RoutingConfig"):
            return response
        if before in (alias["FunctionVersion"], "$LATEST"):
            _settle(kept, 0, None)
        elif _begin(kept):
            alias["RoutingConfig"] = {"AdditionalVersionWeights": {before: 1.0}}
            in_background(_arrive, alias, alias["RevisionId"], kept, *_ending())
        return json_response(alias)


def _serving(alias: dict) -> str:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return next((version for version, weight in weights.items() if weight >= 1), alias["FunctionVersion"])


def _ending() -> tuple[float, str | None]:
    """How long an allocation takes, and why it fails."""
    account = get_account_id()
    return (
        settings.value(account, "provisioned_concurrency_delay"),
        settings.value(account, "provisioned_concurrency_failure"),
    )


def _begin(kept: dict) -> bool:
    """Begins an allocation, unless it takes no time."""
    if not any(_ending()):
        return False
    kept.pop("StatusReason", None)
    kept.update(
        Status="IN_PROGRESS", AvailableProvisionedConcurrentExecutions=0, AllocatedProvisionedConcurrentExecutions=0
    )
    return True


def _arrive(alias: dict, revision: str, kept: dict, seconds: float, failure: str | None) -> None:
    time.sleep(seconds)
    if alias["RevisionId"] != revision:
        # Somebody has moved it on.
        return
    _settle(kept, 0, failure)
    if not failure:
        alias.pop("RoutingConfig", None)
        alias["RevisionId"] = new_uuid()


def _settle(kept: dict, seconds: float, failure: str | None) -> None:
    time.sleep(seconds)
    kept.pop("StatusReason", None)
    if failure:
        kept.update(Status="FAILED", StatusReason=failure)
        return
    wanted = kept["RequestedProvisionedConcurrentExecutions"]
    kept.update(
        Status="READY", AvailableProvisionedConcurrentExecutions=wanted, AllocatedProvisionedConcurrentExecutions=wanted
    )
