"""What only a server has: many at once, roles, connections that break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from evidence_store import (
    DiskFullError,
    LockedError,
    NotAllowedError,
    ReadOnlyError,
    Receipt,
    RecordError,
    Server,
    Store,
    StoreError,
    UnreachableError,
    draft,
    open_database,
    roles,
    schema,
    upgrade,
)
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from evidence_store.holds import Held
from evidence_store.tables import metadata
from tests.evidence_store.builders import (
    ON_POSTGRESQL,
    VERSIONED,
    Bench,
    document,
    fails,
    passes,
)
from tests.postgres import PostgresServer

pytestmark = ON_POSTGRESQL


@pytest.fixture
def server(bench: Bench) -> Server:
    assert isinstance(bench.location, Server)
    return bench.location


def end_sessions(postgres: PostgresServer, server: Server) -> None:
    """What a server does to its sessions when an administrator stops it."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
    postgres.execute(query.format(server.database))


def beside(bench: Bench, do: Callable[[Store], object]) -> object:
    """What another worker does meanwhile, or its error."""
    try:
        with Store.open(bench.location, clock=bench.clock, busy_seconds=0.2) as other:
            return do(other)
    except StoreError as error:
        return error


def during(bench: Bench, sweep: int, do: Callable[[], object], target: str = "prod") -> Receipt:
    """Record a unit, and do something in the middle of its transaction."""
    slow = document("slow", passes())
    body = slow.body if isinstance(slow.body, bytes) else slow.body()

    def late() -> bytes:
        do()
        return body

    return bench.unit(sweep, [slow._replace(body=late)], target=target)


# Many at once


def test_units_of_different_targets_are_recorded_at_the_same_time(bench: Bench) -> None:
    sweep = bench.begin("prod", "data")
    inner: list[object] = []

    def other(store: Store) -> Receipt:
        return Bench(store, bench.clock, bench.location).unit(
            sweep, [document("a", passes())], target="data"
        )

    first = during(bench, sweep, lambda: inner.append(beside(bench, other)))
    (second,) = inner
    assert isinstance(second, Receipt)
    assert second.entry < first.entry
    assert bench.problems() == []


def test_one_target_is_recorded_by_one_worker_at_a_time_and_the_other_is_told_who(
    bench: Bench,
) -> None:
    sweep = bench.begin("prod")
    inner: list[object] = []

    def same(store: Store) -> Receipt:
        return Bench(store, bench.clock, bench.location).unit(sweep)

    during(bench, sweep, lambda: inner.append(beside(bench, same)))
    (error,) = inner
    assert isinstance(error, LockedError)
    assert "still held by annexa, process" in str(error)
    assert "after 0.2 s" in str(error)


def test_who_stands_still_in_a_transaction_loses_it_and_the_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence_store.postgres.STANDS_STILL", "100ms")
    sweep = bench.begin("prod")
    inner: list[object] = []

    def same(store: Store) -> Receipt:
        return Bench(store, bench.clock, bench.location).unit(sweep)

    def stand_still() -> None:
        time.sleep(0.5)
        inner.append(beside(bench, same))

    with pytest.raises(UnreachableError, match="stood still inside a transaction"):
        during(bench, sweep, stand_still)
    assert isinstance(inner[0], Receipt)


def test_a_sweep_is_closed_after_the_units_under_way(bench: Bench) -> None:
    sweep = bench.begin("prod")
    inner: list[object] = []
    during(bench, sweep, lambda: inner.append(beside(bench, lambda s: s.close_sweep(sweep, {}))))
    assert isinstance(inner[0], LockedError)
    bench.store.close_sweep(sweep, {})
    bench.store.checkpoint()
    assert bench.problems() == []


def test_two_workers_that_meet_a_new_check_at_once_do_not_wait_for_each_other(
    bench: Bench,
) -> None:
    sweep = bench.begin("prod", "data")
    inner: list[object] = []

    def other(store: Store) -> Receipt:
        own = Bench(store, bench.clock, bench.location)
        return own.unit(sweep, [document("b", fails())], target="data")

    def late() -> bytes:
        inner.append(beside(bench, other))
        return body

    first, second = document("a", passes()), document("c", passes())
    body = second.body if isinstance(second.body, bytes) else second.body()
    # By the time the second document is read, the first one's check is known, and new.
    bench.unit(sweep, [first, second._replace(body=late)])
    assert isinstance(inner[0], Receipt)
    assert {row.status for row in bench.store.findings()} == {"pass", "fail"}
    assert bench.problems() == []


def test_an_entry_whose_number_was_drawn_first_may_be_placed_last(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = bench.begin("prod", "data")
    whole = draft.writing.write_changes

    def other(store: Store) -> int:
        Bench(store, bench.clock, bench.location).unit(sweep, target="data")
        return store.sequence()

    def slow(*arguments: object) -> None:
        monkeypatch.setattr(draft.writing, "write_changes", whole)
        assert beside(bench, other) == 3
        whole(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(draft.writing, "write_changes", slow)
    first = bench.unit(sweep, [document("a", passes())])
    bench.store.close_sweep(sweep, {})
    bench.store.checkpoint()
    placed = [row.id for row in sorted(bench.store.entries(), key=lambda row: row.index or 0)]
    assert placed[-2] == first.entry
    assert placed[2] == first.entry + 1
    assert bench.problems() == []


def test_workers_that_deliver_the_same_units_at_once_leave_one_row_of_each(bench: Bench) -> None:
    targets = [f"t{number}" for number in range(5)]
    sweep = bench.begin(*targets)
    receipts: list[Receipt] = []

    def worker(number: int) -> None:
        with Store.open(bench.location, clock=bench.clock) as store:
            own = Bench(store, bench.clock, bench.location)
            for target in [*targets[number:], *targets[:number]] * 2:
                some = [document(f"{n}", passes(), fails(VERSIONED)) for n in range(3)]
                receipts.append(own.unit(sweep, some, target=target))
                store.sequence()

    threads = [threading.Thread(target=worker, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 40
    assert sum(not receipt.repeated for receipt in receipts) == 5
    assert len({receipt.entry for receipt in receipts}) == 5
    bench.store.close_sweep(sweep, {})
    bench.store.checkpoint()
    assert bench.problems() == []


def test_sweeps_begun_at_once_get_numbers_of_their_own(bench: Bench) -> None:
    found: list[int] = []

    def worker() -> None:
        with Store.open(bench.location, clock=bench.clock) as store:
            own = Bench(store, bench.clock, bench.location)
            found.extend(own.begin() for _ in range(4))

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 17))


# Connections that break


def test_a_connection_lost_between_transactions_is_made_anew(
    bench: Bench, server: Server, postgres: PostgresServer
) -> None:
    bench.sweep([document("a", passes())])
    end_sessions(postgres, server)
    bench.sweep([document("a", fails())])
    end_sessions(postgres, server)
    assert bench.names() == ["a"]
    assert bench.problems() == []


def test_a_connection_lost_within_a_unit_leaves_nothing_of_it_and_the_next_call_works(
    bench: Bench, server: Server, postgres: PostgresServer
) -> None:
    sweep = bench.begin()
    with pytest.raises(UnreachableError, match="nothing is half recorded"):
        during(bench, sweep, lambda: end_sessions(postgres, server))
    assert [row.kind for row in bench.store.entries()] == ["key", "plan"]
    assert bench.unit(sweep, [document("slow", passes())]).added == 1
    assert bench.problems() == []


def test_an_answer_that_never_came_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server committed, but the connection broke before it could say so."""
    bench.sweep([document("a", passes())])
    sweep = bench.begin()
    whole = psycopg.Cursor.execute

    def broken(cursor: psycopg.Cursor[Any], query: Any, *rest: Any, **named: Any) -> object:
        answer = whole(cursor, query, *rest, **named)
        if query == "COMMIT":
            monkeypatch.setattr(psycopg.Cursor, "execute", whole)
            raise psycopg.OperationalError("the connection is lost")
        return answer

    monkeypatch.setattr(psycopg.Cursor, "execute", broken)
    with pytest.raises(UnreachableError):
        bench.unit(sweep, [document("a", passes())])
    assert bench.unit(sweep, [document("a", passes())]).repeated
    assert bench.problems() == []


def test_a_server_that_crashed_and_came_back_has_what_was_acknowledged(
    bench: Bench, postgres: PostgresServer
) -> None:
    bench.sweep([document("a", passes())])
    postgres.stop_at_once()
    try:
        with pytest.raises(UnreachableError, match="check server, address and account"):
            bench.begin()
        with pytest.raises(UnreachableError):
            bench.names()
    finally:
        postgres.start()
    assert bench.names() == ["a"]
    bench.sweep([document("a", fails())])
    assert bench.problems() == []


def test_ctrl_c_in_the_middle_of_a_unit_leaves_nothing_of_it(bench: Bench) -> None:
    sweep = bench.begin()

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        during(bench, sweep, stop)
    assert bench.unit(sweep, [document("a", passes())]).added == 1


# What goes wrong is named


def test_a_password_is_asked_for_at_each_connection_and_never_told(
    bench: Bench, server: Server, postgres: PostgresServer
) -> None:
    postgres.execute(
        "DO $$ BEGIN IF to_regrole('annexa_secret') IS NULL THEN CREATE ROLE annexa_secret LOGIN"
        " SUPERUSER; END IF; END $$; ALTER ROLE annexa_secret PASSWORD 'correct horse'"
    )
    given = ["battery staple"]
    url = postgres.url(server.database, "annexa_secret")
    secret = replace(server, url=url, password=lambda: given[0])
    with pytest.raises(UnreachableError, match="password authentication failed") as refused:
        Store.open(secret)
    assert given[0] not in str(refused.value) + repr(secret)
    given[0] = "correct horse"
    with Store.open(secret, create=False) as store:
        assert store.origin == bench.store.origin
    with pytest.raises(StoreError, match="holds a password") as told:
        replace(server, url="postgresql://annexa:hunter2@db/annexa")
    assert "hunter2" not in str(told.value)


def test_a_database_that_is_not_there_is_named(server: Server, postgres: PostgresServer) -> None:
    with pytest.raises(UnreachableError, match='database "nowhere" does not exist'):
        Store.open(replace(server, url=postgres.url("nowhere")))


def test_a_database_that_may_not_be_written_says_so(
    bench: Bench, server: Server, postgres: PostgresServer
) -> None:
    postgres.execute(f"ALTER DATABASE {server.database} SET default_transaction_read_only = on")
    with Store.open(server, clock=bench.clock, create=False) as store:
        with pytest.raises(ReadOnlyError, match="name the primary server"):
            Bench(store, bench.clock, server).begin()
        assert store.verify().clean


@pytest.mark.parametrize(
    ("state", "kind", "cure"),
    [
        ("53100", DiskFullError, "free space on the server"),
        ("40P01", LockedError, "run it again"),
        ("58030", StoreError, "check the server's volume"),
        ("XX001", StoreError, "restore the database"),
    ],
)
def test_what_the_server_says_is_told_with_what_to_do(
    bench: Bench, server: Server, postgres: PostgresServer, state: str, kind: type, cure: str
) -> None:
    """The server is made to say it: a full volume cannot be had without being root."""
    sweep = bench.begin()
    postgres.execute(
        "CREATE FUNCTION evidence.say() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE 'said' USING ERRCODE = '{state}'; END$$;"
        " CREATE TRIGGER say BEFORE INSERT ON evidence.observations"
        " EXECUTE FUNCTION evidence.say()",
        server.database,
    )
    with pytest.raises(kind, match=f"said; .*{cure}"):
        bench.unit(sweep, [document("a", passes())])
    postgres.execute("DROP TRIGGER say ON evidence.observations", server.database)
    assert bench.problems() == []
    assert bench.unit(sweep, [document("a", passes())]).added == 1


def test_a_text_no_column_can_hold_is_refused_and_nothing_is_recorded(bench: Bench) -> None:
    sweep = bench.begin()
    with pytest.raises(RecordError, match="0x00"):
        bench.unit(sweep, [document("a", fails(reason="a\0b"))])
    assert bench.unit(sweep).added == 0
    assert bench.problems() == []


def test_a_database_of_another_encoding_is_refused(
    server: Server, postgres: PostgresServer
) -> None:
    postgres.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII'")
    try:
        with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
            Store.open(replace(server, url=postgres.url("ascii")))
    finally:
        postgres.execute("DROP DATABASE ascii WITH (FORCE)")


def test_texts_are_compared_by_code_point_whatever_the_databases_language(bench: Bench) -> None:
    with bench.store._database.reading() as connection:
        query = """SELECT table_name, column_name, collation_name FROM information_schema.columns
            WHERE table_schema = 'evidence' AND data_type = 'text'"""
        found = connection.exec_driver_sql(query).all()
    assert len(found) > 5
    assert [row for row in found if row[2] != "C"] == []


def test_another_schema_of_the_same_database_is_another_world(server: Server) -> None:
    database = open_database(server, schema="operations", busy_seconds=0.2)
    evidence = open_database(server, busy_seconds=0.2)
    with database.writing() as connection, evidence.writing():
        database.prepare(connection)
        connection.exec_driver_sql("CREATE TABLE leases (unit text)")
        connection.exec_driver_sql("INSERT INTO leases VALUES ('a')")
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT unit FROM leases").scalars().all() == ["a"]
    for each in (database, evidence):
        each.close()


# Roles


@pytest.fixture
def accounts(
    bench: Bench, server: Server, postgres: PostgresServer
) -> Iterator[Callable[[str], Server]]:
    """One account per role, in a used store."""
    bench.sweep([document("a", passes())])
    postgres.execute(roles.script(server.database), server.database)
    upgrade(server)
    for role in roles.GROUPS:
        postgres.execute(f"DROP ROLE IF EXISTS {role}_account")
        postgres.execute(f"CREATE ROLE {role}_account LOGIN IN ROLE {role}")
    yield lambda role: replace(server, url=postgres.url(server.database, f"{role}_account"))
    for role in roles.GROUPS:
        postgres.execute(f"DROP ROLE {role}_account")


def test_each_role_can_do_its_work(bench: Bench, accounts: Callable[[str], Server]) -> None:
    with Store.open(accounts(roles.WRITER), clock=bench.clock) as store:
        writer = Bench(store, bench.clock, bench.location)
        writer.sweep([document("a", fails()), document("b", passes())])
        for refused in (store.sequence, store.checkpoint):
            with pytest.raises(NotAllowedError, match="annexa store roles"):
                refused()
    with Store.open(accounts(roles.SEQUENCER), clock=bench.clock) as store:
        assert store.sequence() == 7
        assert store.checkpoint().size == 7
        with pytest.raises(NotAllowedError):
            Bench(store, bench.clock, bench.location).begin()
    with Store.open(accounts(roles.READER), clock=bench.clock, create=False) as store:
        assert store.verify().clean
        assert [row.status for row in store.findings()] == ["fail", "pass"]
        for refused in (store.sequence, store.checkpoint, store.rebuild_cache):
            with pytest.raises(NotAllowedError):
                refused()


TAMPERING = (
    "UPDATE entries SET sweep = 9",
    "DELETE FROM observations",
    "TRUNCATE verdicts",
    "DROP TRIGGER append_only ON entries",
    "ALTER TABLE entries DISABLE TRIGGER append_only",
    "SET session_replication_role = replica",
    """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RETURN NEW; END$$""",
    "DROP TABLE leaves",
    "CREATE TABLE more (id int)",
    "UPDATE alembic_version SET version_num = '0000'",
    "SET ROLE annexa_owner",
)


@pytest.mark.parametrize("role", roles.GROUPS)
def test_no_role_can_change_or_remove_evidence_or_its_guards(
    accounts: Callable[[str], Server], role: str
) -> None:
    database = open_database(accounts(role))
    for statement in TAMPERING:
        with pytest.raises(NotAllowedError), database.writing() as connection:
            connection.exec_driver_sql(statement)
    database.close()


MAY = {
    roles.READER: {"SELECT": set(metadata.tables), "INSERT": {"accesses"}},
    roles.SEQUENCER: {
        "SELECT": set(metadata.tables),
        "INSERT": {"leaves", "checkpoints", "receipts", "accesses"},
        "DELETE": {"pending"},
    },
    roles.WRITER: {
        "SELECT": set(metadata.tables),
        "INSERT": set(metadata.tables) - {"leaves", "checkpoints", "receipts"},
        "DELETE": {"current_state", "current_seals"},
    },
}


@pytest.mark.parametrize("role", roles.GROUPS)
@pytest.mark.usefixtures("accounts")
def test_each_role_has_these_rights_and_no_other(bench: Bench, role: str) -> None:
    found: dict[str, set[str]] = {}
    kinds = "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"
    with bench.store._database.reading() as connection:
        for kind in kinds:
            query = f"""SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'
                AND c.relnamespace = 'evidence'::regnamespace AND relname <> 'alembic_version'
                AND has_table_privilege('{role}_account', c.oid, '{kind}')"""  # noqa: S608 - ours
            if names := set(connection.exec_driver_sql(query).scalars()):
                found[kind] = names
    assert found == MAY[role]


def test_who_may_only_read_is_logged_all_the_same(
    bench: Bench, accounts: Callable[[str], Server]
) -> None:
    bench.sweep([document("a")])
    with Store.open(accounts(roles.READER), clock=bench.clock, create=False) as reading:
        reading.accessed("ada@host", "shown", "prod", document("a").key)
    with Store.open(accounts(roles.SEQUENCER), clock=bench.clock, create=False) as sequencing:
        sequencing.checkpoint()
    assert [row.entry for row in bench.store.accesses()] == [None]
    bench.store.checkpoint()
    assert next(iter(bench.store.accesses())).entry is not None
    assert bench.problems() == []


def test_a_writer_may_hold_and_only_the_owner_let_go(
    bench: Bench, accounts: Callable[[str], Server]
) -> None:
    bench.sweep([document("a")])
    with Store.open(accounts(roles.WRITER), clock=bench.clock, create=False) as recording:
        recording.keeping.hold(Held("elsewhere"), Author("J. Roth", "case 12"))
        asked = Request("prod", document("a").key)
        with pytest.raises(NotAllowedError):
            recording.keeping.erase(asked, Author("J. Roth", "request 77"))
    assert bench.names() == ["a"]
    assert bench.problems() == []


def test_only_the_owner_upgrades(accounts: Callable[[str], Server], server: Server) -> None:
    with pytest.raises(NotAllowedError, match="run `annexa store upgrade` as the tables' owner"):
        upgrade(accounts(roles.WRITER))
    assert upgrade(server) == (schema.REVISION, schema.REVISION)


def test_the_owners_account_makes_a_store_without_being_administrator(
    postgres: PostgresServer, server: Server
) -> None:
    with postgres.database(empty=True) as name:
        postgres.execute(roles.script(name), name)
        owner = replace(server, url=postgres.url(name, roles.OWNER))
        assert upgrade(owner) == (None, schema.REVISION)
        with Store.open(owner) as store:
            assert store.verify().clean
        with psycopg.connect(postgres.url(name)) as connection:
            query = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'evidence'"
            assert connection.execute(query).fetchall() == [(roles.OWNER,)]
