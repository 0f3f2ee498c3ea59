"""Where logs are sent, how long they are kept, who may write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.log import log
from collectors.linux.log_keeping import (
    LogFolder,
    Syslog,
    _seconds,
    forwarding,
    permissions,
    retention,
    rotations,
    rsyslog_targets,
    syslog_ng_targets,
)
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

TLS_LEGACY = """
$DefaultNetstreamDriver gtls
$ActionSendStreamDriverMode 1
*.* @@(o)logs.example.org:6514
"""
TLS_OWN = """
action(type="omfwd" target="logs.example.org" port="6514" protocol="tcp"
       StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name")
"""


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("", {}),
        ("#*.* @@logs.example.org\n$IncludeConfig /etc/rsyslog.d/*.conf", {}),
        ("*.* @logs.example.org:514", {"logs.example.org:514": False}),
        ("auth,authpriv.* @@logs.example.org", {"logs.example.org": False}),
        ("*.* @@127.0.0.1:514", {}),
        ("*.emerg :omusrmsg:*\nmail.* -/var/log/mail.log", {}),
        (TLS_LEGACY, {"logs.example.org:6514": True}),
        (TLS_OWN, {"logs.example.org": True}),
        (TLS_OWN.replace('"1"', '"0"'), {"logs.example.org": False}),
        (TLS_OWN.replace('"tcp"', '"udp"'), {"logs.example.org": False}),
        ('action(type="omrelp" target="r" tls="on")', {"r": True}),
        ('action(type="omrelp" target="r")', {"r": False}),
        ('action(type="omfile" file="/var/log/x")', {}),
    ],
)
def test_where_rsyslog_sends(text: str, targets: dict[str, bool]) -> None:
    assert rsyslog_targets(text) == targets


def test_where_syslog_ng_sends() -> None:
    text = """
    destination d_file { file("/var/log/x"); };
    destination d_tls { network("logs.example.org" port(6514) transport("tls") tls(x)); };
    destination d_udp { udp("old.example.org"); };
    # destination d_no { udp("no.example.org"); };
    """
    assert syslog_ng_targets(text) == {"logs.example.org": True, "old.example.org": False}


def syslog(container: str = "", **facts: object) -> Syslog:
    base: dict[str, object] = {
        "services": ["rsyslogd"],
        "rsyslog": TLS_OWN,
        "syslog_ng": None,
        "journal_upload": None,
        "journald": {},
        "persistent_journal": False,
        "logrotate": ["weekly\nrotate 4\n", "/var/log/syslog\n{\n  compress\n}\n"],
    }
    return Syslog(id="syslog", listed={"container": container}, facts=base | facts)


PLAIN = TLS_OWN + "*.* @old.example.org\n"
UPLOAD = ["systemd-journald", "systemd-journal-upload"]


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (syslog(), "pass", "over TLS to logs.example.org"),
        (syslog(rsyslog=PLAIN), "fail", "without TLS: old.example.org"),
        (syslog(rsyslog="*.* /var/log/all"), "fail", "not forwarded"),
        (syslog(services=[]), "fail", "not forwarded"),
        (syslog(services=["vector"]), "unknown", "vector"),
        (syslog(services=UPLOAD, journal_upload="https://c"), "pass", ""),
        (syslog(services=UPLOAD, journal_upload="http://c"), "fail", "http://c"),
        (syslog(rsyslog=Unread("EACCES", "read:/etc/rsyslog.conf")), "unknown", "rsyslog.conf"),
        (syslog("docker"), "not_applicable", "runtime"),
    ],
)
def test_forwarding(found: Syslog, status: str, because: str) -> None:
    verdict = judge(forwarding, found)
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("body", "days"),
    [
        ("", 28),
        ("daily\nrotate 7", 7),
        ("rotate 52\nmaxage 20", 20),
        ("monthly\nrotate 12", 360),
        ("rotate -1", float("inf")),
        ("rotate 0", 0),
    ],
)
def test_how_long_logrotate_keeps(body: str, days: float) -> None:
    texts = ["# x {\nweekly\nrotate 4\ninclude /etc/logrotate.d\n"]
    script = "postrotate\n  x ${y}\nendscript"
    paths = "/var/log/syslog\n/var/log/mail.log"
    texts += [f"{paths}\n{{\n{body}\n{script}\n}}\n/var/log/x {{ daily }}"]
    assert rotations(texts) == [("syslog", days)]


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (syslog(), "pass", ""),
        (syslog(logrotate=["weekly\nrotate 3\n", "/var/log/syslog {\n}\n"]), "fail", "syslog"),
        (syslog(logrotate=None), "pass", "not installed"),
        (syslog(services=[]), "fail", "outlives"),
        (syslog(services=[], persistent_journal=True), "pass", "size"),
        (syslog(services=[], journald={"Storage": "persistent"}), "pass", "size"),
        (syslog(services=[], persistent_journal=True, journald={"Storage": "none"}), "fail", ""),
        (
            syslog(services=[], persistent_journal=True, journald={"MaxRetentionSec": "1week"}),
            "fail",
            "MaxRetentionSec is below 28 days",
        ),
        (syslog(services=Unread("hidden", "list:/proc")), "unknown", "list:/proc"),
    ],
)
def test_retention(found: Syslog, status: str, because: str) -> None:
    verdict = judge(retention, found)
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("0", 0), ("90", 90), ("2weeks", 1209600), ("1month", 2629800), ("1d 2h", 93600)],
)
def test_time_spans_of_systemd(span: str, seconds: float) -> None:
    assert _seconds(span) == seconds


def test_log_files_that_others_may_write_are_named(image: BuildImage) -> None:
    connection = image(
        {
            "/var/log/syslog": ("", 0o640),
            "/var/log/open.log": ("", 0o666),
            "/var/log/apache2/error.log": ("", 0o602),
        }
    )
    [folder] = [r for r in collect(connection, (log,)).resources if isinstance(r, LogFolder)]
    verdict = judge(permissions, folder)
    # Run by an ordinary user, every file of the image is that user's too.
    assert verdict.status == "fail"
    assert "/var/log/apache2/error.log (0602)" in verdict.because
    assert "/var/log/open.log (0666)" in verdict.because


def test_a_refused_log_folder_is_unknown(image: BuildImage) -> None:
    connection = image({"/var/log/app/a.log": ""}, refused={"/var/log/app"})
    [folder] = [r for r in collect(connection, (log,)).resources if isinstance(r, LogFolder)]
    assert "list:/var/log/app" in judge(permissions, folder).because


class TestConformance(Conformance):
    collectors = (log,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
