"""Real daemons as processes: started, asked, found out about, killed."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[3]


class Daemon:
    """An `annexa daemon` of its own configuration, with its log in a file.

    Args:
        folder: where its configuration and log are.
        name: of both.
        configuration: the configuration of a daemon that listens on a port.
    """

    def __init__(self, folder: Path, name: str, configuration: Callable[[int], str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.name = name
        self.config = folder / f"{name}.toml"
        self.config.write_text(configuration(self.port))
        self.log = folder / f"{name}.{self.port}.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "annexa", "daemon", "--config", str(self.config)],
                stderr=out,
                env=dict(os.environ, AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="no"),
                cwd=ROOT,
            )

    def ask(self, path: str) -> tuple[int, str]:
        address = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    @property
    def leads(self) -> bool:
        return "annexa_scheduler_leader 1.0" in self.ask("/metrics")[1]

    @property
    def ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def running(self, name: str) -> bool:
        code, body = self.ask("/readyz")
        return code == 200 and name in orjson.loads(body)["running"]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.signal(signal.SIGTERM)
        return self.process.wait(90)

    def said(self, event: str) -> bool:
        return f'"event": "{event}"' in self.log.read_text()


@contextlib.contextmanager
def all_killed(daemons: Sequence[Daemon]) -> Iterator[None]:
    """Whatever happens, none of them is left behind."""
    try:
        yield
    finally:
        for daemon in daemons:
            with contextlib.suppress(OSError):
                daemon.signal(signal.SIGCONT)
                daemon.kill()


@contextlib.contextmanager
def refusing(seconds: float) -> Iterator[str]:
    """An AWS that takes so long and then refuses; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(seconds)
            body = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
            with contextlib.suppress(OSError):
                self.send_response(403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def eventually(what: Callable[[], Any], name: str, most: float = 90) -> Any:
    end = time.monotonic() + most
    while not (found := what()):
        assert time.monotonic() < end, f"{name}: not within {most} s"
        time.sleep(0.05)
    return found


def children(parent: int) -> list[int]:
    """The processes a process has started and that have not ended."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, above = each.read_text().rpartition(")")[2].split()[:2]
            if int(above) == parent and state != "Z":
                found.append(int(each.parent.name))
    return sorted(found)


def who_connects_from(port: int, among: Sequence[int]) -> int | None:
    """Which of these processes has the local end of a TCP connection to 127.0.0.1."""
    end = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inodes = {line.split()[9] for line in lines[1:] if line.split()[1] == end}
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for pid in among:
        for each in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                if str(each.readlink()) in sockets:
                    return pid
    return None
