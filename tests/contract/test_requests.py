"""Requests of the client, the hook and the tasks conform to Twilio's OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.hooks.bulkexports import BulkExportsHook
from airflow_provider_bulkexports.operators.bulkexports import CreateExportCustomJobOperator, DeleteExportJobOperator
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
from airflow_provider_bulkexports.simulator import Knobs, Simulator
from airflow_provider_bulkexports.simulator.request_log import LoggedRequest

pytestmark = pytest.mark.slow  # hundreds of generated requests

RESOURCE_TYPES = ("Messages", "Calls", "Conferences", "Participants")
FORM = "application/x-www-form-urlencoded"


class Judge:
    """Finds what the document does not allow in a request."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        # OpenAPI matches literal segments before variable ones.
        self._templates = sorted(document["paths"], key=lambda template: template.count("{"))

    def operation_of(self, request: LoggedRequest) -> tuple[str, Mapping[str, Any], dict[str, str]] | None:
        """Return the operation's id, its definition and the values in the path; ``None`` for an unknown operation."""
        for template in self._templates:
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, request.path)
            operation = self._document["paths"][template].get(request.method.lower())
            if match and operation:
                return operation["operationId"], operation, match.groupdict()
        return None

    def complaints(self, request: LoggedRequest) -> list[str]:
        """Return everything that is wrong with a request."""
        found = self.operation_of(request)
        if found is None:
            return [f"no operation {request.method} {request.path}"]
        _, operation, in_path = found
        return [
            *self._about_credentials(request, operation),
            *self._about_parameters("path", in_path, operation),
            *self._about_parameters("query", request.query, operation),
            *self._about_body(request, operation),
        ]

    def _about_credentials(self, request: LoggedRequest, operation: Mapping[str, Any]) -> Iterator[str]:
        schemes = self._document["components"]["securitySchemes"]
        accepted = [schemes[name]["scheme"] for scheme in operation["security"] for name in scheme]
        if request.headers.get("authorization", "").partition(" ")[0].lower() not in accepted:
            yield f"credentials are not {accepted}"

    def _about_parameters(self, place: str, values: Mapping[str, str], operation: Mapping[str, Any]) -> Iterator[str]:
        declared = {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["in"] == place}
        required = [name for name, parameter in declared.items() if parameter.get("required")]
        schemas = {name: parameter["schema"] for name, parameter in declared.items()}
        yield from _complaints_about_fields(place, values, schemas, required)

    def _about_body(self, request: LoggedRequest, operation: Mapping[str, Any]) -> Iterator[str]:
        kind = request.headers.get("content-type")
        has_body = request.headers.get("content-length", "0") != "0"
        if "requestBody" not in operation:
            if kind or has_body:
                yield "a body where none is declared"
            return
        content = operation["requestBody"]["content"]
        if has_body and kind not in content:
            yield f"a body of type {kind}"
        schema = content[FORM]["schema"]
        yield from _complaints_about_fields("form", request.form, schema["properties"], schema.get("required", []))


def _complaints_about_fields(
    place: str, values: Mapping[str, str], schemas: Mapping[str, Any], required: list[str]
) -> Iterator[str]:
    for name in required:
        if name not in values:
            yield f"{place} lacks {name}"
    for name, text in values.items():
        if name not in schemas:
            yield f"{place} has the unknown {name}"
        else:
            errors = jsonschema.Draft4Validator(schemas[name]).iter_errors(_read(text, schemas[name]))
            yield from (f"{place} {name}: {error.message}" for error in errors)
    if "ResourceType" in values and values["ResourceType"] not in RESOURCE_TYPES:
        yield f"{place} ResourceType: {values['ResourceType']} is none"


def _read(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the value of the declared type that a text stands for, else the text itself."""
    if schema["type"] == "integer" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if schema["type"] == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


@pytest.fixture
def judge(document: dict[str, Any]) -> Judge:
    return Judge(document)


def check(sim: Simulator, judge: Judge) -> set[str]:
    """Judge every request that arrived at the API, and return their operations."""
    operations = set()
    for request in sim.requests:
        if request.origin == "api":
            assert judge.complaints(request) == [], f"{request.method} {request.path} {request.query} {request.form}"
            found = judge.operation_of(request)
            assert found is not None
            operations.add(found[0])
    return operations


class Call(NamedTuple):
    """A call of the client, and the operation that it requests."""

    operation_id: str
    ask: Callable[[BulkExportsClient, str, str], Any]


def create(client: BulkExportsClient, resource_type: str, **options: Any) -> Any:
    name = options.pop("friendly_name", "contract")
    return client.create_job(resource_type, start_day="2026-01-01", end_day="2026-01-02", friendly_name=name, **options)


HOOK = {"webhook_url": "https://hooks.example.com/?run=1&day=2#rc=3", "webhook_method": "POST"}
CALLS = {
    "create_job": Call("CreateExportCustomJob", lambda c, kind, _: create(c, kind)),
    "create_job, all fields": Call(
        "CreateExportCustomJob", lambda c, kind, _: create(c, kind, email="data+export@example.com", **HOOK)
    ),
    "list_jobs": Call("ListExportCustomJob", lambda c, kind, _: list(c.list_jobs(kind))),
    "get_job": Call("FetchJob", lambda c, _, sid: c.get_job(sid)),
    "delete_job": Call("DeleteJob", lambda c, _, sid: c.delete_job(sid)),
    "list_days": Call("ListDay", lambda c, kind, _: list(c.list_days(kind))),
    "get_day_link": Call("FetchDay", lambda c, kind, _: c.get_day_link(kind, "2026-01-01")),
    "get_export": Call("FetchExport", lambda c, kind, _: c.get_export(kind)),
    "get_configuration": Call("FetchExportConfiguration", lambda c, kind, _: c.get_configuration(kind)),
    "update_configuration, switched on": Call(
        "UpdateExportConfiguration", lambda c, kind, _: c.update_configuration(kind, enabled=True, **HOOK)
    ),
    "update_configuration, switched off": Call(
        "UpdateExportConfiguration", lambda c, kind, _: c.update_configuration(kind, enabled=False)
    ),
    "update_configuration, nothing": Call("UpdateExportConfiguration", lambda c, kind, _: c.update_configuration(kind)),
}


def test_calls_cover_every_documented_operation(document: dict[str, Any]) -> None:
    declared = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert {call.operation_id for call in CALLS.values()} == declared


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
@pytest.mark.parametrize("name", CALLS)
def test_client_method_sends_its_operation(
    sim: Simulator, client: BulkExportsClient, judge: Judge, name: str, resource_type: str
) -> None:
    job = sim.create_job(resource_type, "2026-01-01", "2026-01-02")
    sim.finish_jobs()
    CALLS[name].ask(client, resource_type, job.sid)
    assert check(sim, judge) == {CALLS[name].operation_id}


def test_requests_for_further_pages_are_as_documented(sim: Simulator, client: BulkExportsClient, judge: Judge) -> None:
    sim.knobs = Knobs(quota_days=5000)
    for number in range(1100):
        day = (date(2023, 1, 1) + timedelta(days=number)).isoformat()
        sim.create_job("Calls", day, day)
    sim.finish_jobs()
    assert len(list(client.list_jobs("Calls"))) == 1100
    assert len(list(client.list_days("Calls"))) == 1100
    assert check(sim, judge) == {"ListExportCustomJob", "ListDay"}
    assert len(sim.requests) == 2 + 3


@settings(deadline=None, derandomize=True, database=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_friendly_name_arrives_unchanged(
    sim: Simulator, client: BulkExportsClient, judge: Judge, name: str
) -> None:
    sim.knobs.quota_days = 1000
    create(client, "Messages", friendly_name=name)
    check(sim, judge)
    assert sim.requests[-1].form["FriendlyName"] == name


def test_api_key_is_sent_as_documented(sim: Simulator, judge: Judge) -> None:
    client = BulkExportsClient(sim.api_key_sid, sim.api_key_secret, base_url=sim.base_url)
    client.get_export("Messages")
    client.close()
    assert check(sim, judge) == {"FetchExport"}


def test_hook_and_tasks_send_only_documented_requests(
    sim: Simulator, connection: str, context: dict[str, Any], judge: Judge
) -> None:
    is_connected, message = BulkExportsHook(connection).test_connection()
    assert is_connected, message
    days = {"start_day": "2026-01-01", "end_day": "2026-01-03"}
    submit = CreateExportCustomJobOperator(
        task_id="submit", resource_type="Messages", email="data@example.com", **days, **HOOK
    )
    sid = submit.execute(context)
    wait = ExportCustomJobSensor(task_id="wait", job_sid=sid, resource_type="Messages", **days)
    assert not wait.poke(context)
    sim.finish_jobs()
    assert wait.poke(context)
    assert submit.execute(context) == sid
    DeleteExportJobOperator(task_id="delete", job_sid=sid).execute(context)
    operations = check(sim, judge)
    assert operations >= {"ListExportCustomJob", "CreateExportCustomJob", "FetchJob", "DeleteJob"}


GOOD = LoggedRequest(
    origin="api",
    method="POST",
    path="/v1/Exports/Calls/Jobs",
    query={},
    headers={"authorization": "Basic eA==", "content-type": FORM, "content-length": "9"},
    form={"StartDay": "2026-01-01", "EndDay": "2026-01-01", "FriendlyName": "x"},
    at=datetime(2026, 1, 1, tzinfo=timezone.utc),
)
LISTING = replace(GOOD, method="GET", headers={"authorization": "Basic eA=="}, form={})


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (replace(GOOD, path="/v1/Exports/calls/Jobs"), "path ResourceType: calls is none"),
        (replace(GOOD, path="/v1/Exports/Calls/Jobs/"), "no operation POST /v1/Exports/Calls/Jobs/"),
        (replace(GOOD, method="PUT"), "no operation PUT /v1/Exports/Calls/Jobs"),
        (replace(GOOD, headers={**GOOD.headers, "authorization": "Bearer x"}), "credentials are not ['basic']"),
        (replace(GOOD, headers={**GOOD.headers, "content-type": "text/plain"}), "a body of type text/plain"),
        (replace(GOOD, form={"StartDay": "2026-01-01", "EndDay": "2026-01-01"}), "form lacks FriendlyName"),
        (replace(GOOD, form={**GOOD.form, "Priority": "1"}), "form has the unknown Priority"),
        (replace(GOOD, query={"Page": "1"}), "query has the unknown Page"),
        (replace(LISTING, query={"PageSize": "1001"}), "query PageSize: 1001 is greater than the maximum of 1000"),
        (replace(LISTING, query={"PageSize": "all"}), "query PageSize: 'all' is not of type 'integer'"),
        (replace(LISTING, headers=GOOD.headers), "a body where none is declared"),
        (replace(LISTING, path="/v1/Exports/Jobs/JSx"), "path JobSid: 'JSx' is too short"),
        (
            replace(GOOD, path="/v1/Exports/Calls/Configuration", form={"Enabled": "True"}),
            "form Enabled: 'True' is not of type 'boolean'",
        ),
    ],
)
def test_judge_notices_undocumented_requests(judge: Judge, request_: LoggedRequest, complaint: str) -> None:
    assert judge.complaints(GOOD) == []
    assert judge.complaints(LISTING) == []
    assert complaint in judge.complaints(request_)
