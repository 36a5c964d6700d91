"""A page of a listing has at most 1,000 objects, whatever is asked for.

MiniStack has as many as are asked for.
"""

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"
ROWS = ["s3: ListObjectsV2 of more than 1000 objects"]


def install():
    @around(s3, "_list_objects_v2", "(bucket_name, query_params)", "56ce5963d1e0")
    def page(inner, bucket_name, query_params):
        asked = s3._qp(query_params, "max-keys", "1000")
        if asked.isdigit() and int(asked) > 1000:
            query_params = {**query_params, "max-keys": ["1000"]}
        return inner(bucket_name, query_params)
