"""
What the UI calls a task: a mapped task by its days, such as ``2024-09``, instead of an index.

The name is Airflow's ``map_index_template``, which Airflow renders after a task and, since 3.2, also before it. A task
that learns its days later sets its name then. The list of a run's tasks also shows the days of tasks that are not
mapped.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.compat import Context, name_task, pass_context
from airflow_provider_bulkexports.planning.day_names import name_of_days

if TYPE_CHECKING:
    from airflow_provider_bulkexports.compat import BaseOperator as _Operator
else:
    # Airflow 2.11 wraps the constructor of every subclass of BaseOperator, which would leave out BaseSensorOperator's.
    _Operator = object

__all__ = ["NAME_TEMPLATE", "NamedTask", "set_default_name"]

#: Default of ``map_index_template``.
NAME_TEMPLATE = "{{ task.name_in_ui() }}"

#: XCom with the days of a task, for people.
_DAYS_KEY = "days"

#: Arguments of which a name tells mapped tasks apart. The first two are shown if they are mapped.
_SHOWN_IF_MAPPED = ("twilio_conn_id", "resource_type")
_DISTINGUISHING = {*_SHOWN_IF_MAPPED, "start_day", "end_day", "days", "job_sid"}

#: Airflow's limit of a name.
_LONGEST = 250


class NamedTask(_Operator):
    """Mixin: the task is named by its days in the UI, unless the DAG sets ``map_index_template``."""

    template_fields: Any

    _known_days: tuple[date, ...] = ()
    _known_type: str | None = None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Set Airflow's arguments that are the same for all mapped copies; ``expand`` gives the others."""
        task = super().partial(**kwargs)
        if not isinstance(task.kwargs.get("map_index_template"), str):
            task.kwargs["map_index_template"] = NAME_TEMPLATE
        return task

    @pass_context
    def name_in_ui(self, context: Context) -> str:
        """
        Return the name of a mapped task, such as ``2024-09``; its index if the name would not tell it from the others.

        Of a task that is not mapped: its days, or nothing. ``map_index_template`` may call it:
        ``"{{ task.name_in_ui() }} of {{ task.destination }}"``.
        """
        index = getattr(context.get("ti"), "map_index", -1)
        is_mapped = isinstance(index, int) and index >= 0
        try:
            name = self._name(context, is_mapped=is_mapped)
        except Exception:  # noqa: BLE001  # the task itself says what is wrong; a name must not fail it
            name = ""
        return name[:_LONGEST] or (str(index) if is_mapped else "")

    def _days_in(self, context: Context) -> Iterable[date]:
        """The days that the task is about, as far as its arguments say."""
        return ()

    def _show_days(self, context: Context, days: Iterable[date], resource_type: str | None = None) -> None:
        """Show the task's days in the UI from now on: in its name, and as an XCom."""
        shown = self._known_days, self._known_type
        self._known_days, self._known_type = tuple(days) or self._known_days, resource_type or self._known_type
        task_instance = context.get("ti")
        if task_instance is None or shown == (self._known_days, self._known_type):  # None outside Airflow
            return
        task_instance.xcom_push(key=_DAYS_KEY, value=name_of_days(self._known_days))
        if context.get("map_index_template") == NAME_TEMPLATE and (name := self.name_in_ui(context)):
            name_task(task_instance, name)

    def _name(self, context: Context, *, is_mapped: bool) -> str:
        days = name_of_days(self._known_days or self._days_in(context))
        if not is_mapped:
            return days
        mapped = _mapped_arguments_of(self)
        if not mapped & _DISTINGUISHING:
            return ""
        resource_type = getattr(self, "resource_type", None)
        shown = {"twilio_conn_id": self.twilio_conn_id, "resource_type": resource_type}
        parts = [str(shown[name]) for name in _SHOWN_IF_MAPPED if name in mapped and shown[name]]
        if resource_type is None and self._known_type:
            parts.append(self._known_type)
        return " ".join([*parts, days or _first_of(getattr(self, "job_sid", None))]).strip()

    if TYPE_CHECKING:
        twilio_conn_id: str


def set_default_name(task: NamedTask) -> None:
    """Name a task by its days, unless the DAG names it; an operator's constructor calls this last."""
    if task.map_index_template is None:
        task.map_index_template = NAME_TEMPLATE
    values = {name: getattr(task, name, None) for name in task.template_fields}
    # In a mapped task group, arguments are placeholders of Airflow's; what is constant is text, a list, or a template.
    task._placeholders = frozenset(  # noqa: SLF001
        name for name, value in values.items() if hasattr(value, "resolve")
    )


def _mapped_arguments_of(task: NamedTask) -> frozenset[str]:
    """Names of the arguments that differ between the copies of a mapped task."""
    if not getattr(task, "_BaseOperator__from_mapped", False):
        return getattr(task, "_placeholders", frozenset())
    original = getattr(getattr(task, "_dag", None), "task_dict", {}).get(task.task_id)
    given = frozenset(getattr(task, "_BaseOperator__init_kwargs", ()))
    return given - frozenset(getattr(original, "partial_kwargs", ()))


def _first_of(job_sid: Any) -> str:
    """The job, of which the days are not known yet."""
    sids = [job_sid] if isinstance(job_sid, str) else list(job_sid) if isinstance(job_sid, (list, tuple)) else []
    return f"{sids[0]}{f' and {len(sids) - 1} more' if len(sids) > 1 else ''}" if sids else ""
