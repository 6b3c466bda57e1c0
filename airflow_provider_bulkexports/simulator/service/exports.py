"""
The simulated service: the operations of the API, and what happens as time passes.

Nothing runs in the background. Every operation first runs the events that are due (:meth:`ExportService.settle`), so
results depend on the clock alone. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from itertools import count
from random import Random

from airflow_provider_bulkexports.model.details import DayStatus
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.clock import SimulatedClock
from airflow_provider_bulkexports.simulator.errors import RefusedError
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.accounts import Account, hex_digits
from airflow_provider_bulkexports.simulator.service.day_files import DayFile
from airflow_provider_bulkexports.simulator.service.event_queue import EventQueue
from airflow_provider_bulkexports.simulator.service.jobs import JobRequest, SimulatedJob
from airflow_provider_bulkexports.simulator.service.lifecycle import DayRun, plan_runs
from airflow_provider_bulkexports.simulator.service.quota import Quota
from airflow_provider_bulkexports.simulator.service.scenarios import DayScenarios
from airflow_provider_bulkexports.simulator.service.signed_links import Links
from airflow_provider_bulkexports.simulator.service.webhooks import Outbox

__all__ = ["Configuration", "ExportService"]


@dataclass
class Configuration:
    """
    Settings of automatic daily export, of one account and resource type.

    :param switched: How many times it was switched; an export planned before the last switch is not made.
    """

    enabled: bool = False
    webhook_url: str | None = None
    webhook_method: str | None = None
    switched: int = 0


class ExportService:
    """
    BulkExports of a parent account and its subaccounts.

    :param accounts: The parent account, then its subaccounts.
    :ivar jobs: Every job ever created, by sid, oldest first.
    :ivar files: Every file ever made, oldest first.
    :ivar scenarios: How days end.
    :ivar lock: Hold it while reading or changing these.
    """

    def __init__(self, *, clock: SimulatedClock, knobs: Knobs, seed: int, accounts: Sequence[Account]) -> None:
        self.clock = clock
        self.knobs = knobs
        self.seed = seed
        self.accounts = tuple(accounts)
        self.quota = Quota()
        self.links = Links(seed)
        self.outbox = Outbox(accounts)
        self.lock = threading.RLock()
        self.scenarios = DayScenarios(seed)
        self.jobs: dict[str, SimulatedJob] = {}
        self._queue: dict[str, SimulatedJob] = {}
        self.files: list[DayFile] = []
        self._file_numbers = count()
        self._configurations: dict[tuple[str, ResourceType], Configuration] = {}
        self._events = EventQueue()

    def settle(self) -> datetime:
        """Run all events that are due, and return the current time."""
        with self.lock:
            now = self.clock.now()
            self._events.run_due(now)
            return now

    def create_job(self, account: Account, request: JobRequest) -> SimulatedJob:
        """
        Create a job and queue it.

        :raises RefusedError: if it exceeds the quota.
        """
        with self.lock:
            now = self.settle()
            kind, days = request.resource_type, request.day_count
            self.quota.spend(account.family_sid, now.date(), kind, days, self.knobs)
            job = self._plan_job(account, request, now)
            self.jobs[job.sid] = self._queue[job.sid] = job
            for run in job.runs:
                self._events.schedule(run.ends_at, partial(self._end_day, job, run))
            if self.knobs.webhook_early:
                self._events.schedule(job.starts_at, partial(self._notify, job))
            self._events.run_due(now)
            return job

    def list_jobs(self, account: Account, resource_type: ResourceType) -> list[SimulatedJob]:
        """Return the jobs that Twilio still lists, in the order of the list."""
        with self.lock:
            now = self.settle()
            newest = now - timedelta(seconds=self.knobs.list_delay_seconds)
            jobs = [
                job
                for job in self.jobs.values()
                if job.account_sid == account.sid
                and job.request.resource_type is resource_type
                and job.created_at <= newest
                and job.is_kept(now, self.knobs.job_retention_days)
            ]
            return jobs[::-1] if self.knobs.newest_job_first else jobs

    def find_job(self, account: Account, sid: str) -> SimulatedJob:
        """
        Return a job of the account.

        :raises RefusedError: 404 if it is unknown, gone, or belongs to another account.
        """
        with self.lock:
            now = self.settle()
            job = self.jobs.get(sid)
            if job and job.account_sid == account.sid and job.is_kept(now, self.knobs.job_retention_days):
                return job
            raise RefusedError.not_found(f"/Exports/Jobs/{sid}")

    def delete_job(self, account: Account, sid: str) -> None:
        """
        Delete the unfinished days of a job, and the job as ``deleted_job`` says.

        :raises RefusedError: if it is unknown, or finished and ``delete_finished_status`` rejects that.
        """
        with self.lock:
            job, now = self.find_job(account, sid), self.clock.now()
            if job.is_finished:
                self._delete_finished(job)
                return
            open_runs = [run for run in job.runs if run.outcome is None]
            for run in open_runs:
                run.delete(now, self.knobs.job_time(self.knobs.stop_seconds))
                self._events.schedule(run.ends_at, partial(self._close_run, job))
            if self.knobs.quota_refund:
                kind, on = job.request.resource_type, job.created_at.date()
                self.quota.refund(account.family_sid, on, kind, len(open_runs))
            job.is_deleted = True
            job.is_removed = self.knobs.deleted_job == "gone"
            self.settle()

    def queue_position(self, job: SimulatedJob) -> int:
        """Return its position among the unfinished jobs of all accounts, from 1; 0 once finished."""
        with self.lock:
            return 0 if job.is_finished else 1 + list(self._queue).index(job.sid)

    def list_files(self, account: Account, resource_type: ResourceType) -> list[DayFile]:
        """Return the files that can be fetched, oldest first."""
        with self.lock:
            now = self.settle()
            return [
                file
                for file in self.files
                if file.account_sid == account.sid
                and file.resource_type is resource_type
                and file.is_available(now, self.knobs)
            ]

    def fetch_day(self, account: Account, resource_type: ResourceType, day: date) -> str:
        """
        Return a new link to the file of a day; ``day_fetch_generation`` chooses among several.

        :raises RefusedError: 404 if there is no file, not yet or no longer.
        """
        with self.lock:
            files = [file for file in self.list_files(account, resource_type) if file.day == day]
            if files:
                wanted = files[0 if self.knobs.day_fetch_generation == "oldest" else -1]
                wanted.fetches += 1
                if wanted.fetches > self.knobs.day_fetch_misses:
                    return self.links.issue(wanted, self.clock.now(), self.knobs)
            raise RefusedError.not_found(f"/Exports/{resource_type.value}/Days/{day.isoformat()}")

    def configuration(self, account: Account, resource_type: ResourceType) -> Configuration:
        """Return the settings of automatic daily export; change ``enabled`` with :meth:`switch`."""
        with self.lock:
            return self._configurations.setdefault((account.sid, resource_type), Configuration())

    def switch(self, account: Account, resource_type: ResourceType, enabled: bool) -> None:
        """Switch automatic daily export on or off. Its first file is of the current UTC day, when that is over."""
        with self.lock:
            now = self.settle()
            settings = self.configuration(account, resource_type)
            if settings.enabled == enabled:
                return
            settings.enabled = enabled
            settings.switched += 1
            if enabled:
                self._plan_daily_export(account, resource_type, settings.switched, now.date())

    def _plan_job(self, account: Account, request: JobRequest, now: datetime) -> SimulatedJob:
        number = len(self.jobs)
        sid = f"JS{hex_digits(self.seed, 'job', number)}"
        starts_at = now + self.knobs.job_time(self.knobs.queue_seconds)
        limit = self.knobs.parallel_jobs
        if limit is not None and len(self._queue) >= limit:
            # It starts when all but ``limit - 1`` of the unfinished jobs have finished.
            starts_at = max(starts_at, sorted(job.finishes_at for job in self._queue.values())[-limit])
        runs = plan_runs(
            request.days(),
            created_at=now,
            starts_at=starts_at,
            failed_attempts=partial(self.scenarios.failed_attempts, request.resource_type, knobs=self.knobs),
            knobs=self.knobs,
            rng=Random(f"{self.seed}/{sid}"),
        )
        return SimulatedJob(number, sid, account.sid, request, now, starts_at, runs, open_runs=len(runs))

    def _end_day(self, job: SimulatedJob, run: DayRun, at: datetime) -> None:
        if run.outcome is not None:
            return
        kind = job.request.resource_type
        run.outcome, records = self.scenarios.ending(kind, run.day, self.knobs)
        if run.outcome is not DayStatus.FAILED:
            self._store(job.account_sid, kind, run.day, at, records, job)
        if self.knobs.webhook_per_day:
            self.outbox.add_day(job.webhook, kind, run.day, run.outcome, at, job=job)
        self._close_run(job, at)

    def _close_run(self, job: SimulatedJob, at: datetime) -> None:
        job.open_runs -= 1
        if job.is_finished:
            del self._queue[job.sid]
            if not job.is_deleted and not self.knobs.webhook_early:
                self._notify(job, at)

    def _store(
        self,
        account_sid: str,
        kind: ResourceType,
        day: date,
        at: datetime,
        records: int,
        job: SimulatedJob | None,
    ) -> None:
        number = next(self._file_numbers)
        self.files.append(DayFile(number, self.seed, account_sid, kind, day, at, job, records))

    def _notify(self, job: SimulatedJob, at: datetime) -> None:
        if self.knobs.webhook_per_job:
            self.outbox.add_job(job, at)

    def _delete_finished(self, job: SimulatedJob) -> None:
        if self.knobs.delete_finished_status == 404:
            raise RefusedError.not_found(f"/Exports/Jobs/{job.sid}")
        if self.knobs.delete_finished_status == 409:
            raise RefusedError(409, 20409, f"Job {job.sid} is finished and cannot be deleted")
        job.is_removed = True

    def _plan_daily_export(self, account: Account, kind: ResourceType, switched: int, day: date) -> None:
        midnight = datetime.combine(day + timedelta(days=1), time(), timezone.utc)
        due = midnight + timedelta(seconds=self.knobs.daily_export_seconds)
        self._events.schedule(due, partial(self._export_daily, account, kind, switched, day))

    def _export_daily(self, account: Account, kind: ResourceType, switched: int, day: date, at: datetime) -> None:
        settings = self.configuration(account, kind)
        if settings.switched != switched:
            return
        outcome, records = self.scenarios.ending(kind, day, self.knobs)
        if outcome is not DayStatus.FAILED:
            self._store(account.sid, kind, day, at, records, None)
        if self.knobs.webhook_per_day:
            webhook = (settings.webhook_url, settings.webhook_method)
            self.outbox.add_day(webhook, kind, day, outcome, at, account_sid=account.sid)
        self._plan_daily_export(account, kind, switched, day + timedelta(days=1))
