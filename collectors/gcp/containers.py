"""The organisation and its projects, as the inventory has them."""

from __future__ import annotations

from typing import Final

from collectors import Collector, Scene, Verdict, criterion, fails, not_applicable, passes
from collectors.gcp.values import CONTAINERS, Asset

project = Collector("gcp.project", title="Google Cloud projects", reads_from="cloudresourcemanager")

LIVE: Final = "ACTIVE"


class Organization(Asset, kind="gcp.organization"):
    """The organisation."""

    asset_type = CONTAINERS[0]
    keeps = ("name", "displayName", "state", "lifecycleState")


class Project(Asset, kind="gcp.project"):
    """A project; one that is being deleted still stands in the inventory for 30 days."""

    asset_type = CONTAINERS[2]
    keeps = (
        "name", "projectId", "projectNumber", "displayName", "labels", "state", "lifecycleState",
        "parent", "createTime",
    )  # fmt: skip

    @property
    def project_id(self) -> str:
        """Its id, or its number where that is all there is."""
        return self.text("projectId") or self.name

    @property
    def live(self) -> bool:
        """Whether it is not being deleted."""
        return (self.text("state") or self.text("lifecycleState") or LIVE) == LIVE


@project.check(
    Project,
    "medium",
    remediation="Enter the project in the register and label it with its owner, or delete it.",
)
def register_complete(
    project: Project,
    _: Scene,
    *,
    registered: tuple[str, ...] = criterion("project ids"),
    owner: str = criterion("owner", "label name"),
) -> Verdict:
    """Every project is in the register and says whose it is."""
    if not project.live:
        return not_applicable("the project is being deleted")
    if project.project_id not in registered:
        return fails(f"{project.project_id} is not in the register")
    named = project.labels().get(owner)
    return passes(named) if named else fails(f"no label {owner}")
