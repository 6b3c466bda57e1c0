"""A client checks its settings when it is made, and sends the credentials to one origin only."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsInputError
from airflow_provider_bulkexports.simulator import Simulator

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY = "SK" + "0123456789ABCDEF" * 2
TOKEN = "token-0123456789"


def refusal(login: str = ACCOUNT, password: str = TOKEN, **kwargs: Any) -> str:
    with pytest.raises(BulkExportsInputError) as caught:
        BulkExportsClient(login, password, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("login", "password", "words"),
    [
        ("", TOKEN, "has no login (Account SID or API key SID)"),
        (ACCOUNT, "", "has no password (Auth Token or API key secret)"),
        ("me@example.com", TOKEN, "neither an Account SID nor an API key SID"),
        (ACCOUNT[:-1], TOKEN, "'AC… (33 characters)'"),
        (ACCOUNT + "\n", TOKEN, "with nothing before or after"),
        (f" {ACCOUNT}", TOKEN, "with nothing before or after"),
        (ACCOUNT.lower(), TOKEN, "it is 'AC' or 'SK'"),
        ("JS" + ACCOUNT[2:], TOKEN, "it is 'AC' or 'SK'"),
        (ACCOUNT, f"{TOKEN}\n", "contains white space"),
        (ACCOUNT, "two words", "contains white space"),
        (ACCOUNT, "0123…", "contains a character that no token or secret has"),
    ],
)
def test_missing_or_malformed_credentials_are_refused(login: str, password: str, words: str) -> None:
    message = refusal(login, password)
    assert words in message
    assert not password or password not in message


def test_malformed_login_is_not_quoted() -> None:
    assert TOKEN not in refusal(TOKEN, ACCOUNT)


@pytest.mark.parametrize(
    "host", ["http://bulkexports.twilio.com", "http://10.0.0.1:8080", "http://0.0.0.0", "http://127.1"]
)
def test_plain_http_to_another_machine_is_refused(host: str) -> None:
    message = refusal(base_url=host)
    assert "would send the credentials unencrypted: write https://" in message


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://LOCALHOST", "http://localhost"),
        ("https://Proxy.example.com/twilio/", "https://proxy.example.com/twilio"),
        ("https://bulkexports.twilio.com:443", "https://bulkexports.twilio.com:443"),
    ],
)
def test_base_url_loses_its_trailing_slash(host: str, base_url: str) -> None:
    assert BulkExportsClient(ACCOUNT, TOKEN, base_url=host).base_url == base_url


def test_base_url_defaults_to_twilio() -> None:
    assert BulkExportsClient(ACCOUNT, TOKEN).base_url == "https://bulkexports.twilio.com"


@pytest.mark.parametrize(
    "host",
    [
        f"https://{ACCOUNT}:{TOKEN}@bulkexports.twilio.com",
        f"https://{ACCOUNT}:{TOKEN}/x@bulkexports.twilio.com",
        f"{ACCOUNT}:{TOKEN}@bulkexports.twilio.com",
        f"https://{TOKEN}@bulkexports.twilio.com",
        f"https://{ACCOUNT}:{TOKEN}@bulkexports.twilio.com?x=y",
    ],
)
def test_credentials_in_the_url_are_refused_and_not_quoted(host: str) -> None:
    message = refusal(base_url=host)
    assert message == "host contains credentials: put them into login and password"


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("", "must have a scheme and a host, and no query or fragment: write it like https://bulkexports.twilio.com"),
        ("bulkexports.twilio.com", "must have a scheme and a host, and no query or fragment"),
        ("ftp://bulkexports.twilio.com", "must have a scheme and a host, and no query or fragment"),
        ("https://", "must have a scheme and a host, and no query or fragment"),
        ("https:///v1", "must have a scheme and a host, and no query or fragment"),
        ("https://bulkexports.twilio.com/?token=1", "must have a scheme and a host, and no query or fragment"),
        ("https://bulkexports.twilio.com/#x", "must have a scheme and a host, and no query or fragment"),
        ("https://bulkexports.twilio.com:port", "is not a URL"),
        ("https://bulkexports.twilio.com:99999", "is not a URL"),
        ("https://[::1", "is not a URL"),
    ],
)
def test_invalid_base_url_is_refused(host: str, words: str) -> None:
    message = refusal(base_url=host)
    assert words in message
    assert "token=1" not in message


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "stall_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, 600.1, math.inf, math.nan, None, "10"])
def test_unreasonable_timeout_is_refused(name: str, seconds: Any) -> None:
    assert f"{name} must be a number of seconds, more than 0 and at most 600, got {seconds!r}" in refusal(
        **{name: seconds}
    )


def test_timeouts_at_the_limits_are_accepted() -> None:
    BulkExportsClient(ACCOUNT, TOKEN, connect_timeout=0.001, read_timeout=600)


@pytest.mark.parametrize(
    ("login", "account_sid", "words"),
    [
        (ACCOUNT, "AC" + "f" * 32, f"differs from the login {ACCOUNT}"),
        (ACCOUNT, KEY, "is not an Account SID"),
        (KEY, "my account", "account_sid 'my account' is not an Account SID: 'AC' and 32 hexadecimal digits"),
    ],
)
def test_account_of_other_credentials_is_refused(login: str, account_sid: str, words: str) -> None:
    assert words in refusal(login, account_sid=account_sid)


@pytest.mark.parametrize(
    ("login", "given", "account_sid"),
    [
        (ACCOUNT, None, ACCOUNT),
        (ACCOUNT, ACCOUNT, ACCOUNT),
        (KEY, None, None),
        (KEY, "", None),
        (KEY, ACCOUNT, ACCOUNT),
    ],
)
def test_account_is_known_from_login_or_account_sid(login: str, given: str | None, account_sid: str | None) -> None:
    assert BulkExportsClient(login, TOKEN, account_sid=given).account_sid == account_sid


def test_repr_has_no_secret() -> None:
    assert repr(BulkExportsClient(ACCOUNT, TOKEN)) == (
        f"BulkExportsClient({ACCOUNT!r}, base_url='https://bulkexports.twilio.com')"
    )


@pytest.mark.parametrize("is_key", [False, True])
def test_credentials_are_sent_with_every_request(is_key: bool, sim: Simulator) -> None:
    login, password = (sim.api_key_sid, sim.api_key_secret) if is_key else sim.auth
    client = BulkExportsClient(login, password, base_url=sim.base_url)
    client.get_export("Messages")
    kind, _, value = sim.requests[0].headers["authorization"].partition(" ")
    assert (kind, b64decode(value).decode()) == ("Basic", f"{login}:{password}")
    client.close()


def test_netrc_does_not_replace_the_credentials(server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.client().get_export("Messages")
    assert server.login in b64decode(server.received[0].headers["authorization"].partition(" ")[2]).decode()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_gets_no_credentials_of_plain_http(
    name: str, make_server: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = make_server(), make_server()
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, proxy.url)
    server.client().get_export("Messages")
    assert len(server.received) == 1
    assert proxy.received == []


def test_https_proxy_sees_a_tunnel_without_credentials(
    server: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers(answer(503))
    for variable in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("://", "://user:proxy-secret@"))
    client = BulkExportsClient(ACCOUNT, TOKEN, retry=RetryPolicy(max_retries=0))
    with pytest.raises(BulkExportsConnectionError) as caught:
        client.get_export("Messages")
    (tunnel,) = server.received
    assert (tunnel.method, tunnel.target) == ("CONNECT", "bulkexports.twilio.com:443")
    assert "authorization" not in tunnel.headers
    assert "proxy-secret" not in str(caught.value)
    client.close()
