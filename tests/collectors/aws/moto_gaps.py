"""What the simulated AWS lacks and our checks ask for, added to it: still answered over HTTP.

Each answer is serialised from AWS's own model, as moto's are. `fill()` comes before the server.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.ssm.responses import SimpleSystemManagerResponse

Settings = dict[str, Any]

PUBLIC = "all"

AGENT = "ssm-agent"
"""The tag by which a simulated instance says what its agent reports: Online, ConnectionLost."""


def settings(backend: Any) -> Settings:
    """What was set for one account and region."""
    found: Settings = vars(backend).setdefault("settings_of_tests", {})
    return found


def fill() -> None:
    """Add the missing operations."""
    for name, made in vars(_Missing).items():
        if not name.startswith("__"):
            setattr(EC2Response, name, made)
    SimpleSystemManagerResponse.describe_instance_information = _instance_information


def _instance_information(response: SimpleSystemManagerResponse) -> str:
    """The instances whose tag says that they have an agent."""
    here = ec2_backends[response.current_account][response.region]
    rows = [
        {"InstanceId": each.id, "PingStatus": tag["value"], "LastPingDateTime": 1764000000.0}
        for each in here.all_instances()
        for tag in each.get_tags()
        if tag["key"] == AGENT
    ]
    return json.dumps({"InstanceInformationList": rows})


class _Missing(EC2Response):  # its functions are put into moto's class
    def get_snapshot_block_public_access_state(self) -> ActionResult:
        state = settings(self.ec2_backend).get("snapshots", "unblocked")
        return ActionResult({"State": state, "ManagedBy": "account"})

    def enable_snapshot_block_public_access(self) -> ActionResult:
        settings(self.ec2_backend)["snapshots"] = state = self._get_param("State")
        return ActionResult({"State": state})

    def get_image_block_public_access_state(self) -> ActionResult:
        state = settings(self.ec2_backend).get("images", "unblocked")
        return ActionResult({"ImageBlockPublicAccessState": state, "ManagedBy": "account"})

    def enable_image_block_public_access(self) -> ActionResult:
        state = self._get_param("ImageBlockPublicAccessState")
        settings(self.ec2_backend)["images"] = state
        return ActionResult({"ImageBlockPublicAccessState": state})

    def get_instance_metadata_defaults(self) -> ActionResult:
        tokens = settings(self.ec2_backend).get("tokens")
        return ActionResult({"AccountLevel": {"HttpTokens": tokens} if tokens else {}})

    def modify_instance_metadata_defaults(self) -> ActionResult:
        settings(self.ec2_backend)["tokens"] = self._get_param("HttpTokens")
        return ActionResult({"Return": True})

    def get_serial_console_access_status(self) -> ActionResult:
        on = settings(self.ec2_backend).get("console", False)
        return ActionResult({"SerialConsoleAccessEnabled": on, "ManagedBy": "account"})

    def enable_serial_console_access(self) -> ActionResult:
        settings(self.ec2_backend)["console"] = True
        return ActionResult({"SerialConsoleAccessEnabled": True})

    def describe_snapshots(self) -> ActionResult:
        """As moto does, but with the parameters that say whose and for whom."""
        found = self.ec2_backend.describe_snapshots(
            snapshot_ids=self._get_param("SnapshotIds", []),
            filters=self._filters_from_querystring(),
        )
        if "self" in self._get_param("OwnerIds", []):
            found = [each for each in found if each.owner_id == self.current_account]
        if PUBLIC in self._get_param("RestorableByUserIds", []):
            found = [each for each in found if PUBLIC in each.create_volume_permission_groups]
        return ActionResult({"Snapshots": found})

    def create_client_vpn_endpoint(self) -> ActionResult:
        made = settings(self.ec2_backend).setdefault("client_vpns", [])
        number = f"cvpn-endpoint-{self.region}-{len(made)}"
        log = self._get_param("ConnectionLogOptions", {})
        made.append(
            {
                "ClientVpnEndpointId": number,
                "Status": {"Code": "available"},
                "ConnectionLogOptions": {"Enabled": log.get("Enabled") in {True, "true"}},
                "AuthenticationOptions": [
                    {"Type": each["Type"]} for each in self._get_param("AuthenticationOptions", [])
                ],
            }
        )
        return ActionResult({"ClientVpnEndpointId": number})

    def describe_client_vpn_endpoints(self) -> ActionResult:
        made = settings(self.ec2_backend).get("client_vpns", [])
        return ActionResult({"ClientVpnEndpoints": made})
