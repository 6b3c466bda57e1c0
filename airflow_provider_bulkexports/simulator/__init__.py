"""
Twilio's side of BulkExports, for tests, demos and people without an account.

Plays the API and the storage behind its download links on two local HTTP origins. Time, quota, retention, faults and
every behaviour that Twilio leaves undocumented are in the user's hands. :class:`Simulator` needs the extra
``simulator``; importing this package does not.

.. code-block:: python

    with Simulator(clock=SimulatedClock(speed=60), seed=7) as simulator:
        print(simulator.connection_json())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.simulator.clock import SimulatedClock
from airflow_provider_bulkexports.simulator.errors import problem_body
from airflow_provider_bulkexports.simulator.faults import Fault
from airflow_provider_bulkexports.simulator.knobs import Knobs, Rejection

if TYPE_CHECKING:
    from airflow_provider_bulkexports.simulator.server import Simulator

__all__ = ["Fault", "Knobs", "Rejection", "SimulatedClock", "Simulator", "problem_body"]


def __getattr__(name: str) -> Any:
    if name != "Simulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from airflow_provider_bulkexports.simulator.server import Simulator
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The simulator needs {error.name}: pip install 'airflow-provider-bulkexports[simulator]'", name=error.name
        ) from error
    return Simulator


def __dir__() -> list[str]:
    return sorted(__all__)
