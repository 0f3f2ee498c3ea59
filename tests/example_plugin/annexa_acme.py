"""Acme's sign-in banner: does a host say whose it is?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from collectors import Collector, Resource, Scene, Verdict, fails, passes
from collectors.linux import LinuxTarget

collector = Collector("linux.acme", title="Acme's sign-in banner", reads_from="host")


class Text(TypedDict):
    """The banner as it stands, None where there is none."""

    text: str | None


class Banner(Resource[Text], kind="linux.acme.banner"):
    """The text shown before sign-in."""


@collector.resources(Banner, permission="read:/etc/issue.net")
def banner(target: LinuxTarget) -> Iterator[Banner]:
    """There is one per host."""
    yield Banner(id="/etc/issue.net", listed={"text": target.text("/etc/issue.net")})


@collector.check(Banner, "low", remediation="Write the owner's name into /etc/issue.net.")
def names_its_owner(banner: Banner, _scene: Scene) -> Verdict:
    """The banner names Acme as the owner."""
    text = banner.listed["text"]
    if text is None:
        return fails("no banner")
    return passes() if "Acme" in text else fails("the banner does not name Acme")
