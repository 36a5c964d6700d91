"""A new or changed distribution is InProgress for a while, and edges serve by the configuration before until it is
Deployed.

MiniStack has it Deployed in the answer of the call.
"""

from ministack.services import cloudfront

from ..edge import progress
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html"
ROWS = [
    "cloudfront: CreateDistribution is InProgress",
    "cloudfront: UpdateDistribution is InProgress until it is deployed",
    "cloudfront: a changed origin path is not served before it is deployed",
]


def install():
    @around(cloudfront, "_create_distribution", "(headers, body)", "d17e66f3ce16")
    def create(inner, headers, body):
        before = set(cloudfront._distributions)
        response = inner(headers, body)
        for made in set(cloudfront._distributions) - before:
            response = _begun(made, response)
        return response

    @around(cloudfront, "_update_distribution", "(dist_id, headers, body)", "612916dcf4e2")
    def update(inner, dist_id, headers, body):
        response = inner(dist_id, headers, body)
        return _begun(dist_id, response) if response[0] == 200 else response

    @around(cloudfront, "parse_distribution_dataplane_config", "(dist)", "98fedaf0ec2b")
    def parse(inner, dist):
        return inner({**dist, "config_xml": progress.serving(dist)})

    @around(cloudfront, "handle_request", "(method, path, headers, body, query_params)", "ef0452b7158e")
    async def handle(inner, *arguments):
        progress.refresh()
        return await inner(*arguments)


def _begun(dist_id: str, response: tuple) -> tuple:
    """The answer of a change, with the status as it is now that it was made."""
    progress.configured(cloudfront._distributions[dist_id])
    progress.refresh()
    status, headers, _ = response
    return status, headers, cloudfront._get_distribution(dist_id)[2]
