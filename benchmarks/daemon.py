"""What an idle daemon costs: CPU share and memory, after its first sweeps, with clouds configured.

    python benchmarks/daemon.py [seconds] [postgresql://…]

Goal: under 1 % of a core and 90 MB. Targets stand in `TARGETS`: a platform that gets a collector
is added there. They are refused at sign-in, after their SDK was imported and used. Two endpoints
are told of it.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60
TARGETS = """
[targets.image]
platform = "linux"
root = "image"
[targets.production]
platform = "aws"
endpoint_url = "{platform}"
[targets.staging]
platform = "aws"
endpoint_url = "{platform}/staging"
[targets.cloud]
platform = "azure"
tenant_id = "72f988bf-0000-4000-8000-2d7cd011db47"
client_id = "0b1c2d3e-0000-4000-8000-5f6a7b8c9d0e"
client_secret = "env:BENCHMARK_SECRET"
authority = "{secured}"
base_url = "{secured}"
ca_file = "ca.pem"
[targets.people]
platform = "entra"
tenant_id = "72f988bf-0000-4000-8000-2d7cd011db47"
client_id = "0b1c2d3e-0000-4000-8000-5f6a7b8c9d0e"
client_secret = "env:BENCHMARK_SECRET"
authority = "{secured}"
base_url = "{secured}"
ca_file = "ca.pem"
[targets.data]
platform = "gcp"
scope = "organizations/123456789012"
credentials = "file:google.json"
endpoint = "{place}"
ca_file = "ca.pem"
[targets.code]
platform = "github"
organisation = "acme"
token = "env:BENCHMARK_SECRET"
base_url = "{secured}"
ca_file = "ca.pem"
"""
ALERTS = """
[alerts]
allow_networks = ["127.0.0.0/8"]
[[alerts.endpoints]]
name = "soc"
kind = "webhook"
url = "{secured}/taken"
ca_file = "ca.pem"
secrets = ["env:BENCHMARK_SIGNING"]
[[alerts.endpoints]]
name = "team"
kind = "slack"
url = "env:BENCHMARK_SLACK"
ca_file = "ca.pem"
"""
NOBODY = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "no",
    "BENCHMARK_SECRET": "no",
    "BENCHMARK_SIGNING": "whsec_" + "QUJD" * 8,
}
PORT = 19478


class Refusal(http.server.BaseHTTPRequestHandler):
    """A platform that lets nobody in, and a receiver of alerts under `/taken`."""

    def do_POST(self) -> None:
        """Refuse, as whoever asks would understand it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(*self._answer())

    def _answer(self) -> tuple[int, bytes]:
        if self.path == "/taken":
            return 200, b"ok"
        if self.path.endswith("/openid-configuration"):
            here = f"https://{self.headers['Host']}/{self.path.split('/')[1]}"
            names = ("token_endpoint", "authorization_endpoint", "issuer", "jwks_uri")
            return 200, json.dumps({name: f"{here}/{name}" for name in names}).encode()
        if self.path.endswith("/token_endpoint"):
            return 401, b'{"error": "invalid_client", "error_description": "AADSTS7000215: no"}'
        return 403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name is the standard library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Start a daemon, let it become idle, measure."""
    authority = trustme.CA()
    plain, secured = _serving(None), _serving(authority)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        config = _configuration(folder, plain, secured)
        with (folder / "log").open("w") as log:
            daemon = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "annexa", "daemon", "--config", str(config)],
                stderr=log,
                env=os.environ | NOBODY | {"BENCHMARK_SLACK": f"https://localhost:{secured}/taken"},
            )
        try:
            began = time.monotonic()
            while 'result="complete",schedule="sweep/default"} 1.0' not in _metrics():
                if daemon.poll() is not None or time.monotonic() - began > 120:
                    sys.exit((folder / "log").read_text())
                time.sleep(0.5)
            time.sleep(10)  # posture, signing, alerts
            with (folder / "log").open() as said:
                print(dict(Counter(json.loads(line)["event"] for line in said)))
            _measure(daemon.pid)
        finally:
            daemon.send_signal(signal.SIGTERM)
            print("exit code", daemon.wait(60))


def _serving(authority: trustme.CA | None) -> int:
    """A server, with TLS where there is an authority; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def _google_key() -> str:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    about = {"type": "service_account", "client_email": "a@b.invalid", "private_key": pem}
    return json.dumps(about | {"token_uri": "https://oauth2.invalid/token"})


def _configuration(folder: Path, plain: int, secured: int) -> Path:
    (folder / "image/etc").mkdir(parents=True)
    for name in ("os-release", "passwd", "group"):
        shutil.copy(f"/etc/{name}", folder / "image/etc" / name)
    store = f'url = "{sys.argv[2]}"\nkeys = "keys"' if len(sys.argv) > 2 else 'path = "evidence.db"'
    config = folder / "annexa.toml"
    config.write_text(
        f'[store]\n{store}\n[log]\nformat = "json"\n[daemon]\nlisten = "127.0.0.1:{PORT}"\n'
        f'[schedule]\nevery = "6h"\n[schedules.keys]\ncollectors = ["aws.iam"]\nevery = "1h"\n'
        + (TARGETS + ALERTS).format(
            platform=f"http://127.0.0.1:{plain}",
            secured=f"https://localhost:{secured}",
            place=f"localhost:{secured}",
        )
    )
    key = folder / "google.json"
    key.touch(mode=0o600)
    key.write_text(_google_key())
    return config


def _metrics() -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=2) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _measure(pid: int) -> None:
    runs = sum(
        float(line.rpartition(" ")[2])
        for line in _metrics().splitlines()
        if line.startswith("annexa_schedule_runs_total")
    )
    each = _cpu_seconds(pid, children=True) / runs
    before, began = _cpu_seconds(pid), time.monotonic()
    while time.monotonic() - began < SECONDS:
        time.sleep(15 if SECONDS > 30 else 1)
        _metrics()  # as Prometheus would
    took = time.monotonic() - began
    used = _cpu_seconds(pid) - before + each * 5 * took / 3600
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    print(f"idle for {took:.0f} s, /metrics read every 15 s; a run's process: {each:.1f} CPU s")
    print("CPU counts five runs an hour: four to sign, one to look at the controls")
    print(f"CPU      {100 * used / took:.2f} % of a core   (goal: < 1 %)")
    print(f"RSS      {int(status['VmRSS'].split()[0]) / 1024:.0f} MB           (goal: < 90 MB)")
    print(f"peak RSS {int(status['VmHWM'].split()[0]) / 1024:.0f} MB")
    print(f"threads  {status['Threads'].strip()}")


def _cpu_seconds(pid: int, *, children: bool = False) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    first = 13 if children else 11
    return (int(fields[first]) + int(fields[first + 1])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
