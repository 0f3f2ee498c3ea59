"""What the simulated AWS lacks of RDS, logs, Config, GuardDuty, IAM and Security Hub.

An answer is what a maker put into a backend's settings under the operation's name, or what its
function says to the request, else an empty one; AWS's own model serialises it, as it does moto's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.config.models import config_backends
from moto.config.responses import ConfigResponse
from moto.core.responses import ActionResult
from moto.guardduty import urls as guardduty_urls
from moto.guardduty.models import Detector, guardduty_backends
from moto.guardduty.responses import GuardDutyResponse
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse
from moto.rds.models import rds_backends
from moto.rds.responses import RDSResponse
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.securityhub import urls as securityhub_urls
from moto.securityhub.models import securityhub_backends
from moto.securityhub.responses import SecurityHubResponse

Answers = dict[str, Any]
Gaps = Sequence[tuple[Any, Any, Answers]]
Paths = Mapping[Any, Sequence[str]]

GAPS: Gaps = (
    (
        RDSResponse,
        rds_backends,
        {
            "describe_db_engine_versions": {"DBEngineVersions": []},
            "describe_db_major_engine_versions": {"DBMajorEngineVersions": []},
            "describe_certificates": {"Certificates": []},
        },
    ),
    (
        LogsResponse,
        logs_backends,
        {"get_data_protection_policy": {}, "describe_account_policies": {"accountPolicies": []}},
    ),
    (
        ConfigResponse,
        config_backends,
        {
            "describe_compliance_by_config_rule": {"ComplianceByConfigRules": []},
            "list_conformance_pack_compliance_scores": {"ConformancePackComplianceScores": []},
        },
    ),
    (
        GuardDutyResponse,
        guardduty_backends,
        {
            "describe_organization_configuration": {"AutoEnableOrganizationMembers": "NONE"},
            "list_malware_protection_plans": {"MalwareProtectionPlans": []},
            "list_findings": {"FindingIds": []},
            "get_findings": {"Findings": []},
            "list_threat_intel_sets": {"ThreatIntelSetIds": []},
            "get_threat_intel_set": {},
            "list_publishing_destinations": {"Destinations": []},
        },
    ),
    (IamResponse, iam_backends, {"list_organizations_features": {"EnabledFeatures": []}}),
    (
        ResourceGroupsTaggingAPIResponse,
        resourcegroupstaggingapi_backends,
        {"get_resources": {"ResourceTagMappingList": []}},
    ),
    (
        SecurityHubResponse,
        securityhub_backends,
        {
            "get_enabled_standards": {"StandardsSubscriptions": []},
            "list_finding_aggregators": {"FindingAggregators": []},
            "get_finding_aggregator": {},
            "get_findings": {"Findings": []},
        },
    ),
)
DETECTOR = "{0}/detector/(?P<detector_id>[^/]+)"
PATHS: Paths = {
    guardduty_urls: (
        f"{DETECTOR}/admin$",
        f"{DETECTOR}/findings$",
        f"{DETECTOR}/findings/get$",
        f"{DETECTOR}/publishingDestination$",
        f"{DETECTOR}/threatintelset$",
        f"{DETECTOR}/threatintelset/(?P<set_id>[^/]+)$",
        "{0}/malware-protection-plan$",
    ),
    securityhub_urls: (
        "{0}/standards/get$",
        "{0}/findingAggregator/list$",
        "{0}/findingAggregator/get/(?P<arn>.+)$",
    ),
}


def fill(gaps: Gaps = GAPS, paths: Paths = PATHS) -> None:
    """Add the missing operations and their addresses."""
    for response, backends, operations in gaps:
        for operation, empty in operations.items():
            setattr(response, operation, _answering(backends, operation, empty))
    for urls, missing in paths.items():
        dispatch = next(iter(urls.url_paths.values()))
        urls.url_paths.update(dict.fromkeys(missing, dispatch))
    if Detector.to_json.__name__ == "to_json":  # once
        Detector.to_json = _both_forms(Detector.to_json)


def _both_forms(told: Callable[[Detector], Answers]) -> Callable[[Detector], Answers]:
    """A detector as GuardDuty tells it: what the features say, older members say too."""

    def answer(detector: Detector) -> Answers:
        found = told(detector)
        status = {row["name"]: {"status": row["status"]} for row in found["features"]}
        off = {"status": "DISABLED"}
        found["dataSources"] |= {
            "s3Logs": status.get("S3_DATA_EVENTS", off),
            "kubernetes": {"auditLogs": status.get("EKS_AUDIT_LOGS", off)},
            "malwareProtection": {
                "scanEc2InstanceWithFindings": {
                    "ebsVolumes": status.get("EBS_MALWARE_PROTECTION", off)
                }
            },
        }
        return found

    return answer


def answers(backends: Any, number: str, region: str) -> Answers:
    """What one account and region of a service answers instead of nothing, by operation."""
    place = region if region in backends[number] else "aws"  # IAM is of no region
    found: Answers = vars(backends[number][place]).setdefault("answers_of_tests", {})
    return found


def _answering(backends: Any, operation: str, empty: Answers) -> Callable[[Any], ActionResult]:
    def answer(response: Any) -> ActionResult:
        here = answers(backends, response.current_account, response.region)
        given = here.get(operation, empty)
        return ActionResult(given(response) if callable(given) else given)

    return answer
