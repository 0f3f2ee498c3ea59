"""Structured logs to standard error, with secrets taken out before anything is written."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from collectors.documents import SECRET_SHAPES

SECRET_NAME: Final = re.compile(
    r"(?i)secret|token|passw|authorization|api.?key|credential|private|cookie|signature"
)


def set_up(level: str, layout: str) -> None:
    """Configure structlog: `layout` is `console` for people or `json` for programs."""
    last: Any = (
        structlog.processors.JSONRenderer()
        if layout == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    # Never with local variables: they hold what was read.
    trace = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([trace] if layout == "json" else []),
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank values by the name of their field and by their shape, at any depth."""
    return {name: _clean(name, value) for name, value in event.items()}


def defect(error: Exception, where: str) -> None:
    """Log an error in a collector's or check's own code, with its trace."""
    structlog.get_logger().error("defect", where=where, exc_info=error)


def _clean(name: object, value: Any) -> Any:  # noqa: ANN401 - log fields are of any kind
    if isinstance(value, Mapping):
        return {key: _clean(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    named = isinstance(name, str) and SECRET_NAME.search(name)
    if named and value is not None and not isinstance(value, bool | int):
        return "***"
    return SECRET_SHAPES.sub("***", value) if isinstance(value, str) else value
