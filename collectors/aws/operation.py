"""One operation of AWS: asked through the caller, paged as the SDK's model of it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collectors import Caller, CallError, Cause, MalformedError, Note, NotOfferedError, Place
from collectors.aws.errors import no_such_host, understood
from collectors.aws.session import Ambience, Clients, ambient

HIDDEN = frozenset({"ExternalId"})
"""Parameters that the journal does not show."""


class Operation:
    """One operation at one place; asked again with a page token, it counts its pages.

    Answers come without `ResponseMetadata`, times as ISO 8601 text.
    """

    def __init__(
        self, caller: Caller, shared: Clients, name: str, place: Place, around: Ambience
    ) -> None:
        self._ask, self._api_name, self._model, self._paging = shared.once(
            (place.service, name), lambda: _described(shared, place.service, name, around.region)
        )
        self._shared = shared
        self._caller = caller
        self._place = place
        self._around = around
        self._page = 1
        self._tokens: set[str] = set()

    def __call__(self, **parameters: object) -> Any:  # noqa: ANN401 - an answer
        """The answer to one request.

        Raises:
            CallError: it was refused, or no answer came in time; partial where the answer is
                truncated and gives no token; malformed where a token comes again.
        """
        self._turn({k: v for k, v in parameters.items() if k in self._paging.inputs})
        shown = {
            name: value
            for name, value in parameters.items()
            if name not in self._paging.inputs and name not in HIDDEN
        }
        answer = self._caller.call(
            self._api_name,
            lambda note: self._send(note, parameters),
            place=self._place,
            parameters=shown,
            page=self._page,
        )
        if self._paging.breaks_off(answer):
            raise CallError(Cause.PARTIAL, "truncated answer without token")
        return answer

    def pages(self, **parameters: object) -> Iterator[Mapping[str, Any]]:
        """Every page; an operation that AWS does not page is one."""
        from botocore.exceptions import PaginationError  # noqa: PLC0415 - where AWS is read only
        from botocore.paginate import Paginator  # noqa: PLC0415

        if not self._paging.config:
            yield self(**parameters)
            return
        make: Any = Paginator  # its stubs take a method's name where botocore takes the method
        try:
            yield from make(self, self._paging.config, self._model).paginate(**parameters)
        except PaginationError as error:
            raise MalformedError(SAME_TOKEN) from error

    def _turn(self, tokens: Mapping[str, object]) -> None:
        """Begin anew without tokens, else go on; a token that was sent before goes in circles."""
        if not tokens:
            self._page, self._tokens = 1, set()
            return
        token = repr(sorted(tokens.items()))
        if token in self._tokens:
            raise MalformedError(SAME_TOKEN)
        self._tokens.add(token)
        self._page += 1

    def _send(self, note: Note, parameters: Mapping[str, object]) -> Any:  # noqa: ANN401
        try:
            with ambient(self._around):
                answer = self._ask(**parameters)
        except Exception as error:
            # An error of the connection has a `response` too, which is None.
            _remember(note, (getattr(error, "response", None) or {}).get("ResponseMetadata", {}))
            if no_such_host(error) and not self._shared.offers(
                self._place.service, self._around.region
            ):
                raise NotOfferedError(
                    f"AWS offers no {self._place.service} in {self._around.region}"
                ) from error
            if meant := understood(error):
                raise meant from error
            raise
        _remember(note, answer.pop("ResponseMetadata", {}))
        note.rows = self._paging.rows(answer)
        return answer


def _described(
    shared: Clients, service: str, name: str, region: str
) -> tuple[Any, str, Any, Paging]:
    """What the SDK knows of an operation: its method, AWS's name for it, its model, its paging."""
    client = shared.client(service, region)
    api_name = client.meta.method_to_api_mapping[name]
    model = client.meta.service_model.operation_model(api_name)
    paging = Paging.of(shared.paging(service, api_name) or by_tokens(model))
    return getattr(client, name), api_name, model, paging


SAME_TOKEN = "the same page token came twice"  # noqa: S105 - a reason


@dataclass(frozen=True)
class Paging:
    """How an operation is paged; empty for one that is not."""

    config: Mapping[str, Any]
    inputs: frozenset[str]
    outputs: tuple[str, ...]
    results: tuple[str, ...]
    more: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Paging:
        """From botocore's model, whose entries are one path or several."""
        return cls(
            config,
            frozenset(_several(config.get("input_token"))),
            _several(config.get("output_token")),
            _several(config.get("result_key")),
            config.get("more_results", ""),
        )

    def rows(self, answer: Mapping[str, Any]) -> int | None:
        """How many rows an answer holds; None where the operation lists nothing."""
        lists = [found for path in self.results if isinstance(found := _at(answer, path), list)]
        return sum(map(len, lists)) if self.results else None

    def breaks_off(self, answer: Mapping[str, Any]) -> bool:
        """Whether it says that there is more and not how to get it.

        A token that botocore computes (`NextMarker || Contents[-1].Key`) is left to botocore.
        """
        if not self.more or not _at(answer, self.more):
            return False
        plain = not any(mark in path for path in self.outputs for mark in "|[")
        return plain and not any(_at(answer, path) for path in self.outputs)


TOKENS = ("NextToken", "nextToken", "Marker", "ContinuationToken")
"""The names under which an operation takes and gives page tokens."""


def by_tokens(model: Any) -> Mapping[str, Any]:  # noqa: ANN401 - botocore's model
    """The paging of an operation that takes and gives a token and has no model of it.

    Among them are S3 Control's ListAccessPoints and EC2's younger operations.
    """
    taken, given = (
        shape.members if shape else {} for shape in (model.input_shape, model.output_shape)
    )
    lists = [name for name, member in given.items() if member.type_name == "list"]
    tokens = [name for name in TOKENS if name in taken and name in given]
    if not tokens or not lists:
        return {}
    return {"input_token": tokens[0], "output_token": tokens[0], "result_key": lists}


def _several(paths: str | list[str] | None) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else tuple(paths or ())


def _at(answer: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    return answer


def _remember(note: Note, meta: Mapping[str, Any]) -> None:
    headers = meta.get("HTTPHeaders", {})
    note.status = meta.get("HTTPStatusCode")
    note.request_id = meta.get("RequestId", "") or headers.get("x-amz-request-id", "")
    note.server_date = headers.get("date", "")
