"""The Test button: one free question, and a sentence that says what is wrong but never a secret."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

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
    assert ask() == (True, f"Connected to {sim.base_url} as account {sim.account_sid}")
    assert [(entry.method, entry.path) for entry in sim.requests] == [("GET", "/v1/Exports/Messages")]


def test_success_with_an_api_key_names_the_account_if_it_is_known(ask: Ask, sim: Simulator) -> None:
    assert ask(api_key=True) == (True, f"Connected to {sim.base_url} as account {sim.account_sid}")
    assert ask(api_key=True, extra={}) == (True, f"Connected to {sim.base_url} as the API key's account")


def test_a_wrong_token_is_told_from_everything_else(ask: Ask, connection: str) -> None:
    works, sentence = ask(password="0" * 32)

    assert not works
    assert sentence.startswith(f"Twilio refused the credentials of connection {connection!r}")
    assert "HTTP 401" in sentence
    assert "Check the connection's login" in sentence


def test_a_key_without_the_permission_is_told_which_to_use(ask: Ask, sim: Simulator) -> None:
    sim.knobs.key_denied_status = 403

    works, sentence = ask(api_key=True)

    assert not works
    assert "HTTP 403" in sentence
    assert "use a Standard or Main API key" in sentence


def test_a_server_that_does_not_listen_could_not_be_reached(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    works, sentence = ask(host=f"http://127.0.0.1:{port}")

    assert not works
    assert sentence.startswith("Twilio could not be reached")
    assert "Check the network" in sentence


def test_a_web_page_is_not_taken_for_twilio(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=200, body="<html><h1>Welcome</h1></html>"))

    works, sentence = ask()

    assert not works
    assert "text/html" in sentence
    assert "is the connection's host Twilio's BulkExports API" in sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extra": {"region": "ie1"}}, "us1 only"),
        ({"password": ""}, "no password"),
        ({"login": "me"}, "neither an Account SID nor an API key SID"),
    ],
)
def test_a_connection_that_cannot_be_right_is_not_tried(
    ask: Ask, sim: Simulator, changes: dict[str, Any], words: str
) -> None:
    works, sentence = ask(**changes)

    assert not works
    assert words in sentence
    assert len(sim.requests) == 0


def test_a_passing_fault_is_survived(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=503, times=2))

    assert ask()[0]


def test_a_server_that_echoes_the_credentials_does_not_give_them_away(ask: Ask, sim: Simulator) -> None:
    sim.faults.add(Fault(status=400, body={"message": f"no {sim.auth_token} here", "code": 20001, "status": 400}))

    works, sentence = ask()

    assert (works, "***" in sentence) == (False, True)
