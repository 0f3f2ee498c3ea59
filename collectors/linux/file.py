"""The files that define identities: do only administrators own and change them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypedDict

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    fails,
    not_applicable,
    passes,
)
from collectors.linux.target import FileState, LinuxTarget

files = Collector("linux.file", title="Permissions of identity files")

MOST: Final = {
    "/etc/group": 0o644,
    "/etc/group-": 0o644,
    "/etc/gshadow": 0o640,
    "/etc/gshadow-": 0o640,
    "/etc/passwd": 0o644,
    "/etc/passwd-": 0o644,
    "/etc/security/opasswd": 0o600,
    "/etc/shadow": 0o640,
    "/etc/shadow-": 0o640,
    "/etc/sudoers": 0o440,
}
"""The widest mode of each file: what Debian installs, RHEL's own modes are narrower.

Files ending in `-` are shadow-utils' copies of the previous state.
"""

SUDOERS_FOLDER: Final = "/etc/sudoers.d"
SUDOERS_MODE: Final = 0o640
"""Of a file in the folder: sudo itself refuses one that its group or others may write."""

HOLDERS: Final = ("root", "shadow")
"""The groups that may read what others may not."""


class IdentityRow(TypedDict):
    """A file's state, and the name of its group ("" where /etc/group does not know it)."""

    state: FileState
    group: str


class IdentityFile(Resource[IdentityRow], kind="linux.file.identity"):
    """A file that says who there is and who may become root."""


@files.resources(
    IdentityFile, permission=("stat:/etc/shadow", "read:/etc/group", f"list:{SUDOERS_FOLDER}")
)
def identity_files(host: LinuxTarget) -> Iterator[IdentityFile]:
    """Those of the files that are there; their content is not read."""
    rows = (line.split(":") for line in (host.text("/etc/group") or "").splitlines())
    groups = {row[2]: row[0] for row in rows if len(row) > 2}
    inside = [f"{SUDOERS_FOLDER}/{name}" for name in host.names(SUDOERS_FOLDER) or ()]
    for path in [*MOST, *inside]:
        state = host.stat(path)
        if state and state["type"] == "file":
            group = "root" if state["gid"] == 0 else groups.get(str(state["gid"]), "")
            yield IdentityFile(id=path, listed={"state": state, "group": group})


@files.check(
    IdentityFile,
    "medium",
    remediation="Give the file back to root with chown and take the named rights away with chmod.",
)
def identity_file_permissions(file: IdentityFile, scene: Scene) -> Verdict:
    """A file that defines accounts or elevation belongs to root and grants no more than needed."""
    del scene
    state = file.listed["state"]
    if state["type"] != "file":
        return not_applicable("no regular file")
    mode = _mode(state["mode"])
    most = MOST.get(file.id, SUDOERS_MODE)
    if state["uid"]:
        return fails(f"owned by uid {state['uid']}")
    if mode & ~most & 0o777:
        return fails(f"mode {mode:04o}, widest allowed {most:04o}")
    if mode & 0o040 and not most & 0o004 and file.listed["group"] not in HOLDERS:
        return fails(f"readable by group {file.listed['group'] or state['gid']}")
    return passes()


def _mode(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise MalformedError(f"no file mode: {text!r}") from None
