"""A directory never says that it hides something: what is not seen may be there."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collectors import catalog
from collectors.active_directory import accounts, computers, domain, groups, pki
from collectors.testing import collect
from tests.collectors.active_directory.conftest import World
from tests.collectors.active_directory.corp import CONFIGURATION, SERVICES, SYSTEM, few
from tests.collectors.active_directory.directory import Directory
from tests.collectors.active_directory.test_target import BOUND
from tests.collectors.refusals import Refusals

AD = catalog(plugins=False).of("active_directory")
Hides = Callable[[str, str], bool]


def of_class(made: Directory, name: bytes, *, category: bytes = b"") -> Hides:
    """Hides objects of a class, or of a class and category, altogether."""

    def hides(dn: str, _: str) -> bool:
        row = made.entries[dn]
        return name in row.get("objectClass", ()) and row.get("objectCategory", [b""]) == [category]

    return hides


def under(dn: str) -> Hides:
    """Hides an object and what stands below it."""
    return lambda at, _: at.endswith(dn)


def attributes(*names: str) -> Hides:
    """Hides attributes of every object."""
    return lambda _, name: name in names


def hiding(made: Directory) -> dict[str, Hides]:
    """What a directory hides from an account that lacks a right."""
    return {
        accounts.READ: of_class(made, b"user", category=b"person"),
        computers.READ: of_class(made, b"computer", category=b"computer"),
        groups.READ: of_class(made, b"group"),
        groups.MEMBERS: attributes("memberOf", "primaryGroupID"),
        pki.READ: under(SERVICES),
        domain.FOREST: under(f"CN=Partitions,{CONFIGURATION}"),
        domain.POLICIES: under(f"CN=Password Settings Container,{SYSTEM}"),
        domain.LOCAL: attributes("msLAPS-PasswordExpirationTime"),
        domain.RIGHTS: attributes("nTSecurityDescriptor"),
    }


def test_rights_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(world: World) -> None:
    few(world.directory)
    hides = hiding(world.directory)

    def refuse(lost: Collection[str]) -> None:
        world.directory.hidden = lambda dn, name: any(hides[each](dn, name) for each in lost)
        gone = SERVICES if pki.READ in lost else "-"
        world.directory.answer = lambda asked: 32 if asked.base.endswith(gone) else None

    unasked = {
        domain.READ: "without it the domain itself is not seen",
        domain.TRUSTS: "trusts that are hidden one by one look as none; their container is asked",
    }
    implied = {accounts.READ: groups.MEMBERS}
    Refusals(
        lambda: collect(world.connection, AD), refuse, unasked, BOUND, implied
    ).give_only_unknowns()
