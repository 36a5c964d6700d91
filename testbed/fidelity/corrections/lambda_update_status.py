"""An update keeps State Active and shows LastUpdateStatus InProgress, then Successful or Failed.

MiniStack shows State Pending with StateReasonCode Updating, always takes half a second, and never fails. How
long an update takes and whether it fails is a setting of the account here. Empty reasons are left out, as AWS does.
"""

from ministack.services import lambda_svc

from .. import settings
from ..scope import get_account_id, in_background
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
ROWS = ["lambda: UpdateFunctionCode response", "lambda: an update fails and the reason is told"]

REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


def install():
    @around(lambda_svc, "_schedule_state_transition", "(func_name, delay)", "f072b21e2fd9")
    def schedule(_, name, delay):
        account = get_account_id()
        configuration = lambda_svc._functions[name]["config"]
        created = configuration.get("StateReasonCode") == "Creating"
        delay = "update_delay"
        if created and settings.value(account, "create_delay") is not None:
            delay = "create_delay"
        failure = None
        for reason in REASONS:
            if not configuration.get(reason):
                configuration.pop(reason, None)
        if not created:
            failure = settings.take(account, "next_update_failure", name)
            configuration.update(
                State="Active",
                LastUpdateStatus="InProgress",
                LastUpdateStatusReason="The function is being created.",
                LastUpdateStatusReasonCode="Creating",
            )
            configuration.pop("StateReason", None)
            configuration.pop("StateReasonCode", None)
        in_background(settle, name, configuration["RevisionId"], delay, failure)


def settle(name: str, revision: str, delay: str, failure: dict | None) -> None:
    """Ends an update when its time is over."""
    settings.wait(get_account_id(), delay)
    function = lambda_svc._functions.get(name)
    if function is None:
        return
    if function["config"]["RevisionId"] == revision:
        _finish(function["config"], failure)
    for version in function["versions"].values():
        # Published together with the update (Publish=true); SnapStart and `next_version` have threads of their own.
        configuration = version["config"]
        snapshot = (configuration.get("SnapStart") or {}).get("OptimizationStatus") == "On"
        if (
            configuration.get("LastUpdateStatus") == "InProgress"
            and not snapshot
            and not version.get("testbed_pending")
        ):
            _finish(configuration, failure)


def _finish(configuration: dict, failure: dict | None) -> None:
    for reason in REASONS:
        configuration.pop(reason, None)
    configuration["State"] = "Active"
    configuration["LastUpdateStatus"] = "Successful"
    if failure:
        configuration["LastUpdateStatus"] = "Failed"
        configuration["LastUpdateStatusReason"] = failure.get("reason", "The update failed.")
        configuration["LastUpdateStatusReasonCode"] = failure.get("code", "InternalError")
