"""Airflow's web pages: the connection form, its Test button, and the link to the export."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support.harness import Airflow
from support.harness.browser import Locator, Page, expect, open_page, take_picture
from support.harness.deadlines import free_port

from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE, connection_form
from airflow_provider_bulkexports.simulator import Simulator

HOST, LOGIN, PASSWORD = "Base URL", "Account SID or API key SID", "Auth Token or API key secret"
CONF = {"resource_type": "Calls", "start_day": "2026-02-01", "end_day": "2026-02-03"}


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def test_form_shows_every_field_and_hides_the_secret(airflow: Airflow, simulator: Simulator, page: Page) -> None:
    form = new_connection(airflow, page, "twilio_form")
    declared = connection_form()
    for name, label in declared["ui-field-behaviour"]["relabeling"].items():
        placeholder = declared["ui-field-behaviour"]["placeholders"][name]
        expect(form.get_by_text(label, exact=True)).to_be_visible()
        expect(form.get_by_placeholder(placeholder, exact=True)).to_be_visible()
    expect(form.get_by_role("textbox", name=PASSWORD)).to_have_attribute("type", "password")
    expect(form.get_by_text("Schema", exact=True)).to_have_count(0)
    take_picture(page, "form standard fields")

    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for field in declared["conn-fields"].values():
        expect(form.get_by_text(field["label"], exact=True)).to_be_visible()
        expect(form.get_by_text(field["description"], exact=True)).to_be_visible()
    region = form.get_by_role("combobox", name="Region")
    expect(region).to_be_visible()
    take_picture(page, "form extra fields")
    region.click()
    expect(page.get_by_role("option")).to_have_text(["us1"])
    region.press("Backspace")  # clears it

    form.get_by_role("button", name="Standard Fields").click()
    fill(form, simulator.base_url, *simulator.auth)
    save(form)
    row = row_of(page, "twilio_form")
    row.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("status").filter(has_text="Test Connection Successful")).to_be_visible()
    row.get_by_role("button", name="Edit Connection").click()
    expect(page.get_by_role("textbox", name=LOGIN)).to_have_value(simulator.account_sid)
    assert simulator.auth_token not in page.content()
    assert page.get_by_role("textbox", name=PASSWORD).input_value() != simulator.auth_token
    take_picture(page, "form opened again")


@pytest.mark.parametrize("case", ["right", "wrong token", "unreachable"])
def test_test_button_reports_the_result(airflow: Airflow, simulator: Simulator, page: Page, case: str) -> None:
    conn_id = f"twilio_{case.replace(' ', '_')}"
    host = f"http://127.0.0.1:{free_port()}" if case == "unreachable" else simulator.base_url
    token = "0" * 32 if case == "wrong token" else simulator.auth_token
    store_connection(airflow, conn_id, host, simulator.account_sid, token)
    page.goto(f"{airflow.url}/connections")
    button = row_of(page, conn_id).get_by_role("button", name="Test Connection")
    button.click()
    said = {
        "right": f"Connected to {host} as account {simulator.account_sid}; this is a simulator or another host of "
        "yours, not Twilio: clear the connection's host to reach Twilio",
        "wrong token": f"Wrong credentials: {host} refused the login and password (Authenticate: Your AccountSid or "
        "AuthToken was incorrect., HTTP 401, Twilio error 20003): copy both again from Twilio's console with region "
        "US1 selected, since those of another region or account are rejected the same way",
        "unreachable": f"{host} could not be reached: start the server that should listen there, or correct the "
        "connection's host, or clear it to reach Twilio.",
    }[case]
    result, color = ("Successful", "green") if case == "right" else ("Failed", "red")
    toast = page.get_by_role("status").filter(has_text=f"Test Connection {result}")
    expect(toast).to_contain_text(said)
    expect(button.locator("svg")).to_have_attribute("color", color)
    take_picture(page, f"test {case}")


def test_connection_that_the_simulator_prints_passes_every_test(
    airflow: Airflow, simulator: Simulator, page: Page
) -> None:
    """Airflow 3.3.1 and 3.3.2 respond "Bad Request" to the button unless the stored connection has a port."""
    printed = simulator.connection_json()
    airflow.run_command("connections", "add", "twilio_printed", "--conn-json", printed)
    said = f"Connected to {simulator.base_url} as account {simulator.account_sid}"

    assert "Connection success!" in airflow.run_command("connections", "test", "twilio_printed")
    body = {"connection_id": "twilio_printed", **json.loads(printed)}
    assert said in airflow.rest("POST", "/connections/test", json=body)["message"]

    page.goto(f"{airflow.url}/connections")
    row_of(page, "twilio_printed").get_by_role("button", name="Test Connection").click()
    toast = page.get_by_role("status").filter(has_text="Test Connection Successful")
    expect(toast).to_contain_text(said)
    take_picture(page, "test of the printed connection")


def test_link_leads_from_task_to_job(airflow: Airflow, simulator: Simulator, page: Page) -> None:
    run_id = airflow.trigger("export_days", conf=CONF)
    airflow.wait_for_state("export_days", run_id, "wait", {"deferred"})
    follow_link(airflow, simulator, page, run_id, "wait", "deferred")
    simulator.finish_jobs()
    assert airflow.wait_for_run("export_days", run_id) == "success"
    for task_id in ("create", "wait"):
        follow_link(airflow, simulator, page, run_id, task_id, "finished")


def new_connection(airflow: Airflow, page: Page, conn_id: str) -> Locator:
    """Open the form of a new Twilio BulkExports connection."""
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Connection ID").fill(conn_id)
    form.get_by_role("combobox", name="Connection Type").click()
    page.get_by_role("option", name="Twilio BulkExports").click()
    return form


def fill(form: Locator, host: str, login: str, password: str) -> None:
    """Fill in the simulator's address and credentials, and a port, without which Airflow 3.3.2 refuses to test."""
    for label, value in {HOST: host, LOGIN: login, PASSWORD: password}.items():
        form.get_by_role("textbox", name=label).fill(value)
    form.get_by_placeholder(connection_form()["ui-field-behaviour"]["placeholders"]["port"]).fill("0")


def save(form: Locator) -> None:
    """Save, and wait until the form is closed."""
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)


def store_connection(airflow: Airflow, conn_id: str, host: str, login: str, password: str) -> None:
    """
    Store a connection that Airflow 3.3's Test button accepts.

    For a connection without a port, the button sends port 0. Airflow 3.3.2 takes that for another destination than the
    stored one, and responds "Bad Request".
    """
    fields = {"conn_type": CONNECTION_TYPE, "host": host, "port": 0, "login": login, "password": password}
    airflow.rest("POST", "/connections", json={"connection_id": conn_id, **fields})


def row_of(page: Page, conn_id: str) -> Locator:
    """Return the connection's row in the list."""
    return page.get_by_role("row").filter(has=page.get_by_text(conn_id, exact=True))


def follow_link(airflow: Airflow, simulator: Simulator, page: Page, run_id: str, task_id: str, when: str) -> None:
    """Click a task's link, and check that the page shows the job and its days."""
    page.goto(f"{airflow.url}/dags/export_days/runs/{run_id}/tasks/{task_id}/details")
    link = page.get_by_role("link", name="Twilio export")
    expect(link).to_be_visible()
    take_picture(page, f"link on {when} {task_id}")
    with page.expect_popup() as popup:
        link.click()
    (job,) = simulator.state.jobs.values()
    for shown in (job.sid, CONF["start_day"], CONF["end_day"]):
        expect(popup.value.locator("body")).to_contain_text(shown)
    take_picture(popup.value, f"job of {when} {task_id}")
    popup.value.close()
