"""The state of one wait between its polls: what it logs, when it polls next, when it gives up."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.logs import KeptLog

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsNotFoundError
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.planning.pacing import PollSchedule
from airflow_provider_bulkexports.polling.wait_poller import MAX_CONSECUTIVE_FAILURES, WaitPoller
from airflow_provider_bulkexports.polling.waits import DayWait, JobWait, Wait
from airflow_provider_bulkexports.simulator import Fault, Simulator

JOB = "JS" + "0" * 32


@pytest.fixture
def job_sid(sim: Simulator) -> str:
    return sim.create_job("Messages", "2026-01-01", "2026-01-03").sid


@pytest.fixture
def poller(job_sid: str) -> WaitPoller:
    return WaitPoller(JobWait.parse(job_sid), KeptLog(), PollSchedule(60))


@pytest.mark.parametrize("interval", [0, 1, 5, 60, 300, 1800])
def test_delays_grow_with_failures_and_keep_the_interval(
    poller: WaitPoller, sim: Simulator, client: BulkExportsClient, interval: float
) -> None:
    sim.faults.add(Fault(status=503, times=None))
    poller.schedule = PollSchedule(interval)
    assert poller.next_delay() == interval

    pauses = []
    while poller.poll(client) is None:
        pauses.append(poller.next_delay())

    assert len(pauses) == MAX_CONSECUTIVE_FAILURES - 1
    assert pauses == sorted(pauses)
    assert min(pauses) >= interval
    assert max(pauses) <= max(interval, 300)
    assert sum(pauses) >= 600, "an outage of ten minutes is survived at any interval"


def test_successful_poll_resets_the_failures(poller: WaitPoller, sim: Simulator, client: BulkExportsClient) -> None:
    sim.faults.add(Fault(status=404, path="/nothing"), Fault(status=503, times=8))

    assert [poller.poll(client), poller.poll(client), poller.poll(client)] == [None] * 3
    poller.schedule = PollSchedule(7, max_interval=7)
    assert poller.next_delay() == 7


def test_repeated_polls_stop_at_the_deadline(
    poller: WaitPoller, sim: Simulator, client: BulkExportsClient, timeline: Any
) -> None:
    sim.faults.add(Fault(status=503, times=None))

    assert poller.poll_until_answered(client, deadline=time.monotonic() + 12) is None
    assert timeline.slept == pytest.approx([5, 7], abs=0.5)


def test_answered_poll_is_not_repeated(poller: WaitPoller, client: BulkExportsClient, timeline: Any) -> None:
    assert poller.poll_until_answered(client, deadline=time.monotonic() + 12) is None
    assert timeline.slept == []


def test_timeout_names_the_progress(poller: WaitPoller, client: BulkExportsClient, job_sid: str) -> None:
    assert "(no status received yet)" in poller.timed_out()["message"]

    poller.poll(client)

    assert f"waiting for {job_sid} (0/3 days final; queue position 1; " in poller.timed_out()["message"]


@pytest.mark.parametrize(
    ("wait", "aftermath"),
    [
        (JobWait((JOB,)), "The job may still be running at Twilio."),
        (DayWait(ResourceType.CALLS, DayRange.parse("2026-01-01", "2026-01-03")), "The files may still appear."),
    ],
    ids=["jobs", "day files"],
)
def test_end_without_a_result_says_what_may_still_happen(
    sim: Simulator, client: BulkExportsClient, wait: Wait, aftermath: str
) -> None:
    sim.faults.add(Fault(status=503, times=None))
    poller = WaitPoller(wait, KeptLog(), PollSchedule(60))

    assert f"{aftermath} Clear this task to resume waiting; raise timeout" in poller.timed_out()["message"]
    while not (event := poller.poll(client)):
        pass
    assert event["message"].startswith("Polling Twilio failed 10 times in a row. Twilio returned HTTP 503: ")
    assert f" {aftermath} Clear this task to resume waiting." in event["message"]


def test_wait_is_parsed_from_user_input() -> None:
    wait = JobWait.parse([JOB, JOB], resource_type="Calls", start_day="2026-01-01", end_day="2026-01-02")

    assert wait.job_sids == (JOB,)
    assert (wait.resource_type, str(wait.start_day), str(wait.end_day)) == ("Calls", "2026-01-01", "2026-01-02")
    assert JobWait.parse(JOB, resource_type="", start_day="", end_day=None) == JobWait((JOB,))


def test_reversed_window_is_refused() -> None:
    with pytest.raises(BulkExportsInputError, match="swap them"):
        JobWait.parse(JOB, start_day="2026-01-02", end_day="2026-01-01")


def test_unknown_job_keeps_the_error_of_twilio(sim: Simulator, client: BulkExportsClient) -> None:
    with pytest.raises(BulkExportsNotFoundError) as error:
        JobWait.parse(JOB).check(client)

    assert (error.value.status, error.value.code) == (404, 20404)
    assert error.value.request_id
    assert len(sim.requests) == 2, "a single 404 is not believed"


def finished(client: BulkExportsClient, job_sid: str) -> Any:
    event = JobWait.parse(job_sid).check(client).event
    assert event is not None and event["result"] is not None
    return event["result"]


def test_expiry_of_own_jobs_comes_from_the_marker_without_a_request(sim: Simulator, client: BulkExportsClient) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="ours [af-20261120-0123456789]")
    sim.finish_jobs()

    assert finished(client, job.sid)["expires_at"] == "2026-11-27T00:00:00+00:00"
    assert len(sim.requests) == 1


def test_expiry_of_others_jobs_comes_from_the_list_of_files(sim: Simulator, client: BulkExportsClient) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="somebody else's")
    sim.finish_jobs()

    assert finished(client, job.sid)["expires_at"] == "2026-12-01T00:00:00+00:00"
    assert len(sim.requests) == 2


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 404}, {"status": 429}, {"status": 503}], ids=str)
def test_result_does_not_need_the_list_of_files(sim: Simulator, client: BulkExportsClient, fault: Any) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="somebody else's")
    sim.finish_jobs()
    sim.faults.add(Fault(**fault, path=r".*/Days", times=None))

    result = finished(client, job.sid)

    assert (len(result["completed"]), result["expires_at"]) == (3, None)


def test_lost_days_cost_no_request_for_their_expiry(sim: Simulator, client: BulkExportsClient) -> None:
    sim.state.fail_day("Messages", "2026-01-01")
    job = sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="somebody else's")
    sim.finish_jobs()

    assert finished(client, job.sid)["expires_at"] is None
    assert len(sim.requests) == 1


def test_days_without_names_and_their_expiry_share_a_request(sim: Simulator, client: BulkExportsClient) -> None:
    job = sim.create_job("Messages", "2026-01-01", "2026-01-03", FriendlyName="somebody else's")
    sim.finish_jobs()
    sim.state.set_details(
        job.sid, [{"status": "Completed", "count": 2}, {"status": "CompletedEmptyRecords", "count": 1}]
    )

    assert finished(client, job.sid)["expires_at"] == "2026-12-01T00:00:00+00:00"
    assert len(sim.requests) == 2


def test_expiry_is_that_of_the_newest_file_of_a_day(sim: Simulator, client: BulkExportsClient) -> None:
    sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.finish_jobs()
    sim.clock.advance(3 * 24 * 3600)
    again = sim.create_job("Messages", "2026-01-01", "2026-01-03")
    sim.finish_jobs()

    assert finished(client, again.sid)["expires_at"] == "2026-12-04T00:00:00+00:00"
