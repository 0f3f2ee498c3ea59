"""A directory server of our own over TLS: RFC 4511 as far as searches need it.

What a domain controller really answers is shown by `test_real_domain.py`, on Samba; this double
gives what a real one cannot be asked for: refusals, torn pages, thousands of objects in no time.
"""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme

PAGED = b"1.2.840.113556.1.4.319"
IN_CHAIN = b"1.2.840.113556.1.4.1941"
BASE, ONE, BELOW = 0, 1, 2

Attributes = Mapping[str, Sequence[bytes]]
Test = Callable[[str, "dict[str, list[bytes]]"], bool]


@dataclass(frozen=True)
class Asked:
    """A search as it came."""

    base: str
    scope: int
    attributes: tuple[str, ...]
    cookie: bytes
    controls: tuple[bytes, ...]


@dataclass
class Directory:
    """Objects by distinguished name, and how the server misbehaves.

    `answer` may give another result code for a search, or None for the usual one; `cookie`
    changes what follows a page; `paged` turns the paging control off.
    """

    entries: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    password: str = "correct"
    page: int = 1000
    paged: bool = True
    bind: int = 0
    answer: Callable[[Asked], int | None] = lambda _: None
    cookie: Callable[[Asked, bytes], bytes] = lambda _, cookie: cookie
    hidden: Callable[[str, str], bool] = lambda _dn, _attribute: False
    asked: list[Asked] = field(default_factory=list)

    def add(self, dn: str, **attributes: str | bytes | Sequence[str]) -> None:
        """Add an object; underscores in names stand for hyphens."""
        kept: dict[str, list[bytes]] = {}
        for name, value in attributes.items():
            many = [value] if isinstance(value, str | bytes) else value
            kept[name.replace("_", "-")] = [v.encode() if isinstance(v, str) else v for v in many]
        self.entries[dn] = kept

    def found(self, asked: Asked, test: Test) -> list[str]:
        """The names of the objects a search finds, in a stable order."""
        below = [dn for dn in self.entries if _within(dn, asked.base, asked.scope)]
        return [dn for dn in below if (row := self.shown(dn)) and test(dn, row)]

    def shown(self, dn: str) -> dict[str, list[bytes]]:
        """What may be seen of an object; no filter finds it by the rest, or where that is all."""
        row = self.entries.get(dn, {})
        return {name: values for name, values in row.items() if not self.hidden(dn, name)}

    def chain(self, dn: str, group: str) -> bool:
        """Whether an object is in a group, also through others."""
        direct = [v.decode() for v in self.shown(dn).get("memberOf", ())]
        return any(g == group or self.chain(g, group) for g in direct)


@contextmanager
def serving(directory: Directory) -> Iterator[tuple[str, trustme.CA]]:
    """Serve the directory on a free port; gives its address and whom to trust."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("dc1.corp.example", "127.0.0.1").configure_cert(context)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with context.wrap_socket(self.request, server_side=True) as stream:
                    _converse(directory, stream)
            except (OSError, EOFError):
                pass  # the client went, or does not trust us

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"ldaps://127.0.0.1:{server.server_address[1]}", authority
        server.shutdown()
        thread.join()


def _converse(directory: Directory, stream: ssl.SSLSocket) -> None:
    signed_in = False
    while True:
        message = _message(stream)
        number, operation, *rest = _children(message)
        if operation[0] == 0x60:  # bind
            _, _, secret = _children(operation[1])
            right = directory.bind == 0 and secret[1].decode() == directory.password
            signed_in = right
            code = 0 if right else directory.bind or 49
            stream.sendall(_envelope(number[1], 0x61, _result(code)))
        elif operation[0] == 0x63:  # search
            controls = _children(rest[0][1]) if rest else []
            if not signed_in and operation[1][:2] != b"\x04\x00":
                stream.sendall(_envelope(number[1], 0x65, _result(1)))
                continue
            _search(directory, stream, number[1], operation[1], controls)
        else:  # unbind
            return


def _search(
    directory: Directory,
    stream: ssl.SSLSocket,
    number: bytes,
    request: bytes,
    controls: Sequence[tuple[int, bytes]],
) -> None:
    base, scope, *_, query, wanted = _children(request)
    given = [_children(control[1]) for control in controls]
    paging = [c for c in given if c[0][1] == PAGED]
    size, cookie = (0, b"")
    if paging:
        inner = _children(_children(paging[0][-1][1])[0][1])
        size, cookie = int.from_bytes(inner[0][1], "big"), inner[1][1]
    asked = Asked(
        base[1].decode(),
        scope[1][0],
        tuple(child[1].decode() for child in _children(wanted[1])),
        cookie,
        tuple(c[0][1] for c in given),
    )
    directory.asked.append(asked)
    code = directory.answer(asked)
    if code is None and asked.base not in directory.entries:
        code = 32
    if code:
        stream.sendall(_envelope(number, 0x65, _result(code)))
        return
    names = directory.found(asked, _filter(directory, query))
    start = int(cookie or b"0")
    most = min(size or len(names), directory.page)
    for dn in names[start : start + most]:
        shown = _shown(directory, dn, asked.attributes)
        stream.sendall(_envelope(number, 0x64, _octets(dn.encode()) + _tlv(0x30, shown)))
    trailer = b""
    if paging and directory.paged:
        left = str(start + most).encode() if start + most < len(names) else b""
        value = _tlv(0x30, _tlv(0x02, b"\0") + _octets(directory.cookie(asked, left)))
        trailer = _tlv(0xA0, _tlv(0x30, _octets(PAGED) + _octets(value)))
    stream.sendall(_envelope(number, 0x65, _result(0), trailer))


def _shown(directory: Directory, dn: str, wanted: Sequence[str]) -> bytes:
    lower = {name.lower() for name in wanted}
    shown = b""
    for name, values in directory.shown(dn).items():
        if name.lower() in lower:
            several = _tlv(0x31, b"".join(_octets(value) for value in values))
            shown += _tlv(0x30, _octets(name.encode()) + several)
    return shown


def _filter(directory: Directory, query: tuple[int, bytes]) -> Test:
    kind, body = query
    match kind:
        case 0xA0:
            parts = [_filter(directory, part) for part in _children(body)]
            return lambda dn, row: all(part(dn, row) for part in parts)
        case 0xA1:
            parts = [_filter(directory, part) for part in _children(body)]
            return lambda dn, row: any(part(dn, row) for part in parts)
        case 0xA2:
            (part,) = (_filter(directory, child) for child in _children(body))
            return lambda dn, row: not part(dn, row)
        case 0xA3:
            name, value = (child[1] for child in _children(body))
            return lambda _dn, row: any(
                value.lower() == _text(name, v).lower() for v in _values(row, name)
            )
        case 0x87:
            return lambda _dn, row: bool(_values(row, body))
        case 0xA9:
            rule, name, value = (child[1] for child in _children(body)[:3])
            assert (rule, name) == (IN_CHAIN, b"memberOf")
            return lambda dn, _row: directory.chain(dn, value.decode())
    raise AssertionError(f"a filter this double does not know: {kind:#x}")


def _values(row: Mapping[str, list[bytes]], name: bytes) -> list[bytes]:
    if name.lower() == b"objectclass" and "objectClass" not in row:
        return [b"top"]
    wanted = name.decode().lower()
    return next((values for key, values in row.items() if key.lower() == wanted), [])


def _text(name: bytes, value: bytes) -> bytes:
    """A value as filters write it: an identifier in Windows' own form."""
    if name.lower() != b"objectsid":
        return value
    parts = [int.from_bytes(value[8 + 4 * n : 12 + 4 * n], "little") for n in range(value[1])]
    return "-".join(["S", "1", str(int.from_bytes(value[2:8], "big")), *map(str, parts)]).encode()


def _within(dn: str, base: str, scope: int) -> bool:
    if scope == BASE or not base:
        return dn == base
    above = dn.partition(",")[2]
    return above == base if scope == ONE else dn == base or dn.endswith(f",{base}")


def identifier(text: str) -> bytes:
    """A security identifier as it goes over the wire."""
    _, _, authority, *parts = text.split("-")
    head = bytes([1, len(parts)]) + int(authority).to_bytes(6, "big")
    return head + b"".join(int(part).to_bytes(4, "little") for part in parts)


def _message(stream: ssl.SSLSocket) -> bytes:
    head = _exactly(stream, 2)
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(_exactly(stream, length & 0x7F), "big")
    return _exactly(stream, length)


def _exactly(stream: ssl.SSLSocket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = stream.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _children(body: bytes) -> list[tuple[int, bytes]]:
    """The elements of a constructed value, by tag and content (BER, definite lengths)."""
    found, at = [], 0
    while at < len(body):
        tag, length, at = body[at], body[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(body[at : at + size], "big"), at + size
        found.append((tag, body[at : at + length]))
        at += length
    return found


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _octets(content: bytes) -> bytes:
    return _tlv(0x04, content)


def _result(code: int) -> bytes:
    return _tlv(0x0A, bytes([code])) + _octets(b"") + _octets(b"said by the double")


def _envelope(number: bytes, tag: int, operation: bytes, trailer: bytes = b"") -> bytes:
    return _tlv(0x30, _tlv(0x02, number) + _tlv(tag, operation) + trailer)
