"""A store that has lived: every kind of row and entry, two targets, what was let go and erased."""

from __future__ import annotations

from collections.abc import Callable

from evidence_store import PartKey, ResourceKey, canonical
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from evidence_store.holds import Held
from tests.evidence_store.builders import (
    VERSIONED,
    Bench,
    document,
    fails,
    part,
    passes,
    unknown,
)

DPO = Author("D. Prost", "request 77")
JOURNAL = canonical([{"operation": "ListBuckets", "outcome": "ok"}, {"operation": "GetThing"}])


def signed(bench: Bench) -> None:
    """Sign a head, and have it held and stamped."""
    bench.store.checkpoint()
    assert all(not each.error for each in bench.store.hand_out())


def live(bench: Bench) -> None:
    """Nine years of a small organisation: all that was seen, and what was let go in time."""
    moving = {PartKey("aws.s3", "aws.s3.bucket", ""): canonical({"a": {"seen": "today"}})}
    first = [
        document("a", passes(), fails(VERSIONED, "never enabled")),
        document("b", fails()),
        document("c", passes()),
    ]
    bench.sweep(first, journal=JOURNAL, activities=moving)
    bench.sweep([document("x", passes())], target="data", journal=JOURNAL)
    bench.sweep([document("a", passes(), versioning="off"), document("c", passes())])
    refused = part(complete=False, cause="denied", code="AccessDenied", permission="s3:List",
                   stated_total=3, collected=1, carried_findings=[unknown()])  # fmt: skip
    bench.sweep([document("a", passes())], [refused], journal=JOURNAL)
    bench.store.accessed("ada@host", "shown", "prod", ResourceKey("aws.s3.bucket", "", "a"))
    bench.store.accessed("bob@host", "exported", detail="csv")
    signed(bench)
    keeping = bench.store.keeping
    keeping.extend("documents", 2600, DPO)
    hold = keeping.hold(Held("data"), DPO)
    keeping.lift(keeping.hold(Held("prod", "aws.s3.bucket"), DPO).number, DPO)
    bench.clock.forward(days=9 * 365.25)
    keeping.purge(DPO)
    assert hold.number == 1
    bench.sweep([document("a", passes()), document("b", fails(), own_scope="us-east-1")])
    bench.store.rotate_key()
    bench.sweep([document("a", fails(), versioning="on"), document("c", passes())])
    signed(bench)


def erase(bench: Bench) -> None:
    """One resource is erased whole, of another one member."""
    request = Request("prod", ResourceKey("aws.s3.bucket", "", "c"))
    bench.store.keeping.erase(request, DPO)
    member = Request("data", ResourceKey("aws.s3.bucket", "", "x"), ("facts.versioning",))
    bench.store.keeping.lift(1, DPO)
    bench.store.keeping.erase(member, DPO)
    bench.store.keeping.erase(Request("prod", ResourceKey("aws.s3.bucket", "", "b")), DPO)
    bench.sweep([document("a", fails(), versioning="on"), document("b", fails())])
    signed(bench)
    bench.begin("prod")  # not sequenced yet


BUILDS: dict[str, tuple[Callable[[Bench], None], ...]] = {"lived": (live,), "erased": (live, erase)}
