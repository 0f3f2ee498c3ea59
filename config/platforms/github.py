"""A GitHub organisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import StringConstraints

from config.platforms.interface import Endpoint, Example, HttpTarget
from config.values import Place, Secret

Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]


class GithubTarget(HttpTarget):
    """A GitHub organisation, read by an installed GitHub App or with a fine-grained token."""

    platform: Literal["github"]
    """`github`: a GitHub organisation."""
    organisation: Login
    """The organisation's login, as in `https://github.com/<login>`."""
    token: Secret | None = None
    """A fine-grained personal access token of an owner: `env:NAME`, `file:path` or `cred:name`."""
    app_id: Digits | None = None
    """The id of the GitHub App that is installed in the organisation, in quotes."""
    installation_id: Digits | None = None
    """The id of the app's installation, in quotes."""
    private_key: Secret | None = None
    """The app's private key in PEM form: `file:path` or `cred:name`."""
    base_url: Endpoint = "https://api.github.com"
    """The API's address; `https://HOST/api/v3` on an own server."""

    @property
    def subject(self) -> tuple[str, str]:
        """The organisation, at its address."""
        return f"{self.base_url} {self.organisation.lower()}", "organisation"

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to sign in, and a whole one."""
        app = (self.app_id, self.installation_id, self.private_key)
        if self.token is not None and any(app):
            yield ("token",), "is one way to sign in, the app another; keep one of them"
        elif self.token is None and not all(app):
            yield (), "needs token, or all of app_id, installation_id and private_key"


EXAMPLES = (
    Example(
        "acme-code",
        GithubTarget,
        {
            "platform": "github",
            "organisation": "acme",
            "app_id": "123456",
            "installation_id": "7890123",
            "private_key": "cred:github-app-key",
        },
    ),
    Example(
        "acme-labs",
        GithubTarget,
        {
            "platform": "github",
            "organisation": "acme-labs",
            "token": "file:secrets/github-token",
            "proxy": "http://proxy.acme.example:3128",
        },
    ),
)
