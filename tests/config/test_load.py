"""Every problem of a configuration is said at once, with its line and without its value."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from config import AnyTarget, ConfigError, Settings, find
from config.load import load, parse

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]

EXCEPTION = """
[[exceptions]]
check = "aws.iam.access_key_rotated"
reason = "r"
risk_owner = "A"
approved_by = "B"
approved_on = 2026-01-01
expires = 2026-02-01
"""
ROLE = 'role_arn = "arn:aws:iam::444455556666:role/r"'
NO_TARGET = "no such target; declare it under [targets], out of scope or not"
PLATFORMS = ", ".join(
    repr(get_args(kind.model_fields["platform"].annotation)[0]) for kind in get_args(AnyTarget)
)
REFERENCE = (
    "write where the secret is to be found (env:NAME, file:path or cred:name), "
    "not the secret itself"
)
SOURCE = (
    'source = {document = "D", version = 1, section = 2, '
    'approved_by = "J", approved_on = 2026-01-01}'
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sweep]\nthredas = 4", "2: sweep.thredas: unknown setting; did you mean 'threads'?"),
        ('organisatoin = "x"', "1: organisatoin: unknown setting; did you mean 'organisation'?"),
        ("xyzzy = 1", "1: xyzzy: unknown setting"),
        ("organisation = 5", "1: organisation: write a text in quotes"),
        ('organisation = " "', "1: organisation: is empty"),
        ('[sweep]\nthreads = "32"', "2: sweep.threads: write a whole number, without quotes"),
        ("[sweep]\nthreads = 0", "2: sweep.threads: must be at least 1"),
        ("[sweep]\nthreads = true", "2: sweep.threads: write a whole number, without quotes"),
        ("[sweep]\n\nthreads = 4\ncap = 5", "4: sweep.cap: is more than threads"),
        ("sweep = 3", "1: sweep: write a table, [name] or {…}"),
        ("store = 3", "1: store: write a table, [name] or {…}"),
        ("targets = 3", "1: targets: write a table, [name] or {…}"),
        ("exceptions = 3", "1: exceptions: write a list in square brackets, or [[…]] tables"),
        (
            '[store]\nurl = "mysql://db/annexa"',
            "2: store.url: write an address such as postgresql://annexa@db.acme.example/annexa",
        ),
        (
            '[store]\nurl = "postgresql://db"',
            "2: store.url: names no database; end it with the database's name",
        ),
        (
            '[store]\nurl = "postgresql://annexa@db/annexa?password=hunter2"',
            "2: store.url: holds a password; take it out, and set `password` under [store]",
        ),
        (
            '[store]\npath = "e.db"\nurl = "postgresql://annexa@db/annexa"',
            "3: store.url: names another store than `path`; keep one of the two",
        ),
        (
            '[store]\nkeys = "keys"',
            "2: store.keys: is for a store on a server: set `url`, or take it out",
        ),
        (
            '[store]\nurl = "postgresql://annexa@db/annexa"\npassword = "hunter2"',
            f"3: store.password: {REFERENCE}",
        ),
        (
            '[log]\nlevel = "trace"',
            "2: log.level: write 'debug', 'info', 'warning' or 'error'",
        ),
        (
            '[freshness]\npolicy = "1 year"',
            '2: freshness.policy: write a duration such as "30m", "6h" or "90d", in quotes',
        ),
        (
            "[schedule]\nevery = 6",
            '2: schedule.every: write a duration such as "30m", "6h" or "90d", in quotes',
        ),
        (
            '[targets.a]\nplatform = "awz"',
            f"2: targets.a.platform: unknown; this release knows {PLATFORMS}",
        ),
        ("[targets.a]\nslow = true", "1: targets.a.platform: is missing"),
        (
            '[targets.a]\nplatfrom = "linux"',
            "2: targets.a.platfrom: unknown setting; did you mean 'platform'?",
        ),
        (
            '[targets.a]\nplatform = "linux"\nslow = "yes"',
            "3: targets.a.slow: write true or false, without quotes",
        ),
        (
            '[targets.a]\nplatform = "linux"\nregion = "eu-west-1"',
            "3: targets.a.region: unknown setting",
        ),
        (
            '[targets.a]\nplatform = "aws"\nregoin = "eu-west-1"',
            "3: targets.a.regoin: unknown setting; did you mean 'region'?",
        ),
        (
            '[targets.a]\nplatform = "aws"\naccount = 111122223333',
            "3: targets.a.account: write the 12 digits of the account, in quotes",
        ),
        (
            '[targets.a]\nplatform = "aws"\naccount = "1111"',
            "3: targets.a.account: write the 12 digits of the account, in quotes",
        ),
        (
            '[targets.a]\nplatform = "aws"\nexternal_id = "env:X"',
            "3: targets.a.external_id: is only sent when a role is assumed; add role_arn",
        ),
        (
            f'[targets.a]\nplatform = "aws"\naccount = "111122223333"\n{ROLE}',
            "4: targets.a.role_arn: the role belongs to another account than account says",
        ),
        (
            '[targets."a b"]\nplatform = "linux"',
            '1: targets."a b": name it with letters, digits, dot, dash and underscore, at most 64',
        ),
        (
            '[scope]\nname = "x"\nversion = 1\napproved_by = "J"',
            "1: scope.approved_on: is missing, although name is given",
        ),
        ("[scope.population]\nlinux = -1", "2: scope.population.linux: must be at least 0"),
        (
            '[criteria."a.b.c".d]\nvalue = 1',
            '1: criteria."a.b.c".d.source: is missing',
        ),
        (
            f'[criteria."a.b.c".d]\nvalue = [1]\n{SOURCE}',
            '2: criteria."a.b.c".d.value: write a number, a text, true, false, or a list of texts',
        ),
        (
            f"[criteria.abc.d]\nvalue = 1\n{SOURCE}",
            '1: criteria.abc: write a check\'s id in quotes, such as "aws.iam.access_key_rotated"',
        ),
        (
            f'[tolerances."a.b.c"]\ncount = 1\nshare = 0.5\n{SOURCE}',
            '1: tolerances."a.b.c": write either count or share',
        ),
        (
            f'[tolerances."a.b.c"]\n{SOURCE}',
            '1: tolerances."a.b.c": write either count or share',
        ),
        (
            f'[tolerances."a.b.c"]\nshare = 2\n{SOURCE}',
            '2: tolerances."a.b.c".share: must be at most 1',
        ),
        (
            EXCEPTION.replace('"B"', '"a"'),
            "6: exceptions[1].approved_by: must be somebody else than risk_owner",
        ),
        (
            EXCEPTION.replace("2026-02-01", "2025-02-01"),
            "8: exceptions[1].expires: is before approved_on",
        ),
        (
            EXCEPTION.replace("2026-02-01", '"2026-02-01"'),
            "8: exceptions[1].expires: write a date such as 2026-05-01, without quotes",
        ),
        (
            EXCEPTION + 'target = "prod"',
            f"9: exceptions[1].target: {NO_TARGET}",
        ),
        ("organisation = ", "1: not TOML: invalid value"),
        ("a = 1\na = 2", "2: not TOML: cannot overwrite a value"),
        ("a = 1\nb = [", "2: not TOML: invalid value"),
    ],
)
def test_a_problem_is_said_with_its_line_its_setting_and_what_to_write(
    refused: Refused, text: str, message: str
) -> None:
    assert refused(text) == [f"annexa.toml:{message}"]


def test_all_problems_are_said_at_once_in_the_order_of_the_file(refused: Refused) -> None:
    text = '[log]\nlevel = "x"\n[sweep]\nthreads = "1"\n' + EXCEPTION.replace('"B"', '"A"').replace(
        "2026-02-01", "2025-02-01"
    )
    assert [message.split(": ")[0] for message in refused(text)] == [
        "annexa.toml:2",
        "annexa.toml:4",
        "annexa.toml:10",
        "annexa.toml:12",
    ]


def test_problems_in_repeated_tables_name_the_right_one(refused: Refused) -> None:
    wrong = EXCEPTION.replace("expires = 2026-02-01", "expires = 5")
    assert refused(EXCEPTION + wrong + EXCEPTION + wrong) == [
        "annexa.toml:16: exceptions[2].expires: write a date such as 2026-05-01, without quotes",
        "annexa.toml:32: exceptions[4].expires: write a date such as 2026-05-01, without quotes",
    ]


def test_an_attestation_is_reviewed_by_a_second_person_while_it_is_in_force(
    refused: Refused,
) -> None:
    text = """
[[attestations]]
control = "A.7.4"
statement = "s"
owner = "M.  Weber"
observed_on = 2026-02-01
expires_on = 2026-01-01
reviewer = "m. weber"
reviewed_on = 2026-01-31
"""
    assert refused(text) == [
        "annexa.toml:7: attestations[1].expires_on: is before observed_on",
        "annexa.toml:8: attestations[1].reviewer: must be somebody else than owner",
        "annexa.toml:9: attestations[1].reviewed_on: is before observed_on: nothing was seen yet",
    ]


def test_a_report_alone_never_satisfies_the_control_on_cloud_services(refused: Refused) -> None:
    text = """
[[inherited]]
control = "A.5.23"
provider = "p"
report = "r"
services = ["S3"]
services_used = ["S3"]
regions = []
regions_used = ["eu"]
covers_from = 2026-02-01
covers_to = 2026-01-01
reviewed_by = "M"
reviewed_on = 2026-01-01
duties_mapped = true
"""
    # The empty list hides what the whole table contradicts; both are said in turn.
    assert refused(text) == ["annexa.toml:8: inherited[1].regions: the list is empty"]
    assert refused(text.replace("[]", '["eu"]')) == [
        "annexa.toml:3: inherited[1].control: a provider's report alone never satisfies A.5.23",
        "annexa.toml:11: inherited[1].covers_to: is before covers_from",
        "annexa.toml:13: inherited[1].reviewed_on: is before covers_from: nothing was covered yet",
    ]


@pytest.mark.parametrize("control", ["A.5.38", "A.9.1", "5.1", "A.5.0"])
def test_a_control_is_one_of_the_93(refused: Refused, control: str) -> None:
    text = f'[[attestations]]\ncontrol = "{control}"'
    expected = (
        "annexa.toml:2: attestations[1].control: "
        "write a control of ISO/IEC 27001:2022, A.5.1 to A.8.34"
    )
    assert expected in refused(text)


CANARY = "hunter2-canary-value"
SHAPED = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.mark.parametrize(
    "text",
    [
        f'[targets.a]\nplatform = "aws"\nexternal_id = "{CANARY}"',
        f'[targets.a]\nplatform = "aws"\nexternal_id = "env:{CANARY}"',
        f'[targets.a]\nplatform = "aws"\nexternal_id = ["{CANARY}"]',
        f'[targets.a]\nplatform = "aws"\nsecret_access_key = "{CANARY}"',
        f'[targets.a]\nplatform = "aws"\nendpoint_url = "https://me:{CANARY}@host/"',
        f'[targets.a]\nplatform = "{CANARY}"',
        f'[targets.a]\nplatform = "aws"\naccount = "{CANARY}"',
        f'[log]\nlevel = "{CANARY}"',
        f"[log]\nlevel = {CANARY}",
        f'[log]\nlevel = "{CANARY}',
        f'[schedule]\nevery = "{CANARY}"',
        f'[[attestations]]\ncontrol = "{CANARY}"',
        f'organisation = "{SHAPED}"',
        f'[targets.a]\nplatform = "aws"\nprofile = "{SHAPED}"',
        f'[[inherited]]\nservices = ["{SHAPED}"]',
    ],
)
def test_a_pasted_secret_is_refused_and_never_echoed(read: Read, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)
    chain = error.value.__cause__, error.value.__context__
    everything = (*traceback.format_exception(error.value), repr(error.value), repr(chain))
    assert not [one for one in everything if CANARY in one or SHAPED in one]


def test_the_shape_of_a_secret_is_refused_where_any_text_would_do(refused: Refused) -> None:
    assert refused(f'organisation = "{SHAPED}"') == [
        "annexa.toml:1: organisation: looks like a secret; write a reference to it"
    ]


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(environ={"HOME": str(tmp_path)}, here=tmp_path)
    assert settings.targets == {}
    assert settings.freshness.vulnerability == dt.timedelta(days=30)
    assert settings.schedule.every == dt.timedelta(hours=6)
    assert (settings.sweep.threads, settings.sweep.cap) == (32, 8)


def test_relative_paths_start_from_the_file_not_from_where_the_command_runs(
    read: Read, tmp_path: Path
) -> None:
    settings = read('[store]\npath = "data/e.db"\n[targets.a]\nplatform = "linux"\nroot = "img"')
    assert settings.store.path == tmp_path / "data/e.db"
    assert settings.targets["a"].model_dump()["root"] == tmp_path / "img"


def test_the_environment_decides_where_the_store_is(tmp_path: Path) -> None:
    place = str(tmp_path / "other.db")
    for text in ("", '[store]\npath = "mine.db"'):
        settings = parse(text, tmp_path / "annexa.toml", {"ANNEXA_STORE": place})
        assert str(settings.store.path) == place
        assert settings.store.url is None


def test_the_store_may_be_on_a_server(tmp_path: Path) -> None:
    url = "postgresql://annexa@db/annexa"
    file, home = tmp_path / "annexa.toml", {"HOME": str(tmp_path)}
    store = parse(f'[store]\nurl = "{url}"\npassword = "env:SECRET"', file, home).store
    assert (store.url, store.keys) == (url, find.keys_folder(home))
    assert store.password is not None
    assert store.password.get({"SECRET": "x"}) == "x"
    assert parse(f'[store]\nurl = "{url}"\nkeys = "k"', file, home).store.keys == tmp_path / "k"


def test_the_environment_may_name_a_server_instead(tmp_path: Path) -> None:
    file, url = tmp_path / "annexa.toml", "postgres://annexa@db/annexa"
    environ = {"HOME": str(tmp_path), "ANNEXA_STORE": url}
    for text in ("", '[store]\npath = "mine.db"', '[store]\nurl = "postgresql://other/db"'):
        assert parse(text, file, environ).store.url == url
    said = '[store]\nurl = "postgresql://other/db"\nkeys = "k"\npassword = "env:S"'
    other = parse(said, file, {**environ, "ANNEXA_STORE": str(tmp_path / "e.db")}).store
    assert (other.url, other.path) == (None, tmp_path / "e.db")
    with pytest.raises(ConfigError, match=r"^\$ANNEXA_STORE: holds a password"):
        parse("", file, {**environ, "ANNEXA_STORE": "postgres://a:b@db/annexa"})


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no such file (named by --config)"), (b"\xff", "is not UTF-8 text")],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "c.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load(path, environ={})
    assert error.value.messages == (f"{path}: {message}",)


def test_lines_are_right_in_files_with_windows_line_ends(refused: Refused) -> None:
    assert refused('organisation = "x"\r\n\r\n[sweep]\r\nthreads = "1"\r\n') == [
        "annexa.toml:4: sweep.threads: write a whole number, without quotes"
    ]
