"""Statements of the hot path, run by the driver itself.

Their text is made once for each kind of database. What SQLAlchemy does around a statement costs
several times what SQLite does for it, and a sweep has a thousand units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlalchemy as sa


Convert = Callable[[Any], Any]


class _Text(NamedTuple):
    """A statement as one driver takes it.

    Attributes:
        sql: Its text.
        fixed: Values that belong to it.
        order: The names of all values in their order; None where they are given by name.
        given: What makes the driver's value out of ours, by name; most need nothing.
        read: The same of what comes back, by place.
    """

    sql: str
    fixed: dict[str, Any]
    order: tuple[str, ...] | None
    given: dict[str, Convert]
    read: dict[int, Convert]


class Prepared:
    """A statement whose values are named; of an insert, `columns` are those that are given."""

    def __init__(
        self, statement: sa.Select[Any] | sa.Insert, columns: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._texts: dict[str, _Text] = {}

    def run(self, connection: sa.Connection, **values: object) -> list[tuple[Any, ...]]:
        """Run it with these values; the rows it gives."""
        text = self._texts.get(connection.dialect.name) or self._text(connection.dialect)
        given: Any = text.fixed | values
        for name, convert in text.given.items():
            given[name] = convert(given[name])
        if text.order is not None:
            given = [given[name] for name in text.order]
        cursor = driver(connection).execute(text.sql, given)
        if cursor.description is None:
            return []
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [_converted(row, text.read) for row in rows] if text.read else rows

    def _text(self, dialect: sa.Dialect) -> _Text:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._columns)
        made = self._texts[dialect.name] = _Text(
            str(compiled),
            {
                name: bind.value
                for name, bind in compiled.binds.items()
                if not bind.required and bind.value is not None
            },
            tuple(compiled.positiontup or ()) if compiled.positional else None,
            {
                name: convert
                for name, bind in compiled.binds.items()
                if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect))
            },
            {
                number: convert
                for number, column in enumerate(self._statement.exported_columns)
                if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
            },
        )
        return made


def _converted(row: tuple[Any, ...], read: dict[int, Convert]) -> tuple[Any, ...]:
    return tuple(
        read[number](value) if number in read else value for number, value in enumerate(row)
    )


def driver(connection: sa.Connection) -> Any:  # noqa: ANN401 - sqlite3's or psycopg's
    """The driver's own connection; its errors are named where the transaction is."""
    return connection.connection.driver_connection
