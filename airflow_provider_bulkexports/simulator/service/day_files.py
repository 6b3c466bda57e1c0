"""Day files: what a job, or automatic daily export, leaves behind for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import quote

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob
from airflow_provider_bulkexports.simulator.service.records import DayContent, day_content, empty_content

__all__ = ["DayFile"]


@dataclass(eq=False)
class DayFile:
    """
    The file of one day, as one job or the automatic daily export made it.

    :param number: How many files were made before.
    :param job: ``None`` for automatic daily export.
    :param records: How many records the day has.
    :param fetches: How often a link to it was asked for.
    """

    number: int
    seed: int
    account_sid: str
    resource_type: ResourceType
    day: date
    created_at: datetime
    job: SimulatedJob | None
    records: int
    fetches: int = 0
    _sizes: dict[tuple[str, int | None], int] = field(default_factory=dict, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the day has no records."""
        return self.records == 0

    @property
    def friendly_name(self) -> str | None:
        """Name of the job that made it."""
        return self.job.request.friendly_name if self.job else None

    @property
    def path(self) -> str:
        """Where storage keeps it, percent-encoded."""
        key = (
            f"day={self.day.isoformat()}",
            f"type={self.resource_type.value}",
            f"account={self.account_sid}",
            f"created_time={self.created_at:%Y%m%d%H%M%S}",
            "part-00000.json.gz",
        )
        return "/daily/" + "/".join(quote(part) for part in key)

    def is_available(self, now: datetime, knobs: Knobs) -> bool:
        """Whether it can be fetched: made, not yet removed, and not withheld by a knob."""
        if self.is_empty and knobs.empty_day_file == "absent":
            return False
        if knobs.files_wait_for_job and self.job is not None and not self.job.is_finished:
            return False
        return now < self.created_at + timedelta(days=knobs.file_retention_days)

    def content(self, knobs: Knobs) -> DayContent:
        """The bytes of the file."""
        if self.is_empty:
            return empty_content(zero_bytes=knobs.empty_day_file == "zero_bytes")
        return day_content(self.seed, self.account_sid, self.resource_type, self.day, self.records, knobs.bytes_per_day)

    def size(self, knobs: Knobs) -> int:
        """Length in bytes; remembered, because making the file only to measure it takes time."""
        key = (knobs.empty_day_file, knobs.bytes_per_day)
        if key not in self._sizes:
            self._sizes[key] = self.content(knobs).size
        return self._sizes[key]
