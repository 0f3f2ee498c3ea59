"""Check a package of evidence from annexa, offline, without annexa and without trusting it.

    python verify_annexa.py PACKAGE --key 'ORIGIN+HASH+BASE64' [--head FILE] [--tsa-ca FILE]

Take this file and the key from elsewhere than the package; Python 3.9 or newer is all it needs. The
format: docs/reference/evidence-package.md. What is followed, from what people read to what was
signed: value and salt, member, document, leaf, root, entry, ledger, signed head. Exit codes: 0 all
that was asked was checked; 1 something is wrong; 2 something asked was not checked; 3 usage.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, Iterator, Optional

KNOWN = r"(manifest|checkpoint|earlier|consistency|index)\.txt|README\.md|verify_annexa\.py"
KNOWN += r"|(ledger|items|timestamps|units/[0-9]+)/[-._0-9A-Za-z]+"
STATED = rb"\x02.{2,40}?\x18.([0-9]{14}[.0-9]*Z)"  # of a time stamp: serial number, then the time
MEMBER, CONTENT = b"annexa member v1\x00", b"annexa content v1\x00"
Files = dict[str, bytes]


class Refused(argparse.ArgumentTypeError):
    """What was read is not what it should be."""


def need(condition: object, message: str) -> None:
    if not condition:
        raise Refused(message)


# ---- Ed25519 (RFC 8032, 5.1.7); points are X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z -----------
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]


def decompressed(data: bytes) -> Point:
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and not (x * x - square) % P and (x or not sign), "this is no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def added(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % P, k * m % P, j * k % P, i * m % P


def need_signature(public: bytes, message: bytes, signature: bytes) -> None:
    """Refuse unless R = sB - hA: this is the key's signature of the message."""
    scalar = int.from_bytes(signature[32:], "little")
    need(len(public) == 32 and len(signature) == 64 and scalar < ORDER, "no Ed25519 signature")
    hashed = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % ORDER
    base = decompressed((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    x, y, _, t = decompressed(public)
    total, minus = (0, 1, 1, 0), (P - x, y, 1, P - t)
    for bit in range(255, -1, -1):
        total = added(total, total)
        total = added(total, base) if scalar >> bit & 1 else total
        total = added(total, minus) if hashed >> bit & 1 else total
    x, y = (total[i] * pow(total[2], P - 2, P) % P for i in (0, 1))
    need((y | (x & 1) << 255).to_bytes(32, "little") == signature[:32], "the signature is wrong")


# ---- Merkle trees (RFC 9162, 2.1) ---------------------------------------------------------------
def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: list[bytes]) -> str:
    """Root over the data of leaves: pairs level by level, a lone last one moves up."""
    level = [sha256(b"\x00" + data).digest() for data in leaves] or [sha256(b"").digest()]
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)] + odd
    return level[0].hex()


def included(value: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to from the hash of the leaf at the index (2.1.3)."""
    need(bool(path) == (size > 1) and 0 <= index < size, "the path is not as long as the tree high")
    if size == 1:
        return value
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        return node(included(value, index, half, path[:-1]), path[-1])
    return node(path[-1], included(value, index - half, size - half, path[:-1]))


def extended(old: int, new: int, path: list[bytes], root: Optional[bytes]) -> tuple[bytes, bytes]:
    """The roots of both sizes that a consistency proof leads to (2.1.4); `root`: the old one."""
    need(len(path) >= (old < new) and 0 < old <= new, "the proof is too short")
    if old == new:
        need(len(path) == (root is None), "the proof has the wrong length")
        return (root, root) if root is not None else (path[0], path[0])
    half = 1 << ((new - 1).bit_length() - 1)
    if old <= half:
        before, after = extended(old, half, path[:-1], root)
        return before, node(after, path[-1])
    before, after = extended(old - half, new - half, path[:-1], None)
    return node(path[-1], before), node(path[-1], after)


def climbed(data: bytes, path: list[str]) -> tuple[str, str]:
    """The root that siblings, left `L<hex>` or right `R<hex>`, lead to; and the leaf's place."""
    value, place = sha256(b"\x00" + data).digest(), ""
    for step in path:
        need(step[0] in "LR", "a step of a path is neither L nor R")
        pair = (unhexed(step[1:]), value) if step[0] == "L" else (value, unhexed(step[1:]))
        value, place = node(*pair), ("1" if step[0] == "L" else "0") + place
    return value.hex(), place


def unhexed(text: str) -> bytes:  # like all that follow: one form only, no byte changes unseen
    need(re.fullmatch("[0-9a-f]{64}", text), f"no SHA-256 in hex: {text[:80]!r}")
    return bytes.fromhex(text)


def unbased(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, f"no exact base64: {text[:80]!r}")
    return data


def counted(text: str) -> int:
    need(re.fullmatch("0|[1-9][0-9]{0,17}", text), f"no number: {text[:40]!r}")
    return int(text)


def lines_of(data: bytes) -> list[str]:
    need(data.endswith(b"\n") or not data, "the last line has no end")
    return data.decode().split("\n")[:-1]


def unjson(data: bytes) -> Any:
    value = json.loads(data.decode())
    again = json.dumps(value, sort_keys=True, indent=1) + "\n"
    need(again == data.decode(), "this JSON is not written as a package writes it")
    return value


def fields(value: Any, names: str) -> list[Any]:
    need(isinstance(value, dict) and {*value} == {*names.split()}, f"not just the fields {names}")
    return [value[name] for name in names.split()]


class Key:
    """A public key, `name+hash+base64`; after a blank, the sizes it signs: ` 1-5000`."""

    def __init__(self, text: str) -> None:
        text, _, sizes = text.partition(" ")
        self.name, hint, encoded = text.split("+", 2)
        raw, self.hint = unbased(encoded), bytes.fromhex(hint)
        named = sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        need(raw[:1] == b"\x01" and named == self.hint, "no Ed25519 key of a note, or mistyped")
        first, _, last = sizes.partition("-")
        self.sizes = range(counted(first or "0"), (counted(last) if last else 1 << 62) + 1)
        self.public = raw[1:]


class Note:
    """A tree head, C2SP signed note and checkpoint, and which of the keys have signed it."""

    def __init__(self, text: str, keys: list[Key]) -> None:
        signed, _, signatures = text.rpartition("\n\n")
        self.origin, size, root, *_ = signed.split("\n")
        self.size, self.root, self.signers = counted(size), unbased(root), set()
        for line in lines_of(signatures.encode()):
            dash, name, encoded = line.split(" ")
            raw = unbased(encoded)
            need(dash == "\u2014", "a signature does not begin with an em dash")
            for key in (k for k in keys if (k.name, k.hint) == (name, raw[:4])):
                need(name == self.origin, "the signer has another name than the ledger")
                need_signature(key.public, f"{signed}\n".encode(), raw[4:])
                need(self.size in key.sizes, f"key {key.hint.hex()} signs no size {self.size}")
                self.signers.add(key.hint.hex())


class Value:
    """A value opened by its salt, or the digest of one that is kept back."""

    def __init__(self, name: str, box: Any) -> None:
        self.name = len(name.encode()).to_bytes(4, "big") + name.encode()
        self.why, self.text = box.get("why"), box.get("value")
        if self.why:
            need(self.why in {"withheld", "erased"}, "kept back for no known reason")
            self.digest = unhexed(fields(box, "digest why")[0])
        else:
            salt, text = fields(box, "salt value")
            self.digest = sha256(MEMBER + unhexed(salt) + self.name + text.encode()).digest()


class Unit:
    """An entry of one target in one sweep, and what the package holds of it."""

    def __init__(self, position: int, body: Any, files: Files) -> None:
        self.position, self.body, self.files, self.shown = position, body, files, 0
        self.parts = json.loads(self.committed("parts.json", body["parts"]))
        self.observed = {row: time for time, rows in body["observed"].items() for row in rows}
        lists = {row: part["carried"] for row, part in enumerate(self.parts) if part["carried"]}
        texts = {row: self.committed(f"carried-{row}.json", each) for row, each in lists.items()}
        self.carried = {row: dict(json.loads(text)) for row, text in texts.items()}
        self.leaves = self.all_leaves() if "leaves.txt" in self.files else None
        for name, lines in unjson(self.files.pop("lines.json", b"{}\n")).items():
            self.attached(name, lines)
        need(not self.files, f"holds what no entry commits to: {sorted(self.files)}")

    def committed(self, name: str, digest: str) -> bytes:
        data = self.files.pop(name)
        need(sha256(data).hexdigest() == digest, f"{name} is not the entry's")
        return data

    def all_leaves(self) -> dict[str, list[str]]:
        rows = [line.split(" ") for line in lines_of(self.files.pop("leaves.txt"))]
        need(all(a[0] < b[0] for a, b in zip(rows, rows[1:])), "leaves.txt is not in order")
        live = [unhexed(key) + unhexed(content) for key, content, _ in rows if content != "-"]
        need(len(live) == self.body["resources"], "not as many resources as the entry says")
        judged = [unhexed(key) + unhexed(verdict) for key, _, verdict in rows]
        roots = [self.body["state"], self.body["verdicts"]]
        need([root_of(live), root_of(judged)] == roots, "leaves.txt does not lead to the roots")
        return {key: rest for key, *rest in rows}

    def attached(self, name: str, lines: Any) -> None:
        places = []
        for line in lines:
            path, salt, text = fields(line, "path salt value")
            root, place = climbed(Value("line", {"salt": salt, "value": text}).digest, path)
            need(root == self.body["attachments"][name], f"no line of {name}")
            places.append(place)
        need(places == sorted(set(places)), f"lines of {name} are doubled or out of order")

    def reading(self, row: int, key: bytes) -> str:
        part, carried = self.parts[row], self.carried.get(row, {}).get(key.hex())
        why = " ".join(str(part[name]) for name in ("cause", "code", "permission") if part[name])
        since = f"carried since sweep {part['since']}" if part["since"] else "never read completely"
        seen = f"last read {carried or self.observed.get(row, 'never')}"
        if part["state"] == "carried" or carried:
            return f"NOT READ in sweep {self.body['sweep']} ({why or 'not asked'}): {since}, {seen}"
        how = "complete" if part["state"] == "complete" else f"INCOMPLETE ({why}), {since}"
        return f"{seen}, listing {how}: {part['collected']} rows, stated {part['total']}"


class Item:
    """One resource, or a listing itself, with its findings: proven while it is read."""

    def __init__(self, data: bytes, units: dict[int, Unit]) -> None:
        told = fields(unjson(data), "document entry findings key proof")
        document, entry, findings, key, proof = told
        self.unit, self.key = units[entry], Value("key", key)
        self.members: dict[str, Value] = {}
        self.kind, self.scope, self.id = json.loads(self.key.text or '[null, null, ""]')
        content = self.content(document)
        texts = (self.members[n].text if n in self.members else None for n in ("kind", "id"))
        kind, name = (json.loads(text or "null") for text in texts)
        agrees = kind in {None, self.kind} and name in {None, self.id}
        need(self.key.why or agrees, "the key names another resource than the document")
        self.kind = self.kind or kind
        self.findings, rows = [], []
        for found in findings:
            check, status, cause, reason = fields(found, "check status cause reason")
            digest = sha256(b"annexa check v1\x00" + check.encode()).hexdigest()
            value = Value("reason", reason) if reason else None
            self.findings.append((status, cause, json.loads(check)["id"], value))
            rows.append([digest, status, cause, value and value.digest.hex()])
        need(all(a[0] < b[0] for a, b in zip(rows, rows[1:])), "findings are not in order")
        text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
        self.proven(content, sha256(text.encode()).digest(), proof)
        self.order = self.unit.position, self.key.digest
        self.unit.shown += content is not None

    def content(self, document: Any) -> Optional[bytes]:
        if document is None:
            need(self.id is None, "its document is left out without a word")
            return None
        if "why" in document:
            self.members = {"(all)": Value("", document)}
            return self.members["(all)"].digest
        self.members = {name: Value(name, box) for name, box in document.items()}
        need({"id", "kind", "scope"} <= set(document), "the document lacks its id, kind or scope")
        digests = [self.members[name].name + self.members[name].digest for name in sorted(document)]
        return sha256(CONTENT + len(document).to_bytes(4, "big") + b"".join(digests)).digest()

    def proven(self, content: Optional[bytes], verdict: bytes, proof: Any) -> None:
        unit, key = self.unit, self.key.digest
        if unit.leaves is not None:
            found, content_hex = unit.leaves.get(key.hex()), content.hex() if content else "-"
            need(proof is None and found == [content_hex, verdict.hex()], "it is not in leaves.txt")
        else:
            paths = dict(zip(("state", "verdicts"), fields(proof, "state verdicts")))
            for name, value in (("state", content), ("verdicts", verdict)):
                root = climbed(key + value, paths[name])[0] if value else paths[name]
                need(root == (value and unit.body[name]), f"its path is not to the {name}' root")

    def told(self) -> Iterator[str]:
        name = f"resource-{self.key.digest.hex()[:12]}" if self.key.why else self.id
        yield f"{self.kind or '(kind withheld)'}  {name or f'the listing {self.scope!r} itself'}"
        for row, part in enumerate(self.unit.parts):
            if self.kind in {None, part["kind"]} and self.scope in {None, part["scope"]}:
                yield f"  {self.unit.reading(row, self.key.digest)}"
        for status, cause, check, reason in self.findings:
            because = f": {reason.text or reason.why}" if reason else ""
            yield f"  {status.upper()} {check}{f' ({cause})' if cause else ''}{because}"
        for name, value in sorted(self.members.items()):
            yield f"    {name} = {value.text or value.why}"


def read(package: Path) -> Files:
    """Every file of a folder or zip, by name; nothing is ever written where a name says."""
    if package.is_dir():
        paths = [path for path in package.rglob("*") if path.is_symlink() or not path.is_dir()]
        need(all(p.is_file() and not p.is_symlink() for p in paths), "a link or device is in it")
        return {path.relative_to(package).as_posix(): path.read_bytes() for path in paths}
    with zipfile.ZipFile(package) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        need(sum(info.file_size for info in files) < 4 << 30, "more than 4 GiB")
        need(len({info.filename for info in files}) == len(files), "two files of one name")
        return {info.filename: archive.read(info) for info in files}


class Check:
    """One run over a package: what was checked, what was not, what is wrong."""

    def __init__(self, keys: list[Key], tsa_ca: str) -> None:
        self.keys, self.tsa_ca = keys, tsa_ca
        said: tuple[list[str], ...] = [], [], []
        self.checked, self.unchecked, self.failed = said
        self.files: Files = {}
        self.held: dict[str, Files] = {}
        self.units: dict[int, Unit] = {}
        self.items: list[Item] = []

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            words = str(error) if isinstance(error, Refused) else f"malformed: {error!r:.200}"
            self.failed.append(f"{what}: {words}")

    def run(self, package: Path, kept: Optional[Path]) -> None:
        """Check everything; what goes wrong in a step is told, and the next is still made."""
        with self.step(str(package)):
            self.files = read(package)
            self.manifest()
        with self.step("checkpoint.txt"):
            self.text = self.files["checkpoint.txt"]
            self.head = self.signed("checkpoint.txt", self.text)
            with self.step("earlier heads"):
                self.grown(self.signed("--head", kept.read_bytes()) if kept else None)
            for name in sorted(name for name in self.files if name.startswith("units/")):
                _, position, file = name.split("/")
                self.held.setdefault(position, {})[file] = self.files[name]
            steps = ("timestamps/", self.stamp), ("ledger/", self.entry), ("items/", self.item)
            for folder, check in steps:
                names = {name.rpartition(".")[0] for name in self.files if name.startswith(folder)}
                for name in sorted(names):
                    with self.step(name):
                        check(name)
            need(not self.held, f"units of no entry: {sorted(self.held)}")
        for unit in self.units.values():
            told = f"{unit.shown} of {unit.body['resources']} resources are shown"
            self.checked.append(f"{unit.body['target']}, sweep {unit.body['sweep']}: {told}")

    def manifest(self) -> None:
        title, *lines = lines_of(self.files["manifest.txt"])
        need(title == "annexa evidence package v1", "manifest.txt is of no known version")
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        need(list(listed) == sorted(listed) and len(listed) == len(lines), "manifest.txt: order")
        for name, digest in listed.items():
            with self.step(name):
                need(sha256(self.files[name]).hexdigest() == digest, "was changed")
        for name in sorted(self.files):
            if (name not in listed and name != "manifest.txt") or not re.fullmatch(KNOWN, name):
                self.unchecked.append(f"{name}: is no file of this package")
                del self.files[name]
        digest = sha256(self.files["manifest.txt"]).hexdigest()
        self.checked.append(f"{len(listed)} files are listed in manifest.txt (SHA-256 {digest})")

    def signed(self, name: str, data: bytes) -> Note:
        note = Note(data.decode(), self.keys)
        need(note.signers or not self.keys, f"no --key of {note.origin} at {note.size} signed it")
        by = f"signed by {sorted(note.signers)}" if self.keys else "its signature: no --key given"
        told = f"{name}: {note.origin} at size {note.size}, {by}"
        (self.checked if self.keys else self.unchecked).append(told)
        return note

    def grown(self, kept: Optional[Note]) -> None:
        heads = {self.head.size: self.head.root}
        if "earlier.txt" in self.files:
            old = self.signed("earlier.txt", self.files["earlier.txt"])
            path = [unbased(line) for line in lines_of(self.files["consistency.txt"])]
            found = extended(old.size, self.head.size, path, old.root)
            need(found == (old.root, self.head.root), f"what was before {old.size} was rewritten")
            heads[old.size] = old.root
            self.checked.append(f"the ledger has only grown since size {old.size}")
        if kept and kept.size in heads:
            need(heads[kept.size] == kept.root, f"you kept another head of size {kept.size}")
            self.checked.append(f"the head you kept, of size {kept.size}, is of this ledger")
        elif kept:
            self.unchecked.append(f"--head: ask for a package that begins at size {kept.size}")

    def stamp(self, name: str) -> None:
        """A time stamp (RFC 3161) of the head: the imprint here, the signature by openssl."""
        openssl, imprint = shutil.which("openssl"), b"\x04\x20" + sha256(self.text).digest()
        at = re.search(re.escape(imprint) + STATED, self.files[f"{name}.tsr"], re.DOTALL)
        need(at, "is over something else than checkpoint.txt")
        if not (openssl and self.tsa_ca):
            self.unchecked.append(f"{name}: its signature, for lack of openssl or --tsa-ca")
            return
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "token").write_bytes(self.files[f"{name}.tsr"])
            Path(folder, "head").write_bytes(self.text)
            asked = ["ts", "-verify", "-data", "head", "-in", "token", "-CAfile", self.tsa_ca]
            ended = subprocess.run([openssl, *asked], cwd=folder, capture_output=True)  # noqa: PLW1510
        need(ended.returncode == 0, f"openssl refuses it: {ended.stderr[-200:]!r}")
        self.checked.append(f"{name}: the head was there at {at and at[1].decode()}")

    def entry(self, name: str) -> None:
        position, body = counted(name[7:]), self.files[f"{name}.json"]
        top, _, note = self.files[f"{name}.tlog-proof"].partition(b"\n\n")
        need(note == self.text, "is proven under another head than checkpoint.txt")
        kind, index, *path = top.decode().split("\n")
        need((kind, index) == ("c2sp.org/tlog-proof@v1", f"index {position}"), "is another proof")
        hashed, siblings = sha256(b"\x00" + body).digest(), [unbased(line) for line in path]
        found = included(hashed, position, self.head.size, siblings)
        need(found == self.head.root, "is not in the signed ledger")
        told = json.loads(body)
        more = self.rotated(position, told) if "old_key" in told else ""
        if told["kind"] == "unit":
            self.units[position] = Unit(position, told, self.held.pop(str(position)))
        more += f"; all after {told['common']} was lost" if told["kind"] == "restore" else ""
        self.checked.append(f"entry {position}: {told['kind']}, recorded {told['recorded']}{more}")

    def rotated(self, position: int, told: Any) -> str:
        """A new key is signed by the old one, which signs no head after it, and by itself."""
        pair, signed = (told["old_key"], told["public_key"]), told["signatures"]
        given = [[key for key in self.keys if key.public.hex() == public] for public in pair]
        if not all(given):
            self.unchecked.append(f"entry {position}: a new key; give it and the old one (--key)")
            return ""
        names = {name: told[name] for name in ("algorithm", "old_key", "origin", "public_key")}
        text = json.dumps(names, separators=(",", ":"), ensure_ascii=False).encode()
        for public, which in zip(pair, ("old", "new")):
            need_signature(bytes.fromhex(public), text, bytes.fromhex(signed[which]))
        need(not {k.hint.hex() for k in given[0]} & self.head.signers, "the old key signed later")
        return ", signed by the old key and the new"

    def item(self, name: str) -> None:
        item = Item(self.files[f"{name}.json"], self.units)
        need(all(last.order < item.order for last in self.items[-1:]), "doubled or out of order")
        self.items.append(item)
        need(name == f"items/{len(self.items):06}", "an item before it is missing")


def main(arguments: Optional[list[str]] = None) -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--key", type=Key, action="append", default=[])
    parser.add_argument("--head", type=Path)
    parser.add_argument("--tsa-ca", default="", type=lambda name: str(Path(name).resolve()))
    try:
        asked = parser.parse_args(arguments)
    except SystemExit as ended:
        return 3 if ended.code else 0
    check = Check(asked.key, asked.tsa_ca)
    check.run(asked.package, asked.head)
    lines = [line for item in check.items for line in item.told()]
    for title in ("checked", "unchecked", "failed"):
        lines += [f"{title.upper():<10}{line}" for line in getattr(check, title)]
    lines.append("Sheets and index (.txt), README.md and the copy of this file prove nothing.")
    lines += [] if asked.head else ["No --head: all may have been rewritten and signed again."]
    code = 1 if check.failed else 2 if check.unchecked else 0
    lines.append(("VERIFIED", "REFUSED", "NOT ALL CHECKED")[code])
    for line in lines:  # which may be hostile: nothing in it moves the cursor
        print("".join(c if c.isprintable() else repr(c)[1:-1] for c in line))
    return code


if __name__ == "__main__":
    sys.exit(main())
