"""Proofs against the real nftables, iptables, auditd, chrony and apt, where they are installed.

Nothing of the machine's own state is changed: filters are loaded in a network namespace of their
own, chronyd runs without control of the clock, audit rules are only read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from collectors.linux import LinuxConnection
from collectors.linux.clock import _chrony, clock
from collectors.linux.log import Audit, log
from collectors.linux.log_keeping import Syslog
from collectors.linux.net import NFT, _objects, net
from collectors.linux.packet_filter import dropped_by_iptables, dropped_by_nftables
from collectors.linux.patch import Updates, patch
from collectors.linux.patch_running import Automatic
from collectors.linux.software import software
from collectors.linux.storage import storage
from collectors.testing import collect

pytestmark = pytest.mark.prove

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ROOM = (net, clock, log, patch, software, storage)

FIREWALLD_LIKE = """
table inet proof {
  set known { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 1h } }
  chain input {
    type filter hook input priority filter; policy accept
    ct state established accept
    jump zones
    counter reject with icmpx admin-prohibited
  }
  chain zones { tcp dport 22 accept; }
}
"""
UFW_LIKE = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"


def tool(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def apart(*script: str) -> str:
    """Run a script as root in a network namespace of its own; its output."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    command = [tool("unshare"), "--net", "sh", "-ec", "\n".join(script)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if ended.returncode and "Operation not permitted" in ended.stderr:
        pytest.skip("this machine lets nobody make network namespaces")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_real_nftables_ruleset_is_understood() -> None:
    tool("nft")
    printed = apart(f"nft -f - <<'END'\n{FIREWALLD_LIKE}\nEND", " ".join(NFT))
    objects = _objects(printed)
    assert dropped_by_nftables(objects) == {"IPv4", "IPv6"}
    assert "192.0.2.1" not in json.dumps(objects), "members of sets move by themselves"


def test_an_empty_ruleset_drops_nothing() -> None:
    tool("nft")
    assert dropped_by_nftables(_objects(apart(" ".join(NFT)))) == set()


def test_real_iptables_rules_are_understood_by_both_readers() -> None:
    tool("iptables-restore")
    saved = apart(f"iptables-restore <<'END'\n{UFW_LIKE}END", "iptables-save")
    assert dropped_by_iptables(saved.splitlines())
    if "nf_tables" in apart("iptables --version"):
        tool("nft")
        seen = apart(f"iptables-restore <<'END'\n{UFW_LIKE}END", " ".join(NFT))
        assert dropped_by_nftables(_objects(seen)) == {"IPv4"}


def test_a_real_chronyd_without_sources_is_not_synchronised(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("chronyd starts as root")
    settings = tmp_path / "chrony.conf"
    settings.write_text(
        f"local stratum 10\ncmdport 32423\nport 0\nbindcmdaddress 127.0.0.1\n"
        f"pidfile {tmp_path}/pid\n"
    )
    daemon = subprocess.Popen(
        [tool("chronyd"), "-x", "-d", "-u", "root", "-f", str(settings)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        ask = [tool("chronyc"), "-h", "127.0.0.1", "-p", "32423", "-c", "tracking"]
        for _ in range(20):
            ended = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=10)
            if ended.returncode == 0:
                break
            time.sleep(0.2)
    finally:
        daemon.terminate()
        daemon.wait(10)
    tracked = _chrony(ended.stdout.strip().split(","))
    assert tracked == {"service": "chronyd", "synchronised": False, "offset": 0.0}


def test_the_real_auditctl_answers_or_names_the_missing_right(this_host: LinuxConnection) -> None:
    tool("auditctl")
    [audit] = [r for r in collect(this_host, (log,)).resources if isinstance(r, Audit)]
    if os.geteuid() != 0:
        pytest.skip("auditctl answers root only; the refusal is shown by the test as nobody")
    assert audit.status in {"0", "1", "2"}
    assert all(line.startswith("-") for line in audit.loaded or [])


def test_the_real_log_services_and_settings_are_read(this_host: LinuxConnection) -> None:
    collected = collect(this_host, (log,))
    [syslog] = [r for r in collected.resources if isinstance(r, Syslog)]
    assert collected.defects == []
    assert isinstance(syslog.facts["services"], list)


def test_the_real_apt_tells_updates_and_settings(this_host: LinuxConnection) -> None:
    tool("apt-get")
    caches = [Path("/var/cache/apt/pkgcache.bin"), Path("/var/cache/apt/srcpkgcache.bin")]
    before = [path.stat().st_mtime_ns if path.exists() else None for path in caches]
    resources = collect(this_host, (patch,)).resources
    [updates] = [r for r in resources if isinstance(r, Updates)]
    [automatic] = [r for r in resources if isinstance(r, Automatic)]
    assert updates.pending is not None
    assert all(update["version"] for update in updates.pending)
    assert [path.stat().st_mtime_ns if path.exists() else None for path in caches] == before
    if automatic.unattended_upgrade:
        assert any("security" in line.lower() for line in automatic.apt or [])


def findings_as(user: int) -> dict[str, list[str]]:
    """What a child process of another user finds: [status, cause, reason] by check, or by fact."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    names = sorted({check.ask.__module__ for c in ROOM for check in c.checks})
    script = f"""
import importlib, json, os
from collectors import Collector, Unread
from collectors.linux import LinuxConnection
from collectors.testing import collect
modules = [importlib.import_module(name) for name in {names!r}]
os.setgroups([]); os.setgid({user}); os.setuid({user})  # after the imports: ours may be closed
room = {{c.name: c for m in modules for c in vars(m).values() if isinstance(c, Collector)}}
read = collect(LinuxConnection("here"), tuple(room.values()))
assert read.defects == [], read.defects
print(json.dumps({{
    f"{{check}} {{resource}}": [v.status, v.cause or "", v.because]
    for (check, resource), v in read.findings().items()
}} | {{
    f"{{r.kind}} {{name}}": ["fact", value.cause, value.because]
    for r in read.resources for name, value in r.facts.items() if isinstance(value, Unread)
}}))
"""
    command: Sequence[str] = [sys.executable, "-c", script]
    root = str(Path(__file__).parents[3])
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=root, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[str]] = json.loads(ended.stdout)
    return found


def test_an_ordinary_user_is_told_which_right_is_missing() -> None:
    tool("nft")
    tool("auditctl")
    found = findings_as(65534)
    for fact, right in (
        ("linux.net.firewall nftables", "run:nft"),
        ("linux.log.audit loaded", "run:auditctl -l"),
        ("linux.log.audit status", "run:auditctl -s"),
    ):
        _, cause, because = found[fact]
        assert cause == "denied"
        assert right in because


def test_what_an_ordinary_user_sees_never_contradicts_what_root_sees() -> None:
    nobody, root = findings_as(65534), findings_as(0)
    settled = {key: value for key, value in nobody.items() if value[0] not in {"unknown", "fact"}}
    assert settled
    assert {key: root[key][0] for key in settled} == {key: v[0] for key, v in settled.items()}
