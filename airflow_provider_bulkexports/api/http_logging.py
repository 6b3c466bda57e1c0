"""
Keep signed links out of the logs of the HTTP libraries.

`urllib3` logs the path and query of every request at DEBUG. If it cannot read the headers of a response, it logs them
too, at WARNING.
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
    Make every logger of `urllib3`, `requests` and `http.client` hide signed queries, also those of other code.

    Call it where a session is made, and again before a link is used: a filter of one logger does not apply to others,
    and some loggers are created late.
    """
    for name in {*_KNOWN, *filter(_LIBRARIES.fullmatch, list(logging.root.manager.loggerDict))}:
        logging.getLogger(name).addFilter(_hide_links)


@contextmanager
def unlogged_queries() -> Iterator[None]:
    """Keep every query, signed or not, of this thread's requests in the block out of these logs."""
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
            # Formatters print this text instead of formatting the exception themselves.
            record.exc_info, record.exc_text = None, clean
    return True


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # the handler reports arguments that do not fit
        return f"{record.msg} {record.args}"


def _cleaned(text: str) -> str:
    is_private = getattr(_secrecy, "depth", 0) > 0
    if not is_private and not _SIGNED.search(text):
        return text
    clean = redact(text[:_LONGEST])
    return _UNREAD.sub(rf"\1{REDACTED}", _QUERY.sub(f"?{REDACTED}", clean)) if is_private else clean
