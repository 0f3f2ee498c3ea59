"""A fixed world for the commands: two hosts, four checks that are mapped, and a clock that stands.

The collectors bear the ids of real checks, so that mapping and controls take part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors import (
    Catalog,
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from tests.acme import Acme, World, denied

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

accounts = Collector("linux.accounts", title="Local accounts", reads_from="host")
auth = Collector("linux.auth", title="Sign-in", reads_from="host")


class Account(Resource[dict[str, Any]], kind="linux.accounts.account"):
    """A line of the password file."""

    @fact("read:/etc/shadow")
    def shadow(self, api: Acme) -> dict[str, Any]:
        name = self.listed["name"]
        answer: dict[str, Any] = api.world.ask(
            api.caller, "shadow", name, api.scope, api.world.keys.get(name, {"used": None})
        )
        return answer


class Daemon(Resource[dict[str, Any]], kind="linux.auth.sshd"):
    """The configuration in force."""


@accounts.resources(Account, permission="read:/etc/passwd")
def every_account(target: Acme) -> Iterator[Account]:
    for row in target.pages("people", target.world.people):
        yield Account(id=row["name"], listed=row)


@auth.resources(Daemon, permission="run:sshd -T")
def daemon(target: Acme) -> Iterator[Daemon]:
    for row in target.pages("teams", target.world.teams["north"]):
        yield Daemon(id="sshd", listed=row)


@accounts.check(Account, "high", remediation="Give every other account with uid 0 its own uid.")
def uid0_unique(account: Account, _scene: Scene) -> Verdict:
    """Only root has uid 0."""
    if account.listed["uid"] != 0:
        return not_applicable("an ordinary account")
    return passes() if account.listed["name"] == "root" else fails("uid 0")


@accounts.check(Account, "medium", remediation="Lock accounts nobody uses.")
def inactive_locked(
    account: Account, scene: Scene, *, max_age: int = criterion(90, "days")
) -> Verdict:
    """Accounts nobody uses are locked."""
    if account.shadow["used"] is None:
        return not_applicable("never used")
    used = moment(account.shadow["used"])
    late = scene.at - used > timedelta(days=max_age)
    return fails(f"last used {used:%Y-%m-%d}, limit {max_age} days") if late else passes()


@auth.check(Daemon, "high", remediation="Set PermitRootLogin no.")
def ssh_root_login_disabled(sshd: Daemon, _scene: Scene) -> Verdict:
    """Root cannot sign in over SSH."""
    said = sshd.listed["permitrootlogin"]
    return passes() if said == "no" else fails(f"PermitRootLogin {said}")


@auth.check(Daemon, "medium", remediation="List the users in AllowUsers.")
def ssh_users_restricted(
    sshd: Daemon, _scene: Scene, *, users: tuple[str, ...] = criterion("approved ssh users")
) -> Verdict:
    """Only approved users can sign in over SSH."""
    more = sorted(set(sshd.listed["users"]) - set(users))
    return fails(f"not approved: {', '.join(more)}") if more else passes()


CATALOG = Catalog((accounts, auth))


def web() -> World:
    """A host with a second uid 0 and an account nobody uses."""
    return World(
        people=[
            {"name": "root", "uid": 0},
            {"name": "toor", "uid": 0},
            {"name": "=cmd|' /C calc'!A0", "uid": 1000},
        ],
        teams={"north": [{"permitrootlogin": "yes", "users": ["deploy"]}]},
        keys={
            "root": {"used": "2026-11-23T08:00:00Z"},
            "toor": {"used": "2026-01-02T08:00:00Z"},
        },
    )


def database() -> World:
    """A host that refuses its shadow file."""
    world = web()
    world.people = world.people[:1]
    world.teams = {"north": [{"permitrootlogin": "no", "users": []}]}
    world.refuse = {"shadow": denied()}
    return world


SETTINGS = """\
organisation = "Acme"

[scope]
name = "Web shop"
version = "3"
approved_by = "M. Boss"
approved_on = 2026-10-01

[[scope.out]]
target = "lab-1"
reason = "no customer data"
author = "M. Boss"
date = 2026-10-02

[scope.population]
linux = 2

[targets.web-1]
platform = "linux"
root = "/mnt/web-1"

[targets.db-1]
platform = "linux"
root = "/mnt/db-1"

[targets.lab-1]
platform = "linux"
root = "/mnt/lab-1"

[criteria."linux.accounts.inactive_locked".max_age]
value = 60
source = { document = "Access policy", version = "4", section = "2.3", \
approved_by = "M. Boss", approved_on = 2026-09-01 }
"""
