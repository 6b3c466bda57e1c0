"""What happens to a task's jobs when the task is killed or times out: nothing, unless ``cancel_on_kill`` is set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError, TaskKilledError
from airflow_provider_bulkexports.model.plain import with_full_stop
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.progress import Verdict, progress_of

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient

__all__ = ["RESUME_WAITING", "JobGuard", "cancel_jobs"]

#: What to do after a timeout, if a job is gone, and if none is.
_SUBMIT_AGAIN = "Clear the task to submit the missing days again"
RESUME_WAITING = "Clear the task to resume waiting"

#: Airflow kills a worker's process five seconds after it asked it to end.
SECONDS_TO_CANCEL = 3.0


class JobGuard:
    """
    Stops a killed task from submitting jobs and, if asked to, cancels the jobs it created.

    On Airflow 3 the task's code keeps running for up to five seconds after ``on_kill``. So every step asks here first:
    no job is submitted after a kill, and a job whose response arrives after the kill is cancelled too.

    Jobs of other tasks are never cancelled, and none is cancelled unless the task has ended: a worker is also killed
    for a deployment, for memory, or when it loses the API server, and then a retry needs the jobs.

    :param client: Cancels the jobs; a kill leaves no time to look up a connection.
    :param cancel_on_kill: Whether a kill or a timeout cancels unfinished jobs.
    :param has_ended: Whether Airflow recorded that the task has ended. Called after a kill, in a thread; may block.
    """

    def __init__(
        self,
        client: BulkExportsClient | None,
        log: Log,
        *,
        cancel_on_kill: bool = False,
        has_ended: Callable[[], bool] = lambda: True,
    ) -> None:
        self.job_sids: list[str] = []
        self._client = client
        self._log = log
        self._cancel_on_kill = cancel_on_kill
        self._has_ended = has_ended
        self._is_killed = False

    def register(self, job_sid: str) -> None:
        """
        Add a job that the task created.

        :raises TaskKilledError: if the task was killed meanwhile.
        """
        self.job_sids.append(job_sid)
        if self._is_killed:
            self._cancel([job_sid])
        self.raise_if_killed()

    def unregister(self, job_sid: str) -> None:
        """Remove a job that no longer exists."""
        self.job_sids = [sid for sid in self.job_sids if sid != job_sid]

    def cancellable(self, job_sids: Iterable[str]) -> bool | list[str]:
        """Which of the jobs the task may cancel: ``True`` for all, ``False`` for none, otherwise their sids."""
        own = [sid for sid in job_sids if sid in self.job_sids]
        return own if set(own) != set(job_sids) and own else bool(own)

    def raise_if_killed(self) -> None:
        """
        Stop a killed task.

        :raises TaskKilledError: if the task was killed.
        """
        if self._is_killed:
            raise TaskKilledError(
                "The task was killed", remedy="The next attempt searches for its job before it submits one."
            )

    def sleep(self, seconds: float) -> None:
        """
        Sleep.

        :raises TaskKilledError: if the task was killed, before or meanwhile.
        """
        self.raise_if_killed()
        time.sleep(seconds)
        self.raise_if_killed()

    def kill(self) -> None:
        """Stop the task, and cancel its jobs if asked to. Takes three seconds at most and never raises."""
        self._is_killed = True
        self._cancel(list(self.job_sids))

    def cancel_on_timeout(self) -> str | None:
        """
        Cancel the jobs, if asked to, because the wait for them timed out.

        :return: What happened to them, and what to do now, for the timeout's error message; ``None`` if nothing did.
        """
        if not (self._cancel_on_kill and self._client and self.job_sids):
            return None
        return cancel_jobs(self._client, self.job_sids, self._log)

    def _cancel(self, job_sids: list[str]) -> None:
        if not (self._cancel_on_kill and self._client and job_sids):
            return
        # In a thread because the main one may hold a lock at this moment, and for a limited time.
        thread = threading.Thread(target=self._cancel_if_ended, args=(self._client, job_sids), daemon=True)
        thread.start()
        thread.join(SECONDS_TO_CANCEL)
        if thread.is_alive():
            self._log.warning(
                "Could not cancel %s in time: no response from Airflow or Twilio yet", ", ".join(job_sids)
            )

    def _cancel_if_ended(self, client: BulkExportsClient, job_sids: list[str]) -> None:
        if self._has_ended():
            cancel_jobs(client, job_sids, self._log)
        else:
            self._log.info(
                "Did not cancel %s although cancel_on_kill is set: Airflow has not recorded that the task ended. "
                "A retry adopts it",
                ", ".join(job_sids),
            )


def cancel_jobs(client: BulkExportsClient, job_sids: Iterable[str], log: Log) -> str:
    """
    Remove the unfinished days of jobs from Twilio's queue, as far as possible; never raises.

    A finished job is left alone: deleting it would save nothing, and a cleared task can still adopt it.

    :return: What happened to each job, in sentences, and what to do now.
    """
    sentences, is_any_gone = list[str](), False
    for sid in job_sids:
        sentence, is_gone = _cancel_job(client, sid)
        log.warning("%s", sentence)
        sentences.append(sentence)
        is_any_gone |= is_gone
    return " ".join([*sentences, _SUBMIT_AGAIN if is_any_gone else RESUME_WAITING])


def _cancel_job(client: BulkExportsClient, sid: str) -> tuple[str, bool]:
    """Delete a job unless it is finished; what happened, and whether the job is gone."""
    try:
        if not _is_unfinished(client.get_job(sid)):
            return f"Job {sid} is finished and was left alone.", False
        client.delete_job(sid)
    except BulkExportsNotFoundError:
        return f"Job {sid} no longer exists.", True
    except BulkExportsError as error:
        reason = with_full_stop(error.what)
        return f"Could not delete job {sid}; it is still running at Twilio: {reason}", False
    return f"Deleted job {sid} because cancel_on_kill is set; the quota it used is not refunded.", True


def _is_unfinished(job: Job) -> bool:
    days = job.days
    return days is None or progress_of([job], days).verdict is Verdict.WAIT
