"""Run by Alembic: applies revisions on the connection and transaction handed in."""

from __future__ import annotations

from alembic import context

from annexa.operations.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
