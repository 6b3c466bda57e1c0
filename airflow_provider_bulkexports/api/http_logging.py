"""
Keep links out of what the HTTP libraries log.

`urllib3` logs the path and query of every request at DEBUG, and at WARNING those of one whose answer's headers it
cannot read, with what it could not read.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_bulkexports.api.redact import REDACTED, redact

__all__ = ["guard_http_logs", "unlogged_queries"]

_LIBRARIES = re.compile(r"(urllib3|requests|http\.client)(\..+)?")
_KNOWN = ("http.client", "requests", *(f"urllib3{name}" for name in ("", ".connection", ".connectionpool")))

_LONGEST = 20_000
_QUERY = re.compile(r"\?[^\s'\"<>]+")
_UNREAD = re.compile(r"(unparsed data: ).*", re.DOTALL)
#: In every signed link of S3, CloudFront, Google or Azure.
_SIGNED = re.compile(r"(?i)signature|x-amz-|x-goog-|\bsig(=|%3d)")


def guard_http_logs() -> None:
    """
    Make every logger of `urllib3`, `requests` and `http.client` hide signed queries, whoever makes the request.

    To be called where a session is made, and again before a link is used: a logger has no part in what another one
    filters, and some are made late.
    """
    for name in {*_KNOWN, *filter(_LIBRARIES.fullmatch, list(logging.root.manager.loggerDict))}:
        logging.getLogger(name).addFilter(_hide_links)


@contextmanager
def unlogged_queries() -> Iterator[None]:
    """Keep every query, signed or not, of what this thread requests in the block out of those loggers' records."""
    _secrecy.depth = getattr(_secrecy, "depth", 0) + 1
    try:
        yield
    finally:
        _secrecy.depth -= 1


_secrecy = threading.local()


def _hide_links(record: logging.LogRecord) -> bool:
    text = _message_of(record)
    if (clean := _cleaned(text)) != text:
        record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[0]:
        trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (clean := _cleaned(trace)) != trace:
            # Formatters print this text; others would make one of their own from the exception.
            record.exc_info, record.exc_text = None, clean
    return True


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # the handler tells of arguments that do not fit
        return f"{record.msg} {record.args}"


def _cleaned(text: str) -> str:
    is_private = getattr(_secrecy, "depth", 0) > 0
    if not is_private and not _SIGNED.search(text):
        return text
    clean = redact(text[:_LONGEST])
    return _UNREAD.sub(rf"\1{REDACTED}", _QUERY.sub(f"?{REDACTED}", clean)) if is_private else clean
