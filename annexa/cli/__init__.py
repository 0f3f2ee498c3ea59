"""The command line: one file per group of commands, imported when a command of it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import click

from annexa import __version__

OK: Final = 0
FAILS: Final = 1
UNKNOWNS: Final = 2
USAGE: Final = 3
STORE: Final = 4
INTERRUPTED: Final = 130
"""Exit codes; 1 and 2 only with `--exit-on`."""

COMMANDS: Final = {
    "sweep": ("annexa.cli.sweep", "Read every target in scope, judge it, keep the evidence."),
    "status": ("annexa.cli.status", "What can be said about each control now."),
    "controls": ("annexa.cli.status", "All 93 controls, or one with everything behind it."),
    "findings": ("annexa.cli.findings", "What the checks say, resource by resource."),
    "explain": ("annexa.cli.explain", "One finding: value, criterion, request, fix, controls."),
    "diff": ("annexa.cli.diff", "What changed between two sweeps."),
    "unknowns": ("annexa.cli.unknowns", "What could not be read, by cause, with its cure."),
    "scope": ("annexa.cli.scope", "What is declared in scope, what is out by decision."),
    "criteria": ("annexa.cli.scope", "The thresholds and lists of the checks, and their source."),
    "evidence": ("annexa.cli.evidence", "Show, re-perform, export with proof, erase."),
    "retention": ("annexa.cli.retention", "How long evidence is kept; legal holds; letting go."),
    "verify": ("annexa.cli.evidence", "Recompute every digest, root and signature of the store."),
    "store": (
        "annexa.cli.store",
        "The store's tables, key, epochs, backups; who may do what on a server.",
    ),
    "export": ("annexa.cli.export", "Write findings, controls and parts as CSV or JSON."),
    "collectors": ("annexa.cli.collectors", "What can be read, and what is asked about it."),
    "permissions": ("annexa.cli.collectors", "The least a platform has to grant."),
    "config": ("annexa.cli.config", "Check the configuration; print its schema or an example."),
    "doctor": ("annexa.cli.doctor", "Whether everything is in place for a sweep."),
    "demo": ("annexa.cli.demo", "Three minutes with a simulated company; no account needed."),
    "alerts": ("annexa.cli.alerts", "Who is told what changed; silences; what waits."),
    "daemon": ("annexa.cli.daemon", "Sweep on the schedules until told to stop."),
    "health": ("annexa.cli.daemon", "Whether the daemon is well."),
}


class Commands(click.Group):
    """Commands by name; their help is known without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of a day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command where it is used."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415 - only for a mistake

            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="annexa")
def annexa() -> None:
    """Technical evidence for the Annex A controls of ISO/IEC 27001:2022.

    Reads cloud, identity and endpoint systems, judges what was read, relates it to controls,
    and keeps everything, timestamped and tamper-evident. First: annexa sweep, annexa status.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command; every expected error is one message and an exit code."""
    try:
        code = annexa.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        expected = _expected(error)
        if expected is None:
            raise
        code, message = expected
        click.echo(message, err=True)
        sys.exit(code)
    sys.exit(code if isinstance(code, int) else OK)


def _expected(error: Exception) -> tuple[int, str] | None:
    """The exit code and message of an error that has a cure; modules are not imported for it."""
    tree = {base.__module__ + "." + base.__name__: base for base in type(error).__mro__}
    if "config.errors.ConfigError" in tree:
        messages: Any = getattr(error, "messages", ())
        return USAGE, "\n".join(messages)
    usage = {
        "annexa.declared.DeclarationError",
        "annexa.export.errors.ExportError",
        "annexa.sweep.run.SweepError",
        "collectors.catalog.CatalogError",
        "config.secrets.SecretError",
        "evidence_store.errors.RetentionError",
        "mappings.tables.MappingError",
    }
    if usage & tree.keys():
        return USAGE, str(error)
    if "evidence_store.errors.StoreError" in tree:
        return STORE, str(error)
    return None
