"""What is asked of Microsoft Intune, with the application permission each read needs."""

from __future__ import annotations

from typing import Final

from collectors.graph import GraphConnection, graph_site
from collectors.http import Read

DEVICES: Final = "DeviceManagementManagedDevices.Read.All"
CONFIGURATION: Final = "DeviceManagementConfiguration.Read.All"
KEYS: Final = "BitlockerKey.ReadBasic.All"

NEEDS: Final = {
    "GET /v1.0/deviceManagement/managedDevices": DEVICES,
    "GET /v1.0/deviceManagement/managedDeviceOverview": DEVICES,
    "GET /v1.0/deviceManagement/detectedApps": DEVICES,
    "GET /v1.0/deviceManagement/deviceCompliancePolicies": CONFIGURATION,
    "GET /v1.0/deviceManagement/deviceConfigurations": CONFIGURATION,
    "GET /v1.0/informationProtection/bitlocker/recoveryKeys": KEYS,
}
"""Every read with a permission that suffices for it, as Microsoft's permissions file says."""

CLIENT: Final = {"ocp-client-name": "annexa", "ocp-client-version": "1"}
"""Who asks, as the list of recovery keys wants to be told."""

SITE: Final = graph_site("intune", [Read(each, service="intune") for each in NEEDS], CLIENT)


class IntuneConnection(GraphConnection):
    """The devices of a tenant that Microsoft Intune manages."""

    platform = "intune"
    site = SITE
