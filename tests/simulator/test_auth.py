"""Credentials decide which account a request acts on."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator

SessionOf = Callable[[tuple[str, str] | None], requests.Session]


def test_auth_token_and_api_key_reach_the_same_account(sim: Simulator, session_of: SessionOf) -> None:
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    for auth in (sim.auth, (sim.api_key_sid, sim.api_key_secret)):
        assert len(session_of(auth).get("/Messages/Jobs").json()["jobs"]) == 1


def test_each_account_has_its_own_data(sim: Simulator, session_of: SessionOf) -> None:
    child = sim.subaccounts[0]
    job = sim.create_job("Messages", "2026-11-01", "2026-11-02", account=child)
    sim.finish_jobs()
    parent, own = session_of(sim.auth), session_of((child.sid, child.auth_token))
    assert own.get("/Messages/Jobs").json()["jobs"][0]["job_sid"] == job.sid
    assert len(own.get("/Messages/Days").json()["days"]) == 2
    assert parent.get("/Messages/Jobs").json()["jobs"] == parent.get("/Messages/Days").json()["days"] == []
    for method in ("GET", "DELETE"):
        assert parent.request(method, f"/Jobs/{job.sid}").status_code == 404
    assert parent.get("/Messages/Days/2026-11-01").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer something",
        "Digest username=x",
    ],
)
def test_unusable_authorization_header_gets_401(storage: requests.Session, header: str | None) -> None:
    response = storage.get("/Messages", headers={} if header is None else {"Authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, 20003)
    assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_wrong_token_gets_401(sim: Simulator, session_of: SessionOf) -> None:
    child = sim.subaccounts[0]
    for auth in ((sim.account_sid, "wrong"), (sim.account_sid, child.auth_token), (sim.api_key_sid, sim.auth_token)):
        assert session_of(auth).get("/Messages").status_code == 401


def test_bearer_token_needs_its_knob(sim: Simulator, storage: requests.Session) -> None:
    headers = {"Authorization": f"Bearer {sim.bearer_token}"}
    assert storage.get("/Messages", headers=headers).status_code == 401
    sim.knobs.accept_bearer = True
    assert storage.get("/Messages", headers=headers).status_code == 200


@pytest.mark.parametrize("status", [401, 403])
def test_key_without_permission_gets_70051(sim: Simulator, session_of: SessionOf, status: int) -> None:
    sim.knobs.key_denied_status = status
    response = session_of((sim.api_key_sid, sim.api_key_secret)).get("/Messages")
    assert (response.status_code, response.json()["code"]) == (status, 70051)
    assert session_of(sim.auth).get("/Messages").status_code == 200
