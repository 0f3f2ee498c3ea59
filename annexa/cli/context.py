"""What the commands share: common options, and the rooms opened when a command needs them."""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from annexa.sweep import Bound
    from collectors import Catalog
    from config import Settings
    from evidence_store import Location, ResourceKey, Store
    from evidence_store.answers import FindingRow
    from mappings import Mapping as Framework

P = ParamSpec("P")
R = TypeVar("R")


WHOLE_SCOPE: Final = (
    "a control is judged over the whole declared scope; "
    "for a part of it: annexa findings --target … --collector …"
)
"""Why the status of controls cannot be asked of one target."""


class Instant(click.ParamType[datetime]):
    """A time: `2026-11-24` (the end of that day, UTC) or ISO 8601 with a time."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it as aware UTC."""
        if isinstance(value, datetime):
            return value
        try:
            text = str(value)
            if len(text) == len("2026-11-24"):
                return datetime.combine(dt.date.fromisoformat(text), dt.time.max, UTC)
            read = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-11-24 or 2026-11-24T09:30Z", param, ctx)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


@dataclass(frozen=True)
class Context:
    """The common options, and what they lead to; each room is opened when it is first used."""

    config: Path | None = None
    named_store: str | None = None
    targets: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()
    layout: str = "table"
    as_of: datetime | None = None
    given_text: bytes | None = None
    """The configuration's text, where it is not the file's as it is now."""

    @cached_property
    def config_path(self) -> Path | None:
        """The configuration file that is used, if there is one."""
        from config import config_file  # noqa: PLC0415 - when needed

        return config_file(self.config)

    @cached_property
    def config_text(self) -> bytes:
        """The configuration as it was when it was read: a daemon outlives changes of the file."""
        if self.given_text is not None:
            return self.given_text
        return self.config_path.read_bytes() if self.config_path else b""

    @cached_property
    def settings(self) -> Settings:
        """The configuration; without a file, its defaults. Logging is set up with it."""
        from annexa import logs  # noqa: PLC0415 - when needed
        from config.load import load, parse  # noqa: PLC0415 - when needed

        text = self.config_text
        if self.given_text is None:
            settings = load(self.config_path)
        else:
            settings = parse(text.decode(), self.config_path or Path("annexa.toml"), os.environ)
        logs.set_up(settings.log.level, settings.log.format)
        return settings

    @cached_property
    def catalog(self) -> Catalog:
        """Every installed collector."""
        from collectors import catalog  # noqa: PLC0415 - when needed

        return catalog()

    @cached_property
    def framework(self) -> Framework:
        """The mapping to ISO/IEC 27001:2022."""
        from mappings.load import load_mapping  # noqa: PLC0415 - when needed

        return load_mapping()

    @cached_property
    def location(self) -> Location:
        """Where the evidence is kept; its `name` is for people and holds no password."""
        from config import ConfigError  # noqa: PLC0415 - when needed
        from config.addresses import address, is_address  # noqa: PLC0415 - when needed
        from evidence_store import File, Server  # noqa: PLC0415 - when needed

        settings, named = self.settings.store, self.named_store
        url = settings.url if named is None else None
        if named is not None and is_address(named):
            try:
                url = address(named)
            except ValueError as error:
                raise ConfigError([f"--store: {error}"]) from None
        if url is None:
            return File(settings.path if named is None else Path(named))
        return Server(url, settings.keys, settings.password.get if settings.password else None)

    @property
    def at(self) -> datetime:
        """The instant that is asked about."""
        return self.as_of or datetime.now(UTC)

    @contextmanager
    def store(self, *, create: bool = False, **more: Any) -> Iterator[Store]:  # noqa: ANN401 - as `Store.open` takes it
        """The evidence store, closed afterwards; only a sweep makes a new one."""
        from annexa.outside import outside  # noqa: PLC0415 - when needed
        from evidence_store import Store  # noqa: PLC0415 - when needed

        opened = Store.open(
            self.location,
            create=create,
            origin=self.settings.store.origin,
            outside=outside(self.settings),
            **more,
        )
        try:
            yield opened
        finally:
            opened.close()

    def bound(self) -> Bound:
        """The criteria in force, checked against the installed checks.

        Raises:
            ConfigError: one fits no check; with its line.
        """
        from annexa import declared  # noqa: PLC0415 - when needed
        from config import ConfigError  # noqa: PLC0415 - when needed
        from config.lines import lines  # noqa: PLC0415 - when needed

        try:
            return declared.bound(self.settings, self.catalog, self.at.date())
        except declared.DeclarationError as error:
            if self.config_path is None or not error.place:
                raise
            where = lines(self.config_text.decode())
            line = next(
                where[error.place[:n]]
                for n in range(len(error.place), -1, -1)
                if error.place[:n] in where
            )
            first, check, *rest = error.place
            named = ".".join([first, f'"{check}"', *rest])
            raise ConfigError([f"{self.config_path}:{line}: {named}: {error}"]) from error

    def takes(self, *options: str, why: str = "") -> None:
        """Refuse a common option that would change nothing in this command, instead of ignoring it.

        Args:
            options: those that apply, of `target`, `collector` and `as_of`.
            why: why the others do not, and what to do.
        """
        given = {"target": self.targets, "collector": self.collectors, "as_of": self.as_of}
        for name, value in given.items():
            if value and name not in options:
                flag = name.replace("_", "-")
                raise click.UsageError(
                    f"--{flag} does not apply here" + (f": {why}" if why else "")
                )

    def accessed(
        self,
        store: Store,
        way: str,
        target: str | None = None,
        key: ResourceKey | None = None,
        detail: str = "",
    ) -> None:
        """Log that evidence was read or handed out; where it cannot be, say so and go on."""
        from annexa.principal import principal  # noqa: PLC0415 - when needed
        from evidence_store import (  # noqa: PLC0415 - as above
            DiskFullError,
            LockedError,
            NotAllowedError,
            ReadOnlyError,
        )

        if self.as_of is not None:
            detail = f"{detail} as of {self.as_of:%Y-%m-%dT%H:%M:%SZ}".lstrip()
        try:
            store.accessed(principal(self.settings), way, target, key, detail)
        except (DiskFullError, LockedError, NotAllowedError, ReadOnlyError) as error:
            click.echo(f"this access was not logged: {error}", err=True)

    def check_names(self) -> None:
        """Refuse names of collectors that are not installed."""
        names = {collector.name for collector in self.catalog.collectors}
        for name in self.collectors:
            if name not in names:
                raise click.UsageError(
                    f"no collector is named {name!r}; installed: {', '.join(sorted(names))}"
                )

    def findings(self, store: Store) -> list[FindingRow]:
        """The findings as of the asked instant, of the asked targets and collectors."""
        return list(self.each_finding(store))

    def each_finding(self, store: Store, *, in_order: bool = True) -> Iterator[FindingRow]:
        """The same one after the other, for those who need not hold them."""
        known = [row.target for row in store.targets()]
        keys = {*known, *(key.rpartition(".")[0] for key in known)}
        names = keys | {key.partition("/")[2] for key in keys}
        if strange := sorted(set(self.targets) - names):
            read = ", ".join(known) or "none"
            raise click.UsageError(f"target {strange[0]} was never read; read: {read}")
        self.check_names()
        rows = store.findings(self.as_of, in_order=in_order)
        yield from (row for row in rows if self._wanted(row))

    def asked(self, target: str) -> bool:
        """Whether a target, as it is named in evidence, is one of those asked for."""
        whole = target.rpartition(".")[0]
        names = {key for each in (target, whole) for key in (each, each.partition("/")[2])}
        return not self.targets or bool(names & set(self.targets))

    def _wanted(self, row: FindingRow) -> bool:
        if not self.asked(row.target):
            return False
        return not self.collectors or row.check_id.rpartition(".")[0] in self.collectors


def target_named(store: Store, name: str) -> str:
    """The target of this name, with or without its platform.

    Raises:
        UsageError: If none was ever read.
    """
    known = [row.target for row in store.targets()]
    for key in known:
        if name in {key, key.partition("/")[2]}:
            return key
    raise click.UsageError(f"no target {name!r} was ever read; read: {', '.join(known) or 'none'}")


def common(
    command: Callable[Concatenate[Context, P], R],
) -> Callable[P, R]:
    """Give a command the common options; it gets a `Context` first."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> R:  # noqa: ANN401 - click passes what it parsed
        context = Context(
            config=options.pop("config"),
            named_store=options.pop("store"),
            targets=options.pop("target"),
            collectors=options.pop("collector"),
            layout=options.pop("layout"),
            as_of=options.pop("as_of"),
        )
        return command(context, *args, **options)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


_OPTIONS: list[Callable[[Any], Any]] = [
    click.option("--config", type=click.Path(path_type=Path), help="The configuration file."),
    click.option("--store", help="The evidence store: a file, or postgresql://user@host/database."),
    click.option("--target", multiple=True, help="Only this target; may be repeated."),
    click.option(
        "--collector",
        multiple=True,
        help="Only this collector, such as aws.s3; a sweep reads what its checks ask about too.",
    ),
    click.option(
        "--format",
        "layout",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="Tables for people; JSON and CSV are stable and sorted for programs.",
    ),
    click.option("--as-of", type=Instant(), help="As known at this time (UTC)."),
]
