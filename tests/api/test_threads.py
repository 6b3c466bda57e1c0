"""One client serves many threads at once, such as the worker threads of a trigger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.exceptions import BulkExportsNotFoundError
from airflow_provider_bulkexports.simulator import Fault, Simulator


def test_every_thread_gets_its_own_response(sim: Simulator, client: Any) -> None:
    sids = [sim.create_job("Messages", "2026-01-01", "2026-01-01").sid for _ in range(20)]
    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(client.get_job, sids * 10))
    assert [job.job_sid for job in jobs] == sids * 10


def test_every_call_has_its_own_retries(sim: Simulator, client: Any) -> None:
    sids = [sim.create_job("Messages", "2026-01-01", "2026-01-01").sid for _ in range(8)]
    for sid in sids:
        sim.faults.add(Fault(status=503, path=f"/v1/Exports/Jobs/{sid}", times=3))
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(client.get_job, sids))
    assert [job.job_sid for job in jobs] == sids
    assert len(sim.requests) == 8 * 4


def test_failure_in_one_thread_does_not_affect_another(server: Any, answer: Any) -> None:
    def serve(received: Any) -> Any:
        kind = received.target.rpartition("/")[2]
        return answer(body={"resource_type": kind}) if kind == "Calls" else answer(404, {"message": kind})

    server.script = serve
    client = server.client(retry=RetryPolicy(max_retries=0))

    def ask(kind: str) -> str:
        try:
            return str(client.get_export(kind).resource_type)
        except BulkExportsNotFoundError as error:
            return f"not {error.twilio_message}"

    kinds = ["Calls", "Messages", "Conferences"] * 20
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, kinds)) == ["Calls", "not Messages", "not Conferences"] * 20
