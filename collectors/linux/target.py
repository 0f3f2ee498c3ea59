"""A Linux host as a target: this machine, or an image below a folder."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, Self, TypedDict, TypeVar, cast

from collectors import Caller, CallError, Cause, Identity, Note, Place
from collectors.linux import commands
from collectors.linux.disk import Disk, NotRegularError, TooLongError

Answer = TypeVar("Answer")

FILES: Final = Place("files", "host")
TOOLS: Final = Place("tools", "host")


class FileText(TypedDict):
    """A file as it is on the host."""

    text: str
    mode: str
    uid: int
    gid: int


class FileState(TypedDict):
    """A path's owner and mode, without its content."""

    type: str
    mode: str
    uid: int
    gid: int


class Output(TypedDict):
    """What a tool printed, and how it ended; `errors` only where it ended badly."""

    code: int
    text: str
    errors: NotRequired[str]


@dataclass(frozen=True)
class LinuxConnection:
    """A declared host; `root` is `/` for this machine, another folder for an image."""

    name: str
    root: str = "/"
    slow: bool = False
    disk: Disk | None = field(default=None, repr=False)
    """Reads in place of the real one, in tests."""

    @property
    def platform(self) -> str:
        """`linux`."""
        return "linux"

    @property
    def key(self) -> str:
        """`linux/<name>`."""
        return f"linux/{self.name}"

    def open(self, caller: Caller) -> LinuxTarget:
        """The host; raises CallError where this is no Linux machine and no image is named."""
        if self.root == "/" and platform.system() != "Linux":
            raise CallError(
                Cause.UNREACHABLE,
                "not Linux",
                f"this machine runs {platform.system()}; the host collector reads Linux only",
            )
        return LinuxTarget(self, caller, self.disk or Disk(self.root))


class LinuxTarget:
    """A host under way; also what its facts are given to ask.

    A file that is not there is None; one that may not be read raises, and becomes an unknown that
    names the right to grant.
    """

    def __init__(self, connection: LinuxConnection, caller: Caller, disk: Disk) -> None:
        self._connection = connection
        self._caller = caller
        self._disk = disk
        self._once: dict[str, tuple[Any, CallError | None]] = {}
        self._lock = threading.RLock()

    @property
    def key(self) -> str:
        """`linux/<name>`."""
        return self._connection.key

    @property
    def slow(self) -> bool:
        """Whether slow reads were asked for."""
        return self._connection.slow

    @property
    def live(self) -> bool:
        """Whether this is the running machine, not an image."""
        return self._connection.root == "/"

    def scopes(self, per: str) -> Sequence[str]:
        """A host is one place."""
        return ("host",) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:  # noqa: ARG002 - a host is one place
        """A host is one place."""
        return {}

    def within(self, scope: str) -> Self:  # noqa: ARG002 - a host is one place
        """The host itself."""
        return self

    def api(self, service: str, scope: str) -> Self:  # noqa: ARG002 - a host has no services
        """Facts ask the host itself."""
        return self

    def identify(self) -> Identity:
        """The machine id's digest, the user that reads, the distribution and kernel."""
        release = self.release() or {}
        machine = self.read("/etc/machine-id")
        known = machine["text"].strip() if machine else ""
        subject = (
            hashlib.sha256(f"annexa host {known}".encode()).hexdigest()[:16]
            if known
            else f"{platform.node()}:{self._connection.root}"
        )
        details = {
            "distribution": " ".join(filter(None, map(release.get, ("ID", "VERSION_ID")))),
            "container": self.container() or "no",
            "running": "yes" if self.live else "no: an image",
        }
        if self.live:
            details["kernel"] = platform.release()
        user = os.geteuid()
        return Identity(subject, "root" if user == 0 else f"uid {user}", details)

    def read(self, path: str) -> FileText | None:
        """A file's text, owner and mode; None where it is not there."""

        def send(note: Note) -> FileText | None:
            found = self._asked(lambda: self._disk.text(path), f"read:{path}")
            if found is None:
                note.rows = 0
                return None
            text, state = found
            note.rows = text.count("\n")
            return {
                "text": text,
                "mode": f"{stat.S_IMODE(state.st_mode):04o}",
                "uid": state.st_uid,
                "gid": state.st_gid,
            }

        return self._caller.call("read", send, place=FILES, parameters={"path": path})

    def text(self, path: str) -> str | None:
        """A file's text alone; None where it is not there."""
        found = self.read(path)
        return None if found is None else found["text"]

    def texts(self, folder: str, suffix: str = "") -> dict[str, str]:
        """The texts of the files of a folder by path, sorted; empty where there is no folder."""
        found = {}
        for name in self.names(folder) or ():
            path = f"{folder.rstrip('/')}/{name}"
            state = self.stat(path) if name.endswith(suffix) else None
            if state and state["type"] == "file" and (text := self.text(path)) is not None:
                found[path] = text
        return found

    def names(self, folder: str) -> list[str] | None:
        """The names in a folder; None where it is not there. A refused folder is never empty."""

        def send(note: Note) -> list[str] | None:
            found = self._asked(lambda: self._disk.names(folder), f"list:{folder}")
            note.rows = len(found or ())
            return found

        return self._caller.call("list", send, place=FILES, parameters={"path": folder})

    def stat(self, path: str, *, follow: bool = True) -> FileState | None:
        """A path's type, owner and mode; None where it is not there."""

        def send(_: Note) -> FileState | None:
            ask = lambda: self._disk.state(path, follow=follow)  # noqa: E731 - named for its line
            state = self._asked(ask, f"stat:{path}")
            return None if state is None else _state(state)

        return self._caller.call("stat", send, place=FILES, parameters={"path": path})

    def run(self, tool: str, *arguments: str, seconds: float = 20) -> Output | None:
        """What a read-only tool prints; None where it is not installed.

        Raises:
            CallError: it needs more rights, took too long, printed too much, or this is an image.
        """
        words = " ".join((tool, *arguments))
        if not self.live:
            raise CallError(Cause.NOT_ASKED, "needs a running system", permission=f"run:{words}")
        path = commands.find(tool)
        if path is None:
            return None

        def send(note: Note) -> Output:
            try:
                ended = commands.run(path, arguments, seconds, self._caller.check)
            except TimeoutError:
                raise CallError(
                    Cause.UNREACHABLE, "timeout", f"{words} took more than {seconds:.0f} s"
                ) from None
            except OSError as error:
                raise _refusal(error, f"run:{words}") from error
            note.status = ended.code
            note.rows = ended.output.count("\n")
            if ended.refused:
                raise CallError(Cause.DENIED, "needs more rights", permission=f"run:{words}")
            if len(ended.output) > commands.MOST_BYTES:
                raise CallError(Cause.PARTIAL, "output too long", f"{words} printed too much")
            if ended.code == 0:
                return {"code": 0, "text": ended.output}
            return {"code": ended.code, "text": ended.output, "errors": ended.errors[:500]}

        return self._caller.call("run", send, place=TOOLS, parameters={"command": words})

    def release(self) -> dict[str, str] | None:
        """`/etc/os-release` as names and values; None where there is none."""
        text = self.text("/etc/os-release") or self.text("/usr/lib/os-release")
        if text is None:
            return None
        pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
        return {name.strip(): value.strip().strip("\"'") for name, sign, value in pairs if sign}

    def family(self) -> str:
        """`debian`, `rhel`, or the distribution's own id; "" where it does not say."""
        release = self.release() or {}
        names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
        if {"debian", "ubuntu"} & set(names):
            return "debian"
        if {"rhel", "fedora", "centos", "amzn"} & set(names):
            return "rhel"
        return names[0]

    def container(self) -> str:
        """The kind of container this host is, "" for a machine; an image is no container.

        `/.dockerenv` alone proves nothing: machines made from container images keep it. A container
        runs on an overlay or another file system without a device of its own.
        """
        if not self.live:
            return ""
        named = (self.text("/run/systemd/container") or "").strip()
        if named:
            return named
        if self.stat("/run/.containerenv"):
            return "podman"
        groups = self.text("/proc/1/cgroup") or ""
        by_group = next((name for name in ("kubepods", "docker", "lxc") if name in groups), "")
        if by_group or not self.stat("/.dockerenv"):
            return by_group
        mounts = (line.split() for line in (self.text("/proc/mounts") or "").splitlines())
        roots = [fields[0] for fields in mounts if len(fields) > 2 and fields[1] == "/"]
        return "" if roots and roots[-1].startswith("/dev/") else "docker"

    def systemd(self) -> bool:
        """Whether systemd runs this host."""
        return self.live and self.stat("/run/systemd/system") is not None

    def once(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """An answer several facts share, asked once per unit; a refusal is remembered too."""
        with self._lock:
            if name not in self._once:
                try:
                    self._once[name] = (ask(), None)
                except CallError as error:
                    self._once[name] = (None, error)
            answer, refusal = self._once[name]
        if refusal:
            raise refusal
        return cast("Answer", answer)

    def _asked(self, ask: Callable[[], Answer], permission: str) -> Answer | None:
        try:
            return ask()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except NotRegularError as error:
            raise CallError(Cause.MALFORMED, "no regular file", str(error)) from None
        except TooLongError as error:
            raise CallError(Cause.PARTIAL, "file too long", str(error)) from None
        except OSError as error:
            raise _refusal(error, permission) from error


def _refusal(error: OSError, permission: str) -> CallError:
    code = errno.errorcode.get(error.errno or 0, "OSError")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return CallError(Cause.DENIED, code, str(error), permission)
    return CallError(Cause.UNREACHABLE, code, str(error))


def _state(state: os.stat_result) -> FileState:
    kinds = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "folder",
        stat.S_IFLNK: "link",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return {
        "type": kinds.get(stat.S_IFMT(state.st_mode), "other"),
        "mode": f"{stat.S_IMODE(state.st_mode):04o}",
        "uid": state.st_uid,
        "gid": state.st_gid,
    }
