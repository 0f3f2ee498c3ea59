"""What an idle daemon costs: CPU share and memory, after its first sweeps, with AWS configured.

    python benchmarks/daemon.py [seconds] [postgresql://…]

Goal: under 1 % of a core and 90 MB. Targets stand in `TARGETS`: a platform that gets a collector
is added there. They are refused at sign-in, after their SDK was imported and used.
"""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

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
"""
PORT = 19478


class Refusal(http.server.BaseHTTPRequestHandler):
    """A platform that lets nobody in."""

    def do_POST(self) -> None:
        """Refuse."""
        body = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name is the standard library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Start a daemon, let it become idle, measure."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _configuration(folder, f"http://127.0.0.1:{server.server_address[1]}")
        with (folder / "log").open("w") as log:
            daemon = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "annexa", "daemon", "--config", str(config)],
                stderr=log,
                env=dict(os.environ, AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="no"),  # noqa: S106 - of nobody
            )
        try:
            began = time.monotonic()
            while 'result="complete",schedule="sweep/default"} 1.0' not in _metrics():
                if daemon.poll() is not None or time.monotonic() - began > 120:
                    sys.exit((folder / "log").read_text())
                time.sleep(0.5)
            time.sleep(3)  # posture, signing
            _measure(daemon.pid)
        finally:
            daemon.send_signal(signal.SIGTERM)
            print("exit code", daemon.wait(60))


def _configuration(folder: Path, platform: str) -> Path:
    (folder / "image/etc").mkdir(parents=True)
    for name in ("os-release", "passwd", "group"):
        shutil.copy(f"/etc/{name}", folder / "image/etc" / name)
    store = f'url = "{sys.argv[2]}"\nkeys = "keys"' if len(sys.argv) > 2 else 'path = "evidence.db"'
    config = folder / "annexa.toml"
    config.write_text(
        f'[store]\n{store}\n[daemon]\nlisten = "127.0.0.1:{PORT}"\n'
        f'[schedule]\nevery = "6h"\n[schedules.keys]\ncollectors = ["aws.iam"]\nevery = "1h"\n'
        + TARGETS.format(platform=platform)
    )
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
