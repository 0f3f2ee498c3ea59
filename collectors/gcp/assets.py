"""An asset's protobuf message as a resource."""

from __future__ import annotations

from typing import Any, TypeVar

from collectors import MalformedError
from collectors.gcp.values import CONTAINERS, Asset, Row, containing

Kind = TypeVar("Kind", bound=Asset)


def with_data(kinds: dict[str, type[Asset]], message: Any) -> Asset:  # noqa: ANN401 - a protobuf message
    """The resource of an asset that was listed with its data.

    Raises:
        MalformedError: its type was not asked for, or it brings no data.
    """
    kind = kinds.get(message.asset_type)
    if kind is None:
        raise MalformedError("an asset came whose type was not asked for")
    if not message.HasField("resource") or not message.resource.HasField("data"):
        raise MalformedError(f"an asset of type {message.asset_type} came without its data")
    data = kind.kept(message.resource.data.fields)
    return _made(kind, message, {"data": data, "location": message.resource.location})


def with_policy(kind: type[Kind], message: Any) -> Kind:  # noqa: ANN401 - a protobuf message
    """The resource of an asset that was listed with its allow policy."""
    policy = _plain(message.iam_policy)
    return _made(kind, message, {"assetType": message.asset_type, "iamPolicy": policy})


def with_constraints(kind: type[Kind], message: Any) -> Kind:  # noqa: ANN401 - a protobuf message
    """The resource of an asset that was listed with its organisation policies."""
    rows = sorted((_plain(each) for each in message.org_policy), key=_constraint)
    return _made(kind, message, {"assetType": message.asset_type, "orgPolicy": rows})


def _plain(message: Any) -> Row:  # noqa: ANN401 - a protobuf message
    """A message with a schema of its own, in the platform's camelCase; its etag tells nothing."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - where Google is read

    row: Row = MessageToDict(message)
    row.pop("etag", None)
    return row


def _constraint(row: Row) -> str:
    return str(row.get("constraint", ""))


def _made(kind: type[Kind], message: Any, rest: Row) -> Kind:  # noqa: ANN401 - a protobuf message
    if not message.name:
        raise MalformedError("an asset came without a name")
    ancestors = list(message.ancestors)
    if not ancestors:
        raise MalformedError(f"an asset of type {message.asset_type} came without ancestors")
    listed: Row = {"ancestors": ancestors, **rest}
    if message.HasField("update_time"):
        listed["updateTime"] = message.update_time.ToJsonString()
    # A project is named by its number or by its id; by number everywhere, so that they join.
    name = containing(ancestors[0]) if message.asset_type in CONTAINERS else message.name
    # The nearest project; the folder or organisation itself where it is in none.
    return kind(id=name, scope=ancestors[0], listed=listed)
