"""A declared target as its platform's connection; one platform's code is imported at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from collectors import CallError, Cause, Connection
from config import (
    ActiveDirectoryTarget,
    AnyTarget,
    AwsTarget,
    AzureTarget,
    Decision,
    EntraTarget,
    GcpTarget,
    GithubTarget,
    IntuneTarget,
    LinuxTarget,
    MicrosoftTarget,
    OktaTarget,
    SecretError,
    SecretRef,
)

if TYPE_CHECKING:
    from collectors.aws import AwsConnection
    from collectors.microsoft import SignIn


def connection(  # noqa: PLR0911 - one for each platform
    name: str,
    target: AnyTarget,
    on: dt.date,
    out: Mapping[str, str] | None = None,
    only: frozenset[str] = frozenset(),
) -> Connection:
    """The connection to a declared target; it is opened, and its SDK imported, by a sweep.

    Args:
        name: the target's name.
        target: what is declared of it.
        on: the day; a decision counts from its own date.
        out: of an organisation, the account numbers that are out of scope, with the reason.
        only: of an organisation, the keys of the accounts that are asked for; empty for all.

    Raises:
        SecretError: a secret it needs cannot be had; names the setting.
    """
    match target:
        case LinuxTarget():
            return _linux(name, target)
        case AwsTarget():
            one = _aws(name, target, on)
            return _organisation(one, target, on, out or {}, only) if target.organisation else one
        case ActiveDirectoryTarget():
            return _active_directory(name, target)
        case AzureTarget():
            return _azure(name, target)
        case GcpTarget():
            return _gcp(name, target)
        case EntraTarget():
            return _entra(name, target)
        case GithubTarget():
            return _github(name, target)
        case IntuneTarget():
            return _intune(name, target)
        case OktaTarget():
            return _okta(name, target)


def _linux(name: str, target: LinuxTarget) -> Connection:
    from collectors.linux import LinuxConnection  # noqa: PLC0415 - one platform at a time

    return LinuxConnection(name, str(target.root), slow=target.slow)


def _aws(name: str, target: AwsTarget, on: dt.date) -> AwsConnection:
    from collectors.aws import AwsConnection  # noqa: PLC0415 - one platform at a time

    external_id = target.external_id
    decided = counts(target.regions_out, on)
    return AwsConnection(
        name=name,
        account=target.account,
        profile=target.profile,
        role_arn=target.role_arn,
        external_id=secret(f"targets.{name}.external_id", external_id)() if external_id else None,
        region=target.region,
        regions=target.regions if decided else (),
        regions_out=decided,
        endpoint_url=target.endpoint_url,
        ca_file=path_text(target.ca_file),
        generate_credential_report=target.generate_credential_report,
        slow=target.slow,
    )


def _organisation(
    base: AwsConnection,
    target: AwsTarget,
    on: dt.date,
    out: Mapping[str, str],
    only: frozenset[str],
) -> Connection:
    from collectors.aws import AwsOrganisation  # noqa: PLC0415 - one platform at a time

    decided = counts(target.accounts_out, on)
    return AwsOrganisation(
        base=base,
        role_name=target.role_name or "",
        accounts=target.accounts if decided else (),
        accounts_out=decided,
        out=out,
        only=only,
    )


def counts(decision: Decision | None, on: dt.date) -> str:
    """A decision in words, from its own date on; empty before, and where there is none."""
    if decision is None or decision.date > on:
        return ""
    return f"out by decision of {decision.date} ({decision.reason})"


def _active_directory(name: str, target: ActiveDirectoryTarget) -> Connection:
    from collectors.active_directory import AdConnection  # noqa: PLC0415 - one platform at a time

    return AdConnection(
        name=name,
        url=target.url,
        user=target.user,
        password=secret(f"targets.{name}.password", target.password),
        ca_file=path_text(target.ca_file),
        certificate_name=target.certificate_name,
    )


def _azure(name: str, target: AzureTarget) -> Connection:
    from collectors.azure import AzureConnection  # noqa: PLC0415 - one platform at a time

    return AzureConnection(
        name=name,
        sign_in=microsoft_sign_in(name, target),
        management_group=target.management_group,
        base_url=target.base_url,
    )


def _gcp(name: str, target: GcpTarget) -> Connection:
    from collectors.gcp import GcpConnection  # noqa: PLC0415 - one platform at a time

    given = target.credentials
    return GcpConnection(
        name=name,
        scope=target.scope,
        credentials=secret(f"targets.{name}.credentials", given) if given else None,
        quota_project=target.quota_project,
        endpoint=target.endpoint,
        ca_file=path_text(target.ca_file),
    )


def _entra(name: str, target: EntraTarget) -> Connection:
    from collectors.entra import EntraConnection  # noqa: PLC0415 - one platform at a time

    return EntraConnection(name, microsoft_sign_in(name, target), target.base_url)


def _intune(name: str, target: IntuneTarget) -> Connection:
    from collectors.intune import IntuneConnection  # noqa: PLC0415 - one platform at a time

    return IntuneConnection(name, microsoft_sign_in(name, target), target.base_url)


def _github(name: str, target: GithubTarget) -> Connection:
    from collectors.github import AppKey, GithubConnection  # noqa: PLC0415 - one platform at a time

    app = None
    if target.app_id and target.installation_id and target.private_key:
        key = secret(f"targets.{name}.private_key", target.private_key)
        app = AppKey(target.app_id, target.installation_id, key)
    return GithubConnection(
        name=name,
        organisation=target.organisation,
        token=secret(f"targets.{name}.token", target.token) if target.token else None,
        app=app,
        base_url=target.base_url,
        ca_file=path_text(target.ca_file),
        proxy=target.proxy,
    )


def _okta(name: str, target: OktaTarget) -> Connection:
    from collectors.okta import OktaConnection, ServiceApp  # noqa: PLC0415 - one platform at a time

    app = None
    if target.client_id and target.private_key:
        key = secret(f"targets.{name}.private_key", target.private_key)
        app = ServiceApp(target.client_id, key, target.key_id)
    return OktaConnection(
        name=name,
        base_url=target.base_url,
        app=app,
        token=secret(f"targets.{name}.token", target.token) if target.token else None,
        ca_file=path_text(target.ca_file),
        proxy=target.proxy,
    )


def microsoft_sign_in(name: str, target: MicrosoftTarget) -> SignIn:
    """Who reads at Microsoft."""
    from collectors.microsoft import SignIn  # noqa: PLC0415 - one platform at a time

    given, key = target.client_secret, target.certificate
    return SignIn(
        tenant_id=target.tenant_id,
        client_id=target.client_id,
        client_secret=secret(f"targets.{name}.client_secret", given) if given else None,
        certificate=secret(f"targets.{name}.certificate", key) if key else None,
        token_file=path_text(target.token_file),
        managed_identity=target.managed_identity,
        authority=target.authority.rstrip("/"),
        ca_file=path_text(target.ca_file),
        proxy=target.proxy,
    )


def path_text(path: Path | None) -> str | None:
    """A path as libraries take it."""
    return str(path) if path else None


def secret(setting: str, reference: SecretRef) -> Callable[[], str]:
    """What fetches a secret each time it is needed, so that a renewed one is taken.

    One that is gone by then is refused as a platform would refuse it.

    Raises:
        SecretError: it cannot be had now; names the setting.
    """
    try:
        reference.get()
    except SecretError as error:
        raise SecretError(f"{setting}: {error}") from None

    def get() -> str:
        try:
            return reference.get()
        except SecretError as error:
            cure = f"the secret {setting}"
            raise CallError(Cause.DENIED, "secret is gone", f"{setting}: {error}", cure) from None

    return get
