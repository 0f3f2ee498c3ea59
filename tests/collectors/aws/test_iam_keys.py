"""AWS IAM, keys and certificates: the checks on hand-made documents."""

from __future__ import annotations

import pytest

from collectors.aws.iam_keys import (
    access_key_rotated,
    access_key_unused,
    server_certificate_not_expired,
)
from collectors.aws.iam_kinds import AccessKey, ServerCertificate
from collectors.testing import judge

KEY = {
    "user": "alice",
    "active": "true",
    "last_rotated": "2026-11-01T00:00:00+00:00",
    "last_used_date": "2026-11-20T00:00:00+00:00",
    "last_used_region": "eu-west-1",
    "last_used_service": "s3",
}


def key(**changes: str) -> AccessKey:
    return AccessKey(id="arn:aws:iam::1:user/alice/access_key_1", listed=KEY | changes)


@pytest.mark.parametrize(
    ("changes", "status", "because"),
    [
        ({}, "pass", ""),
        ({"last_rotated": "2026-08-26T09:00:00Z"}, "pass", ""),
        (
            {"last_rotated": "2026-08-26T08:59:59Z"},
            "fail",
            "created or changed 2026-08-26, limit 90 days",
        ),
        ({"active": "false", "last_rotated": "2020-01-01T00:00:00Z"}, "not_applicable", "inactive"),
    ],
)
def test_an_active_key_is_replaced_on_schedule(
    changes: dict[str, str], status: str, because: str
) -> None:
    verdict = judge(access_key_rotated, key(**changes))
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("changes", "status", "because"),
    [
        ({}, "pass", ""),
        ({"last_used_date": "2026-10-10T09:00:00Z"}, "pass", ""),
        (
            {"last_used_date": "2026-10-10T08:00:00Z"},
            "fail",
            "last used 2026-10-10, limit 45 days",
        ),
        ({"last_used_date": "N/A"}, "pass", ""),
        (
            {"last_used_date": "N/A", "last_rotated": "2026-01-01T00:00:00Z"},
            "fail",
            "never used, created 2026-01-01, limit 45 days",
        ),
        ({"active": "false"}, "not_applicable", "inactive"),
        ({"last_used_date": "soon"}, "unknown", "not a time: 'soon'"),
    ],
)
def test_an_active_key_is_in_use(changes: dict[str, str], status: str, because: str) -> None:
    verdict = judge(access_key_unused, key(**changes))
    assert (verdict.status, verdict.because) == (status, because)


def test_the_limit_is_the_organisations() -> None:
    it = key(last_rotated="2026-11-20T00:00:00Z")
    assert judge(access_key_rotated, it, limit=3).status == "fail"


@pytest.mark.parametrize(
    ("expires", "status"),
    [("2026-11-24T09:00:01Z", "pass"), ("2026-11-24T09:00:00Z", "fail")],
)
def test_a_server_certificate_is_valid(expires: str, status: str) -> None:
    it = ServerCertificate(id="arn:aws:iam::1:server-certificate/a", listed={"Expiration": expires})  # type: ignore[typeddict-item]
    assert judge(server_certificate_not_expired, it).status == status
