"""What the users, groups and roles of an account hold: attached policies and their documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from collectors import Cause, FactUnknown, Scene, Unread
from collectors.aws.iam_kinds import AwsPolicy, Group, Policy, Role, User
from collectors.aws.patterns import covers
from collectors.aws.policies import (
    Statement,
    allows_some,
    grants_full_admin,
    statements,
)

HOLDERS = (User, Group, Role, Policy, AwsPolicy)
"""The kinds that `Holdings` asks the scene for."""

Principal = User | Group | Role


@dataclass(frozen=True)
class Holdings:
    """The principals of an account joined with the documents of their policies."""

    scene: Scene

    @cached_property
    def documents(self) -> Mapping[str, Policy | AwsPolicy]:
        """The managed policies by ARN."""
        kinds: Sequence[Policy | AwsPolicy] = (*self.scene.all(Policy), *self.scene.all(AwsPolicy))
        return {policy.id: policy for policy in kinds}

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """The groups by name."""
        return {group.listed["GroupName"]: group for group in self.scene.all(Group)}

    @cached_property
    def actors(self) -> Sequence[User | Role]:
        """Those who can act by themselves: users, and roles that no AWS service owns."""
        roles = (role for role in self.scene.all(Role) if not role.service_linked)
        return (*self.scene.all(User), *roles)

    def holders(self, policy: str) -> list[str]:
        """The names of those an AWS policy is attached to directly, sorted; `user/alice`."""
        kinds: Sequence[Principal] = (
            *self.scene.all(User),
            *self.scene.all(Group),
            *self.scene.all(Role),
        )
        return sorted(
            short_name(holder.id)
            for holder in kinds
            if any(arn.endswith(f":iam::aws:policy/{policy}") for arn in attached(holder))
        )

    def statements(
        self, holder: Principal, *, besides: Sequence[str] = ()
    ) -> tuple[Statement, ...]:
        """Everything its policies say, those of a user's groups included.

        Args:
            holder: a user, group or role.
            besides: ARNs of managed policies to leave out.

        Raises:
            FactUnknown: the document of an attached policy was not in the answer.
        """
        found = [s for document in _inline(holder) for s in statements(document)]
        for arn in (arn for arn in attached(holder) if arn not in besides):
            found += statements(self._managed(arn))
        for name in holder.listed.get("GroupList", []) if isinstance(holder, User) else []:
            if name not in self.groups:
                raise FactUnknown(Unread(f"group {name} was not listed", "", Cause.PARTIAL))
            found += self.statements(self.groups[name])
        return tuple(found)

    def boundary(self, holder: Principal) -> tuple[Statement, ...] | None:
        """What its permissions boundary says; None where it has none."""
        listed = cast("Mapping[str, Any]", holder.listed)
        arn = listed.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return statements(self._managed(arn)) if arn else None

    def is_admin(self, holder: Principal) -> bool:
        """Whether it may do everything; service control policies are not seen from here."""
        boundary = self.boundary(holder)
        bounded = boundary is not None and not grants_full_admin(boundary)
        return not bounded and grants_full_admin(self.statements(holder))

    def may(self, holder: Principal, actions: Sequence[str]) -> bool:
        """Whether it may do one of the actions on some resource."""
        held, boundary = self.statements(holder), self.boundary(holder)
        return any(
            allows_some(held, action) and (boundary is None or allows_some(boundary, action))
            for action in actions
        )

    def _managed(self, arn: str) -> object:
        if arn not in self.documents:
            raise FactUnknown(Unread(f"{arn} came without its document", "", Cause.PARTIAL))
        return self.documents[arn].document


def attached(holder: Principal) -> list[str]:
    """The ARNs of the managed policies attached to it directly."""
    listed = cast("Mapping[str, Any]", holder.listed)
    return [policy["PolicyArn"] for policy in listed.get("AttachedManagedPolicies", [])]


def short_name(arn: str) -> str:
    """A principal's ARN without partition and account: `user/alice`, `role/path/Name`."""
    return arn.split(":", 5)[-1]


def on_list(arn: str, approved: Sequence[str]) -> bool:
    """Whether a principal is on a list of ARNs or short names; `*` is a wildcard in both."""
    return any(covers(entry, arn) or covers(entry, short_name(arn)) for entry in approved)


def _inline(holder: Principal) -> Iterator[object]:
    listed = cast("Mapping[str, Any]", holder.listed)
    for key in ("UserPolicyList", "GroupPolicyList", "RolePolicyList"):
        yield from (policy["PolicyDocument"] for policy in listed.get(key, []))
