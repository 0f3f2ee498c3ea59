"""A simulated AWS account for races: moto behind a server that is always equally slow.

    python benchmarks/simulated_aws.py --regions us-east-1,eu-central-1 --size 3 --latency 0.05

Each request is asked of moto once; its answer is remembered and given again after the latency, so
that what is timed is the reader and not the simulation. Prints one line of JSON when it serves.
`GET /_race/begin` sets the counters to zero, `GET /_race/seen` gives them.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # read when moto is imported

from moto.server import ThreadedMotoServer

from benchmarks import simulated_gaps
from tests.collectors.aws import moto_gaps, moto_gaps_watching, random_posture
from tests.collectors.aws.random_account import MAKERS, RandomAccount
from tests.collectors.aws.random_alarms import alarms
from tests.collectors.aws.random_databases import databases
from tests.collectors.aws.random_people import PEOPLE, other_buckets
from tests.collectors.aws.random_watching import WATCHING

SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
NAME: Final = re.compile(rb"<Name>([^<]*)</Name>")

POSTURE: Final = (random_posture.config, random_posture.guardduty, random_posture.securityhub)

LATER: Final = ("Generate", "AssumeRole")
"""Operations whose answer is another one the next time."""


@dataclass
class Seen:
    """What was asked since the race began."""

    requests: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    together: float = 0.0
    busy: float = 0.0
    under_way: int = 0
    since: float = 0.0

    def enter(self) -> None:
        """A request begins."""
        now = time.monotonic()
        self._count(now)
        self.under_way += 1

    def leave(self) -> None:
        """A request ends."""
        self._count(time.monotonic())
        self.under_way -= 1

    def _count(self, now: float) -> None:
        if self.under_way:
            self.busy += now - self.since
            self.together += self.under_way * (now - self.since)
        self.since = now


class Front:
    """The slow server."""

    def __init__(self, behind: str, latency: float, buckets: dict[str, str]) -> None:
        host, _, port = behind.partition("//")[2].partition(":")
        self.behind = host, int(port)
        self.latency = latency
        self.buckets = buckets
        self.seen = Seen()
        self.known: dict[tuple[str, ...], bytes] = {}
        self.locks: dict[tuple[str, ...], asyncio.Lock] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.seen.connections += 1
        try:
            while head := await _head(reader):
                method, target, headers = head
                body = await _body(reader, writer, headers)
                if target.startswith("/_race/"):
                    answer = self._control(target)
                else:
                    answer = await self._answer(method, target, headers, body)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _control(self, target: str) -> bytes:
        if target.endswith("begin"):
            self.seen = Seen()
        concurrency = self.seen.together / self.seen.busy if self.seen.busy else 0.0
        told = {
            "requests": dict(self.seen.requests),
            "missing": dict(self.seen.missing),
            "connections": self.seen.connections,
            "concurrency": round(concurrency, 2),
        }
        body = json.dumps(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    async def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> bytes:
        region, service = _scope(headers)
        operation = _operation(method, target, headers, body, service)
        self.seen.requests[f"{service}:{operation}"] += 1
        self.seen.enter()
        began = time.monotonic()
        try:
            key = (method, target, region, service, operation, body.decode("latin-1"))
            if operation.startswith(LATER):
                answer = await asyncio.to_thread(self._ask, method, target, headers, body)
            else:
                async with self.locks.setdefault(key, asyncio.Lock()):
                    if key not in self.known:
                        self.known[key] = await asyncio.to_thread(
                            self._ask, method, target, headers, body
                        )
                answer = self.known[key]
            if answer.startswith((b"HTTP/1.1 404 NOT", b"HTTP/1.1 5")):
                self.seen.missing[f"{service}:{operation} {answer[9:12].decode()}"] += 1
            await asyncio.sleep(max(0.0, self.latency - (time.monotonic() - began)))
            return answer
        finally:
            self.seen.leave()

    def _ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        """What moto says, as bytes that can be given again."""
        connection = http.client.HTTPConnection(*self.behind, timeout=120)
        sent = {k: v for k, v in headers.items() if k not in {"connection", "expect"}}
        connection.request(method, target, body or None, sent)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if b"<ListAllMyBucketsResult" in content:
            content = NAME.sub(self._with_region, content)
        kept = [
            f"{name}: {value}"
            for name, value in response.getheaders()
            if name.lower() not in {"connection", "content-length", "transfer-encoding", "server"}
        ]
        length = response.getheader("Content-Length") if method == "HEAD" else len(content)
        lines = [
            f"HTTP/1.1 {response.status} {response.reason}",
            *kept,
            f"Content-Length: {length or 0}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content

    def _with_region(self, name: re.Match[bytes]) -> bytes:
        """A bucket's name and, as AWS tells since 2024 and moto does not, its region."""
        region = self.buckets.get(name[1].decode(), "us-east-1")
        return name[0] + f"<BucketRegion>{region}</BucketRegion>".encode()


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return method, target, headers


async def _body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
) -> bytes:
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    return await reader.readexactly(int(headers.get("content-length", 0)))


def _scope(headers: dict[str, str]) -> tuple[str, str]:
    found = SCOPE.search(headers.get("authorization", ""))
    return (found[1], found[2]) if found else ("", "")


def _operation(method: str, target: str, headers: dict[str, str], body: bytes, service: str) -> str:
    """The operation's name, as far as the protocol tells it; for REST the request itself."""
    if wanted := headers.get("x-amz-target"):
        return wanted.rpartition(".")[2]
    if body.startswith(b"Action=") or b"&Action=" in body:
        return parse_qs(body.decode("latin-1"))["Action"][0]
    path, _, query = target.partition("?")
    if service != "s3":
        return f"{method} {path}"
    names = [part.partition("=")[0] for part in query.split("&") if part]
    what = next((name for name in names if not name.startswith(("max-", "list-", "x-id"))), "")
    return f"{method} {'bucket' if path.strip('/') else 'service'}{'?' + what if what else ''}"


async def main() -> None:
    """Make the account and serve it until killed."""
    options = argparse.ArgumentParser()
    options.add_argument("--regions", default="us-east-1,eu-central-1")
    options.add_argument("--size", type=int, default=3)
    options.add_argument("--seed", type=int, default=20261125)
    options.add_argument("--latency", type=float, default=0.05)
    given = options.parse_args()
    moto_gaps.fill()
    moto_gaps_watching.fill()
    simulated_gaps.fill()
    behind = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    behind.start()
    address = "http://{}:{}".format(*behind.get_host_and_port())
    account = RandomAccount(
        address, given.seed, regions=tuple(given.regions.split(",")), size=given.size
    )
    account.make(*MAKERS, *WATCHING, alarms, databases, *POSTURE, *PEOPLE, other_buckets)
    account.least.update(["DescribeRegions", "GetCallerIdentity"])
    s3 = account.client("s3", "us-east-1")
    buckets = {
        row["Name"]: s3.get_bucket_location(Bucket=row["Name"])["LocationConstraint"] or "us-east-1"
        for row in s3.list_buckets()["Buckets"]
    }
    front = Front(address, given.latency, buckets)
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"url": url, "least": account.least, "bound": account.bound}), flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
