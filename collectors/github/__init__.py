"""GitHub: an organisation, its people, repositories and alerts, over REST and GraphQL."""

from collectors.github.app import AppKey
from collectors.github.target import GithubConnection, GithubTarget

__all__ = ["AppKey", "GithubConnection", "GithubTarget"]
