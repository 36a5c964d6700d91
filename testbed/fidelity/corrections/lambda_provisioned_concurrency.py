"""Provisioned concurrency is allocated over time, is refused for $LATEST and for weighted aliases, and can fail.

MiniStack's is READY at once. How long it takes, and whether what begins from then on fails, are settings of the account. An
alias that has it and is moved keeps its traffic on the version it left until the environments of the new one are ready: AWS
gives that version a weight of 1 and takes it away by itself, with another RevisionId; when the allocation fails, the weight
stays. See
https://github.com/hashicorp/terraform-provider-aws/pull/48116 for what GetAlias answers meanwhile.
"""

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
        kept, begins, failure = _allocation(lambda_svc._functions[func_name], qualifier)
        if begins:
            in_background(_settle, kept, failure)
        return json_response(kept, 202)

    @around(lambda_svc, "_update_alias", "(func_name, alias_name, data)", "0017f6b94b06")
    def update(inner, func_name, alias_name, data):
        function = lambda_svc._functions.get(func_name) or {}
        alias = function.get("aliases", {}).get(alias_name)
        before = _serving(alias) if alias else None
        response = inner(func_name, alias_name, data)
        is_provisioned = alias_name in function.get("provisioned_concurrency", {})
        if response[0] >= 300 or not is_provisioned or alias.get("RoutingConfig"):
            return response
        moves = before not in (alias["FunctionVersion"], "$LATEST")
        kept, begins, failure = _allocation(function, alias_name, moves)
        if begins:
            alias["RoutingConfig"] = {"AdditionalVersionWeights": {before: 1.0}}
            in_background(_arrive, alias, alias["RevisionId"], kept, failure)
        return json_response(alias)


def _serving(alias: dict) -> str:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return next((version for version, weight in weights.items() if weight >= 1), alias["FunctionVersion"])


def _allocation(function: dict, qualifier: str, takes_time: bool = True) -> tuple[dict, bool, str | None]:
    """An allocation in place of the one before, whether it has yet to end, and why it will fail.

    It is kept in a dict of its own: an older one that ends later changes nothing of it.
    """
    account = get_account_id()
    failure = settings.value(account, "provisioned_concurrency_failure") or None
    begins = takes_time and bool(failure or settings.value(account, "provisioned_concurrency_delay"))
    kept = dict(function["provisioned_concurrency"][qualifier])
    function["provisioned_concurrency"][qualifier] = kept
    if begins:
        _become(kept, "IN_PROGRESS", 0)
    else:
        _become(kept, "READY", kept["RequestedProvisionedConcurrentExecutions"])
    return kept, begins, failure


def _arrive(alias: dict, revision: str, kept: dict, failure: str | None) -> None:
    _settle(kept, failure)
    # Unless somebody has moved it on.
    if not failure and alias["RevisionId"] == revision:
        alias.pop("RoutingConfig", None)
        alias["RevisionId"] = new_uuid()


def _settle(kept: dict, failure: str | None) -> None:
    settings.wait(get_account_id(), "provisioned_concurrency_delay")
    if failure:
        kept.update(Status="FAILED", StatusReason=failure)
    else:
        _become(kept, "READY", kept["RequestedProvisionedConcurrentExecutions"])


def _become(kept: dict, status: str, available: int) -> None:
    kept.pop("StatusReason", None)
    kept.update(
        Status=status,
        AvailableProvisionedConcurrentExecutions=available,
        AllocatedProvisionedConcurrentExecutions=available,
    )
