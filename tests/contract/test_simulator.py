"""Responses of the simulator conform to Twilio's OpenAPI document, for any request and any knobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_bulkexports.simulator import Knobs, Rejection, Simulator
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob

pytest.importorskip("schemathesis", reason="the group 'contract' is not installed")

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

pytestmark = pytest.mark.slow  # hundreds of generated requests

#: Twilio's classic error (documentation of API responses), for any 4xx: the OpenAPI document has no errors.
ERROR = {
    "type": "object",
    "required": ["message", "status"],
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
        "code": {"type": "integer"},
        "more_info": {"type": "string", "format": "uri"},
        "detail": {"type": "string"},
    },
}
#: Values of knobs that break the document on purpose, as recorded responses did. So does its own example of a
#: configuration: the schema wants a URI or null where the example has an empty string.
BREAKING: Mapping[str, tuple[Any, ...]] = {
    "configuration_null": (False,),
    "day_fetch_body": ("absent",),
    "day_fetch_status": (200, 302),
    "details_on_create": ("{}",),
    "details_shape": ("by_status",),
    "listed_size": ("null",),
}
#: Values of knobs whose type does not list its values.
RANGES: Mapping[str, st.SearchStrategy[Any]] = {
    "day_fetch_misses": st.integers(0, 1),
    "details_delay_seconds": st.sampled_from([0.0, 1e6]),
    "details_missing_days": st.integers(0, 4),
    "details_words": st.sampled_from([{}, {"Submitted": "Pending", "Completed": "Done"}]),
    "error_rate": st.sampled_from([0.0, 0.5]),
    "empty_rate": st.sampled_from([0.0, 0.5]),
    "eta_digits": st.sampled_from([0, 3, 6, 9]),
    "eta_error_seconds": st.sampled_from([-1e6, 0.0, 1e6]),
    "failed_rate": st.sampled_from([0.0, 0.5]),
    "key_denied_status": st.sampled_from([None, 401, 403]),
}
METHODS = ("get", "post", "delete")
RESOURCE_TYPES = ("Messages", "Calls", "Conferences", "Participants")
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")


def official_document() -> dict[str, Any]:
    """
    Return the kept copy, with the errors that it does not document.

    The resource type, a free string there, is one of four here: otherwise almost every request would get 404. Requests
    that are generated to be invalid still have others.
    """
    document: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    for path in document["paths"].values():
        for method in path.keys() & METHODS:
            path[method]["responses"]["4XX"] = {"content": {"application/json": {"schema": ERROR}}}
            for parameter in path[method]["parameters"]:
                if parameter["name"] == "ResourceType":
                    parameter["schema"]["enum"] = list(RESOURCE_TYPES)
    return document


def knobs_within_the_document() -> st.SearchStrategy[Knobs]:
    """Any value of any knob, except those that break the document."""
    varied = dict(RANGES)
    for name, hint in get_type_hints(Knobs).items():
        choices = (False, True) if hint is bool else get_args(hint) if get_origin(hint) is Literal else ()
        if allowed := [choice for choice in choices if choice not in BREAKING.get(name, ())]:
            varied[name] = st.sampled_from(allowed)
        elif hint is Rejection:
            varied[name] = st.builds(Rejection, st.sampled_from([400, 403, 422, 429]), st.integers(20001, 99999))
    varied["drop_create_answer"] = st.just(False)
    return st.builds(Knobs, quota_days=st.just(10**9), **varied)


api = schemathesis.openapi.from_dict(official_document())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
OPERATIONS = {
    item[method]["operationId"]: api[path][method]
    for path, item in official_document()["paths"].items()
    for method in METHODS
    if method in item
}
KNOBS = knobs_within_the_document()
JOB_STATES = st.sampled_from(["queued", "running", "finished", "deleted"])
BOUNDED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def job_in(sim: Simulator, state: str, resource_type: str) -> SimulatedJob:
    """Create a job and bring it into a state; one of its days fails, another is empty."""
    sim.state.fail_day(resource_type, "2026-01-02", times=1)
    sim.state.empty_day(resource_type, "2026-01-03", times=1)
    job = sim.create_job(resource_type, DAYS[0], DAYS[-1], WebhookUrl="https://hooks.example.com", WebhookMethod="GET")
    if state == "running":
        sim.clock.advance(sim.knobs.queue_seconds + 1)
    elif state == "finished":
        sim.finish_jobs()
    elif state == "deleted":
        sim.state.delete_job(sim.account, job.sid)
    return job


def aim(case: Any, job: SimulatedJob, choice: int) -> None:
    """Point a generated request to existing resources; the rest stays as generated."""
    existing = {"ResourceType": job.request.resource_type.value, "JobSid": job.sid, "Day": DAYS[choice]}
    case.path_parameters = {name: existing[name] for name in case.path_parameters}
    case.query = {name: value for name, value in (case.query or {}).items() if name != "PageToken"}
    if "PageSize" in case.query:
        case.query["PageSize"] = choice + 1
    if isinstance(case.body, dict):
        meant = {"StartDay": DAYS[choice], "EndDay": DAYS[-1], "WebhookUrl": "https://hooks.example.com/?a=b"}
        case.body = {name: meant.get(name, value) for name, value in case.body.items()}
        if "WebhookUrl" in case.body:
            case.body["WebhookMethod"] = "POST"


def call(case: Any, sim: Simulator, auth: tuple[str, str] | None) -> Any:
    """Send a request and check the response."""
    return case.call_and_validate(base_url=sim.base_url, auth=auth, allow_redirects=False, checks=CHECKS)


@api.parametrize()
@settings(BOUNDED, max_examples=50)
def test_any_request_gets_a_documented_response(case: Any, sim: Simulator) -> None:
    sim.knobs.configuration_null = True
    call(case, sim, sim.auth)


@pytest.mark.parametrize("token", [None, "0" * 32], ids=["no credentials", "a wrong token"])
@api.parametrize()
@settings(BOUNDED, max_examples=20)
def test_any_request_without_credentials_is_refused(case: Any, sim: Simulator, token: str | None) -> None:
    response = call(case, sim, (sim.account_sid, token) if token else None)
    assert response.status_code in (401, 404, 405)
    assert not sim.state.jobs


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_operation_succeeds_as_documented_with_any_knobs(operation_id: str, sim: Simulator) -> None:
    statuses = set()

    @given(case=OPERATIONS[operation_id].as_strategy(), knobs=KNOBS, state=JOB_STATES, choice=st.integers(0, 3))
    @settings(BOUNDED, max_examples=100)
    def ask(case: Any, knobs: Knobs, state: str, choice: int) -> None:
        sim.knobs = knobs
        aim(case, job_in(sim, state, RESOURCE_TYPES[choice]), choice)
        auth = (sim.api_key_sid, sim.api_key_secret) if choice % 2 else sim.auth
        response = call(case, sim, auth)
        statuses.add(response.status_code)
        if response.status_code == 200 and (next_page := response.json().get("meta", {}).get("next_page_url")):
            case.query = {name: values[0] for name, values in parse_qs(urlsplit(next_page).query).items()}
            assert call(case, sim, auth).status_code == 200

    ask()
    assert min(statuses) < 400, f"no request of {operation_id} succeeded: {statuses}"


@pytest.mark.parametrize(("knob", "value"), [(knob, value) for knob, values in BREAKING.items() for value in values])
def test_check_notices_knobs_that_break_the_document(knob: str, value: Any, sim: Simulator) -> None:
    operation_id = {
        "configuration_null": "FetchExportConfiguration",
        "details_on_create": "CreateExportCustomJob",
        "details_shape": "ListExportCustomJob",
        "listed_size": "ListDay",
    }
    case = OPERATIONS[operation_id.get(knob, "FetchDay")].Case(
        path_parameters={"ResourceType": "Calls", "Day": DAYS[0]},
        body={"StartDay": DAYS[0], "EndDay": DAYS[0], "FriendlyName": "any"},
        media_type="application/x-www-form-urlencoded",
    )
    job_in(sim, "finished", "Calls")
    sim.knobs.configuration_null = True
    call(case, sim, sim.auth)
    setattr(sim.knobs, knob, value)
    with pytest.raises(FailureGroup):
        call(case, sim, sim.auth)
