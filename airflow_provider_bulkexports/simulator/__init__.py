"""
A simulator of Twilio BulkExports, for tests, demos and people without an account.

It serves the API, and the storage that download links lead to, on two local HTTP origins. You control its time, quota,
retention and faults, and every behaviour that Twilio leaves undocumented. :class:`Simulator` needs the extra
``simulator``; importing this package does not.

.. code-block:: python

    with Simulator(clock=SimulatedClock(speed=60), seed=7) as simulator:
        print(simulator.connection_json())

What a test touches is here: ``server`` (:class:`Simulator`), ``knobs``, ``faults``, ``clock``, ``request_log``.
``pytest_plugin`` is the fixture ``bulkexports_simulator``.

``service/`` is what Twilio does, without HTTP:

* ``exports``: the operations of the API · ``state``: scripts for them, as ``Simulator.state``
* ``jobs``, ``lifecycle``, ``scenarios``: a job, when its days run and end, how they end
* ``day_files``, ``records``, ``signed_links``: files, their content, their download links
* ``accounts``, ``quota``, ``webhooks``, ``event_queue``

``http/`` is how clients reach it:

* ``api``, ``storage``: the two origins
* ``index_page``, ``pages``, ``visits``: pages for people · ``elements``, ``day_calendar``, ``privacy``: their parts
* ``admission``, ``middleware``: what each request passes first: hosts and sizes, then the log, faults and headers
* ``paging``, ``representations``: list pages, and resources as JSON
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
