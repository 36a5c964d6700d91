"""The differences between MiniStack and AWS that matter to a deployer, one file each.

A correction says in its docstring what MiniStack does and what AWS does. `AWS` is the page that says so,
`ROWS` are the rows of the behaviour checks (`testbed/checks`) that it turns from WRONG to works.
Any of them can be switched off by name, to prove that it matters: TESTBED_CORRECTIONS_OFF=name,name or `all`.
"""

import importlib
import os

# In the order in which they wrap: a later one is outside an earlier one.
MODULES = [
    "lambda_update_status",
    "lambda_serves_old_code",
    "lambda_warm_workers",
    "lambda_image_source",
    "lambda_code_location",
    "lambda_package_type",
    "lambda_code_source",
    "lambda_code_storage",
    "lambda_code_signing",
    "lambda_tags_permission",
    "lambda_execution_role",
    "lambda_runtime_name",
    "lambda_configuration_hash",
    "lambda_publish_unchanged",
    "lambda_version_state",
    "lambda_publish_with_update",
    "lambda_publish_precondition",
    "lambda_dry_run",
    "lambda_update_conflict",
    "lambda_alias_version",
    "lambda_alias_weights",
    "cloudwatch_lambda_metrics",
    "lambda_weighted_routing",
    "lambda_image_execution",
    "lambda_error_types",
    "lambda_log_tail",
    "logs_lambda_streams",
    "lambda_durable_executions",
    "lambda_tenant_isolation",
    "lambda_invoke_refusals",
    "lambda_provisioned_concurrency",
    "elb_task_targets",
    "cloudwatch_http_metrics",
    "cloudwatch_metric_data",
    "cloudwatch_alarm_kinds",
    "logs_filter_events",
    "logs_classes",
    "logs_describe_streams",
    "logs_get_events",
    "logs_insights_ingestion",
    "ecs_task_definitions",
    "ecs_services",
    "ecs_service_deployments",
    "ecs_circuit_breaker",
    "ecs_deployment_alarms",
    "ecs_traffic_strategies",
    "ecs_lifecycle_hooks",
    "ecs_stop_deployment",
    "ecs_run_task",
    "ecs_stop_task",
    "ecs_list_tasks",
    "ecs_task_logs",
    "elb_weighted_forward",
    "elb_any_account",
    "codebuild_projects",
    "codebuild_builds",
    "codebuild_build_logs",
    "codebuild_stop_build",
    "codebuild_list_builds",
    "codebuild_idempotency",
    "s3_absent_object",
    "s3_content_type",
    "s3_checksums",
    "s3_copy_conditions",
    "s3_part_size",
    "s3_delete_objects",
    "s3_list_page",
    "s3_expected_owner",
    "s3_copy_between_accounts",
    "cloudfront_any_account",
    "cloudfront_deploying",
    "cloudfront_invalidations",
    "cloudfront_invalidation_paths",
    "cloudfront_edge_cache",
    "cloudfront_functions",
    "cloudfront_key_value_stores",
    "cloudfront_missing_object",
    "sns_subject",
    "ecr_layer_upload",
    "ecr_layer_url",
    "ecr_put_image",
    "ecr_missing_image",
    "ecr_delete_tag",
    "ecr_list_tags",
    "ecr_tag_exclusions",
    "ecr_registry_tags",
    "ecr_registry_manifests",
    "ecr_registry_uploads",
    "ecr_registry_download",
    "ecr_registry_pages",
    "ecr_blob_mounting",
    "ecr_referrers",
    "ecr_image_status",
    "ecr_pages",
    "ecr_scan_configuration",
    "ecr_scan_findings",
    "ecr_lifecycle_policies",
    "ecr_lifecycle_preview",
    "ecr_registry_permissions",
    "ecr_registry_login",
    "iam_enforcement",
    "iam_action_names",
    "iam_watching_actions",
    "iam_ecs_actions",
    "iam_codebuild_actions",
    "iam_site_actions",
    "iam_simulation",
    "iam_denial_message",
    "sts_assume_role_trust",
    "sts_session_lifetime",
    "sts_web_identity_trust",
    "sts_web_identity_answer",
    "sts_web_identity_token",
    "sts_session_limits",
    "secretsmanager_empty_secret",
    "signature_time",
    "sigv4a_account",
]

_installed: set[str] = set()


def name_of(module: str) -> str:
    return module.replace("_", "-")


def install() -> None:
    """Installs every correction that is not switched off."""
    off = {name.strip() for name in os.environ.get("TESTBED_CORRECTIONS_OFF", "").split(",") if name.strip()}
    unknown = off - {"all"} - {name_of(module) for module in MODULES}
    if unknown:
        raise SystemExit(f"no such correction: {', '.join(sorted(unknown))}")
    for module in MODULES:
        if "all" not in off and name_of(module) not in off:
            _load(module).install()
            _installed.add(module)


def on(name: str) -> bool:
    """Whether a correction was installed."""
    return name.replace("-", "_") in _installed


def catalogue() -> list[dict]:
    """Every correction with its reason, its AWS page and its rows."""
    found = []
    for module in MODULES:
        loaded = _load(module)
        found.append(
            {
                "name": name_of(module),
                "reason": " ".join((loaded.__doc__ or "").split()),
                "aws": loaded.AWS,
                "rows": loaded.ROWS,
                "on": module in _installed,
            }
        )
    return found


def _load(module: str):
    return importlib.import_module(f"{__name__}.{module}")
