"""Day files, made by jobs and by automatic daily export."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from urllib.parse import quote

from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator.knobs import Knobs
from airflow_provider_bulkexports.simulator.service.jobs import SimulatedJob
from airflow_provider_bulkexports.simulator.service.records import PRICED, DayContent, day_content, empty_content

__all__ = ["DayFile"]


@dataclass(eq=False)
class DayFile:
    """
    The file of one day.

    :param number: Number of files made before it.
    :param job: Job that made it; ``None`` for automatic daily export.
    :param records: Number of records.
    :param fetches: Number of requests for a link to it.
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
    _sizes: dict[tuple[str, int | None, float], int] = field(default_factory=dict, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether the day has no records."""
        return self.records == 0

    @property
    def friendly_name(self) -> str | None:
        """FriendlyName of the job that made it."""
        return self.job.request.friendly_name if self.job else None

    @property
    def path(self) -> str:
        """Its path in the storage, percent-encoded."""
        key = (
            f"day={self.day.isoformat()}",
            f"type={self.resource_type.value}",
            f"account={self.account_sid}",
            f"created_time={self.created_at:%Y%m%d%H%M%S}",
            "part-00000.json.gz",
        )
        return "/daily/" + "/".join(quote(part) for part in key)

    def is_available(self, now: datetime, knobs: Knobs) -> bool:
        """Whether it can be fetched: neither removed by age nor hidden by a knob."""
        if self.is_empty and knobs.empty_day_file == "absent":
            return False
        if knobs.files_wait_for_job and self.job is not None and not self.job.is_finished:
            return False
        return now < self.created_at + timedelta(days=knobs.file_retention_days)

    def content(self, knobs: Knobs) -> DayContent:
        """Return the bytes of the file."""
        if self.is_empty:
            return empty_content(zero_bytes=knobs.empty_day_file == "zero_bytes")
        return day_content(
            self.seed,
            self.account_sid,
            self.resource_type,
            self.day,
            self.records,
            knobs.bytes_per_day,
            priced=self._priced(knobs),
        )

    def size(self, knobs: Knobs) -> int:
        """Return its length in bytes; cached, because measuring means making the file."""
        key = (knobs.empty_day_file, knobs.bytes_per_day, self._priced(knobs))
        if key not in self._sizes:
            self._sizes[key] = self.content(knobs).size
        return self._sizes[key]

    def _priced(self, knobs: Knobs) -> float:
        """Share of its records that have a price."""
        if knobs.price_delay_days is None:
            return PRICED
        end_of_day = datetime.combine(self.day + timedelta(days=1), time(), timezone.utc)
        is_early = self.created_at < end_of_day + timedelta(days=knobs.price_delay_days)
        return 1 - knobs.late_price_rate if is_early else 1
