"""Any history: the store must agree with a model in plain dictionaries, and verify clean."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_store import File, Finding, Location, Server, Store
from tests.evidence_store.builders import (
    PRIVATE,
    Bench,
    Clock,
    document,
    fails,
    part,
    passes,
    unknown,
)
from tests.postgres import PostgresServer

KINDS = ("aws.s3.bucket", "aws.iam.user")
NAMES = ("a", "b", "c")
FINDINGS = {"pass": passes(), "fail": fails(), "unknown": unknown(cause="criterion_missing")}

History = list[dict[str, tuple[str, dict[str, tuple[str, str]]]]]

listing = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(["on", "off"]), st.sampled_from([*FINDINGS]))
)
asked = st.tuples(st.sampled_from(["complete", "incomplete"]), listing)
sweeps = st.lists(
    st.dictionaries(st.sampled_from(KINDS), asked | st.just(("not asked", {}))), max_size=7
)


@dataclass
class Model:
    """What should be there: content, status, since, last read, by kind and name."""

    there: dict[tuple[str, str], tuple[str, str, datetime, datetime]] = field(default_factory=dict)

    def read(self, kind: str, mode: str, found: dict[str, tuple[str, str]], at: datetime) -> None:
        for name in NAMES:
            old = self.there.get((kind, name))
            if name in found:
                value, status = found[name]
                since = old[2] if old and old[1] == status else at
                self.there[kind, name] = (value, status, since, at)
            elif old and mode == "complete":
                del self.there[kind, name]
            elif old and mode == "incomplete":
                since = old[2] if old[1] == "unknown" else at
                self.there[kind, name] = (old[0], "unknown", since, old[3])


def seen(bench: Bench, at: datetime) -> dict[tuple[str, str], tuple[str, str, datetime, datetime]]:
    bodies = {
        (row.key.kind, row.key.id): "on" if b'"on"' in row.body else "off"
        for row in bench.store.documents("prod", at)
    }
    rows = list(bench.store.findings(at))
    assert len(rows) == len(bodies)
    found = {}
    for row in rows:
        assert row.resource_id is not None
        assert row.observed_at is not None
        place = row.kind, row.resource_id
        found[place] = (bodies[place], row.status, row.since, row.observed_at)
    return found


def carried() -> list[Finding]:
    return [unknown(PRIVATE, "throttled")]


@settings(max_examples=10, deadline=None)
@given(sweeps)
def test_reads_agree_with_a_model_at_every_time_and_verify_is_clean(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agrees(File(Path(folder, "annexa.db")), history)


@settings(max_examples=3, deadline=None)
@given(sweeps)
def test_they_agree_on_a_server_as_well(postgres: PostgresServer, history: History) -> None:
    with tempfile.TemporaryDirectory() as folder, postgres.database() as name:
        agrees(Server(postgres.url(name), Path(folder)), history)


@pytest.mark.prove
@settings(max_examples=60, deadline=None)
@given(sweeps)
def test_they_agree_whatever_happened(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agrees(File(Path(folder, "annexa.db")), history)


def agrees(location: Location, history: History) -> None:
    clock = Clock()
    with Store.open(location, clock=clock) as store:
        bench, model, snapshots = Bench(store, clock, location), Model(), []
        halfway = store.checkpoint()
        for sweep in history:
            clock.forward(days=1)
            number = bench.begin("prod")
            parts, documents = [], []
            for kind, (mode, found) in sweep.items():
                collector = kind.rpartition(".")[0]
                if mode == "not asked":
                    parts.append(part(collector=collector, kind=kind, asked=False))
                    continue
                done = mode == "complete"
                parts.append(
                    part(
                        collector=collector,
                        kind=kind,
                        complete=done,
                        cause=None if done else "throttled",
                        carried_findings=[] if done else carried(),
                        observed_at=clock().isoformat(),
                    )
                )
                documents += [
                    document(name, FINDINGS[status], kind=kind, versioning=value)
                    for name, (value, status) in found.items()
                ]
                model.read(kind, mode, found, clock())
            bench.unit(number, iter(documents), parts)
            snapshots.append((clock(), dict(model.there)))
            if len(snapshots) == len(history) // 2:
                halfway = store.checkpoint()
        for at, expected in snapshots:
            assert seen(bench, at) == expected
        assert bench.problems() == []
        before = store.leaves("prod") if history else None
        store.rebuild_cache()
        store.checkpoint()
        assert bench.problems() == []
        assert store.verify(after=halfway).problems == ()
        assert before == (store.leaves("prod") if history else None)
