"""What the simulated AWS lacks of RDS, logs, Config, GuardDuty and Security Hub.

An answer is what a maker put into a backend's settings under the operation's name, else an empty
one; AWS's own model serialises it, as it does moto's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.config.models import config_backends
from moto.config.responses import ConfigResponse
from moto.core.responses import ActionResult
from moto.guardduty import urls as guardduty_urls
from moto.guardduty.models import guardduty_backends
from moto.guardduty.responses import GuardDutyResponse
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

GAPS: tuple[tuple[Any, Any, Answers], ...] = (
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
PATHS = {
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


def fill() -> None:
    """Add the missing operations and their addresses."""
    for response, backends, operations in GAPS:
        for operation, empty in operations.items():
            setattr(response, operation, _answering(backends, operation, empty))
    for urls, paths in PATHS.items():
        dispatch = next(iter(urls.url_paths.values()))
        urls.url_paths.update(dict.fromkeys(paths, dispatch))


def answers(backends: Any, number: str, region: str) -> Answers:
    """What one account and region of a service answers instead of nothing, by operation."""
    found: Answers = vars(backends[number][region]).setdefault("answers_of_tests", {})
    return found


def _answering(backends: Any, operation: str, empty: Answers) -> Callable[[Any], ActionResult]:
    def answer(response: Any) -> ActionResult:
        here = answers(backends, response.current_account, response.region)
        return ActionResult(here.get(operation, empty))

    return answer
