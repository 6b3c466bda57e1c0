"""A transfer without days stores those of the asset events that started its run."""

from __future__ import annotations

from datetime import date, datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.tasks.days_to_store import days_of_run

ACCOUNT, OTHER = "AC" + "0a" * 16, "AC" + "0b" * 16

JANUARY = {
    "logical_date": datetime(2026, 1, 9, tzinfo=timezone.utc),
    "data_interval_start": datetime(2026, 1, 9, tzinfo=timezone.utc),
    "data_interval_end": datetime(2026, 1, 10, tzinfo=timezone.utc),
}


class AssetTriggeredTimetable:
    """Of a DAG with ``schedule=[asset]``."""


class PartitionedAssetTimetable(AssetTriggeredTimetable):
    """Of a DAG with a partitioned schedule."""


class AssetOrTimeSchedule(AssetTriggeredTimetable):
    """Of a DAG that assets and a timetable start."""


def asset(name: str, uri: str = "") -> SimpleNamespace:
    return SimpleNamespace(name=name, uri=uri or name)


def of_watcher(*days: str, kind: str = "Messages", **more: Any) -> SimpleNamespace:
    payload = {"resource_type": kind, "days": list(days), **more}
    return SimpleNamespace(asset=asset("files"), extra={"from_trigger": True, "payload": payload})


def of_task(*days: str, kind: str = "Messages", account: str = ACCOUNT) -> SimpleNamespace:
    uri = f"twilio-bulkexports://{account}/{kind}"
    return SimpleNamespace(asset=asset(f"Twilio {kind} ({account})", uri), extra={"days": list(days)})


def of_dataset(*days: str, kind: str = "Messages") -> SimpleNamespace:
    dataset = SimpleNamespace(uri=f"twilio-bulkexports://{ACCOUNT}/{kind}")
    return SimpleNamespace(dataset=dataset, extra={"days": list(days)})


def by_hand(**extra: Any) -> SimpleNamespace:
    return SimpleNamespace(asset=asset("files"), extra={"from_rest_api": True, **extra})


def run(*events: Any, timetable: Any = AssetTriggeredTimetable, **context: Any) -> dict[str, Any]:
    found = {f"asset {number}": [event] for number, event in enumerate(events)}
    dag = SimpleNamespace(timetable=timetable())
    return {"dag": dag, "dag_run": SimpleNamespace(conf={}), "triggering_asset_events": found, "params": {}, **context}


def days_in(context: dict[str, Any], kind: ResourceType | None = ResourceType.MESSAGES) -> list[str]:
    wanted = days_of_run(context, resource_type=kind, account_sid=lambda: ACCOUNT)
    return [day.isoformat() for day in wanted.days]


@pytest.mark.parametrize(
    ("events", "days"),
    [
        ([of_watcher("2026-01-02", "2026-01-01")], ["2026-01-01", "2026-01-02"]),
        ([of_watcher("2026-01-05"), of_watcher("2026-01-02", "2026-01-05")], ["2026-01-02", "2026-01-05"]),
        ([of_task("2026-01-03")], ["2026-01-03"]),
        ([of_watcher("2026-01-01"), of_watcher("2026-01-02", kind="Calls")], ["2026-01-01"]),
        ([of_task("2026-01-01"), of_task("2026-01-02", kind="Calls")], ["2026-01-01"]),
        ([of_task("2026-01-01"), of_task("2026-01-02", account=OTHER)], ["2026-01-01"]),
        ([of_watcher("2026-01-01", account_sid=OTHER), of_watcher("2026-01-02", account_sid=ACCOUNT)], ["2026-01-02"]),
        ([by_hand(), of_watcher("2026-01-02")], ["2026-01-02"]),
        ([by_hand(days=["2026-01-04"])], ["2026-01-04"]),
        ([by_hand(days=7), by_hand(days="soon"), by_hand(days=["soon", None]), of_task("2026-01-03")], ["2026-01-03"]),
    ],
    ids=[
        "a watcher",
        "two events that overlap",
        "another task",
        "another type",
        "another type of the same account",
        "another account",
        "watchers of two accounts",
        "an event by hand among others",
        "an event by hand with days",
        "events of others",
    ],
)
def test_days_are_those_of_matching_events(events: list[Any], days: list[str]) -> None:
    assert days_in(run(*events)) == days


def test_datasets_of_airflow_2_name_days_too() -> None:
    context = run(**JANUARY)
    context["triggering_dataset_events"] = {"twilio-bulkexports://…": [of_dataset("2026-01-02", "2026-01-01")]}
    assert days_in(context) == ["2026-01-01", "2026-01-02"]


def test_type_of_events_is_taken_if_the_task_has_none() -> None:
    wanted = days_of_run(run(of_watcher("2026-01-01", kind="Calls")), resource_type=None, account_sid=lambda: None)
    assert (wanted.days, wanted.resource_type) == ((date(2026, 1, 1),), ResourceType.CALLS)

    with pytest.raises(BulkExportsInputError, match="of Calls and Messages: set resource_type"):
        days_in(run(of_watcher("2026-01-01"), of_watcher("2026-01-01", kind="Calls")), None)


def test_partition_key_comes_before_events() -> None:
    """An event's extra has all days of the task that made it; the key has the one that this run is for."""
    event = of_task("2026-01-01", "2026-01-02", "2026-01-03")
    assert days_in(run(event, partition_key="2026-01-02", timetable=PartitionedAssetTimetable)) == ["2026-01-02"]


@pytest.mark.parametrize("timetable", [object, AssetOrTimeSchedule])
def test_run_of_a_time_has_the_days_of_its_interval(timetable: Any) -> None:
    assert days_in(run(timetable=timetable, **JANUARY)) == ["2026-01-09"]


@pytest.mark.parametrize("events", [[], [by_hand()], [of_watcher("2026-01-01", kind="Calls")]])
@pytest.mark.parametrize("days", ["2026-01-01, 2026-01-02", ["2026-01-02", "2026-01-01"]], ids=["text", "list"])
@pytest.mark.parametrize("where", ["params", "conf"])
def test_run_by_hand_takes_days_from_form_or_configuration(events: list[Any], days: Any, where: str) -> None:
    context = run(*events, **JANUARY)
    if where == "params":
        context["params"] = {"days": days}
    else:
        context["dag_run"].conf = {"days": days}
    assert days_in(context) == ["2026-01-01", "2026-01-02"]


def test_run_by_hand_without_days_says_how_to_give_them() -> None:
    """The logical date of such a run is the time of the click: Twilio has no file of that day yet."""
    for params in ({}, {"days": ""}, {"days": None}):
        with pytest.raises(BulkExportsInputError, match="triggered by hand, so no asset event names") as refusal:
            days_in(run(params=params, **JANUARY))
        assert '{"days": "2026-01-31"}' in str(refusal.value)


def test_events_without_matching_days_are_named() -> None:
    with pytest.raises(BulkExportsInputError, match="events of 'files' that started this run name no days of Messages"):
        days_in(run(of_watcher("2026-01-01", kind="Calls"), by_hand()))


def test_account_is_looked_up_only_to_compare_it() -> None:
    def fail() -> str:
        raise AssertionError("the connection is not needed")

    for context in (run(of_watcher("2026-01-01")), run(timetable=object, **JANUARY)):
        days_of_run(context, resource_type=ResourceType.MESSAGES, account_sid=fail)
