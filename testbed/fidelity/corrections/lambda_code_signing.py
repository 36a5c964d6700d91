"""A function with a code signing configuration takes only archives that are signed, and whole.

MiniStack takes any. What a signature of AWS Signer looks like is not told; here it is a file `META-INF/signature` whose content
is `whole`. As with the policy Enforce, an archive without it is refused, and one with another content is no longer whole.
"""

import io
import zipfile

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around
from .lambda_code_storage import package

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html"
ROWS = [
    "lambda: UpdateFunctionCode unsigned, with a code signing configuration",
    "lambda: UpdateFunctionCode changed since it was signed",
]

_SIGNATURE = "META-INF/signature"


def install():
    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        function = lambda_svc._functions.get(name)
        if function is None or not function.get("code_signing_config_arn") or "ImageUri" in data:
            return inner(name, data)
        return _refusal(package(data)) or inner(name, data)


def _refusal(archive: bytes | None):
    try:
        signature = zipfile.ZipFile(io.BytesIO(archive or b"")).read(_SIGNATURE)
    except (KeyError, zipfile.BadZipFile):
        return error(
            "CodeVerificationFailedException",
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is "
            "not configured to accept. Check the provided signature for unsigned.",
        )
    if signature != b"whole":
        return error("InvalidCodeSignatureException", "The code signature failed the integrity check.")
    return None
