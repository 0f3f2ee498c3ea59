"""IAM policy documents as AWS reads them: statements, what they grant, and to whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from collectors import MalformedError
from collectors.aws.conditions import Condition, Conditions, account_in, conditions_of
from collectors.aws.patterns import covers, overlaps

PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
EVERY_ACTION = "*:*"
EVERY_RESOURCE = "*"


@dataclass(frozen=True)
class Principal:
    """Someone named in a resource or trust policy: `type` is AWS, Service, Federated, … or `*`."""

    type: str
    name: str

    @property
    def anyone(self) -> bool:
        """Whether everybody is meant; `"*"` and `{"AWS": "*"}` are the same in an Allow."""
        return self.name == "*" and self.type in {"*", "AWS"}

    @property
    def account(self) -> str:
        """The account number; empty for services, federations and deleted principals' ids."""
        if self.type != "AWS":
            return ""
        number = account_in(self.name) or self.name
        return number if len(number) == 12 and number.isdigit() else ""


@dataclass(frozen=True)
class Statement:
    """One statement; a negated list (`NotAction`) is told from a plain one by its flag."""

    effect: str
    actions: tuple[str, ...] = ()
    not_actions: bool = False
    resources: tuple[str, ...] = ()
    not_resources: bool = False
    principals: tuple[Principal, ...] = ()
    not_principals: bool = False
    conditions: Conditions = field(default_factory=tuple)

    @property
    def allow(self) -> bool:
        """Whether it grants; every other statement denies."""
        return self.effect == "Allow"

    @property
    def unbounded(self) -> bool:
        """Whether its conditions ask only how and when a request comes, not what it may do."""
        return all(condition.circumstantial for condition in self.conditions)

    @property
    def open_to_anyone(self) -> bool:
        """Whether it names everybody; an Allow with NotPrincipal does, save the ones named."""
        return self.not_principals or any(p.anyone for p in self.principals)

    def covers_action(self, action: str) -> bool:
        """Whether it speaks about every action that the pattern `action` stands for."""
        if self.not_actions:
            return not any(overlaps(_service_wide(a.lower()), action.lower()) for a in self.actions)
        return any(covers(_service_wide(a.lower()), action.lower()) for a in self.actions)

    def touches(self, action: str) -> bool:
        """Whether it speaks about some of the actions that the pattern stands for."""
        if self.not_actions:
            return not any(covers(_service_wide(a.lower()), action.lower()) for a in self.actions)
        return any(overlaps(_service_wide(a.lower()), action.lower()) for a in self.actions)

    def covers_resource(self, resource: str) -> bool:
        """Whether it speaks about every resource that the pattern stands for.

        An Allow with NotResource counts as covering `*`: it grants all but a few. A Deny does not:
        it spares a few.
        """
        if self.not_resources:
            if resource == EVERY_RESOURCE and self.allow:
                return not any(covers(r, EVERY_RESOURCE) for r in self.resources)
            return not any(overlaps(r, resource) for r in self.resources)
        if resource == EVERY_RESOURCE:
            return any(_every_resource(r) for r in self.resources)
        return any(covers(r, resource) for r in self.resources)


def statements(document: object) -> tuple[Statement, ...]:
    """The statements of a document: an object, JSON text, or percent-encoded JSON text.

    Botocore decodes what IAM returns; S3 and others return plain text.

    Raises:
        MalformedError: it does not have the form of a policy.
    """
    if isinstance(document, str):
        document = _parsed(document)
    if not isinstance(document, Mapping):
        raise MalformedError("a policy document is no object")
    rows = document.get("Statement", [])
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise MalformedError("a policy's Statement is neither object nor list")
    return tuple(_statement(row) for row in rows)


def allows(granted: Iterable[Statement], action: str, resource: str = EVERY_RESOURCE) -> bool:
    """Whether these statements together let the action be done on the resource.

    Both may be patterns: `allows(s, "s3:*")` asks for all of S3 on all resources. A Deny counts
    where it has no condition. An Allow counts unless a condition bounds what may be done
    (`iam:PassedToService`); conditions on how a request comes (MFA, address, time) do not.
    Boundaries and service control policies are not part of a document.
    """
    granted = tuple(granted)
    if any(
        not s.allow and not s.conditions and s.covers_action(action) and s.covers_resource(resource)
        for s in granted
    ):
        return False
    return any(
        s.allow and s.unbounded and s.covers_action(action) and s.covers_resource(resource)
        for s in granted
    )


def allows_some(granted: Iterable[Statement], action: str) -> bool:
    """Whether the action is allowed on at least one resource, by whatever condition.

    For questions where any grant is too much; a Deny counts where it is unconditional and total.
    """
    granted = tuple(granted)
    if any(
        not s.allow and not s.conditions and s.covers_action(action) and s.covers_resource("*")
        for s in granted
    ):
        return False
    return any(s.allow and s.touches(action) for s in granted)


def grants_full_admin(granted: Iterable[Statement]) -> bool:
    """Whether they allow every action on every resource.

    An Allow that leaves out some actions (NotAction) but none of IAM's counts as well: its holder
    can grant itself the rest. A condition does not excuse: who meets it has everything.
    """
    granted = tuple(granted)
    denied = any(
        not s.allow
        and not s.conditions
        and s.covers_action(EVERY_ACTION)
        and s.covers_resource(EVERY_RESOURCE)
        for s in granted
    )
    return not denied and any(
        s.allow
        and s.covers_action("iam:*" if s.not_actions else EVERY_ACTION)
        and s.covers_resource(EVERY_RESOURCE)
        for s in granted
    )


def boundaries(grant: Statement, document: Iterable[Statement]) -> tuple[Condition, ...]:
    """What bounds the callers of an Allow: its own conditions, and the Denies that fence it in.

    A fence is a Deny to everybody but some (`StringNotEquals` on a caller key); it may spare the
    calls of AWS's own services.
    """
    own = [condition for condition in grant.conditions if condition.bounds_caller]
    for deny in (s for s in document if not s.allow and s.open_to_anyone):
        kept = [c for c in deny.conditions if not _spares_services(c)]
        covered = all(deny.covers_action(action) for action in grant.actions)
        if covered and len(kept) == 1 and kept[0].fences_caller and not grant.not_actions:
            own += kept
    return tuple(own)


def public_grants(document: object) -> tuple[Statement, ...]:
    """The Allows of a resource or trust policy that everybody can use."""
    read = statements(document)
    return tuple(s for s in read if s.allow and s.open_to_anyone and not boundaries(s, read))


def external_accounts(document: object, own: str) -> tuple[str, ...]:
    """Who outside account `own` a resource or trust policy lets in, sorted.

    Account numbers; `*` for everybody; for grants to everybody that are bounded by something else
    than accounts, that boundary (`aws:PrincipalOrgID o-a1b2c3`); `CanonicalUser <id>`. AWS's
    services, federations and the ids left of deleted principals are not accounts.
    """
    read = statements(document)
    grants = [statement for statement in read if statement.allow]
    return tuple(sorted(set().union(*(outsiders(grant, read, own) for grant in grants))))


def outsiders(grant: Statement, document: Iterable[Statement], own: str) -> frozenset[str]:
    """What `external_accounts` says of one Allow of a document."""
    found = set()
    if not grant.not_principals:
        found |= {p.account for p in grant.principals}
        found |= {f"CanonicalUser {p.name}" for p in grant.principals if p.type == "CanonicalUser"}
    if grant.open_to_anyone:
        found |= _let_in(boundaries(grant, document))
    return frozenset(found - {own, ""})


def denies_insecure_transport(document: object, *resources: str, action: str = "s3:*") -> bool:
    """Whether requests without TLS are denied to everybody, for the action on these resources.

    Without resources, on all. The Deny may have no other condition.
    """
    denies = [
        s
        for s in statements(document)
        if not s.allow
        and s.open_to_anyone
        and not s.not_principals
        and len(s.conditions) == 1
        and s.conditions[0].is_set("aws:SecureTransport", "false")
        and s.covers_action(action)
    ]
    return all(any(s.covers_resource(r) for s in denies) for r in resources or (EVERY_RESOURCE,))


def _let_in(bounds: Sequence[Condition]) -> set[str]:
    """Whom one of these conditions names: accounts where any does, since all must hold."""
    if not bounds:
        return {"*"}
    by_account = [c.accounts for c in bounds if c.accounts]
    if by_account:
        return set(frozenset.intersection(*by_account))
    return {f"{bounds[0].key} {value}" for value in bounds[0].values}


def _spares_services(condition: Condition) -> bool:
    return any(
        condition.is_set(key, "false") for key in ("aws:PrincipalIsAWSService", "aws:ViaAWSService")
    )


def _service_wide(pattern: str) -> str:
    """A pattern without colon that can only mean all services: `*` and `**`."""
    return EVERY_ACTION if pattern and not pattern.strip("*") else pattern


def _every_resource(pattern: str) -> bool:
    return any(covers(pattern, f"arn:{partition}:*:*:*:*") for partition in PARTITIONS)


def _parsed(text: str) -> object:
    plain = text if text.lstrip().startswith("{") else unquote(text)
    try:
        parsed: object = json.loads(plain)
    except ValueError:
        raise MalformedError("a policy document is no JSON") from None
    return parsed


def _statement(row: object) -> Statement:
    if not isinstance(row, Mapping) or row.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedError("a policy statement has no Effect")
    not_principals = "NotPrincipal" in row
    return Statement(
        effect=row["Effect"],
        actions=texts(row.get("NotAction", row.get("Action", []))),
        not_actions="NotAction" in row,
        resources=texts(row.get("NotResource", row.get("Resource", []))),
        not_resources="NotResource" in row,
        principals=tuple(_principals(row.get("NotPrincipal", row.get("Principal", {})))),
        not_principals=not_principals,
        conditions=conditions_of(row.get("Condition", {})),
    )


def _principals(named: object) -> Iterable[Principal]:
    if isinstance(named, str):
        return [Principal("*", named)]
    if not isinstance(named, Mapping):
        raise MalformedError("a policy's Principal is neither text nor object")
    return [Principal(kind, name) for kind, names in named.items() for name in texts(names)]


def texts(value: object) -> tuple[str, ...]:
    """One text or a list of texts, as a policy may write either.

    Raises:
        MalformedError: it is something else.
    """
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise MalformedError("a policy holds something else than texts where texts belong")
