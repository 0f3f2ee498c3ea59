"""From entries of the ledger to messages in the outbox: each transition told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annexa.alerts import Alert, Lookout, Now, Unread, silences, state
from annexa.operations import Operations, open_operations
from annexa.operations.tables import alert_conditions, alert_cursor
from annexa.operations.tables import outbox as table
from config.alerts import Alerts, WebhookEndpoint
from config.secrets import SecretRef
from evidence_store import File, Location, Store
from mappings import AcceptedFailure, ControlResult, ControlStatus, Counts, Hand
from mappings.load import load_mapping
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

FRAMEWORK = load_mapping()
DENIED = {"complete": False, "cause": "denied", "permission": "s3:ListAllMyBuckets"}


def endpoint(name: str, **more: object) -> WebhookEndpoint:
    return WebhookEndpoint.model_validate(
        {
            "name": name,
            "kind": "webhook",
            "url": "https://soc.example/hook",
            "secrets": (SecretRef("env", "S"),),
            **more,
        }
    )


class Watch:
    """A store that is swept, and a lookout on it."""

    def __init__(self, location: Location, alerts: Alerts, operations: Operations) -> None:
        self.clock = Clock()
        self.store = Store.open(location, clock=self.clock, origin="annexa/test")
        self.bench = Bench(self.store, self.clock, location)
        self.operations = operations
        self.now = Now()
        self.lookout = Lookout(self.store, operations, alerts, FRAMEWORK, self.clock)

    def sweep(self, *found: str, listing: dict[str, object] | None = None) -> None:
        """A sweep in which buckets are as named: `a+` passes, `a-` fails, `a?` is unknown."""
        answers: dict[str, Callable[..., object]] = {"+": passes, "-": fails, "?": unknown}
        documents = [document(each[0], answers[each[1]](PRIVATE)) for each in found]
        how = part(observed_at=self.clock.now.isoformat(), collected=len(found), **(listing or {}))
        if not how.complete:
            how = part(
                observed_at=self.clock.now.isoformat(),
                collected=len(found),
                carried_findings=[unknown(PRIVATE)],
                **(listing or {}),
            )
        self.bench.sweep(documents, [how])
        self.store.sequence()

    def look(self) -> int:
        return self.lookout.look(lambda: self.now)

    def told(self, to: str = "one") -> list[Alert]:
        query = sa.select(table.c.body).where(table.c.endpoint == to)
        with self.operations.reading() as connection:
            rows = connection.scalars(query.order_by(table.c.created, table.c.type))
            return [Alert.read(body) for body in rows]

    def types(self, to: str = "one") -> list[str]:
        return [each.type for each in self.told(to)]

    def names(self) -> list[tuple[str, str]]:
        """What was told of findings, each with the name of its bucket."""
        return [
            (each.type.rpartition(".")[2], row["id"])
            for each in self.told()
            if each.type.startswith("finding.")
            for row in each.resources
        ]


ONE = Alerts(endpoints=(endpoint("one"),))


@pytest.fixture
def watch(location: Location, operations: Operations) -> Iterator[Watch]:
    made = Watch(location, ONE, operations)
    yield made
    made.store.close()


def test_the_first_results_are_one_digest(watch: Watch) -> None:
    watch.sweep("a-", "b-", "c+")
    assert watch.look() == 1
    (alert,) = watch.told()
    assert alert.type == "collector.run.first_results"
    assert alert.counts == {"collectors": 1, "failing": 2}
    assert {each["id"] for each in alert.resources} == {"a", "b"}
    assert watch.look() == 0


def test_a_finding_fires_at_once_and_is_over_after_two_good_sweeps(watch: Watch) -> None:
    watch.sweep("a+", "b+")
    watch.look()
    watch.sweep("a-", "b-")
    watch.look()
    watch.sweep("a+", "b-")
    watch.look()
    assert watch.names() == [("failing", "a"), ("failing", "b")]
    watch.sweep("a+", "b-")
    watch.look()
    assert watch.names()[2:] == [("recovered", "a")]
    recovered = watch.told()[-1]
    assert (recovered.status, recovered.counts) == ("resolved", {"recovered": 1, "remaining": 1})
    assert recovered.control.startswith("A.")
    watch.sweep("a+")
    watch.look()
    watch.sweep("a+")
    watch.look()
    assert watch.names()[3:] == [("recovered", "b")], "it is gone for good"
    assert watch.told()[-1].counts["remaining"] == 0
    assert watch.told()[-1].group == watch.told()[1].group


def test_what_is_silent_in_the_first_results_is_told_when_the_silence_ends(watch: Watch) -> None:
    silence(watch, resource="a", hours=72)
    watch.sweep("a-", "b-", "c+")
    watch.look()
    (digest,) = watch.told()
    assert digest.counts == {"collectors": 1, "failing": 1}
    watch.clock.forward(days=4)
    watch.look()
    assert watch.names() == [("failing", "a")]


def test_a_lost_permission_is_told_and_resolves_nothing(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    watch.sweep("a-")
    watch.look()
    for _ in range(3):
        watch.sweep(listing=DENIED)
        watch.now = Now(
            unread=[Unread("prod", "aws.s3", "denied", ("s3:ListAllMyBuckets",))],
            read={("prod", "aws.s3"): str(watch.clock.now)},
        )
        watch.look()
    assert watch.names() == [("failing", "a")]
    lost = [each for each in watch.told() if each.type == "collector.run.permission_lost"]
    assert len(lost) == 1
    assert "needs s3:ListAllMyBuckets" in lost[0].reason
    for day in range(2):
        watch.sweep("a-")
        watch.now = Now(read={("prod", "aws.s3"): str(day)})
        watch.look()
    assert watch.types()[-1] == "collector.run.recovered"
    assert watch.names() == [("failing", "a")]


def test_unknown_between_two_good_looks_begins_anew(watch: Watch) -> None:
    for sweep in ("a+", "a-", "a+", "a?", "a?", "a+"):
        watch.sweep(sweep)
        watch.look()
    assert watch.names() == [("failing", "a")]
    watch.sweep("a+")
    watch.look()
    assert watch.names() == [("failing", "a"), ("recovered", "a")]


def test_what_nobody_was_told_of_is_never_taken_back(watch: Watch) -> None:
    silence(watch, check=PRIVATE.id)
    for sweep in ("a+", "a-", "a+", "a+"):
        watch.sweep(sweep)
        watch.look()
    watch.clock.forward(days=100)
    watch.look()
    assert watch.names() == []


def silence(watch: Watch, hours: float = 24 * 30, **matcher: str) -> int:
    now = watch.clock.now
    until = now + timedelta(hours=hours)
    made = silences.Matcher(**matcher)
    return silences.add(watch.operations, made, "J. Roth", "KEY-7", now, until)


def test_what_still_fires_when_a_silence_ends_is_told_then(watch: Watch) -> None:
    watch.sweep("a+", "b+")
    watch.look()
    number = silence(watch, resource="a")
    watch.sweep("a-", "b-")
    watch.look()
    assert watch.names() == [("failing", "b")]
    assert silences.lift(watch.operations, number, "J. Roth", watch.clock.now)
    watch.look()
    assert watch.names() == [("failing", "b"), ("failing", "a")]
    assert watch.told()[-1].counts == {"new": 1, "failing": 2}
    (kept,) = silences.kept(watch.operations)
    assert (kept.author, kept.reason, kept.lifted_by) == ("J. Roth", "KEY-7", "J. Roth")


def test_what_an_exception_accepts_is_told_only_when_that_ends(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    start, until = watch.clock.now, watch.clock.now + timedelta(days=40)
    accepted = AcceptedFailure("exception 1", PRIVATE.id, "M. Weber", "J. Roth", start, until)
    watch.lookout.exceptions = [accepted]
    watch.now = Now(exceptions=[accepted])
    watch.sweep("a-")
    watch.look()
    assert watch.names() == []
    for _ in range(45):
        watch.clock.forward(days=1)
        watch.look()
    days = [each.counts["days"] for each in watch.told() if each.type.startswith("exception.")]
    assert days == [30, 7, 1, 0]
    assert watch.names() == [("failing", "a")]


def test_a_listing_that_lost_its_resources_is_told_unless_it_is_torn(watch: Watch) -> None:
    watch.sweep(*(f"{name}+" for name in "abcdefghij"))
    watch.look()
    watch.sweep("a+", listing=DENIED)
    watch.look()
    assert "coverage.scope.shrunk" not in watch.types()
    watch.sweep("a+", "b+", "c+")
    watch.look()
    shrunk = watch.told()[-1]
    assert shrunk.type == "coverage.scope.shrunk"
    assert shrunk.resources[0]["reason"] == "10 → 3"
    watch.sweep("a+", "b+", "c+")
    watch.look()
    assert watch.types().count("coverage.scope.shrunk") == 1


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_a_listing_that_loses_little_by_little_is_told_as_well(watch: Watch) -> None:
    for number in (10, 9, 9, 8, 8, 9, 7, 6):
        watch.sweep(*(f"{name}+" for name in "abcdefghij"[:number]))
        watch.look()
    shrunk = [each for each in watch.told() if each.type == "coverage.scope.shrunk"]
    assert [each.resources[0]["reason"] for each in shrunk] == ["10 → 8", "9 → 7"]


def test_what_still_fires_is_reminded_of_once_a_day(watch: Watch) -> None:
    watch.sweep("a-", "b-")
    watch.look()
    for _ in range(4 * 24):
        watch.clock.forward(hours=1)
        watch.look()
    reminders = [each for each in watch.told() if each.type == "alert.reminder"]
    assert [each.counts["failing"] for each in reminders] == [2, 2, 2, 2]


def test_of_a_target_that_is_out_of_scope_nobody_is_told_any_more(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    watch.sweep("a-")
    watch.look()
    watch.lookout.out = frozenset({"prod"})
    watch.sweep("a-", "b-")
    for _ in range(3):
        watch.look()
        watch.clock.forward(days=2)
    assert watch.names() == [("failing", "a")]
    assert "alert.reminder" not in watch.types()
    watch.lookout.out = frozenset()
    watch.sweep("a-", "b-", "c-")
    watch.look()
    assert watch.types()[-1] == "collector.run.first_results", "it is read anew"


def test_one_finding_is_explained_by_a_command_that_can_be_pasted(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    watch.sweep("a-")
    watch.look()
    assert watch.told()[-1].link == f"annexa explain {PRIVATE.id} a"


def test_an_export_is_told(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    watch.store.accessed("eve@host", "exported", "prod", None, "package 7")
    watch.store.sequence()
    watch.look()
    told = watch.told()[-1]
    assert told.type == "export.created"
    assert told.resources == [{"id": "eve@host", "reason": "package 7"}]


def control(status: ControlStatus, day: int, **counts: int) -> ControlResult:
    from datetime import UTC, datetime  # noqa: PLC0415 - here only

    made = Counts(**counts)
    return ControlResult(
        control="A.8.5", status=status, why="1 of 41 fails", met=1, applicable=2, deciding=None,
        counts=made, direct=(), supporting=(), hand=Hand(), flags=(), phases=(),
        applicability="", declared="", disagrees=False,
        observed_to=datetime(2026, 11, day, tzinfo=UTC),
    )  # fmt: skip


def test_a_control_regresses_at_once_and_recovers_at_the_second_look(watch: Watch) -> None:
    watch.sweep("a+")
    days = [
        ControlStatus.NO_EVIDENCE,
        ControlStatus.MET,
        ControlStatus.NOT_MET,
        ControlStatus.UNKNOWN,
        ControlStatus.MET,
        ControlStatus.MET,
        ControlStatus.MET,
    ]
    said = []
    for day, status in enumerate(days, 1):
        watch.now = Now({"A.8.5": control(status, day)})
        watch.sweep("a+")
        watch.look()
        watch.look()  # a second look at the same evidence is no second good one
        said.append([each.type for each in watch.told() if each.control][-1:])
    assert said == [
        [],
        ["control.status.changed"],
        ["control.verdict.regressed"],
        ["control.verdict.regressed"],
        ["control.verdict.regressed"],
        ["control.verdict.recovered"],
        ["control.verdict.recovered"],
    ]
    statuses = [each.status for each in watch.told() if each.control]
    assert statuses == ["news", "firing", "resolved"]


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other", [ControlStatus.MET, ControlStatus.PARTLY_MET])
@pytest.mark.parametrize("bad", [ControlStatus.NOT_MET, ControlStatus.UNKNOWN])
def test_a_control_that_flaps_is_told_of_once(
    watch: Watch, bad: ControlStatus, other: ControlStatus
) -> None:
    watch.sweep("a+")
    for day in range(1, 9):
        watch.now = Now({"A.8.5": control(other if day % 2 else bad, day)})
        watch.sweep("a+")
        watch.look()
        watch.look()
    told = [each.type for each in watch.told() if each.control]
    assert told == ["control.verdict.regressed"] * (bad is ControlStatus.NOT_MET)


def test_a_control_that_stays_unknown_or_goes_stale_is_told(watch: Watch) -> None:
    watch.sweep("a+")
    for day, status in enumerate([ControlStatus.MET] + [ControlStatus.UNKNOWN] * 3, 1):
        watch.now = Now({"A.8.5": control(status, 1)})  # nothing new was observed
        watch.sweep("a+")
        watch.look()
        watch.look()
        assert len([each for each in watch.told() if each.control]) == (day > 2)
    watch.now = Now({"A.8.5": control(ControlStatus.STALE, 1)})
    watch.look()
    assert [each.verdict for each in watch.told() if each.control] == ["unknown", "stale"]


def test_many_controls_at_once_are_one_message(watch: Watch) -> None:
    watch.sweep("a+")
    names = [f"A.8.{n}" for n in range(1, 21)]
    for status in (ControlStatus.MET, ControlStatus.NOT_MET):
        watch.now = Now({name: control(status, 1) for name in names})
        watch.look()
    (told,) = [each for each in watch.told() if each.type == "control.verdict.regressed"]
    assert told.counts == {"controls": 20}
    assert len(told.resources) == 10


def test_whoever_wants_one_control_hears_of_it_among_many(
    location: Location, operations: Operations
) -> None:
    alerts = Alerts(
        endpoints=(
            endpoint("one", only_controls=("A.8.20",)),
            endpoint("two", only_controls=("A.5.1",)),
            endpoint("three", only_targets=("pr*",)),
        )
    )
    made = Watch(location, alerts, operations)
    made.sweep("a-")
    names = [f"A.8.{n}" for n in range(1, 21)]
    for status in (ControlStatus.MET, ControlStatus.NOT_MET):
        made.now = Now({name: replace(control(status, 1), control=name) for name in names})
        made.look()
    assert made.types("one") == ["control.verdict.regressed"]
    assert made.types("two") == []
    made.clock.forward(days=2)
    made.look()
    assert made.types("three") == ["collector.run.first_results", "alert.reminder"]
    made.store.close()


def test_stale_evidence_is_told_and_restored_only_by_evidence(watch: Watch) -> None:
    watch.sweep("a+")
    looks = [
        control(ControlStatus.MET, 1),
        control(ControlStatus.STALE, 1, stale=3),
        control(ControlStatus.UNKNOWN, 1, unread=3),
        control(ControlStatus.MET, 9, passed=3),
    ]
    for each in looks:
        watch.now = Now({"A.8.5": each})
        watch.look()
    types = [each for each in watch.types() if each.startswith("evidence.")]
    assert types == ["evidence.freshness.breached", "evidence.freshness.restored"]


def test_endpoints_get_what_they_want_and_a_failed_verification_always(
    location: Location, operations: Operations
) -> None:
    alerts = Alerts(
        endpoints=(
            endpoint("one"),
            endpoint("controls", events=("control.*",)),
            endpoint("severe", minimum="critical"),
            endpoint("other", only_targets=("staging",)),
        )
    )
    made = Watch(location, alerts, operations)
    made.sweep("a+")
    made.look()
    made.sweep("a-")
    made.look()
    from annexa.alerts import tell_at_once  # noqa: PLC0415 - here only
    from annexa.alerts.teller import verification_failed  # noqa: PLC0415

    silence(made, type="*", target="*")
    bad = verification_failed("whole", 2, "leaves 7: is missing", "2026-11-25T12:00:00+00:00")
    assert tell_at_once(operations, alerts, bad, "once", made.clock.now) == 4
    assert tell_at_once(operations, alerts, bad, "once", made.clock.now) == 0
    assert made.types("one").count("finding.resource.failing") == 1
    for name in ("controls", "severe", "other"):
        assert made.types(name) == ["integrity.verification.failed"]
    made.store.close()


def test_another_ledger_is_noticed_and_compared_with_what_was_told(
    location: Location, operations: Operations
) -> None:
    made = Watch(location, ONE, operations)
    made.sweep("a+", "b-")
    made.look()
    made.sweep("a-", "b-")
    made.look()
    with operations.writing("test") as connection:
        connection.execute(sa.update(alert_cursor).values(leaf="00" * 32))
    made.look()
    assert made.names() == [("failing", "a")], "nothing is told twice"
    cursor = state.cursor(operations)
    assert cursor is not None
    assert cursor.leaf == made.store.ledger_end()[1].hex()
    made.store.close()


def test_ids_are_new_ones_when_the_operations_database_was_lost(
    location: Location, operations: Operations
) -> None:
    """A receiver ignores what it has seen: an id of before would make it deaf for what is new."""
    made = Watch(location, ONE, operations)
    seen: set[str] = set()
    for _ in range(2):
        for found in ("a+", "a-", "a+", "a+"):
            made.sweep(found)
            made.look()
        with operations.writing("test") as connection:
            ids = set(connection.scalars(sa.select(table.c.id)))
            assert ids
            assert not ids & seen
            seen |= ids
            for each in (table, alert_cursor, alert_conditions):
                connection.execute(sa.delete(each))
    made.store.close()


def test_a_listing_that_shrinks_in_two_sweeps_between_looks_is_told_of_twice(watch: Watch) -> None:
    watch.sweep(*(f"{name}+" for name in "abcdefghij"))
    watch.look()
    sweep = watch.bench.begin()
    for names in ("abcde", "a"):
        parts = [part(observed_at=watch.clock.now.isoformat(), collected=len(names))]
        watch.bench.unit(sweep, [document(each, passes(PRIVATE)) for each in names], parts)
        sweep = watch.bench.begin()
    watch.store.close_sweep(sweep, {})
    watch.store.sequence()
    watch.look()
    shrunk = [each for each in watch.told() if each.type == "coverage.scope.shrunk"]
    assert sorted(each.resources[0]["reason"] for each in shrunk) == ["10 → 5", "5 → 1"]


def test_two_that_look_at_the_same_time_tell_once(watch: Watch) -> None:
    watch.sweep("a+")
    watch.look()
    watch.sweep("a-")
    other = Lookout(watch.store, watch.operations, ONE, FRAMEWORK, watch.clock)
    inner = watch.store.following
    raced: list[int] = []

    class Racing:
        def __getattr__(self, name: str) -> object:
            return getattr(watch.store, name)

        def following(self, place: int) -> Sequence[object]:
            found = inner(place)
            if not raced:
                raced.append(0)
                other.look(Now)
            return found

    watch.lookout.store = Racing()  # type: ignore[assignment]
    watch.look()
    assert watch.names() == [("failing", "a")]


class CrashError(Exception):
    """The process ends here."""


HISTORY = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from("+-?")),
        st.sampled_from(["complete"] * 4 + ["denied"]),
        st.sampled_from(["look", "look", "none", "crash in writing", "crash between"]),
    ),
    min_size=1,
    max_size=12,
)


def expected(history: Sequence[tuple[dict[str, str], str, str]]) -> list[tuple[str, str]]:
    """What must be told, worked out from what was swept; `good` has what fires."""
    told: list[tuple[str, str]] = []
    before: dict[str, str] = {}
    good: dict[str, int] = {}
    known = False
    for found, listing, _ in history:
        torn = listing == "denied"
        now = (dict.fromkeys(before, "?") if torn else {}) | found
        new = [name for name, status in now.items() if status == "-" and name not in good]
        good |= {name: 0 for name, status in now.items() if status == "-" or name in good
                 if status != "+"}  # fmt: skip
        for name in list(good):
            fine = now.get(name, "") in {"", "+"}
            # A torn listing is no second look at what has not changed.
            good[name] += fine and (not torn or before.get(name) != now.get(name))
            if good[name] == 2:
                told.append(("recovered", name))
                del good[name]
        told += [("failing", name) for name in new if known or torn]
        known, before = known or not torn, now
    return told


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=HISTORY)
def test_every_transition_of_any_history_is_told_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[dict[str, str], str, str]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("history")
    location = File(folder / "evidence.db")
    operations = open_operations(location)
    made = Watch(location, ONE, operations)
    try:
        made.look()
        for found, listing, then in history:
            torn = DENIED if listing == "denied" else None
            made.sweep(*(name + status for name, status in found.items()), listing=torn)
            _then(made, then)
        made.look()
        assert sorted(made.names()) == sorted(expected(history))
    finally:
        made.store.close()
        operations.close()


def _then(made: Watch, then: str) -> None:
    if then == "none":
        return
    if then == "look":
        made.look()
        return
    patch = pytest.MonkeyPatch()

    def crash(*_: object) -> None:
        raise CrashError

    target = (state, "_keep") if then == "crash in writing" else (Lookout, "_standing")
    patch.setattr(*target, crash)
    try:
        with pytest.raises(CrashError):
            made.look()
    except pytest.fail.Exception:
        pass  # there was nothing to write
    finally:
        patch.undo()
