"""Which action and which resource requests about scans, lifecycle policies and archived images are judged by.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from .check_ecr_lifecycle import policy, rule
from .check_ecr_scans import Scans
from .check_iam import Roles
from .common import REGION, section


@section("iam")
def retention(c):
    s, r = Scans(c), Roles(c)
    c.set(ecr_preview_delay=0)
    s.push("v1")
    app, v1, text = {"repositoryName": "app"}, {"imageTag": "v1"}, policy(rule(1, 9))
    s.ecr.put_lifecycle_policy(**app, lifecyclePolicyText=text)
    calls = {
        "DescribeImageScanFindings": lambda e: e.describe_image_scan_findings(**app, imageId=v1),
        "BatchGetRepositoryScanningConfiguration": lambda e: e.batch_get_repository_scanning_configuration(
            repositoryNames=["app"]
        ),
        "GetLifecyclePolicy": lambda e: e.get_lifecycle_policy(**app),
        "StartLifecyclePolicyPreview": lambda e: e.start_lifecycle_policy_preview(**app),
        "GetLifecyclePolicyPreview": lambda e: e.get_lifecycle_policy_preview(**app),
        "UpdateImageStorageClass": lambda e: e.update_image_storage_class(
            **app, imageId=v1, targetStorageClass="ARCHIVE"
        ),
    }
    for name, act in calls.items():
        resource = f"arn:aws:ecr:{REGION}:{c.account}:repository/app"
        r.row(f"{name} is ecr:{name} on the repository", "ecr", act, f"ecr:{name}", resource)
    name = "GetRegistryScanningConfiguration"
    configuration = lambda e: e.get_registry_scanning_configuration()
    r.row(f"{name} has no resource", "ecr", configuration, f"ecr:{name}", "*")


SECTIONS = [retention]
