"""What a unit tells, as one digest: completely told again, it gives the same two roots.

The roots are a function of the documents and findings that a target's complete listings give, and
of the store's secret. So `seal` keeps a fact, not a state: these documents and findings have these
roots. Nobody without the secret can make one, and an old one put back is as true as it was. A unit
that tells what was sealed with the roots in the target's last entry has not changed, and neither
the cached state nor the digests of members need to be looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from typing import Final, NamedTuple

from evidence_store.canonical import canonical, parsed
from evidence_store.database import batches
from evidence_store.digests import check_digest
from evidence_store.model import CheckRef, Document, Finding, PartRecord, ResourceKey
from evidence_store.state import NOTHING, State

TAG: Final = b"annexa told v1\x00"
MANY: Final = 4096
"""Different lists of findings whose digests are kept at a time."""


class Told(NamedTuple):
    """What a unit tells.

    Attributes:
        digest: Of all of it.
        resources: How many it tells of.
    """

    digest: bytes
    resources: int


def seal(secret: bytes, heads: tuple[bytes, bytes], digest: bytes) -> bytes:
    """Bind what was told to the roots it gave, under the store's secret."""
    return hmac.digest(secret, TAG + b"".join(heads) + digest, "sha256")


def of_state(state: State, checks: Mapping[int, str]) -> bytes:
    """The digest of a state; `checks` are digests in hex by row."""
    known: dict[bytes, bytes] = {}

    def findings(key: ResourceKey) -> bytes:
        text = state[key].findings
        found = known.get(text)
        if found is None:
            rows = [[checks[row[0]], *row[1:]] for row in parsed(text)]
            found = known[text] = _findings(rows)
        return found

    def line(key: ResourceKey) -> bytes:
        return (state[key].sha256 or NOTHING) + findings(key)

    resources = sorted(key for key in state if key.id is not None)
    on_parts = sorted(key for key in state if key.id is None)
    return _digest((resources, line), (on_parts, findings))


def of_unit(documents: Iterable[Document], records: Iterable[PartRecord]) -> Told | None:
    """What a unit tells whose parts were all read completely; None if it contradicts itself."""
    findings = _Findings()
    known = findings.known
    lines: dict[ResourceKey, bytes] = {}
    for key, _, digest, found in documents:
        which = tuple(map(id, found))
        line = digest + (known[which][1] if which in known else findings.digest(found))
        if key.id is None or lines.setdefault(key, line) != line:
            return None
    on_parts = {
        ResourceKey(record.kind, record.scope, None): findings.digest(record.findings_on_part)
        for record in records
        if record.findings_on_part
    }
    both = [(sorted(each), each.__getitem__) for each in (lines, on_parts)]
    return Told(_digest(*both), len(lines))


class _Findings:
    """Digests of lists of findings, most of which come again and again as the same objects."""

    def __init__(self) -> None:
        # By identity: the findings are kept with it, so that none is another's successor.
        self.known: dict[tuple[int, ...], tuple[Sequence[Finding], bytes]] = {}
        self._checks: dict[int, tuple[CheckRef, str]] = {}

    def digest(self, findings: Sequence[Finding]) -> bytes:
        """The digest of what the checks say of one resource."""
        if len(self.known) == MANY:
            self.known.clear()
        rows = [[self._check(f.check), f.status, f.cause, f.reason] for f in findings]
        found = _findings(rows)
        self.known[tuple(map(id, findings))] = tuple(findings), found
        return found

    def _check(self, check: CheckRef) -> str:
        found = self._checks.get(id(check))
        if found is None:
            found = self._checks[id(check)] = check, check_digest(check).hex()
        return found[1]


def _findings(rows: list[list[str | None]]) -> bytes:
    return sha256(canonical(sorted(rows, key=itemgetter(0)))).digest()


def _digest(*told: tuple[list[ResourceKey], Callable[[ResourceKey], bytes]]) -> bytes:
    """Keys in order, and a line of the same length for each."""
    digests = b""
    for keys, line in told:
        names, lines = sha256(), sha256()
        for some in batches(keys):
            names.update(canonical([tuple(key) for key in some]))
            lines.update(b"".join(map(line, some)))
        digests += names.digest() + lines.digest()
    return sha256(digests).digest()
