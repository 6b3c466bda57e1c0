"""Which days a run means, and by what it is known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from airflow_provider_bulkexports.compat import BaseOperator
from airflow_provider_bulkexports.model.days import DayRange
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.planning.identity import identity_of

__all__ = ["Attempt", "attempt_of", "identities_of", "run_id_of"]


def run_id_of(context: Mapping[str, Any]) -> str:
    """Id of the run that a task's context belongs to; empty outside a run."""
    for holder in ("dag_run", "ti"):
        if run_id := getattr(context.get(holder), "run_id", None):
            return str(run_id)
    return str(context.get("run_id") or "")


class Attempt(NamedTuple):
    """
    Which try of a task this is.

    :param number: Counted from 1, and on when the task is cleared.
    :param last: Number of the last one that Airflow's retries allow. Clearing the task raises it, so it is the same for
        a try and its retries, and for them alone.
    :param map_index: Which of the mapped tasks; -1 if it is not mapped.
    """

    number: int
    last: int
    map_index: int

    def submission_key(self, number: int) -> str:
        """What sets the submission of a try of the same round apart from all others of the task."""
        return f"{self.map_index}/{self.last}/{number}"


def identities_of(
    context: Mapping[str, Any],
    task: BaseOperator,
    resource_type: ResourceType,
    days: DayRange,
    *,
    if_exists: str,
    is_resumed: bool = False,
) -> tuple[str, tuple[str, ...]]:
    """
    By what the jobs of a task are known: those that it submits, and those that it adopts.

    With ``if_exists="submit"`` that differs from try to try. A try then adopts what earlier ones submitted since the
    task was last cleared, so that a lost answer or a killed worker makes one new job, not two; but never older jobs.

    :param is_resumed: Whether the try goes on after a wait, so that it may have submitted something itself.
    """
    identify = partial(
        identity_of,
        dag_id=task.dag_id,
        task_id=task.task_id,
        run_id=run_id_of(context),
        resource_type=resource_type,
        days=days,
    )
    if if_exists == "adopt":
        return identify(), (identify(),)
    attempt = attempt_of(context)
    *earlier, own = [identify(submission_key=attempt.submission_key(number + 1)) for number in range(attempt.number)]
    return own, (*earlier, own) if is_resumed else tuple(earlier)


def attempt_of(context: Mapping[str, Any]) -> Attempt:
    """Tell which try of its task a context belongs to; the first, outside a run."""
    ti = context.get("ti")
    return Attempt(
        number=max(1, getattr(ti, "try_number", None) or 1),
        last=1 + max(0, getattr(ti, "max_tries", None) or 0),
        map_index=getattr(ti, "map_index", -1),
    )
