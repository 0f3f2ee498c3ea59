"""AWS Config, GuardDuty and Security Hub: hand-made documents, off told from denied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import Absent, CallError, Cause, Unlisted, Unread
from collectors.aws import AwsConnection, config_service, guardduty, securityhub
from collectors.aws.account import Account
from collectors.aws.config_service import RegionConfig, Rule
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller, identity

NUMBER = "123456789012"
REGION = "eu-central-1"
HOLDER = Account(id=NUMBER, listed={"Account": NUMBER})
DENIED = Unread("AccessDeniedException", "x:Y")
WHOLE = {"recordingGroup": {"allSupported": True}}
ON = [{"name": "default", "recording": True, "lastStatus": "Success"}]


def region(**facts: object) -> RegionConfig:
    given = {"recorders": [WHOLE], "statuses": ON, "retention": Absent("none"), "packs": []}
    return RegionConfig(id=REGION, scope=REGION, listed={}, facts=given | facts)


def strategy(name: str) -> list[dict[str, Any]]:
    return [{"recordingGroup": {"allSupported": False, "recordingStrategy": {"useOnly": name}}}]


@pytest.mark.parametrize(
    ("facts", "status", "because"),
    [
        ({}, "pass", ""),
        ({"recorders": []}, "fail", "no recorder"),
        ({"recorders": strategy("ALL_SUPPORTED_RESOURCE_TYPES")}, "pass", ""),
        (
            {"recorders": strategy("EXCLUSION_BY_RESOURCE_TYPES")},
            "fail",
            "the recorder leaves out kinds of resource",
        ),
        ({"statuses": [ON[0] | {"recording": False}]}, "fail", "the recorder is off"),
        ({"statuses": [ON[0] | {"lastStatus": "Failure"}]}, "fail", "last status failure"),
        ({"statuses": DENIED}, "unknown", "AccessDeniedException; needs x:Y"),
    ],
)
def test_recorder_enabled(facts: dict[str, object], status: str, because: str) -> None:
    verdict = judge(config_service.recorder_enabled, region(**facts))
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"retention": 365}, "pass"),
        ({"retention": 90}, "fail"),
        ({"recorders": []}, "not_applicable"),
    ],
)
def test_retention_period(facts: dict[str, object], status: str) -> None:
    assert judge(config_service.retention_period, region(**facts)).status == status


def pack(name: str, score: str) -> dict[str, str]:
    return {"ConformancePackName": name, "Score": score}


@pytest.mark.parametrize(
    ("packs", "wanted", "status"),
    [
        ([pack("cis", "95")], ["cis"], "pass"),
        ([pack("OrgConformsPack-cis-1a2b", "95")], ["cis"], "pass"),
        ([pack("cis", "80.5")], ["cis"], "fail"),
        ([pack("other", "100")], ["cis"], "fail"),
        ([pack("cis", "INSUFFICIENT_DATA")], ["cis"], "unknown"),
        ([], [], "not_applicable"),
    ],
)
def test_conformance_pack_score(
    packs: list[dict[str, str]], wanted: list[str], status: str
) -> None:
    check = config_service.conformance_pack_score
    assert judge(check, region(packs=packs), packs=wanted, score=90).status == status


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("COMPLIANT", "pass"),
        ("NON_COMPLIANT", "fail"),
        ("NOT_APPLICABLE", "not_applicable"),
        ("INSUFFICIENT_DATA", "unknown"),
    ],
)
def test_rules_compliant(state: Any, status: str) -> None:
    row: Any = {"ConfigRuleName": "mfa-1a2b", "Compliance": {"ComplianceType": state}}
    rule = Rule(id=f"{REGION}/mfa-1a2b", listed=row)
    check = config_service.rules_compliant
    assert judge(check, rule, baseline=["mfa"]).status == status
    assert judge(check, rule, baseline=["other"]).status == "not_applicable"


@pytest.mark.parametrize(
    ("sources", "status"),
    [
        ([{"AllAwsRegions": True}], "pass"),
        ([{"AwsRegions": [REGION]}], "fail"),
        ([None], "fail"),
        ([], "fail"),
    ],
)
def test_aggregator_covers_organization(sources: list[Any], status: str) -> None:
    found = [
        config_service.Aggregator(
            id=f"arn:{number}", listed={"OrganizationAggregationSource": source} if source else {}
        )
        for number, source in enumerate(sources)
    ]
    check = config_service.aggregator_covers_organization
    assert judge(check, HOLDER, *found, aggregating=[NUMBER]).status == status
    assert judge(check, HOLDER, *found, aggregating=["1"]).status == "not_applicable"


def watch(**facts: object) -> guardduty.Region:
    detector = {"Status": "ENABLED", "Features": {"EBS_MALWARE_PROTECTION": "ENABLED"}}
    given = {
        "detector": detector,
        "organization": Absent("BadRequestException"),
        "administrator": Absent("none"),
        "malware_plans": 0,
        "destinations": [],
        "threat_lists": [],
    }
    return guardduty.Region(id=REGION, listed={"DetectorId": "d"}, facts=given | facts)


NO_DETECTOR = guardduty.Region(
    id=REGION,
    listed={"RegionName": REGION},
    facts={"detector": Absent("none"), "malware_plans": 0, "organization": Absent("none")},
)


@pytest.mark.parametrize(
    "check",
    [
        guardduty.enabled_all_regions,
        guardduty.protection_plans_enabled,
        guardduty.malware_protection_enabled,
        guardduty.findings_exported,
    ],
)
def test_a_region_without_a_detector_fails(check: Any) -> None:
    assert judge(check, NO_DETECTOR).status == "fail"


def test_guardduty_is_on_or_suspended() -> None:
    assert judge(guardduty.enabled_all_regions, watch()).status == "pass"
    suspended = watch(detector={"Status": "DISABLED", "Features": {}})
    assert judge(guardduty.enabled_all_regions, suspended).status == "fail"
    assert judge(guardduty.enabled_all_regions, watch(detector=DENIED)).status == "unknown"


@pytest.mark.parametrize(
    ("members", "status"),
    [("ALL", "pass"), ("NEW", "fail"), (Absent("BadRequestException"), "not_applicable")],
)
def test_org_auto_enable(members: object, status: str) -> None:
    assert judge(guardduty.org_auto_enable, watch(organization=members)).status == status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"detector": DENIED, "malware_plans": 1}, "pass"),
        ({"detector": DENIED}, "unknown"),
        ({"detector": {"Status": "ENABLED", "Features": {}}, "malware_plans": DENIED}, "unknown"),
        ({"detector": {"Status": "ENABLED", "Features": {}}}, "fail"),
    ],
)
def test_malware_protection_enabled(facts: dict[str, object], status: str) -> None:
    assert judge(guardduty.malware_protection_enabled, watch(**facts)).status == status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"destinations": ["PUBLISHING"]}, "pass"),
        ({"destinations": ["UNABLE_TO_PUBLISH_FIX_DESTINATION_PROPERTY"]}, "fail"),
        ({"administrator": "999988887777"}, "pass"),
        ({}, "fail"),
    ],
)
def test_findings_exported(facts: dict[str, object], status: str) -> None:
    assert judge(guardduty.findings_exported, watch(**facts)).status == status


def test_threat_list_active() -> None:
    check = guardduty.threat_list_active
    active = watch(threat_lists=[{"Name": "feed", "Status": "ACTIVE"}])
    assert judge(check, active, lists=["feed"]).status == "pass"
    assert judge(check, active, lists=["feed", "other"]).because == "not active: other"
    assert judge(check, active, lists=[]).status == "not_applicable"
    assert judge(check, NO_DETECTOR, lists=["feed"]).status == "fail"


def rest(code: str, words: str, status: int = 403) -> Answer:
    return Answer(status, json.dumps({"message": words}), {"x-amzn-ErrorType": code})


def test_not_subscribed_is_told_from_denied(double: Double) -> None:
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    words = f"Account {NUMBER} is not subscribed to AWS Security Hub"
    double.script = {"GET /accounts": [rest("InvalidAccessException", words, 401)]}
    (hub,) = securityhub.hubs(target)
    assert isinstance(hub, securityhub.Hub)
    assert judge(securityhub.enabled, hub).status == "fail"
    assert judge(securityhub.standard_enabled, hub).status == "fail"
    for code in ("AccessDeniedException", "InvalidAccessException"):
        double.script = {"GET /accounts": [rest(code, "You are not allowed", 401)]}
        with pytest.raises(CallError) as caught:
            list(securityhub.hubs(target))
        assert caught.value.cause is Cause.DENIED


def test_the_aggregator_is_asked_of_the_first_region_with_a_hub(double: Double) -> None:
    arn = f"arn:aws:securityhub:us-east-1:{NUMBER}:finding-aggregator/1"
    regions = "".join(
        f"<item><regionName>{name}</regionName><optInStatus>opted-in</optInStatus></item>"
        for name in (REGION, "us-east-1")
    )
    words = "Account is not subscribed to AWS Security Hub"
    double.script = {
        "DescribeRegions": [Answer(body=f"<R><regionInfo>{regions}</regionInfo></R>")],
        "@eu-central-1 GET /findingAggregator/list": [rest("InvalidAccessException", words, 401)],
        "@us-east-1 GET /findingAggregator/list": [
            Answer(body=json.dumps({"FindingAggregators": [{"FindingAggregatorArn": arn}]}))
        ],
        "@us-east-1 GET /findingAggregator/get": [
            Answer(body=json.dumps({"FindingAggregatorArn": arn, "RegionLinkingMode": "X"}))
        ],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller())
    (found,) = securityhub.aggregators(target)
    assert (found.id, found.scope) == (arn, "us-east-1")


@pytest.mark.parametrize(
    ("mode", "named", "status"),
    [
        ("ALL_REGIONS", [], "pass"),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", ["us-east-1"], "fail"),
        ("SPECIFIED_REGIONS", ["us-east-1"], "pass"),
        ("SPECIFIED_REGIONS", ["us-west-2"], "fail"),
        ("NO_REGIONS", [], "fail"),
    ],
)
def test_cross_region_aggregation(mode: str, named: list[str], status: str) -> None:
    row: Any = {"FindingAggregationRegion": REGION, "RegionLinkingMode": mode, "Regions": named}
    found = securityhub.Aggregator(id="arn:a", listed=row)
    hubs = [securityhub.Hub(id=name, listed={"HubArn": "h"}) for name in (REGION, "us-east-1")]
    check = securityhub.cross_region_aggregation
    assert judge(check, HOLDER, found, *hubs, aggregating=[NUMBER]).status == status
    assert judge(check, HOLDER, *hubs, aggregating=[NUMBER]).status == "fail"
    assert judge(check, HOLDER, found, aggregating=[NUMBER]).status == "fail"
    assert judge(check, HOLDER, found, *hubs, aggregating=["1"]).status == "not_applicable"


def test_findings_come_in_pages_without_the_people_in_them(double: Double) -> None:
    arn = f"arn:aws:guardduty:{REGION}:{NUMBER}:detector/d/finding"

    def ids(*names: str, more: str = "") -> Answer:
        return Answer(body=json.dumps({"findingIds": names, "nextToken": more}))

    row = {
        "id": "1",
        "arn": f"{arn}/1",
        "createdAt": "2026-11-01T00:00:00Z",
        "resource": {"accessKeyDetails": {"userName": "canary"}},
    }
    double.script = {
        "GetCallerIdentity": [identity(NUMBER)],
        "GET /detector": [Answer(body=json.dumps({"detectorIds": ["d"]}))],
        "POST /detector/d/findings ": [ids("1", more="2"), ids("2", more="3"), ids("3")],
        "POST /detector/d/findings/get": [Answer(body=json.dumps({"findings": [row]}))],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    _, finding = guardduty.detectors(target)
    assert isinstance(finding, guardduty.Finding)
    assert "canary" not in json.dumps(finding.listed)
    assert judge(guardduty.findings_within_sla, finding).status == "fail"
    assert len(double.asked("POST /detector/d/findings ")) == 3
    assert '"equals": ["123456789012"]' in double.asked("POST /detector/d/findings ")[0].body


def test_refused_findings_leave_the_region(double: Double) -> None:
    double.script = {
        "GetCallerIdentity": [identity(NUMBER)],
        "GET /detector": [Answer(body=json.dumps({"detectorIds": ["d"]}))],
        "POST /detector/d/findings ": [rest("AccessDeniedException", "no")],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    first, last = guardduty.detectors(target)
    assert isinstance(first, guardduty.Region)
    assert isinstance(last, Unlisted)
    assert last.kind is guardduty.Finding
