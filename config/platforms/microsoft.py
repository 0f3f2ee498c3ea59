"""A tenant at Microsoft: Azure, Entra ID, Intune, all signed in to in one way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import StringConstraints

from config.platforms.interface import Endpoint, Example, HttpTarget
from config.values import FilePath, Place, Secret

Uuid = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
]
ManagementGroup = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_().-]{1,90}$")]
Authority = Annotated[str, StringConstraints(pattern=r"^https://[^\s/@]+/?$")]


class MicrosoftTarget(HttpTarget):
    """What every target says that is signed in to at Microsoft: one way, and a whole one."""

    tenant_id: Uuid
    """The tenant's id (also called directory id)."""
    client_id: Uuid | None = None
    """The id of the app registration that reads, or of a user-assigned managed identity."""
    client_secret: Secret | None = None
    """The app's secret: `env:NAME`, `file:path` or `cred:name`; a certificate is better."""
    certificate: Secret | None = None
    """The app's certificate with its private key, in PEM form: `file:path` or `cred:name`."""
    token_file: FilePath | None = None
    """The file with a federated token of this workload (Kubernetes, a pipeline): no secret."""
    managed_identity: bool = False
    """Read as the identity of the Azure machine this runs on: no secret."""
    authority: Authority = "https://login.microsoftonline.com"
    """Where tokens come from; `https://login.microsoftonline.us` for US Government."""

    @property
    def subject(self) -> tuple[str, str]:
        """The tenant."""
        return self.tenant_id.lower(), "tenant_id"

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to sign in; without any, the environment's own."""
        ways = ("client_secret", "certificate", "token_file", "managed_identity")
        given = [name for name in ways if getattr(self, name)]
        if len(given) > 1:
            yield (given[0],), f"is one way to sign in, {given[1]} another; keep one of them"
        elif given and given != ["managed_identity"] and self.client_id is None:
            yield (given[0],), "needs client_id"


class AzureTarget(MicrosoftTarget):
    """A tenant of Azure or one of its management groups: all subscriptions in it."""

    platform: Literal["azure"]
    """`azure`: a tenant, or a management group."""
    management_group: ManagementGroup | None = None
    """The id of the only management group to read; without it, the whole tenant."""
    base_url: Endpoint = "https://management.azure.com"
    """Azure Resource Manager; `https://management.usgovcloudapi.net` for US Government."""

    @property
    def subject(self) -> tuple[str, str]:
        """The tenant or management group."""
        group = self.management_group
        return f"azure {self.tenant_id} {group or ''}".lower(), "tenant_id"


class GraphTarget(MicrosoftTarget):
    """What every tenant that is read over Microsoft Graph can say."""

    base_url: Endpoint = "https://graph.microsoft.com"
    """Graph's address; `https://graph.microsoft.us` for US Government."""


class EntraTarget(GraphTarget):
    """A tenant of Microsoft Entra ID, read over Microsoft Graph by an app with read permissions."""

    platform: Literal["entra"]
    """`entra`: a tenant of Microsoft Entra ID."""


class IntuneTarget(GraphTarget):
    """The devices of a tenant that Microsoft Intune manages, read over Microsoft Graph."""

    platform: Literal["intune"]
    """`intune`: a tenant's devices, the policies for them, the software on them."""


EXAMPLES = (
    Example(
        "acme-cloud",
        AzureTarget,
        {
            "platform": "azure",
            "tenant_id": "72f988bf-0000-4000-8000-2d7cd011db47",
            "client_id": "0b1c2d3e-0000-4000-8000-5f6a7b8c9d0e",
            "certificate": "cred:azure-app-certificate",
            "proxy": "http://proxy.acme.example:3128",
        },
    ),
    Example(
        "acme-cloud-labs",
        AzureTarget,
        {
            "platform": "azure",
            "tenant_id": "72f988bf-0000-4000-8000-2d7cd011db47",
            "management_group": "labs",
            "client_id": "0b1c2d3e-0000-4000-8000-5f6a7b8c9d0e",
            "client_secret": "env:AZURE_LABS_SECRET",
        },
    ),
    Example(
        "acme-cloud-east",
        AzureTarget,
        {
            "platform": "azure",
            "tenant_id": "9d0e11aa-0000-4000-8000-3c4d5e6f7a8b",
            "client_id": "4c5d6e7f-0000-4000-8000-8a9b0c1d2e3f",
            "token_file": "/var/run/secrets/azure/tokens/azure-identity-token",
        },
    ),
    Example(
        "acme-tenant",
        EntraTarget,
        {
            "platform": "entra",
            "tenant_id": "0a1b2c3d-1111-4222-8333-444455556666",
            "client_id": "0a1b2c3d-7777-4888-8999-aaaabbbbcccc",
            "certificate": "cred:annexa-entra",
            "proxy": "http://proxy.acme.example:3128",
        },
    ),
    Example(
        "acme-tenant-test",
        EntraTarget,
        {
            "platform": "entra",
            "tenant_id": "0a1b2c3d-2222-4333-8444-555566667777",
            "client_id": "0a1b2c3d-8888-4999-8aaa-bbbbccccdddd",
            "client_secret": "file:secrets/entra-secret",
        },
    ),
    Example(
        "acme-tenant-build",
        EntraTarget,
        {
            "platform": "entra",
            "tenant_id": "0a1b2c3d-3333-4444-8555-666677778888",
            "client_id": "0a1b2c3d-9999-4aaa-8bbb-ccccddddeeee",
            "token_file": "/var/run/secrets/azure/tokens/azure-identity-token",
        },
    ),
    Example(
        "acme-devices",
        IntuneTarget,
        {
            "platform": "intune",
            "tenant_id": "0a1b2c3d-1111-4222-8333-444455556666",
            "client_id": "0a1b2c3d-7777-4888-8999-aaaabbbbcccc",
            "certificate": "cred:annexa-entra",
        },
    ),
)
