"""A package: chosen evidence with its findings, entries, proofs, signed head, and the verifier."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import Any, Final, NamedTuple

import orjson

from annexa.export import sheets
from annexa.export.errors import ExportError
from annexa.export.items import Item, opened, sided, written
from annexa.export.withholding import KEY, Telling, Withholding, remaining
from evidence_store import Checkpoint, EntryRow, EvidenceStore, OpenedUnit, ResourceKey, merkle

TITLE: Final = "annexa evidence package v1"
VERIFIER: Final = "verify_annexa.py"


@dataclass(frozen=True)
class Asked:
    """What a package is asked to hold.

    Attributes:
        targets: Names of targets.
        kinds: Only resources of these kinds; empty: of all.
        checks: Only resources that one of these checks has judged; empty: all.
        resources: Only these ids; empty: all.
        as_of: As recorded then; None: now.
        since: A head the auditor kept: the package proves that the ledger only grew since.
        leaves: Whether all leaves are listed, so that what is left out can be counted.
        withholding: What is kept back.
        stamps: Gives the time stamps of a head, RFC 3161 responses by the authority's name.
    """

    targets: Sequence[str]
    kinds: Collection[str] = ()
    checks: Collection[str] = ()
    resources: Collection[str] = ()
    as_of: datetime | None = None
    since: Checkpoint | None = None
    leaves: bool = True
    withholding: Withholding = field(default_factory=Withholding)
    stamps: Callable[[Checkpoint], Mapping[str, bytes]] = lambda _: {}


class Package(NamedTuple):
    """A package before it is written.

    Attributes:
        files: By name.
        dated: When the newest evidence in it was recorded.
        items: How many there are.
        warnings: What can still be read although a part of it was kept back.
    """

    files: Mapping[str, bytes]
    dated: datetime
    items: int
    warnings: Sequence[str]


class _Unit(NamedTuple):
    """A unit on its way into the package."""

    row: EntryRow
    body: Mapping[str, Any]
    opened: OpenedUnit
    items: Sequence[Item]
    parts: Sequence[Mapping[str, Any]]
    lines: Mapping[str, Sequence[Any]]


def verifier() -> bytes:
    """The offline verifier, as it is shipped."""
    return resources.files("annexa.export").joinpath(VERIFIER).read_bytes()


def evidence_package(store: EvidenceStore, asked: Asked) -> Package:
    """Gather a package; the same evidence gives the same bytes.

    Raises:
        ExportError: nothing fits, a rule keeps nothing back, or the earlier head is another's.
        StoreError: the store cannot be read, or no signed head covers an entry yet.
    """
    found = [
        store.open_unit(name, _wanted(store, name, asked), asked.as_of) for name in asked.targets
    ]
    chosen = {unit.entry: unit for unit in found if unit.resources}
    if not chosen:
        raise ExportError(
            f"nothing kept of {', '.join(asked.targets)} fits what was asked; list what there is: "
            "annexa evidence show TARGET"
        )
    rows = store.proven(list(chosen), sorted({unit.sweep for unit in chosen.values()}))
    telling = asked.withholding.telling(r for unit in chosen.values() for r in unit.resources)
    units = [_unit(store, row, chosen[row.id], asked, telling) for row in rows if row.id in chosen]
    asked.withholding.refuse_idle()
    files: dict[str, bytes] = {}
    for row in rows:
        files |= dict(_entry(row))
    head = next(row.proof.checkpoint for row in rows if row.proof)
    files["checkpoint.txt"] = head.note.encode()
    for authority, response in asked.stamps(head).items():
        files[f"timestamps/{re.sub('[^0-9A-Za-z]', '-', authority)}.tsr"] = response
    if asked.since is not None:
        files["earlier.txt"] = asked.since.note.encode()
        files["consistency.txt"] = growth(store, asked.since, head)
    for unit in units:
        files |= dict(_unit_files(unit, leaves=asked.leaves))
    items = [(unit, item) for unit in units for item in unit.items]
    shown = {unit.row.id: sheets.Lines(unit.lines) for unit in units}
    for number, (unit, item) in enumerate(items, 1):
        files[f"items/{number:06}.json"] = written(item.document())
        sheet = sheets.sheet(number, item, unit.body, unit.parts, shown[unit.row.id])
        files[f"items/{number:06}.txt"] = sheet
    files["index.txt"] = sheets.index([(item, unit.body["target"]) for unit, item in items])
    files[VERIFIER] = verifier()
    dated = max(unit.row.recorded_at for unit in units)
    files["README.md"] = sheets.readme(
        [unit.body for unit in units],
        [item for _, item in items],
        head,
        sha256(files[VERIFIER]).hexdigest(),
        [rule.words for rule in asked.withholding.rules],
    )
    files["manifest.txt"] = _manifest(files)
    return Package(files, dated, len(items), list(_warnings(items, telling, files)))


def _wanted(store: EvidenceStore, target: str, asked: Asked) -> Callable[[ResourceKey], bool]:
    judged: set[tuple[str, str, str | None]] | None = None
    if asked.checks:
        judged = {
            (row.kind, row.listing_scope, row.resource_id)
            for row in store.findings(asked.as_of, target)
            if row.check_id in asked.checks
        }

    def wanted(key: ResourceKey) -> bool:
        return (
            (not asked.kinds or key.kind in asked.kinds)
            and (judged is None or tuple(key) in judged)
            and (not asked.resources or key.id in asked.resources)
        )

    return wanted


def _unit(
    store: EvidenceStore, row: EntryRow, unit: OpenedUnit, asked: Asked, telling: Telling
) -> _Unit:
    place = row.index or 0
    items = [
        Item(place, resource, asked.withholding.of(resource, telling))
        for resource in unit.resources
    ]
    if not asked.leaves:
        items = list(_with_paths(unit, items))
    body = orjson.loads(row.body)
    parts = orjson.loads(unit.parts)
    lines = {
        name: [
            {"path": sided(line.path), **opened(line.line, hidden=False)}
            for line in store.open_lines(row.id, name, _shown(name, items, parts, telling))
        ]
        for name in store.attachments(row.id)
    }
    return _Unit(row, body, unit, items, parts, {n: each for n, each in lines.items() if each})


def _with_paths(unit: OpenedUnit, items: Sequence[Item]) -> Iterator[Item]:
    """The items with the path of each leaf, for a package without the others' leaves."""
    state = {key: key + content for key, content, _ in unit.leaves if content is not None}
    verdicts = {key: key + verdict for key, _, verdict in unit.leaves}
    keys = [item.resource.opened_key.digest for item in items]
    paths = [_paths(leaves, keys) for leaves in (state, verdicts)]
    for key, item in zip(keys, items, strict=True):
        yield item._replace(state=paths[0].get(key), verdicts=paths[1][key])


def _paths(leaves: Mapping[bytes, bytes], keys: Sequence[bytes]) -> dict[bytes, Any]:
    at = {key: number for number, key in enumerate(leaves)}
    known = [key for key in keys if key in at]
    hashes = [merkle.leaf(data) for data in leaves.values()]
    return dict(zip(known, merkle.sided_paths(hashes, [at[k] for k in known]), strict=True))


def _shown(
    name: str, items: Sequence[Item], parts: Sequence[Mapping[str, Any]], telling: Telling
) -> Callable[[Any], bool]:
    """Which lines of an attachment a package shows: those behind its items, and no other's name."""
    collectors = {(part["kind"], part["scope"]): part["collector"] for part in parts}
    listings = {(collectors[item.resource.key[:2]], item.resource.key.scope) for item in items}
    open_items = {item.resource.key: item for item in items if item.is_named}
    names = {key.id for key in open_items}

    def call(line: Any) -> bool:  # noqa: ANN401 - any JSON value
        if not isinstance(line, dict) or telling.stands_in(line):
            return False
        if not line.get("collector"):
            return line.get("resource") is None and "operation" in line
        behind = (line["collector"], line["listing"]) in listings
        return behind and (line["resource"] is None or line["resource"] in names)

    def moving(line: Any) -> bool:  # noqa: ANN401 - any JSON value
        _, kind, scope = orjson.loads(name.partition(" ")[2])
        item = open_items.get(ResourceKey(kind, scope, line[0]))
        if item is None or telling.stands_in(line):
            return False
        kept_back = item.hidden
        return (
            not any(
                path == each or path.startswith(f"{each}.")
                for path in line[1]
                for each in kept_back
            )
            and "document" not in kept_back
        )

    return call if name == "journal" else moving


def _entry(row: EntryRow) -> Iterator[tuple[str, bytes]]:
    """The exact leaf, and its proof."""
    yield f"ledger/{row.index}.json", row.body
    yield f"ledger/{row.index}.tlog-proof", inclusion(row)


def inclusion(row: EntryRow) -> bytes:
    """Proof that an entry is in the signed ledger, as C2SP tlog-proof text.

    Raises:
        ExportError: no signed head covers it yet.
    """
    if row.proof is None:
        raise ExportError(f"entry {row.id} is under no signed head yet; the next checkpoint has it")
    siblings = "".join(f"{sheets.base64(sibling)}\n" for sibling in row.proof.path)
    head = row.proof.checkpoint.note
    return f"c2sp.org/tlog-proof@v1\nindex {row.index}\n{siblings}\n{head}".encode()


def _unit_files(unit: _Unit, *, leaves: bool) -> Iterator[tuple[str, bytes]]:
    folder = f"units/{unit.row.index}"
    yield f"{folder}/parts.json", unit.opened.parts
    for number, carried in unit.opened.carried.items():
        yield f"{folder}/carried-{number}.json", carried
    if leaves:
        rows = (
            f"{key.hex()} {content.hex() if content else '-'} {verdict.hex()}\n"
            for key, content, verdict in unit.opened.leaves
        )
        yield f"{folder}/leaves.txt", "".join(rows).encode()
    if unit.lines:
        yield f"{folder}/lines.json", written(unit.lines)


def growth(store: EvidenceStore, since: Checkpoint, head: Checkpoint) -> bytes:
    """Proof that the ledger only grew since an earlier head: hashes in base64, one a line.

    Raises:
        ExportError: it did not, or the head is another ledger's.
    """
    if since.size > head.size:
        raise ExportError(
            f"the earlier head is of size {since.size}, this ledger of {head.size}: it was rolled "
            "back, or the head is another ledger's; run annexa verify --against with it"
        )
    path = store.consistency(since.size, head.size)
    if not merkle.consistent(since.size, head.size, since.root, head.root, path):
        raise ExportError(
            f"the earlier head of size {since.size} is none of this ledger: it was rewritten, or "
            "the head is another ledger's; run annexa verify --against with it"
        )
    return "".join(f"{sheets.base64(each)}\n" for each in path).encode()


def _manifest(files: Mapping[str, bytes]) -> bytes:
    lines = (f"{sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return f"{TITLE}\n{''.join(lines)}".encode()


def _warnings(
    items: Sequence[tuple[_Unit, Item]], telling: Telling, files: Mapping[str, bytes]
) -> Iterator[str]:
    """Where something that was kept back can still be read."""
    for number, (_, item) in enumerate(items, 1):
        for name, other in remaining(item.hidden, item.resource):
            yield f"items/{number:06}: what {name} says still stands in {other}; withhold it too"
        if KEY not in item.hidden and telling.stands_in(item.resource.key.id):
            yield f"items/{number:06}: its key names a resource that is withheld; withhold it too"
    if telling.texts:
        for name in sorted(files):
            if re.fullmatch("ledger/.*json|units/.*/parts.json", name) and telling.stands_in(
                orjson.loads(files[name])
            ):
                yield f"{name}: names a resource that is withheld; its bytes cannot be changed"
