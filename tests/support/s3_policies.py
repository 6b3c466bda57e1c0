"""An S3 API that refuses requests as AWS does. Moto enforces no policies, so a proxy in front of it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import requests

__all__ = ["UNUSABLE", "Asked", "PolicyProxy", "Refusal", "requires_kms", "unusable", "write_only"]


@dataclass(frozen=True)
class Asked:
    """
    A request.

    :param operation: ``list``, ``uploads``, ``head``, ``get``, ``put``, ``part``, ``create``, ``complete``, ``abort``
        or ``delete``.
    """

    operation: str
    key: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """An error response of S3."""

    status: int
    code: str
    message: str = "Access Denied"
    headers: dict[str, str] = field(default_factory=dict)


#: How S3 refuses a bucket that cannot be used, and the remedy that our error names.
UNUSABLE = [
    (Refusal(404, "NoSuchBucket", "The specified bucket does not exist"), "Create the bucket, or correct dest"),
    (Refusal(403, "InvalidAccessKeyId", "The key does not exist in our records"), "Check the credentials"),
    (Refusal(403, "SignatureDoesNotMatch", "The signature does not match"), "Check the credentials"),
    (Refusal(400, "KMS.DisabledException", "arn:aws:kms:x is disabled"), "Enable the KMS key"),
    (
        Refusal(301, "PermanentRedirect", "Use the right endpoint", {"x-amz-bucket-region": "eu-west-1"}),
        "bucket's own region as region_name",
    ),
    (
        Refusal(400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
        "bucket's own region as region_name",
    ),
]


def unusable(refusal: Refusal) -> Callable[[Asked], Refusal | None]:
    """Policy of such a bucket."""
    return lambda asked: refusal if asked.operation != "head" or refusal.status != 400 else Refusal(403, "AccessDenied")


def write_only(asked: Asked) -> Refusal | None:
    """Policy of a role that may only write."""
    return None if asked.operation in ("put", "part", "create", "complete", "abort") else Refusal(403, "AccessDenied")


def requires_kms(asked: Asked) -> Refusal | None:
    """Policy of a bucket that requires encryption with a key."""
    if asked.operation in ("put", "create") and asked.headers.get("x-amz-server-side-encryption") != "aws:kms":
        return Refusal(403, "AccessDenied")
    return None


class PolicyProxy:
    """
    Forwards to an S3 API what its policy allows.

    :param upstream: Origin of the API.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.policy: Callable[[Asked], Refusal | None] = lambda _: None
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        """Origin."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self) -> None:
        """Allow everything, and forget the requests so far."""
        self.policy, self.asked = lambda _: None, []

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _operation(method: str, target: str) -> tuple[str, str]:
    parts = urlsplit(target)
    key = unquote(parts.path).strip("/").partition("/")[2]
    query = parse_qs(parts.query, keep_blank_values=True)
    if method == "GET":
        return ("uploads" if "uploads" in query else "get" if key else "list"), key
    if method == "POST":
        return ("create" if "uploads" in query else "complete"), key
    if method == "PUT":
        return ("part" if "partNumber" in query else "put"), key
    if method == "DELETE":
        return ("abort" if "uploadId" in query else "delete"), key
    return "head", key


def _handler(proxy: PolicyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle_any(self) -> None:
            body = self._body()
            operation, key = _operation(self.command, self.path)
            asked = Asked(operation, key, {name.lower(): value for name, value in self.headers.items()})
            proxy.asked.append(asked)
            if refusal := proxy.policy(asked):
                self._refuse(refusal)
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
            response = requests.request(
                self.command, proxy.upstream + self.path, data=body, headers=headers, timeout=30, stream=True
            )
            content = response.raw.read(decode_content=False)
            self.send_response_only(response.status_code)
            for name, value in response.headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = response.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pieces = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return pieces

        def _refuse(self, refusal: Refusal) -> None:
            text = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>".encode()
            content = b"" if self.command == "HEAD" else text  # HTTP allows no body here, so the code is missing too
            self.send_response_only(refusal.status)
            for name, value in refusal.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 -- the names that http.server looks up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as http.server calls it
            """Say nothing."""

    return Handler
