"""Requests to this machine never use a proxy; others use those of the environment."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import pytest
from support.constants import QUICK
from support.scripted_server import Answer, ScriptedServer

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.signed_link import SignedLink
from airflow_provider_bulkexports.api.storage_host import Storage
from airflow_provider_bulkexports.exceptions import BulkExportsConnectionError, BulkExportsDownloadError
from airflow_provider_bulkexports.simulator import Simulator

FILE = gzip.compress(b'{"sid": "SM1"}\n')
VARIABLES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture
def proxy(make_server: Callable[[], ScriptedServer], monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """A proxy for everything that records its requests and refuses them."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    proxy = make_server()
    for name in VARIABLES:
        monkeypatch.setenv(name, proxy.url)
    proxy.answers(Answer(502, "the proxy was asked"))
    return proxy


@pytest.fixture
def certified(make_server: Callable[[], ScriptedServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Origin of a TLS server on this machine, with a certificate that the environment trusts."""
    server = make_server()
    server.answers(Answer(200, {"jobs": [], "meta": {"key": "jobs"}}))
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return server.url.replace("http", "https")


def self_signed(folder: Path) -> Path:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def clients() -> Iterator[Callable[[str], BulkExportsClient]]:
    made: list[BulkExportsClient] = []

    def make(base_url: str) -> BulkExportsClient:
        made.append(BulkExportsClient(ScriptedServer.login, ScriptedServer.password, base_url=base_url, retry=QUICK))
        return made[-1]

    yield make
    for client in made:
        client.close()


def open_link(link: SignedLink) -> None:
    """Send the request of one download attempt."""
    with closing(Storage((2.0, 2.0))) as storage, storage.open(link):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_hosts_are_reached_without_a_proxy(
    server: ScriptedServer,
    proxy: ScriptedServer,
    clients: Callable[[str], BulkExportsClient],
    tmp_path: Path,
    host: str,
) -> None:
    origin = server.url.replace("127.0.0.1", host)
    server.script = lambda received: (
        Answer(307, {"redirect_to": f"{origin}/day?sig=5ec2e7"})
        if received.target.startswith("/v1/")
        else Answer(200, FILE)
    )

    assert clients(origin).download_day("Messages", "2026-01-01", tmp_path / "day.gz").records == 1
    assert not proxy.received


def test_loopback_tls_uses_the_environments_certificates(
    certified: str,
    proxy: ScriptedServer,
    clients: Callable[[str], BulkExportsClient],
    server: ScriptedServer,
    tmp_path: Path,
) -> None:
    assert list(clients(certified).list_jobs("Messages")) == []

    server.answers(Answer(307, {"redirect_to": f"{certified}/day?sig=5ec2e7"}))
    with pytest.raises(BulkExportsDownloadError, match="the file is damaged"):  # it answers JSON, but it answers
        clients(server.url).download_day("Messages", "2026-01-01", tmp_path / "day.gz")
    assert not proxy.received


def test_simulator_works_where_a_proxy_is_set(sim: Simulator, proxy: ScriptedServer, tmp_path: Path) -> None:
    client = BulkExportsClient(sim.account_sid, sim.auth_token, base_url=sim.base_url)
    sim.create_job("Messages", "2026-01-01", "2026-01-01")
    sim.finish_jobs()

    assert client.download_day("Messages", "2026-01-01", tmp_path / "day.gz").records
    client.close()
    assert not proxy.received


def test_other_hosts_are_reached_through_the_proxy(
    server: ScriptedServer, proxy: ScriptedServer, clients: Callable[[str], BulkExportsClient], tmp_path: Path
) -> None:
    server.answers(Answer(307, {"redirect_to": "https://bucket.example.com/day?sig=5ec2e7"}))
    client = server.client()
    client.get_day_link("Messages", "2026-01-01")
    with pytest.raises(BulkExportsConnectionError, match="Tunnel connection failed: 502"):
        open_link(client.get_day_link("Messages", "2026-01-01"))

    assert [(received.method, received.target) for received in proxy.received] == [
        ("CONNECT", "bucket.example.com:443")
    ], "without its path and query"


def test_no_proxy_is_honoured(server: ScriptedServer, proxy: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", ".invalid")
    server.answers(Answer(307, {"redirect_to": "https://bucket.invalid/day?sig=5ec2e7"}))
    client = server.client()

    with pytest.raises(BulkExportsConnectionError, match="resolve"):
        open_link(client.get_day_link("Messages", "2026-01-01"))
    assert not proxy.received
