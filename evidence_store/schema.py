"""Which schema a store has, and bringing it to ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from evidence_store import merkle
from evidence_store.database import Database, open_database
from evidence_store.errors import (
    CorruptStoreError,
    NewerSchemaError,
    NotAllowedError,
    StoreMissingError,
)
from evidence_store.location import Location
from evidence_store.tables import entries, leaves

if TYPE_CHECKING:
    from alembic.config import Config

REVISION: Final = "0007"
"""The newest revision under `migrations/versions`."""

AS_OWNER: Final = "run `annexa store upgrade` as the tables' owner"

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revision(connection: sa.Connection, name: str) -> str | None:
    """The schema's revision; None if the database is empty.

    Raises:
        CorruptStoreError: If the database of this name holds another program's tables.
    """
    tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if found is not None:
            return str(found)
    if tables - {"alembic_version"}:
        raise CorruptStoreError(
            f"{name}: holds the tables of another program"
            f" ({', '.join(sorted(tables)[:3])}); name another database"
        )
    return None


def bring_up(database: Database, *, create: bool = True) -> str | None:
    """Create or upgrade the schema in one transaction; without need it only reads.

    Returns:
        The revision that was there before; None if there was no store.

    Raises:
        NewerSchemaError: If a newer release wrote it.
        StoreMissingError: If there is none and `create` is false.
        NotAllowedError: If the account may read or record, but not upgrade.
    """
    with database.reading() as connection:
        before = revision(connection, database.name)
    if before == REVISION:
        return before
    if before is None and not create:
        raise StoreMissingError(f"{database.name}: no store there; `annexa sweep` creates it")
    try:
        with database.writing() as connection:
            found = revision(connection, database.name)  # another process may have been faster
            if found != REVISION:
                _upgrade(database, connection, found)
    except NotAllowedError as error:
        raise NotAllowedError(
            f"{database.name}: has schema {before or 'none yet'}, this release needs {REVISION},"
            f" and this account may not change it; {AS_OWNER}"
        ) from error
    return before


def upgrade(location: Location) -> tuple[str | None, str]:
    """Bring a store's tables to this release, and renew guards and rights in any case.

    Returns:
        The revision before, None if there were no tables, and the one now.
    """
    database = open_database(location)
    try:
        before = bring_up(database)
        with database.writing() as connection:
            database.guard(connection)
    except NotAllowedError as error:
        raise NotAllowedError(
            f"{location.name}: this account may not change the tables; {AS_OWNER}"
        ) from error
    finally:
        database.close()
    return before, REVISION


def _upgrade(database: Database, connection: sa.Connection, found: str | None) -> None:
    # Imported here: it takes longer than all else, and is needed once per release.
    from alembic import command  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerSchemaError(
            f"{database.name}: written by a newer release (schema {found}, this one knows"
            f" {REVISION}); install that release or a later one"
        )
    before = None if found is None else ledger_roots(connection)
    database.prepare(connection)
    config.attributes["connection"] = connection
    command.upgrade(config, REVISION)
    database.guard(connection)
    if before is not None and ledger_roots(connection) != before:
        raise CorruptStoreError(
            f"{database.name}: the upgrade from schema {found} to {REVISION} would have changed the"
            " ledger; nothing was changed, report this with both numbers"
        )


def configuration() -> Config:
    """Alembic's configuration, for the revisions of this package."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def ledger_roots(connection: sa.Connection) -> tuple[bytes, bytes]:
    """The tree's root, and the root over every entry as its bytes stand, placed or not."""
    hashes = connection.scalars(sa.select(leaves.c.hash).order_by(leaves.c.position)).all()
    bodies = sa.select(entries.c.body).order_by(entries.c.id)
    rows = connection.scalars(bodies.execution_options(yield_per=1000))
    return merkle.root(hashes), merkle.root_of(rows)
