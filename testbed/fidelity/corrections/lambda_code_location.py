"""GetFunction of a version answers a URL of that version's package.

MiniStack answers that of `$LATEST`'s, whatever version was asked for.
"""

from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html"
ROWS = ["lambda: GetFunction of a version: Code.Location is that version's package"]


def install():
    @around(lambda_svc, "_get_function", "(name, qualifier)", "4d089b87a939")
    def get(inner, name, qualifier=None):
        response = inner(name, qualifier)
        answer = body_of(response)
        version = answer.get("Configuration", {}).get("Version")
        if response[0] >= 300 or "Location" not in answer["Code"] or version == "$LATEST":
            return response
        answer["Code"]["Location"] = answer["Code"]["Location"].replace(f"/{name}?", f"/{name}:{version}?")
        return json_response(answer)

    @around(lambda_svc, "serve_function_code", "(func_name, account_id, region)", "342a87e413d9")
    def serve(inner, func_name, account_id=None, region=None):
        name, _, version = func_name.partition(":")
        if not version:
            return inner(name, account_id, region)
        function = lambda_svc._functions.get_scoped(account_id, region, name) or {}
        record = function.get("versions", {}).get(version)
        if record is None:
            return 404, {"Content-Type": "text/plain"}, b"no such version"
        return 200, {"Content-Type": "application/zip"}, record.get("code_zip") or b""
