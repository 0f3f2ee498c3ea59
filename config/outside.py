"""Who holds signed heads and stamps them: `[[store.outside]]`, `[[store.timestamps]]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from config.values import Duration, FilePath, Model, Place, Secret, Text, seconds

HolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/[^\s]*)?$")]
# Any that git knows but one that runs a program (`ext::`) or is taken for an option.
Remote = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/._~][^\s:]*(:[^\s:]+)*$")]
Branch = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")]


def _plain_http(name: str, url: str | None, *, allowed: bool) -> Iterator[tuple[Place, str]]:
    if url is not None and url.startswith("http://") and not allowed:
        yield (name,), "write an https address, or set allow_http = true"


class HolderSettings(Model):
    """What every holder can say."""

    name: HolderName
    """Its name in reports; keep it, for receipts are filed under it."""


class DirectoryOutside(HolderSettings):
    """A folder that the operator of the database cannot rewrite: a share, a write-once volume."""

    kind: Literal["directory"]
    """`directory`: files, never overwritten."""
    path: FilePath
    """The folder; it must be there, so that a share that is not mounted is noticed."""


class S3Outside(HolderSettings):
    """An S3 bucket that was made with Object Lock."""

    kind: Literal["s3"]
    """`s3`: objects with a retention that is set when they are put."""
    bucket: Bucket
    """The bucket."""
    prefix: str = ""
    """What the keys begin with."""
    retention: Duration = seconds("2557d")
    """How long each head is locked; seven years by default."""
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = "COMPLIANCE"
    """COMPLIANCE cannot be shortened by anyone, GOVERNANCE by those with a permission."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")] = "us-east-1"
    """The bucket's region."""
    profile: Text | None = None
    """The profile of the AWS configuration to write with; best one that cannot delete."""
    endpoint_url: Address | None = None
    """Another address than AWS's, of a store that speaks S3 and locks objects."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file."""


class GitOutside(HolderSettings):
    """A git remote whose server refuses to rewrite the branch."""

    kind: Literal["git"]
    """`git`: one commit for each head, never a forced push."""
    url: Remote
    """The remote, as `git clone` takes it; without a password."""
    branch: Branch = "main"
    """The branch that is added to."""
    ssh_key: FilePath | None = None
    """The private key to push with; without one, what ssh finds."""


class WebhookOutside(HolderSettings):
    """An address that takes each head by POST and keeps it."""

    kind: Literal["webhook"]
    """`webhook`: held after an answer of 2xx."""
    url: Address
    """Where each head is posted, as text."""
    read_url: Address | None = None
    """Where what is kept can be read back; without it a rollback cannot be noticed by it."""
    token: Secret | None = None
    """The bearer token: `env:NAME`, `file:path` or `cred:name`."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file."""
    allow_http: bool = False
    """Also speak to an address without TLS."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """HTTP must be meant."""
        yield from _plain_http("url", self.url, allowed=self.allow_http)
        yield from _plain_http("read_url", self.read_url, allowed=self.allow_http)


class TimeStamps(Model):
    """An authority that stamps each checkpoint with the time (RFC 3161)."""

    name: HolderName
    """Its name in reports; keep it, for stamps are filed under it."""
    url: Address
    """Its address."""
    ca_file: FilePath
    """The PEM file of the root that certified it: whom you trust for time."""
    tls_ca_file: FilePath | None = None
    """The certificate authorities to trust for HTTPS, where that is not the system's choice."""
    allow_http: bool = False
    """Also speak to an address without TLS: a stamp proves itself, its request is no secret."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """HTTP must be meant."""
        yield from _plain_http("url", self.url, allowed=self.allow_http)


OutsideHolder: TypeAlias = Annotated[
    DirectoryOutside | S3Outside | GitOutside | WebhookOutside, Field(discriminator="kind")
]


def same_names(found: tuple[HolderSettings | TimeStamps, ...]) -> Iterator[tuple[int, str]]:
    """Positions whose name another one has already."""
    seen: set[str] = set()
    for number, each in enumerate(found):
        if each.name in seen:
            yield number, f"the name {each.name!r} is taken already"
        seen.add(each.name)
