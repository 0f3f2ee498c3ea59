"""A tenant behind a vendor's own API description, over real sockets.

The description says what is a legal request and a legal answer; the test says what the tenant
holds; the server adds what static mocks lack: paging, throttling, refusals, TLS, and a journal.

    double = SpecServer("okta-management", paging=okta_pages, token="SSWS t")
    double.data["GET /api/v1/users"] = [user(1), user(2)]     # a list is paged
    double.data["GET /api/v1/org"] = {"id": "00o1"}           # anything else is answered as it is
    double.data["GET /api/v1/zones"] = lambda asked: [...]    # or made from the request
    double.script("GET /api/v1/users", Scripted(429, {"x-rate-limit-reset": "1790000000"}), after=1)
    double.refuse = lambda asked: Scripted(403) if asked.key in lost else None
    with double:
        read(base_url=double.url)
    double.check()   # no request was outside the description, no fixture against its schema

What is not in `data` is answered with the vendor's example, else 404: name in `data` what counts.
A description's errors are named in `loose`, by operation, with the reason in the test.
`SpecServer(..., tls=trustme.CA())` speaks TLS as `localhost`. Paging styles are the functions
`*_pages` below; your own is a function of the rows and the request. Descriptions lie in
`tests/specs/`, named without `.trim.json`.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import jsonschema

if TYPE_CHECKING:
    import trustme

SPECS = Path(__file__).parent / "specs"
SEVERAL = {"resourceUri", "parent", "scope", "name"}
"""Names of path templates whose value itself holds slashes (ARM, Google)."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


@dataclass(frozen=True)
class Asked:
    """A request as it came; `key` is the operation, `GET /orgs/{org}`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base: str
    key: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def link(self, **changed: object) -> str:
        """This request's URL with other query parameters."""
        query = {**self.query, **{name: str(value) for name, value in changed.items()}}
        return f"{self.base}{self.path}?{urllib.parse.urlencode(query)}"


@dataclass(frozen=True)
class Scripted:
    """What is answered instead: `raw` bytes as they are; `cut` closes before all is sent."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None
    cut: bool = False
    reset: bool = False


Page = tuple[Any, Mapping[str, str]]
Paging = Callable[[Sequence[Any], Asked, int], Page]


def no_pages(rows: Sequence[Any], asked: Asked, most: int) -> Page:
    """All at once."""
    del asked, most
    return rows, {}


def github_pages(rows: Sequence[Any], asked: Asked, most: int) -> Page:
    """`per_page` and `page`, the next page in a Link header."""
    size, page = min(int(asked.query.get("per_page", 30)), most), int(asked.query.get("page", 1))
    more = page * size < len(rows)
    link = {"Link": f'<{asked.link(page=page + 1)}>; rel="next"'} if more else {}
    return rows[(page - 1) * size : page * size], link


def okta_pages(rows: Sequence[Any], asked: Asked, most: int) -> Page:
    """An opaque `after`; self and next are two links in one header, limits on every answer."""
    size = min(int(asked.query.get("limit", most)), most)
    start = int(asked.query.get("after", "c0")[1:])
    links = [f'<{asked.link()}>; rel="self"']
    if start + size < len(rows):
        links.append(f'<{asked.link(after=f"c{start + size}")}>; rel="next"')
    limits = {"x-rate-limit-limit": "600", "x-rate-limit-remaining": "599"}
    return rows[start : start + size], {"Link": ", ".join(links), **limits}


def odata_pages(
    rows: Sequence[Any], asked: Asked, most: int, link: str = "@odata.nextLink"
) -> Page:
    """`$top` and `$skiptoken`, the next page as a whole URL in the body (Microsoft Graph)."""
    size, start = (
        min(int(asked.query.get("$top", 100)), most),
        int(asked.query.get("$skiptoken", 0)),
    )
    body: dict[str, Any] = {"value": rows[start : start + size]}
    if start + size < len(rows):
        body[link] = asked.link(**{"$skiptoken": start + size})
    return body, {"request-id": "00000000-0000-0000-0000-000000000001"}


arm_pages = partial(odata_pages, link="nextLink")
"""ARM: as Graph, under another name."""


def resource_graph_pages(rows: Sequence[Any], asked: Asked, most: int) -> Page:
    """Azure Resource Graph: `options.$top` and `options.$skipToken` of the posted body."""
    options = asked.body.get("options", {})
    size, start = min(int(options.get("$top", 100)), most), int(options.get("$skipToken", "t0")[1:])
    data = rows[start : start + size]
    body = {
        "totalRecords": len(rows),
        "count": len(data),
        "resultTruncated": "false",
        "data": data,
        "facets": [],
    }
    if start + size < len(rows):
        body["$skipToken"] = f"t{start + size}"
    return body, {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}


def google_pages(key: str) -> Paging:
    """`maxResults` or `pageSize` and `pageToken`; the rows lie under `key`."""

    def paged(rows: Sequence[Any], asked: Asked, most: int) -> Page:
        wanted = asked.query.get("maxResults", asked.query.get("pageSize", most))
        size, start = min(int(wanted), most), int(asked.query.get("pageToken", "p0")[1:])
        body: dict[str, Any] = {key: rows[start : start + size]}
        if start + size < len(rows):
            body["nextPageToken"] = f"p{start + size}"
        return body, {}

    return paged


class Judge:
    """One description's schemas; what was found valid once is not judged again."""

    _made: ClassVar[dict[int, tuple[Any, Judge]]] = {}

    def __init__(self, spec: Mapping[str, Any]) -> None:
        schemas = spec.get("components", {}).get("schemas", {})
        self._components = {"schemas": _as_json_schema(schemas, names=True)}
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}
        self._valid: set[tuple[str, str]] = set()

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Judge:
        """The judge of a description, made once."""
        if id(spec) not in cls._made:
            cls._made[id(spec)] = spec, cls(spec)
        return cls._made[id(spec)][1]

    def errors(self, name: str, schema: Any, value: Any) -> list[str]:
        """The first few things that are wrong with a value; `name` is the schema's."""
        seen = name, json.dumps(value, sort_keys=True)
        if seen in self._valid:
            return []
        validator = self._validators.get(name)
        if validator is None:
            whole = {**_as_json_schema(schema), "components": self._components}
            validator = self._validators[name] = jsonschema.Draft202012Validator(whole)
        found = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in itertools.islice(validator.iter_errors(value), 5)
        ]
        if not found:
            self._valid.add(seen)
        return found


class SpecServer:
    """One tenant; a context manager that serves while it is entered.

    Args:
        spec: the description's name in `tests/specs/`, or the description itself.
        paging: how lists are paged.
        token: the `Authorization` header that is asked for; others get 401.
        prefix: a path before the description's own (`/api/v3`).
        most: the largest page.
        extra: query parameters that are legal although the description lacks them.
        loose: operations whose answers the description itself gets wrong.
        unsigned: operations that ask for no token (token endpoints).
        tls: the authority that signs the server's certificate; None speaks plain HTTP.
    """

    def __init__(
        self,
        spec: str | Mapping[str, Any],
        *,
        paging: Paging = no_pages,
        token: str | None = None,
        prefix: str = "",
        most: int = 100,
        extra: Sequence[str] = (),
        loose: Sequence[str] = (),
        unsigned: Sequence[str] = (),
        tls: trustme.CA | None = None,
    ) -> None:
        self.spec: Mapping[str, Any] = load_spec(spec) if isinstance(spec, str) else spec
        self.paging = paging
        self.token = token
        self.prefix = prefix.rstrip("/")
        self.most = most
        self.data: dict[str, Any] = {}
        self.paged: dict[str, Paging] = {}
        self.journal: list[Asked] = []
        self.violations: list[str] = []
        self.refuse: Callable[[Asked], Scripted | None] = lambda _: None
        self._extra = {"$skiptoken", *extra}
        self._loose = set(loose)
        self._unsigned = set(unsigned)
        self._tls = tls
        self._scripts: dict[str, list[Scripted | None]] = {}
        self._lock = threading.Lock()
        self._routes = sorted(
            ((path.count("{"), _pattern(path), path) for path in self.spec["paths"]),
            key=lambda route: route[0],
        )
        self._judge_of = Judge.of(self.spec)
        self.url = ""

    # -- what a test says and asks ---------------------------------------------------------------

    def script(self, key: str, *answers: Scripted, after: int = 0) -> None:
        """Answer these instead, one request each, after letting some through."""
        self._scripts.setdefault(key, []).extend([*[None] * after, *answers])

    def asked(self, key: str) -> list[Asked]:
        """The requests of one operation."""
        return [each for each in self.journal if each.key == key]

    def check(self) -> None:
        """Fail where a request or a fixture did not fit the description."""
        assert self.violations == []

    # -- serving ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                double._serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # a client that is gone
                    super().handle()

        for method in METHODS:
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme, host = "http", "127.0.0.1"
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.issue_cert("localhost").configure_cert(context)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme, host = "https", "localhost"
        self.url = f"{scheme}://{host}:{self._server.server_port}{self.prefix}"
        serve = partial(self._server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(length)
        try:
            answer = self._answer(handler, raw)
        except Exception as error:
            self.violations.append(f"{handler.command} {handler.path}: {error!r}")
            raise
        if answer.reset:
            handler.close_connection = True
            return
        content = answer.raw
        if content is None:
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        headers = {
            "Content-Type": "application/json",
            **answer.headers,
            "Content-Length": str(len(content) + (100 if answer.cut else 0)),
        }
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)
        if answer.cut:
            handler.wfile.flush()
            handler.close_connection = True

    def _answer(self, handler: BaseHTTPRequestHandler, raw: bytes) -> Scripted:
        split = urllib.parse.urlsplit(handler.path)
        path = split.path.removeprefix(self.prefix)
        try:
            body = _body(raw, handler.headers.get("Content-Type", ""))
        except ValueError:
            body = ...
        asked = Asked(
            handler.command,
            path,
            dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True)),
            {name.lower(): value for name, value in handler.headers.items()},
            body,
            self.url,
        )
        template, found = self._route(asked)
        operation = self.spec["paths"].get(template, {}).get(asked.method.lower())
        names = {n: urllib.parse.unquote(v) for n, v in found.items()}
        asked = Asked(
            **{**vars(asked), "key": f"{asked.method} {template or path}", "names": names}
        )
        with self._lock:
            self.journal.append(asked)
            steps = self._scripts.get(asked.key)
            step = steps.pop(0) if steps else None
        if wrong := self._judge(asked, template, operation):
            self.violations.append(f"{asked.method} {path}: {wrong}")
            return Scripted(400, body={"message": wrong})
        if step is not None:
            return step
        if refused := self.refuse(asked):
            return refused
        signed = self.token is None or asked.key in self._unsigned
        if not signed and asked.headers.get("authorization") != self.token:
            return Scripted(401, {"WWW-Authenticate": "Bearer"}, {"message": "Bad credentials"})
        return self._data(asked, operation)

    def _data(self, asked: Asked, operation: Mapping[str, Any]) -> Scripted:
        data = self.data.get(f"{asked.method} {asked.path}", self.data.get(asked.key, ...))
        if callable(data):
            data = data(asked)
        if data is ...:
            data = self._example(operation)
        if isinstance(data, Scripted):
            return data
        if data is None:
            return Scripted(404, body={"message": "Not Found"})
        headers: Mapping[str, str] = {}
        if isinstance(data, list):
            data, headers = self.paged.get(asked.key, self.paging)(data, asked, self.most)
        self._check_answer(asked.key, operation, data)
        return Scripted(200, headers, data)

    # -- the description as judge ----------------------------------------------------------------

    def _route(self, asked: Asked) -> tuple[str, Mapping[str, str]]:
        for _, pattern, template in self._routes:
            found = pattern.fullmatch(asked.path)
            if found and asked.method.lower() in self.spec["paths"][template]:
                return template, found.groupdict()
        return "", {}

    def _judge(self, asked: Asked, template: str, operation: Mapping[str, Any] | None) -> str:
        """What is wrong with a request by the vendor's description; "" for nothing."""
        if operation is None:
            return "no such path and method in the vendor's description"
        if asked.body is ...:
            return "the body is not JSON"
        shared = self.spec["paths"][template].get("parameters", [])
        known = [self._resolved(each) for each in [*shared, *operation.get("parameters", [])]]
        names = {each["name"] for each in known if each["in"] == "query"}
        for name in asked.query:
            if name not in names and name not in self._extra:
                return f"query parameter {name} is unknown to the vendor's description"
        for each in known:
            if wrong := self._wrong_parameter(each, asked):
                return wrong
        return self._wrong_body(asked, operation)

    def _wrong_parameter(self, parameter: Mapping[str, Any], asked: Asked) -> str:
        name, where = parameter["name"], parameter["in"]
        value = {
            "query": asked.query.get(name),
            "header": asked.headers.get(name.lower()),
            "path": asked.names.get(name),
        }.get(where)
        if value is None:
            missing = parameter.get("required") and where == "query"
            return f"required query parameter {name} is missing" if missing else ""
        schema = self._resolved(parameter.get("schema", {}))
        typed: Any = value
        if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
            typed = int(value)
        elif schema.get("type") == "boolean" and value in {"true", "false"}:
            typed = value == "true"
        elif schema.get("type") == "array":
            typed = value.split(",")
        errors = self._judge_of.errors(f"{name} {asked.key}", schema, typed)
        return f"{name}={value!r}: {errors[0]}" if errors else ""

    def _wrong_body(self, asked: Asked, operation: Mapping[str, Any]) -> str:
        wanted = self._resolved(operation.get("requestBody", {}))
        if not wanted:
            return "" if asked.body is None else "a body came where none is described"
        if asked.body is None:
            return "the body is missing" if wanted.get("required") else ""
        kind = asked.headers.get("content-type", "").partition(";")[0]
        media = wanted.get("content", {})
        if kind not in media:
            return f"a body of type {kind} where {', '.join(media)} is described"
        schema = media[kind].get("schema", {})
        errors = self._judge_of.errors(f"body {asked.key}", schema, asked.body)
        return f"body: {errors[0]}" if errors else ""

    def _check_answer(self, key: str, operation: Mapping[str, Any], body: Any) -> None:
        if key in self._loose:
            return
        good = operation.get("responses", {}).get("200", {})
        media = self._resolved(good).get("content", {}).get("application/json", {})
        if "schema" not in media:
            return
        errors = self._judge_of.errors(f"answer {key}", media["schema"], body)
        self.violations += [f"{key}: our {error}" for error in errors]

    def _example(self, operation: Mapping[str, Any]) -> Any:
        good = self._resolved(operation.get("responses", {}).get("200", {}))
        media = good.get("content", {}).get("application/json", {})
        for example in media.get("examples", {}).values():
            return self._resolved(example).get("value")
        return media.get("example")

    def _resolved(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            at: Any = self.spec
            for step in node["$ref"].removeprefix("#/").split("/"):
                at = at[step.replace("~1", "/").replace("~0", "~")]
            node = at
        return node


@functools.cache
def load_spec(name: str) -> dict[str, Any]:
    """A description of `tests/specs/` by its name."""
    found = sorted(SPECS.glob(f"{name}.*json"))
    assert len(found) == 1, f"{name}: {found}"
    loaded: dict[str, Any] = json.loads(found[0].read_text())
    return loaded


def operations(name: str) -> set[str]:
    """Every operation a description has: what allow-lists are compared with."""
    paths = load_spec(name)["paths"]
    return {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item
        if method.upper() in METHODS
    }


def epoch_in(seconds: float) -> str:
    """A reset header's Unix time, some seconds from now."""
    return str(int(time.time() + seconds))


NAME = re.compile(r"\{([\w-]+)\}")


def _pattern(path: str) -> re.Pattern[str]:
    def name(found: re.Match[str]) -> str:
        wide = found[1] in SEVERAL
        return f"(?P<{found[1].replace('-', '_')}>{'.+' if wide else '[^/]+'})"

    parts = re.split(r"(\{[\w-]+\})", path)
    return re.compile("".join(NAME.sub(name, p) if p[:1] == "{" else re.escape(p) for p in parts))


def _body(raw: bytes, kind: str) -> Any:
    if not raw:
        return None
    if "form" in kind:
        return dict(urllib.parse.parse_qsl(raw.decode()))
    return json.loads(raw)


DROPPED = {"discriminator", "example", "examples", "xml", "externalDocs", "nullable"}
BY_NAME = {"properties", "patternProperties", "schemas"}
AS_IT_IS = {"enum", "const", "default", "required"}


def _as_json_schema(node: Any, *, names: bool = False) -> Any:
    """OpenAPI 3.0 as JSON Schema: nullable, closed types; discriminators are not enforced.

    `names`: the node's keys are names of properties, not words of the schema.
    """
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {
        name: value
        if name in AS_IT_IS and not names
        else _as_json_schema(value, names=name in BY_NAME and not names)
        for name, value in node.items()
        if names or name not in DROPPED
    }
    if names:
        return made
    if node.get("x-closed"):
        made.update(additionalProperties=False, patternProperties={"@": {}})
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    elif node.get("nullable") is True:
        made = {"anyOf": [made, {"type": "null"}]}
    return made
