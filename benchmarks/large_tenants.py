"""Tenants of any size behind the doubles of the collectors' tests, in a process of their own.

    python -m benchmarks.large_tenants entra 100000 FOLDER

writes `annexa.toml` (and what else is needed) to the folder, prints one line of JSON, the
environment that a sweep of it needs, and serves until its standard input is closed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, overload

from tests.spec_server import Asked, Scripted

Served = Iterator[Mapping[str, str]]


@contextmanager
def entra(count: int, folder: Path) -> Served:
    """Half the resources are accounts, half what they have registered; pages are made as asked."""
    from tests.collectors.entra import double as entra_double  # noqa: PLC0415 - one platform each
    from tests.graph import graph_pages  # noqa: PLC0415
    from tests.microsoft import APP, SECRET, TENANT, Authority  # noqa: PLC0415

    def made(make: Callable[[int], dict[str, Any]]) -> Callable[[Asked], Scripted]:
        rows = _Rows(count // 2, make)

        def page(asked: Asked) -> Scripted:
            body, headers = graph_pages(rows, asked, 999)
            return Scripted(200, headers, body)

        return page

    tenant = entra_double.tenant(0)
    tenant.data[entra_double.USERS] = made(entra_double.user)
    tenant.data[entra_double.REGISTERED] = made(entra_double.registration)
    with Authority(roles=["User.Read.All", "Policy.Read.All"]) as authority, tenant:
        (folder / "annexa.toml").write_text(
            "[targets.people]\n"
            f'platform = "entra"\ntenant_id = "{TENANT}"\nclient_id = "{APP}"\n'
            f'client_secret = "env:ENTRA_SECRET"\nauthority = "{authority.url}"\n'
            f'ca_file = "{authority.ca_file}"\nbase_url = "{tenant.url}"\nrate = 1000\n'
        )
        yield {"ENTRA_SECRET": SECRET}


@contextmanager
def okta(count: int, folder: Path) -> Served:
    """People, each with a further call for the factors: 100,000 of them are 100,000 calls."""
    from tests.collectors.okta import double as okta_double  # noqa: PLC0415 - one platform each
    from tests.spec_server import okta_pages  # noqa: PLC0415

    rows = _Rows(count, okta_double.user)

    def page(asked: Asked) -> Scripted:
        body, headers = okta_pages(rows, asked, 200)
        return Scripted(200, headers, body)

    tenant = okta_double.serve()
    tenant.data["GET /api/v1/users"] = page
    with tenant:
        (folder / "annexa.toml").write_text(
            "[targets.people]\n"
            f'platform = "okta"\ntoken = "env:OKTA_TOKEN"\nbase_url = "{tenant.url}"\n'
            'rate = 1000\ndeadline = "2h"\n'
        )
        yield {"OKTA_TOKEN": okta_double.TOKEN}


@contextmanager
def google(count: int, folder: Path) -> Served:
    """Projects of 63 assets each, their policies beside them."""
    from tests.collectors.gcp.acme import organisation, project  # noqa: PLC0415 - one platform each
    from tests.collectors.gcp.double import Inventory, key, serving  # noqa: PLC0415

    class Held(Inventory):
        """All of it is below the one scope that is asked, in the order of the types."""

        def __init__(self, assets: list[Any]) -> None:
            super().__init__(assets)
            self._found: dict[int, list[Any]] = {}

        def _below(self, wanted: Any) -> Iterator[Any]:  # noqa: ANN401 - a protobuf message
            if wanted.content_type not in self._found:
                self._found[wanted.content_type] = list(super()._below(wanted))
            return iter(self._found[wanted.content_type])

    assets = [*organisation()]
    number = 0
    while len(assets) < count:
        assets.extend(project(number))
        number += 1
    with serving(Held(assets), folder) as declared:
        (folder / "annexa.toml").write_text(
            "[targets.acme]\n"
            f'platform = "gcp"\nscope = "{declared.scope}"\ncredentials = "env:GOOGLE_KEY"\n'
            f'endpoint = "{declared.endpoint}"\nca_file = "{declared.ca_file}"\nrate = 1000\n'
        )
        yield {"GOOGLE_KEY": key()}


class _Rows(Sequence[dict[str, Any]]):
    """A list that is never held: rows are made where they are sliced."""

    def __init__(self, count: int, make: Callable[[int], dict[str, Any]]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, part: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, part: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, part: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(part, int):
            return self._make(range(self._count)[part])
        return [self._make(number) for number in range(*part.indices(self._count))]


PLATFORMS: Final = {"entra": entra, "google": google, "okta": okta}


def main() -> None:
    """Serve what the command line names."""
    platform, count, folder = sys.argv[1:]
    with PLATFORMS[platform](int(count), Path(folder)) as environment:
        print(json.dumps(environment), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
