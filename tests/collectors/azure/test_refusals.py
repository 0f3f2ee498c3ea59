"""Azure without some of its permissions: what ARM refuses, and what the graph leaves out."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from collectors import catalog
from collectors.azure import AzureConnection
from collectors.azure.site import (
    DESCENDANTS,
    DESCENDANTS_READ,
    GRAPH,
    GRAPH_READ,
    SUBSCRIPTION_READ,
    SUBSCRIPTIONS,
)
from collectors.testing import collect
from tests.collectors.azure.double import Tenant, company, subscription
from tests.collectors.refusals import Refusals
from tests.spec_server import Asked, Scripted, SpecServer

AZURE = catalog(plugins=False).of("azure")
DENIED = Scripted(403, body={"error": {"code": "AuthorizationFailed", "message": "no"}})
NOTHING = Scripted(
    400,
    body={
        "error": {
            "code": "BadRequest",
            "details": [{"code": "NoValidSubscriptionsInQueryRequest"}],
        }
    },
)
BY_OPERATION = {DESCENDANTS: DESCENDANTS_READ, GRAPH: GRAPH_READ}


def action(asked: Asked) -> str:
    """What a read of ARM needs: the provider and the types of its path, in the order they come."""
    if asked.key in {*BY_OPERATION, SUBSCRIPTIONS}:
        return BY_OPERATION.get(asked.key, "")
    provider, *steps = asked.path.rpartition("/providers/")[2].split("/")
    return "/".join([provider, *steps[::2], "read"])


@pytest.fixture
def tenant() -> Tenant:
    return company(2, 1)


def refusing(tenant: Tenant, double: SpecServer, where: set[str]) -> Callable[..., None]:
    """Take actions from the reader in these subscriptions, in the graph and in ARM."""
    double.data |= {key: value[:2] for key, value in double.data.items() if isinstance(value, list)}

    def refuse(lost: Collection[str]) -> None:
        excepted = [{"actions": ["*/read"], "notActions": sorted(lost)}]
        tenant.granted = dict.fromkeys(where, excepted)
        tenant.hidden = where if SUBSCRIPTION_READ in lost else set()

        def answer(asked: Asked) -> Scripted | None:
            if asked.key == GRAPH and not tenant.visible():
                return NOTHING
            there = asked.key in BY_OPERATION or where & set(asked.path.split("/"))
            return DENIED if there and action(asked) in lost else None

        double.refuse = answer

    return refuse


def test_actions_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    tenant: Tenant, connection: AzureConnection, double: SpecServer
) -> None:
    refuse = refusing(tenant, double, set(tenant.subscriptions))
    Refusals(lambda: collect(connection, AZURE), refuse).give_only_unknowns()


def test_a_third_of_the_actions_refused_in_one_subscription_leaves_the_other_as_it_was(
    tenant: Tenant, connection: AzureConnection, double: SpecServer
) -> None:
    refuse = refusing(tenant, double, {subscription(2)})
    Refusals(lambda: collect(connection, AZURE), refuse).give_only_unknowns(in_turn=0)
