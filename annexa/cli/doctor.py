"""`annexa doctor`: whether everything is in place for a sweep, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli import OK, USAGE
from annexa.cli.context import Context, common
from annexa.cli.render import Column, counted, show

if TYPE_CHECKING:
    from evidence_store.outside import Holder

MEGABYTES_FREE: Final = 200
"""Below this a year of a small organisation's evidence does not fit."""


@click.command()
@common
@click.option("--offline", is_flag=True, help="Do not ask the targets who we are.")
def doctor(context: Context, *, offline: bool) -> int:
    """Whether everything is in place for a sweep, and what to do where it is not."""
    context.takes("target")
    rows = list(_examine(context, offline=offline))
    show(
        context.layout,
        (
            Column("state", "STATE"),
            Column("what", "WHAT"),
            Column("found", "FOUND", wide=True),
            Column("do", "WHAT TO DO", wide=True),
        ),
        rows,
    )
    return USAGE if any(row["state"] == "bad" for row in rows) else OK


def _examine(context: Context, *, offline: bool) -> Iterator[dict[str, Any]]:
    yield _row("good", "Python", f"{platform.python_version()} on {platform.system()}")
    yield from _configuration(context)
    yield from _store(context)
    yield from _outside(context, offline=offline)
    yield from _alerts(context)
    yield from _packages()
    yield from _targets(context, offline=offline)
    if hasattr(os, "geteuid"):
        root = os.geteuid() == 0
        yield _row(
            "good" if root else "note",
            "rights on this host",
            "root" if root else f"user {os.geteuid()}",
            "" if root else "what only root may read is unknown: annexa permissions linux",
        )


def _configuration(context: Context) -> Iterator[dict[str, Any]]:
    settings = context.settings
    if context.config_path is None:
        yield _row(
            "note",
            "configuration",
            "none: defaults",
            "annexa config example > annexa.toml",
        )
    else:
        yield _row("good", "configuration", str(context.config_path))
    if settings.scope.declared:
        yield _row("good", "scope", f"{settings.scope.name} v{settings.scope.version}")
    else:
        yield _row(
            "note", "scope", "not declared", "add [scope] to the configuration: annexa scope"
        )
    if settings.soa is None:
        yield _row("note", "statement of applicability", "none", "add [soa]: annexa config example")


def _store(context: Context) -> Iterator[dict[str, Any]]:
    from evidence_store import File, StoreMissingError  # noqa: PLC0415 - this command only
    from evidence_store.errors import StoreError  # noqa: PLC0415 - this command only

    location = context.location
    try:
        with context.store() as store:
            found = counted(len(store.sweeps()), "sweep")
            yield _row("good", "store", f"{location.name}: {found}, origin {store.origin}")
    except StoreMissingError:
        good, cure = True, ""
        if isinstance(location, File):
            folder = _folder(location.path)
            good = os.access(folder, os.W_OK)
            cure = "" if good else f"{folder} cannot be written: choose another --store"
        found = f"{location.name}: made by the first sweep"
        yield _row("good" if good else "bad", "store", found, cure)
    except StoreError as error:
        yield _row("bad", "store", str(error))
    if not isinstance(location, File):
        return  # a server's disk is not ours to look at
    free = shutil.disk_usage(_folder(location.path)).free // 1_000_000
    yield _row(
        "good" if free >= MEGABYTES_FREE else "bad",
        "disk",
        f"{free:,} MB free",
        "" if free >= MEGABYTES_FREE else "make room, or choose another --store",
    )


def _folder(path: Path) -> Path:
    """The folder a file is in or would be made in."""
    return next(parent for parent in path.absolute().parents if parent.exists())


def _outside(context: Context, *, offline: bool) -> Iterator[dict[str, Any]]:
    from annexa.outside import outside  # noqa: PLC0415 - this command only
    from evidence_store.errors import OutsideError  # noqa: PLC0415

    found = outside(context.settings)
    if not found.holders:
        yield _row(
            "note",
            "outside copies",
            "nobody holds signed heads: a rollback cannot be excluded",
            "add [[store.outside]]: annexa config example",
        )
    for holder in found.holders:
        yield _holder(holder, _ledger(context), offline=offline)
    for authority in found.authorities:
        what = f"authority {authority.name}"
        if offline:
            yield _row("note", what, f"{authority.place}: not asked (--offline)")
            continue
        try:
            authority.stamp(b"annexa doctor")
        except OutsideError as error:
            yield _row("bad", what, authority.place, str(error))
        else:
            yield _row("good", what, f"{authority.place}: stamps, and its stamps verify")


def _ledger(context: Context) -> str:
    from evidence_store.errors import StoreError  # noqa: PLC0415 - this command only

    try:
        with context.store() as store:
            return store.ledger
    except StoreError:  # said above
        return context.settings.store.origin or ""


def _holder(holder: Holder, ledger: str, *, offline: bool) -> dict[str, Any]:
    from evidence_store.errors import OutsideError  # noqa: PLC0415 - this command only

    what, where = f"holder {holder.name}", f"{holder.kind} {holder.place}"
    if offline or not holder.readable:
        why = "not asked (--offline)" if offline else "cannot be read back: set read_url"
        return _row("note", what, f"{where}: {why}")
    try:
        last = holder.latest(ledger)
    except OutsideError as error:
        return _row("bad", what, where, str(error))
    held = f"holds heads up to {last.size}" if last else "reached, holds nothing yet"
    return _row("good", what, f"{where}: {held}")


def _alerts(context: Context) -> Iterator[dict[str, Any]]:
    """Whether every endpoint's secrets can be had, and what it owes; nobody is asked."""
    from contextlib import closing  # noqa: PLC0415 - this command only

    from annexa.alerts import messages  # noqa: PLC0415
    from annexa.operations import open_operations, there_are_operations  # noqa: PLC0415
    from config import SecretError  # noqa: PLC0415
    from evidence_store import StoreError  # noqa: PLC0415

    configured = context.settings.alerts.endpoints
    if not configured:
        cure = "add [[alerts.endpoints]]: annexa config example"
        yield _row("note", "alerts", "nobody is told what changes", cure)
        return
    where = context.location
    known: Mapping[str, messages.EndpointState] = {}
    if there_are_operations(where):
        try:
            with closing(open_operations(where)) as operations:
                known = messages.states(operations)
        except StoreError as error:
            yield _row("bad", "alerts", str(error))
            return
    for each in configured:
        state = known.get(each.name, messages.EndpointState())
        what, cure = f"alerts to {each.name}", ""
        found = f"{each.kind}: {state.word}, {state.pending} pending, {state.dead} dead"
        good = state.word in {"good", messages.UNTRIED} and not state.dead
        if not good:
            cure = f"{state.why or 'annexa alerts list'}; then: annexa alerts retry"
        try:
            for secret in each.references:
                secret.get()
        except SecretError as error:
            good, cure = False, str(error)
        yield _row("good" if good else "bad", what, found, cure)


def _packages() -> Iterator[dict[str, Any]]:
    from importlib.util import find_spec  # noqa: PLC0415 - this command only

    there = find_spec("boto3") is not None
    yield _row(
        "good" if there else "note",
        "AWS SDK",
        "boto3" if there else "not installed",
        "" if there else "to read AWS: install annexa[aws]",
    )


def _targets(context: Context, *, offline: bool) -> Iterator[dict[str, Any]]:
    from annexa import declared  # noqa: PLC0415 - this command only
    from collectors import Caller, CallError, SystemClock  # noqa: PLC0415
    from config import SecretError  # noqa: PLC0415 - this command only

    today = context.at.date()
    context.bound()
    for out in declared.out_of_scope(context.settings, today):
        yield _row("note", out.key, f"out of scope by decision of {out.date}: {out.reason}")
    try:
        jobs = declared.jobs(context.settings, today, context.targets)
    except SecretError as error:
        yield _row("bad", "secrets", str(error), "no target is read until it can be had")
        return
    for job in jobs:
        key = job.connection.key
        if offline:
            yield _row("note", key, "not asked (--offline)")
            continue
        clock = SystemClock()
        caller = Caller(clock, clock.monotonic() + 20, threading.Event(), rate=None)
        try:
            identity = job.connection.open(caller).identify()
        except CallError as error:
            yield _row("bad", key, f"{error.cause.value}: {error.code}", str(error))
        else:
            yield _row("good", key, f"{identity.subject} as {identity.principal}")


def _row(state: str, what: str, found: str, do: str = "") -> dict[str, Any]:
    return {"state": state, "what": what, "found": found, "do": do}
