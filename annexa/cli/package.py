"""`annexa evidence export`, `verifier`, `key`: what an auditor takes along to check alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.cli.context import Context, common
from annexa.cli.render import counted

if TYPE_CHECKING:
    from annexa.export import Withholding
    from evidence_store import Checkpoint, Store


@click.command("export")
@common
@click.argument("resource", nargs=-1)
@click.option("--kind", multiple=True, help="Only resources of this kind; may be repeated.")
@click.option("--check", multiple=True, help="Only resources this check has judged.")
@click.option(
    "--withhold",
    multiple=True,
    metavar="NAME",
    help="Keep back: key, document, reason, or a member such as listed.Name; KIND:NAME for a kind.",
)
@click.option(
    "--redact-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="More of what to keep back, one a line; # begins a comment.",
)
@click.option("--with-reasons", is_flag=True, help="Show reasons although something is kept back.")
@click.option(
    "--paths-only",
    is_flag=True,
    help="Prove each item by a path: what else there is, is neither listed nor counted.",
)
@click.option(
    "--since",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A checkpoint.txt the auditor kept: prove that the ledger only grew since.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to make, or a file that ends in .zip.",
)
def export_evidence(  # noqa: PLR0913 - one parameter per option
    context: Context,
    *,
    resource: tuple[str, ...],
    kind: tuple[str, ...],
    check: tuple[str, ...],
    withhold: tuple[str, ...],
    redact_file: Path | None,
    with_reasons: bool,
    paths_only: bool,
    since: Path | None,
    output: Path,
) -> None:
    """Write chosen evidence with everything that proves it, for someone who has no annexa."""
    from annexa import export  # noqa: PLC0415 - this command only

    context.takes("target", "as_of", why="choose resources by --kind or --check")
    with context.store() as store:
        package = export.evidence_package(
            store,
            export.Asked(
                _targets(context, store),
                kind,
                check,
                resource,
                context.as_of,
                head_of(since) if since else None,
                leaves=not paths_only,
                withholding=_withholding(withhold, redact_file, reasons=with_reasons),
                stamps=store.stamps,
            ),
        )
        told = "redacted" if withhold or redact_file else "whole"
        context.accessed(
            store, "exported", detail=f"package, {told}, {counted(package.items, 'item')}"
        )
    export.write(package.files, output, package.dated)
    for warning in package.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{output}: {package.items} items, {len(package.files)} files", err=True)


def _targets(context: Context, store: Store) -> list[str]:
    known = [row.target for row in store.targets(context.as_of)]
    if not context.targets:
        return known
    found = []
    for name in context.targets:
        keys = [key for key in known if name in {key, key.partition("/")[2]}]
        if not keys:
            raise click.UsageError(f"no target {name!r} was read by then; read: {', '.join(known)}")
        found += keys
    return sorted(set(found))


def _withholding(names: tuple[str, ...], file: Path | None, *, reasons: bool) -> Withholding:
    from annexa.export import Withholding as Rules  # noqa: PLC0415 - this command only

    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    return Rules.read([*names, *lines], reasons=reasons)


def head_of(path: Path) -> Checkpoint:
    """A checkpoint from a file: the signed note as it was handed over."""
    from evidence_store import StoreError, note  # noqa: PLC0415 - this command only

    try:
        return note.read(path.read_text(encoding="utf-8"))
    except (StoreError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error


@click.command("verifier")
def print_verifier() -> None:
    """Print the offline verifier: one Python file that needs nothing else."""
    from annexa import export  # noqa: PLC0415 - this command only

    sys.stdout.buffer.write(export.verifier())


@click.command("key")
@common
def print_key(context: Context) -> None:
    """Print the ledger's public key: hand it to auditors on another way than the package.

    After a change of keys or a new epoch, one line for each, with the sizes of the heads it signs:
    each line is a --key of the verifier.
    """
    context.takes()
    with context.store() as store:
        for line in keys_with_sizes(store.verifier_keys):
            click.echo(line)


def keys_with_sizes(keys: Sequence[tuple[int, str]]) -> list[str]:
    """Every key as the verifier takes it; a ledger's only key needs no sizes."""
    if len(keys) == 1:
        return [keys[0][1]]
    ends = [str(above) for above, _ in keys[1:]] + [""]
    return [f"{key} {above + 1}-{end}" for (above, key), end in zip(keys, ends, strict=True)]
