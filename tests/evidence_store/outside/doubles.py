"""What stands in for others, each over a real socket: an authority, and a keeper of heads."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence_store.outside.webhook import SEPARATOR

Reply = tuple[int, str, bytes]

SETTINGS = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@contextmanager
def served(answer: Callable[[str, str, dict[str, str], bytes], Reply]) -> Iterator[str]:
    """An HTTP server on this machine that answers what the function says."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = answer(self.command, self.path, headers, self.rfile.read(length))
            status, kind, body = found
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _do  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Signer:
    """A root and a time-stamping certificate it issued."""

    folder: Path
    title: str = "Test"
    not_after: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=30))
    for_stamping: bool = True

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = self._certificate(f"{self.title} root", root_key, root_key, None)
        made = self._certificate(f"{self.title} TSA", key, root_key, root)
        self.ca_file = self.folder / "root.pem"
        self.ca_file.write_bytes(root.public_bytes(Encoding.PEM))
        self.certificate = self.folder / "tsa.pem"
        self.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        (self.folder / "tsa.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (self.folder / "serial").write_text("01\n")
        (self.folder / "settings").write_text(SETTINGS.format(folder=self.folder))

    def _certificate(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        issuer_key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate | None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(issuer.subject if issuer else _name(subject))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=365))
            .not_valid_after(self.not_after if issuer else datetime.now(UTC) + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
        )
        if issuer is not None:
            usage = (
                ExtendedKeyUsageOID.TIME_STAMPING
                if self.for_stamping
                else ExtendedKeyUsageOID.CODE_SIGNING
            )
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), True)
        return builder.sign(issuer_key, hashes.SHA256())

    def reply(self, query: bytes, *arguments: str) -> bytes:
        """The answer of `openssl ts` to a query."""
        (self.folder / "query").write_bytes(query)
        out = self.folder / "answer"
        command = (
            *("openssl", "ts", "-reply", "-config", str(self.folder / "settings")),
            *("-section", "tsa", "-queryfile", str(self.folder / "query"), "-out", str(out)),
            *("-signer", str(self.certificate), "-inkey", str(self.folder / "tsa.key")),
        )
        subprocess.run((*command, *arguments), check=True, capture_output=True)
        return out.read_bytes()


@contextmanager
def authority(signer: Signer, change: Callable[[bytes], Reply] | None = None) -> Iterator[str]:
    """A time-stamping authority; `change` makes its answers from the query instead."""

    def answer(method: str, _path: str, headers: dict[str, str], body: bytes) -> Reply:
        assert (method, headers["content-type"]) == ("POST", "application/timestamp-query")
        if change is not None:
            return change(body)
        return 200, "application/timestamp-reply", signer.reply(body)

    with served(answer) as address:
        yield address


class Keeper:
    """Keeps the heads that are posted to it and answers them, as a webhook's other side does."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.tokens: list[str | None] = []
        self.status = 201

    def __call__(self, method: str, _path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.tokens.append(headers.get("authorization"))
        if method == "POST":
            if self.status == 201:
                self.kept.setdefault(headers["idempotency-key"], body)
            return self.status, "text/plain", b""
        if not self.kept:
            return 404, "text/plain", b""
        return 200, "text/plain", SEPARATOR.encode().join(self.kept.values())
