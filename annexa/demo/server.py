"""The simulated AWS in a process of its own: moto, with reads that can be refused by name.

Run as `python -m annexa.demo.server PORT`. `PUT /_demo/refuse` with a body such as
`policy acme-exports` refuses that bucket's subresource from then on; an empty body refuses nothing.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

from annexa.demo import gaps

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

REFUSAL: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    b"<Message>User is not authorized to perform: s3:GetBucketPolicyStatus</Message></Error>"
)


MEMBER: Final = (
    b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
    b"<Code>AccountNotManagementOrDelegatedAdministratorException</Code>"
    b"<Message>The account is a member of its organisation.</Message></Error></ErrorResponse>"
)
"""What IAM tells a member account about its organisation; moto does not know the question."""


class Refusing:
    """Answers like the application behind it, except for what is refused."""

    def __init__(self, behind: Application) -> None:
        self._behind = behind
        self._refused = ""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        path = environ.get("PATH_INFO", "")
        if path == "/_demo/refuse":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            self._refused = environ["wsgi.input"].read(length).decode()
            start("204 No Content", [])
            return []
        if self._refused and environ["REQUEST_METHOD"] == "GET":
            subresource, bucket = self._refused.split()
            query = environ.get("QUERY_STRING", "").split("&")[0].partition("=")[0]
            if query == subresource and bucket in f"{environ.get('HTTP_HOST', '')}{path}":
                start("403 Forbidden", [("Content-Type", "application/xml")])
                return [REFUSAL]
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            if b"Action=ListOrganizationsFeatures" in body:
                start("400 Bad Request", [("Content-Type", "text/xml")])
                return [MEMBER]
        return self._behind(environ, start)


def main() -> None:
    """Serve on loopback until killed."""
    gaps.fill()
    application = Refusing(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)


if __name__ == "__main__":
    main()
