"""A name that is erased from the evidence stands in nothing that alerts keep, either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from annexa.alerts import Lookout, Now, messages, outbox, silences, state
from annexa.alerts.erasing import TABLES, Gone, erase
from annexa.operations import Operations
from annexa.operations.tables import metadata
from evidence_store import Location, ResourceKey
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from tests.annexa.alerts.conftest import NOON, alert
from tests.annexa.alerts.test_looking import FRAMEWORK, ONE, Watch, silence
from tests.evidence_store.builders import PRIVATE, document, fails, part, passes

ANN, BOB = "users/ann.smith@acme.example", "users/bob@acme.example"
DPO = Author("J. Roth", "request 77")


@pytest.fixture
def watch(location: Location, operations: Operations) -> Iterator[Watch]:
    made = Watch(location, ONE, operations)
    yield made
    made.store.close()


def sweep(made: Watch, *failing: str) -> None:
    found = [
        document(each, fails(PRIVATE, f"{each} has no key") if each in failing else passes(PRIVATE))
        for each in (ANN, BOB)
    ]
    made.bench.sweep(found, [part(observed_at=made.clock.now.isoformat(), collected=2)])
    made.store.sequence()


def kept(operations: Operations) -> str:
    """Everything that the tables of alerts and of the daemon hold, as text."""
    with operations.reading() as connection:
        return str([connection.execute(sa.select(each)).all() for each in metadata.sorted_tables])


def told(made: Watch) -> list[tuple[str, str]]:
    """What was told of findings; the number of a resource is the database's."""
    return [(kind, re.sub(r"\d+", "n", name)) for kind, name in made.names()]


def erased(made: Watch, name: str = ANN) -> Gone:
    found = Gone()

    def elsewhere(quotes: object, stand_in: str) -> None:
        nonlocal found
        found += erase(made.operations, quotes, stand_in)  # type: ignore[arg-type]

    asked = Request("prod", ResourceKey("aws.s3.bucket", "", name))
    made.store.keeping.erase(asked, DPO, elsewhere)
    return found


def test_messages_conditions_and_silences_name_it_no_longer_and_still_arrive(watch: Watch) -> None:
    sweep(watch)
    watch.look()
    silence(watch, resource=ANN, type="alert.reminder")
    sweep(watch, ANN, BOB)
    watch.look()
    sweep(watch, ANN, BOB)
    watch.look()
    assert "ann.smith" in kept(watch.operations)
    assert erased(watch) == Gone(messages=1, conditions=1, silences=1)
    assert "ann.smith" not in kept(watch.operations)
    (failing,) = [each for each in watch.told() if each.type == "finding.resource.failing"]
    assert told(watch) == [("failing", "(erased) n"), ("failing", BOB)]
    assert failing.counts == {"new": 2, "failing": 2}
    assert failing.resources[1]["reason"] == f"{BOB} has no key"
    (silent,) = silences.kept(watch.operations)
    assert silent.matcher.resource == failing.resources[0]["id"]
    assert len(messages.listed(watch.operations, ["pending"])) == len(watch.told())


def test_what_was_erased_recovers_without_its_name(watch: Watch) -> None:
    sweep(watch)
    watch.look()
    sweep(watch, ANN)
    watch.look()
    assert watch.told()[-1].link.endswith(ANN)
    erased(watch)
    assert watch.told()[-1].link == ""
    for _ in range(2):
        sweep(watch)
        watch.look()
    assert told(watch) == [("failing", "(erased) n"), ("recovered", "(erased) n")]
    assert "ann.smith" not in kept(watch.operations)


def test_a_look_that_saw_the_name_before_writes_nothing_of_it_after(watch: Watch) -> None:
    sweep(watch)
    watch.look()
    sweep(watch, ANN)
    inner, raced = watch.store.following, []

    class Racing:
        def __getattr__(self, name: str) -> object:
            return getattr(watch.store, name)

        def following(self, place: int) -> object:
            found = inner(place)
            if not raced:
                raced.append(erased(watch))
            return found

    lookout = Lookout(Racing(), watch.operations, ONE, FRAMEWORK, watch.clock)  # type: ignore[arg-type]
    lookout.look(Now)
    assert told(watch) == [("failing", "(erased) n")]
    assert "ann.smith" not in kept(watch.operations)


def test_a_value_that_is_erased_goes_from_reasons_and_its_owner_stays(watch: Watch) -> None:
    one = alert(
        title="exported by ann",
        reason="ann has no key; annual",
        resources=[{"id": "u-1", "reason": "mail ann"}],
        link="https://a.example/?command=annexa+explain+ann",
    )
    with watch.operations.writing("test") as connection:
        outbox.put(connection, ["one"], one, "a", NOON)
    from evidence_store.quoting import Quotes  # noqa: PLC0415 - here only

    counted = erase(watch.operations, Quotes(["ann"]), "(erased)", dry_run=True)
    assert counted == Gone(messages=1)
    assert watch.told() == [one]
    erase(watch.operations, Quotes(["ann"]), "(erased)")
    (left,) = watch.told()
    assert (left.title, left.reason) == ("exported by (erased)", "(erased) has no key; annual")
    assert left.resources == [{"id": "u-1", "reason": "mail (erased)"}]
    assert left.link == ""


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
def test_no_page_of_the_file_holds_it_afterwards(watch: Watch) -> None:
    sweep(watch)
    watch.look()
    sweep(watch, ANN)
    watch.look()
    erased(watch)
    watch.operations.compact(*TABLES)
    folder: Path = watch.bench.path.parent
    assert b"ann.smith" not in b"".join(each.read_bytes() for each in folder.glob("*.operations*"))


def test_a_look_goes_on_where_it_was(watch: Watch) -> None:
    sweep(watch)
    watch.look()
    before = state.cursor(watch.operations)
    erased(watch)
    after = state.cursor(watch.operations)
    assert before is not None
    assert after is not None
    assert (after.place, after.step > before.step) == (before.place, True)
    sweep(watch, BOB)
    watch.look()
    assert told(watch) == [("failing", BOB)]
