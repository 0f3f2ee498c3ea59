"""Google Cloud as a target: one organisation, folder or project, by Cloud Asset Inventory alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

from collectors import Caller, CallError, Cause, Identity, MalformedError, Note, Place
from collectors.gcp.credentials import SCOPE, credential, principal
from collectors.gcp.refusals import API, UnheardType, meaning, names_type

Content = Literal["RESOURCE", "IAM_POLICY", "ORG_POLICY"]

PERMISSIONS: Final[Mapping[Content, str]] = {
    "RESOURCE": "cloudasset.assets.listResource",
    "IAM_POLICY": "cloudasset.assets.listIamPolicy",
    "ORG_POLICY": "cloudasset.assets.listOrgPolicy",
}
"""What each content type needs on the scope.
https://docs.cloud.google.com/asset-inventory/docs/list-assets"""

PAGE: Final = 1000
"""Assets of one answer, the most there is."""

BURST: Final = 10
"""Lists at once: Google allows 100 a minute and project, which a rate of 1.5 a second fills.
https://docs.cloud.google.com/asset-inventory/docs/quota"""

SECONDS: Final = 60.0

OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),  # a page of large assets exceeds gRPC's 4 MiB
    ("grpc.enable_retries", 0),
)


@dataclass(frozen=True)
class GcpConnection:
    """A declared part of Google Cloud.

    Args:
        name: how the configuration names it.
        scope: `organizations/123`, `folders/456`, `projects/acme-prod`.
        credentials: gives the JSON of a key or a workload identity configuration each time it is
            needed; None for the default of the environment.
        quota_project: the project whose quota is used, where that is not the credential's own.
        endpoint: the inventory's host, with a port where that is not 443.
        ca_file: the certificate authorities to trust, as a PEM file.
    """

    name: str
    scope: str
    credentials: Callable[[], str] | None = field(default=None, repr=False)
    quota_project: str | None = None
    endpoint: str = API
    ca_file: str | None = None

    platform = "gcp"

    @property
    def key(self) -> str:
        """`gcp/<name>`."""
        return f"gcp/{self.name}"

    def open(self, caller: Caller) -> GcpTarget:
        """The inventory; it is not asked yet.

        Raises:
            CallError: Google's library is not installed, or there is no credential.
        """
        try:
            import google.cloud.asset_v1  # noqa: F401, PLC0415 - loaded where Google is read only
        except ImportError as error:
            raise CallError(
                Cause.NOT_ASKED,
                "library not installed",
                "Google's library is not installed; install the extra: annexa[gcp]",
                "the extra annexa[gcp]",
            ) from error
        return GcpTarget(self, caller)


class GcpTarget:
    """One organisation, folder or project during one unit."""

    slow = False

    def __init__(self, connection: GcpConnection, caller: Caller) -> None:
        import grpc  # noqa: PLC0415 - loaded where Google is read only
        from google.cloud.asset_v1 import AssetServiceClient  # noqa: PLC0415
        from google.cloud.asset_v1.services.asset_service.transports import (  # noqa: PLC0415
            AssetServiceGrpcTransport,
        )

        self.connection = connection
        self._caller = caller
        self._credential = credential(connection.credentials, connection.quota_project)
        roots = _bytes(connection.ca_file)
        channel = AssetServiceGrpcTransport.create_channel(
            connection.endpoint,
            credentials=self._credential,
            scopes=[SCOPE],
            quota_project_id=connection.quota_project,
            ssl_credentials=grpc.ssl_channel_credentials(root_certificates=roots),
            options=OPTIONS,
        )
        weakref.finalize(self, channel.close)
        self._client = AssetServiceClient(transport=AssetServiceGrpcTransport(channel=channel))

    @property
    def key(self) -> str:
        """`gcp/<name>`."""
        return self.connection.key

    def identify(self) -> Identity:
        """The scope, and who reads it.

        Nothing is asked: the inventory answers for the scope in the request or refuses it, and
        neither numbers nor project ids are ever given to another.
        """
        details = {"credential": type(self._credential).__module__.rpartition(".")[2]}
        return Identity(self.connection.scope, principal(self._credential), details)

    def scopes(self, per: str) -> Sequence[str]:
        """The inventory of a scope is one place."""
        return (self.connection.scope,) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:
        """Nothing of a scope is left out."""
        del per
        return {}

    def within(self, scope: str) -> Self:
        """The same target."""
        del scope
        return self

    def api(self, service: str, scope: str) -> Self:
        """Facts would be given the target; the inventory needs none."""
        del service, scope
        return self

    def assets(self, content: Content, types: Sequence[str]) -> Iterator[Any]:
        """Every asset of these types as its protobuf message, from all pages.

        One type that the inventory does not know refuses the whole list: an `UnheardType` says
        so, and the list is asked for without it.

        Raises:
            CallError: it was refused; MalformedError where a page token comes twice.
        """
        known = list(types)
        while True:
            try:
                answer = self._page(content, known, "", 1)
                break
            except CallError as error:
                unheard = [each for each in known if names_type(error, each)]
                known = [each for each in known if each not in unheard]
                if not unheard or not known:
                    raise
                yield from map(UnheardType, unheard)
        page, seen = 1, {""}
        while True:
            yield from answer.assets
            token = answer.next_page_token
            if not token:
                return
            if token in seen:
                raise MalformedError("the same page token came twice")
            seen.add(token)
            page += 1
            answer = self._page(content, known, token, page)

    def _page(self, content: Content, types: Sequence[str], token: str, page: int) -> Any:  # noqa: ANN401 - a protobuf message
        from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415
        from google.cloud.asset_v1 import (  # noqa: PLC0415 - loaded where Google is read only
            ContentType,
            ListAssetsRequest,
            ListAssetsResponse,
        )

        scope = self.connection.scope
        request = ListAssetsRequest(
            parent=scope,
            content_type=getattr(ContentType, content),
            asset_types=list(types),
            page_size=PAGE,
            page_token=token,
        )

        def send(note: Note) -> Any:  # noqa: ANN401 - a protobuf message
            patience = max(1.0, min(SECONDS, self._caller.left))
            try:
                # Only the first page of Google's own pager: the next is a call of its own here.
                pager = self._client.list_assets(request, retry=None, timeout=patience)
                answer: Any = ListAssetsResponse.pb(next(pager.pages))
            except GoogleAPICallError as error:
                raise meaning(error, scope, PERMISSIONS[content]) from None
            note.status, note.rows = 0, len(answer.assets)
            if answer.HasField("read_time"):
                note.server_date = answer.read_time.ToJsonString()
            return answer

        return self._caller.call(
            "ListAssets",
            send,
            place=Place("cloudasset", "", burst=BURST),
            parameters={
                "parent": scope,
                "contentType": content,
                "assetTypes": ", ".join(types),
                "pageSize": PAGE,
            },
            page=page,
        )


def _bytes(path: str | None) -> bytes | None:
    """A PEM file as it stands.

    Raises:
        CallError: it cannot be read.
    """
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CallError(
            Cause.UNREACHABLE, "ca_file unreadable", f"{path}: {error.strerror}"
        ) from error
