"""Makers of random accounts for AWS Config, GuardDuty and Security Hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.config.models import config_backends
from moto.guardduty.models import guardduty_backends
from moto.securityhub.models import securityhub_backends

from tests.collectors.aws.moto_gaps_watching import answers
from tests.collectors.aws.random_account import RandomAccount

FEATURES = (
    "EKS_AUDIT_LOGS",
    "LAMBDA_NETWORK_LOGS",
    "RDS_LOGIN_EVENTS",
    "RUNTIME_MONITORING",
    "S3_DATA_EVENTS",
)
NOW = datetime.now(UTC)


def config(account: RandomAccount) -> None:
    """A recorder in each region or none, rules with results, a conformance pack."""
    account.bound["aws.config.rules_compliant"] = {"baseline": ["encrypted-volumes", "mfa"]}
    account.bound["aws.config.conformance_pack_score"] = {"packs": ["baseline"], "score": 90}
    account.bound["aws.config.aggregator_covers_organization"] = {"aggregating": [account.number]}
    account.expect("aws.config.aggregator_covers_organization", account.number, good=False)
    bucket = f"acme-config-{account.number}"
    account.client("s3", "us-east-1").create_bucket(Bucket=bucket)
    for region in account.regions:
        state = account.chance.choice(["good", "part", "off", "failing", "none"])
        if region == account.regions[0]:
            state = account.chance.choice(["good", "failing"])
        account.expect("aws.config.recorder_enabled", region, state == "good")
        kept = account.flip()
        if state != "none":
            _recorder(account, region, bucket, state, 2557 if kept else 90)
        account.expect(
            "aws.config.retention_period", region, kept if state != "none" else "not_applicable"
        )
        here = answers(config_backends, account.number, region)
        score = account.chance.choice(["97.5", "60.0", None])
        here["list_conformance_pack_compliance_scores"] = {
            "ConformancePackComplianceScores": [
                {"ConformancePackName": "OrgConformsPack-baseline-a1b2", "Score": score}
            ]
            * (score is not None)
        }
        account.expect("aws.config.conformance_pack_score", region, score == "97.5")
        here["describe_compliance_by_config_rule"] = _rules(account, region)
        for operation in (
            "DescribeConfigurationRecorders",
            "DescribeConfigurationRecorderStatus",
            "DescribeRetentionConfigurations",
            "ListConformancePackComplianceScores",
            "DescribeComplianceByConfigRule",
            "DescribeConfigurationAggregators",
        ):
            account.pages(operation, 1)


def _recorder(account: RandomAccount, region: str, bucket: str, state: str, days: int) -> None:
    api = account.client("config", region)
    group: dict[str, Any] = {"allSupported": True, "includeGlobalResourceTypes": True}
    if state == "part":
        group = {"allSupported": False, "resourceTypes": ["AWS::EC2::Instance"]}
    role = f"arn:aws:iam::{account.number}:role/config"
    recorder = {"name": "default", "roleARN": role, "recordingGroup": group}
    api.put_configuration_recorder(ConfigurationRecorder=recorder)
    api.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": bucket})
    api.put_retention_configuration(RetentionPeriodInDays=days)
    if state != "off":
        api.start_configuration_recorder(ConfigurationRecorderName="default")
        made = config_backends[account.number][region].recorders["default"]
        made.status.last_status = "Failure" if state == "failing" else "Success"


def _rules(account: RandomAccount, region: str) -> dict[str, Any]:
    rows = []
    for name in ("encrypted-volumes", "mfa-a1b2c3", "of-nobody"):
        held = account.chance.choice(["COMPLIANT", "NON_COMPLIANT"])
        rows.append({"ConfigRuleName": name, "Compliance": {"ComplianceType": held}})
        status = held == "COMPLIANT" if name != "of-nobody" else "not_applicable"
        account.expect("aws.config.rules_compliant", f"{region}/{name}", status)
    return {"ComplianceByConfigRules": rows}


def guardduty(account: RandomAccount) -> None:
    """A detector in the first region, and by chance in others, with findings old and new."""
    account.bound["aws.guardduty.threat_list_active"] = {"lists": ["feed"]}
    for region in account.regions:
        on = region == account.regions[0] or account.flip()
        scans, plans, feed = account.flip(), account.flip(), account.flip()
        exported, led = account.flip(), account.flip()
        here = answers(guardduty_backends, account.number, region)
        here["describe_organization_configuration"] = {
            "AutoEnableOrganizationMembers": "ALL" if led else "NEW"
        }
        here["list_publishing_destinations"] = {
            "Destinations": [
                {"Status": "PUBLISHING", "DestinationId": "1", "DestinationType": "S3"}
            ]
            * exported
        }
        here["list_threat_intel_sets"] = {"ThreatIntelSetIds": ["1"]}
        here["get_threat_intel_set"] = {
            "Name": "feed",
            "Format": "TXT",
            "Location": "https://s3/secret",
            "Status": "ACTIVE" if feed else "INACTIVE",
        }
        ask = account.least
        ask.update(["GET /detector", "GET /malware-protection-plan"])
        if on:
            names = [*(FEATURES if plans else ()), *(["EBS_MALWARE_PROTECTION"] if scans else [])]
            account.client("guardduty", region).create_detector(
                Enable=True,
                Features=[{"Name": each, "Status": "ENABLED"} for each in names],
            )
            _findings(account, region, here)
            ask.update(f"GET /detector/-{part}" for part in ("", "/admin", "/administrator"))
            ask.update(f"GET /detector/-/{part}" for part in ("publishingDestination",))
            ask.update(["GET /detector/-/threatintelset", "GET /detector/-/threatintelset/1"])
            ask.update(["POST /detector/-/findings", "POST /detector/-/findings/get"])
        for check, holds in {
            "enabled_all_regions": on,
            "protection_plans_enabled": on and plans,
            "malware_protection_enabled": on and scans,
            "threat_list_active": on and feed,
            "findings_exported": on and exported,
        }.items():
            account.expect(f"aws.guardduty.{check}", region, holds)
        account.expect("aws.guardduty.org_auto_enable", region, led if on else "not_applicable")


def _findings(account: RandomAccount, region: str, here: dict[str, Any]) -> None:
    rows = []
    for number in range(account.size):
        late = account.flip()
        arn = f"arn:aws:guardduty:{region}:{account.number}:detector/d/finding/{number}"
        rows.append(
            {
                "Id": str(number),
                "Arn": arn,
                "AccountId": account.number,
                "Region": region,
                "Type": "Trojan:EC2/DNSDataExfiltration",
                "Severity": 8.0,
                "CreatedAt": _days_ago(9 if late else 1),
                "UpdatedAt": _days_ago(0),
                "SchemaVersion": "2.0",
                "Resource": {"AccessKeyDetails": {"UserName": "canary-person"}},
            }
        )
        account.expect("aws.guardduty.findings_within_sla", arn, not late)
    here["list_findings"] = {"FindingIds": [row["Id"] for row in rows]}
    here["get_findings"] = {"Findings": rows}


def securityhub(account: RandomAccount) -> None:
    """A hub in the first region, and by chance in others; an aggregator by chance."""
    account.bound["aws.securityhub.cross_region_aggregation"] = {"aggregating": [account.number]}
    first = account.regions[0]
    arn = f"arn:aws:securityhub:{first}:{account.number}:finding-aggregator/1"
    everywhere = account.flip()
    on_in = [first] + [region for region in account.regions[1:] if account.flip()]
    account.least.update(["GET /findingAggregator/list", "GET /findingAggregator/get/…"])
    for region in account.regions:
        account.least["GET /accounts"] += 1
        on, ready = region in on_in, account.flip()
        account.expect("aws.securityhub.enabled", region, on)
        account.expect("aws.securityhub.standard_enabled", region, on and ready)
        here = answers(securityhub_backends, account.number, region)
        here["list_finding_aggregators"] = {"FindingAggregators": [{"FindingAggregatorArn": arn}]}
        here["get_finding_aggregator"] = {
            "FindingAggregatorArn": arn,
            "FindingAggregationRegion": first,
            "RegionLinkingMode": "ALL_REGIONS" if everywhere else "NO_REGIONS",
        }
        if not on:
            continue
        account.client("securityhub", region).enable_security_hub()
        here["get_enabled_standards"] = {
            "StandardsSubscriptions": [
                {
                    "StandardsArn": "arn:aws:securityhub:::standards/cis",
                    "StandardsSubscriptionArn": "arn:s",
                    "StandardsInput": {},
                    "StandardsStatus": "READY" if ready else "INCOMPLETE",
                }
            ]
        }
        late = account.flip()
        found = f"arn:aws:securityhub:{region}:{account.number}:finding/1"
        here["get_findings"] = {
            "Findings": [
                {
                    "Id": found,
                    "Title": "A bucket is public",
                    "CreatedAt": _days_ago(90 if late else 2),
                    "Severity": {"Label": "HIGH"},
                    "Resources": [{"Id": "arn:aws:s3:::acme", "Type": "AwsS3Bucket"}],
                }
            ]
        }
        account.expect("aws.securityhub.findings_within_sla", found, not late)
        account.least.update(["POST /standards/get", "POST /findings"])
    whole = everywhere or on_in == [first]
    account.expect("aws.securityhub.cross_region_aggregation", account.number, whole)


def _days_ago(days: int) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
