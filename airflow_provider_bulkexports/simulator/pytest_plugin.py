"""
The pytest plugin of this package: the fixture ``bulkexports_simulator``.

pytest loads it in every session where the package is installed, before any ``conftest.py``. So it imports neither
Airflow nor the simulator's web server, and does nothing until a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_bulkexports.simulator import Simulator

__all__ = ["bulkexports_simulator"]


@pytest.fixture
def bulkexports_simulator() -> Iterator[Simulator]:
    """
    A simulated Twilio for one test, where every job finishes as soon as it is submitted.

    The connection ``twilio_bulkexports_default`` leads to it: an environment variable, set for this test only. Script
    what a DAG run meets with ``fail_day``, ``empty_day``, ``set_record_count`` and ``spend_quota``.
    """
    try:
        from airflow_provider_bulkexports.simulator import Knobs, Simulator
    except ModuleNotFoundError as error:  # it names the extra and the command that installs it
        pytest.fail(str(error), pytrace=False)
    at_once = Knobs(queue_seconds=0, seconds_per_day_run=0, error_pause_seconds=0)
    with Simulator(knobs=at_once) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_TWILIO_BULKEXPORTS_DEFAULT", simulator.connection_json())
        yield simulator
