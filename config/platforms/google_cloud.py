"""A part of Google Cloud."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.platforms.interface import Example, TargetSettings
from config.values import FilePath, Secret, Text


class GcpTarget(TargetSettings):
    """A part of Google Cloud, read from Cloud Asset Inventory."""

    platform: Literal["gcp"]
    """`gcp`: an organisation, a folder or a project of Google Cloud."""
    scope: Annotated[
        str,
        StringConstraints(pattern=r"^((organizations|folders)/[0-9]+|projects/[a-z0-9.:-]+)$"),
    ]
    """What is read, with all below it: `organizations/123`, `folders/456`, `projects/acme-prod`."""
    credentials: Secret | None = None
    """A key or a workload identity configuration, as JSON: `file:path` or `cred:name`.

    Without it, the default credential of the environment.
    """
    quota_project: Text | None = None
    """The project whose quota is used, where that is not the credential's own."""
    endpoint: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$")] = (
        "cloudasset.googleapis.com"
    )
    """The inventory's host; another one for a private endpoint."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file, where a proxy inspects TLS."""
    rate: float = Field(default=1.5, gt=0, le=1000)
    """Lists per second to begin with; Google allows 100 a minute and project."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate

    @property
    def subject(self) -> tuple[str, str]:
        """The scope."""
        return self.scope, "scope"


EXAMPLES = (
    Example(
        "acme-data",
        GcpTarget,
        {
            "platform": "gcp",
            "scope": "organizations/123456789012",
            "credentials": "cred:gcp-workload-identity",
            "quota_project": "acme-audit",
        },
    ),
)
