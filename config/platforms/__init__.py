"""What is read: one table per account or host, `[targets.<name>]`, and a file for each platform."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from config.platforms import (
    active_directory,
    aws,
    github,
    google_cloud,
    linux,
    microsoft,
    okta,
)
from config.platforms.active_directory import ActiveDirectoryTarget
from config.platforms.aws import AwsTarget
from config.platforms.github import GithubTarget
from config.platforms.google_cloud import GcpTarget
from config.platforms.interface import Example
from config.platforms.linux import LinuxTarget
from config.platforms.microsoft import (
    AzureTarget,
    EntraTarget,
    GraphTarget,
    IntuneTarget,
    MicrosoftTarget,
)
from config.platforms.okta import OktaTarget

AnyTarget: TypeAlias = (
    ActiveDirectoryTarget
    | AwsTarget
    | AzureTarget
    | EntraTarget
    | GcpTarget
    | GithubTarget
    | IntuneTarget
    | LinuxTarget
    | OktaTarget
)
Target: TypeAlias = Annotated[AnyTarget, Field(discriminator="platform")]

EXAMPLES: tuple[Example, ...] = tuple(
    example
    for platform in (linux, aws, active_directory, microsoft, google_cloud, github, okta)
    for example in platform.EXAMPLES
)
"""The targets of `example.toml`, in this order."""

__all__ = [
    "EXAMPLES",
    "ActiveDirectoryTarget",
    "AnyTarget",
    "AwsTarget",
    "AzureTarget",
    "EntraTarget",
    "GcpTarget",
    "GithubTarget",
    "GraphTarget",
    "IntuneTarget",
    "LinuxTarget",
    "MicrosoftTarget",
    "OktaTarget",
    "Target",
]
