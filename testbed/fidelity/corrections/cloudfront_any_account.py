"""A distribution answers who knows one of its names: its own domain name, or an alternate one.

MiniStack looks for it among those of the account that signed the request, and requests of browsers are not signed. It
does not know distributions by their alternate domain names, and takes a request for one that does not exist to be one
to S3.
"""

from ministack import app
from ministack.core.responses import set_request_account_id
from ministack.services import cloudfront

from ..edge import address, progress
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"
ROWS = [
    "cloudfront: a distribution answers requests that are not signed",
    "cloudfront: a distribution answers under an alternate domain name",
    "cloudfront: no such distribution",
]


def install():
    @around(app, "_parse_cloudfront_dataplane_host", "(host)", "4657cca2a71f")
    def label(inner, host):
        found = address.distribution(host)
        return address.label(found) if found else inner(host)

    @around(cloudfront, "find_distribution_for_label", "(label)", "33f3c8e4b57b")
    def find(inner, label):
        found = address.distribution(f"{label}.cloudfront.net")
        if found:
            # What follows is answered in the account that has it.
            set_request_account_id(progress.owner(found))
        return found

    @around(
        app,
        "_handle_cloudfront_dataplane_request",
        "(host, path, raw_path, raw_query_string, method, headers, body, query_params, client_ip)",
        "aafd5f81b14a",
    )
    async def handle(inner, host, *arguments):
        answer = await inner(host, *arguments)
        if answer is None and app._parse_cloudfront_dataplane_host(host):
            return cloudfront._cf_error_response(403, "Bad request.", cloudfront._ERROR_X_CACHE)
        return answer
