"""What a platform has in its file: the settings of its targets, and examples of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from config.values import Duration, FilePath, Model, Text, seconds

Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/[^\s@]*)?$")]


class TargetSettings(Model):
    """What every target can say."""

    owner: Text | None = None
    """Who answers for what is found here; `annexa findings --by owner` counts by it."""
    freshness: Duration = seconds("24h")
    """Evidence of this target older than this is stale."""
    deadline: Duration = seconds("30m")
    """A sweep gives up on this target after this time; what was not read is then unknown."""

    @property
    def first_rate(self) -> float | None:
        """Calls per second to begin with; None where nothing limits them."""
        return None

    @property
    def subject(self) -> tuple[str, str] | None:
        """What is really read, as far as the file tells, and the setting that tells it.

        Two targets may not read the same.
        """
        return None


class HttpTarget(TargetSettings):
    """What every target that is read over HTTP can say."""

    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file, where a proxy inspects TLS."""
    proxy: Endpoint | None = None
    """The proxy to use; without it, the one of the environment (`HTTPS_PROXY`, `NO_PROXY`)."""
    rate: float = Field(default=10.0, gt=0, le=1000)
    """Calls per second to begin with, per service; throttling lowers it."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate


@dataclass(frozen=True)
class Example:
    """A table of `example.toml`: `[targets.<name>]` with these values, the rest as by default."""

    name: str
    model: type[TargetSettings]
    values: Mapping[str, Any]
    active: bool = False
