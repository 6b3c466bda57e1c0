"""The quota: 366 days per UTC day, shared by an account and its subaccounts."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_bulkexports.simulator import Rejection, Simulator
from airflow_provider_bulkexports.simulator.errors import RefusedError


def test_parent_and_subaccounts_share_the_quota(sim: Simulator) -> None:
    sim.create_job("Messages", "2025-01-01", "2025-12-31")
    sim.create_job("Calls", "2025-01-01", "2025-01-01", account=sim.subaccounts[0])
    with pytest.raises(RefusedError, match="366"):
        sim.create_job("Conferences", "2025-01-01", "2025-01-01")


def test_quota_renews_at_midnight_utc(sim: Simulator) -> None:
    sim.state.spend_quota(366)
    sim.clock.advance(12 * 3600 - 1)
    with pytest.raises(RefusedError):
        sim.create_job("Messages", "2025-01-01", "2025-01-01")
    sim.clock.advance(1)
    sim.create_job("Messages", "2025-01-01", "2025-12-31")


def test_quota_can_be_renewed_before_midnight(sim: Simulator) -> None:
    sim.state.spend_quota(366)
    sim.state.renew_quota()
    sim.create_job("Messages", "2025-01-01", "2025-12-31", account=sim.subaccounts[0])
    with pytest.raises(RefusedError):
        sim.create_job("Messages", "2025-01-01", "2025-01-02")


def test_resource_types_can_have_separate_quotas(sim: Simulator) -> None:
    sim.knobs.quota_per_type = True
    sim.state.spend_quota(366)
    sim.create_job("Calls", "2025-01-01", "2025-12-31")
    with pytest.raises(RefusedError):
        sim.create_job("Messages", "2025-01-01", "2025-01-01")


@pytest.mark.parametrize("rejection", [Rejection(400, 20001), Rejection(403, 20403), Rejection(429, 20429)])
def test_quota_rejection_follows_the_knob(sim: Simulator, api: requests.Session, rejection: Rejection) -> None:
    sim.knobs.quota_exceeded = rejection
    sim.knobs.quota_days = 2
    form = {"StartDay": "2026-11-01", "EndDay": "2026-11-03", "FriendlyName": "x"}
    response = api.post("/Messages/Jobs", data=form)
    assert (response.status_code, response.json()["code"]) == rejection
    form["EndDay"] = "2026-11-02"
    assert api.post("/Messages/Jobs", data=form).status_code == 201


@pytest.mark.parametrize(("refund", "left"), [(True, 1), (False, 4)])
def test_deletion_refunds_days_only_with_the_knob(sim: Simulator, refund: bool, left: int) -> None:
    sim.knobs.quota_refund = refund
    sim.knobs.parallel_days = 1
    job = sim.create_job("Messages", "2026-11-01", "2026-11-04")
    sim.clock.advance_to(min(run.ends_at for run in job.runs))
    sim.state.delete_job(sim.account, job.sid)
    assert sim.state.service.quota.used(sim.account_sid, sim.clock.now().date()) == left


def test_same_days_count_again(sim: Simulator) -> None:
    for _ in range(2):
        sim.create_job("Messages", "2026-11-01", "2026-11-04")
    assert sim.state.service.quota.used(sim.account_sid, sim.clock.now().date()) == 8
