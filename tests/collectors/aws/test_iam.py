"""AWS IAM, the real calls: over HTTP to a simulated AWS, and to scripted answers."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from moto.server import ThreadedMotoServer

from collectors import Caller, CallError, Cause, Identity, Note, Place, Status
from collectors.aws import (
    iam_account,
    iam_holders,
    iam_keys,
    iam_policies,
    iam_roles,
    iam_users,
)
from collectors.aws.iam import iam
from collectors.aws.iam_kinds import AccessKey, Policy, User
from collectors.aws.iam_report import COLUMNS
from collectors.testing import Collected, Conformance, collect

MODULES = (iam_account, iam_holders, iam_keys, iam_policies, iam_roles, iam_users)
ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}"
ALL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ],
    }
)
BOUND: dict[str, dict[str, object]] = {
    "aws.iam.admin_policy_approved_principals": {"approved": ["user/root"]},
    "aws.iam.audit_log_duties_separated": {"log_administrators": []},
    "aws.iam.local_users_match_idp": {"active_identities": ["alice"]},
    "aws.iam.role_third_party_external_id": {
        "organization_accounts": [],
        "supplier_accounts": [],
    },
}

Answer = tuple[int, str]


class Plain:
    """The least of a target that the listings need; every call goes through the caller."""

    key = "aws/plain"
    slow = False

    def __init__(self, url: str, caller: Caller, *, generate: bool) -> None:
        self.generate_credential_report = generate
        self.caller = caller
        self._url = url
        self._kept: dict[str, Any] = {}
        self._apis: dict[str, _Api] = {}

    def identify(self) -> Identity:
        answer = self.api("sts", "global").get_caller_identity()
        return Identity(answer["Account"], answer["Arn"])

    def scopes(self, per: str) -> list[str]:
        return [per or "global"]

    def left_out(self, per: str) -> dict[str, str]:
        del per
        return {}

    def within(self, scope: str) -> Plain:
        del scope
        return self

    def api(self, service: str, scope: str) -> Any:
        del scope
        if service not in self._apis:
            self._apis[service] = _Api(self, service)
        return self._apis[service]

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except CallError as error:
                self._kept[key] = error
        if isinstance(self._kept[key], CallError):
            raise self._kept[key]
        return self._kept[key]


@cache
def _session() -> Any:
    """One session for all tests: it keeps the service descriptions it has read."""
    session = boto3.Session(region_name="us-east-1")
    factory = session._session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=str)
    return session


class _Api:
    def __init__(self, target: Plain, service: str) -> None:
        config = Config(retries={"total_max_attempts": 1})
        self._client = _session().client(service, endpoint_url=target._url, config=config)
        self._place = Place(service, "global")
        self._caller = target.caller

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**parameters: object) -> Any:
            def send(_: Note) -> Any:
                try:
                    return getattr(self._client, operation)(**parameters)
                except ClientError as failed:
                    code = failed.response["Error"]["Code"]
                    cause = Cause.DENIED if code == "AccessDenied" else Cause.PARTIAL
                    raise CallError(cause, code) from failed
                except (BotoCoreError, ResponseParserError) as failed:
                    raise CallError(Cause.MALFORMED, "malformed") from failed

            return self._caller.call(operation, send, place=self._place)

        return ask


@dataclass(frozen=True)
class Connection:
    url: str
    generate: bool = True
    key: str = "aws/plain"
    platform: str = "aws"

    def open(self, caller: Caller) -> Any:
        return Plain(self.url, caller, generate=self.generate)


def connect(url: str, *, generate: bool = True) -> Any:
    return Connection(url, generate)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> None:  # noqa: ARG001 - loopback
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(simulated: str, aws: None) -> str:  # noqa: ARG001 - the environment
    """An account with two users, a group, a role, an inline and two attached policies."""
    api = boto3.client("iam", region_name="us-east-1", endpoint_url=simulated)
    if api.list_users()["Users"]:
        return simulated
    api.create_user(UserName="alice")
    api.create_login_profile(UserName="alice", Password="Canary-4711-password")
    api.create_access_key(UserName="alice")
    api.create_user(UserName="robot")
    api.put_user_policy(UserName="robot", PolicyName="all", PolicyDocument=ALL)
    api.create_group(GroupName="admins")
    api.put_group_policy(GroupName="admins", PolicyName="all", PolicyDocument=ALL)
    api.add_user_to_group(GroupName="admins", UserName="alice")
    api.create_role(RoleName="open", AssumeRolePolicyDocument=TRUST)
    wide = api.create_policy(PolicyName="wide", PolicyDocument=ALL)
    api.attach_role_policy(RoleName="open", PolicyArn=wide["Policy"]["Arn"])
    api.update_account_password_policy(MinimumPasswordLength=10)
    return simulated


@pytest.fixture
def connection(account: str) -> Any:
    return connect(account)


class TestConformance(Conformance):
    collectors = (iam,)
    bound = BOUND


def test_the_checks_of_all_files_belong_to_one_collector() -> None:
    assert len(iam.checks) == 33
    assert {check.ask.__module__ for check in iam.checks} == {m.__name__ for m in MODULES}


def test_a_simulated_account_is_judged_from_what_its_api_answers(connection: Any) -> None:
    collected = collect(connection, (iam,))
    assert all(part.complete for part in collected.parts)
    found = {key: verdict.status for key, verdict in collected.findings(bound=BOUND).items()}
    assert {
        key: found[f"aws.iam.{key[0]}", key[1]]
        for key in (
            ("password_policy_length", ACCOUNT),
            ("support_role_exists", ACCOUNT),
            ("user_console_mfa", f"{ARN}:user/alice"),
            ("user_console_mfa", f"{ARN}:user/robot"),
            ("admin_user_mfa", f"{ARN}:user/alice"),
            ("user_no_direct_policy", f"{ARN}:user/robot"),
            ("inline_policy_no_full_admin", f"{ARN}:user/robot/inline/all"),
            ("policy_no_full_admin", f"{ARN}:policy/wide"),
            ("role_trust_no_wildcard", f"{ARN}:role/open"),
            ("access_key_rotated", f"{ARN}:user/alice/access_key_1"),
        )
    } == {
        ("password_policy_length", ACCOUNT): "fail",
        ("support_role_exists", ACCOUNT): "fail",
        ("user_console_mfa", f"{ARN}:user/alice"): "fail",
        ("user_console_mfa", f"{ARN}:user/robot"): "not_applicable",
        ("admin_user_mfa", f"{ARN}:user/alice"): "fail",
        ("user_no_direct_policy", f"{ARN}:user/robot"): "fail",
        ("inline_policy_no_full_admin", f"{ARN}:user/robot/inline/all"): "fail",
        ("policy_no_full_admin", f"{ARN}:policy/wide"): "fail",
        ("role_trust_no_wildcard", f"{ARN}:role/open"): "fail",
        ("access_key_rotated", f"{ARN}:user/alice/access_key_1"): "pass",
    }


def test_no_password_and_no_secret_key_is_read(connection: Any) -> None:
    text = repr(collect(connection, (iam,)).resources)
    assert "Canary-4711-password" not in text
    assert "SecretAccessKey" not in text


class Scripted:
    """Answers each IAM action with the next of its answers, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[dict[str, str]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {k: v[0] for k, v in parse_qs(body).items()}
                script.asked.append(asked)
                waiting = script.answers.get(asked.get("Action", ""), [error("AccessDenied", 403)])
                status, text = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def count(self, action: str) -> int:
        return sum(asked.get("Action") == action for asked in self.asked)


def error(code: str, status: int = 400) -> Answer:
    return status, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"


def result(action: str, body: str) -> Answer:
    return 200, f"<{action}Response><{action}Result>{body}</{action}Result></{action}Response>"


def member(*fields: tuple[str, str]) -> str:
    return "<member>" + "".join(f"<{k}>{v}</{k}>" for k, v in fields) + "</member>"


def details(names: list[str], marker: str = "", **flags: str) -> Answer:
    users = [
        member(
            ("UserName", name),
            ("Arn", f"{ARN}:user/{name}"),
            ("CreateDate", "2026-01-01T00:00:00Z"),
            ("UserPolicyList", member(("PolicyName", "p"), ("PolicyDocument", quote(ALL)))),
        )
        for name in names
    ]
    more = f"<Marker>{marker}</Marker><IsTruncated>true</IsTruncated>" if marker else ""
    more += "".join(f"<{k}>{v}</{k}>" for k, v in flags.items())
    body = f"<UserDetailList>{''.join(users)}</UserDetailList>{more}"
    return result("GetAccountAuthorizationDetails", body)


def report(*names: str, **columns: str) -> Answer:
    header = sorted(COLUMNS)
    lines = [",".join(header)]
    for name in names:
        arn = f"{ARN}:root" if name == "<root_account>" else f"{ARN}:user/{name}"
        row = dict.fromkeys(header, "N/A") | {"user": name, "arn": arn} | columns
        lines.append(",".join(row[column] for column in header))
    content = base64.b64encode("\n".join(lines).encode()).decode()
    body = f"<Content>{content}</Content><GeneratedTime>2026-11-24T08:00:00Z</GeneratedTime>"
    return result("GetCredentialReport", body)


def state(value: str) -> Answer:
    return result("GenerateCredentialReport", f"<State>{value}</State>")


@pytest.fixture
def script(aws: None) -> Iterator[Scripted]:  # noqa: ARG001 - the environment
    made = Scripted()
    identity = f"<Account>{ACCOUNT}</Account><Arn>{ARN}:user/reader</Arn><UserId>u</UserId>"
    made.answers = {
        "GetCallerIdentity": [result("GetCallerIdentity", identity)],
        "GenerateCredentialReport": [state("COMPLETE")],
        "GetCredentialReport": [report("<root_account>", "a", mfa_active="false")],
        "GetAccountAuthorizationDetails": [details(["a"])],
    }
    yield made
    made.server.shutdown()
    made.server.server_close()


def policies(*names: str, attached: str = "") -> Answer:
    """AWS's policies by name, and one user who holds one of them."""
    path = "arn:aws:iam::aws:policy"
    version = member(("Document", quote(ALL)), ("IsDefaultVersion", "true"), ("VersionId", "v1"))
    listed = "".join(
        member(("PolicyName", name), ("Arn", f"{path}/{name}"), ("PolicyVersionList", version))
        for name in names
    )
    held = member(("PolicyName", attached), ("PolicyArn", f"{path}/{attached}"))
    holder = member(("UserName", "a"), ("Arn", f"{ARN}:user/a"), ("AttachedManagedPolicies", held))
    body = f"<Policies>{listed}</Policies><UserDetailList>{holder}</UserDetailList>"
    return result("GetAccountAuthorizationDetails", body)


def users(collected: Collected) -> list[str]:
    return [r.listed["UserName"] for r in collected.resources if isinstance(r, User)]


def part(collected: Collected, kind: str) -> Any:
    return next(part for part in collected.parts if part.kind == kind)


def test_every_page_of_the_bulk_answer_is_read_until_no_marker_comes(script: Scripted) -> None:
    script.answers["GetAccountAuthorizationDetails"] = [
        details(["a"], "m1"),
        details([], "m2"),
        details(["b"], "m3"),
        details(["c"]),
    ]
    collected = collect(connect(script.url), (iam,))
    assert users(collected) == ["a", "b", "c"]
    assert part(collected, "aws.iam.user").complete
    assert [a.get("Marker") for a in script.asked if "Details" in a.get("Action", "")] == [
        None,
        "m1",
        "m2",
        "m3",
    ]


def test_of_awss_own_policies_only_those_somebody_holds_are_kept(script: Scripted) -> None:
    answer = policies("AdministratorAccess", "ReadOnlyAccess", attached="AdministratorAccess")
    script.answers["GetAccountAuthorizationDetails"] = [answer]
    collected = collect(connect(script.url), (iam,))
    kept = [r.id for r in collected.resources if r.kind == "aws.iam.aws_policy"]
    assert kept == ["arn:aws:iam::aws:policy/AdministratorAccess"]
    found = collected.findings(bound=BOUND)
    assert found["aws.iam.admin_policy_approved_principals", ACCOUNT].because == (
        "not approved: user/a"
    )
    assert found["aws.iam.admin_user_mfa", f"{ARN}:user/a"].status is Status.FAIL


def test_percent_encoded_documents_are_read(script: Scripted) -> None:
    collected = collect(connect(script.url), (iam,))
    document = next(r.document for r in collected.resources if isinstance(r, Policy))
    assert document == json.loads(ALL)


@pytest.mark.parametrize(
    ("pages", "cause"),
    [
        ([details(["a"], "m1"), details(["b"], "m1")], Cause.MALFORMED),
        ([details(["a"], IsTruncated="true")], Cause.PARTIAL),
        ([details(["a"], "m1"), error("AccessDenied", 403)], Cause.DENIED),
        ([error("AccessDenied", 403)], Cause.DENIED),
    ],
)
def test_a_bulk_answer_that_is_not_whole_is_never_taken_as_whole(
    script: Scripted, pages: list[Answer], cause: Cause
) -> None:
    script.answers["GetAccountAuthorizationDetails"] = pages
    collected = collect(connect(script.url), (iam,))
    for kind in ("user", "group", "role", "policy", "aws_policy"):
        assert part(collected, f"aws.iam.{kind}").unread.cause is cause
    found = collected.findings(bound=BOUND)
    assert found["aws.iam.user_no_direct_policy", ""].cause is cause
    assert found["aws.iam.admin_policy_approved_principals", ACCOUNT].cause is cause


def test_an_empty_account_is_complete_and_has_no_findings_about_users(script: Scripted) -> None:
    script.answers["GetAccountAuthorizationDetails"] = [details([])]
    collected = collect(connect(script.url), (iam,))
    assert part(collected, "aws.iam.user").complete
    assert not any(key[0] == "aws.iam.user_console_mfa" for key in collected.findings())


def test_the_report_is_made_waited_for_and_read_once_for_all_listings(
    script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.aws.iam_report.POLL_SECONDS", 0.01)
    script.answers["GenerateCredentialReport"] = [
        state("STARTED"),
        state("INPROGRESS"),
        state("COMPLETE"),
    ]
    collected = collect(connect(script.url), (iam,))
    assert part(collected, "aws.iam.access_key").complete
    assert (script.count("GenerateCredentialReport"), script.count("GetCredentialReport")) == (3, 1)


def test_a_users_keys_come_from_the_report_without_a_call_for_each_user(script: Scripted) -> None:
    key = {"access_key_2_active": "true", "access_key_2_last_rotated": "2026-01-01T00:00:00Z"}
    script.answers["GetCredentialReport"] = [report("a", **key)]
    collected = collect(connect(script.url), (iam,))
    keys = [r for r in collected.resources if isinstance(r, AccessKey)]
    assert [k.id for k in keys] == [f"{ARN}:user/a/access_key_2"]
    assert keys[0].listed["active"] == "true"
    assert script.count("ListAccessKeys") == 0
    assert len(script.asked) <= 14


def test_a_user_made_after_the_report_is_unknown(script: Scripted) -> None:
    script.answers["GetAccountAuthorizationDetails"] = [details(["a", "young"])]
    script.answers["GetCredentialReport"] = [
        report("<root_account>", "a", mfa_active="false", password_enabled="true")
    ]
    found = collect(connect(script.url), (iam,)).findings()
    assert found["aws.iam.user_console_mfa", f"{ARN}:user/a"].status is Status.FAIL
    young = found["aws.iam.user_console_mfa", f"{ARN}:user/young"]
    assert (young.cause, young.because) == (Cause.PARTIAL, "not in the credential report yet")


@pytest.mark.parametrize(
    ("generate", "answer", "cause", "because"),
    [
        (True, error("ReportInProgress", 404), Cause.PARTIAL, "ReportInProgress"),
        (True, error("ReportExpired", 410), Cause.PARTIAL, "ReportExpired"),
        (
            False,
            error("ReportExpired", 410),
            Cause.NOT_ASKED,
            "ReportExpired; needs generate_credential_report = true",
        ),
        (
            False,
            error("ReportNotPresent", 410),
            Cause.NOT_ASKED,
            "ReportNotPresent; needs generate_credential_report = true",
        ),
        (True, result("GetCredentialReport", "<Content>eA==</Content>"), Cause.MALFORMED, ""),
    ],
)
def test_a_report_that_is_not_there_leaves_users_listed_and_their_credentials_unknown(
    script: Scripted, *, generate: bool, answer: Answer, cause: Cause, because: str
) -> None:
    script.answers["GetCredentialReport"] = [answer]
    collected = collect(connect(script.url, generate=generate), (iam,))
    assert users(collected) == ["a"]
    assert part(collected, "aws.iam.access_key").unread.cause is cause
    found = collected.findings()
    for check, resource in (
        ("user_console_mfa", f"{ARN}:user/a"),
        ("root_not_used", ACCOUNT),
        ("access_key_rotated", ""),
    ):
        verdict = found[f"aws.iam.{check}", resource]
        assert verdict.cause is cause
        assert because in verdict.because
    assert found["aws.iam.user_no_direct_policy", f"{ARN}:user/a"].status is Status.FAIL


@pytest.mark.parametrize("generate", [True, False])
def test_the_one_call_that_is_no_plain_read_can_be_switched_off(
    script: Scripted, *, generate: bool
) -> None:
    collected = collect(connect(script.url, generate=generate), (iam,))
    assert script.count("GenerateCredentialReport") == generate
    assert part(collected, "aws.iam.access_key").complete


def test_a_refused_generation_names_the_permission_and_is_asked_once(script: Scripted) -> None:
    script.answers["GenerateCredentialReport"] = [error("AccessDenied", 403)]
    found = collect(connect(script.url), (iam,)).findings()
    verdict = found["aws.iam.user_console_mfa", f"{ARN}:user/a"]
    assert verdict.cause is Cause.DENIED
    assert "iam:GenerateCredentialReport" in verdict.because
    assert script.count("GenerateCredentialReport") == 1


def test_a_member_account_is_not_asked_for_the_organisations_features(script: Scripted) -> None:
    code = "AccountNotManagementOrDelegatedAdministratorException"
    script.answers["ListOrganizationsFeatures"] = [error(code)]
    verdict = collect(connect(script.url), (iam,)).findings()[
        "aws.iam.root_credentials_centrally_managed", ACCOUNT
    ]
    assert (verdict.status, verdict.because) == (
        Status.NOT_APPLICABLE,
        "not the organisation's management account",
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (error("NoSuchEntity", 404), Status.FAIL),
        (error("AccessDenied", 403), Status.UNKNOWN),
        (
            result(
                "GetAccountPasswordPolicy",
                "<PasswordPolicy><MinimumPasswordLength>14</MinimumPasswordLength>"
                "</PasswordPolicy>",
            ),
            Status.PASS,
        ),
    ],
)
def test_no_password_policy_is_told_from_a_refused_one(
    script: Scripted, answer: Answer, status: Status
) -> None:
    script.answers["GetAccountPasswordPolicy"] = [answer]
    found = collect(connect(script.url), (iam,)).findings()
    assert found["aws.iam.password_policy_length", ACCOUNT].status is status
