"""The demo's steps: each prints the command a user would type, and runs it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import click

from annexa.demo import company

CONFIGURATION: Final = """\
organisation = "ACME (simulated)"

[store]
path = "evidence.db"

[scope]
name = "ACME production"
version = "3"
approved_by = "J. Roth"
approved_on = 2026-09-01

[scope.population]
aws = 2

[[scope.out]]
target = "acme-old"
reason = "account suspended, no data left"
author = "M. Weber"
date = 2026-10-05

[targets.acme-prod]
platform = "aws"
account = "{prod}"
role_arn = "{prod_role}"
owner = "platform team"

[targets.acme-data]
platform = "aws"
account = "{data}"
role_arn = "{data_role}"
owner = "data team"

[targets.acme-old]
platform = "aws"
account = "{old}"
role_arn = "{old_role}"

[criteria."aws.iam.access_key_rotated".limit]
value = 60
unit = "days"
[criteria."aws.iam.access_key_rotated".limit.source]
document = "ACC-01 Access policy"
version = "4"
section = "5.2"
approved_by = "J. Roth"
approved_on = 2026-03-01
"""


class DemoError(Exception):
    """The demo cannot run here, with what to do."""


def tell(folder: Path) -> None:
    """Run the whole story in a folder; raises DemoError where a step does not come out as told."""
    with simulation() as endpoint:
        company.found(endpoint)
        step = Steps(folder, endpoint)
        step.configure()
        step.say("A company of two accounts in scope and one out by decision. First sweep:")
        step.run("sweep")
        step.say("Which controls can be shown to operate?")
        step.run("status")
        step.say("Why is the public bucket a failure, and what mends it?")
        step.run("explain", "aws.s3.bucket_policy_not_public", company.PUBLIC_BUCKET)
        step.say("Someone takes a permission away. A refused read is neither a pass nor a fail:")
        _refuse(endpoint, f"policyStatus {company.PUBLIC_BUCKET}")
        step.run("sweep")
        step.run("unknowns")
        step.say("The permission is back, and the bucket is closed. What changed?")
        _refuse(endpoint, "")
        company.close_bucket(endpoint)
        step.run("sweep")
        step.run("diff")
        step.say("Every verdict again, from the stored raw answers:")
        step.run("evidence", "replay")
        step.say("Every digest, root and signature again:")
        step.run("verify")
        step.run("export", "--format", "csv", "--output", "package")
        step.say("Someone edits one byte of the database, past its guards:")
        _edit_one_byte(folder / "evidence.db")
        step.run("verify", expect=4)
        step.say(
            "That is the whole loop. Yours: this host, and AWS if you have a credential:\n\n"
            "    annexa doctor\n    annexa sweep\n    annexa status\n"
        )


class Steps:
    """Runs commands as the demo's user would: in its folder, with its environment."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANNEXA_"))},
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "ANNEXA_CONFIG": str(folder / "annexa.toml"),
        }

    def configure(self) -> None:
        """Write the company's configuration."""
        text = CONFIGURATION.format(
            prod=company.PROD,
            prod_role=company.role(company.PROD),
            data=company.DATA,
            data_role=company.role(company.DATA),
            old=company.OLD,
            old_role=company.role(company.OLD),
        )
        (self._folder / "annexa.toml").write_text(text, encoding="utf-8")

    def say(self, words: str) -> None:
        """Tell what comes."""
        click.secho(f"\n{words}", bold=True)

    def run(self, *arguments: str, expect: int = 0) -> None:
        """Run a command as a user would, and be surprised by any other end than the told one."""
        click.secho(f"$ annexa {' '.join(arguments)}", fg="cyan")
        sys.stdout.flush()
        command = [sys.executable, "-m", "annexa", *arguments]
        ended = subprocess.run(command, cwd=self._folder, env=self.environ, check=False)  # noqa: S603
        if ended.returncode != expect:
            raise DemoError(
                f"annexa {' '.join(arguments)} ended with {ended.returncode}, not {expect}"
            )


@contextmanager
def simulation() -> Iterator[str]:
    """The simulated AWS on a free loopback port, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "demo")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "demo")
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "annexa.demo.server", str(port)],
        env={
            **os.environ,
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            # 26,000 snapshots of images the company does not own
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait(endpoint, server)
        yield endpoint
    finally:
        server.terminate()
        server.wait(10)


def _wait(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if server.poll() is not None:
            raise DemoError("the simulation did not start; install it: annexa[demo]")
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=1).close()  # noqa: S310
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise DemoError("the simulation did not answer within 30 s")


def _refuse(endpoint: str, what: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{endpoint}/_demo/refuse", what.encode(), method="PUT"
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - loopback


def _edit_one_byte(store: Path) -> None:
    """What an administrator of the database can do: drop the guards, change a row."""
    with closing(sqlite3.connect(store)) as database, database:
        guards = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'contents'"
        ).fetchall()
        for (name,) in guards:
            database.execute(f'DROP TRIGGER "{name}"')
        digest, body = database.execute("SELECT digest, body FROM contents LIMIT 1").fetchone()
        edited = bytearray(body)
        edited[len(edited) // 2] ^= 1
        database.execute("UPDATE contents SET body = ? WHERE digest = ?", (bytes(edited), digest))
