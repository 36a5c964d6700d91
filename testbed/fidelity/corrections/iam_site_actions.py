"""A request to a key value store is judged on the store, one about a function of CloudFront on the function, one to delete many objects on each of them by itself, and a
denial of CloudFront names the resource.

MiniStack judges the first two on everything, and refuses to delete any object where one of them may not be deleted. AWS
answers what became of each: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

import re
from html import unescape
from urllib.parse import unquote
from xml.sax.saxutils import escape

from ministack.core import iam_actions
from ministack.services import s3

from ..wrapping import around
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfrontkeyvaluestore.html"
ROWS = [
    "iam: DescribeKeyValueStore is on the key value store",
    "iam: UpdateKeys is on the key value store",
    "iam: GetKey is on the key value store",
    "iam: ListKeys is on the key value store",
    "iam: GetDistribution is cloudfront:GetDistribution on the distribution",
    "iam: GetDistributionConfig is cloudfront:GetDistributionConfig on the distribution",
    "iam: UpdateDistribution is cloudfront:UpdateDistribution on the distribution",
    "iam: CreateInvalidation is cloudfront:CreateInvalidation on the distribution",
    "iam: GetInvalidation is cloudfront:GetInvalidation on the distribution",
    "iam: ListInvalidations is cloudfront:ListInvalidations on the distribution",
    "iam: DescribeFunction is on the function",
    "iam: cloudfront:DescribeKeyValueStore is on the key value store",
    "iam: DeleteObjects tells which objects may not be deleted",
]
_STORE = re.compile(r"^/key-value-stores/(arn:[^/]+/[^/]+)")
_NAMED = re.compile(r"^/2020-05-31/key-value-store/([^/?]+)")
_FUNCTION = re.compile(r"^/2020-05-31/function/([^/?]+)")
_OBJECT = re.compile(rb"<Object>.*?</Object>", re.DOTALL)


def install():
    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, *arguments):
        store = _STORE.match(unquote(path)) if service == "cloudfront-keyvaluestore" else None
        if store:
            return store.group(1)
        named = _NAMED.match(path) if service == "cloudfront" else None
        if named:
            return f"arn:aws:cloudfront::{arguments[-1]}:key-value-store/{named.group(1)}"
        function = _FUNCTION.match(path) if service == "cloudfront" else None
        if function:
            return f"arn:aws:cloudfront::{arguments[-1]}:function/{function.group(1)}"
        return inner(service, method, path, *arguments)

    @around(iam_actions, "extract_iam_action", "(service, method, path, headers, body, query_params)", "ec476b92d969")
    def action(inner, service, method, path, headers, body, query_params):
        # Judged below, object by object.
        of_many = service == "s3" and method == "POST" and "delete" in query_params
        return None if of_many else inner(service, method, path, headers, body, query_params)

    @around(s3, "_delete_objects", "(bucket_name, body, headers)", "ca0ca0bf2055")
    def delete(inner, bucket_name, body, headers=None):
        refused = {}
        for element in _OBJECT.findall(body):
            key = unescape(re.search(rb"<Key>(.*?)</Key>", element, re.DOTALL).group(1).decode())
            of_version = "Version" if b"<VersionId>" in element else ""
            words = iam_enforcement.refused(f"s3:DeleteObject{of_version}", f"arn:aws:s3:::{bucket_name}/{key}")
            if words:
                refused[key] = words
                body = body.replace(element, b"")
        status, fields, content = inner(bucket_name, body, headers)
        errors = "".join(
            f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>{escape(words)}</Message></Error>"
            for key, words in refused.items()
        )
        if errors and status == 200:
            end = b"</DeleteResult>"
            content = content.replace(b" />", b">" + end) if end not in content else content
            content = content.replace(end, errors.encode() + end)
        return status, fields, content
