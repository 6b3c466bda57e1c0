"""A new day file, made by anyone, is announced once, also across restarts if Airflow has state stores."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from support.scripted_server import Answer, ScriptedServer

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.model.resources import ExportDay
from airflow_provider_bulkexports.polling.new_files import file_key
from airflow_provider_bulkexports.simulator import Fault, Simulator
from airflow_provider_bulkexports.triggers.bulkexports import ExportDayEventTrigger

DAYS_LIST = r"/v1/Exports/\w+/Days"


class Store(dict):
    """An asset's state store, as Airflow 3.3 gives it to a trigger."""

    async def aget(self, key: str, default: Any = None) -> Any:
        return self.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self[key] = value


class Stores:
    def __init__(self, *stores: Store) -> None:
        self._by_name = dict(enumerate(stores))
        self._by_uri: dict[str, Store] = {}


@pytest.fixture
def export(sim: Simulator) -> Callable[..., None]:
    """Make a day's file."""

    def create(day: str, *, resource_type: str = "Messages", name: str = "somebody's") -> None:
        sim.create_job(resource_type, day, day, FriendlyName=name)
        sim.finish_jobs()

    return create


@pytest.fixture
def moments() -> list[float]:
    """Seconds from the start of the test to each announcement."""
    return []


@pytest.fixture
def announced(connection: str, timeline: Any, moments: list[float]) -> Callable[..., list[dict[str, Any]]]:
    """What triggers announce within a time."""

    async def until(triggers: list[Any], seconds: float) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []

        async def listen(trigger: Any) -> None:
            async for event in trigger.run():
                moments.append(timeline.passed)
                events.append(event.payload)

        tasks = [asyncio.ensure_future(listen(trigger)) for trigger in triggers]
        end = timeline.passed + seconds
        while timeline.passed < end:
            await asyncio.wait(tasks, timeout=0) if any(task.done() for task in tasks) else await real_tick()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return events

    async def real_tick() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        await future

    def run(
        *stores: Store | Stores | None,
        seconds: float = 600,
        resource_type: str = "Messages",
        poll_interval: float = 60,
        **kwargs: Any,
    ) -> list[dict[str, Any]]:
        triggers = []
        for store in stores or (None,):
            trigger = ExportDayEventTrigger(resource_type, poll_interval=poll_interval, **kwargs)
            trigger.asset_state_store = Stores(store) if isinstance(store, Store) else store  # type: ignore[assignment]
            triggers.append(trigger)
        return asyncio.run(until(triggers, seconds))

    return run


def days_of(events: list[dict[str, Any]]) -> list[str]:
    return [day for event in events for day in event["days"]]


def test_new_file_is_announced_once_with_its_details(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any
) -> None:
    export("2026-01-01")
    timeline.after(200, lambda: export("2026-01-02"))

    (event,) = announced()

    (file,) = event["files"]
    assert (event["resource_type"], event["days"]) == ("Messages", ["2026-01-02"])
    assert file.pop("bytes") > 0
    assert file == {
        "day": "2026-01-02",
        "create_date": "2026-11-24",
        "friendly_name": "somebody's",
        "expires_at": "2026-12-01T00:00:00+00:00",
    }


def test_files_found_in_one_poll_are_one_event(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any
) -> None:
    def export_two() -> None:
        export("2026-01-02")
        export("2026-01-01")

    timeline.after(200, export_two)

    (event,) = announced()

    assert event["days"] == ["2026-01-01", "2026-01-02"]
    assert [file["day"] for file in event["files"]] == ["2026-01-02", "2026-01-01"]


def test_restart_neither_repeats_nor_misses_a_file(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any
) -> None:
    store = Store()
    export("2026-01-01")
    timeline.after(200, lambda: export("2026-01-02"))

    assert days_of(announced(store)) == ["2026-01-02"]
    export("2026-01-03")
    assert days_of(announced(store)) == ["2026-01-03"]
    assert announced(store) == []


def test_restart_without_a_state_store_skips_existing_files(
    announced: Callable[..., Any], export: Callable[[str], None]
) -> None:
    assert announced() == []
    export("2026-01-03")
    assert announced() == []


def test_existing_files_are_announced_on_request(announced: Callable[..., Any], export: Callable[[str], None]) -> None:
    store = Store()
    export("2026-01-01")

    assert days_of(announced(store, announce_existing=True)) == ["2026-01-01"]
    assert announced(store, announce_existing=True) == []


@pytest.mark.slow
def test_day_exported_again_is_a_new_file(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any
) -> None:
    export("2026-01-01")
    timeline.after(24 * 3600, lambda: export("2026-01-01"))

    assert days_of(announced(seconds=25 * 3600)) == ["2026-01-01"]


def test_day_exported_again_on_the_same_date_is_a_new_file(
    announced: Callable[..., Any], export: Callable[..., None], timeline: Any
) -> None:
    export("2026-01-01", name="the first")
    timeline.after(200, lambda: export("2026-01-01", name="the second"))

    (event,) = announced()

    assert [(file["day"], file["friendly_name"]) for file in event["files"]] == [("2026-01-01", "the second")]


def test_file_listed_for_unusually_long_is_not_announced_again(
    announced: Callable[..., Any], export: Callable[..., None], timeline: Any, sim: Simulator
) -> None:
    sim.knobs.file_retention_days = 30
    store, day = Store(), 24 * 3600
    export("2026-01-01")
    timeline.after(20 * day, lambda: export("2026-01-02"))

    assert days_of(announced(store, seconds=25 * day, poll_interval=day)) == ["2026-01-02"]
    assert announced(store) == []


def test_event_is_recorded_only_after_airflow_stored_it(
    announced: Callable[..., Any], export: Callable[..., None], timeline: Any, moments: list[float]
) -> None:
    writes: list[tuple[float, Any]] = []

    class Observed(Store):
        async def aset(self, key: str, value: Any) -> None:
            writes.append((timeline.passed, value))
            await super().aset(key, value)

    timeline.after(200, lambda: export("2026-01-02"))
    announced(Observed())

    (baseline, nothing), (remembered, file) = writes
    (fired,) = moments
    assert (baseline, nothing, len(file)) == (0.0, [], 1)
    assert fired + 1 < remembered < fired + 10


def test_event_recorded_for_one_asset_is_not_repeated(
    announced: Callable[..., Any], export: Callable[..., None]
) -> None:
    stores = [Store(), Store()]
    announced(Stores(*stores))
    before = dict(stores[1])
    export("2026-01-02")
    announced(Stores(*stores))
    stores[1].update(before)

    assert announced(Stores(*stores)) == []
    export("2026-01-03")
    assert days_of(announced(Stores(*stores))) == ["2026-01-03"]
    assert stores[0] == stores[1]


def test_watchers_of_one_asset_have_separate_states(announced: Callable[..., Any], export: Callable[..., None]) -> None:
    store = Store()
    export("2026-01-01", resource_type="Calls")
    announced(store, resource_type="Messages")
    announced(store, resource_type="Calls")
    export("2026-01-02", resource_type="Calls")

    assert announced(store, resource_type="Messages") == []
    assert days_of(announced(store, resource_type="Calls")) == ["2026-01-02"]


def test_failing_state_store_neither_ends_the_watcher_nor_repeats_a_file(
    announced: Callable[..., Any], export: Callable[..., None], timeline: Any
) -> None:
    class Failing(Store):
        failures = 3

        async def aset(self, key: str, value: Any) -> None:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("API_SERVER_ERROR: 503")
            await super().aset(key, value)

    store = Failing()
    timeline.after(200, lambda: export("2026-01-02"))

    assert days_of(announced(store)) == ["2026-01-02"]
    assert announced(store) == []


def test_ten_watchers_make_one_request_an_interval_and_each_announces(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any, sim: Simulator
) -> None:
    stores = [Store() for _ in range(10)]
    timeline.after(200, lambda: export("2026-01-02"))

    events = announced(*stores)

    assert days_of(events) == ["2026-01-02"] * 10
    assert len(sim.requests.matching(path=DAYS_LIST)) <= 600 / 60 + 2


def test_watchers_started_at_different_times_poll_together(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any, sim: Simulator
) -> None:
    class Slow(Store):
        """Its watcher takes long to record the existing files."""

        def __init__(self, seconds: float) -> None:
            self._seconds = seconds

        async def aset(self, key: str, value: Any) -> None:
            await asyncio.sleep(self._seconds)
            await super().aset(key, value)

    timeline.after(600, lambda: export("2026-01-02"))

    events = announced(Slow(0), Slow(7), Slow(19), seconds=1200)

    assert days_of(events) == ["2026-01-02"] * 3
    polls = sorted({request.at for request in sim.requests.matching(path=DAYS_LIST)})
    assert len(sim.requests.matching(path=DAYS_LIST)) == len(polls) <= 1200 / 60 + 8


def test_consecutive_failures_lose_no_file(
    announced: Callable[..., Any], export: Callable[[str], None], timeline: Any, sim: Simulator
) -> None:
    timeline.after(100, lambda: sim.faults.add(Fault(status=503, path=DAYS_LIST, times=80)))
    timeline.after(150, lambda: export("2026-01-02"))
    timeline.after(5000, sim.faults.clear)

    assert days_of(announced(seconds=6000)) == ["2026-01-02"]


def test_watcher_waits_for_a_missing_connection(
    announced: Callable[..., Any], timeline: Any, monkeypatch: pytest.MonkeyPatch, sim: Simulator
) -> None:
    timeline.after(1000, lambda: monkeypatch.setenv("AIRFLOW_CONN_LATE", sim.connection_json()))

    assert announced(twilio_conn_id="late", seconds=3000) == []
    assert sim.requests.matching(path=DAYS_LIST)


@pytest.mark.parametrize("more", [False, True], ids=["all of them", "some of them"])
def test_frozen_triggerer_does_not_repeat_announcements_of_another(
    announced: Callable[..., Any], export: Callable[..., None], timeline: Any, client: BulkExportsClient, more: bool
) -> None:
    """While it is frozen, another one takes its watcher over; then it resumes with its old state."""
    store = Store()
    announced(store)

    def announce_elsewhere() -> None:
        export("2026-01-02")
        for key in store:
            store[key] = [file_key(entry) for entry in client.list_days("Messages")]
        if more:
            export("2026-01-03")

    timeline.after(200, announce_elsewhere)

    assert days_of(announced(store)) == (["2026-01-03"] if more else [])
    export("2026-01-04")
    assert days_of(announced(store)) == ["2026-01-04"]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the log says."""
    return lambda: caplog.text + "".join(capsys.readouterr())


def watching(asset: str) -> Stores:
    stores = Stores()
    stores._by_name = {asset: Store()}  # type: ignore[dict-item]
    return stores


NAMES = "Watcher 'new_files' of asset 'message_files' (connection "


def test_watcher_logs_its_name_asset_and_connection_at_start(
    announced: Callable[..., Any], said: Callable[[], str]
) -> None:
    announced(watching("message_files"), watcher="new_files")
    announced()

    log = said()
    assert f"{NAMES}'twilio_bulkexports_default'): watching for new Messages files every 60 seconds" in log
    assert "Watcher of an unknown asset (connection 'twilio_bulkexports_default'): watching" in log


def test_watcher_that_cannot_poll_is_named_in_the_log(
    announced: Callable[..., Any], said: Callable[[], str], sim: Simulator
) -> None:
    """A triggerer has the log of many watchers."""
    announced(watching("message_files"), watcher="new_files", twilio_conn_id="missing")
    sim.faults.add(Fault(status=503, path=DAYS_LIST))
    announced(watching("message_files"), watcher="new_files")

    log = said()
    assert f"{NAMES}'missing'): cannot list Messages files (1 consecutive failure)" in log
    assert f"{NAMES}'twilio_bulkexports_default'): cannot list Messages files (1 consecutive failure)" in log


def test_watcher_whose_state_store_fails_is_named_in_the_log(
    announced: Callable[..., Any], said: Callable[[], str]
) -> None:
    class Failing(Store):
        async def aget(self, key: str, default: Any = None) -> Any:
            if not self.pop("failed", False):
                self["failed"] = True
                raise RuntimeError("API_SERVER_ERROR: 503")
            return super().get(key, default)

    stores = watching("message_files")
    stores._by_name = {"message_files": Failing()}  # type: ignore[dict-item]
    announced(stores, watcher="new_files")

    assert f"{NAMES}'twilio_bulkexports_default'): Airflow's state store failed (1 consecutive failure)" in said()


ODD: dict[str, dict[str, Any]] = {
    "half an emoji": {"friendly_name": "June \ud83d"},
    "NUL": {"friendly_name": "June\x00"},
    "forged lines": {"friendly_name": "June\r\n2026-01-01 ERROR \x1b[31mnothing\u202e"},
    "a name without end": {"friendly_name": "June" * 10**5},
    "a name that is no text": {"friendly_name": {"a": 1}},
    "a size beyond 64 bits": {"size": 2**65},
    "a size of many digits": {"size": 10**400},
    "a negative size": {"size": -(2**65)},
    "a size that is no number": {"size": float("nan")},
    "made at the end of the calendar": {"create_date": "9999-12-31"},
    "made at its beginning": {"create_date": "0001-01-01"},
    "no date": {"create_date": None},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_entry_neither_ends_the_watcher_nor_hides_files(
    announced: Callable[..., Any], odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {"day": "2026-01-02", "size": 7, "create_date": "2026-11-24", "friendly_name": "usual"}
    strange = {"day": "2026-01-03", "size": 7, "create_date": "2026-11-24", "friendly_name": "strange", **odd}
    with ExitStack() as stack:
        server = ScriptedServer(stack)
        url = f"{server.url}/v1/Exports/Messages/Days"
        server.answers(
            Answer(body={"days": [], "meta": {"url": url}}),
            Answer(body={"days": [usual, strange], "meta": {"url": url}}),
        )
        connection = {"conn_type": "twilio_bulkexports", "login": server.login, "password": "token", "host": server.url}
        monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps(connection))
        store = Store()

        events = announced(store, twilio_conn_id="odd")
        again = announced(store, twilio_conn_id="odd")

    assert sorted(days_of(events)) == ["2026-01-02", "2026-01-03"]
    assert again == []
    travels({"events": events, **store})


def travels(value: Any) -> None:
    """Whether pipes, JSON and PostgreSQL accept it."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert not [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    outside_of_texts = re.sub(r'"(\\.|[^"\\])*"', "", text)
    assert not [number for number in re.findall(r"[0-9]+", outside_of_texts) if int(number) >= 2**63]


@pytest.mark.sample(1)
@pytest.mark.parametrize("fault", [UnicodeError("a fault of ours"), RecursionError(), MemoryError()], ids=repr)
def test_bug_neither_ends_the_watcher_nor_loses_a_file(
    announced: Callable[..., Any],
    export: Callable[..., None],
    timeline: Any,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    read, count = ExportDay.from_json, itertools.count()

    def failing_at_first(payload: Any) -> Any:
        if next(count) < 15:
            raise fault
        return read(payload)

    timeline.after(100, lambda: monkeypatch.setattr(ExportDay, "from_json", failing_at_first))
    timeline.after(150, lambda: export("2026-01-02"))

    assert days_of(announced(seconds=8000)) == ["2026-01-02"]


def test_impossible_trigger_is_refused_at_parse_time() -> None:
    with pytest.raises(BulkExportsInputError, match="use one of"):
        ExportDayEventTrigger("Mails")
    with pytest.raises(BulkExportsInputError, match="poll_interval"):
        ExportDayEventTrigger("Messages", poll_interval="soon")  # type: ignore[arg-type]


def test_equal_triggers_serialize_alike_at_every_parse() -> None:
    assert ExportDayEventTrigger("Calls").serialize() == ExportDayEventTrigger("Calls").serialize()
    assert ExportDayEventTrigger("Calls").serialize()[1] == {
        "resource_type": "Calls",
        "twilio_conn_id": "twilio_bulkexports_default",
        "poll_interval": 300.0,
        "announce_existing": False,
    }
    named = ExportDayEventTrigger("Calls", watcher="new_files").serialize()[1]
    assert named["watcher"] == "new_files"
    assert ExportDayEventTrigger(**named).serialize()[1] == named
