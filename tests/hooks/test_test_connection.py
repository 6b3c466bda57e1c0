"""The Test button sends one free request, and shows a sentence that says what is wrong without a secret."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.simulator import Fault, Simulator

Ask = Callable[..., tuple[bool, str]]


@pytest.fixture
def ask(sim: Simulator, connection: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Test a connection to the simulator, with some fields changed."""

    def test(*, api_key: bool = False, **changes: Any) -> tuple[bool, str]:
        fields = json.loads(sim.connection_json(api_key=api_key)) | changes
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.upper()}", json.dumps(fields))
        outcome = BulkExportsHook(connection).test_connection()
        assert not [secret for secret in (sim.auth_token, sim.api_key_secret) if secret in outcome[1]]
        return outcome

    return test


def test_success_names_the_account_and_the_server(ask: Ask, sim: Simulator) -> None:
    works, sentence = ask()

    assert works
    assert sentence.startswith(f"Connected to {sim.base_url} as account {sim.account_sid}; this is a simulator")
    assert "clear the connection's host to reach Twilio" in sentence
    assert [(entry.method, entry.path) for entry in sim.requests] == [("GET", "/v1/Exports/Messages/Jobs")]
    assert [entry.query for entry in sim.requests] == [{"PageSize": "1"}]


def test_host_with_only_the_jobs_list_works(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=404, path=r"/v1/Exports/Messages(/Configuration)?", times=None))

    assert ask()[0]


def test_success_with_an_api_key_names_a_known_account(ask: Ask, sim: Simulator) -> None:
    assert ask(api_key=True)[1].startswith(f"Connected to {sim.base_url} as account {sim.account_sid}; ")
    assert ask(api_key=True, extra={})[1].startswith(f"Connected to {sim.base_url} as the API key's account; ")


def test_proxy_to_twilio_is_not_called_a_simulator(ask: Ask, sim: Simulator) -> None:
    url = "https://bulkexports.twilio.com/v1/Exports/Messages/Jobs?PageSize=1&Page=0"
    sim.faults.add(Fault(status=200, body={"jobs": [], "meta": {"key": "jobs", "url": url}}))

    assert ask() == (True, f"Connected to Twilio BulkExports through {sim.base_url} as account {sim.account_sid}")


def test_wrong_token_is_named(ask: Ask) -> None:
    works, sentence = ask(password="0" * 32)

    assert not works
    assert sentence.startswith("Wrong credentials: ")
    assert "HTTP 401, Twilio error 20003" in sentence
    assert "copy both again from Twilio's console with region US1 selected" in sentence


@pytest.mark.parametrize("status", [401, 403])
def test_key_without_permission_gets_advice(ask: Ask, sim: Simulator, status: int) -> None:
    sim.knobs.key_denied_status = status

    works, sentence = ask(api_key=True)

    assert not works
    assert sentence.startswith("No permission: ")
    assert f"HTTP {status}, Twilio error 70051" in sentence
    assert "use a Standard or Main API key" in sentence


def test_server_that_does_not_listen_is_unreachable(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    works, sentence = ask(host=f"http://127.0.0.1:{port}")

    assert not works
    assert sentence.startswith(
        f"http://127.0.0.1:{port} could not be reached: start the server that should listen there"
    )
    assert sentence.endswith("Connection refused")
    assert "usually passing" not in sentence


def test_host_without_the_api_is_a_wrong_address(ask: Ask, sim: Simulator) -> None:
    works, sentence = ask(host=f"{sim.base_url}/elsewhere")

    assert not works
    assert sentence.startswith(f"Wrong address: {sim.base_url}/elsewhere responds, but has no BulkExports API")


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that resolves no name."""

    def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    for proxy in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("changes", "beginning", "remedy"),
    [
        ({"host": ""}, "No network: the name bulkexports.twilio.com", "check its network, DNS and proxy"),
        (
            {"host": "", "extra": {"edge": "dubln"}},
            "Wrong edge, or no network: there is no address for bulkexports.dubln.us1.twilio.com",
            "correct the connection's edge",
        ),
        (
            {"host": "https://exports.invalid"},
            "Wrong host, or no network: there is no address for exports.invalid",
            "correct the connection's host",
        ),
    ],
)
@pytest.mark.usefixtures("no_names")
def test_unresolved_name_points_at_its_field(ask: Ask, changes: dict[str, Any], beginning: str, remedy: str) -> None:
    works, sentence = ask(**changes)

    assert not works
    assert sentence.startswith(beginning)
    assert remedy in sentence


def test_failing_proxy_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    works, sentence = ask(host="")

    assert not works
    assert sentence.startswith("Cannot reach bulkexports.twilio.com through the proxy: check HTTPS_PROXY")


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without waits."""
    monkeypatch.setattr(
        "airflow_provider_bulkexports.hooks.connection.RetryPolicy",
        partial(RetryPolicy, backoff_factor=0.0, max_wait=0.0),
    )


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """The port of a server with an untrusted certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime.now(timezone.utc) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    as_pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path / "server.pem"
    file.write_bytes(key.private_bytes(*as_pem) + certificate.public_bytes(as_pem[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("no_waits")
def test_untrusted_certificate_is_not_called_transient(
    ask: Ask, tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")

    works, sentence = ask(host=f"https://localhost:{tls_port}")

    assert not works
    assert re.fullmatch(
        r"localhost has a certificate that is not trusted here \(self[- ]signed certificate\): check the host, or "
        "a proxy that substitutes its own certificate",
        sentence,
    )


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("status", [400, 429, 503])
def test_advice_for_an_error_mentions_no_task(ask: Ask, sim: Simulator, status: int) -> None:
    sim.faults.add(Fault(status=status, times=None))

    works, sentence = ask()

    assert not works
    assert f"HTTP {status}" in sentence
    assert re.search("Retry later|try again", sentence)
    assert "task" not in sentence


@pytest.mark.usefixtures("no_waits")
def test_test_button_makes_few_retries(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PLAIN", sim.connection_json())
    sim.faults.add(Fault(status=503, times=50))

    assert not BulkExportsHook("plain").test_connection()[0]
    assert len(sim.requests) == 3


@pytest.mark.usefixtures("no_waits")
def test_web_page_is_not_taken_for_twilio(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=200, body="<html><h1>Welcome</h1></html>", times=None))

    works, sentence = ask()

    assert not works
    assert "text/html" in sentence
    assert "Check that the connection's host is Twilio's BulkExports API" in sentence


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({"extra": {"region": "ie1"}}, "region 'ie1': Twilio offers BulkExports in region us1 only"),
        ({"host": "https://bulkexports.ie1.twilio.com"}, "host 'bulkexports.ie1.twilio.com' belongs to region 'ie1'"),
        ({"password": ""}, "The connection has no password"),
        ({"login": "me"}, "The connection's login 'me…"),
        ({"extra": {"max_retries": "many"}}, "extra max_retries must be a whole number of at least 0, got 'many'"),
    ],
)
def test_invalid_connection_is_refused_without_its_made_up_id(
    ask: Ask, sim: Simulator, changes: dict[str, Any], beginning: str
) -> None:
    works, sentence = ask(**changes)

    assert not works
    assert sentence.startswith(beginning)
    assert len(sim.requests) == 0


def test_transient_fault_is_retried(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=503, times=2))

    assert ask()[0]


def test_echoed_credentials_are_redacted(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=400, body={"message": f"no {sim.auth_token} here", "code": 20001, "status": 400}))

    works, sentence = ask()

    assert (works, "***" in sentence) == (False, True)


#: Settings of the machine and answers by which the libraries raise what is not their own exception.
BREAKAGES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "no certificates": ({"REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"}, {"host": "https://127.0.0.1:9"}),
    "a proxy that is no address": ({"https_proxy": "http://[::1"}, {"host": "https://proxied.example.com"}),
    "a proxy of another kind": ({"https_proxy": "ftp://proxy:1"}, {"host": "https://proxied.example.com"}),
    "a proxy without its support": ({"https_proxy": "socks5://127.0.0.1:9"}, {"host": "https://proxied.example.com"}),
    "a label that is too long": ({}, {"host": f"https://{'a' * 64}.example.com"}),
    "an empty label": ({}, {"host": "https://a..example.com"}),
    "a star": ({}, {"host": "https://*.example.com"}),
    "a line break": ({}, {"host": "https://a\nb.example.com"}),
    "a backslash": ({}, {"host": "http://evil\\@127.0.0.1"}),
    "another host behind a backslash": ({}, {"host": "http://evil\\.127.0.0.1"}),
}


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(("environment", "changes"), BREAKAGES.values(), ids=BREAKAGES)
def test_test_button_never_raises(
    ask: Ask, environment: dict[str, str], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    works, sentence = ask(**changes)

    assert not works
    assert sentence.isprintable() and len(sentence) <= 2000


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    "error",
    [OSError("bundle"), TypeError("proxy"), ValueError("x"), UnicodeError("x"), RecursionError(), KeyError("\ud83d")],
    ids=repr,
)
def test_test_button_survives_library_exceptions(ask: Ask, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("requests.Session.request", broken)

    works, sentence = ask()

    assert not works
    assert sentence.isprintable()


def test_test_button_survives_a_bug_of_this_package(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise AssertionError("a fault of ours\n")

    monkeypatch.setattr("airflow_provider_bulkexports.api.client.BulkExportsClient.probe", broken)

    works, sentence = ask()

    assert (works, sentence.isprintable()) == (False, True)
    assert "a fault of ours" in sentence
