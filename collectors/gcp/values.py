"""Google's assets as plain values: what is kept of each, and how a setting is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from collectors import MalformedError, Resource

Row = dict[str, Any]
"""`ancestors`, `updateTime` and what was asked for: `data`, `iamPolicy` or `orgPolicy`."""

PUBLIC: Final = frozenset({"allUsers", "allAuthenticatedUsers"})

CONTAINERS: Final = (
    "cloudresourcemanager.googleapis.com/Organization",
    "cloudresourcemanager.googleapis.com/Folder",
    "cloudresourcemanager.googleapis.com/Project",
)


class Asset(Resource[Row], kind="gcp.any"):
    """An asset of the inventory; its id is the asset's full resource name.

    `asset_type` is Google's name of its type. Of its `data` only the members that `keeps` names
    are taken: an inventory tells far more, secrets among it. `updateTime` moves also where
    nothing that is kept did.
    """

    asset_type: ClassVar[str] = ""
    keeps: ClassVar[tuple[str, ...]] = ()
    volatile = ("listed.updateTime",)

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.id.rpartition("/")[2]

    @property
    def inside(self) -> tuple[str, ...]:
        """The full names of the project, folders and organisation it is in, nearest first."""
        return tuple(containing(each) for each in self.listed["ancestors"])

    def at(self, path: str) -> object:
        """The value at a path such as `settings.sslMode`; None where the platform leaves it out.

        Raises:
            MalformedError: the way leads through something that is no object.
        """
        value: object = self.listed.get("data", {})
        for name in path.split("."):
            if value is None:
                return None
            if not isinstance(value, Mapping):
                raise MalformedError(f"{self.kind}: {path} leads through a value")
            value = value.get(name)
        return value

    def flag(self, path: str, *, default: bool = False) -> bool:
        """A switch; the platform leaves out those that have their default."""
        value = self._of(path, bool)
        return default if value is None else bool(value)

    def text(self, path: str) -> str:
        """A text; empty where it is left out."""
        return str(self._of(path, str) or "")

    def number(self, path: str) -> int | None:
        """A whole number; the platform writes long ones as text."""
        value = self._of(path, int, str)
        if isinstance(value, str) and not value.lstrip("-").isdecimal():
            raise MalformedError(f"{self.kind}: {path} is no number")
        return None if value is None else int(value)

    def rows(self, path: str) -> list[Mapping[str, Any]]:
        """A list of objects; empty where it is left out."""
        found = self.items(path)
        if not all(isinstance(row, Mapping) for row in found):
            raise MalformedError(f"{self.kind}: {path} is no list of objects")
        return found

    def items(self, path: str) -> list[Any]:
        """A list; empty where it is left out."""
        return list(self._of(path, list) or ())

    def labels(self, path: str = "labels") -> Mapping[str, str]:
        """The labels."""
        found = self._of(path, dict) or {}
        return {str(name): str(value) for name, value in found.items()}

    def carries(self, label: str) -> bool:
        """Whether it has a label, given as `name=value`."""
        name, _, value = label.partition("=")
        return self.labels().get(name) == value

    @classmethod
    def kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an asset's data that are kept, as plain data."""
        return {name: plain(fields[name]) for name in cls.keeps if name in fields}

    def _of(self, path: str, *types: type) -> Any:  # noqa: ANN401 - of the type asked for
        value = self.at(path)
        if value is None or (isinstance(value, types) and type(value) in types):
            return value
        raise MalformedError(f"{self.kind}: {path} is not {types[0].__name__}")


def containing(relative: str) -> str:
    """The full name of a container, from `projects/1`, `folders/2` or `organizations/3`."""
    return f"//cloudresourcemanager.googleapis.com/{relative}"


def plain(value: Any) -> Any:  # noqa: ANN401 - a google.protobuf.Value, as JSON has it
    """A protobuf value as plain data; whole numbers as such, though protobuf knows floats only."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return {name: plain(item) for name, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None
