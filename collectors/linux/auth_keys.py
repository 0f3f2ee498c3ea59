"""The SSH keys that open accounts of a Linux host: is each one somebody's?"""

from __future__ import annotations

from collections.abc import Iterator

from collectors import CallError, Resource, Scene, Verdict, criterion, fails, passes
from collectors.linux import users
from collectors.linux.auth import auth
from collectors.linux.keys import Key, further_sources, keys_of
from collectors.linux.target import LinuxTarget


class AuthorizedKey(Resource[Key], kind="linux.auth.authorized_key"):
    """A public key in an account's file; its comment is what somebody wrote beside it."""


@auth.resources(
    AuthorizedKey,
    permission=("read:/etc/passwd", "read:/etc/ssh/sshd_config", "read:~/.ssh/authorized_keys"),
)
def authorized_keys(host: LinuxTarget) -> Iterator[AuthorizedKey]:
    """Every key of every local account; what may not be read is said after all that may."""
    refusal: CallError | None = None
    seen: set[str] = set()
    for account in users.accounts(host).values():
        try:
            found = keys_of(host, account)
        except CallError as error:
            refusal = refusal or error
            continue
        for key in found:
            name = f"{key['account']} {key['path']} {key['fingerprint']}"
            if name not in seen:
                seen.add(name)
                yield AuthorizedKey(id=name, scope="host", listed=key)
    if refusal:
        raise refusal
    further_sources(host)


@auth.check(
    AuthorizedKey,
    "high",
    remediation="Remove the key from the file, or enter its fingerprint in the key register with"
    " the active person or service it belongs to.",
)
def authorized_keys_known(
    key: AuthorizedKey,
    _: Scene,
    *,
    registered: tuple[str, ...] = criterion("fingerprints of registered SSH keys, SHA256:…"),
) -> Verdict:
    """Every authorised SSH key is one of the key register's, kept for active people and services.

    The register is the organisation's list: removing a leaver's keys from it makes them fail.
    """
    known = {fingerprint.rstrip("=") for fingerprint in registered}
    return passes() if key.listed["fingerprint"] in known else fails("not in the key register")
