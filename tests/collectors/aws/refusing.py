"""Calls of AWS refused for want of a permission, in the words of each of its protocols."""

from __future__ import annotations

import json
from collections.abc import Collection

from tests.collectors.aws.double import Answer, Double, error

DETECTOR = "/detector/[0-9a-f]{32}"
REST = {
    "guardduty:DescribeOrganizationConfiguration": rf" GET {DETECTOR}/admin[? ]",
    "guardduty:GetAdministratorAccount": rf" GET {DETECTOR}/administrator ",
    "guardduty:GetDetector": rf" GET {DETECTOR} ",
    "guardduty:GetFindings": rf" POST {DETECTOR}/findings/get ",
    "guardduty:GetThreatIntelSet": rf" GET {DETECTOR}/threatintelset/",
    "guardduty:ListDetectors": r" GET /detector[? ]",
    "guardduty:ListFindings": rf" POST {DETECTOR}/findings ",
    "guardduty:ListMalwareProtectionPlans": r" GET /malware-protection-plan",
    "guardduty:ListPublishingDestinations": rf" GET {DETECTOR}/publishingDestination",
    "guardduty:ListThreatIntelSets": rf" GET {DETECTOR}/threatintelset[? ]",
    "securityhub:DescribeHub": r" GET /accounts",
    "securityhub:GetEnabledStandards": r" POST /standards/get",
    "securityhub:GetFindingAggregator": r" GET /findingAggregator/get/",
    "securityhub:GetFindings": r" POST /findings ",
    "securityhub:ListFindingAggregators": r" GET /findingAggregator/list",
}
"""What a service without operation names is asked by."""


def refuse(copy: Double, permissions: Collection[str]) -> None:
    """From now on these calls, and no others, are answered as where the permission is missing."""
    copy.script = {}
    for permission in permissions:
        action = permission.partition(":")[2]
        words = f"User: arn:aws:iam::1:user/a is not authorized to perform: {permission}"
        told = {"__type": "AccessDeniedException", "message": words}
        body = json.dumps(told)
        if permission in REST:
            kind = {"x-amzn-ErrorType": "AccessDeniedException"}
            copy.script[REST[permission]] = [Answer(403, body, kind)]
            continue
        copy.script[rf"Action={action}(&|$)"] = [error("AccessDenied", 403, words)]
        copy.script[rf"\.{action}$"] = [Answer(400, body)]
        copy.script[rf"/operation/{action} "] = [Answer(400, raw=cbor(told))]


def cbor(told: dict[str, str]) -> bytes:
    """A short object of texts as the concise binary form of younger protocols."""
    texts = [text.encode() for pair in told.items() for text in pair]
    return bytes([0xA0 + len(told)]) + b"".join(bytes([0x78, len(t)]) + t for t in texts)
