"""Who may do what on a PostgreSQL server: the four roles, and the statements that make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evidence_store.tables import (
    EVIDENCE,
    accesses,
    checkpoints,
    leaves,
    metadata,
    pending,
    receipts,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

OWNER: Final = "annexa_owner"
"""Owns the tables: creates and upgrades them. The only one that could drop a guard."""
WRITER: Final = "annexa_writer"
"""Records: adds evidence, keeps the cache; cannot place, sign, change or remove anything."""
SEQUENCER: Final = "annexa_sequencer"
"""Gives entries their place in the ledger and keeps signed heads."""
READER: Final = "annexa_reader"
"""Reads and verifies."""
GROUPS: Final = (WRITER, SEQUENCER, READER)
"""Given to accounts; each lets do its own work and nothing else."""

LEDGER: Final = (leaves, checkpoints, receipts)


def rights(role: str, table: sa.Table) -> tuple[str, ...]:
    """What a role may do with a table."""
    own: dict[str, tuple[str, ...]] = {}
    if table in LEDGER:
        own = {SEQUENCER: ("INSERT",)}
    elif table is pending:
        own = {WRITER: ("INSERT",), SEQUENCER: ("DELETE",)}
    elif table is accesses:  # who reads says so
        own = dict.fromkeys(GROUPS, ("INSERT",))
    elif table in EVIDENCE:
        own = {WRITER: ("INSERT",)}
    else:  # a cache
        own = {WRITER: ("INSERT", "DELETE")}
    return ("SELECT", *own.get(role, ()))


def grants(role: str, schema: str) -> Iterator[str]:
    """The statements that give a role its rights and take every other; run by the tables' owner."""
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
    yield f"GRANT SELECT ON {schema}.alembic_version TO {role}"
    for table in metadata.sorted_tables:
        yield f"GRANT {', '.join(rights(role, table))} ON {schema}.{table.name} TO {role}"
        column = table.autoincrement_column
        if column is not None and "INSERT" in rights(role, table):
            yield f"GRANT USAGE ON SEQUENCE {schema}.{table.name}_{column.name}_seq TO {role}"


def script(database: str, schema: str = "evidence") -> str:
    """The SQL an administrator runs once, before the store is made or after."""
    database = '"' + database.replace('"', '""') + '"'
    lines = [
        "-- Roles of annexa's evidence store. Run once as an administrator of the server, in the",
        "-- store's own database. Running it again changes nothing.",
        f"-- {OWNER}: creates and upgrades the tables (annexa store upgrade).",
        f"-- {WRITER}: records sweeps.  {SEQUENCER}: places and signs.  {READER}: reads, verifies.",
        "-- The daemon and `annexa sweep` need an account that is writer and sequencer.",
        "DO $$ BEGIN",
        *(
            f"  IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {kind}; END IF;"
            for role, kind in ((OWNER, "LOGIN"), *((group, "NOLOGIN") for group in GROUPS))
        ),
        "END $$;",
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;",
        f"GRANT CONNECT ON DATABASE {database} TO {', '.join((OWNER, *GROUPS))};",
        f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER};",
        f"GRANT USAGE ON SCHEMA {schema} TO {', '.join(GROUPS)};",
        f"-- Now create the tables as {OWNER}: `annexa store upgrade`. It also gives the three",
        "-- their rights, and does so again after every upgrade. Then one account per machine:",
        f"--   CREATE ROLE annexa_daemon LOGIN IN ROLE {WRITER}, {SEQUENCER};",
        "--   \\password annexa_daemon",
    ]
    return "\n".join(lines) + "\n"
