"""The days to store: written by a user, or taken from the results of waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.days import parse_day
from airflow_provider_bulkexports.model.resources import ResourceType, is_job_sid

__all__ = ["RequestedDays"]

_CURE = (
    "pass a day ('2026-01-31'), a list of days, or the sensor's whole result: days=wait.output, where wait is the "
    "ExportCustomJobSensor"
)


@dataclass(frozen=True, slots=True)
class RequestedDays:
    """
    Days to store.

    :param days: All of them, ascending.
    :param empty: Those known to have no records.
    :param failed: Days that failed at Twilio, if the storing task has to fail because of them instead of the wait.
    :param job_sids: Jobs named in the results.
    :param resource_type: Type named in the results; ``None`` if there is none.
    """

    days: tuple[date, ...]
    empty: frozenset[date] = frozenset()
    failed: tuple[date, ...] = ()
    job_sids: tuple[str, ...] = ()
    resource_type: ResourceType | None = None

    @classmethod
    def parse(cls, value: Any) -> RequestedDays:
        """
        Parse the argument ``days``.

        :param value: A day, a list of days, a text of several with commas between, a wait's result, or a list of them.
        :raises BulkExportsInputError: for anything else, or nothing; the message says what to pass.
        """
        if isinstance(value, Mapping):
            return cls._of_results([value])
        if isinstance(value, str):
            if not value.strip():
                raise BulkExportsInputError(
                    "days is an empty string: a template found nothing, for example because a DAG "
                    f"whose days come from a watcher was triggered by hand. Trigger it with the days, or {_CURE}"
                )
            return cls._of_days(_split(value))
        if isinstance(value, date):
            return cls._of_days([value])
        elements = _flat(_elements(value))
        if not elements:
            raise BulkExportsInputError(f"days is empty: {_CURE}")
        if all(isinstance(element, Mapping) for element in elements):
            return cls._of_results(elements)
        return cls._of_days(elements)

    def type_for(self, own: str | None) -> ResourceType:
        """
        Return the type to store: the task's own, which must match that of the results, otherwise that of the results.

        :param own: The task's; ``None`` if it has none.
        :raises BulkExportsInputError: if they differ, or neither is given.
        """
        if own is None:
            if self.resource_type is None:
                raise BulkExportsInputError(
                    "resource_type is missing, and days does not contain it: write 'Messages', 'Calls', 'Conferences' "
                    "or 'Participants', or pass the sensor's whole result as days"
                )
            return self.resource_type
        kind = ResourceType.parse(own)
        if self.resource_type not in (None, kind):
            raise BulkExportsInputError(
                f"resource_type is {kind}, but days are the result of a wait for {self.resource_type}: pass the result "
                f"of the wait for {kind}, or leave resource_type out"
            )
        return kind

    @classmethod
    def _of_days(cls, values: Iterable[Any]) -> RequestedDays:
        return cls(tuple(sorted({_day(value) for value in values})))

    @classmethod
    def _of_results(cls, results: Iterable[Mapping[Any, Any]]) -> RequestedDays:
        completed: set[date] = set()
        empty: set[date] = set()
        failed: set[date] = set()
        sids: dict[str, None] = {}
        types: set[ResourceType] = set()
        for result in results:
            completed |= set(_days_of(result, "completed"))
            empty |= set(_days_of(result, "empty"))
            if result.get("failed_days") == "store":
                failed |= set(_days_of(result, "failed"))
            sids |= dict.fromkeys(sid for sid in _listed(result.get("job_sids")) if isinstance(sid, str))
            if result.get("resource_type") is not None:
                types.add(ResourceType.parse(result["resource_type"]))
        if len(types) > 1:
            names = " and ".join(sorted(map(str, types)))
            raise BulkExportsInputError(f"days are results of waits for {names}: store each type with its own task")
        wanted = completed | empty
        return cls(
            days=tuple(sorted(wanted)),
            empty=frozenset(empty - completed),
            failed=tuple(sorted(failed - wanted)),
            job_sids=tuple(sids),
            resource_type=next(iter(types), None),
        )


def _split(text: str) -> Iterator[str]:
    """Split a text of several days, for example one that a template rendered."""
    if text.strip().startswith(("{", "[", "(", "<")):
        raise BulkExportsInputError(
            f"days is a template-rendered string, {text.strip()[:60]!r}: write days=wait.output "
            "without quotes and braces, or set render_template_as_native_obj=True on the DAG"
        )
    for day in text.split(","):
        yield day.strip()


def _elements(value: Any) -> list[Any]:
    if isinstance(value, (bytes, bytearray, Iterator)) or not isinstance(value, Iterable):
        raise BulkExportsInputError(f"days is {_shown(value)}: {_CURE}")
    try:
        return list(value)
    except TypeError as error:  # a scalar that pretends to be iterable, for example an array without dimensions
        raise BulkExportsInputError(f"days is {_shown(value)}: {_CURE}") from error


def _flat(elements: list[Any]) -> list[Any]:
    """Put the elements of lists in their place, for example of the days of several mapped sensors."""
    nested = [element if isinstance(element, (list, tuple)) else [element] for element in elements]
    return [element for part in nested for element in part]


def _day(value: Any) -> date:
    if isinstance(value, str) and is_job_sid(value):
        raise BulkExportsInputError(f"days contains {value}, which is a job, not a day: wait for the job, and {_CURE}")
    if value is None or isinstance(value, Mapping) or not isinstance(value, (str, date)):
        raise BulkExportsInputError(f"days contains {_shown(value)}, which is not a day: {_CURE}")
    return parse_day(value, name="day")


def _days_of(result: Mapping[Any, Any], key: str) -> Iterator[date]:
    if not isinstance(result.get(key), (list, tuple)):
        raise BulkExportsInputError(f"days is a dict without a list of {key!r} days, so not a wait's result: {_CURE}")
    return map(_day, result[key])


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text[:60]}{'…' if len(text) > 60 else ''}"
