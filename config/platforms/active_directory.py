"""A domain of Active Directory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.platforms.interface import Example, TargetSettings
from config.values import FilePath, Secret, Text


class ActiveDirectoryTarget(TargetSettings):
    """A domain of Active Directory, read over LDAP with an ordinary account of the domain."""

    platform: Literal["active_directory"]
    """`active_directory`: a domain."""
    url: Annotated[str, StringConstraints(pattern=r"^ldaps://[^\s/@:]+(:[0-9]{1,5})?$")]
    """A domain controller, `ldaps://dc1.corp.example`; nothing is read without TLS."""
    user: Text
    """The account that reads, `CORP\\annexa` or `annexa@corp.example`; it needs no privilege."""
    password: Secret
    """Its password: `env:NAME`, `file:path` or `cred:name`."""
    ca_file: FilePath | None = None
    """The domain's certificate authority, as a PEM file, where the system does not trust it."""
    certificate_name: Text | None = None
    """The name in the controller's certificate, where it is another than the host's."""
    rate: float = Field(default=10.0, gt=0, le=1000)
    """Searches per second."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate

    @property
    def subject(self) -> tuple[str, str]:
        """The controller."""
        return self.url, "url"


EXAMPLES = (
    Example(
        "corp",
        ActiveDirectoryTarget,
        {
            "platform": "active_directory",
            "url": "ldaps://dc1.corp.example",
            "user": "annexa@corp.example",
            "password": "cred:corp-password",
            "certificate_name": "dc1.corp.example",
        },
    ),
)
