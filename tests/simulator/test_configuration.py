"""Automatic daily export and its settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from airflow_provider_bulkexports.simulator import Rejection, Simulator

PATH = "/Messages/Configuration"


def days(api: requests.Session) -> list[str]:
    return [entry["day"] for entry in api.get("/Messages/Days").json()["days"]]


def test_initial_configuration_is_off_and_empty(sim: Simulator, api: requests.Session) -> None:
    assert api.get(PATH).json() == {
        "url": f"{sim.base_url}/v1/Exports/Messages/Configuration",
        "enabled": False,
        "webhook_url": "",
        "webhook_method": "",
        "resource_type": "Messages",
    }
    sim.knobs.configuration_null = True
    assert api.get(PATH).json()["webhook_url"] is api.get(PATH).json()["webhook_method"] is None


def test_update_changes_only_the_given_settings(api: requests.Session) -> None:
    api.post(PATH, data={"Enabled": "true", "WebhookUrl": "http://127.0.0.1/x"})
    response = api.post(PATH, data={"WebhookMethod": "GET"})
    assert response.status_code == 200
    settings = response.json()
    assert (settings["enabled"], settings["webhook_url"], settings["webhook_method"]) == (
        True,
        "http://127.0.0.1/x",
        "GET",
    )
    assert api.post(PATH, data={"WebhookUrl": ""}).json()["webhook_url"] == ""
    assert api.get("/Calls/Configuration").json()["enabled"] is False


@pytest.mark.parametrize("form", [{"Enabled": "yes"}, {"WebhookUrl": "nonsense"}, {"WebhookMethod": "PATCH"}])
def test_invalid_settings_are_rejected(api: requests.Session, form: dict[str, str]) -> None:
    assert api.post(PATH, data=form).status_code == 400
    assert api.get(PATH).json()["enabled"] is False


def test_account_without_editions_can_be_rejected(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.daily_export_refused = Rejection(403, 20403)
    assert api.post(PATH, data={"Enabled": "true"}).status_code == 403
    assert api.post(PATH, data={"WebhookMethod": "GET"}).status_code == 200


def test_daily_export_makes_a_file_after_each_day(sim: Simulator, api: requests.Session) -> None:
    api.post(PATH, data={"Enabled": "True"})
    sim.clock.advance(12 * 3600 + 899)
    assert days(api) == []
    sim.clock.advance(1)
    assert days(api) == ["2026-11-24"]
    sim.clock.advance(2 * 86400)
    assert days(api) == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert api.get("/Messages/Days").json()["days"][0]["friendly_name"] is None
    assert api.get("/Messages/Jobs").json()["jobs"] == []
    assert sim.state.service.quota.used(sim.account_sid, sim.clock.now().date()) == 0


def test_daily_export_can_be_late(sim: Simulator, api: requests.Session) -> None:
    sim.knobs.daily_export_seconds = 7200
    sim.state.set_enabled("Messages")
    sim.clock.advance(14 * 3600 - 1)
    assert days(api) == []
    sim.clock.advance(1)
    assert days(api) == ["2026-11-24"]


def test_daily_export_stops_when_switched_off(sim: Simulator, api: requests.Session) -> None:
    for enabled in (True, True, False, True):
        sim.state.set_enabled("Messages", enabled)
    sim.clock.advance(86400)
    sim.state.set_enabled("Messages", False)
    sim.clock.advance(3 * 86400)
    assert days(api) == ["2026-11-24"]


def test_daily_files_and_job_files_are_listed_oldest_first(sim: Simulator, api: requests.Session) -> None:
    sim.state.set_enabled("Messages")
    sim.knobs.queue_seconds = 18 * 3600
    sim.create_job("Messages", "2026-11-01", "2026-11-01")
    sim.clock.advance(2 * 86400)
    assert days(api) == ["2026-11-24", "2026-11-01", "2026-11-25"]


def test_daily_export_follows_scripted_days(sim: Simulator, api: requests.Session) -> None:
    sim.state.set_enabled("Messages")
    sim.state.fail_day("Messages", "2026-11-24")
    sim.state.empty_day("Messages", "2026-11-25")
    sim.clock.advance(3 * 86400)
    assert days(api) == ["2026-11-25", "2026-11-26"]


def test_subaccount_has_its_own_configuration(
    sim: Simulator, api: requests.Session, session_of: Callable[..., requests.Session]
) -> None:
    child = sim.subaccounts[0]
    sim.state.set_enabled("Messages", account=child)
    assert api.get(PATH).json()["enabled"] is False
    assert session_of((child.sid, child.auth_token)).get(PATH).json()["enabled"] is True
