"""What people read of a package: a sheet per item, the index, and the README."""

from __future__ import annotations

import textwrap
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from annexa.export.items import Item
from annexa.export.withholding import REASON
from evidence_store import Checkpoint, ResourceKey

NOBODY: Final = ResourceKey("", "", None)
Body = Mapping[str, Any]
Parts = Sequence[Mapping[str, Any]]


class Lines:
    """The shown lines of a unit's attachments, by what they were made for.

    Args:
        attachments: by name, each line as the package carries it.
    """

    def __init__(self, attachments: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._calls: dict[tuple[str, str, str | None], list[Mapping[str, Any]]] = {}
        self._moving: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        for name, lines in attachments.items():
            for line in lines:
                told = orjson.loads(line["value"])
                if name == "journal":
                    made_for = told["collector"], told["listing"], told["resource"]
                    self._calls.setdefault(made_for, []).append(told)
                else:
                    _, kind, scope = orjson.loads(name.partition(" ")[2])
                    self._moving[kind, scope, told[0]] = told[1]

    def calls(self, collector: str, key: ResourceKey) -> list[Mapping[str, Any]]:
        """Calls made for the target as a whole, for the resource's listing, and for itself."""
        made_for = ("", "", None), (collector, key.scope, None), (collector, key.scope, key.id)
        return [call for each in dict.fromkeys(made_for) for call in self._calls.get(each, ())]

    def moving(self, key: ResourceKey) -> Mapping[str, Any]:
        """What moves by itself in a resource."""
        return self._moving.get((key.kind, key.scope, key.id or ""), {})


def base64(data: bytes) -> str:
    """Bytes as base64 text."""
    return b64encode(data).decode()


def sheet(number: int, item: Item, body: Body, parts: Parts, lines: Lines) -> bytes:
    """An item for people: what was found, how completely it was read, what was read."""
    resource = item.resource
    text = [
        f"EVIDENCE ITEM {number:06}",
        "",
        *_field("kind", item.kind),
        *_field("resource", item.name),
        *_field("target", body["target"]),
        *_field("sweep", f"{body['sweep']}, attempt {body['attempt']}: {body['outcome']}"),
        "",
        "FINDINGS",
        *_findings(item),
        "",
        "COMPLETENESS AND ACCURACY",
        *_reading(item, body, parts),
        *_calls(item, parts, lines),
        "",
        "WHAT WAS READ",
        *_document(item),
        *_moving(item, lines),
        "",
        "WHERE IT STANDS",
        *_field("evidence", "API or command answer as it came; what is volatile stands apart"),
        *_field("entry", f"place {item.place} of the ledger, recorded {body['recorded']}"),
        *_field("key", resource.opened_key.digest.hex()),
        *_field("content", resource.content_id.hex() if resource.content_id else "(a listing)"),
        *_field("verdicts", resource.verdict.hex()),
        "",
        "This sheet is for reading. What verify_annexa.py prints for this item is what was proven.",
        "",
    ]
    return "\n".join(text).encode()


def _field(name: str, value: object) -> Iterator[str]:
    """A named value; long ones go on below."""
    first, *more = str(value).splitlines() or [""]
    yield f"  {name:<12}{first}"
    for line in more:
        yield f"  {'':<12}{line}"


def _findings(item: Item) -> Iterator[str]:
    for finding in item.resource.findings:
        check = finding.check
        cause = f" ({finding.cause})" if finding.cause else ""
        yield f"  {finding.status.upper()}{cause}  {check['id']}"
        yield f"      severity {check['severity']}, check version {check['version']}"
        for name, bound in sorted(check["criteria"].items()):
            yield f"      criterion {name}: {_json(bound)}"
        if finding.reason.erased:
            yield "      because [erased]"
        elif finding.reason.value:
            hidden = REASON in item.hidden
            yield f"      because {'[withheld]' if hidden else finding.reason.value.decode()}"
    if not item.resource.findings:
        yield "  none: no check asks about it"


def _part(item: Item, parts: Parts) -> tuple[int, Mapping[str, Any]]:
    key = item.resource.key
    return next(
        (number, part)
        for number, part in enumerate(parts)
        if (part["kind"], part["scope"]) == (key.kind, key.scope)
    )


def _reading(item: Item, body: Body, parts: Parts) -> Iterator[str]:
    if item.is_named:
        yield from _listing(item, body, parts)
    else:
        yield from _field("listing", "kept back with the key; what verify_annexa.py says holds")
    provenance = body["provenance"]
    yield from _field("read", f"{body['started']} to {body['finished']}")
    for name in sorted(provenance):
        value = provenance[name]
        yield from _field(name[:11], value if isinstance(value, str) else _json(value))


def _listing(item: Item, body: Body, parts: Parts) -> Iterator[str]:
    number, part = _part(item, parts)
    seen = next((time for time, rows in body["observed"].items() if number in rows), "never")
    stated = "states no total" if part["total"] is None else f"states {part['total']}"
    listing = f"{part['collector']} {part['kind']} in {part['scope'] or 'the whole target'}"
    yield from _field("listing", listing)
    yield from _field("state", f"{part['state']}; last asked {seen}")
    yield from _field("rows", f"{part['collected']} came, the platform {stated}")
    if part["state"] != "complete":
        why = ", ".join(str(part[n]) for n in ("cause", "code", "permission") if part[n])
        since = part["since"]
        yield from _field("incomplete", why or "not asked in this sweep")
        yield from _field("carried", f"since sweep {since}" if since else "never read completely")


def _calls(item: Item, parts: Parts, lines: Lines) -> Iterator[str]:
    collector = _part(item, parts)[1]["collector"] if item.is_named else ""
    made = lines.calls(collector, item.resource.key if item.is_named else NOBODY)
    yield from _field("calls", f"{len(made)} shown behind this item")
    for line in made:
        of = "" if line["total"] is None else f" of {line['total']}"
        rows = "" if line["rows"] is None else f", {line['rows']} rows{of}"
        yield f"    {line['started']}  {line['operation']} {_json(line['parameters'])}"
        told = f"{line['outcome']} {line['status'] or ''}".strip()
        request = f", request {line['request_id']}" if line["request_id"] else ""
        date = f", their date {line['server_date']}" if line["server_date"] else ""
        yield f"        page {line['page']}: {told}{rows}{request}{date}"


def _document(item: Item) -> Iterator[str]:
    shown = item.members()
    if shown is None:
        yield "  a listing itself has no document"
        return
    if "why" in shown:
        yield f"  [{shown['why']}: the whole document]"
        return
    for name in sorted(shown):
        box = shown[name]
        if "why" in box:
            yield f"  {name}  [{box['why']}: digest {box['digest'][:16]}...]"
            continue
        value = orjson.dumps(orjson.loads(box["value"]), option=orjson.OPT_INDENT_2).decode()
        yield f"  {name}" + (f"  {value}" if "\n" not in value else "")
        if "\n" in value:
            yield textwrap.indent(value, "      ")


def _moving(item: Item, lines: Lines) -> Iterator[str]:
    moving = lines.moving(item.resource.key) if item.is_named else {}
    for path in sorted(moving):
        yield f"  {path}  {_json(moving[path])}  (moves by itself)"


def index(items: Sequence[tuple[Item, str]]) -> bytes:
    """One line an item: number, findings, target, kind, resource."""
    rows = []
    for number, (item, target) in enumerate(items, 1):
        counts = Counter(finding.status for finding in item.resource.findings)
        told = ", ".join(f"{counts[status]} {status}" for status in sorted(counts)) or "no finding"
        kept = "" if item.is_whole else "  [redacted]"
        rows.append(f"{number:06}  {target}  {item.kind}  {item.name}  {told}{kept}\n")
    return "".join(rows).encode()


def readme(
    bodies: Sequence[Body],
    items: Sequence[Item],
    head: Checkpoint,
    digest: str,
    rules: Sequence[str],
) -> bytes:
    """How to check the package, what is in it, and what it cannot show."""
    origin = head.note.partition("\n")[0]
    sweeps = "\n".join(
        f"- `{body['target']}`, sweep {body['sweep']}, recorded {body['recorded']}: "
        f"{sum(item.place == place for item in items)} items, {body['resources']} resources stand "
        f"in its state"
        for body, place in zip(bodies, sorted({item.place for item in items}), strict=True)
    )
    withheld = "\n".join(f"- `{rule}`" for rule in rules) or "- nothing"
    redacted = sum(not item.is_whole for item in items)
    return f"""# Evidence from {origin}

Made by annexa. Nothing in this folder has to be believed: `verify_annexa.py` recomputes it.

## Check it

1. Take `verify_annexa.py` from a release of annexa that you fetched yourself, or from an
   installation of yours: `annexa evidence verifier > verify_annexa.py`. It is one file of Python
   3.9 without dependencies, made to be read. The copy here should have this SHA-256; a copy and a
   digest from the same folder prove nothing:

       {digest}

2. Take the public key of `{origin}` from the organisation on another way than this package: in
   person, from its published policy, or from an earlier audit. It looks like `{origin}+hash+base64`
   and is what `annexa evidence key` prints.

3. Run it. If you kept the `checkpoint.txt` of an earlier package, name it: only a head that
   somebody else kept can show that history was not rewritten as a whole.

       python verify_annexa.py . --key '{origin}+...' --head earlier-checkpoint.txt

It ends with 0 if all that was asked was checked, 1 if something is wrong, 2 if something could
not be checked. Keep `checkpoint.txt` for the next audit.

## What is in it

{sweeps}

`index.txt` lists the {len(items)} items, `items/*.txt` are sheets to read. Kept back, in
{redacted} items:

{withheld}

What is kept back is replaced by its salted digest, which proves that it was there and cannot be
guessed. A resource whose key is withheld has the same `resource-...` name in every package.

## What it does not show

- That the platform told the truth, or that the collector was honest when it read: sample the
  requests in the sheets against the platform's own audit log.
- Anything outside the scope that was read. The plan of the sweep (`ledger/`) names every target.
- When it happened, except by the operator's clock, or where a time stamp is in `timestamps/`.
- An auditor's conclusion. A finding is not a control, and a control is not a certificate.
""".encode()


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
