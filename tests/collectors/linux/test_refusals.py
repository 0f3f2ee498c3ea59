"""A host some of whose files may not be read, and some of whose tools need more rights."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from collectors import Caller, catalog
from collectors.linux import LinuxConnection
from collectors.testing import collect
from tests.collectors.linux.conftest import Refusing
from tests.collectors.linux.scripted import ScriptedHost
from tests.collectors.refusals import Refusals

BuildImage = Callable[..., LinuxConnection]
LINUX = catalog(plugins=False).of("linux")

FILES: dict[str, str | tuple[str, int]] = {
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n",
    "/etc/group": "root:x:0:\nsudo:x:27:ada\nada:x:1000:\n",
    "/etc/shadow": ("root:*:19000:0:365:7:::\nada:$y$j9T$x$y:19000:0:365:7:::\n", 0o640),
    "/etc/sudoers": ("%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0o440),
    "/etc/sudoers.d/ops": ("ada ALL=(root) /usr/bin/systemctl\n", 0o440),
    "/etc/login.defs": "PASS_MAX_DAYS 365\nUMASK 027\nENCRYPT_METHOD YESCRYPT\n",
    "/etc/pam.d/common-auth": "auth required pam_faillock.so preauth\n"
    "auth sufficient pam_unix.so\nauth required pam_faillock.so authfail\n",
    "/etc/pam.d/common-password": "password requisite pam_pwquality.so minlen=14\n",
    "/etc/pam.d/sshd": "auth required pam_google_authenticator.so\n@include common-auth\n",
    "/etc/pam.d/su": "auth required pam_wheel.so\n",
    "/etc/security/pwquality.conf": "minlen = 14\n",
    "/etc/security/faillock.conf": "deny = 5\nunlock_time = 900\n",
    "/etc/ssh/sshd_config": "PermitRootLogin no\nUsePAM yes\n",
    "/home/ada/.ssh/authorized_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== ada\n", 0o600),
    "/etc/systemd/journald.conf": "[Journal]\nStorage=persistent\n",
    "/etc/rsyslog.conf": "*.* @@logs.acme.example:6514\n",
    "/etc/logrotate.conf": "weekly\nrotate 26\n",
    "/etc/chrony.conf": "server ntp1.acme.example\nserver ntp2.acme.example\n",
    "/etc/apt/sources.list": "deb http://deb.debian.org/debian-security bookworm-security main\n",
    "/proc/mounts": "/dev/sda1 / ext4 rw 0 0\n",
    "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n",
}
BOUND = {"linux.time.approved_sources": {"approved": ("ntp1.acme.example",)}}
PRESENT: dict[str, str | tuple[str, int]] = {
    "/proc/77/comm": "chronyd\n",
    "/proc/78/comm": "sshd\n",
    "/proc/79/comm": "rsyslogd\n",
    "/usr/bin/su": ("", 0o4755),
    "/usr/sbin/sshd": "",
}
"""What runs and is installed, so that the files above matter."""

TOOLS = {
    "chronyc": "A29FC87B,ntp1,3,1764061200.1,0.0001,0.0002,0.0003,1,0,0.1,0.01,0.01,64.0,Normal\n",
    "auditctl": "enabled 2\nbacklog_limit 8192\n",
    "lsblk": '{"blockdevices": []}',
    "nft": '{"nftables": []}',
    "df": "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 10 1 9 10% /\n",
}


@dataclass(frozen=True)
class Scripted(LinuxConnection):
    """A running host whose tools are scripted."""

    tools: dict[str, str] = field(default_factory=dict)

    def open(self, caller: Caller) -> ScriptedHost:
        del caller
        return ScriptedHost(self, self.tools)


def test_rights_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    image: BuildImage,
) -> None:
    root = image(FILES | PRESENT).root
    host = Scripted("image", root, disk=Refusing(root), tools=TOOLS)

    def refuse(lost: Collection[str]) -> None:
        nonlocal host
        paths = frozenset(each.partition(":")[2] for each in lost)
        tools = {tool: "refused" if tool in paths else text for tool, text in TOOLS.items()}
        host = replace(host, disk=Refusing(root, paths), tools=tools)

    unasked = {"read:/etc/machine-id": "without it nobody says which host this is"}
    permissions = [*(f"read:{path}" for path in FILES), *(f"run:{tool}" for tool in TOOLS)]
    Refusals(
        lambda: collect(host, LINUX), refuse, unasked, BOUND, permissions=permissions
    ).give_only_unknowns()
