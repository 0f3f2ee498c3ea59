"""What a hostile owner of the database can do, by name, and who sees it.

    python -m tests.evidence_store.named_attacks

writes the table into `docs/explanation/attacks.md`; a test checks that it is what came out.
The attacker owns database and keys and drops the guards. Others hold the signed heads and stamped
them; nobody but them can change what they have.
"""

# ruff: noqa: S608 - an attacker's statements, made of our own names and numbers

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_store import (
    CacheError,
    File,
    PartKey,
    Report,
    ResourceKey,
    Store,
    StoreError,
    canonical,
    keys,
    merkle,
    note,
    state,
)
from evidence_store.codecs import ZLIB, unpacked
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from evidence_store.holds import Held
from evidence_store.outside import NOBODY, Outside
from evidence_store.outside.directory import DirectoryHolder
from evidence_store.times import microseconds, written
from evidence_store.told import of_state
from evidence_store.told import seal as seal_told
from tests.evidence_store.builders import Bench, Clock, document, fails, passes
from tests.evidence_store.lived_in import DPO, JOURNAL
from tests.evidence_store.stamps import Stamps

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "attacks.md"
BEGIN: Final = "<!-- begin: python -m tests.evidence_store.named_attacks -->\n"
END: Final = "<!-- end -->\n"
PROBLEM, STATED, UNSEEN = "found", "said", "not seen"


def history(bench: Bench, *, honest: bool = True, skip: str = "") -> None:
    """Ten years: two targets, a hold, a purge, an access; the last sweep finds `a` failing.

    Args:
        bench: An empty store.
        honest: Whether the finding that fails is recorded as what it is.
        skip: A target that is planned and never recorded.
    """
    verdict = fails() if honest else passes()
    seen = [document("a", passes()), document("b", fails()), document("c", passes())]
    moving = {PartKey("aws.s3", "aws.s3.bucket", ""): canonical({"a": {"seen": "today"}})}
    other = [document("x", passes()), document("y", fails())]

    def swept(first: list[Any], second: list[Any], **more: Any) -> None:
        bench.clock.forward(days=1)
        sweep = bench.begin("prod", "data")
        bench.unit(sweep, first, **more)
        if skip != "data":
            bench.unit(sweep, second, target="data", journal=JOURNAL)
        bench.store.close_sweep(sweep, {})
        bench.store.checkpoint()
        bench.store.hand_out()

    swept(seen, other, journal=JOURNAL, activities=moving)
    swept([document("a", passes(), versioning="off"), document("c", passes())], other)
    bench.store.accessed("ada@host", "shown", "prod", ResourceKey("aws.s3.bucket", "", "a"))
    bench.store.keeping.hold(Held("data"), DPO)
    bench.clock.forward(days=9 * 365.25)
    swept([document("a", passes(), versioning="off"), document("c", passes())], other)
    bench.store.keeping.purge(DPO)
    swept([document("a", verdict, versioning="on"), document("c", passes())], other[:1])


class Base:
    """The honest store all attacks begin with, an earlier copy of it, and what others hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        (folder / "held").mkdir()
        self.outside = Outside([DirectoryHolder("share", folder / "held")], [Stamps(self.clock)])
        self.path = folder / "honest" / "annexa.db"
        with Store.open(
            self.path, clock=self.clock, origin="annexa/test", outside=self.outside
        ) as store:
            bench = Bench(store, self.clock, File(self.path))
            history(bench)
            folded(self.path)
            shutil.copytree(self.path.parent, folder / "early")
            bench.sweep([document("a", fails(), versioning="none"), document("c", fails())])
            store.checkpoint()
            store.hand_out()
        folded(self.path)

    def ground(self, name: str) -> Ground:
        """A copy for one attack."""
        path = self.folder / name / "annexa.db"
        shutil.copytree(self.path.parent, path.parent)
        clock = Clock()
        clock.now = self.clock.now
        return Ground(self, path, clock)


def leaf(body: bytes) -> bytes:
    """An entry's body as it was before it was packed."""
    return body if body.startswith(b"{") else unpacked(ZLIB, body)


def folded(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass
class Ground:
    """A copy of the store in the hands of the attacker."""

    base: Base
    path: Path
    clock: Clock

    def sql(self, *statements: str, **values: object) -> None:
        """Write past the guards; every statement must hit something."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                assert connection.execute(statement, values).rowcount > 0, statement

    def one(self, query: str) -> Any:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchone()[0]

    def opened(self, outside: Outside = NOBODY) -> Store:
        return Store.open(self.path, clock=self.clock, outside=outside)

    def use(self, do: Callable[[Bench], object]) -> None:
        """Use the store itself, with nobody outside asked."""
        with self.opened() as store:
            do(Bench(store, self.clock, File(self.path)))

    def replaced(self, *, honest: bool = True, skip: str = "", own: bool = False) -> None:
        """Make all history anew under the store's own name and, unless `own`, its own keys."""
        for file in self.path.parent.iterdir():
            if own or not file.name.endswith("-key"):
                file.unlink()
        self.clock.now = Clock().now
        with Store.open(self.path, clock=self.clock, origin="annexa/test") as store:
            history(Bench(store, self.clock, File(self.path)), honest=honest, skip=skip)
            store.checkpoint()
        self.clock.now = self.base.clock.now

    def said(self, number: int) -> dict[str, Any]:
        """What an entry says."""
        body = leaf(self.one(f"SELECT body FROM entries WHERE id = {number}"))
        found: dict[str, Any] = orjson.loads(body)
        return found

    def edit_entry(self, number: int, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit an entry's body together with the column that repeats it."""
        body = self.said(number)
        change(body)
        self.sql("UPDATE entries SET body = :b WHERE id = :n", b=canonical(body), n=number)

    def append(self, kind: int, body: Mapping[str, Any]) -> int:
        """Append an entry of the ledger itself, left to the sequencer like any other."""
        number = self.one("SELECT max(id) FROM entries") + 1
        sweep = self.one(f"SELECT coalesce(max(sweep), 0) + 1 FROM entries WHERE kind = {kind}")
        now = self.clock()
        text = canonical({**body, "v": 1, "sweep": sweep, "recorded": written(now)})
        self.sql(
            "INSERT INTO entries (id, kind, target_id, sweep, attempt, recorded_at, body)"
            " VALUES (:id, :kind, 0, :sweep, 0, :at, :body)",
            "INSERT INTO pending VALUES (:id)",
            id=number, kind=kind, sweep=sweep, at=microseconds(now), body=text,
        )  # fmt: skip
        return int(number)

    def kept(self, values: list[Any]) -> dict[str, Any]:
        """A list beside the ledger, as a decision names it."""
        text = canonical(values)
        self.sql(
            "INSERT OR IGNORE INTO part_documents VALUES (:d, 1, :b)",
            d=sha256(text).digest(), b=zlib.compress(text),
        )  # fmt: skip
        return {"count": len(values), "list": sha256(text).hexdigest()}

    def sealed_again(self) -> None:
        """Compute every leaf and sign every head anew, with the store's own key."""
        signing = keys.read(self.path).signing
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute(
                "SELECT l.position, e.body FROM leaves l JOIN entries e ON e.id = l.entry_id"
                " ORDER BY l.position"
            ).fetchall()
            sizes = connection.execute("SELECT size FROM checkpoints").fetchall()
        hashes = [merkle.leaf(leaf(body)) for _, body in rows]
        for (position, _), value in zip(rows, hashes, strict=True):
            self.sql("UPDATE leaves SET hash = :h WHERE position = :p", h=value, p=position)
        for (size,) in sizes:
            head = note.signed("annexa/test", size, merkle.root(hashes[:size]), signing)
            self.sql("UPDATE checkpoints SET note = :n WHERE size = :s", n=head.note, s=size)


def edited_content(at: Ground) -> None:
    first = "SELECT {} FROM contents WHERE body IS NOT NULL ORDER BY digest LIMIT 1"
    digest, body = at.one(first.format("digest")), at.one(first.format("body"))
    other = unpacked(ZLIB, body).replace(b"Status", b"Statue")
    at.sql(
        "UPDATE contents SET body = :b WHERE digest = :d",
        b=zlib.compress(other, 6), d=digest,
    )  # fmt: skip


def backdated(at: Ground, *, sealed: bool = False) -> None:
    number = at.one("SELECT max(id) FROM entries WHERE kind = 3")
    then = at.clock() - timedelta(days=300)

    def earlier(body: dict[str, Any]) -> None:
        body["recorded"] = written(then)

    at.edit_entry(number, earlier)
    at.sql(f"UPDATE entries SET recorded_at = {microseconds(then)} WHERE id = {number}")
    if sealed:
        at.sealed_again()


def tail_cut(at: Ground, *, with_heads: bool) -> None:
    size = at.one("SELECT size FROM checkpoints ORDER BY size DESC LIMIT 1 OFFSET 1")
    first = at.one(f"SELECT entry_id FROM leaves WHERE position = {size}")
    at.sql(
        *(f"DELETE FROM {table} WHERE entry_id >= {first}" for table in ("observations",
          "verdicts", "leaves")),
        f"DELETE FROM entries WHERE id >= {first}",
        *([f"DELETE FROM {table} WHERE size > {size}" for table in ("checkpoints", "receipts")]
          if with_heads else []),
    )  # fmt: skip
    if not with_heads:
        return
    at.sql(
        "DELETE FROM contents WHERE digest NOT IN"
        " (SELECT content FROM observations WHERE content IS NOT NULL)",
        "DELETE FROM reasons WHERE digest NOT IN"
        " (SELECT reason FROM verdicts WHERE reason IS NOT NULL)",
    )
    at.use(lambda bench: bench.store.rebuild_cache())


def rolled_back(at: Ground) -> None:
    shutil.rmtree(at.path.parent)
    shutil.copytree(at.base.folder / "early", at.path.parent)


def split_view(at: Ground) -> None:
    rolled_back(at)
    at.use(lambda bench: bench.sweep([document("a", passes(), versioning="on")]))
    at.use(lambda bench: bench.store.checkpoint())


def swept_at(at: Ground, **shift: float) -> None:
    """A sweep under a clock that is wrong, handed out as ever."""
    real = at.clock.now
    at.clock.forward(**shift)
    with at.opened() as store:
        bench = Bench(store, at.clock, File(at.path))
        sweep = bench.begin("prod")
        bench.unit(sweep, [document("a", fails(), versioning="on")])
        store.close_sweep(sweep, {})
    at.clock.now = real
    held = DirectoryHolder("copy", at.path.parent.parent / f"{at.path.parent.name}-held")
    shutil.copytree(at.base.folder / "held", held.path)
    outside = Outside([held], [Stamps(at.clock)])
    with Store.open(at.path, clock=at.clock, outside=outside) as store:
        store.checkpoint()
        store.hand_out()


def replayed_sweep(at: Ground) -> None:
    """The first sweep's good state of a target, entered again as its last."""
    number = at.one("SELECT max(id) FROM entries") + 1
    at.sql(
        f"INSERT INTO entries SELECT {number}, kind, target_id, 6, attempt, outcome, recorded_at,"
        " state_root, verdict_root, resources, added, changed, gone, body FROM entries"
        " WHERE kind = 3 AND sweep = 1 LIMIT 1",
        f"INSERT INTO pending VALUES ({number})",
    )


def poisoned(at: Ground, *, sealed: bool) -> None:
    """What comes next is made to look like what is there."""
    coming = document("a", fails(), versioning="Suspended")
    row = at.one("SELECT id FROM resources WHERE identity = 'a'")
    at.sql("UPDATE current_state SET sha256 = :v WHERE resource_id = :r", v=coming.sha256, r=row)
    if sealed:
        with at.opened() as store, store._database.writing() as connection:
            last = connection.exec_driver_sql(
                "SELECT target_id, state_root, verdict_root FROM entries WHERE kind = 3 AND"
                " target_id = (SELECT target_id FROM resources WHERE identity = 'a')"
                " ORDER BY id DESC"
            ).first()
            assert last is not None
            heads = bytes(last[1]), bytes(last[2])
            found, secret = state.load(connection, last[0]), store._keys.secret
            rows = connection.exec_driver_sql("SELECT id, digest FROM checks").all()
            said = of_state(found, {row: bytes(digest).hex() for row, digest in rows})
            seals = state.seal(secret, heads, found), seal_told(secret, heads, said)
            state.save_seal(connection, last[0], *seals)
        return
    with at.opened() as store:
        bench = Bench(store, at.clock, File(at.path))
        try:
            bench.sweep([coming])
        except CacheError:
            return
        raise AssertionError("a poisoned cache was used")


def hidden_by_poison(at: Ground) -> None:
    poisoned(at, sealed=True)
    coming = document("a", fails(), versioning="Suspended")
    at.use(lambda bench: bench.sweep([coming, document("c", fails())]))


def forged(at: Ground, kind: int, name: str, **body: Any) -> None:
    at.append(kind, {"kind": name, "by": "nobody", "reason": "none", **body})


def forged_purge(at: Ground) -> None:
    digest = at.one("SELECT content FROM observations o JOIN resources r ON r.id = o.resource_id"
                    " WHERE identity = 'a' ORDER BY entry_id DESC")  # fmt: skip
    days = {"documents": 2557, "journals": 400, "activities": 400}
    told = at.said(at.one("SELECT id FROM entries WHERE kind = 24"))["days"]
    forged(at, 24, "purge", days=told or days, contents=at.kept([digest.hex()]),
           attached=at.kept([]))  # fmt: skip
    at.sql("UPDATE contents SET body = NULL WHERE digest = :d",
           d=digest)  # fmt: skip
    at.sql("UPDATE observations SET scope = NULL WHERE content = :d", d=digest)


def held_erased(at: Ground) -> None:
    """The erasure itself is whole; only the hold was passed over."""
    at.use(_erase_in_spite)


def _erase_in_spite(bench: Bench) -> None:
    from evidence_store import erasing  # noqa: PLC0415 - what only an attacker calls

    request = Request("data", ResourceKey("aws.s3.bucket", "", "x"))
    with bench.store._database.writing() as connection:
        erasure = erasing.Erasure(connection, bench.store._keys.secret, request)
        erasure.carry_out(bench.store._keys.secret, Author("nobody", "none"), bench.clock())


def forged_rotation(at: Ground) -> None:
    new = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    old = keys.read(at.path).public.hex()
    told = {"origin": "annexa/test", "algorithm": "ed25519", "public_key": new, "old_key": old}
    at.append(1, {"kind": "key", **told, "signatures": {"old": "00" * 64, "new": "00" * 64}})


def forged_epoch(at: Ground) -> None:
    """A restore that never was, to excuse a rollback; the lost head is made up."""
    rolled_back(at)
    leaves = at.one("SELECT count(*) FROM leaves")
    made_up = note.signed("annexa/test", 99, bytes(32), Ed25519PrivateKey.generate())
    at.append(5, {"kind": "restore", "epoch": 2, "origin": "annexa/test/2", "kept": leaves,
                  "common": 1, "lost": 99, "held": made_up.note, "by": ["share"],
                  "reason": "disk failure"})  # fmt: skip


def excused_rollback(at: Ground) -> None:
    """A rollback followed by the very command that is for honest restores."""
    rolled_back(at)
    outside = Outside(at.base.outside.holders)
    with Store.open(at.path, clock=at.clock, outside=outside) as store:
        store.new_epoch("disk failure")


def weakened_check(at: Ground) -> None:
    text = at.one("SELECT body FROM checks").replace(b'"high"', b'"low"')
    digest = sha256(b"annexa check v1\x00" + text).digest()
    at.sql("UPDATE checks SET body = :b, digest = :d, severity = 'low'", b=text, d=digest)


def lies(at: Ground) -> None:
    at.use(lambda bench: bench.sweep([document("a", passes(), versioning="on")]))
    at.use(lambda bench: bench.store.checkpoint())


def never_planned(at: Ground) -> None:
    """`data` was planned in every sweep before."""
    at.use(lambda bench: bench.sweep([document("a", fails(), versioning="on")]))
    at.use(lambda bench: bench.store.checkpoint())


def not_yet_signed(at: Ground) -> None:
    """A decision that still waits for its place is another one by then."""
    at.use(lambda bench: bench.store.keeping.extend("journals", 4000, DPO))
    number = at.one("SELECT max(id) FROM entries")

    def other(body: dict[str, Any]) -> None:
        body["days"] = 3000

    at.edit_entry(number, other)
    at.use(lambda bench: bench.store.checkpoint())


def unsealed_access(at: Ground) -> None:
    at.use(lambda bench: bench.store.accessed("eve@host", "exported", "prod"))
    at.sql("DELETE FROM accesses WHERE who = 'eve@host'")


def other_keys(at: Ground) -> None:
    at.replaced(own=True)
    for key in ("digest-key", "signing-key"):
        shutil.copy(f"{at.base.path}.{key}", f"{at.path}.{key}")


class Attack(NamedTuple):
    """An attack and what is expected to be seen: by the store alone, with heads and stamps."""

    name: str
    do: Callable[[Ground], object]
    alone: str = PROBLEM
    outside: str = PROBLEM


def statement(*statements: str) -> Callable[[Ground], None]:
    return lambda at: at.sql(*statements)


LAST_UNIT: Final = "(SELECT max(entry_id) FROM observations)"
ATTACKS: Final = (
    Attack("A stored document is edited, with its hash and size", edited_content),
    Attack("An observation is deleted", statement(
        f"DELETE FROM observations WHERE entry_id = {LAST_UNIT}")),
    Attack("A failed verdict is flipped", statement(
        "UPDATE verdicts SET status = 1, reason = NULL WHERE status = 2")),
    Attack("A failing resource's verdicts are deleted", statement(
        "DELETE FROM verdicts WHERE resource_id IN"
        " (SELECT resource_id FROM verdicts WHERE status = 2)")),
    Attack("An observation is pointed at an older document", statement(
        "UPDATE observations SET content = (SELECT o.content FROM observations o WHERE"
        " o.resource_id = observations.resource_id ORDER BY o.entry_id LIMIT 1)"
        f" WHERE entry_id = {LAST_UNIT}")),
    Attack("A resource is renamed", statement(
        "UPDATE resources SET identity = 'z' WHERE identity = 'a'")),
    Attack("A failing resource is moved to another target", statement(
        "UPDATE resources SET target_id = 3 - target_id WHERE identity = 'a'")),
    Attack("A check is weakened, with its digest", weakened_check),
    Attack("An entry's time is edited, in body and column", backdated),
    Attack("... and leaves and heads are signed anew", lambda at: backdated(at, sealed=True),
           STATED),
    Attack("Two leaves are swapped", statement(
        "UPDATE leaves SET position = position + 1000 WHERE position IN (2, 3)",
        "UPDATE leaves SET position = 1005 - position WHERE position > 999")),
    Attack("The last sweep is cut off", lambda at: tail_cut(at, with_heads=False)),
    Attack("... with the head and receipts over it", lambda at: tail_cut(at, with_heads=True),
           UNSEEN),
    Attack("The database is rolled back to an earlier copy", rolled_back, UNSEEN),
    Attack("... and the rollback is declared a restore (`new-epoch`)", excused_rollback, STATED,
           STATED),
    Attack("... or a restore is made up in the ledger", forged_epoch),
    Attack("All history is made anew without a finding, with the stolen keys",
           lambda at: at.replaced(honest=False), UNSEEN),
    Attack("... with other keys, put beside the store", other_keys),
    Attack("A planned target is never recorded", lambda at: at.replaced(skip="data"), STATED),
    Attack("Two histories from one day on, each shown to somebody else", split_view, UNSEEN),
    Attack("A sweep is dated back by a year", lambda at: swept_at(at, days=-365), STATED),
    Attack("A sweep is dated back within the minutes between two stamps",
           lambda at: swept_at(at, minutes=-3), STATED, STATED),
    Attack("A sweep is dated ahead by a year", lambda at: swept_at(at, days=365), UNSEEN),
    Attack("The first sweep's good state is entered again as the newest", replayed_sweep),
    Attack("Journals of two entries are exchanged", statement(
        "UPDATE attachments SET entry_id = entry_id + 1000 WHERE name = 'journal'",
        "UPDATE attachments SET entry_id = CASE entry_id WHEN (SELECT min(entry_id) FROM"
        " attachments WHERE entry_id > 1000) THEN (SELECT max(entry_id) FROM attachments) - 1000"
        " ELSE entry_id - 999 END WHERE entry_id > 1000")),
    Attack("The cache is poisoned so that the next change looks like none",
           lambda at: poisoned(at, sealed=False)),
    Attack("... and sealed with the stolen key", lambda at: poisoned(at, sealed=True)),
    Attack("... and the change was swept over", hidden_by_poison),
    Attack("A hold is removed from the ledger", statement("DELETE FROM entries WHERE kind = 22")),
    Attack("A hold that is not in force is lifted", lambda at: forged(at, 23, "lift", hold=7)),
    Attack("Retention is made shorter", lambda at: forged(
        at, 21, "retention", evidence="documents", days=30)),
    Attack("A purge of the present document is forged", forged_purge),
    Attack("What is held is erased", held_erased),
    Attack("A purged document is put back", statement(
        "UPDATE contents SET body = (SELECT body FROM contents c"
        " WHERE c.body IS NOT NULL) WHERE body IS NULL")),
    Attack("A new key is named that the old one did not sign", forged_rotation),
    Attack("A head is signed by another key", statement(
        "UPDATE checkpoints SET note = replace(note, substr(note, -40, 8), 'AAAAAAAA')")),
    Attack("A head is deleted that a later plan names", statement(
        "DELETE FROM receipts WHERE size = (SELECT min(size) FROM checkpoints)",
        "DELETE FROM checkpoints WHERE size = (SELECT min(size) FROM checkpoints)")),
    Attack("The last head is deleted, with its receipts", statement(
        "DELETE FROM receipts WHERE size = (SELECT max(size) FROM checkpoints)",
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"),
        STATED, STATED),
    Attack("A time stamp is deleted", statement(
        "DELETE FROM receipts WHERE kind = 2 AND size = (SELECT min(size) FROM receipts)")),
    Attack("A sealed access is deleted", statement("DELETE FROM accesses")),
    Attack("An access is deleted before an entry seals it", unsealed_access, UNSEEN, UNSEEN),
    Attack("An entry is edited before it is sequenced and signed", not_yet_signed, UNSEEN, UNSEEN),
    Attack("A target is left out of the plan", never_planned, UNSEEN, UNSEEN),
    Attack("The collector lies from the start, or the stolen keys record a lie", lies, UNSEEN,
           UNSEEN),
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What an auditor is told of an attacked store, and by what."""

    how: str
    by: str

    @property
    def words(self) -> str:
        """For the table: of a problem, where it was noted first."""
        return f"{self.how}: {self.by.partition(':')[0]}" if self.how == PROBLEM else self.how


def seen(ground: Ground, outside: Outside, clean: Report) -> Seen:
    """How an auditor learns of it: a problem, a new sentence in the report, or not at all."""
    try:
        with ground.opened(outside) as store:
            report = store.verify()
    except StoreError as error:
        return Seen(PROBLEM, f"not opened: {type(error).__name__}")
    if report.problems:
        return Seen(PROBLEM, f"{report.problems[0].table}: {report.problems[0].what}")
    new = [line for line in report.statements if _shape(line) not in map(_shape, clean.statements)]
    return Seen(STATED, new[0]) if new else Seen(UNSEEN, "")


def _shape(line: str) -> str:
    """A statement without its numbers and dates."""
    return "".join(letter for letter in line if not letter.isdigit())


def run() -> Iterator[tuple[Attack, Seen, Seen]]:
    """Every attack on a copy of its own: what is seen alone, and with heads and stamps."""
    with tempfile.TemporaryDirectory() as folder:
        base = Base(Path(folder))
        clean = {outside: seen_clean(base, outside) for outside in (False, True)}
        for number, attack in enumerate(ATTACKS):
            ground = base.ground(f"attack{number}")
            attack.do(ground)
            alone = seen(ground, NOBODY, clean[False])
            yield attack, alone, seen(ground, base.outside, clean[True])


def seen_clean(base: Base, outside: bool) -> Report:
    with Store.open(
        base.path, clock=base.clock, outside=base.outside if outside else NOBODY
    ) as store:
        report = store.verify()
        assert report.problems == ()
        return report


def table(found: list[tuple[Attack, Seen, Seen]]) -> str:
    """The table in Markdown."""
    lines = [
        "| Attack | The store alone | With heads and stamps of others |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {attack.name} | {alone.words} | {outside.words} |" for attack, alone, outside in found
    ]
    counts = (
        f"{len(found)} attacks. The store alone finds {_count(found, 1, PROBLEM)}, says"
        f" {_count(found, 1, STATED)} and does not see {_count(found, 1, UNSEEN)}; with heads and"
        f" stamps that others hold, {_count(found, 2, PROBLEM)}, {_count(found, 2, STATED)} and"
        f" {_count(found, 2, UNSEEN)}."
    )
    return "\n".join([counts, "", *lines]) + "\n"


def _count(found: list[tuple[Attack, Seen, Seen]], column: int, how: str) -> int:
    return sum(row[column].how == how for row in found)  # type: ignore[union-attr]  # columns 1 and 2


def main() -> None:
    """Write the table into the page."""
    found = list(run())
    for attack, alone, outside in found:
        print(f"{attack.name}\n    alone: {alone}\n    outside: {outside}")  # noqa: T201
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
