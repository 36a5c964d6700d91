"""Invoke refuses a function with tenant isolation without a tenant, and any other function with one.

MiniStack knows no tenants.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html"
ROWS = [
    "lambda: Invoke a function with tenant isolation without a tenant",
    "lambda: Invoke any other function with a tenant",
]


def install():
    @around(lambda_svc, "_invoke", "(name, event, headers, path_qualifier, query_params)", "ab193779e5c2")
    async def invoke(inner, name, event, headers, path_qualifier=None, query_params=None):
        configuration = (lambda_svc._functions.get(name) or {}).get("config") or {}
        isolated = (configuration.get("TenancyConfig") or {}).get("TenantIsolationMode") == "PER_TENANT"
        given = any(header.lower() == "x-amz-tenant-id" for header in headers)
        if configuration and isolated != given:
            what = "is missing: the function has" if isolated else "was given, and the function does not have"
            return error("InvalidParameterValueException", f"The tenant ID {what} tenant isolation enabled")
        return await inner(name, event, headers, path_qualifier, query_params)
