"""One request deletes at most 1,000 objects.

MiniStack takes any number.
"""

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"
ROWS = ["s3: DeleteObjects of 1001 objects"]


def install():
    @around(s3, "_delete_objects", "(bucket_name, body, headers)", "ca0ca0bf2055")
    def delete(inner, bucket_name, body, headers=None):
        if body.count(b"<Object>") > 1000:
            return s3._error("MalformedXML", s3._MALFORMED_XML, 400, f"/{bucket_name}")
        return inner(bucket_name, body, headers)
