"""Who reads Google Cloud: the credential of the environment, or one that is handed in as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from collectors import CallError, Cause

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
"""The only scope Cloud Asset Inventory takes; what may be read is decided by roles.
https://docs.cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list"""

CURE: Final = "a credential: set credentials, or GOOGLE_APPLICATION_CREDENTIALS in the environment"


def credential(given: Callable[[], str] | None, quota_project: str | None) -> Credentials:
    """The credential to read with; nothing is sent, but a cloud's metadata server may be asked.

    Args:
        given: gives a key file's or a workload identity configuration's JSON; None for the
            default of the environment.
        quota_project: the project whose quota is used; None for the credential's own.

    Raises:
        CallError: there is none, or it has another form.
    """
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - where Google is read only

    try:
        made = _default() if given is None else _from_json(given())
        with_quota = getattr(made, "with_quota_project", None)
        if quota_project and with_quota:
            made = with_quota(quota_project)
    except (GoogleAuthError, ValueError, KeyError, TypeError) as error:
        # The text can quote the key: only the error's name is told.
        raise CallError(
            Cause.DENIED,
            "no usable credential",
            f"the credential cannot be used ({type(error).__name__}); {CURE}",
            CURE,
        ) from None
    return made


def _default() -> Credentials:
    import google.auth  # noqa: PLC0415 - where Google is read only

    made, _ = cast("tuple[Credentials, object]", google.auth.default(scopes=[SCOPE]))
    return made


def _from_json(text: str) -> Credentials:
    """By its type, since a credential of another type than expected may run commands."""
    from google.auth import aws, identity_pool  # noqa: PLC0415 - where Google is read only
    from google.auth import impersonated_credentials as impersonated  # noqa: PLC0415
    from google.oauth2 import service_account  # noqa: PLC0415

    info: Any = json.loads(text)
    kind = info["type"]
    if kind == "service_account":
        key: Any = service_account.Credentials
        made = key.from_service_account_info(info, scopes=[SCOPE])
        # Signs for itself; no token is asked for.
        return cast("Credentials", made.with_always_use_jwt_access(True))
    if kind == "external_account":
        outside: Any = aws if "environment_id" in info["credential_source"] else identity_pool
        return cast("Credentials", outside.Credentials.from_info(info, scopes=[SCOPE]))
    if kind == "impersonated_service_account":
        other: Any = impersonated.Credentials
        return cast(
            "Credentials", other.from_impersonated_service_account_info(info, scopes=[SCOPE])
        )
    raise ValueError(kind)


def principal(found: Credentials) -> str:
    """Who the credential says it is; its kind where it does not say."""
    for name in ("service_account_email", "signer_email", "account"):
        said = getattr(found, name, None)
        if isinstance(said, str) and said and said != "default":
            return said
    info = getattr(found, "info", None)
    if isinstance(info, dict) and info.get("audience"):
        return str(info["audience"])
    return type(found).__module__.rpartition(".")[2]
