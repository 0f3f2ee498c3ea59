"""`annexa evidence prove`: one entry is in the signed ledger; the ledger only grew since a head."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.cli.context import Context, common
from annexa.cli.package import head_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evidence_store import Checkpoint, Store


@click.command()
@common
@click.argument("entry", type=click.IntRange(min=1), required=False)
@click.option(
    "--from",
    "earlier",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A checkpoint somebody kept: prove that the ledger only grew since.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder to make, with everything that is needed to check the proof.",
)
def prove(
    context: Context, *, entry: int | None, earlier: Path | None, output: Path | None
) -> None:
    """Prove that ENTRY is in the signed ledger, or with --from that the ledger only grew.

    Prints the proof of an entry as C2SP tlog-proof text, that of growth as the hashes of RFC 9162
    in base64. How to check them without annexa: docs/how-to/verify-a-package.md.
    """
    context.takes(why="a proof is of one entry, or of the whole ledger")
    if (entry is None) == (earlier is None):
        raise click.UsageError("name an ENTRY, or a checkpoint with --from")
    with context.store() as store:
        if earlier is not None:
            files, detail = _growth(store, head_of(earlier))
        else:
            files, detail = _inclusion(store, entry or 0)
        context.accessed(store, "proved", detail=detail)
    if output is None:
        click.echo(files["consistency.txt" if earlier else "entry.tlog-proof"], nl=False)
        return
    _write(files, output)
    click.echo(f"{output}: {', '.join(files)}", err=True)


def _inclusion(store: Store, number: int) -> tuple[Mapping[str, bytes], str]:
    from annexa.export import inclusion  # noqa: PLC0415 - this command only

    row = store.entry(number)
    proof = inclusion(row)
    head = proof.partition(b"\n\n")[2]
    return {
        "entry.json": row.body,
        "entry.tlog-proof": proof,
        "checkpoint.txt": head,
    }, f"entry {number}"


def _growth(store: Store, since: Checkpoint) -> tuple[Mapping[str, bytes], str]:
    from annexa.export import ExportError, growth  # noqa: PLC0415 - this command only

    heads = store.checkpoints()
    if not heads:
        raise ExportError("the ledger has no signed head yet; the end of a sweep signs one")
    return {
        "consistency.txt": growth(store, since, heads[-1]),
        "earlier.txt": since.note.encode(),
        "checkpoint.txt": heads[-1].note.encode(),
    }, f"growth from size {since.size} to {heads[-1].size}"


def _write(files: Mapping[str, bytes], output: Path) -> None:
    from annexa.export import ExportError  # noqa: PLC0415 - this command only

    try:
        output.mkdir(parents=True)
        for name, data in files.items():
            (output / name).write_bytes(data)
    except OSError as error:
        raise ExportError(f"{error.filename}: {error.strerror}; name another --output") from error
