"""Cloud Asset Inventory on Google's own protobuf classes, over TLS: it judges what is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import grpc
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.cloud.asset_v1 import Asset, ContentType, ListAssetsRequest, ListAssetsResponse
from google.protobuf import any_pb2, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from collectors.gcp import GcpConnection
from collectors.gcp.inventory import TYPES
from collectors.gcp.values import CONTAINERS

SERVICE = "google.cloud.asset.v1.AssetService"
READ_TIME = "2026-11-24T08:59:00Z"
READER = "annexa@acme-audit.iam.gserviceaccount.com"
ORGANISATION = "organizations/123456789012"

POLICY_TYPES = {
    *CONTAINERS, "bigquery.googleapis.com/Dataset", "cloudkms.googleapis.com/CryptoKey",
    "run.googleapis.com/Service", "storage.googleapis.com/Bucket",
}  # fmt: skip
MEMBERS = {"RESOURCE": "resource", "IAM_POLICY": "iam_policy", "ORG_POLICY": "org_policy"}


def message(row: dict[str, Any]) -> Any:
    """An asset of REST's form as its protobuf message; a field Google does not know is refused."""
    return json_format.ParseDict(row, Asset.pb(Asset()))


@dataclass
class Refusal:
    """An error as Google gives it: a code, a reason, the seconds to wait, and words."""

    code: str
    reason: str = ""
    after: int | None = None
    words: str = "the test says no"

    def status(self) -> Any:
        """What gRPC sends."""
        details = []
        if self.reason:
            info = error_details_pb2.ErrorInfo(reason=self.reason, domain="googleapis.com")
            details.append(_packed(info))
        if self.after is not None:
            wait = error_details_pb2.RetryInfo()
            wait.retry_delay.seconds = self.after
            details.append(_packed(wait))
        number = code_pb2.Code.Value(self.code)
        return status_pb2.Status(code=number, message=self.words, details=details)


def _packed(detail: Any) -> Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


@dataclass
class Inventory:
    """The assets; `answer` may refuse a request or change its answer; `asked` are the requests."""

    assets: list[Any] = field(default_factory=list)
    answer: Callable[[Any, Any], Refusal | None] = lambda _request, _answer: None
    asked: list[Any] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def list_assets(self, request: Any, context: Any) -> Any:
        """One page, or the refusal."""
        wanted = ListAssetsRequest.pb(request)
        self.asked.append(wanted)
        self._judge(wanted, dict(context.invocation_metadata()))
        content = ContentType(wanted.content_type).name
        member = MEMBERS[content]
        found = [a for a in self._below(wanted) if _has(a, member)]
        start = int(wanted.page_token or 0)
        made = ListAssetsResponse.pb(ListAssetsResponse())
        made.read_time.FromJsonString(READ_TIME)
        for each in found[start : start + wanted.page_size]:
            row = made.assets.add()
            row.CopyFrom(each)
            for other in set(MEMBERS.values()) - {member}:
                row.ClearField(other)
        if start + wanted.page_size < len(found):
            made.next_page_token = str(start + wanted.page_size)
        refusal = self.answer(wanted, made)
        if refusal is not None:
            context.abort_with_status(rpc_status.to_status(refusal.status()))
        return ListAssetsResponse.wrap(made)

    def _below(self, wanted: Any) -> Iterator[Any]:
        types = set(wanted.asset_types)
        for each in self.assets:
            if each.asset_type in types and wanted.parent in each.ancestors:
                yield each

    def _judge(self, wanted: Any, metadata: dict[str, Any]) -> None:
        """What Google refuses, and what we promise; told by `check`."""
        known = POLICY_TYPES if wanted.content_type != ContentType.RESOURCE else set(TYPES)
        strange = set(wanted.asset_types) - known
        if strange:
            self.wrong.append(f"asset types {strange}")
        if not 0 < wanted.page_size <= 1000:
            self.wrong.append(f"page_size {wanted.page_size}")
        if not metadata.get("authorization", "").startswith("Bearer eyJ"):
            self.wrong.append("no token")
        if f"parent={wanted.parent}" != metadata.get("x-goog-request-params"):
            self.wrong.append(f"routing {metadata.get('x-goog-request-params')}")

    def check(self) -> None:
        """Fail for any request that Google would not take."""
        assert self.wrong == []


def _has(asset: Any, member: str) -> bool:
    return bool(asset.org_policy) if member == "org_policy" else asset.HasField(member)


@lru_cache
def key() -> str:
    """A service account's key file."""
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme-audit",
            "private_key_id": "canary",
            "private_key": pem,
            "client_email": READER,
            "token_uri": "https://oauth2.invalid/token",
        }
    )


@contextmanager
def serving(inventory: Inventory, folder: Path) -> Iterator[GcpConnection]:
    """The inventory behind a port of this machine, and a connection that trusts it."""
    authority = trustme.CA()
    trusted = folder / "google.pem"
    authority.cert_pem.write_to_path(str(trusted))
    certificate = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    secured = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    server = grpc.server(ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(
        inventory.list_assets,
        request_deserializer=ListAssetsRequest.deserialize,
        response_serializer=ListAssetsResponse.serialize,
    )
    handler = grpc.method_handlers_generic_handler(SERVICE, {"ListAssets": method})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_secure_port("localhost:0", secured)
    server.start()
    try:
        yield GcpConnection(
            "acme", ORGANISATION, key, endpoint=f"localhost:{port}", ca_file=str(trusted)
        )
    finally:
        server.stop(None).wait()
