"""What is read: one table per account or host, `[targets.<name>]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from config.declarations import Decision
from config.values import Duration, FilePath, Listed, Model, Place, Secret, Text, seconds

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@/-]{1,576}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]
Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/[^\s@]*)?$")]
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")]
Uuid = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
]
ManagementGroup = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_().-]{1,90}$")]
Authority = Annotated[str, StringConstraints(pattern=r"^https://[^\s/@]+/?$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]


class TargetSettings(Model):
    """What every target can say."""

    owner: Text | None = None
    """Who answers for what is found here; `annexa findings --by owner` counts by it."""
    freshness: Duration = seconds("24h")
    """Evidence of this target older than this is stale."""
    deadline: Duration = seconds("30m")
    """A sweep gives up on this target after this time; what was not read is then unknown."""

    @property
    def first_rate(self) -> float | None:
        """Calls per second to begin with; None where nothing limits them."""
        return None

    @property
    def subject(self) -> tuple[str, str] | None:
        """What is really read, as far as the file tells, and the setting that tells it.

        Two targets may not read the same.
        """
        return None


class LinuxTarget(TargetSettings):
    """A Linux host: this machine, or the root folder of an image."""

    platform: Literal["linux"]
    """`linux`: the host itself."""
    root: FilePath = Path("/")
    """The folder that is read as the host's `/`; another one than `/` is an image, not running."""
    slow: bool = False
    """Also read what takes minutes, such as the checksums of installed packages."""

    @property
    def subject(self) -> tuple[str, str]:
        """The root folder."""
        return str(Path(self.root).absolute()), "root"


class AwsTarget(TargetSettings):
    """An AWS account, read with the credentials of the environment, a profile or a role."""

    platform: Literal["aws"]
    """`aws`: an AWS account."""
    account: Account | None = None
    """The account's 12 digits, in quotes; a credential of another account is then refused."""
    profile: Text | None = None
    """The profile of the AWS configuration to read with; without it, the default credentials."""
    role_arn: RoleArn | None = None
    """The role to assume for reading."""
    external_id: Secret | None = None
    """The external id the role asks for: `env:NAME`, `file:path` or `cred:name`."""
    region: Region = "us-east-1"
    """The region asked for what is not regional, and for the list of regions."""
    endpoint_url: Endpoint | None = None
    """Another address for all services, such as a proxy's or a simulation's."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file, where a proxy inspects TLS."""
    generate_credential_report: bool = True
    """Ask IAM to make its credential report: the only call that is not a plain read."""
    rate: float = Field(default=50.0, gt=0, le=1000)
    """Calls per second to begin with, per service and region; throttling lowers it."""
    slow: bool = False
    """Also read what takes a call for each resource, such as whom each snapshot is shared with."""
    regions: Annotated[tuple[Region, ...], Listed] = ()
    """The only regions to read; without any, all that are enabled. It needs `regions_out`."""
    regions_out: Decision | None = None
    """Why the other regions are not read: `{ reason = "…", author = "…", date = 2026-05-01 }`."""
    organisation: bool = False
    """Read every account of the organisation that this credential may list; needs `role_name`."""
    role_name: RoleName | None = None
    """The role that is assumed in each account of the organisation."""
    accounts: Annotated[tuple[Account, ...], Listed] = ()
    """The only accounts of the organisation to read. It needs `accounts_out`."""
    accounts_out: Decision | None = None
    """Why the other accounts are not read, as in `regions_out`."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate

    @property
    def subject(self) -> tuple[str, str] | None:
        """The account, named or as the role's."""
        if self.account is not None:
            return self.account, "account"
        return (self.role_arn.split(":")[4], "role_arn") if self.role_arn else None

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A role names its account, which can be contradicted; some settings need another."""
        yield from self._halves()
        if self.external_id is not None and self.role_arn is None and self.role_name is None:
            yield ("external_id",), "is only sent when a role is assumed; add role_arn"
        if self.role_arn is None:
            return
        account = self.role_arn.split(":")[4]
        if self.account is not None and self.account != account:
            yield ("role_arn",), "the role belongs to another account than account says"

    def _halves(self) -> Iterator[tuple[Place, str]]:
        """A restriction comes with its decision, an organisation with its role."""
        for name in ("regions", "accounts"):
            only, decision = getattr(self, name), getattr(self, f"{name}_out")
            if bool(only) != (decision is not None):
                lacking = f"{name}_out" if only else name
                yield (name if only else f"{name}_out",), f"needs {lacking}"
        if self.organisation != (self.role_name is not None):
            lacking = "role_name" if self.organisation else "organisation = true"
            yield ("organisation" if self.organisation else "role_name",), f"needs {lacking}"
        if self.accounts and not self.organisation:
            yield ("accounts",), "needs organisation = true"


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


class HttpTarget(TargetSettings):
    """What every target that is read over HTTP can say."""

    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file, where a proxy inspects TLS."""
    proxy: Endpoint | None = None
    """The proxy to use; without it, the one of the environment (`HTTPS_PROXY`, `NO_PROXY`)."""
    rate: float = Field(default=10.0, gt=0, le=1000)
    """Calls per second to begin with, per service; throttling lowers it."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate


class GithubTarget(HttpTarget):
    """A GitHub organisation, read by an installed GitHub App or with a fine-grained token."""

    platform: Literal["github"]
    """`github`: a GitHub organisation."""
    organisation: Login
    """The organisation's login, as in `https://github.com/<login>`."""
    token: Secret | None = None
    """A fine-grained personal access token of an owner: `env:NAME`, `file:path` or `cred:name`."""
    app_id: Digits | None = None
    """The id of the GitHub App that is installed in the organisation, in quotes."""
    installation_id: Digits | None = None
    """The id of the app's installation, in quotes."""
    private_key: Secret | None = None
    """The app's private key in PEM form: `file:path` or `cred:name`."""
    base_url: Endpoint = "https://api.github.com"
    """The API's address; `https://HOST/api/v3` on an own server."""

    @property
    def subject(self) -> tuple[str, str]:
        """The organisation, at its address."""
        return f"{self.base_url} {self.organisation.lower()}", "organisation"

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to sign in, and a whole one."""
        app = (self.app_id, self.installation_id, self.private_key)
        if self.token is not None and any(app):
            yield ("token",), "is one way to sign in, the app another; keep one of them"
        elif self.token is None and not all(app):
            yield (), "needs token, or all of app_id, installation_id and private_key"


class OktaTarget(HttpTarget):
    """An Okta organisation, read by an API service app or with an API token."""

    platform: Literal["okta"]
    """`okta`: an Okta organisation."""
    base_url: Endpoint
    """The organisation's address, `https://acme.okta.com` or your own domain."""
    client_id: Text | None = None
    """The client id of the API service app that reads."""
    private_key: Secret | None = None
    """The app's private key in PEM form: `file:path` or `cred:name`."""
    key_id: Text | None = None
    """The key's id (`kid`), where the app has several keys."""
    token: Secret | None = None
    """An API token instead of an app; it can do all that its owner can, so prefer the app."""

    @property
    def subject(self) -> tuple[str, str]:
        """The organisation's address."""
        return self.base_url.rstrip("/").lower(), "base_url"

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to sign in, and a whole one."""
        app = (self.client_id, self.private_key)
        if self.token is not None and any(app):
            yield ("token",), "is one way to sign in, the app another; keep one of them"
        elif self.token is None and not all(app):
            yield (), "needs client_id and private_key, or token"


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


class GraphTarget(MicrosoftTarget):
    """What every tenant that is read over Microsoft Graph can say."""

    base_url: Endpoint = "https://graph.microsoft.com"
    """Graph's address; `https://graph.microsoft.us` for US Government."""


class EntraTarget(GraphTarget):
    """A tenant of Microsoft Entra ID, read over Microsoft Graph by an app with read permissions."""

    platform: Literal["entra"]
    """`entra`: a tenant of Microsoft Entra ID."""


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


class IntuneTarget(GraphTarget):
    """The devices of a tenant that Microsoft Intune manages, read over Microsoft Graph."""

    platform: Literal["intune"]
    """`intune`: a tenant's devices, the policies for them, the software on them."""


AnyTarget: TypeAlias = (
    ActiveDirectoryTarget
    | AwsTarget
    | AzureTarget
    | EntraTarget
    | GcpTarget
    | GithubTarget
    | IntuneTarget
    | LinuxTarget
    | OktaTarget
)
Target: TypeAlias = Annotated[AnyTarget, Field(discriminator="platform")]
