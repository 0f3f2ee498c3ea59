"""How Microsoft's platforms are signed in to: azure-identity gives a token for each scope.

A token is kept until shortly before its end, for all threads of a unit.

    tokens = Tokens(SignIn(tenant_id, client_id, client_secret=secret), caller)
    api = Api(SITE, Address("https://management.azure.com"), caller,
              tokens.credential("https://management.azure.com/.default"))
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collectors.calls import Caller, Note, PassingError, Place, ThrottledError
from collectors.http_tokens import Grant, Granted
from collectors.model import CallError, Cause

AUTHORITY: Final = "https://login.microsoftonline.com"
OPERATION: Final = "POST /{tenant}/oauth2/v2.0/token"
CODE: Final = re.compile(r"\bAADSTS\d{3,8}\b")
HTTP_ERROR: Final = re.compile(r"\bHTTP Error: (\d{3})\b")
LONGEST: Final = 30.0
"""Seconds after which a token request without an answer is given up."""

CURES: Final = {
    "AADSTS7000215": "a valid client secret: this one is wrong",
    "AADSTS7000222": "a new client secret: this one has expired",
    "AADSTS700027": "a certificate that is registered with the app",
    "AADSTS700016": "an app that exists in this tenant",
    "AADSTS7000112": "an app that is not disabled",
    "AADSTS90002": "an existing tenant_id",
    "AADSTS900023": "an existing tenant_id",
    "AADSTS70021": "a federated credential for this workload's issuer and subject",
    "AADSTS700213": "a federated credential for this workload's issuer and subject",
    "AADSTS700024": "a federated token that is valid now",
    "AADSTS53003": "an exception from conditional access for this app",
    "AADSTS500011": "a scope that this tenant knows; check base_url and the cloud",
}
"""What cures a refusal, by Microsoft's own code."""

BUSY: Final = frozenset({"AADSTS50196", "AADSTS90055", "AADSTS50204"})
"""Too many token requests."""
PASSING: Final = frozenset({"AADSTS90033", "AADSTS90006", "AADSTS90012", "AADSTS90024"})
"""The sign-in service has trouble of its own."""

KEPT_CLAIMS: Final = ("tid", "appid", "oid", "idtyp", "roles")


@dataclass(frozen=True)
class SignIn:
    """Who reads: an app, a machine's own identity, or whoever the environment says.

    Args:
        tenant_id: the tenant.
        client_id: the app, or the user-assigned managed identity.
        client_secret: gives the app's secret.
        certificate: gives the app's certificate with its private key, as PEM.
        token_file: the file with the workload's federated token (Kubernetes, pipelines).
        managed_identity: the machine's own identity.
        authority: where tokens come from; another one in sovereign clouds.
        ca_file: the certificate authorities to trust, as a PEM file.
        proxy: the proxy's address.
    """

    tenant_id: str
    client_id: str | None = None
    client_secret: Callable[[], str] | None = field(default=None, repr=False)
    certificate: Callable[[], str] | None = field(default=None, repr=False)
    token_file: str | None = None
    managed_identity: bool = False
    authority: str = AUTHORITY
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)

    @property
    def way(self) -> str:
        """How it signs in, for messages and evidence."""
        if self.managed_identity:
            return "managed identity"
        if self.client_secret:
            return "client secret"
        if self.certificate:
            return "certificate"
        return "workload identity" if self.token_file else "default credential"


class Tokens:
    """The tokens of one unit, one for each scope."""

    def __init__(self, sign_in: SignIn, caller: Caller) -> None:
        self._sign_in = sign_in
        self._caller = caller
        self._lock = threading.Lock()
        self._granted: dict[str, Granted] = {}

    def credential(self, scope: str) -> Granted:
        """What requests for that scope carry; nothing is sent yet."""
        with self._lock:
            if scope not in self._granted:
                self._granted[scope] = Granted(lambda: self._ask(scope), self._caller.clock)
            return self._granted[scope]

    def token(self, scope: str) -> str:
        """The token of a scope.

        Raises:
            CallError: none was given; names Microsoft's code and what cures it.
        """
        return self.credential(scope).token().token

    def claims(self, scope: str) -> Mapping[str, Any]:
        """What the token says of who reads: tenant, app, object, roles; empty where it is opaque.

        Not verified: the platform does that, and to us it is only a name.
        """
        read = _payload(self.token(scope))
        return {name: read[name] for name in KEPT_CLAIMS if name in read}

    def _ask(self, scope: str) -> Grant:
        """A new token; the credential is made anew, so that a renewed secret is taken."""

        def send(note: Note) -> Grant:
            del note  # the answer's headers stay inside azure-identity
            return self._grant(scope)

        place = Place("token", "", None)
        return self._caller.call(OPERATION, send, place=place, parameters={"scope": scope})

    def _grant(self, scope: str) -> Grant:
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - the extra

        self._caller.check()
        try:
            with _credential(self._sign_in, self._caller) as made:
                given = made.get_token(scope)
        except ClientAuthenticationError as error:
            raise _meaning(error, self._sign_in) from None
        except ValueError:  # its text may repeat what it was given
            raise CallError(
                Cause.DENIED,
                "unusable credential",
                f"the {self._sign_in.way} cannot be used: it has not the form it must have",
                f"a valid {self._sign_in.way}",
            ) from None
        seconds = given.expires_on - self._caller.clock.now().timestamp()
        return Grant(given.token, max(seconds, 1.0))


def quiet() -> None:
    """Keep azure-identity's and MSAL's own log lines in: they repeat whole answers and ids.

    What they would say is in the `CallError` that is raised, by its code.
    """
    for name in ("azure", "msal"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _credential(sign_in: SignIn, caller: Caller) -> Any:  # noqa: ANN401 - an optional library's
    """azure-identity's credential of that kind; it retries nothing and contacts the authority only.

    Raises:
        CallError: the extra is not installed.
    """
    try:
        import azure.identity as library  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise lacking() from None
    quiet()
    left = max(1.0, min(LONGEST, caller.left))
    tries: dict[str, Any] = {"retry_total": 0, "connection_timeout": left, "read_timeout": left}
    if sign_in.managed_identity:
        return library.ManagedIdentityCredential(client_id=sign_in.client_id, **tries)
    options: dict[str, Any] = {
        **tries,
        "authority": sign_in.authority,
        "disable_instance_discovery": True,  # else login.microsoftonline.com is asked in any cloud
    }
    if sign_in.ca_file:
        options["connection_verify"] = sign_in.ca_file
    if sign_in.proxy:
        options["proxies"] = {"http": sign_in.proxy, "https": sign_in.proxy}
    tenant, client = sign_in.tenant_id, sign_in.client_id or ""
    if sign_in.client_secret:
        secret = sign_in.client_secret()
        return library.ClientSecretCredential(tenant, client, secret, **options)
    if sign_in.certificate:
        pem = sign_in.certificate().encode()
        return library.CertificateCredential(tenant, client, certificate_data=pem, **options)
    if sign_in.token_file:
        return library.WorkloadIdentityCredential(
            tenant_id=tenant, client_id=client, token_file_path=sign_in.token_file, **options
        )
    return library.DefaultAzureCredential(
        workload_identity_tenant_id=tenant, exclude_interactive_browser_credential=True, **options
    )


def installed() -> None:
    """Say what is missing before anything is asked.

    Raises:
        CallError: the extra is not installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415 - on use

    try:
        found = find_spec("azure.identity")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise lacking()


def lacking() -> CallError:
    """The refusal where the extra is not installed."""
    return CallError(
        Cause.UNREACHABLE,
        "no azure-identity",
        "the sign-in library is not installed; install the extra: annexa[azure]",
        "the extra annexa[azure]",
    )


def _meaning(error: Exception, sign_in: SignIn) -> Exception:
    """What a refused token means; of Microsoft's text, the code only: the rest moves or tells."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError  # noqa: PLC0415
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415 - the extra

    host = sign_in.authority.partition("://")[2]
    found = CODE.search(str(error))
    code = found[0] if found else ""
    for cause in _chain(error):
        if isinstance(cause, ServiceRequestError | ServiceResponseError):
            if "CERTIFICATE_VERIFY_FAILED" in str(cause):
                return CallError(
                    Cause.UNREACHABLE,
                    "untrusted certificate",
                    f"the certificate of {host} is not trusted; where a proxy inspects TLS, "
                    "set ca_file",
                )
            name = type(cause).__name__
            return PassingError(name, f"{host}: the token request failed ({name})")
    status = getattr(getattr(error, "response", None), "status_code", None)
    if failed := HTTP_ERROR.search(str(error)):
        status = int(failed[1])
    if code in BUSY or status == 429:
        return ThrottledError(code or "HTTP 429")
    if code in PASSING or (isinstance(status, int) and status >= 500):
        return PassingError(code or f"HTTP {status}", f"{host} gave no token ({code or status})")
    if isinstance(error, CredentialUnavailableError):
        return CallError(
            Cause.DENIED,
            "no credential",
            f"there is no {sign_in.way} here",
            f"a {sign_in.way} of this machine, or client_id with client_secret",
        )
    cure = CURES.get(code, f"a valid {sign_in.way}")
    message = f"{host} gave no token by {sign_in.way} ({code or 'no code'}); needs {cure}"
    return CallError(Cause.DENIED, code or "no token", message, cure)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _payload(token: str) -> Mapping[str, Any]:
    """The claims inside a token, as they stand."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        read = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
