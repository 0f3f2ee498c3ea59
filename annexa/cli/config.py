"""`annexa config`: check the configuration; print its schema or an example."""

from __future__ import annotations

import click
import orjson

from annexa.cli.context import Context, common
from annexa.cli.render import counted


@click.group()
def config() -> None:
    """Check the configuration; print its schema or an example."""


@config.command()
@common
def check(context: Context) -> None:
    """Say every problem of the configuration at once, with file and line."""
    from annexa import declared  # noqa: PLC0415 - this command only

    settings = context.settings
    jobs = declared.jobs(settings, context.at.date())
    context.bound()
    where = context.config_path or "no file: defaults"
    click.echo(
        f"{where}: ok, {counted(len(jobs), 'target')}, "
        f"{counted(len(settings.criteria), 'check')} with bound criteria, "
        f"{counted(len(settings.exceptions), 'exception')}; store {context.location.name}"
    )


@config.command()
def schema() -> None:
    """The JSON Schema of annexa.toml, for editors."""
    from config.example import schema as made  # noqa: PLC0415 - this command only

    click.echo(orjson.dumps(made(), option=orjson.OPT_INDENT_2).decode())


@config.command()
def example() -> None:
    """An annexa.toml with every setting and what it means."""
    from config.example import example as made  # noqa: PLC0415 - this command only

    click.echo(made(), nl=False)
