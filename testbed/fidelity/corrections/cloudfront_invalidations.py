"""An invalidation is InProgress for a while, and what may be in progress at once is limited: 3,000 files and 15 paths
with a wildcard.

MiniStack has it Completed in the answer of the call, takes as many as it is sent, and lists the oldest first.
"""

from ministack.services import cloudfront

from ..edge import progress
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html"
ROWS = [
    "cloudfront: CreateInvalidation is InProgress",
    "cloudfront: ListInvalidations tells the newest first",
    "cloudfront: CreateInvalidation of 3001 paths",
    "cloudfront: CreateInvalidation of a path while 3000 are in progress",
    "cloudfront: CreateInvalidation of 16 paths with a wildcard",
]
FILES, WILDCARDS = 3000, 15


def install():
    @around(cloudfront, "_create_invalidation", "(dist_id, body)", "801254ce5555")
    def create(inner, dist_id, body):
        known = [one["Id"] for one in cloudfront._invalidations.get(dist_id, [])]
        response = inner(dist_id, body)
        if response[0] != 201:
            return response
        made = [one for one in cloudfront._invalidations[dist_id] if one["Id"] not in known]
        if made:
            distribution = cloudfront._distributions[dist_id]
            if _too_many(progress.paths_in_progress(distribution), made[0]["InvalidationBatch"]["Paths"]["Items"]):
                cloudfront._invalidations[dist_id].remove(made[0])
                words = (
                    "Processing your request will cause you to exceed the maximum number of in-progress invalidations."
                )
                return cloudfront._error("TooManyInvalidationsInProgress", words, 400)
            made[0]["_testbed_time"] = progress.now()
        progress.refresh()
        status, headers, _ = response
        return status, headers, cloudfront._get_invalidation(dist_id, headers["Location"].rsplit("/", 1)[-1])[2]

    @around(cloudfront, "_list_invalidations", "(dist_id)", "56f06ffe6927")
    def newest_first(inner, dist_id):
        """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListInvalidations.html"""
        found = cloudfront._invalidations.get(dist_id, [])
        found.reverse()
        try:
            return inner(dist_id)
        finally:
            found.reverse()


def _too_many(there: list[str], more: list[str]) -> bool:
    """Adding to what is full is refused, for each kind by itself."""
    wildcards, open_wildcards = (sum(path.endswith("*") for path in paths) for paths in (more, there))
    files, open_files = len(more) - wildcards, len(there) - open_wildcards
    return bool(wildcards and open_wildcards + wildcards > WILDCARDS or files and open_files + files > FILES)
