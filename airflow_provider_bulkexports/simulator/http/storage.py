"""The storage origin: serves day files by signed links; its errors are XML, like S3's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airflow_provider_bulkexports.simulator.http.middleware import drop_connection
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.accounts import hex_digits
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.exports import ExportService
from airflow_provider_bulkexports.simulator.service.signed_links import StorageRefusedError

__all__ = ["make_storage"]

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def make_storage(service: ExportService) -> Starlette:
    """Make the ASGI application of the storage."""

    async def download(request: Request) -> Response:
        if request.method == "HEAD":
            # A link is signed for one method.
            raise StorageRefusedError(403, "SignatureDoesNotMatch", "The link was signed for GET")
        if "authorization" in request.headers:
            raise StorageRefusedError(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified",
            )
        query = request.scope["query_string"].decode("latin-1")
        with service.lock:
            now = service.settle()
            file = service.links.redeem(request.scope["path"], query, now, service.knobs)
        return _serve(request, file, service.knobs)

    return Starlette(
        routes=[Route("/{path:path}", download, methods=["GET"])],
        exception_handlers={StorageRefusedError: _refused, HTTPException: _not_allowed},
    )


class _Download(Response):
    """
    Sends a body of any length in pieces.

    Starlette's ``StreamingResponse`` would wrap the exception that closes the connection in an exception group.
    """

    def __init__(self, pieces: Iterator[bytes], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        self._pieces = pieces

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body until the client disconnects."""
        disconnected = asyncio.ensure_future(_wait_for_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # Let other requests run while a large file is sent.
                await asyncio.sleep(0)
                if disconnected.done():
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            disconnected.cancel()


def _serve(request: Request, file: DayFile, knobs: Knobs) -> Response:
    content = file.content(knobs)
    size = content.size if knobs.storage_truncate_at is None else min(content.size, knobs.storage_truncate_at)
    etag = f'"{hex_digits("etag", file.path, file.seed, content.size)}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "ETag": etag,
        "Last-Modified": format_datetime(file.created_at, usegmt=True),
        "Server": "AmazonS3",
    }
    start, stop, status = _range(request, size, etag)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    length = max(0, stop - start + knobs.storage_length_error)
    headers["Content-Length"] = str(length)
    if length > stop - start:
        drop_connection(request.scope, after=stop - start)
    return _Download(content.read(start, min(stop, start + length)), status, headers)


def _range(request: Request, size: int, etag: str) -> tuple[int, int, int]:
    """Return the first byte, the byte after the last, and the status."""
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or wanted.group() == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return 0, size, 200
    first, last = wanted.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    if start >= stop:
        raise StorageRefusedError(416, "InvalidRange", "The requested range is not satisfiable")
    return start, stop, 206


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, StorageRefusedError)
    return _xml(error.status, error.code, error.message)


async def _not_allowed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _xml(error.status_code, "MethodNotAllowed", error.detail)


def _xml(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>SIMULATOR</RequestId></Error>"
    )
    return Response(body, status, media_type="application/xml")


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
