"""A tenant or a management group of Azure as a target: Resource Graph in bulk, ARM for the rest.

Resource Graph silently leaves out what its asker may not see. So the subscriptions it can see are
compared with those that the management group has, and a difference makes every listing partial.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from collectors import Caller, CallError, Cause, Identity, MalformedError, Resource, Total, Unlisted
from collectors.azure.granted import allows
from collectors.azure.rows import ALWAYS, GraphRow, kept, wanted
from collectors.azure.site import (
    DESCENDANTS,
    DESCENDANTS_READ,
    GRAPH,
    PERMISSIONS,
    PERMISSIONS_READ,
    SITE,
    SUBSCRIPTION_READ,
    SUBSCRIPTIONS,
    VERSIONS,
)
from collectors.http import Address, Api, one_page
from collectors.http_pages import by_body_token, by_next_link
from collectors.microsoft import SignIn, Tokens, installed

ARM: Final = "https://management.azure.com"
PAGE: Final = 1000
COLUMNS: Final = "id, name, type, location, subscriptionId, tags, kind, sku, identity, properties"
ALIVE: Final = frozenset({"Enabled", "Warned", "PastDue"})
"""States in which a subscription's resources work; the others are left out and said."""


@dataclass(frozen=True)
class AzureConnection:
    """A declared tenant, or one of its management groups.

    Args:
        name: how the configuration names it.
        sign_in: who reads.
        management_group: the group's id; without it, all subscriptions of the tenant.
        base_url: Azure Resource Manager's address; another one in sovereign clouds.
    """

    name: str
    sign_in: SignIn
    management_group: str | None = None
    base_url: str = ARM

    platform = "azure"

    @property
    def key(self) -> str:
        """`azure/<name>`."""
        return f"azure/{self.name}"

    def open(self, caller: Caller) -> AzureTarget:
        """Connect; nothing is sent yet.

        Raises:
            CallError: the extra is not installed, or the address is none.
        """
        installed()
        return AzureTarget(self, caller)


@dataclass(frozen=True)
class Population:
    """The subscriptions that can be seen, and those that the management group has.

    `held` is each one's groups by subscription, the nearest first; None where they cannot be read.
    """

    seen: Mapping[str, Mapping[str, Any]]
    held: Mapping[str, Sequence[str]] | None
    unread: CallError | None = None

    @property
    def hidden(self) -> list[str]:
        """Subscriptions of the group that cannot be seen."""
        return sorted(set(self.held or ()) - set(self.seen))

    @property
    def asleep(self) -> dict[str, str]:
        """Subscriptions whose resources do not work, with the state."""
        return {i: row["state"] for i, row in self.seen.items() if row["state"] not in ALIVE}


class AzureTarget:
    """One tenant or management group during one unit."""

    slow = False

    def __init__(self, connection: AzureConnection, caller: Caller) -> None:
        self.connection = connection
        sign_in = connection.sign_in
        address = Address(connection.base_url, ca_file=sign_in.ca_file, proxy=sign_in.proxy)
        self._scope = f"{connection.base_url.rstrip('/')}/.default"
        self._tokens = Tokens(sign_in, caller)
        self._api = Api(SITE, address, caller, self._tokens.credential(self._scope))
        self._lock = threading.Lock()
        self._population: Population | None = None
        self._roles: dict[str, list[Mapping[str, Any]]] = {}

    @property
    def key(self) -> str:
        """`azure/<name>`."""
        return self.connection.key

    @property
    def tenant(self) -> str:
        """The tenant's id."""
        return self.connection.sign_in.tenant_id.lower()

    @property
    def place(self) -> str:
        """The one place of its listings."""
        group = self.connection.management_group
        return f"managementGroups/{group}" if group else f"tenants/{self.tenant}"

    def identify(self) -> Identity:
        """The tenant or group, and the app that reads it, as its token says.

        Raises:
            CallError: no token, or one of another tenant.
        """
        claims = self._tokens.claims(self._scope)
        tenant = str(claims.get("tid", self.tenant)).lower()
        if tenant != self.tenant:
            raise CallError(
                Cause.DENIED,
                "another tenant",
                f"{self.key}: the credential belongs to tenant {tenant}, not to {self.tenant}",
                f"a credential of tenant {self.tenant}",
            )
        app, person = claims.get("appid"), claims.get("oid")
        principal = f"app {app}" if app else f"object {person}" if person else "an opaque token"
        details = {
            "address": self.connection.base_url,
            "sign_in": self.connection.sign_in.way,
            "object": str(person or ""),
        }
        return Identity(f"{self.tenant}/{self.place}", principal, details)

    def scopes(self, per: str) -> Sequence[str]:
        """Resource Graph answers for the whole at once."""
        return (self.place,) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:
        """Subscriptions that are disabled or being deleted."""
        if per:
            return {}
        asleep = self.population().asleep
        return {f"subscriptions/{i}": f"state {state}" for i, state in sorted(asleep.items())}

    def within(self, scope: str) -> AzureTarget:
        """The same target."""
        del scope
        return self

    def api(self, service: str, scope: str) -> AzureTarget:
        """What a fact is given: the target itself."""
        del service, scope
        return self

    def get(self, operation: str, subscription: str, **names: str) -> Any:  # noqa: ANN401 - an answer
        """The answer to one read of ARM."""
        query = {"api-version": VERSIONS[operation]}
        return self._api.ask(operation, names, query=query, scope=subscription)

    def rows(self, operation: str, subscription: str = "", **names: str) -> Iterator[Any]:
        """The rows of every page of a read of ARM."""
        query = {"api-version": VERSIONS[operation]}
        pager = by_next_link()
        return self._api.rows(operation, pager, names, at="value", query=query, scope=subscription)

    def listing(self, operation: str, subscription: str, **names: str) -> list[Any]:
        """The rows of a read of ARM that is not paged."""
        query = {"api-version": VERSIONS[operation]}
        found = self._api.rows(
            operation, one_page, names, at="value", query=query, scope=subscription
        )
        return list(found)

    def population(self) -> Population:
        """Which subscriptions there are and which can be seen; asked once.

        Raises:
            CallError: the subscriptions cannot be listed.
        """
        with self._lock:
            if self._population is None:
                self._population = self._counted()
            return self._population

    def _counted(self) -> Population:
        seen = {}
        for row in self.rows(SUBSCRIPTIONS):
            number, state = row.get("subscriptionId"), row.get("state")
            if not isinstance(number, str) or not isinstance(state, str):
                raise MalformedError("a subscription came without its id or state")
            if str(row.get("tenantId", "")).lower() == self.tenant:
                seen[number.lower()] = row
        group = self.connection.management_group
        try:
            held = dict(self._held(group or self.tenant))
        except CallError as error:
            if group or error.cause not in {Cause.DENIED, Cause.PARTIAL}:
                raise
            return Population(seen, None, error)
        if group:
            seen = {number: row for number, row in seen.items() if number in held}
        return Population(seen, held)

    def _held(self, top: str) -> Iterator[tuple[str, Sequence[str]]]:
        """The subscriptions below a management group, each with the groups it is in."""
        parents, subscriptions = {}, []
        for row in self.rows(DESCENDANTS, groupId=top):
            name = str(row.get("name") or "").lower()
            parent = ((row.get("properties") or {}).get("parent") or {}).get("id") or ""
            parents[name] = str(parent).rpartition("/")[2].lower()
            if str(row.get("type") or "").lower().endswith("/subscriptions"):
                subscriptions.append(name)
        for number in subscriptions:
            chain, at = [], parents[number]
            while at and at not in chain:
                chain.append(at)
                at = parents.get(at, "")
            yield number, chain

    def graph(
        self,
        *kinds: type[GraphRow],
        table: str = "resources",
        where: str = "",
        above: bool = False,
    ) -> Iterator[Resource[Any] | Total | Unlisted]:
        """Every resource of these kinds, in pages of a thousand, with the total that is stated.

        `where` is a further condition of the query; `above` takes what lies above the place too:
        assignments at the groups it is in.

        Raises:
            CallError: refused; partial where subscriptions cannot be seen.
        """
        types = {kind.type_name: kind for kind in kinds}
        trees = {kind: wanted((*ALWAYS, *kind.keeps)) for kind in kinds}
        for row in self._rows_of(table, types, where=where, above=above):
            if isinstance(row, Total):
                yield row
                continue
            kind = types.get(str(row.get("type", "")).lower())
            number = row.get("id")
            if kind is None or not isinstance(number, str) or not number:
                raise MalformedError("a row of Resource Graph has no id or a type not asked for")
            subscription = str(row.get("subscriptionId") or "").lower()
            yield kind(id=number.lower(), scope=subscription, listed=kept(row, trees[kind]))
        self.whole()
        for kind in kinds:
            if refused := self.invisible(kind.action):
                yield Unlisted(kind, refused)

    def roles(self, subscription: str) -> list[Mapping[str, Any]]:
        """What the credential may do in a subscription, as Azure itself says; asked once.

        Raises:
            CallError: no answer.
        """
        with self._lock:
            if subscription not in self._roles:
                with needing(PERMISSIONS_READ):
                    found = self.listing(PERMISSIONS, subscription, subscriptionId=subscription)
                self._roles[subscription] = found
            return self._roles[subscription]

    def invisible(self, action: str) -> CallError | None:
        """The refusal that Resource Graph does not speak of: rows left out for want of an action.

        A subscription where the action is not granted as a whole counts, even if some of its
        resource groups can be read.
        """
        population = self.population()
        awake = sorted(set(population.seen) - set(population.asleep))
        dark = [number for number in awake if not allows(self.roles(number), action)]
        if not dark:
            return None
        whole = len(dark) == len(awake)
        where = "any subscription" if whole else f"{len(dark)} of {len(awake)} subscriptions"
        return CallError(
            Cause.DENIED if whole else Cause.PARTIAL,
            f"not permitted in {where}",
            f"{self.key}: rows of {', '.join(dark[:5])} are left out without a word",
            action,
        )

    def whole(self) -> None:
        """Raise where subscriptions of the group cannot be seen, or none at all can."""
        population = self.population()
        if not population.seen and population.held is None:
            told = f"{self.key}: no subscription and no management group is visible"
            raise CallError(Cause.DENIED, "nothing is visible", told, SUBSCRIPTION_READ)
        if hidden := population.hidden:
            raise CallError(
                Cause.PARTIAL,
                f"{len(hidden)} of {len(population.held or ())} subscriptions cannot be seen",
                f"{self.key}: not visible: {', '.join(hidden[:5])}",
                SUBSCRIPTION_READ,
            )

    def _rows_of(
        self, table: str, types: Mapping[str, object], *, where: str, above: bool
    ) -> Iterator[Any]:
        quoted = ", ".join(f"'{name}'" for name in sorted(types))
        group, asleep = self.connection.management_group, self.population().asleep
        steps = [table, f"where type in~ ({quoted})"]
        if where:
            steps.append(f"where {where}")
        if not group:
            ours = f"tenantId =~ '{self.tenant}'"
            steps.append(f"where isempty(tenantId) or {ours}" if above else f"where {ours}")
        if asleep:
            without = ", ".join(f"'{number}'" for number in sorted(asleep))
            steps.append(f"where subscriptionId !in~ ({without})")
        steps += [f"project {COLUMNS}", "order by id asc"]
        options: dict[str, object] = {"$top": PAGE, "resultFormat": "objectArray"}
        if above:
            options["authorizationScopeFilter"] = "AtScopeAboveAndBelow"
        body: dict[str, Any] = {"query": " | ".join(steps), "options": options}
        if group:
            body["managementGroups"] = [group]
        pager = by_body_token("$skipToken", "options/$skipToken", truncated="resultTruncated")
        return self._api.rows(
            GRAPH,
            pager,
            at="data",
            total="totalRecords",
            query={"api-version": VERSIONS[GRAPH]},
            body=body,
        )


@contextmanager
def needing(permission: str) -> Iterator[None]:
    """Name what a refused read needs, where it is made for another than the one that asks."""
    try:
        yield
    except CallError as error:
        if error.cause is not Cause.DENIED or error.permission:
            raise
        raise CallError(error.cause, error.code, str(error), permission) from error


def unproven(population: Population) -> CallError | None:
    """What keeps the list of subscriptions from being known to be complete."""
    if population.unread is None:
        return None
    return CallError(
        Cause.DENIED,
        population.unread.code,
        "the tenant's management group cannot be read, so subscriptions may be missing unseen",
        DESCENDANTS_READ,
    )
