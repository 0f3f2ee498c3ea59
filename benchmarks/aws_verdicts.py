"""Checks of Prowler's and ours that ask the same, and their verdicts side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PAIRS: Final[dict[str, tuple[str, ...]]] = {
    "aws.account.security_contact_registered": (
        "account_security_contact_information_is_registered",
    ),
    "aws.cloudtrail.bucket_access_logged": ("cloudtrail_logs_s3_bucket_access_logging_enabled",),
    "aws.cloudtrail.bucket_not_public": ("cloudtrail_logs_s3_bucket_is_not_publicly_accessible",),
    "aws.cloudtrail.cloudwatch_logs_integrated": ("cloudtrail_cloudwatch_logging_enabled",),
    "aws.cloudtrail.insights_enabled": ("cloudtrail_insights_exist",),
    "aws.cloudtrail.kms_encrypted": ("cloudtrail_kms_encryption_enabled",),
    "aws.cloudtrail.log_file_validation": ("cloudtrail_log_file_validation_enabled",),
    "aws.cloudtrail.multi_region_enabled": (
        "cloudtrail_multi_region_enabled_logging_management_events",
    ),
    "aws.cloudwatch.alarm_actions_enabled": ("cloudwatch_alarm_actions_enabled",),
    "aws.cloudwatch.alarm_cloudtrail_changes": (
        "cloudwatch_log_metric_filter_and_alarm_for_cloudtrail_configuration_changes_enabled",
    ),
    "aws.cloudwatch.alarm_config_changes": (
        "cloudwatch_log_metric_filter_and_alarm_for_aws_config_configuration_changes_enabled",
    ),
    "aws.cloudwatch.alarm_console_auth_failures": (
        "cloudwatch_log_metric_filter_authentication_failures",
    ),
    "aws.cloudwatch.alarm_console_sign_in_without_mfa": (
        "cloudwatch_log_metric_filter_sign_in_without_mfa",
    ),
    "aws.cloudwatch.alarm_iam_policy_changes": ("cloudwatch_log_metric_filter_policy_changes",),
    "aws.cloudwatch.alarm_kms_key_disable": (
        "cloudwatch_log_metric_filter_disable_or_scheduled_deletion_of_kms_cmk",
    ),
    "aws.cloudwatch.alarm_network_changes": (
        "cloudwatch_changes_to_network_acls_alarm_configured",
        "cloudwatch_changes_to_network_gateways_alarm_configured",
        "cloudwatch_changes_to_network_route_tables_alarm_configured",
        "cloudwatch_changes_to_vpcs_alarm_configured",
    ),
    "aws.cloudwatch.alarm_organizations_changes": (
        "cloudwatch_log_metric_filter_aws_organizations_changes",
    ),
    "aws.cloudwatch.alarm_root_usage": ("cloudwatch_log_metric_filter_root_usage",),
    "aws.cloudwatch.alarm_s3_policy_changes": (
        "cloudwatch_log_metric_filter_for_s3_bucket_policy_changes",
    ),
    "aws.cloudwatch.alarm_security_group_changes": (
        "cloudwatch_log_metric_filter_security_group_changes",
    ),
    "aws.cloudwatch.alarm_unauthorized_api_calls": (
        "cloudwatch_log_metric_filter_unauthorized_api_calls",
    ),
    "aws.cloudwatch.log_group_kms": ("cloudwatch_log_group_kms_encryption_enabled",),
    "aws.cloudwatch.log_group_retention": (
        "cloudwatch_log_group_retention_policy_specific_days_enabled",
    ),
    "aws.config.aggregator_covers_organization": (
        "config_delegated_admin_and_org_aggregator_all_regions",
    ),
    "aws.config.recorder_enabled": ("config_recorder_all_regions_enabled",),
    "aws.ec2.ami_not_public": ("ec2_ami_public",),
    "aws.ec2.default_sg_closed": ("ec2_securitygroup_default_restrict_traffic",),
    "aws.ec2.ebs_default_encryption": ("ec2_ebs_default_encryption",),
    "aws.ec2.image_block_public_access": ("ec2_ami_account_block_public_access",),
    "aws.ec2.imdsv2_account_default": ("ec2_instance_account_imdsv2_enabled",),
    "aws.ec2.imdsv2_required": ("ec2_instance_imdsv2_enabled",),
    "aws.ec2.instance_no_public_ip": ("ec2_instance_public_ip",),
    "aws.ec2.instance_profile_attached": ("ec2_instance_profile_attached",),
    "aws.ec2.instance_ssm_managed": ("ec2_instance_managed_by_ssm",),
    "aws.ec2.launch_template_imdsv2": ("ec2_launch_template_imdsv2_required",),
    "aws.ec2.nacl_no_public_admin_ports": (
        "ec2_networkacl_allow_ingress_tcp_port_22",
        "ec2_networkacl_allow_ingress_tcp_port_3389",
    ),
    "aws.ec2.sg_no_public_all_ports": (
        "ec2_securitygroup_allow_ingress_from_internet_to_all_ports",
    ),
    "aws.ec2.sg_no_public_rdp": ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389",),
    "aws.ec2.sg_no_public_ssh": ("ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22",),
    "aws.ec2.snapshot_block_public_access": ("ec2_ebs_snapshot_account_block_public_access",),
    "aws.ec2.snapshot_encrypted": ("ec2_ebs_snapshots_encrypted",),
    "aws.ec2.snapshot_not_public": ("ec2_ebs_public_snapshot",),
    "aws.ec2.userdata_no_secrets": ("ec2_instance_secrets_user_data",),
    "aws.ec2.volume_encrypted": ("ec2_ebs_volume_encryption",),
    "aws.guardduty.enabled_all_regions": ("guardduty_is_enabled",),
    "aws.guardduty.malware_protection_enabled": ("guardduty_ec2_malware_protection_enabled",),
    "aws.guardduty.org_auto_enable": ("guardduty_delegated_admin_enabled_all_regions",),
    "aws.guardduty.protection_plans_enabled": (
        "guardduty_eks_audit_log_enabled",
        "guardduty_lambda_protection_enabled",
        "guardduty_rds_protection_enabled",
        "guardduty_runtime_monitoring_enabled",
        "guardduty_s3_protection_enabled",
    ),
    "aws.iam.access_key_rotated": ("iam_rotate_access_key_90_days",),
    "aws.iam.access_key_unused": ("iam_user_accesskey_unused",),
    "aws.iam.admin_user_mfa": ("iam_administrator_access_with_mfa",),
    "aws.iam.inline_policy_no_full_admin": ("iam_inline_policy_no_administrative_privileges",),
    "aws.iam.password_policy_complexity": (
        "iam_password_policy_lowercase",
        "iam_password_policy_number",
        "iam_password_policy_symbol",
        "iam_password_policy_uppercase",
    ),
    "aws.iam.password_policy_length": ("iam_password_policy_minimum_length_14",),
    "aws.iam.password_policy_reuse": ("iam_password_policy_reuse_24",),
    "aws.iam.policy_no_full_admin": ("iam_customer_attached_policy_no_administrative_privileges",),
    "aws.iam.policy_no_privilege_escalation": ("iam_policy_allows_privilege_escalation",),
    "aws.iam.root_hardware_mfa": ("iam_root_hardware_mfa_enabled",),
    "aws.iam.root_mfa_enabled": ("iam_root_mfa_enabled",),
    "aws.iam.root_no_access_keys": ("iam_no_root_access_key",),
    "aws.iam.root_not_used": ("iam_avoid_root_usage",),
    "aws.iam.server_certificate_not_expired": ("iam_no_expired_server_certificates_stored",),
    "aws.iam.single_active_access_key": ("iam_user_two_active_access_key",),
    "aws.iam.support_role_exists": ("iam_support_role_created",),
    "aws.iam.user_console_mfa": ("iam_user_mfa_enabled_console_access",),
    "aws.iam.user_no_direct_policy": ("iam_policy_attached_only_to_group_or_roles",),
    "aws.iam.user_password_unused": ("iam_user_console_access_unused",),
    "aws.iam.workforce_federation_configured": ("iam_check_saml_providers_sts",),
    "aws.kms.cmk_rotation_enabled": ("kms_cmk_rotation_enabled",),
    "aws.kms.key_policy_not_public": ("kms_key_not_publicly_accessible",),
    "aws.kms.no_unplanned_key_deletion": ("kms_cmk_not_deleted_unintentionally",),
    "aws.rds.auto_minor_version_upgrade": ("rds_instance_minor_version_upgrade_enabled",),
    "aws.rds.backup_retention": ("rds_instance_backup_enabled",),
    "aws.rds.ca_certificate_current": ("rds_instance_certificate_expiration",),
    "aws.rds.cluster_storage_encrypted": ("rds_cluster_storage_encrypted",),
    "aws.rds.deletion_protection": ("rds_instance_deletion_protection",),
    "aws.rds.engine_version_supported": ("rds_instance_deprecated_engine_version",),
    "aws.rds.enhanced_monitoring": ("rds_instance_enhanced_monitoring_enabled",),
    "aws.rds.iam_authentication": ("rds_instance_iam_authentication_enabled",),
    "aws.rds.instance_not_public": ("rds_instance_no_public_access",),
    "aws.rds.instance_storage_encrypted": ("rds_instance_storage_encrypted",),
    "aws.rds.logs_exported": ("rds_instance_integration_cloudwatch_logs",),
    "aws.rds.multi_az": ("rds_instance_multi_az",),
    "aws.rds.snapshot_encrypted": ("rds_snapshots_encrypted",),
    "aws.rds.snapshot_not_public": ("rds_snapshots_public_access",),
    "aws.rds.transport_encryption_required": ("rds_instance_transport_encrypted",),
    "aws.s3.account_public_access_blocked": ("s3_account_level_public_access_blocks",),
    "aws.s3.bucket_access_logging": ("s3_bucket_server_access_logging_enabled",),
    "aws.s3.bucket_acl_disabled": ("s3_bucket_acl_prohibited",),
    "aws.s3.bucket_cross_account_approved": ("s3_bucket_cross_account_access",),
    "aws.s3.bucket_default_encryption_kms": ("s3_bucket_kms_encryption",),
    "aws.s3.bucket_lifecycle_expiration": ("s3_bucket_lifecycle_enabled",),
    "aws.s3.bucket_mfa_delete": ("s3_bucket_no_mfa_delete",),
    "aws.s3.bucket_object_lock": ("s3_bucket_object_lock",),
    "aws.s3.bucket_policy_not_public": ("s3_bucket_public_access",),
    "aws.s3.bucket_public_access_blocked": ("s3_bucket_level_public_access_block",),
    "aws.s3.bucket_replication": ("s3_bucket_cross_region_replication",),
    "aws.s3.bucket_tls_only": ("s3_bucket_secure_transport_policy",),
    "aws.s3.bucket_versioning_enabled": ("s3_bucket_object_versioning",),
    "aws.securityhub.enabled": ("securityhub_enabled",),
    "aws.vpc.client_vpn_logging_and_mfa": ("ec2_client_vpn_endpoint_connection_logging_enabled",),
    "aws.vpc.flow_logs_enabled": ("vpc_flow_logs_enabled",),
    "aws.vpc.subnet_no_auto_public_ip": ("vpc_subnet_no_public_ip_by_default",),
    "aws.vpc.transit_gateway_no_auto_accept": ("ec2_transitgateway_auto_accept_vpc_attachments",),
    "aws.vpc.vpn_tunnels_redundant": ("vpc_vpn_connection_tunnels_up",),
}
"""Our checks and those of the peer that ask the same of the same kind of resource; of several of
the peer's the worst verdict counts."""

OF_THE_ACCOUNT: Final = frozenset(
    {check for check in PAIRS if check.startswith("aws.cloudwatch.alarm_")}
    - {"aws.cloudwatch.alarm_actions_enabled"}
    | {check for check in PAIRS if check.startswith(("aws.iam.password_", "aws.iam.root_"))}
    | {
        "aws.account.security_contact_registered",
        "aws.cloudtrail.multi_region_enabled",
        "aws.config.aggregator_covers_organization",
        "aws.iam.support_role_exists",
        "aws.iam.workforce_federation_configured",
        "aws.s3.account_public_access_blocked",
    }
)
"""Settings there is one of, whatever each calls it."""

OF_A_REGION: Final = frozenset(
    check
    for check in PAIRS
    if check.startswith(("aws.config.recorder_", "aws.guardduty.", "aws.securityhub."))
)
"""Settings there is one of in a region, whatever each calls it."""

NOT_ABOUT: Final = "the peer leaves out what the question is not about"
TAGGED: Final = (
    "it does not bear the tag by which the organisation marks what the question is about"
)
NOBODY: Final = "the alarm tells nobody: its topic has no subscriber, or its actions are off"
ALL_PORTS: Final = "all ports are open: the peer leaves it to another check"
OF_AWS: Final = "a key of AWS by its alias, which the simulation calls a customer's"
NO_KEY: Final = "no access key: the peer counts a pass"
NOBODY_SIGNS_IN: Final = "no console password: nobody can sign in; the peer counts a pass"
UNREACHED: Final = "the peer cannot reach S3 Control at an address instead of a name"

EXPLAINED: Final[dict[tuple[str, str, str], str]] = {
    ("", "not_applicable", "no row"): NOT_ABOUT,
    ("aws.account.security_contact_registered", "fail", "manual"): "the peer leaves it to a person",
    ("aws.account.security_contact_registered", "pass", "manual"): "the peer leaves it to a person",
    ("aws.cloudtrail.bucket_not_public", "fail", "pass"): "Block Public Access is off; the peer "
    "looks at the ACL alone",
    ("aws.cloudwatch.alarm_actions_enabled", "not_applicable", "pass"): TAGGED,
    ("aws.cloudwatch.alarm_actions_enabled", "not_applicable", "fail"): TAGGED,
    ("aws.cloudwatch.alarm_", "fail", "pass"): NOBODY,
    ("aws.cloudwatch.alarm_", "pass", "fail"): "several filters count the events together; the "
    "peer wants one",
    ("aws.cloudwatch.log_group_kms", "not_applicable", "fail"): TAGGED,
    ("aws.cloudwatch.log_group_kms", "not_applicable", "pass"): TAGGED,
    ("aws.cloudwatch.log_group_retention", "not_applicable", "fail"): TAGGED,
    ("aws.cloudwatch.log_group_retention", "fail", "pass"): "personal data is kept for ever",
    ("aws.config.recorder_enabled", "", "no row"): "the peer keeps one recorder of each name, and "
    "each region's is called default",
    ("aws.config.recorder_enabled", "fail", "pass"): "it leaves out kinds of resource",
    ("aws.ec2.launch_template_imdsv2", "fail", "pass"): "the peer takes an endpoint that is not "
    "set as off; AWS's default is on, and tokens are optional",
    ("aws.ec2.nacl_no_public_admin_ports", "not_applicable", "fail"): "it guards no subnet",
    ("aws.ec2.sg_no_public_rdp", "fail", "pass"): ALL_PORTS,
    ("aws.ec2.sg_no_public_ssh", "fail", "pass"): ALL_PORTS,
    ("aws.ec2.userdata_no_secrets", "fail", "pass"): "a password was put there; the peer misses it",
    ("aws.guardduty.malware_protection_enabled", "fail", "no row"): "no detector: nothing looks",
    ("aws.guardduty.org_auto_enable", "", "fail"): "the peer asks for a delegated administrator "
    "beside; we leave that to the account that administers",
    ("aws.guardduty.protection_plans_enabled", "fail", "no row"): "no detector: nothing looks",
    ("aws.iam.access_key_rotated", "no row", "pass"): NO_KEY,
    ("aws.iam.access_key_unused", "no row", "pass"): NO_KEY,
    ("aws.iam.access_key_unused", "fail", "pass"): "never used since it was made, longer than the "
    "limit ago; the peer judges used keys only",
    ("aws.iam.policy_no_privilege_escalation", "fail", "pass"): "it allows everything; the peer "
    "leaves that to another check",
    ("aws.iam.single_active_access_key", "no row", "pass"): "the root user: asked by another check",
    ("aws.iam.single_active_access_key", "not_applicable", "pass"): NO_KEY,
    ("aws.iam.single_active_access_key", "pass", "fail"): "the second is days old: it is being "
    "rotated",
    ("aws.iam.user_console_mfa", "not_applicable", "pass"): NOBODY_SIGNS_IN,
    ("aws.iam.user_password_unused", "not_applicable", "pass"): NOBODY_SIGNS_IN,
    ("aws.iam.workforce_federation_configured", "pass", "fail"): "IAM Identity Center is there; "
    "the peer knows SAML providers only",
    ("aws.kms.cmk_rotation_enabled", "no row", "fail"): OF_AWS,
    ("aws.kms.key_policy_not_public", "no row", "pass"): OF_AWS,
    ("aws.kms.key_policy_not_public", "", "no row"): "about to be deleted: the peer leaves it out, "
    "we do not, as deletion can be called off",
    ("aws.kms.no_unplanned_key_deletion", "no row", "pass"): OF_AWS,
    ("aws.rds.backup_retention", "fail", "pass"): "kept for a day, seven are demanded",
    ("aws.rds.deletion_protection", "not_applicable", "fail"): TAGGED,
    ("aws.rds.deletion_protection", "not_applicable", "pass"): TAGGED,
    ("aws.rds.enhanced_monitoring", "not_applicable", "fail"): TAGGED,
    ("aws.rds.enhanced_monitoring", "pass", "fail"): "the interval is set; the peer looks at the "
    "log stream, which the simulation does not make",
    ("aws.rds.instance_not_public", "fail", "pass"): "it has a public address; the peer passes it "
    "while security groups let nobody in",
    ("aws.rds.logs_exported", "fail", "pass"): "one log is exported, not the database's own",
    ("aws.rds.multi_az", "not_applicable", "fail"): TAGGED,
    ("aws.rds.multi_az", "not_applicable", "pass"): TAGGED,
    ("aws.s3.account_public_access_blocked", "", "no row"): UNREACHED,
    ("aws.s3.bucket_lifecycle_expiration", "not_applicable", "fail"): TAGGED,
    ("aws.s3.bucket_lifecycle_expiration", "not_applicable", "pass"): TAGGED,
    ("aws.s3.bucket_mfa_delete", "not_applicable", "fail"): TAGGED,
    ("aws.s3.bucket_object_lock", "not_applicable", "fail"): TAGGED,
    ("aws.s3.bucket_policy_not_public", "fail", "pass"): "S3 calls the policy public; the peer "
    "passes it where Block Public Access makes it void, which we ask apart",
    ("aws.s3.bucket_public_access_blocked", "pass", "fail"): "blocked for the whole account. "
    + UNREACHED,
    ("aws.s3.bucket_replication", "not_applicable", "fail"): TAGGED,
    ("aws.vpc.flow_logs_enabled", "fail", "pass"): "the flow log takes accepted traffic only",
    ("aws.vpc.subnet_no_auto_public_ip", "pass", "fail"): "tagged as public, which we accept",
    ("aws.vpc.vpn_tunnels_redundant", "fail", "no row"): "no tunnel is up; the simulation lacks "
    "their telemetry, without which the peer gives up",
}
"""Why two verdicts differ, by check or how its id begins, ours and the peer's; empty means any."""

WORST: Final = ("fail", "manual", "unknown", "pass", "not_applicable")


@dataclass(frozen=True, slots=True)
class Told:
    """One verdict: of which check, on what, where, and why in its own words."""

    check: str
    resource: str
    region: str
    status: str
    because: str = ""


def differing(
    mine: list[Told], theirs: list[Told]
) -> tuple[Counter[tuple[str, str, str]], dict[tuple[str, str, str], str]]:
    """How often which verdict of ours stands against which of the peer's, and one of each."""
    found: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for check, peers in PAIRS.items():
        own = _placed(check, [told for told in mine if told.check == check])
        other = _placed(check, [told for told in theirs if told.check in peers])
        for name in sorted(own.keys() | other.keys()):
            one, two = (said.get(name, Told(check, name, "", "no row")) for said in (own, other))
            key = check, one.status, two.status
            found[key] += 1
            examples.setdefault(key, f"{name}: {one.because} | {two.because}")
    return found, examples


def why(check: str, own: str, other: str) -> str:
    """The reason why these two verdicts differ."""
    for (begins, ours, theirs), reason in EXPLAINED.items():
        if check.startswith(begins) and ours in {"", own} and theirs in {"", other}:
            return reason
    return "UNEXPLAINED"


def _placed(check: str, told: list[Told]) -> Mapping[str, Told]:
    """The verdicts by what they are about, under a name that both use; of several the worst."""
    found: dict[str, Told] = {}
    for each in sorted(told, key=lambda each: _rank(each.status), reverse=True):
        found[_name(check, each)] = each
    return found


def _rank(status: str) -> int:
    return WORST.index(status) if status in WORST else len(WORST)


def _name(check: str, told: Told) -> str:
    """The last part of its ARN, with the region where names repeat."""
    parts = told.resource.split(":")
    region = parts[3] if told.resource.startswith("arn:") and parts[3] else told.region
    if check in OF_THE_ACCOUNT:
        return "account"
    if check in OF_A_REGION:
        return region
    whole = told.resource.removesuffix("/access_key_1").removesuffix("/access_key_2")
    last = whole.removesuffix(":*").rpartition("/")[2].rpartition(":")[2]
    if check.startswith(("aws.iam.", "aws.s3.")):
        return last
    if last in {"", "123456789012", "account", "volume", region}:
        return told.region  # the peer names all of them by the account's own region
    return f"{region} {last}"
