"""What Google's errors mean: patience, a failure that may pass, or a refusal with its cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from collectors import CallError, Cause, PassingError, ThrottledError

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

API: Final = "cloudasset.googleapis.com"

PASSING: Final = {
    "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "ABORTED", "UNKNOWN", "CANCELLED",
}  # fmt: skip

CURES: Final = {
    "SERVICE_DISABLED": f"{API} enabled in the project whose quota is used",
    "USER_PROJECT_DENIED": "serviceusage.services.use on the quota_project",
    "SECURITY_POLICY_VIOLATED": "an access level of the VPC service perimeter",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "a credential with the scope cloud-platform",
    "CONSUMER_INVALID": "a quota_project that exists",
    "BILLING_DISABLED": "billing of the quota_project",
}
"""What cures a refusal that no permission of the inventory does, by the reason Google gives.
https://docs.cloud.google.com/apis/design/errors and google/api/error_reason.proto"""

INVALID: Final = "INVALID_ARGUMENT"

UNHEARD: Final = "matches asset type {} "
"""How the inventory refuses a list because of one type: `No RESOURCE found that matches asset type
compute.googleapis.com/Unheard for consumer project: 123.`"""

PLUGIN: Final = "Getting metadata from plugin failed"
"""How gRPC says that the credential gave no token."""


def meaning(error: GoogleAPICallError, scope: str, permission: str) -> Exception:
    """What to raise for an error of the inventory about a scope that needs a permission."""
    code = _code(error)
    reason = str(error.reason or "")
    words = f"{scope}: {error.message}"
    if code == "RESOURCE_EXHAUSTED":
        return ThrottledError(code, _after(error))
    if PLUGIN in words:
        return _no_token(words)
    if "CERTIFICATE_VERIFY_FAILED" in words:
        told = f"{words}; set ca_file where a proxy inspects TLS"
        return CallError(Cause.UNREACHABLE, "untrusted certificate", told)
    if code in PASSING:
        return PassingError(code, words)
    return _refused(code, reason, words, permission)


@dataclass(frozen=True)
class UnheardType:
    """A type of assets that the inventory does not know, or not yet, or not any more."""

    asset_type: str

    @property
    def error(self) -> CallError:
        """Why nothing of that type was listed."""
        told = f"Google's inventory refuses to list {self.asset_type}"
        return CallError(Cause.PARTIAL, f"asset type refused: {self.asset_type}", told)


def names_type(error: CallError, asset_type: str) -> bool:
    """Whether a list was refused because the inventory does not know this type."""
    return error.code == INVALID and UNHEARD.format(asset_type) in str(error)


def _refused(code: str, reason: str, words: str, permission: str) -> CallError:
    if reason in CURES:
        return CallError(Cause.DENIED, reason, words, CURES[reason])
    if code == "PERMISSION_DENIED":
        return CallError(Cause.DENIED, code, words, permission)
    if code == "UNAUTHENTICATED":
        return CallError(Cause.DENIED, code, words, "a credential that is still valid")
    if code == "NOT_FOUND":
        told = f"{words}; there is no such organisation, folder or project: see scope"
        return CallError(Cause.UNREACHABLE, code, told)
    # A scope that is none, or an asset type the inventory does not know: see `names_type`.
    return CallError(Cause.MALFORMED, code, f"{words}; Google refuses the request itself")


def _code(error: GoogleAPICallError) -> str:
    status: Any = error.grpc_status_code
    return status.name if status is not None else type(error).__name__


def _no_token(words: str) -> Exception:
    if "TransportError" in words:
        return PassingError("no token", words)
    return CallError(
        Cause.DENIED,
        "no token",
        "Google gives no token for this credential: it was revoked, or is not allowed here",
        "a credential that is still valid",
    )


def _after(error: GoogleAPICallError) -> float | None:
    """The seconds Google asks us to wait (google.rpc.RetryInfo)."""
    for detail in error.details or ():
        delay: Any = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds) + float(delay.nanos) / 1e9
    return None
