"""The Condition block of IAM policies: which conditions bound who may come, and which do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from collectors import MalformedError
from collectors.aws.patterns import is_pattern

POSITIVE = frozenset({
    "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress",
})  # fmt: skip
NEGATIVE = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}

CALLER_KEYS = frozenset({
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths",
    "aws:sourceowner", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn",
    "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:userid", "aws:username",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn", "kms:calleraccount",
})  # fmt: skip
"""Keys whose fixed value bounds who may come (Amazon S3 user guide, "The meaning of public";
IAM user guide, global condition keys). `sts:ExternalId` is not among them: AWS does not treat it
as a secret, so it bounds nobody."""

ACCOUNT_KEYS = frozenset({
    "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "aws:vpceaccount",
    "kms:calleraccount", "s3:dataaccesspointaccount",
})  # fmt: skip
ARN_KEYS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"})

CIRCUMSTANCES = frozenset({
    "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:securetransport",
    "aws:currenttime", "aws:epochtime", "aws:tokenissuetime", "aws:sourceip", "aws:useragent",
    "aws:requestedregion", "aws:viaawsservice", "aws:principalisawsservice",
})  # fmt: skip
"""Keys that say how and when a request comes, not what it may do."""


@dataclass(frozen=True)
class Condition:
    """One operator and key; the values are alternatives, and all conditions must hold."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def bounds_caller(self) -> bool:
        """Whether only requests from the callers it names satisfy it.

        A request that lacks the key must not satisfy it either, which `…IfExists` and
        `ForAllValues:` do.
        """
        operator = self.operator.lower()
        if operator.endswith("ifexists") or operator.startswith("forallvalues:"):
            return False
        return _names_callers(operator.removeprefix("foranyvalue:"), self.key, self.values)

    @property
    def fences_caller(self) -> bool:
        """Whether, in a Deny, it turns away everybody but the callers it names.

        A request that lacks the key satisfies a negative operator, so it is turned away too.
        """
        operator = self.operator.lower().removesuffix("ifexists")
        positive = NEGATIVE.get(operator, "")
        return _names_callers(positive, self.key, self.values)

    @property
    def circumstantial(self) -> bool:
        """Whether it asks how and when a request comes."""
        return self.key.lower() in CIRCUMSTANCES

    @property
    def accounts(self) -> frozenset[str]:
        """The account numbers it names, where its key is about accounts or their ARNs."""
        key = self.key.lower()
        if key in ACCOUNT_KEYS:
            return frozenset(self.values)
        named = frozenset(map(account_in, self.values)) if key in ARN_KEYS else frozenset()
        return frozenset() if "" in named else named

    def is_set(self, key: str, value: str) -> bool:
        """Whether it is `Bool` with exactly this key and value."""
        operator = self.operator.lower().removesuffix("ifexists")
        return (
            operator in {"bool", "stringequals", "stringequalsignorecase"}
            and self.key.lower() == key.lower()
            and [v.lower() for v in self.values] == [value]
        )


Conditions = tuple[Condition, ...]


def conditions_of(block: object) -> Conditions:
    """The conditions of a statement's Condition block.

    Raises:
        MalformedError: it does not have the form `{operator: {key: value or values}}`.
    """
    if not isinstance(block, Mapping):
        raise MalformedError("a policy's Condition is no object")
    found = []
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise MalformedError("a policy's Condition has an operator without keys")
        found += [Condition(operator, key, _values(values)) for key, values in keys.items()]
    return tuple(found)


def account_in(arn: str) -> str:
    """The account number in an ARN; empty where it has none or a pattern."""
    parts = arn.split(":", 5)
    number = parts[4] if len(parts) == 6 else ""
    return number if len(number) == 12 and number.isdigit() else ""


def _names_callers(operator: str, key: str, values: tuple[str, ...]) -> bool:
    if operator not in POSITIVE or key.lower() not in CALLER_KEYS or not values:
        return False
    patterned = operator in {"stringlike", "arnlike", "arnequals"}
    return all(_fixed(key.lower(), value, patterned=patterned) for value in values)


def _fixed(key: str, value: str, *, patterned: bool) -> bool:
    """Whether a value names someone; a pattern does where account or organisation is fixed."""
    if key == "aws:sourceip":
        return _narrow(value)
    if not value or "${" in value:
        return False
    if not patterned or not is_pattern(value):
        return True
    if key in ARN_KEYS:
        return bool(account_in(value))
    if key.endswith("orgpaths"):
        return not is_pattern(value.partition("/")[0])
    # A role's session is `<role id>:<session name>`: the id is what is fixed.
    return key == "aws:userid" and ":" in value and not is_pattern(value.partition(":")[0])


def _narrow(cidr: str) -> bool:
    """Whether a range bounds anybody: our limit is /8, or /32 of IPv6; wider is the internet."""
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


def _values(values: object) -> tuple[str, ...]:
    listed = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    return tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in listed)
