"""A declared target as its platform's connection; one platform's code is imported at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from collectors import Connection
from config import ActiveDirectoryTarget, AnyTarget, AwsTarget, LinuxTarget, SecretError, SecretRef


def connection(name: str, target: AnyTarget) -> Connection:
    """The connection to a declared target; it is opened, and its SDK imported, by a sweep.

    Raises:
        SecretError: a secret it needs cannot be had; names the setting.
    """
    match target:
        case LinuxTarget():
            return _linux(name, target)
        case AwsTarget():
            return _aws(name, target)
        case ActiveDirectoryTarget():
            return _active_directory(name, target)


def _linux(name: str, target: LinuxTarget) -> Connection:
    from collectors.linux import LinuxConnection  # noqa: PLC0415 - one platform at a time

    return LinuxConnection(name, str(target.root), slow=target.slow)


def _aws(name: str, target: AwsTarget) -> Connection:
    from collectors.aws import AwsConnection  # noqa: PLC0415 - one platform at a time

    external_id = target.external_id
    return AwsConnection(
        name=name,
        account=target.account,
        profile=target.profile,
        role_arn=target.role_arn,
        external_id=secret(f"targets.{name}.external_id", external_id)() if external_id else None,
        region=target.region,
        endpoint_url=target.endpoint_url,
        ca_file=path_text(target.ca_file),
        generate_credential_report=target.generate_credential_report,
    )


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


def path_text(path: Path | None) -> str | None:
    """A path as libraries take it."""
    return str(path) if path else None


def secret(setting: str, reference: SecretRef) -> Callable[[], str]:
    """What fetches a secret each time it is needed, so that a renewed one is taken.

    Raises:
        SecretError: it cannot be had now; names the setting.
    """
    try:
        reference.get()
    except SecretError as error:
        raise SecretError(f"{setting}: {error}") from None
    return reference.get
