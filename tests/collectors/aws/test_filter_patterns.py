"""Filter patterns of CloudWatch Logs, as the user guide describes them."""

from __future__ import annotations

import pytest

from collectors import MalformedError
from collectors.aws.filter_patterns import counts

EVENT = {
    "eventName": "DeleteTrail",
    "eventSource": "cloudtrail.amazonaws.com",
    "errorCode": "Client.UnauthorizedOperation",
    "userIdentity": {"type": "Root", "invokedBy": None},
    "readOnly": False,
    "count": 7,
    "resources": [{"ARN": "arn:a"}, {"ARN": "arn:b"}],
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.eventName = DeleteTrail }", True),
        ('{ $.eventName = "DeleteTrail" }', True),
        ("{$.eventName=DeleteTrail}", True),
        ("{ $.eventName = deletetrail }", False),
        ("{ $.eventName = Delete* }", True),
        ('{ $.errorCode = "*UnauthorizedOperation" }', True),
        ("{ $.eventName = StopLogging || $.eventName = DeleteTrail }", True),
        ("{ $.eventName = DeleteTrail || $.count = 1 && $.count = 2 }", True),
        ("{ ($.eventName = DeleteTrail || $.count = 1) && $.count = 2 }", False),
        ("{ $.eventName != StopLogging }", True),
        ("{ $.nothing != StopLogging }", False),
        ("{ $.nothing = x }", False),
        ("{ $.nothing NOT EXISTS }", True),
        ("{ $.eventName NOT EXISTS }", False),
        ("{ $.userIdentity.invokedBy IS NULL }", True),
        ("{ $.readOnly IS FALSE }", True),
        ("{ $.readOnly IS TRUE }", False),
        ("{ $.readOnly = false }", True),
        ("{ $.count > 6 && $.count <= 7 }", True),
        ("{ $.count < 7 }", False),
        ("{ $.eventName > 6 }", False),
        ("{ $.resources[1].ARN = arn:b }", True),
        ("{ $.resources[0].ARN = arn:b }", False),
        ("{ $.resources[*].ARN = arn:b }", True),
        ("{ $.eventName = %^Delete% }", True),
        ("{ $.eventName = %Stop% }", False),
        ("DeleteTrail", True),
        ("DeleteTrail StopLogging", False),
        ("?DeleteTrail ?StopLogging", True),
        ("?StopLogging", False),
        ("DeleteTrail -Root", False),
        ('"cloudtrail.amazonaws.com"', True),
        ("", True),
    ],
)
def test_what_a_pattern_counts(pattern: str, expected: bool) -> None:
    assert counts(pattern, EVENT) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.eventName = }",
        "{ $.eventName = a",
        "{ eventName = a }",
        "{ $.eventName = a } more",
        "{ ($.eventName = a }",
        "{ $.eventName IS MAYBE }",
        "{ $.count > many }",
        "{ $.eventName = %(% }",
        "{ $.eventName & a }",
        "[ip, user, ...]",
    ],
)
def test_a_pattern_that_is_not_understood_is_said(pattern: str) -> None:
    with pytest.raises(MalformedError):
        counts(pattern, EVENT)
