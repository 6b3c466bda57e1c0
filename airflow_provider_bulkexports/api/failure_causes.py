"""What it means when a request gets no complete answer: what went wrong, and whether it passes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ssl import CertificateError, SSLCertVerificationError

import requests
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ProxySchemeUnknown,
    ProxySchemeUnsupported,
)

from airflow_provider_bulkexports.api.bounded_response import AnswerTooLateError
from airflow_provider_bulkexports.exceptions import text_of

__all__ = ["Cause", "cause_of"]

#: How far a chain of exceptions is followed.
_LONGEST_CHAIN = 20

#: A configuration that no try can make right: an address of a host or a proxy that is none, a proxy of a kind that is
#: not known, or whose support is not installed.
_NOT_PASSING = (
    CertificateError,
    LocationValueError,
    ProxySchemeUnknown,
    ProxySchemeUnsupported,
    SSLCertVerificationError,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)

#: What the libraries raise, on other machines and on bad days, before they have sent anything: of an address or a
#: header value that they cannot even write.
_UNWRITABLE = (AttributeError, KeyError, TypeError, UnicodeError, ValueError)


@dataclass(frozen=True, slots=True)
class Cause:
    """
    What went wrong.

    :param kind: See :class:`~airflow_provider_bulkexports.exceptions.BulkExportsConnectionError`.
    :param text: In the system's or the library's words; may hold secrets.
    :param is_transient: Whether it may pass by itself.
    :param error: The error as urllib3 has it, by which it is decided what may be sent again.
    """

    kind: str
    text: str
    is_transient: bool
    error: HTTPError


def cause_of(error: Exception) -> Cause:
    """Tell what an exception means that sending a request, or reading its answer, has raised."""
    chain = list(_chain(error))
    underlying = next((one for one in chain if isinstance(one, HTTPError) and not isinstance(one, MaxRetryError)), None)
    return Cause(
        kind=_kind(chain),
        text=_text(error, chain),
        is_transient=_is_transient(error, chain),
        error=underlying or ProtocolError(type(error).__name__),
    )


def _is_transient(error: Exception, chain: list[BaseException]) -> bool:
    if any(isinstance(one, _NOT_PASSING) for one in chain):
        return False
    # Of the libraries' own errors, those that are a ValueError as well are about an answer, such as a bad header of it.
    return isinstance(error, (requests.RequestException, HTTPError)) or not isinstance(error, _UNWRITABLE)


def _kind(chain: list[BaseException]) -> str:
    if any(isinstance(one, (ProxyError, requests.exceptions.ProxyError)) for one in chain):
        return "proxy"
    if any(isinstance(one, (CertificateError, SSLCertVerificationError)) for one in chain):
        return "certificate"
    if any(isinstance(one, NameResolutionError) for one in chain):
        return "name"
    return "refused" if any(isinstance(one, NewConnectionError) for one in chain) else ""


def _text(error: Exception, chain: list[BaseException]) -> str:
    for one in chain:
        if isinstance(one, SSLCertVerificationError):
            return str(getattr(one, "verify_message", "") or one)
        if isinstance(one, AnswerTooLateError):
            return str(one)
        if isinstance(one, NewConnectionError) and not isinstance(one, NameResolutionError):
            return str(one).rpartition(": ")[2]
    return text_of(error) or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it was made of: `requests` keeps urllib3's in its arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting and len(seen) < _LONGEST_CHAIN:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (*one.args, getattr(one, "reason", None), getattr(one, "original_error", None))
        waiting += [other for other in (*inner, one.__cause__, one.__context__) if isinstance(other, BaseException)]
