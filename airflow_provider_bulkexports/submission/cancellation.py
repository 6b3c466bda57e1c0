"""What becomes of a task's jobs when the task is killed or times out: nothing, unless ``cancel_on_kill`` says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.compat import Log
from airflow_provider_bulkexports.exceptions import BulkExportsError, BulkExportsNotFoundError, TaskKilledError
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.planning.progress import Verdict, progress_of

__all__ = ["CANCELLED", "JobGuard", "cancel_jobs"]

#: What to do about jobs that were cancelled at a time-out.
CANCELLED = "Clear the task to submit what is missing again"

#: Airflow kills a worker's process five seconds after it asked it to end.
SECONDS_TO_CANCEL = 3.0


class JobGuard:
    """
    Stands between a task and its jobs from the moment that Airflow kills the task.

    On Airflow 3 the task's code runs on for up to five seconds after ``on_kill``, so every step asks here first: no
    job is submitted after a kill, and one whose answer arrives after it is cancelled too.

    Only jobs that the task created are cancelled, and only if the task has ended: a worker is also killed when it is
    deployed anew, runs out of memory or loses the API server, and then a retry wants the jobs.

    :param client: What cancels them; a kill leaves no time to look up a connection.
    :param cancels: Whether unfinished jobs are taken out of Twilio's queue at a kill.
    :param has_ended: Tells, at a kill, whether the task has ended; may block, and is asked in a thread of its own.
    """

    def __init__(
        self,
        client: BulkExportsClient | None,
        log: Log,
        *,
        cancels: bool = False,
        has_ended: Callable[[], bool] = lambda: True,
    ) -> None:
        self.job_sids: list[str] = []
        self._client = client
        self._log = log
        self._cancels = cancels
        self._has_ended = has_ended
        self._is_killed = False

    def take(self, job_sid: str) -> None:
        """Watch over a job that the task created."""
        self.job_sids.append(job_sid)
        if self._is_killed:
            self._cancel([job_sid])
        self.check()

    def drop(self, job_sid: str) -> None:
        """Watch over a job no longer, since it is gone."""
        self.job_sids = [sid for sid in self.job_sids if sid != job_sid]

    def share_of(self, job_sids: Iterable[str]) -> bool | list[str]:
        """Which of the jobs may be cancelled: ``True`` for all of them, ``False`` for none."""
        own = [sid for sid in job_sids if sid in self.job_sids]
        return own if set(own) != set(job_sids) and own else bool(own)

    def check(self) -> None:
        """
        Go on only if the task was not killed.

        :raises TaskKilledError: if it was.
        """
        if self._is_killed:
            raise TaskKilledError("The task was killed. The next try looks for its job before it submits one.")

    def sleep(self, seconds: float) -> None:
        """Wait, and then see whether to go on."""
        self.check()
        time.sleep(seconds)
        self.check()

    def kill(self) -> None:
        """Stop the task, and cancel its jobs if it was asked for. Takes three seconds at most and never raises."""
        self._is_killed = True
        self._cancel(list(self.job_sids))

    def cancel_on_timeout(self) -> str | None:
        """
        Cancel the jobs, since the wait for them timed out, if it was asked for.

        :return: What became of them, for the error of the time-out; ``None`` if nothing did.
        """
        if not (self._cancels and self._client and self.job_sids):
            return None
        return f"{cancel_jobs(self._client, self.job_sids, self._log)} {CANCELLED}"

    def _cancel(self, job_sids: list[str]) -> None:
        if not (self._cancels and self._client and job_sids):
            return
        # In a thread, as the main one may be halfway through something that holds a lock; and only so long.
        thread = threading.Thread(target=self._cancel_if_ended, args=(self._client, job_sids), daemon=True)
        thread.start()
        thread.join(SECONDS_TO_CANCEL)
        if thread.is_alive():
            self._log.warning(
                "The time to cancel %s was too short: Airflow or Twilio has not answered yet", ", ".join(job_sids)
            )

    def _cancel_if_ended(self, client: BulkExportsClient, job_sids: list[str]) -> None:
        if self._has_ended():
            cancel_jobs(client, job_sids, self._log)
        else:
            self._log.info(
                "%s: left alone despite cancel_on_kill, as Airflow's records do not say that the task has ended; "
                "a retry adopts it",
                ", ".join(job_sids),
            )


def cancel_jobs(client: BulkExportsClient, job_sids: Iterable[str], log: Log) -> str:
    """
    Take the unfinished days of jobs out of Twilio's queue, as well as it goes.

    A finished job is left alone: deleting it would save nothing, and a cleared task can still adopt it.

    :return: What became of each job, in sentences.
    """
    told = []
    for sid in job_sids:
        try:
            told.append(_cancel_job(client, sid))
        except BulkExportsNotFoundError:
            told.append(f"Job {sid} is gone already.")
        except BulkExportsError as error:
            told.append(f"Job {sid} could not be deleted and goes on at Twilio: {error}")
        log.warning("%s", told[-1])
    return " ".join(told)


def _cancel_job(client: BulkExportsClient, sid: str) -> str:
    if not _is_unfinished(client.get_job(sid)):
        return f"Job {sid} is finished and was left alone."
    client.delete_job(sid)
    return f"Job {sid} was deleted, since cancel_on_kill is set; what it cost of the quota is spent."


def _is_unfinished(job: Job) -> bool:
    days = job.days
    return days is None or progress_of([job], days).verdict is Verdict.WAIT
