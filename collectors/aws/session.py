"""One botocore client per service for all targets; region and credential come with each call.

A client per service, region and account costs half a gigabyte and minutes of CPU for a large
organisation, and says the same: both are settled by public hooks of botocore, request by request.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from collectors import CallError, Cause, MalformedError

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.loaders import Loader
    from botocore.session import Session

Made = TypeVar("Made")

CONNECT_SECONDS = 5
READ_SECONDS = 30
CONNECTIONS = 32


@dataclass(frozen=True)
class Ambience:
    """What surrounds one call: its region, and the credential where it is not the session's."""

    region: str
    credential: Credentials | None = field(default=None, repr=False)


_ambience: ContextVar[Ambience] = ContextVar("aws_ambience")


@contextmanager
def ambient(ambience: Ambience) -> Iterator[None]:
    """Calls inside go to this region, signed with this credential."""
    token = _ambience.set(ambience)
    try:
        yield
    finally:
        _ambience.reset(token)


class Clients:
    """The clients of one SDK configuration; targets that are configured alike share them."""

    def __init__(self, profile: str | None, endpoint_url: str | None, ca_file: str | None) -> None:
        self.session = _session(profile)
        self._endpoint_url = endpoint_url
        self._ca_file = ca_file
        self._clients: dict[str, Any] = {}
        self._paging: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._made: dict[tuple[str, str], Any] = {}
        # Using a botocore client is thread-safe; making one is not.
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - made at run time
        """The service's client; `region` serves to make it, each call brings its own."""
        with self._lock:
            if service not in self._clients:
                with ambient(Ambience(region)):
                    self._clients[service] = self._make(service, region)
            return self._clients[service]

    def once(self, key: tuple[str, str], make: Callable[[], Made]) -> Made:
        """What `make` gives of a service's operation, kept: it is asked for at each call."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])

    def offers(self, service: str, region: str) -> bool:
        """Whether the SDK's list of endpoints has the service in that region, or cannot tell.

        The list is as old as the SDK: it only ever confirms what the DNS says.
        """
        from botocore.exceptions import UnknownRegionError  # noqa: PLC0415

        try:
            partition = self.session.get_partition_for_region(region)
        except UnknownRegionError:
            return True
        known = self.session.get_available_regions(service, partition)
        every = self.session.get_available_regions("ec2", partition)
        return region not in every or not known or region in known

    def paging(self, service: str, operation: str) -> Mapping[str, Any]:
        """How the SDK pages an operation (`ListBuckets`); empty where it does not."""
        with self._lock:
            if service not in self._paging:
                self._paging[service] = self._read_paging(service)
            return self._paging[service].get(operation, {})

    def _read_paging(self, service: str) -> Mapping[str, Mapping[str, Any]]:
        from botocore.exceptions import UnknownServiceError  # noqa: PLC0415

        try:
            model = _loader().load_service_model(service, "paginators-1")
        except UnknownServiceError:
            return {}
        return cast("Mapping[str, Mapping[str, Any]]", model["pagination"])

    def _make(self, service: str, region: str) -> Any:  # noqa: ANN401 - made at run time
        from botocore.config import Config  # noqa: PLC0415 - loaded where AWS is read only

        return self.session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            verify=self._ca_file,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=CONNECTIONS,
                retries={"total_max_attempts": 1},
                s3={"us_east_1_regional_endpoint": "regional"},
                # The SDK's own words are put together anew for each call, at a tenth of its cost.
                user_agent="annexa",
            ),
        )


def clients(profile: str | None, endpoint_url: str | None, ca_file: str | None) -> Clients:
    """The clients for a configuration, which the SDK's environment variables are part of.

    Raises:
        CallError: the SDK is not installed, or has no such profile.
    """
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
    return _clients(profile, endpoint_url, ca_file, environment)


@cache
def _clients(
    profile: str | None,
    endpoint_url: str | None,
    ca_file: str | None,
    environment: tuple[tuple[str, str], ...],
) -> Clients:
    del environment
    return Clients(profile, endpoint_url, ca_file)


@cache
def _loader() -> Loader:
    """Service descriptions are read once per process."""
    from collectors.aws.descriptions import loader  # noqa: PLC0415 - loaded where AWS is read only

    given = os.environ.get("AWS_DATA_PATH", "").split(os.pathsep)
    return loader(str(Path(os.path.expandvars(path)).expanduser()) for path in given if path)


def _session(profile: str | None) -> Session:
    try:
        from botocore.exceptions import ProfileNotFound  # noqa: PLC0415
        from botocore.handlers import json_decode_policies  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415
    except ImportError as error:
        raise CallError(
            Cause.NOT_ASKED,
            "SDK not installed",
            "the AWS SDK is not installed; install the extra: annexa[aws]",
            "the extra annexa[aws]",
        ) from error
    session = Session(profile=profile)
    session.register_component("data_loader", _loader())
    factory = session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=iso)
    session.register("before-endpoint-resolution.*", _resolve_in_region)
    session.register("before-sign.*", _sign_in_region)
    session.register("before-sign.s3-control.*", reach_address)
    session.register("before-parse.*.*", _refuse_what_is_no_answer)
    # It reads every policy of an answer, AWS's own by the thousand; `iam` reads those it keeps.
    decode: Any = json_decode_policies  # its stubs take another handler's form
    session.unregister("after-call.iam", decode)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise CallError(
            Cause.DENIED, "ProfileNotFound", f"{error}; see `aws configure list-profiles`"
        ) from error
    return session


def iso(value: Any) -> str:  # noqa: ANN401 - a number or a text, by protocol
    """A time as ISO 8601 text in UTC; the protocols differ, documents do not."""
    with suppress(TypeError, ValueError):  # nearly all times: the SDK's own reader takes ten times
        read = datetime.fromisoformat(value)
        if read.tzinfo is not None:
            return read.astimezone(UTC).isoformat()
    from botocore.utils import parse_timestamp  # noqa: PLC0415 - loaded where AWS is read only

    try:
        read = parse_timestamp(value)
    except (ValueError, OverflowError) as error:
        raise MalformedError(f"not a time: {value!r}") from error
    return str(read.astimezone(UTC).isoformat())


def _resolve_in_region(**event: Any) -> None:  # noqa: ANN401 - botocore's events are untyped
    event["builtins"]["AWS::Region"] = _ambience.get().region


def _sign_in_region(**event: Any) -> None:  # noqa: ANN401 - botocore's events are untyped
    ambience = _ambience.get()
    signing = event["request"].context.setdefault("signing", {})
    if not signing.get("region"):
        signing["region"] = ambience.region
    if ambience.credential is not None:
        signing["request_credentials"] = ambience.credential


def reach_address(**event: Any) -> None:  # noqa: ANN401 - botocore's events are untyped
    """S3 Control puts the account before the host, which an endpoint that is an address forbids."""
    request = event["request"]
    parts = urlsplit(request.url)
    account, _dot, host = (parts.hostname or "").partition(".")
    if account.isdigit() and (host == "localhost" or _is_address(host)):
        place = host if parts.port is None else f"{host}:{parts.port}"
        request.url = urlunsplit(parts._replace(netloc=place))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_what_is_no_answer(**event: Any) -> None:  # noqa: ANN401 - botocore's events are untyped
    """Stop what the SDK would read as an empty answer: no body, a proxy's page, broken JSON."""
    model, body = event["operation_model"], event["response_dict"]["body"]
    if event["response_dict"]["status_code"] != 200 or not _has_body(model):
        return
    if not body.strip():
        raise MalformedError("an answer without a body")
    if body.lstrip()[:5].lower() in {b"<html", b"<!doc"}:
        raise MalformedError("a web page instead of an answer")
    protocol = model.service_model.resolved_protocol
    if "json" in protocol and "payload" not in model.output_shape.serialization:
        _refuse_broken(body)


def _has_body(model: Any) -> bool:  # noqa: ANN401 - botocore's model
    """Whether the operation's answer says something in its body."""
    shape = model.output_shape
    if shape is None or model.has_streaming_output or model.http.get("method") == "HEAD":
        return False
    return any("location" not in member.serialization for member in shape.members.values())


def _refuse_broken(body: bytes) -> None:
    try:
        read = json.loads(body)
    except ValueError as error:
        raise MalformedError("the answer is no JSON") from error
    if not isinstance(read, dict):
        raise MalformedError("the answer is no JSON object")
