"""Refused before the body is kept: foreign hosts, bodies without credentials, and bodies that are too long."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_bulkexports.simulator import Fault, Simulator

LINK = re.compile(r"http://[^\"\s]+")
ORIGINS = ["base_url", "storage_url"]
MIB = 1 << 20


def get_raw(origin: str, host: str | None, path: str, *more: str) -> str:
    """Send a GET with any ``Host`` and return the whole response."""
    parts = urlsplit(origin)
    lines = [f"GET {path} HTTP/1.{0 if host is None else 1}", *more, "Connection: close"]
    lines += [] if host is None else [f"Host: {host}"]
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def status(response: str) -> int:
    return int(response.split()[1])


FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "192.168.1.7:{port}",
    "localhost:{port}@evil.example",
    "localhost:99999",
    "[::ffff:8.8.8.8]:{port}",
    "bad host",
    "",
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("path", ["/v1/Exports/Messages/Jobs", "/v1/Exports/Messages", "/elsewhere"])
def test_foreign_host_is_refused_on_every_route(sim: Simulator, origin: str, host: str, path: str) -> None:
    """The response does not contain the host either, so no link leads there."""
    url = getattr(sim, origin)
    for accept in ("text/html", "application/json"):
        response = get_raw(url, host.format(port=urlsplit(url).port), path, f"Accept: {accept}")
        assert status(response) in (400, 421)
        assert "evil" not in response
    assert all(entry.status == 421 for entry in sim.requests)


def test_foreign_host_is_refused_before_credentials_and_faults(sim: Simulator, api: requests.Session) -> None:
    sim.faults.add(Fault(status=503))
    assert api.get("/Messages/Jobs", headers={"Host": "evil.example"}).status_code == 421
    assert api.post("/Messages/Jobs", headers={"Host": "evil.example"}, data={"a": "b"}).status_code == 421
    assert api.get("/Messages/Jobs").status_code == 503


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}", "127.1.2.3:{port}", "localhost:9"]
)
def test_loopback_hosts_are_accepted_and_used_in_links(sim: Simulator, host: str) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    requested = host.format(port=urlsplit(sim.base_url).port)
    basic = requests.Request("GET", "http://x", auth=sim.auth).prepare().headers["Authorization"]
    response = get_raw(sim.base_url, requested, "/v1/Exports/Messages/Jobs", f"Authorization: {basic}")
    assert status(response) == 200
    assert {urlsplit(link).netloc for link in LINK.findall(response)} == {requested}
    page = get_raw(sim.base_url, requested, "/v1/Exports/Messages/Jobs", "Accept: text/html")
    assert status(page) == 200
    assert not LINK.findall(page)  # its links name no host


def test_request_without_host_gets_links_to_the_origin(sim: Simulator) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    basic = requests.Request("GET", "http://x", auth=sim.auth).prepare().headers["Authorization"]
    response = get_raw(sim.base_url, None, "/v1/Exports/Messages/Jobs", f"Authorization: {basic}")
    assert status(response) == 200
    assert {urlsplit(link).netloc for link in LINK.findall(response)} == {urlsplit(sim.base_url).netloc}


def test_public_and_allowed_hosts_are_accepted() -> None:
    with Simulator(public_host="simulator.test", allowed_hosts=["other.test"]) as simulator:
        local = f"http://127.0.0.1:{urlsplit(simulator.base_url).port}"
        for host, expected in (("simulator.test:80", 401), ("other.test", 401), ("third.test", 421)):
            assert status(get_raw(local, host, "/v1/Exports/Messages")) == expected


def test_address_of_the_connection_is_accepted() -> None:
    with Simulator(host="0.0.0.0", public_host="localhost") as simulator:
        local = f"http://127.0.0.2:{urlsplit(simulator.base_url).port}"
        assert status(get_raw(local, "127.0.0.2", "/v1/Exports/Messages")) == 401
        assert status(get_raw(local, "8.8.8.8", "/v1/Exports/Messages")) == 421


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_simulator_listens_on_an_ipv6_address(host: str) -> None:
    with Simulator(host=host) as simulator:
        assert simulator.base_url.startswith("http://[::1]:")
        response = requests.get(f"{simulator.base_url}/v1/Exports/Messages", auth=simulator.auth, timeout=10)
        assert response.json()["url"] == f"{simulator.base_url}/v1/Exports/Messages"


def memory_in_use() -> int:
    """Return the bytes of memory that this process uses, the simulator included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def long_form(size: int = 200 * MIB) -> Iterator[bytes]:
    """Yield a very long form."""
    piece = b"a" * 65536
    yield b"FriendlyName="
    for _ in range(size // len(piece)):
        yield piece


class Sized:
    """A long body of known length, made while it is sent."""

    def __init__(self, size: int) -> None:
        self._pieces = long_form(size)
        self.len = size + len(b"FriendlyName=")

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES: dict[str, Callable[[], object]] = {"chunked": long_form, "with a length": lambda: Sized(200 * MIB)}


def status_if_any(send: Callable[[], requests.Response]) -> int:
    """Return the status of the response, or 0 if the server closed the connection while the client was sending."""
    try:
        return send().status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/Messages/Jobs", "/Messages/Configuration", "/Jobs/JS1", "/nowhere", "storage"])
def test_body_without_credentials_is_not_kept(sim: Simulator, storage: requests.Session, body: str, path: str) -> None:
    url = sim.storage_url if path == "storage" else path
    before = memory_in_use()
    assert status_if_any(lambda: storage.post(url, data=BODIES[body](), headers=FORM)) in (0, 401, 404, 405)
    assert memory_in_use() - before < 40 * MIB
    assert all(not entry.form for entry in sim.requests)
    assert storage.get("/Messages").status_code == 401


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_body_longer_than_any_form_is_refused(sim: Simulator, api: requests.Session, body: str, method: str) -> None:
    before = memory_in_use()
    assert status_if_any(lambda: api.request(method, "/Messages/Jobs", data=BODIES[body](), headers=FORM)) in (0, 413)
    assert memory_in_use() - before < 40 * MIB
    assert not sim.state.jobs
    assert api.get("/Messages").status_code == 200


def test_missing_credentials_are_refused_before_the_body_arrives(sim: Simulator) -> None:
    parts = urlsplit(sim.base_url)
    head = f"POST /v1/Exports/Messages/Jobs HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 5\r\n\r\n"
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).split()[1] == b"401"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_long_friendly_name_is_accepted(sim: Simulator, api: requests.Session) -> None:
    form = {"StartDay": "2026-11-01", "EndDay": "2026-11-01", "FriendlyName": "n" * 500_000}
    assert api.post("/Messages/Jobs", data=form).status_code == 201
