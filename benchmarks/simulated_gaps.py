"""What the simulated AWS lacks and only the peer asks for, or nobody's verdict depends on.

Without it the peer would try again where AWS answers: its requests and its time would be too many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.account import urls as account_urls
from moto.account.models import account_backends
from moto.account.responses import AccountResponse
from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.guardduty import urls as guardduty_urls
from moto.guardduty.models import guardduty_backends
from moto.guardduty.responses import GuardDutyResponse
from moto.iam.models import IAMBackend, iam_backends
from moto.iam.responses import IamResponse
from moto.kms.models import Key
from moto.securityhub import urls as securityhub_urls
from moto.securityhub.models import securityhub_backends
from moto.securityhub.responses import SecurityHubResponse
from moto.ssm.models import ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from tests.collectors.aws import moto_gaps_watching

CONTACT: Final = {
    "AddressLine1": "1 Main Street",
    "City": "Springfield",
    "CountryCode": "US",
    "FullName": "ACME",
    "PhoneNumber": "+15550100",
    "PostalCode": "00000",
}
MOMENT: Final = "2026-11-25T00:00:00Z"
ACCESSED: Final = {
    "JobStatus": "COMPLETED",
    "JobCreationDate": MOMENT,
    "JobCompletionDate": MOMENT,
    "ServicesLastAccessed": [],
}
GAPS: Final[moto_gaps_watching.Gaps] = (
    (
        AccountResponse,
        account_backends,
        {"get_contact_information": {"ContactInformation": CONTACT}},
    ),
    (CloudTrailResponse, cloudtrail_backends, {"lookup_events": {"Events": []}}),
    (EC2Response, ec2_backends, {"describe_vpc_endpoint_services": {"ServiceDetails": []}}),
    (
        GuardDutyResponse,
        guardduty_backends,
        {"list_members": {"Members": []}, "list_tags_for_resource": {"Tags": {}}},
    ),
    (
        IamResponse,
        iam_backends,
        {
            "generate_service_last_accessed_details": {"JobId": "0" * 36},
            "get_service_last_accessed_details": ACCESSED,
            "list_service_specific_credentials": {"ServiceSpecificCredentials": []},
        },
    ),
    (
        SecurityHubResponse,
        securityhub_backends,
        {
            "list_enabled_products_for_import": {"ProductSubscriptions": []},
            "list_organization_admin_accounts": {"AdminAccounts": []},
        },
    ),
    (
        SimpleSystemManagerResponse,
        ssm_backends,
        {"list_resource_compliance_summaries": {"ResourceComplianceSummaryItems": []}},
    ),
)
PATHS: Final[moto_gaps_watching.Paths] = {
    account_urls: ("{0}/getContactInformation$",),
    guardduty_urls: (f"{moto_gaps_watching.DETECTOR}/member$", "{0}/tags/(?P<arn>.+)$"),
    securityhub_urls: ("{0}/productSubscriptions$", "{0}/organization/admin$"),
}


def fill() -> None:
    """Add them, a row for the root user in credential reports, and a member of keys."""
    moto_gaps_watching.fill(GAPS, PATHS)
    told: tuple[Any, Any] = (IAMBackend, Key)  # methods of moto's are replaced
    told[0].get_credential_report = _with_root(IAMBackend.get_credential_report)
    told[1].to_dict = _with_multi_region(Key.to_dict)


def _with_root(told: Callable[[IAMBackend], str]) -> Callable[[IAMBackend], str]:
    """The report as AWS makes it: the root user comes first."""

    def answer(backend: IAMBackend) -> str:
        head, _, users = told(backend).partition("\n")
        arn = f"arn:aws:iam::{backend.account_id}:root"
        root = [
            *("<root_account>", arn, "2020-01-01T00:00:00+00:00", "true"),
            *("no_information", "2020-01-01T00:00:00+00:00", "not_supported", "false"),
            *("false", "N/A", "N/A", "N/A", "N/A") * 2,
            *("false", "N/A") * 2,
        ]
        return f"{head}\n{','.join(root)}\n{users}"

    return answer


def _with_multi_region(told: Callable[[Key], dict[str, Any]]) -> Callable[[Key], dict[str, Any]]:
    def answer(key: Key) -> dict[str, Any]:
        found = told(key)
        found["KeyMetadata"]["MultiRegion"] = bool(found["KeyMetadata"]["MultiRegion"])
        return found

    return answer
