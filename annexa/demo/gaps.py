"""What moto lacks and the demo's accounts are asked for, added to it in AWS's own form.

A collector that asks something new of AWS may need a line here: without it the demo shows a read
that failed because of the simulation, and `tests/annexa/test_demo.py` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ec2.responses import EC2Response
from moto.guardduty import urls as guardduty_urls
from moto.iam.models import IAMBackend
from moto.rds.responses import RDSResponse
from moto.securityhub import urls as securityhub_urls

if TYPE_CHECKING:
    from moto.core.common_types import TYPE_RESPONSE

REGIONS: Final = frozenset({"eu-central-1", "us-east-1"})
"""Where the simulated company may work; each further one would cost every step of the demo time."""

EC2: Final[Mapping[str, Mapping[str, Any]]] = {
    "get_snapshot_block_public_access_state": {"State": "block-all-sharing"},
    "get_image_block_public_access_state": {"ImageBlockPublicAccessState": "block-new-sharing"},
    "get_instance_metadata_defaults": {"AccountLevel": {"HttpTokens": "required"}},
    "get_serial_console_access_status": {"SerialConsoleAccessEnabled": False},
}
"""Settings of a region by the operation that reads them: the company's are in order."""

RDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "describe_db_engine_versions": {"DBEngineVersions": [{"Status": "available"}]},
    "describe_certificates": {
        "Certificates": [
            {
                "CertificateIdentifier": "rds-ca-2019",
                "CertificateArn": "arn:aws:rds:eu-central-1::cert:rds-ca-2019",
                "ValidTill": "2061-05-21T22:24:23Z",
            }
        ]
    },
}
"""What RDS tells of the versions and certificates that the company's database uses."""

PATHS: Final = (
    (guardduty_urls, "{0}/malware-protection-plan$"),
    (securityhub_urls, "{0}/findingAggregator/list$"),
)
"""Addresses that moto does not know; what is listed there is empty."""


def fill() -> None:
    """Add what is missing; called before the server starts."""
    IAMBackend.get_credential_report = with_root_user(  # type: ignore[assignment, method-assign]
        IAMBackend.get_credential_report
    )
    RegionsAndZonesBackend.regions = [
        region for region in RegionsAndZonesBackend.regions if region.name in REGIONS
    ]
    BaseResponse.call_action = with_empty_listings(  # type: ignore[assignment, method-assign]
        BaseResponse.call_action
    )
    for response, settings in ((EC2Response, EC2), (RDSResponse, RDS)):
        for operation, answer in settings.items():
            setattr(response, operation, _answering(answer))
    for urls, path in PATHS:
        urls.url_paths[path] = next(iter(urls.url_paths.values()))


def with_empty_listings(
    call: Callable[[BaseResponse], TYPE_RESPONSE],
) -> Callable[[BaseResponse], TYPE_RESPONSE]:
    """How moto answers a call, and nothing listed where it does not know the operation.

    The simulated company has none of what moto cannot make.
    """

    def answered(self: BaseResponse) -> TYPE_RESPONSE:
        try:
            return call(self)
        except NotImplementedError:
            action = self._get_action()
            if not action.startswith(("Describe", "List")):
                raise
            output = get_service_model(self.boto3_service_name).operation_model(action).output_shape
            members = output.members if output else {}
            lists: dict[str, list[Any]] = {
                name: [] for name, shape in members.items() if shape.type_name == "list"
            }
            return self.serialized(ActionResult(lists))

    return answered


def with_root_user(report: Callable[[Any], str]) -> Callable[[Any], str]:
    """A backend's credential report with the root user's row first, as AWS gives it.

    moto gives none.
    """

    def complete(backend: Any) -> str:  # noqa: ANN401 - moto's backend
        heading, *users = report(backend).splitlines()
        known = {
            "user": "<root_account>",
            "arn": f"arn:aws:iam::{backend.account_id}:root",
            "user_creation_time": "2019-04-01T08:00:00+00:00",
            "password_enabled": "not_supported",
            "password_last_used": "2025-02-11T09:30:00+00:00",
            "password_last_changed": "not_supported",
            "password_next_rotation": "not_supported",
        }
        flags = {"mfa_active", "access_key_1_active", "access_key_2_active"}
        flags |= {"cert_1_active", "cert_2_active"}
        cells = [
            known.get(name, "false" if name in flags else "N/A") for name in heading.split(",")
        ]
        return "\n".join([heading, ",".join(cells), *users, ""])

    return complete


def _answering(answer: Mapping[str, Any]) -> Callable[[BaseResponse], ActionResult]:
    return lambda _: ActionResult(dict(answer))
