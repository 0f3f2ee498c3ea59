"""What is wrong with the configuration, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable


class ConfigError(Exception):
    """The configuration cannot be used.

    `messages` holds one line per problem, each with its place (`file:line: setting:`) where it has
    one and never with the value that was refused. The command line prints them and exits with 3.
    """

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(self.messages))
