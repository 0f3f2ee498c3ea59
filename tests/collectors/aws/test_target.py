"""AWS: the target, over real HTTP to a double that misbehaves as AWS and networks do."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from collectors import CallError, Cause
from collectors.aws import AwsConnection, AwsTarget
from collectors.aws.session import Ambience, Clients, ambient
from tests.collectors.aws.double import Answer, Double, caller, error, identity, s3_error

ACCOUNT = "111122223333"
WHO = "Action=GetCallerIdentity"
LIST = r"GET /[? ]"


def opened(double: Double, seconds: float = 30, **fields: Any) -> AwsTarget:
    return AwsConnection("prod", endpoint_url=double.url, **fields).open(caller(seconds))


def refusal(ask: Callable[[], object]) -> CallError:
    with pytest.raises(CallError) as raised:
        ask()
    return raised.value


def buckets(*names: str, token: str = "") -> Answer:
    rows = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate>"
        "<BucketRegion>eu-west-1</BucketRegion></Bucket>"
        for name in names
    )
    more = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    body = f"<Buckets>{rows}</Buckets>{more}"
    return Answer(body=f"<ListAllMyBucketsResult>{body}</ListAllMyBucketsResult>")


def users(*names: str, rest: str = "") -> Answer:
    rows = "".join(f"<member><UserName>{name}</UserName></member>" for name in names)
    body = f"<ListUsersResult><Users>{rows}</Users>{rest}</ListUsersResult>"
    return Answer(body=f"<ListUsersResponse>{body}</ListUsersResponse>")


def test_a_target_says_who_reads_it(double: Double) -> None:
    double.script = {WHO: [identity(ACCOUNT)]}
    target = opened(double, account=ACCOUNT)
    assert target.key == "aws/prod"
    assert target.identify().subject == ACCOUNT
    assert target.identify().principal == f"arn:aws:iam::{ACCOUNT}:user/reader"
    assert len(double.asked(WHO)) == 1


def test_a_credential_of_another_account_than_declared_is_refused(double: Double) -> None:
    double.script = {WHO: [identity(ACCOUNT)]}
    failed = refusal(opened(double, account="999999999999").identify)
    assert failed.code == "WrongAccount"
    assert failed.permission == "a credential for account 999999999999"
    assert ACCOUNT in str(failed)


@pytest.mark.parametrize(
    ("code", "status", "cause", "permission"),
    [
        ("AccessDenied", 403, Cause.DENIED, "iam:ListUsers"),
        ("UnauthorizedOperation", 403, Cause.DENIED, "iam:ListUsers"),
        ("SomethingNew", 403, Cause.DENIED, "iam:ListUsers"),
        ("ExpiredToken", 403, Cause.DENIED, "a renewed credential"),
        ("InvalidClientTokenId", 403, Cause.DENIED, "a valid credential"),
        ("SignatureDoesNotMatch", 403, Cause.DENIED, "a valid credential"),
        ("RequestTimeTooSkewed", 403, Cause.DENIED, "the right time on this machine"),
        ("OptInRequired", 403, Cause.NOT_LICENSED, ""),
        ("NoSuchEntity", 404, Cause.PARTIAL, ""),
        ("NotImplemented", 501, Cause.PARTIAL, ""),
    ],
)
def test_a_refusal_is_final_and_says_what_cures_it(
    double: Double, code: str, status: int, cause: Cause, permission: str
) -> None:
    message = "User: arn:aws:iam::1:user/a is not authorized to perform: iam:ListUsers on all"
    double.script = {"Action=ListUsers": [error(code, status, message)]}
    failed = refusal(lambda: opened(double).call("iam", "list_users"))
    assert (failed.cause, failed.code, failed.permission) == (cause, code, permission)
    assert len(double.seen) == 1


def test_a_json_service_names_the_missing_permission_as_well(double: Double) -> None:
    body = (
        '{"__type": "AccessDeniedException", "message": '
        '"User: x is not authorized to perform: cloudtrail:DescribeTrails because no policy"}'
    )
    double.script = {"POST": [Answer(400, body, {"x-amzn-errortype": "AccessDeniedException"})]}
    failed = refusal(lambda: opened(double).call("cloudtrail", "describe_trails"))
    assert (failed.cause, failed.permission) == (Cause.DENIED, "cloudtrail:DescribeTrails")


@pytest.mark.parametrize(
    "first",
    [
        error("Throttling", 400),
        s3_error("SlowDown", 503),
        Answer(429, "<Error><Code>Busy</Code></Error>", {"Retry-After": "0"}),
        error("ServiceUnavailable", 503),
        Answer(500, "an internal page"),
        Answer(502, "<html>bad gateway</html>"),
        Answer(reset=True),
        Answer(body="<ListAllMyBucketsResult><Buck", cut=True),
    ],
    ids=["throttled", "slow-down", "429", "unavailable", "500", "gateway", "reset", "cut"],
)
def test_what_may_pass_is_asked_again_by_the_caller_not_by_the_sdk(
    double: Double, first: Answer
) -> None:
    double.script = {LIST: [first, buckets("one")]}
    target = opened(double)
    rows = list(target.pages("s3", "list_buckets", "Buckets", MaxBuckets=1000))
    assert [row["Name"] for row in rows] == ["one"]
    assert len(double.seen) == 2
    lines = target.caller.journal.document()
    assert [line["page"] for line in lines] == [1, 1]
    assert lines[0]["outcome"] != "ok"
    assert lines[1]["outcome"] == "ok"


def test_a_server_that_fails_for_good_is_unreachable(double: Double) -> None:
    double.script = {LIST: [s3_error("InternalError", 500)]}
    failed = refusal(lambda: opened(double).call("s3", "list_buckets"))
    assert (failed.cause, failed.code) == (Cause.UNREACHABLE, "InternalError")
    assert len(double.seen) == 4


def test_nobody_listening_is_unreachable(double: Double) -> None:
    double.close()
    failed = refusal(opened(double).identify)
    assert (failed.cause, failed.code) == (Cause.UNREACHABLE, "EndpointConnectionError")


def test_throttling_without_end_stops_at_the_deadline(double: Double) -> None:
    double.script = {WHO: [error("Throttling", 400, **{"Retry-After": "60"})]}
    failed = refusal(opened(double, seconds=2).identify)
    assert (failed.cause, failed.code) == (Cause.THROTTLED, "Throttling")
    assert len(double.seen) == 1


NO_XML = ["", "   ", "<html><body>sign in</body></html>", "<!DOCTYPE html><html></html>"]
BROKEN_XML = ["<ListUsersResponse><Us", "garbage"]


@pytest.mark.parametrize("body", NO_XML)
def test_what_is_no_answer_of_s3_is_malformed_never_an_empty_list(
    double: Double, body: str
) -> None:
    double.script = {LIST: [Answer(body=body)]}
    failed = refusal(lambda: opened(double).call("s3", "list_buckets"))
    assert failed.cause is Cause.MALFORMED


@pytest.mark.parametrize("body", BROKEN_XML)
def test_what_s3_breaks_off_is_asked_again_since_it_may_fail_after_its_200(
    double: Double, body: str
) -> None:
    double.script = {LIST: [Answer(body=body), buckets("one")]}
    rows = opened(double).pages("s3", "list_buckets", "Buckets", MaxBuckets=1)
    assert [row["Name"] for row in rows] == ["one"]
    double.script = {LIST: [Answer(body=body)]}
    failed = refusal(lambda: opened(double).call("s3", "list_buckets"))
    assert failed.cause is Cause.UNREACHABLE


@pytest.mark.parametrize("body", NO_XML + BROKEN_XML)
def test_what_is_no_xml_answer_is_malformed_never_an_empty_list(double: Double, body: str) -> None:
    double.script = {"POST": [Answer(body=body)]}
    failed = refusal(lambda: opened(double).call("iam", "list_users"))
    assert failed.cause is Cause.MALFORMED


@pytest.mark.parametrize("body", ["", "[]", '{"trailList": [', "<html></html>", "garbage"])
def test_what_is_no_json_answer_is_malformed_never_an_empty_list(double: Double, body: str) -> None:
    double.script = {"POST": [Answer(body=body)]}
    failed = refusal(lambda: opened(double).call("cloudtrail", "describe_trails"))
    assert failed.cause is Cause.MALFORMED


def test_a_time_that_is_none_is_malformed(double: Double) -> None:
    answer = buckets("one")
    body = answer.body.replace("2026-01-02T03:04:05.000Z", "yesterday-ish")
    double.script = {LIST: [Answer(body=body)]}
    failed = refusal(lambda: opened(double).call("s3", "list_buckets"))
    assert failed.cause is Cause.MALFORMED


def test_a_parameter_the_service_does_not_know_is_malformed_and_not_sent(double: Double) -> None:
    failed = refusal(lambda: opened(double).call("iam", "list_users", Nonsense=1))
    assert (failed.cause, failed.code) == (Cause.MALFORMED, "ParamValidationError")
    assert double.seen == []


def test_times_are_iso_text_and_answers_have_no_metadata(double: Double) -> None:
    double.script = {LIST: [buckets("one")]}
    answer = opened(double).api("s3", "global").list_buckets(MaxBuckets=1000)
    assert answer.keys() == {"Buckets"}
    assert answer["Buckets"][0]["CreationDate"] == "2026-01-02T03:04:05+00:00"


def test_pages_are_followed_to_the_end_and_journalled_with_their_rows(double: Double) -> None:
    double.script = {
        LIST: [buckets("a", "b", token="t1"), buckets("c", token="t2"), buckets("d")],
    }
    target = opened(double)
    rows = list(target.pages("s3", "list_buckets", "Buckets", MaxBuckets=2))
    assert [row["Name"] for row in rows] == ["a", "b", "c", "d"]
    lines = target.caller.journal.document()
    assert [(line["operation"], line["page"], line["rows"]) for line in lines] == [
        ("ListBuckets", 1, 2),
        ("ListBuckets", 2, 1),
        ("ListBuckets", 3, 1),
    ]
    assert [line["parameters"] for line in lines] == [{"MaxBuckets": 2}] * 3
    assert "continuation-token=t2" in double.seen[2].url


@pytest.mark.parametrize("tokens", [["t1", "t1"], ["t1", "t2", "t1"]])
def test_a_token_that_comes_again_is_malformed(double: Double, tokens: list[str]) -> None:
    double.script = {LIST: [buckets(f"b{n}", token=t) for n, t in enumerate(tokens)]}
    rows = opened(double).pages("s3", "list_buckets", "Buckets", MaxBuckets=1)
    failed = refusal(lambda: list(rows))
    assert failed.cause is Cause.MALFORMED
    assert len(double.seen) == len(tokens)


def test_a_truncated_answer_without_token_is_partial(double: Double) -> None:
    double.script = {"ListUsers": [users("a", rest="<IsTruncated>true</IsTruncated>")]}
    failed = refusal(lambda: list(opened(double).pages("iam", "list_users", "Users")))
    assert failed.cause is Cause.PARTIAL


def test_an_operation_that_the_sdk_has_no_paging_model_of_is_paged_by_its_tokens(
    double: Double,
) -> None:
    def page(name: str, token: str = "") -> Answer:
        row = f"<AccessPoint><Name>{name}</Name></AccessPoint>"
        more = f"<NextToken>{token}</NextToken>" if token else ""
        body = f"<AccessPointList>{row}</AccessPointList>{more}"
        return Answer(body=f"<ListAccessPointsResult>{body}</ListAccessPointsResult>")

    double.script = {"accesspoint": [page("a", "t1"), page("b", "t2"), page("c")]}
    listed = opened(double).pages(
        "s3control", "list_access_points", "AccessPointList", AccountId=ACCOUNT
    )
    assert [row["Name"] for row in listed] == ["a", "b", "c"]


def test_a_scope_is_the_region_a_call_is_signed_for(double: Double) -> None:
    double.script = {LIST: [buckets("one")]}
    target = opened(double, region="eu-north-1")
    for scope in ("global", "ap-southeast-2", "us-east-1", ""):
        target.call("s3", "list_buckets", scope=scope)
    regions = [request.region for request in double.seen]
    assert regions == ["eu-north-1", "ap-southeast-2", "us-east-1", "eu-north-1"]


def test_two_targets_in_one_process_never_mix_their_credentials(
    double: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("one", "two")
    file = tmp_path / "credentials"
    file.write_text(
        "".join(
            f"[{n}]\naws_access_key_id = AKIA{n.upper()}\naws_secret_access_key = s\n"
            for n in names
        )
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    double.script = {
        rf"AssumeRole.*role%2F{n}": [assumed(f"ASIA{n.upper()}")] for n in ("x", "y")
    } | {LIST: [buckets("one")]}
    role = f"arn:aws:iam::{ACCOUNT}:role/"
    targets = {
        "AKIAONE": opened(double, profile="one"),
        "AKIATWO": opened(double, profile="two"),
        "ASIAX": opened(double, profile="one", role_arn=f"{role}x", external_id="secret-id"),
        "ASIAY": opened(double, profile="one", role_arn=f"{role}y"),
    }

    def read(name: str, target: AwsTarget) -> None:
        for _ in range(20):
            target.call("s3", "list_buckets", Prefix=name.lower())

    threads = [threading.Thread(target=read, args=pair) for pair in targets.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = double.asked("prefix=")
    assert len(listed) == 80
    assert all(f"prefix={r.access_key.lower()}" in r.url for r in listed)
    assert len(double.asked("AssumeRole")) == 2
    assert {r.access_key for r in double.asked("AssumeRole")} == {"AKIAONE"}


def assumed(key: str) -> Answer:
    given = (
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
    )
    body = f"<AssumeRoleResult><Credentials>{given}</Credentials></AssumeRoleResult>"
    return Answer(body=f"<AssumeRoleResponse>{body}</AssumeRoleResponse>")


def test_an_external_id_is_sent_and_stands_in_no_journal(double: Double) -> None:
    double.script = {"AssumeRole": [assumed("ASIAX")], WHO: [identity(ACCOUNT)]}
    role = f"arn:aws:iam::{ACCOUNT}:role/x"
    target = opened(double, role_arn=role, external_id="canary-4711")
    target.identify()
    assert "ExternalId=canary-4711" in double.asked("AssumeRole")[0].body
    assert "canary-4711" not in repr(target.caller.journal.document())
    assert "canary-4711" not in repr(target.connection)


def test_a_role_that_may_not_be_assumed_refuses_every_call(double: Double) -> None:
    message = "User: x is not authorized to perform: sts:AssumeRole on resource: y"
    double.script = {"AssumeRole": [error("AccessDenied", 403, message)]}
    target = opened(double, role_arn=f"arn:aws:iam::{ACCOUNT}:role/x")
    failed = refusal(target.identify)
    assert failed.cause is Cause.DENIED
    assert (
        failed.permission
        == f"sts:AssumeRole on arn:aws:iam::{ACCOUNT}:role/x, granted by the role's trust policy"
    )
    assert double.asked(WHO) == []


def test_without_a_credential_the_error_says_what_to_set(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    failed = refusal(opened(double).identify)
    assert (failed.cause, failed.code) == (Cause.DENIED, "NoCredentialsError")
    assert "profile" in str(failed)
    assert double.seen == []


def test_a_profile_that_is_not_there_is_refused_when_opened(double: Double) -> None:
    failed = refusal(lambda: opened(double, profile="nowhere"))
    assert (failed.cause, failed.code) == (Cause.DENIED, "ProfileNotFound")


def test_an_sdk_that_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(CallError, match=r"annexa\[aws\]") as raised:
        AwsConnection("prod").open(caller())
    assert raised.value.cause is Cause.NOT_ASKED


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_the_endpoint_of_the_environment_is_used(
    double: Double, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, double.url)
    double.script = {WHO: [identity(ACCOUNT)]}
    assert AwsConnection("prod").open(caller()).identify().subject == ACCOUNT


def test_what_is_asked_once_is_asked_once_by_many_threads_and_its_refusal_is_kept(
    double: Double,
) -> None:
    target = opened(double)
    made: list[int] = []

    def make() -> int:
        time.sleep(0.02)
        made.append(1)
        return 7

    got: list[int] = []
    threads = [
        threading.Thread(target=lambda: got.append(target.once("k", make))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (got, made) == ([7] * 8, [1])

    def refuse() -> int:
        made.append(2)
        raise CallError(Cause.DENIED, "AccessDenied", permission="x:Y")

    for _ in range(2):
        failed = refusal(lambda: target.once("r", refuse))
        assert (failed.cause, failed.code, failed.permission) == (
            Cause.DENIED, "AccessDenied", "x:Y",
        )  # fmt: skip
    assert made == [1, 2]


class Body:
    def stream(self, **_: object) -> Any:
        yield b"{}"


CALLS: dict[str, tuple[str, dict[str, str]]] = {
    "cloudtrail": ("describe_trails", {}),
    "cloudwatch": ("describe_alarms", {}),
    "config": ("describe_configuration_recorders", {}),
    "ec2": ("describe_instances", {}),
    "guardduty": ("list_detectors", {}),
    "iam": ("list_users", {}),
    "kms": ("list_keys", {}),
    "logs": ("describe_log_groups", {}),
    "organizations": ("list_accounts", {}),
    "rds": ("describe_db_instances", {}),
    "s3": ("list_buckets", {}),
    "s3control": ("get_public_access_block", {"AccountId": ACCOUNT}),
    "securityhub": ("describe_hub", {}),
    "ssm": ("describe_instance_information", {}),
    "sts": ("get_caller_identity", {}),
}
NO_ANSWER = (BotoCoreError, ClientError, CallError, ResponseParserError)
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1")


@pytest.mark.usefixtures("credential")
@pytest.mark.parametrize("service", CALLS)
def test_a_shared_client_asks_the_same_place_as_a_client_of_its_region(service: str) -> None:
    import botocore.session  # noqa: PLC0415 - the plain SDK, to compare with
    from botocore.config import Config  # noqa: PLC0415

    operation, parameters = CALLS[service]
    seen: list[tuple[str, str]] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        signed = request.headers["Authorization"]
        text = signed.decode() if isinstance(signed, bytes) else signed
        seen.append((request.url, text.split("/")[2]))
        return AWSResponse(request.url, 200, {}, Body())

    plain = botocore.session.Session()
    shared = Clients(None, None, None)
    for session in (plain, shared.session):
        session.register("before-send.*.*", answer)
    config = Config(
        s3={"us_east_1_regional_endpoint": "regional"}, retries={"total_max_attempts": 1}
    )
    for region in REGIONS:
        own = plain.create_client(service, region_name=region, config=config)
        common = shared.client(service, "eu-west-1")
        for client in (own, common):
            # The answer is empty: only the request matters.
            with ambient(Ambience(region)), suppress(*NO_ANSWER):
                getattr(client, operation)(**parameters)
        assert seen[-1] == seen[-2], region
    assert len(seen) == 2 * len(REGIONS)
