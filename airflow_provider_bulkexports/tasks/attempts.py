"""The identity of a task's jobs, and which attempt of the task this is."""

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
    """Return the id of the run of a task's context; empty outside a run."""
    for holder in ("dag_run", "ti"):
        if run_id := getattr(context.get(holder), "run_id", None):
            return str(run_id)
    return str(context.get("run_id") or "")


class Attempt(NamedTuple):
    """
    Which attempt of a task this is.

    :param number: Counted from 1; clearing the task continues the count.
    :param last: Number of the last attempt that Airflow's retries allow. Clearing the task raises it, so an attempt has
        it in common with its retries only.
    :param map_index: Index of a mapped task; -1 if it is not mapped.
    """

    number: int
    last: int
    map_index: int

    def submission_key(self, number: int) -> str:
        """Return a key that tells the submission of this or an earlier attempt from all others of the task."""
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
    Return the identity of the jobs that a task submits, and the identities of those that it adopts.

    With ``if_exists="submit"`` every attempt has its own. It then adopts what earlier attempts submitted since the task
    was last cleared, so that a lost response or a killed worker makes one new job, not two; but never older jobs.

    :param is_resumed: Whether the attempt resumes after a wait, so that it may have submitted a job itself.
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
    """Return which attempt of its task a context belongs to; the first, outside a run."""
    ti = context.get("ti")
    return Attempt(
        number=max(1, getattr(ti, "try_number", None) or 1),
        last=1 + max(0, getattr(ti, "max_tries", None) or 0),
        map_index=getattr(ti, "map_index", -1),
    )
