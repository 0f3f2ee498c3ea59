"""AWS's descriptions of its services as far as they are read: the SDK loads nothing else of them.

A description names every operation with all its shapes and pages of documentation: EC2's alone
takes 17 MB. What only writes is not even known to a client that is made from what is left.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

if TYPE_CHECKING:
    from botocore.loaders import JSONFileLoader, Loader

READS: Final = (
    "AssumeRole", "BatchGet", "Describe", "Generate", "Get", "Head", "List", "Lookup", "Search",
    "Select",
)  # fmt: skip
"""What the names of operations begin with that read, or are needed for it."""

SERVICE: Final = "service-2"
"""The name of the file that describes a service, without its ending."""

UNREAD: Final = frozenset({"documentation", "examples"})


class Descriptions:
    """Reads the SDK's files, in place of its own `JSONFileLoader`."""

    def exists(self, file_path: str) -> bool:
        """Whether there is a file of that name, whatever its ending."""
        return any(Path(file_path + ending).is_file() for ending, _ in FORMS)

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - what the file says
        """The file's content, of a service what is read; None where there is no such file."""
        from botocore.loaders import ExtrasProcessor  # noqa: PLC0415 - loaded where AWS is read only

        for ending, read in FORMS:
            path = Path(file_path + ending)
            if path.is_file():
                found = orjson.loads(read(path))
                if path.name != SERVICE + ending:
                    return found
                extras = self.load_file(f"{file_path}.sdk-extras")
                ExtrasProcessor().process(found, [extras] if extras else [])
                return reading(found)
        return None


def loader(search_path: Iterable[str]) -> Loader:
    """A loader for the SDK's session; further folders of descriptions come first."""
    from botocore.loaders import Loader  # noqa: PLC0415 - loaded where AWS is read only

    return Loader(
        extra_search_paths=list(search_path),
        file_loader=cast("JSONFileLoader", Descriptions()),
        include_default_extras=False,  # merged above, before anything is left out
    )


def reading(description: Mapping[str, Any]) -> dict[str, Any]:
    """A service's description with the operations that read and the shapes they need."""
    operations = {
        name: operation
        for name, operation in description["operations"].items()
        if name.startswith(READS)
    }
    shapes: dict[str, Any] = {}
    wanted = list(_named(operations))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = description["shapes"][name]
            wanted += _named(shapes[name])
    kept = {name: value for name, value in description.items() if name not in UNREAD}
    return kept | {"operations": _without_words(operations), "shapes": _without_words(shapes)}


def _named(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The shapes that a part of a description refers to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "shape" and isinstance(inner, str):
                yield inner
            else:
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _without_words(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same without documentation; texts that come often are one object.

    A member may be named as our `UNREAD` are, but then it is no text.
    """
    if isinstance(value, dict):
        return {
            intern(name): _without_words(inner)
            for name, inner in value.items()
            if name not in UNREAD or not isinstance(inner, str)
        }
    if isinstance(value, list):
        return [_without_words(inner) for inner in value]
    return intern(value) if isinstance(value, str) else value


def _plain(path: Path) -> bytes:
    return path.read_bytes()


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read()


FORMS: Final = ((".json", _plain), (".json.gz", _unpacked))
"""How the SDK's files end, and are read."""
