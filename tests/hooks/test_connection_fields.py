"""Each field of the Airflow connection reaches the client, or is refused before anything is sent."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from base64 import b64decode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook

ACCOUNT = "AC" + "0a" * 16
OTHER_ACCOUNT = "AC" + "1b" * 16
API_KEY = "SK" + "2c" * 16
SECRET = "s3cr3t+of/the=account"

Connect = Callable[..., BulkExportsClient]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Make the client of a connection given as JSON fields or as a URI."""

    def build(uri: str | None = None, **fields: Any) -> BulkExportsClient:
        if uri is None:
            uri = json.dumps({"conn_type": "twilio_bulkexports", "login": ACCOUNT, "password": SECRET} | fields)
        monkeypatch.setenv("AIRFLOW_CONN_TWILIO_TEST", uri)
        return BulkExportsHook("twilio_test").get_conn()

    return build


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({}, "https://bulkexports.twilio.com"),
        ({"host": "  "}, "https://bulkexports.twilio.com"),
        ({"host": "bulkexports.twilio.com"}, "https://bulkexports.twilio.com"),
        ({"host": "https://bulkexports.twilio.com/"}, "https://bulkexports.twilio.com"),
        ({"host": "bulkexports.us1.twilio.com"}, "https://bulkexports.us1.twilio.com"),
        ({"host": "https://bulkexports.dublin.us1.twilio.com"}, "https://bulkexports.dublin.us1.twilio.com"),
        ({"host": "bulkexports.ie1.twilio.com.example.com"}, "https://bulkexports.ie1.twilio.com.example.com"),
        ({"host": "proxy.example.com", "port": 8443}, "https://proxy.example.com:8443"),
        ({"host": "https://proxy.example.com:8443", "port": 9}, "https://proxy.example.com:8443"),
        ({"host": "https://proxy.example.com/twilio", "port": 8443}, "https://proxy.example.com:8443/twilio"),
        ({"host": "127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"host": "127.0.0.1", "port": 8080}, "http://127.0.0.1:8080"),
        ({"host": "localhost", "port": 8080}, "http://localhost:8080"),
        ({"host": "localhost", "schema": "https"}, "https://localhost"),
        ({"host": "localhost", "schema": "public"}, "http://localhost"),
        ({"host": "[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "http://[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"extra": {"edge": "dublin"}}, "https://bulkexports.dublin.us1.twilio.com"),
        ({"extra": {"edge": "dublin", "region": "us1"}}, "https://bulkexports.dublin.us1.twilio.com"),
        ({"extra": {"region": "US1"}}, "https://bulkexports.twilio.com"),
        ({"extra": {"region": None, "edge": ""}}, "https://bulkexports.twilio.com"),
    ],
    ids=str,
)
def test_fields_make_the_base_url(connect: Connect, fields: dict[str, Any], base_url: str) -> None:
    assert connect(**fields).base_url == base_url


def credentials_of(client: Any) -> tuple[str, str]:
    """The authorization of the client's requests."""
    request = client._transport._session.prepare_request(requests.Request("GET", "https://x/"))
    login, _, password = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    return login, password


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ({"host": "::1"}, "http://[::1]"),
        ({"host": "::1", "port": 8080}, "http://[::1]:8080"),
        ({"host": "[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "::1", "port": 8080, "schema": "https"}, "https://[::1]:8080"),
        ({"host": "http://::1"}, "http://[::1]"),
        ({"host": "2001:db8::7", "port": 8443}, "https://[2001:db8::7]:8443"),
        ({"host": "https://2001:DB8::7"}, "https://[2001:db8::7]"),
        ({"host": "::ffff:10.0.0.1"}, "https://[::ffff:10.0.0.1]"),
        ({"host": "[2001:db8::7]:8443"}, "https://[2001:db8::7]:8443"),
    ],
    ids=str,
)
def test_ipv6_address_needs_no_brackets(connect: Connect, host: dict[str, Any], base_url: str) -> None:
    assert connect(**host).base_url == base_url


def test_ipv6_host_without_brackets_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listener(ThreadingHTTPServer):
        address_family = socket.AF_INET6

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"jobs": [], "meta": {"key": "jobs"}}')

    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with Listener(("::1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        fields = {"login": ACCOUNT, "password": SECRET, "host": "::1", "port": listener.server_port}
        monkeypatch.setenv("AIRFLOW_CONN_V6", json.dumps({"conn_type": "twilio_bulkexports", **fields}))
        try:
            works, sentence = BulkExportsHook("v6").test_connection()
        finally:
            listener.shutdown()
            thread.join()
    assert works, sentence


@pytest.mark.parametrize(
    ("rest", "base_url"),
    [
        ("@", "https://bulkexports.twilio.com"),
        ("@proxy.example.com", "https://proxy.example.com"),
        ("@proxy.example.com:8443/https", "https://proxy.example.com:8443"),
        ("@127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("@localhost:8080/https", "https://localhost:8080"),
        ("@/?edge=dublin", "https://bulkexports.dublin.us1.twilio.com"),
    ],
)
def test_uri_means_the_same_as_json(connect: Connect, rest: str, base_url: str) -> None:
    client = connect(f"twilio-bulkexports://{ACCOUNT}:{quote(SECRET, safe='')}{rest}")

    assert (client.base_url, client.account_sid) == (base_url, ACCOUNT)
    assert credentials_of(client) == (ACCOUNT, SECRET)


def test_uri_may_name_the_scheme_of_the_host(connect: Connect) -> None:
    client = connect(f"twilio-bulkexports://http://{ACCOUNT}:{quote(SECRET, safe='')}@localhost:8080")

    assert client.base_url == "http://localhost:8080"


def test_account_sid_is_its_own_account(connect: Connect) -> None:
    client = connect()

    assert client.account_sid == ACCOUNT
    assert credentials_of(client) == (ACCOUNT, SECRET)


@pytest.mark.parametrize("name", ["account_sid", "extra__twilio_bulkexports__account_sid"])
def test_api_key_uses_the_account_in_extra(connect: Connect, name: str) -> None:
    client = connect(login=API_KEY, extra={name: ACCOUNT})

    assert client.account_sid == ACCOUNT
    assert credentials_of(client) == (API_KEY, SECRET)


def test_api_key_needs_no_account_sid(connect: Connect) -> None:
    assert connect(login=API_KEY).account_sid is None


def test_plain_field_name_wins_over_the_prefixed(connect: Connect) -> None:
    both = {"account_sid": ACCOUNT, "extra__twilio_bulkexports__account_sid": OTHER_ACCOUNT}

    assert connect(login=API_KEY, extra=both).account_sid == ACCOUNT


@pytest.mark.parametrize("prefix", ["", "extra__twilio_bulkexports__"])
@pytest.mark.parametrize("as_written", [int, str])
def test_numbers_may_be_texts(connect: Connect, prefix: str, as_written: type) -> None:
    numbers = {"connect_timeout": 3, "read_timeout": 45, "max_retries": 0}

    transport = connect(extra={prefix + name: as_written(number) for name, number in numbers.items()})._transport

    assert transport._timeouts == (3, 45)
    assert transport._retry.max_retries == 0


def test_timeouts_and_retries_have_defaults(connect: Connect) -> None:
    transport = connect()._transport

    assert transport._timeouts == (10, 30)
    assert transport._retry.max_retries == 5


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "max_retries"])
@pytest.mark.parametrize("number", [-1, "ten", "1.5", [], True, float("inf"), float("nan")])
def test_invalid_number_is_refused(connect: Connect, name: str, number: Any) -> None:
    with pytest.raises(
        BulkExportsInputError, match=rf"'twilio_test': extra {name} must be a whole number of at least \d, got "
    ):
        connect(extra={name: number})


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout"])
@pytest.mark.parametrize("seconds", [0, 601])
def test_unreasonable_timeout_is_refused(connect: Connect, name: str, seconds: int) -> None:
    with pytest.raises(BulkExportsInputError, match=f"{name} must be "):
        connect(extra={name: seconds})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"login": None}, "no login .*fill it in"),
        ({"password": None}, "no password .*fill it in"),
        ({"password": ""}, "no password .*fill it in"),
        ({"login": "admin"}, "'AC' or 'SK' and 32 hexadecimal digits"),
        ({"login": ACCOUNT + "0"}, "'AC' or 'SK' and 32 hexadecimal digits"),
        ({"login": "AC" + "g" * 32}, "'AC' or 'SK' and 32 hexadecimal digits"),
        ({"login": f" {ACCOUNT}"}, "nothing before or after"),
        ({"password": f"{SECRET}\n"}, "white space: copy the token or secret again"),
        ({"login": API_KEY, "extra": {"account_sid": "me"}}, "'AC' and 32 hexadecimal digits"),
        ({"extra": {"account_sid": OTHER_ACCOUNT}}, "remove account_sid, or log in as that account"),
        ({"extra": {"region": "ie1"}}, "us1 only; write 'us1' or remove the region"),
        ({"extra": {"region": "au1", "edge": "sydney"}}, "us1 only"),
        ({"host": "https://bulkexports.ie1.twilio.com"}, "'ie1': .*us1 only; .*write 'bulkexports.us1.twilio.com'"),
        ({"host": "BulkExports.Dublin.IE1.twilio.com/"}, "'ie1': .*write 'bulkexports.dublin.us1.twilio.com'"),
        (
            {"host": "bulkexports.au1.twilio.com", "port": 443},
            "bulkexports.au1.twilio.com' belongs to region 'au1'",
        ),
        ({"host": f"https://{ACCOUNT}:{SECRET}@bulkexports.ie1.twilio.com"}, "put them into login and password"),
        ({"extra": {"edge": "evil.example.com/x"}}, "edge 'evil.example.com/x': write the name"),
        ({"extra": {"edge": "dublin"}, "host": "https://proxy.example.com"}, "remove one of them"),
        ({"host": "http://proxy.example.com"}, "write https://proxy.example.com"),
        ({"host": "proxy.example.com", "schema": "http"}, "write https://proxy.example.com"),
        ({"host": "http://127.0.0.1.example.com"}, "unencrypted"),
        ({"host": "ftp://proxy.example.com"}, "must have a scheme and a host"),
        ({"host": "https://proxy.example.com/?a=b"}, "must have a scheme and a host"),
        ({"host": "https://[::1"}, "not a URL"),
        ({"host": "https://proxy.example.com:http"}, "not a URL"),
        ({"host": f"https://{ACCOUNT}:{SECRET}@proxy.example.com"}, "put them into login and password"),
        ({"host": f"https://{ACCOUNT}:{SECRET}@x", "extra": {"edge": "dublin"}}, "remove one of them"),
    ],
    ids=str,
)
def test_invalid_field_is_refused_without_quoting_a_secret(
    connect: Connect, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BulkExportsInputError, match=sentence) as refusal:
        connect(**fields)

    assert str(refusal.value).startswith("Connection 'twilio_test': ")
    assert SECRET not in str(refusal.value)


def test_extra_that_is_not_an_object_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Airflow 3.0 and 3.1 do not even load such a connection.
    connection = SimpleNamespace(login=ACCOUNT, password=SECRET, host=None, schema=None, port=None, extra_dejson=[1])
    monkeypatch.setattr(BulkExportsHook, "get_connection", lambda *_: connection)

    with pytest.raises(BulkExportsInputError, match="'twilio_test': extra is not a JSON object"):
        BulkExportsHook("twilio_test").get_conn()


def test_hook_makes_its_client_once(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connect()
    hook = BulkExportsHook("twilio_test")
    looked_up = []
    monkeypatch.setattr(hook, "get_connection", lambda conn_id: looked_up.append(conn_id) or _lookup(conn_id))

    assert hook.get_conn() is hook.get_conn()
    assert looked_up == ["twilio_test"]


def test_aget_conn_returns_an_equal_but_separate_client(connect: Connect) -> None:
    connect(login=API_KEY, host="localhost:1", extra={"account_sid": ACCOUNT, "read_timeout": 7})
    hook = BulkExportsHook("twilio_test")

    client = asyncio.run(hook.aget_conn())

    assert client is not hook.get_conn()
    assert (client.base_url, client.account_sid) == (hook.get_conn().base_url, ACCOUNT)
    assert client._transport._timeouts == (10, 7)


def test_user_agent_names_the_versions(connect: Connect) -> None:
    agent = connect()._transport._session.headers["User-Agent"]

    assert agent.startswith("airflow-provider-bulkexports/")
    assert " airflow/" in agent


def _lookup(conn_id: str) -> Any:
    return BulkExportsHook.get_connection(conn_id)
