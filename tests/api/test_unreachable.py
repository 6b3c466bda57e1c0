"""Any exception of sending a request becomes this package's error, and says whether it is transient."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "token-0123456789"
JOB_SID = "JS" + "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without proxies."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def failure(base_url: str = "https://127.0.0.1:9", retry: RetryPolicy | None = None) -> BulkExportsConnectionError:
    client = BulkExportsClient(
        ACCOUNT, TOKEN, base_url=base_url, retry=retry or RetryPolicy(max_retries=3, backoff_factor=0.0)
    )
    try:
        with pytest.raises(BulkExportsConnectionError) as caught:
            client.get_job(JOB_SID)
    finally:
        client.close()
    error = caught.value
    assert str(error).isprintable() and len(str(error)) <= 2000
    assert error.__context__ is None and error.__cause__ is None
    return error


@pytest.mark.parametrize(
    ("proxy", "is_transient"),
    [
        ("http://[::1", False),
        ("http://", False),
        ("ftp://proxy.example.com:1", False),
        ("socks5://127.0.0.1:9", False),
        ("http://proxy:port", False),
        ("http://127.0.0.1:9", True),
    ],
)
def test_invalid_proxy_is_permanent(proxy: str, is_transient: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    error = failure("https://proxied.example.com")
    assert error.is_transient is is_transient
    assert ("Retrying does not help" in str(error)) is not is_transient


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, b"", b"half of a certificate"])
def test_missing_certificate_bundle_is_transient(
    name: str, content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(bundle))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert failure(f"https://127.0.0.1:{listener.getsockname()[1]}").is_transient


@pytest.mark.parametrize("host", [f"{'a' * 64}.example.com", "a..example.com"])
def test_host_that_cannot_be_encoded_is_permanent(host: str) -> None:
    assert not failure(f"https://{host}").is_transient


class SpeechlessError(Exception):
    """Raises when it is shown."""

    def __str__(self) -> str:
        raise ValueError("no words")


RAISED: list[tuple[Exception, bool]] = [
    (OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /x"), True),
    (FileNotFoundError(2, "No such file or directory", "/etc/ssl/ca.pem"), True),
    (PermissionError(13, "Permission denied", "/etc/ssl/ca.pem"), True),
    (ssl.SSLError("bad record"), True),
    (ssl.SSLCertVerificationError("self-signed certificate"), False),
    (requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("x"))), False),
    (requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."), False),
    (requests.exceptions.InvalidProxyURL("Please check proxy URL."), False),
    (requests.exceptions.InvalidURL("no host"), False),
    (requests.exceptions.InvalidHeader("of an answer"), True),
    (requests.exceptions.ChunkedEncodingError("broken"), True),
    (urllib3.exceptions.LocationParseError("x"), False),
    (urllib3.exceptions.ProxySchemeUnknown("x"), False),
    (urllib3.exceptions.ProtocolError("x"), True),
    (urllib3.exceptions.PoolError(None, "x"), True),  # type: ignore[arg-type]
    (TypeError("of a proxy's address"), False),
    (ValueError("Port could not be cast"), False),
    (UnicodeError("label empty or too long"), False),
    (UnicodeEncodeError("idna", "x", 0, 1, "label too long"), False),
    (AttributeError("x"), False),
    (KeyError("x"), False),
    (RecursionError("x"), True),
    (MemoryError(), True),
    (SpeechlessError(), True),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), True),
    (RuntimeError("a lone surrogate \ud83d,\r\na forged line and \x1b[31m"), True),
    (OSError(f"https://x/?X-Amz-Signature=5ec2e7 {TOKEN} " + "x" * 10_000), True),
]


@pytest.mark.parametrize(("raised", "is_transient"), RAISED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("where", ["requests.Session.request", "airflow_provider_bulkexports.api.exchange.read_body"])
def test_any_library_exception_becomes_our_error(
    where: str, raised: Exception, is_transient: bool, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    calls = []

    def broken(*_: Any, **__: Any) -> Any:
        calls.append(1)
        raise raised

    monkeypatch.setattr(where, broken)
    error = failure(server.url)
    assert error.is_transient is is_transient
    assert len(calls) == (4 if is_transient else 1)
    assert "5ec2e7" not in str(error) and TOKEN not in str(error)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_exit_and_interrupt_are_not_caught(
    stop: type[BaseException], monkeypatch: pytest.MonkeyPatch, make_server: Callable[[], Any]
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise stop

    monkeypatch.setattr("requests.Session.request", stopped)
    with pytest.raises(stop):
        make_server().client().get_job(JOB_SID)
