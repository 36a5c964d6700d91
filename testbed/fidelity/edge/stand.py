"""A site that stands already, made for a test in one call: control.py has the fields."""

import base64
import json
import secrets
from xml.sax.saxutils import escape

from ministack.services import cloudfront, s3
from ministack.services import cloudfront_keyvaluestore as stores

from ..scope import get_region
from . import functions, progress

_POLICIES = {
    policy["Config"]["Name"].removeprefix("Managed-"): id for id, policy in cloudfront._MANAGED_CACHE_POLICIES.items()
}
_ORIGIN = "bucket"


def make(data: dict) -> dict:
    bucket = data["bucket"]
    if s3._ensure_bucket(bucket) is None:
        place = f"<CreateBucketConfiguration><LocationConstraint>{get_region()}</LocationConstraint></CreateBucketConfiguration>"
        _accepted(s3._create_bucket(bucket, place.encode(), {}, get_region()))
    pointer = _pointer(data["pointer"]) if data.get("pointer") else {}
    response = _accepted(cloudfront._create_distribution({}, _configuration(data, pointer.get("function")).encode()))
    made = cloudfront._distributions[response[1]["Location"].rsplit("/", 1)[-1]]
    _allow(bucket, made["ARN"], data.get("list", False))
    if made["Id"] in progress._configurations:
        # It was there before the test began.
        progress._configurations[made["Id"]] = [(float("-inf"), made["config_xml"])]
    progress.refresh()
    label = made["DomainName"].split(".")[0]
    told = {"distribution": made["Id"], "arn": made["ARN"], "domain": made["DomainName"], "bucket": bucket}
    return told | {"path": f"/_aws/cloudfront/{label}", **pointer}


def _accepted(response: tuple) -> tuple:
    if response[0] >= 300:
        raise ValueError(response[2].decode())
    return response


def _configuration(data: dict, function: str | None) -> str:
    aliases = data.get("aliases", [])
    others = data.get("behaviours", [])
    errors = data.get("errors", [])
    return (
        f"<DistributionConfig xmlns='{cloudfront.NS}'><CallerReference>{secrets.token_hex(8)}</CallerReference>"
        f"{_list('Aliases', 'CNAME', aliases)}<DefaultRootObject>{escape(data.get('root', 'index.html'))}</DefaultRootObject>"
        f"<Origins><Quantity>1</Quantity><Items><Origin><Id>{_ORIGIN}</Id>"
        f"<DomainName>{data['bucket']}.s3.{get_region()}.amazonaws.com</DomainName>"
        f"<OriginPath>{escape(data.get('origin-path', ''))}</OriginPath>"
        "<S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>"
        f"<OriginAccessControlId>{_access()}</OriginAccessControlId></Origin></Items></Origins>"
        f"<DefaultCacheBehavior>{_behaviour(data, function)}</DefaultCacheBehavior>"
        f"{_list('CacheBehaviors', 'CacheBehavior', [_behaviour(one, None) for one in others], False)}"
        f"{_list('CustomErrorResponses', 'CustomErrorResponse', [_error(one) for one in errors], False)}"
        "<Comment></Comment><Enabled>true</Enabled></DistributionConfig>"
    )


def _list(name: str, item: str, items: list[str], is_text: bool = True) -> str:
    found = "".join(f"<{item}>{escape(one) if is_text else one}</{item}>" for one in items)
    return f"<{name}><Quantity>{len(items)}</Quantity>{f'<Items>{found}</Items>' if items else ''}</{name}>"


def _behaviour(data: dict, function: str | None) -> str:
    pattern = f"<PathPattern>{escape(data['path'])}</PathPattern>" if "path" in data else ""
    association = f"<FunctionARN>{function}</FunctionARN><EventType>viewer-request</EventType>" if function else ""
    functions = _list("FunctionAssociations", "FunctionAssociation", [association] if function else [], False)
    return (
        f"{pattern}<TargetOriginId>{_ORIGIN}</TargetOriginId><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>{functions}"
        f"<CachePolicyId>{_policy(data.get('policy', 'CachingOptimized'))}</CachePolicyId>"
    )


def _policy(named) -> str:
    """A managed policy by its name, or one of its own with these times, and with all query strings in the key if told so."""
    if isinstance(named, str):
        return _POLICIES[named]
    queries = "all" if named.get("query") else "none"
    config = (
        f"<CachePolicyConfig xmlns='{cloudfront.NS}'><Name>p-{secrets.token_hex(6)}</Name><MinTTL>{named.get('min', 0)}</MinTTL>"
        f"<DefaultTTL>{named.get('default', 86400)}</DefaultTTL><MaxTTL>{named.get('max', 31536000)}</MaxTTL>"
        "<ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>false</EnableAcceptEncodingGzip>"
        "<HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig>"
        "<CookiesConfig><CookieBehavior>none</CookieBehavior></CookiesConfig>"
        f"<QueryStringsConfig><QueryStringBehavior>{queries}</QueryStringBehavior></QueryStringsConfig>"
        "</ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig>"
    )
    response = _accepted(cloudfront._create_cache_policy(config.encode()))
    return response[1]["Location"].rsplit("/", 1)[-1]


def _error(data: dict) -> str:
    page = f"<ResponsePagePath>{escape(data['page'])}</ResponsePagePath>" if "page" in data else ""
    page += f"<ResponseCode>{data['status']}</ResponseCode>" if "page" in data else ""
    return f"<ErrorCode>{data['code']}</ErrorCode>{page}<ErrorCachingMinTTL>{data.get('ttl', 10)}</ErrorCachingMinTTL>"


def _access() -> str:
    """The id of an origin access control."""
    config = (
        f"<OriginAccessControlConfig xmlns='{cloudfront.NS}'><Name>a-{secrets.token_hex(6)}</Name>"
        "<SigningProtocol>sigv4</SigningProtocol><SigningBehavior>always</SigningBehavior>"
        "<OriginAccessControlOriginType>s3</OriginAccessControlOriginType></OriginAccessControlConfig>"
    )
    before = set(cloudfront._oacs)
    _accepted(cloudfront._create_oac({}, config.encode()))
    return (set(cloudfront._oacs) - before).pop()


def _allow(bucket: str, arn: str, may_list: bool) -> None:
    """Lets the distribution read the bucket, beside those that may already."""
    policy = json.loads(s3._bucket_policies.get(bucket) or '{"Version": "2012-10-17", "Statement": []}')
    granted = [("s3:GetObject", f"arn:aws:s3:::{bucket}/*")]
    granted += [("s3:ListBucket", f"arn:aws:s3:::{bucket}")] if may_list else []
    for action, resource in granted:
        statement = {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": action}
        statement |= {"Resource": resource, "Condition": {"StringEquals": {"AWS:SourceArn": arn}}}
        policy["Statement"].append(statement)
    _accepted(s3._put_bucket_policy(bucket, json.dumps(policy).encode()))


def _pointer(data: dict) -> dict:
    """A store with its items at the edge, and a function that puts the release before documents."""
    name = data.get("store", f"s-{secrets.token_hex(6)}")
    _accepted(
        cloudfront._create_kvs(
            {}, f"<CreateKeyValueStoreRequest><Name>{name}</Name></CreateKeyValueStoreRequest>".encode()
        )
    )
    store = cloudfront._kvstores[name]
    store["_testbed_time"] = float("-inf")
    found, _ = stores._get_store(store["ARN"])
    found["items"].update(data.get("items", {}))
    progress._contents[store["ARN"]] = [(float("-inf"), dict(found["items"]))]
    function = data.get("function", f"f-{secrets.token_hex(6)}")
    code = base64.b64encode((data.get("code") or functions.pointer(data)).encode()).decode()
    config = (
        f"<CreateFunctionRequest><Name>{function}</Name><FunctionConfig><Comment></Comment><KeyValueStoreAssociations>"
        "<Quantity>1</Quantity><Items><KeyValueStoreAssociation>"
        f"<KeyValueStoreARN>{store['ARN']}</KeyValueStoreARN></KeyValueStoreAssociation></Items></KeyValueStoreAssociations>"
        f"<Runtime>cloudfront-js-2.0</Runtime></FunctionConfig><FunctionCode>{code}</FunctionCode></CreateFunctionRequest>"
    )
    made = _accepted(cloudfront._cf_create_function({}, config.encode()))
    _accepted(cloudfront._cf_publish_function(function, {"if-match": made[1]["ETag"]}))
    return {"store": store["ARN"], "function": cloudfront._functions[function]["arn"]}
