"""Run a task as Airflow does, in one process and without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

from airflow_provider_bulkexports.compat import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow_provider_bulkexports.simulator import SimulatedClock

__all__ = ["TaskEnd", "Timeline", "run_to_end"]


class Timeline:
    """The time of the test and of the simulator: it stands still until something sleeps, which moves it at once."""

    def __init__(self, clock: SimulatedClock, traveller: Any) -> None:
        self._clock = clock
        self._traveller = traveller
        self.exactly_passed = 0.0
        self.slept: list[float] = []
        self._scheduled: list[tuple[float, Callable[[], Any]]] = []

    @property
    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    @property
    def passed(self) -> float:
        """Seconds since the test began, without float noise: 360, not 359.9999999999991."""
        return round(self.exactly_passed, 6)

    def after(self, seconds: float, action: Callable[[], Any]) -> None:
        """Call ``action`` once that many seconds have passed."""
        self._scheduled.append((self.passed + seconds, action))

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._traveller.shift(seconds)
        self.exactly_passed += seconds
        due = [entry for entry in self._scheduled if entry[0] <= self.passed]
        for entry in due:
            self._scheduled.remove(entry)
            entry[1]()

    def advance_to(self, moment: datetime) -> None:
        self.advance(max(0.0, (moment - self.now).total_seconds()))

    def put_clock_forward(self, seconds: float) -> None:
        """Let the test's clock run ahead of the simulator's."""
        self._traveller.shift(seconds)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)


@dataclass
class TaskEnd:
    """How a task ended, as Airflow's task state: ``failed`` is final, ``up_for_retry`` is not."""

    state: str
    value: Any = None
    error: BaseException | None = None
    deferrals: list[TaskDeferred] = field(default_factory=list)
    reschedules: list[datetime] = field(default_factory=list)


def run_to_end(make_task: Callable[[], Any], context: dict[str, Any], timeline: Timeline) -> TaskEnd:
    """
    Run a task to its end as Airflow does.

    Each reschedule and deferral creates a new task object; triggers and events are serialized in between.
    """
    end = TaskEnd("running")
    context["ti"].first_rescheduled_at = None
    method, kwargs = "", {}
    while end.state == "running":
        task = make_task()
        try:
            end.value = task.resume_execution(method, kwargs, context) if method else task.execute(context)
            end.state = "success"
        except TaskDeferred as deferred:
            end.deferrals.append(deferred)
            event = first_event_of(stored_trigger(deferred.trigger))
            method, kwargs = deferred.method_name, {**(deferred.kwargs or {}), "event": stored(event)}
        except AirflowRescheduleException as rescheduled:
            end.reschedules.append(rescheduled.reschedule_date)
            context["ti"].first_rescheduled_at = context["ti"].first_rescheduled_at or timeline.now
            timeline.advance_to(rescheduled.reschedule_date)
            method = ""
        except AirflowException as error:
            end.state, end.error = state_after(error), error
    return end


def state_after(error: AirflowException) -> str:
    if isinstance(error, AirflowSkipException):
        return "skipped"
    return "failed" if isinstance(error, (AirflowFailException, AirflowSensorTimeout)) else "up_for_retry"


def stored(value: Any) -> Any:
    """The value after Airflow wrote it to its database and read it back."""
    from airflow.models.trigger import Trigger

    encrypt = getattr(Trigger, "encrypt_kwargs", None) or Trigger._encrypt_kwargs  # Airflow 2.11
    return Trigger._decrypt_kwargs(encrypt({"value": value}))["value"]


def stored_trigger(trigger: Any) -> Any:
    classpath, kwargs = trigger.serialize()
    module, _, name = classpath.rpartition(".")
    return getattr(import_module(module), name)(**stored(kwargs))


def first_event_of(trigger: Any) -> Any:
    async def first() -> Any:
        return (await anext(trigger.run())).payload

    return asyncio.run(first())
