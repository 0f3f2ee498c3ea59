"""What 10,000 changes in one sweep cost the alerts, and an outbox of 2,000 messages drained.

    python benchmarks/alerts.py [changes] [postgresql://…]

Goal: the changes become one message for each control, and memory stays flat while sending.
"""

from __future__ import annotations

import hashlib
import http.server
import ipaddress
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from annexa.alerts import Alert, Lookout, Now, Sender, messages, outbox
from annexa.alerts.guarded import Way
from annexa.alerts.webhook import WebhookSink
from annexa.operations import Operations, open_operations
from annexa.operations.tables import outbox as queued
from config.alerts import Alerts, WebhookEndpoint
from config.secrets import SecretRef
from evidence_store import (
    CheckRef,
    Document,
    File,
    Finding,
    PartRecord,
    Plan,
    PlannedTarget,
    ResourceKey,
    Server,
    Store,
    UnitRecord,
    canonical,
)
from mappings.load import load_mapping

CHANGES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
MESSAGES = 2_000
CHECK = CheckRef("aws.s3.bucket_public_access_blocked", "1", "high", {})
SECRET = "whsec_" + "QUJD" * 8


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def documents(status: str) -> Iterator[Document]:
    """As many buckets as asked for."""
    for n in range(CHANGES):
        name = f"bucket-{n:06}"
        body = canonical(
            {"facts": {}, "id": name, "kind": "aws.s3.bucket", "listed": {}, "scope": ""}
        )
        found = [Finding(CHECK, status, None, "off: BlockPublicAcls")]
        key = ResourceKey("aws.s3.bucket", "", name)
        yield Document(key, body, hashlib.sha256(body).digest(), found)


def sweep(store: Store, status: str) -> None:
    """One sweep of one target."""
    at = now().isoformat()
    number = store.begin_sweep(Plan([PlannedTarget("aws/prod", 1)], "x", "1", "x", "x", at))
    part = PartRecord("aws.s3", "aws.s3.bucket", "", collected=CHANGES, observed_at=at)
    unit = UnitRecord("aws/prod", number, "complete", at, at, [part], documents(status))
    store.record(unit)
    store.close_sweep(number, {})
    store.sequence()


def look(lookout: Lookout, name: str, operations: Operations) -> None:
    """One look, measured."""
    began, before = time.perf_counter(), _peak()
    number = lookout.look(Now)
    took = time.perf_counter() - began
    sizes = [len(row.title) for row in messages.listed(operations)]
    print(f"{name:<28}{number:>4} messages  {took:6.2f} s  peak +{_peak() - before} MB"
          f"  outbox {len(sizes)}")  # fmt: skip


def drain(operations: Operations, source: str) -> None:
    """Many messages to a receiver that takes them all."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    alert = Alert("alert.test", "news", "low", "a message", "x", now().isoformat())
    with operations.writing("benchmark") as connection:
        for n in range(MESSAGES):
            outbox.put(connection, ["one"], alert, str(n), now())
    way = Way((ipaddress.ip_network("127.0.0.0/8"),), allow_http=True)
    url = f"http://127.0.0.1:{server.server_port}/"
    sender = Sender(
        operations, source, {"one": WebhookSink("one", url, [lambda: SECRET], way)}, now
    )
    stop = threading.Event()
    marks: list[int] = []

    def watch() -> None:
        while not stop.wait(0.5):
            marks.append(_now_used())

    threading.Thread(target=watch, daemon=True).start()
    began = time.perf_counter()
    number = sender.run(threading.Event())
    took = time.perf_counter() - began
    stop.set()
    left = len(messages.listed(operations))
    print(f"sent {number:,} in {took:.1f} s ({number / took:.0f}/s), {left} left;"
          f" memory {min(marks, default=0)} to {max(marks, default=0)} MB")  # fmt: skip


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        """204."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _now_used() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


def main() -> None:
    """Pass, fail, pass, pass; then an outbox full of messages."""
    # The log of 2,000 deliveries is not what is measured.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    endpoint = WebhookEndpoint(
        name="one", kind="webhook", url="https://x.example", secrets=(SecretRef("env", "S"),)
    )
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder, "keys")
        where = Server(sys.argv[2], keys) if len(sys.argv) > 2 else File(Path(folder, "e.db"))
        operations = open_operations(where)
        with Store.open(where) as store:
            alerts = Alerts(endpoints=(endpoint,))
            lookout = Lookout(store, operations, alerts, load_mapping(), now)
            print(f"{CHANGES:,} findings, {type(where).__name__}")
            for status in ("pass", "fail", "pass", "pass"):
                sweep(store, status)
                look(lookout, f"all {status}", operations)
            source = store.origin
        with operations.writing("benchmark") as connection:
            connection.execute(queued.delete())
        drain(operations, source)
        operations.close()


if __name__ == "__main__":
    main()
