"""`annexa demo`: three minutes with a simulated company; no account, no network."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from annexa.cli import OK, USAGE


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the demo's configuration and store in this new folder.",
)
def demo(keep: Path | None) -> int:
    """Three minutes with a simulated company; no account needed.

    Your own machine is left out of it: that is `annexa sweep`.
    """
    try:
        from annexa.demo.story import DemoError, tell  # noqa: PLC0415 - this command only
    except ImportError as error:
        click.echo(f"the demo needs its extra ({error.name}): install annexa[demo]", err=True)
        return USAGE
    try:
        if keep is not None:
            keep.mkdir(parents=True)
            tell(keep)
            click.echo(f"kept in {keep}")
        else:
            with tempfile.TemporaryDirectory(prefix="annexa-demo-") as folder:
                tell(Path(folder))
    except FileExistsError:
        raise click.UsageError(f"{keep} exists: name a new folder") from None
    except DemoError as error:
        raise click.ClickException(str(error)) from None
    return OK
