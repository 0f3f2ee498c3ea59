"""Typed settings, beside the files a person edits.

Reading them is `config.load.load`; `config.example` makes the example and the JSON Schema.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from config.find import config_file, store_file
from config.secrets import SecretError, SecretRef, looks_secret

if TYPE_CHECKING:
    from config.applicability import Applicability, load_applicability
    from config.settings import (
        ActiveDirectoryTarget,
        AnyTarget,
        Attestation,
        AwsTarget,
        AzureTarget,
        Criterion,
        CriterionValue,
        Daemon,
        Decision,
        EntraTarget,
        Freshness,
        GcpTarget,
        GithubTarget,
        GraphTarget,
        Inherited,
        IntuneTarget,
        LinuxTarget,
        MicrosoftTarget,
        OktaTarget,
        OwnSchedule,
        PolicyException,
        PolicySource,
        Schedule,
        Scope,
        ScopeOut,
        Settings,
        StatementFile,
        Target,
        Tolerance,
    )

__all__ = [
    "ActiveDirectoryTarget",
    "AnyTarget",
    "Applicability",
    "Attestation",
    "AwsTarget",
    "AzureTarget",
    "ConfigError",
    "Criterion",
    "CriterionValue",
    "Daemon",
    "Decision",
    "EntraTarget",
    "Freshness",
    "GcpTarget",
    "GithubTarget",
    "GraphTarget",
    "Inherited",
    "IntuneTarget",
    "LinuxTarget",
    "MicrosoftTarget",
    "OktaTarget",
    "OwnSchedule",
    "PolicyException",
    "PolicySource",
    "Schedule",
    "Scope",
    "ScopeOut",
    "SecretError",
    "SecretRef",
    "Settings",
    "StatementFile",
    "Target",
    "Tolerance",
    "config_file",
    "load_applicability",
    "looks_secret",
    "store_file",
]

_ELSEWHERE = {"Applicability": "applicability", "load_applicability": "applicability"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type checker sees the imports above
    """Import the settings only when they are read: `annexa --help` has no need of pydantic."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"config.{_ELSEWHERE.get(name, 'settings')}"), name)
