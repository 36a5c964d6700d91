"""A copy reads a source of another account, where that account lets it.

MiniStack asks the source's policy, and then looks for the source among the buckets of the destination's account only.
"""

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"
ROWS = ["s3: CopyObject from a bucket of another account that lets it"]


def install():
    # Who may reach a bucket has been decided by its policy before anything is looked up.
    @around(s3, "_ensure_bucket", "(name)", "6d3c30f64f2a")
    def bucket(inner, name):
        found = inner(name)
        owner = None if found else s3._bucket_owner_account(name)
        return s3._buckets.get_scoped(owner, None, name) if owner else found
