"""Find the cause of a request without a complete response, and whether a retry can help."""

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

from airflow_provider_bulkexports.api.bounded_response import ResponseTooLateError
from airflow_provider_bulkexports.exceptions import text_of

__all__ = ["Cause", "cause_of"]

#: Most exceptions of a chain to follow.
_LONGEST_CHAIN = 20

#: Causes that no retry removes: an untrusted certificate, an invalid address of a host or proxy, a kind of proxy that
#: is unknown or whose support is not installed.
_PERMANENT = (
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

#: What the libraries raise before they send anything, for an address or a header value that they cannot write.
_UNWRITABLE = (AttributeError, KeyError, TypeError, UnicodeError, ValueError)


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why there is no complete response.

    :param kind: See :class:`~airflow_provider_bulkexports.exceptions.BulkExportsConnectionError`.
    :param text: The system's or the library's words; may contain secrets.
    :param is_transient: Whether a retry may succeed.
    :param error: The error of urllib3, which decides whether the request may be sent again.
    """

    kind: str
    text: str
    is_transient: bool
    error: HTTPError


def cause_of(error: Exception) -> Cause:
    """Find the cause in an exception raised while sending a request or reading its response."""
    chain = list(_chain(error))
    underlying = next((one for one in chain if isinstance(one, HTTPError) and not isinstance(one, MaxRetryError)), None)
    return Cause(
        kind=_kind(chain),
        text=_text(error, chain),
        is_transient=_is_transient(error, chain),
        error=underlying or ProtocolError(type(error).__name__),
    )


def _is_transient(error: Exception, chain: list[BaseException]) -> bool:
    if any(isinstance(one, _PERMANENT) for one in chain):
        return False
    # An error of the libraries that is also a ValueError is about a response, such as a bad header.
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
        if isinstance(one, ResponseTooLateError):
            return str(one)
        if isinstance(one, NewConnectionError) and not isinstance(one, NameResolutionError):
            return str(one).rpartition(": ")[2]
    return text_of(error) or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that caused it; `requests` keeps those of urllib3 in its arguments."""
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
