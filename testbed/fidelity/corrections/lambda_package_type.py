"""The package type of a function never changes: code of the other type is refused.

MiniStack turns a Zip function into an Image function and back.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"
ROWS = [
    "lambda: UpdateFunctionCode ZipFile on Image function",
    "lambda: UpdateFunctionCode ImageUri on Zip function",
]


def install():
    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        function = lambda_svc._functions.get(name)
        if function is not None:
            image = function["config"].get("PackageType") == "Image"
            if image and ("ZipFile" in data or "S3Bucket" in data):
                return error(
                    "InvalidParameterValueException",
                    "Please provide ImageUri when updating a function with packageType Image.",
                )
            if not image and "ImageUri" in data:
                return error(
                    "InvalidParameterValueException",
                    "Please don't provide ImageUri when updating a function with packageType Zip.",
                )
        return inner(name, data)
