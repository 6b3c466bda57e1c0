"""Starting and stopping, and what a simulator says about itself."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from airflow_provider_bulkexports import simulator as package
from airflow_provider_bulkexports.simulator import Fault, Knobs, Simulator


def test_both_origins_respond_only_while_started() -> None:
    simulator = Simulator()
    with simulator:
        assert requests.get(simulator.base_url, timeout=5).status_code == 404
        assert requests.get(simulator.storage_url, timeout=5).status_code == 403
        assert simulator.base_url != simulator.storage_url
    for origin in (simulator.base_url, simulator.storage_url):
        with pytest.raises(requests.ConnectionError):
            requests.get(origin, timeout=5)


def test_restart_keeps_ports_and_state(sim: Simulator, api: requests.Session) -> None:
    job = sim.create_job("Calls", "2026-11-01", "2026-11-02")
    before = sim.base_url
    sim.stop()
    sim.start()
    assert sim.base_url == before
    assert api.get(f"/Jobs/{job.sid}").json()["job_sid"] == job.sid


def test_starting_twice_is_an_error_and_stopping_twice_is_not(sim: Simulator) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        sim.start()
    sim.stop()
    sim.stop()


def test_stop_does_not_wait_for_open_connections(
    sim: Simulator, api: requests.Session, storage: requests.Session
) -> None:
    api.get("/Messages")
    sim.faults.add(Fault(delay=60))
    errors: list[Exception] = []

    def ask() -> None:
        try:
            storage.get("/Messages")
        except requests.RequestException as error:
            errors.append(error)

    request = threading.Thread(target=ask)
    request.start()
    while len(sim.requests) < 2:
        time.sleep(0.001)
    began = time.monotonic()
    sim.stop()
    request.join(5)
    assert time.monotonic() - began < 2
    assert isinstance(errors[0], requests.ConnectionError)


def test_stop_before_the_servers_run_ends_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when Ctrl-C comes during the start."""
    simulator = Simulator()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", interrupted_wait)
        with pytest.raises(KeyboardInterrupt):
            simulator.start()
    simulator.stop()
    assert "twilio-simulator" not in {thread.name for thread in threading.enumerate()}
    simulator.start()
    simulator.stop()


def interrupted_wait(event: threading.Event, timeout: float | None = None) -> bool:
    """Interrupts who waits for the servers, but not who starts a thread."""
    if sys._getframe(1).f_code.co_filename == threading.__file__:
        with event._cond:  # type: ignore[attr-defined]
            return event._flag or event._cond.wait(timeout)  # type: ignore[attr-defined]
    raise KeyboardInterrupt


def test_taken_storage_port_frees_the_port_of_the_api(sim: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        Simulator(api_port=port, storage_port=int(sim.storage_url.rpartition(":")[2])).start()
    socket.create_server(("127.0.0.1", port)).close()


def test_taken_port_is_an_error_at_start(sim: Simulator) -> None:
    port = int(sim.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Simulator(api_port=port).start()


def test_credentials_are_valid_and_follow_the_seed() -> None:
    one, same, other = Simulator(seed=1), Simulator(seed=1), Simulator(seed=2)
    assert one.account_sid[:2] == "AC"
    assert int(one.account_sid[2:], 16)
    assert len(one.account_sid) == 34
    assert one.api_key_sid[:2] == "SK"
    assert len(one.api_key_sid) == 34
    assert (one.auth, one.api_key_secret, one.bearer_token) == (same.auth, same.api_key_secret, same.bearer_token)
    assert one.account_sid != other.account_sid
    assert one.subaccounts[0].parent_sid == one.account_sid


def test_given_credentials_are_used() -> None:
    simulator = Simulator(account_sid="AC" + "0" * 32, auth_token="secret", subaccounts=3)
    assert simulator.auth == ("AC" + "0" * 32, "secret")
    assert len(simulator.subaccounts) == 3


def test_connection_json_has_the_fields_of_airflow(sim: Simulator) -> None:
    plain = json.loads(sim.connection_json())
    assert plain == {
        "conn_type": "twilio_bulkexports",
        "host": sim.base_url,
        "port": int(sim.base_url.rpartition(":")[2]),
        "login": sim.account_sid,
        "password": sim.auth_token,
    }
    with_key = json.loads(sim.connection_json(api_key=True, account=sim.subaccounts[0]))
    assert with_key["login"] == sim.subaccounts[0].api_key_sid
    assert with_key["extra"] == {"account_sid": sim.subaccounts[0].sid}


def test_urls_have_the_public_host() -> None:
    simulator = Simulator(host="127.0.0.1", public_host="localhost")
    with simulator:
        assert simulator.base_url.startswith("http://localhost:")
        assert requests.get(simulator.base_url, timeout=5).status_code == 404


def test_misspelled_knob_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Knobs().queue_second = 1  # type: ignore[attr-defined]


def test_knobs_can_be_replaced_while_running(sim: Simulator, api: requests.Session) -> None:
    sim.knobs = Knobs(resource_type_null=True)
    sim.create_job("Calls", "2026-11-01", "2026-11-02")
    assert api.get("/Calls/Jobs").json()["jobs"][0]["resource_type"] is None


def test_ordinary_requests_log_nothing(sim: Simulator, api: requests.Session, caplog: pytest.LogCaptureFixture) -> None:
    sim.faults.add(Fault(drop=True))
    with pytest.raises(requests.ConnectionError):
        api.get("/Messages")
    api.get("/Messages")
    sim.stop()
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "airflow_prov"))] == []


def test_error_of_the_simulator_itself_is_logged(
    sim: Simulator, api: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    sim.knobs.details_on_create = "nonsense"  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR):
        response = api.post("/Calls/Jobs", data={"StartDay": "2026-11-01", "EndDay": "2026-11-01", "FriendlyName": "x"})
        sim.stop()
    assert response.status_code == 500
    assert "failed to answer POST /v1/Exports/Calls/Jobs" in caplog.text


def test_package_imports_without_a_web_server() -> None:
    script = (
        "import sys; sys.modules['uvicorn'] = sys.modules['starlette'] = None\n"
        "import airflow_provider_bulkexports.simulator as simulator\n"
        "simulator.Knobs(), simulator.Fault(), simulator.SimulatedClock()\n"
        "import airflow_provider_bulkexports.simulator.service.state\n"
        "try:\n    simulator.Simulator\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "airflow-provider-bulkexports[simulator]" in result.stdout


def test_simulator_serves_without_airflow() -> None:
    script = (
        "import sys, http.client; sys.modules['airflow'] = None\n"
        "from airflow_provider_bulkexports.simulator import Simulator\n"
        "with Simulator() as simulator:\n"
        "    connection = http.client.HTTPConnection(simulator.base_url.removeprefix('http://'))\n"
        "    connection.request('GET', '/v1/Exports/Calls/Jobs', headers={'Accept': 'text/html'})\n"
        "    print(connection.getresponse().status)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "200\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["simulate", "--help"]], ids=" ".join)
def test_version_and_help_load_no_web_server(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from airflow_provider_bulkexports.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print('loaded:', *sorted(loaded & {'airflow', 'starlette', 'uvicorn'}))"
    )
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "loaded:"


def test_package_lists_its_public_names() -> None:
    assert dir(package) == sorted(package.__all__)
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError):
        package.nonsense  # noqa: B018
