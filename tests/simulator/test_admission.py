"""What is refused by the head of a request: a host that is not this server, a body of nobody known, one too long."""

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


def answered(origin: str, host: str | None, path: str, *more: str) -> str:
    """Status line, head and body of the answer to a GET for a host, whatever ``origin`` is."""
    parts = urlsplit(origin)
    lines = [f"GET {path} HTTP/1.{0 if host is None else 1}", *more, "Connection: close"]
    lines += [] if host is None else [f"Host: {host}"]
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def status(answer: str) -> int:
    return int(answer.split()[1])


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
def test_a_foreign_host_is_refused_on_every_route_and_named_in_no_link(
    sim: Simulator, origin: str, host: str, path: str
) -> None:
    url = getattr(sim, origin)
    for accept in ("text/html", "application/json"):
        answer = answered(url, host.format(port=urlsplit(url).port), path, f"Accept: {accept}")
        assert status(answer) in (400, 421)
        assert "evil" not in answer
    assert all(entry.status == 421 for entry in sim.requests)


def test_a_foreign_host_is_refused_with_valid_credentials_and_before_any_fault(
    sim: Simulator, api: requests.Session
) -> None:
    sim.faults.add(Fault(status=503))
    assert api.get("/Messages/Jobs", headers={"Host": "evil.example"}).status_code == 421
    assert api.post("/Messages/Jobs", headers={"Host": "evil.example"}, data={"a": "b"}).status_code == 421
    assert api.get("/Messages/Jobs").status_code == 503


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}", "127.1.2.3:{port}", "localhost:9"]
)
def test_loopback_names_are_answered_and_named_in_links(sim: Simulator, host: str) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    asked = host.format(port=urlsplit(sim.base_url).port)
    answer = answered(sim.base_url, asked, "/v1/Exports/Messages/Jobs", "Accept: text/html")
    assert status(answer) == 200
    assert {urlsplit(link).netloc for link in LINK.findall(answer)} == {asked}


def test_a_request_without_a_host_gets_links_to_the_configured_origin(sim: Simulator) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    basic = requests.Request("GET", "http://x", auth=sim.auth).prepare().headers["Authorization"]
    answer = answered(sim.base_url, None, "/v1/Exports/Messages/Jobs", f"Authorization: {basic}")
    assert status(answer) == 200
    assert {urlsplit(link).netloc for link in LINK.findall(answer)} == {urlsplit(sim.base_url).netloc}


def test_names_that_the_simulator_was_started_for_are_answered() -> None:
    with Simulator(public_host="simulator.test", allowed_hosts=["other.test"]) as simulator:
        local = f"http://127.0.0.1:{urlsplit(simulator.base_url).port}"
        for host, expected in (("simulator.test:80", 401), ("other.test", 401), ("third.test", 421)):
            assert status(answered(local, host, "/v1/Exports/Messages")) == expected


def test_a_simulator_on_every_address_answers_to_the_one_that_was_asked() -> None:
    with Simulator(host="0.0.0.0", public_host="localhost") as simulator:
        local = f"http://127.0.0.2:{urlsplit(simulator.base_url).port}"
        assert status(answered(local, "127.0.0.2", "/v1/Exports/Messages")) == 401
        assert status(answered(local, "8.8.8.8", "/v1/Exports/Messages")) == 421


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_it_can_listen_on_an_ipv6_address(host: str) -> None:
    with Simulator(host=host) as simulator:
        assert simulator.base_url.startswith("http://[::1]:")
        answer = requests.get(f"{simulator.base_url}/v1/Exports/Messages", auth=simulator.auth, timeout=10)
        assert answer.json()["url"] == f"{simulator.base_url}/v1/Exports/Messages"


def resident() -> int:
    """Bytes of memory that this process, and the simulator in it, occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def much(size: int = 200 * MIB) -> Iterator[bytes]:
    """A form that never ends, nearly."""
    piece = b"a" * 65536
    yield b"FriendlyName="
    for _ in range(size // len(piece)):
        yield piece


class Sized:
    """A long body that is made while it is sent, of known length."""

    def __init__(self, size: int) -> None:
        self._pieces = much(size)
        self.len = size + len(b"FriendlyName=")

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODIES: dict[str, Callable[[], object]] = {"chunked": much, "with a length": lambda: Sized(200 * MIB)}


def refused(send: Callable[[], requests.Response]) -> int:
    """Status of the answer; some servers close on whoever is still sending, which is a refusal too."""
    try:
        return send().status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/Messages/Jobs", "/Messages/Configuration", "/Jobs/JS1", "/nowhere", "storage"])
def test_a_body_of_nobody_known_is_not_kept(sim: Simulator, storage: requests.Session, body: str, path: str) -> None:
    url = sim.storage_url if path == "storage" else path
    before = resident()
    assert refused(lambda: storage.post(url, data=BODIES[body](), headers=FORM)) in (0, 401, 404, 405)
    assert resident() - before < 40 * MIB
    assert all(not entry.form for entry in sim.requests)
    assert storage.get("/Messages").status_code == 401


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_body_longer_than_any_form_is_refused_and_not_kept(
    sim: Simulator, api: requests.Session, body: str, method: str
) -> None:
    before = resident()
    assert refused(lambda: api.request(method, "/Messages/Jobs", data=BODIES[body](), headers=FORM)) in (0, 413)
    assert resident() - before < 40 * MIB
    assert not sim.state.jobs
    assert api.get("/Messages").status_code == 200


def test_nobody_known_is_told_so_before_the_body_arrives(sim: Simulator) -> None:
    parts = urlsplit(sim.base_url)
    head = f"POST /v1/Exports/Messages/Jobs HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 5\r\n\r\n"
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).split()[1] == b"401"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_form_of_ordinary_length_is_taken(sim: Simulator, api: requests.Session) -> None:
    form = {"StartDay": "2026-11-01", "EndDay": "2026-11-01", "FriendlyName": "n" * 500_000}
    assert api.post("/Messages/Jobs", data=form).status_code == 201
