"""Where files are looked for, on each platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import ConfigError, config_file, store_file
from config.find import config_folder


def test_the_nearer_file_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "xdg" / "annexa"
    folder.mkdir(parents=True)
    here = tmp_path / "here"
    here.mkdir()
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}

    def found(given: Path | None = None, **more: str) -> Path | None:
        return config_file(given, environ={**environ, **more}, here=here, platform="linux")

    assert found() is None
    (folder / "annexa.toml").touch()
    assert found() == folder / "annexa.toml"
    (here / "annexa.toml").touch()
    assert found() == here / "annexa.toml"
    (tmp_path / "env.toml").touch()
    named = str(tmp_path / "env.toml")
    assert found(ANNEXA_CONFIG=named) == tmp_path / "env.toml"
    (tmp_path / "given.toml").touch()
    assert found(tmp_path / "given.toml", ANNEXA_CONFIG=named) == tmp_path / "given.toml"


def test_a_named_file_that_is_missing_is_never_replaced_by_another(tmp_path: Path) -> None:
    (tmp_path / "annexa.toml").touch()
    for given, environ, origin in [
        (tmp_path / "x.toml", {}, "--config"),
        (None, {"ANNEXA_CONFIG": str(tmp_path / "x.toml")}, r"\$ANNEXA_CONFIG"),
    ]:
        with pytest.raises(ConfigError, match=rf"no such file \(named by {origin}\)"):
            config_file(given, environ=environ, here=tmp_path)


@pytest.mark.parametrize(
    ("platform", "environ", "configuration", "store"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/annexa", "/h/.local/share/annexa/evidence.db"),
        (
            "linux",
            {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"},
            "/c/annexa",
            "/d/annexa/evidence.db",
        ),
        (
            "linux",
            {"HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": ""},
            "/h/.config/annexa",
            "/h/.local/share/annexa/evidence.db",
        ),
        (
            "darwin",
            {"HOME": "/h"},
            "/h/Library/Application Support/annexa",
            "/h/Library/Application Support/annexa/evidence.db",
        ),
        (
            "win32",
            {"USERPROFILE": "/h", "APPDATA": "/r", "LOCALAPPDATA": "/l"},
            "/r/annexa",
            "/l/annexa/evidence.db",
        ),
        (
            "win32",
            {"USERPROFILE": "/h"},
            "/h/AppData/Roaming/annexa",
            "/h/AppData/Local/annexa/evidence.db",
        ),
    ],
)
def test_each_platform_keeps_files_where_its_people_expect_them(
    platform: str, environ: dict[str, str], configuration: str, store: str
) -> None:
    assert config_folder(environ, platform) == Path(configuration)
    assert store_file(environ, platform) == Path(store)


def test_the_environment_names_the_store_first() -> None:
    assert store_file({"HOME": "/h", "ANNEXA_STORE": "/data/e.db"}, "linux") == Path("/data/e.db")
