"""What went wrong with a request to AWS, as the engine understands it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from collectors import CallError, Cause, MalformedError, PassingError, ThrottledError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

THROTTLED: Final = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException",
    "TransactionInProgressException",
})  # fmt: skip
"""The codes that botocore itself retries as throttling."""

PASSING: Final = frozenset({
    "InternalError", "InternalFailure", "InternalServerError", "InternalServerException",
    "OperationAborted", "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable",
    "ServiceUnavailableException",
})  # fmt: skip

DENIED: Final = frozenset({
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError",
    "AuthorizationErrorException", "ForbiddenException", "NotAuthorized",
    "NotAuthorizedException", "UnauthorizedException", "UnauthorizedOperation",
})  # fmt: skip

NOT_LICENSED: Final = frozenset({
    "NotSignedUp", "OptInRequired", "OptInRequiredException", "SubscriptionRequired",
    "SubscriptionRequiredException",
})  # fmt: skip

RENEW: Final = "a renewed credential"
CREDENTIAL: Final = "a valid credential"
CLOCK: Final = "the right time on this machine"

CURES: Final = {
    "ExpiredToken": RENEW,
    "ExpiredTokenException": RENEW,
    "TokenRefreshRequired": RENEW,
    "RequestExpired": CLOCK,
    "RequestTimeTooSkewed": CLOCK,
    "AuthFailure": CREDENTIAL,
    "IncompleteSignature": CREDENTIAL,
    "InvalidAccessKeyId": CREDENTIAL,
    "InvalidClientTokenId": CREDENTIAL,
    "InvalidToken": CREDENTIAL,
    "InvalidSignatureException": CREDENTIAL,
    "MissingAuthenticationToken": CREDENTIAL,
    "MissingAuthenticationTokenException": CREDENTIAL,
    "SignatureDoesNotMatch": CREDENTIAL,
    "UnrecognizedClientException": CREDENTIAL,
}
"""Codes with which AWS refuses the credential itself, and what would cure it."""

UNTRUSTED: Final = (
    "the server's certificate is not trusted; where a proxy inspects TLS, set ca_file"
)
NAMED_PERMISSION: Final = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
DENIED_BY: Final = re.compile(
    r"explicit deny in an? (service control|resource control|permissions boundary|session)"
)
"""What refuses although the role's own policy may grant it, where AWS says so."""


def understood(error: Exception) -> Exception | None:
    """The engine's form of an error that botocore raised; None for one that is not botocore's."""
    from botocore import exceptions as failed  # noqa: PLC0415 - loaded where AWS is read only
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    meant: Exception | None = None
    if isinstance(error, failed.ClientError):
        meant = refused(error)
    elif isinstance(error, ResponseParserError):
        meant = MalformedError("the answer does not have the form that AWS documents")
    elif isinstance(error, failed.ParamValidationError):
        meant = CallError(Cause.MALFORMED, type(error).__name__, _first_line(error))
    elif isinstance(error, failed.SSLError):
        meant = CallError(Cause.UNREACHABLE, type(error).__name__, UNTRUSTED)
    elif isinstance(error, _passing()):
        meant = PassingError(type(error).__name__, _first_line(error))
    elif isinstance(error, failed.EndpointProviderError | failed.BaseEndpointResolverError):
        meant = CallError(Cause.UNREACHABLE, type(error).__name__, _first_line(error))
    elif isinstance(error, failed.BotoCoreError):
        meant = _without_credential(error)
    return meant


def refused(error: ClientError) -> Exception:
    """What an error answer of AWS means."""
    code = str(error.response.get("Error", {}).get("Code") or "no code")
    message = str(error.response.get("Error", {}).get("Message") or code)
    meta = error.response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode") or 0)
    if code in THROTTLED or status == 429:
        return ThrottledError(code, _seconds(meta.get("HTTPHeaders", {})))
    if code in CURES:
        return CallError(Cause.DENIED, code, f"{message}; needs {CURES[code]}", CURES[code])
    if code in NOT_LICENSED:
        return CallError(Cause.NOT_LICENSED, code, message)
    if code in DENIED or status in {401, 403}:
        return CallError(Cause.DENIED, code, message, _cure(message))
    if code in PASSING or (status >= 500 and status != 501):
        return PassingError(code, message)
    return CallError(Cause.PARTIAL, code, message)


def _cure(message: str) -> str:
    """The permission that AWS names; of one that a policy above the role denies, which policy."""
    named = NAMED_PERMISSION.search(message)
    if named is None:
        return ""
    above = DENIED_BY.search(message)
    return (
        f"{named.group(1)} not denied by the {above.group(1)} policy" if above else named.group(1)
    )


def no_such_host(error: Exception) -> bool:
    """Whether the address of a service has no entry in the DNS."""
    why = getattr(error, "kwargs", {}).get("error")
    return type(why).__name__ == "NameResolutionError"


def _passing() -> tuple[type[Exception], ...]:
    from botocore import exceptions as failed  # noqa: PLC0415

    return (
        failed.ChecksumError,
        failed.ConnectionError,
        failed.HTTPClientError,
        failed.IncompleteReadError,
    )


def _without_credential(error: Exception) -> CallError:
    """Every other error of the SDK arises before a request: a credential that is not there."""
    name = type(error).__name__
    advice = (
        "sign in again with `aws sso login`"
        if "SSO" in name or "Token" in name
        else "set profile, role_arn or the credentials of the environment"
    )
    return CallError(Cause.DENIED, name, f"{_first_line(error)}; {advice}", CREDENTIAL)


def _seconds(headers: Any) -> float | None:  # noqa: ANN401 - headers as botocore gives them
    """The patience asked for in Retry-After, where it is a number of seconds."""
    value = str(headers.get("retry-after", ""))
    return float(value) if value.isdecimal() else None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
