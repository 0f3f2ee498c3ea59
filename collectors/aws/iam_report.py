"""The credential report of an account: made by IAM on demand, read once per unit."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collectors import CallError, Cause, MalformedError, Unread

if TYPE_CHECKING:
    from collectors.aws.target import AwsTarget

REPORT_PERMISSIONS = ("iam:GenerateCredentialReport", "iam:GetCredentialReport")
COLUMNS = frozenset({
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used",
    "password_last_changed", "mfa_active",
    *(f"access_key_{n}_{name}" for n in (1, 2) for name in (
        "active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")),
})  # fmt: skip
"""The columns that are read here (IAM user guide, "Getting credential reports")."""

POLL_SECONDS = 2.0
POLLS = 150
SWITCH = "generate_credential_report = true"

NO_VALUE = frozenset({"N/A", "no_information", "not_supported"})
"""What stands where there is no time: none of them is a time of use."""

ReportRow = Mapping[str, str]

NOT_IN_REPORT = Unread("not in the credential report yet", "", Cause.PARTIAL)


@dataclass(frozen=True)
class Report:
    """The rows by ARN; `missing` says why a row that is not there could not be read."""

    rows: Mapping[str, ReportRow] = field(default_factory=dict)
    missing: Unread = NOT_IN_REPORT

    def row(self, arn: str) -> ReportRow | Unread:
        """A user's row, or why there is none."""
        return self.rows.get(arn, self.missing)


def credential_report(target: AwsTarget) -> Report:
    """The account's credential report, asked for once per unit.

    IAM makes one at most every four hours and answers with the last one in between. With
    `generate_credential_report` off, only a report that somebody else had made is read.

    Raises:
        CallError: refused, or none there.
    """
    return target.once("iam.credential_report", lambda: _ask(target))


def _ask(target: AwsTarget) -> Report:
    api = target.api("iam", "global")
    if target.generate_credential_report:
        _generate(target)
    try:
        answer = api.get_credential_report()
    except CallError as error:
        # AWS documents ReportNotPresent, ReportExpired and ReportInProgress.
        if error.code in {"ReportNotPresent", "ReportExpired", "ReportInProgress"}:
            cause = Cause.PARTIAL if target.generate_credential_report else Cause.NOT_ASKED
            needs = "" if target.generate_credential_report else SWITCH
            raise CallError(cause, error.code, permission=needs) from error
        raise
    return parse(answer["Content"], str(answer.get("GeneratedTime", "")))


def _generate(target: AwsTarget) -> None:
    """Ask until the report is there; the caller's deadline ends it earlier."""
    api = target.api("iam", "global")
    for _ in range(POLLS):
        if api.generate_credential_report()["State"] == "COMPLETE":
            return
        target.caller.clock.sleep(POLL_SECONDS)
    raise CallError(Cause.PARTIAL, "ReportInProgress", "IAM did not finish the credential report")


def parse(content: bytes | str, generated: str) -> Report:
    """The rows of a report in CSV; each is given the time the report was made.

    Raises:
        MalformedError: a column is missing, or a row is not whole.
    """
    text = content.decode() if isinstance(content, bytes) else content
    read = csv.DictReader(io.StringIO(text))
    if absent := COLUMNS - set(read.fieldnames or ()):
        raise MalformedError(f"the credential report has no column {min(absent)}")
    found = {}
    for row in read:
        if None in row or None in row.values():
            raise MalformedError("the credential report has a broken row")
        found[row["arn"]] = row | {"generated": generated}
    return Report(found)
