"""Days that were exported more than once: any of their files is stored, and log and manifest name it."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.scripted_server import Answer, Received, ScriptedServer

from airflow_provider_bulkexports.simulator import Simulator

Store = Callable[..., dict[str, Any]]

DAY = "2026-01-01"


def file_of(records: int) -> bytes:
    lines = [json.dumps({"account_sid": ScriptedServer.login, "sid": f"SM{number}"}) for number in range(records)]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


OLD, NEW = file_of(3), file_of(30)


class Twilio:
    """
    One day, and the files of its exports.

    :param listed: Sizes and names in Twilio's list.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.listed: list[tuple[int | None, str]] = [(len(OLD), "old"), (len(NEW), "new")]
        self.served = NEW
        server.script = self.answer

    def answer(self, received: Received) -> Answer:
        if "/Days/" in received.target:
            return Answer(body={"redirect_to": f"{self.server.url}/stored"})
        if "/Days" in received.target:
            days = [
                {"day": DAY, "create_date": "2026-01-03", "friendly_name": name, "resource_type": "Messages"}
                | ({} if size is None else {"size": size})
                for size, name in self.listed
            ]
            return Answer(body={"days": days, "meta": {"key": "days"}})
        if received.target.endswith("/stored"):
            return Answer(body=self.served, headers={"Content-Type": "application/gzip"})
        return Answer(body={"jobs": [], "meta": {"key": "jobs"}})

    @property
    def fetched(self) -> int:
        return sum(received.target.endswith("/stored") for received in self.server.received)


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with ExitStack() as stack:
        yield Twilio(ScriptedServer(stack))


@pytest.fixture
def store(twilio: Twilio, store_as: Callable[..., list[dict[str, Any]]]) -> Store:
    server = twilio.server
    connection = {
        "conn_type": "twilio_bulkexports",
        "host": server.url,
        "login": server.login,
        "password": server.password,
        "extra": {"max_retries": 0},
    }

    def run(**arguments: Any) -> dict[str, Any]:
        (entry,) = store_as(json.dumps(connection), **arguments)
        return entry

    return run


@pytest.mark.parametrize(("served", "name", "records"), [(OLD, "old", 3), (NEW, "new", 30)])
@pytest.mark.parametrize("order", [1, -1])
def test_either_listed_file_is_stored_and_named(
    store: Store,
    twilio: Twilio,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    served: bytes,
    name: str,
    records: int,
    order: int,
) -> None:
    caplog.set_level(logging.INFO)
    twilio.served = served
    twilio.listed = twilio.listed[::order]

    entry = store()

    assert (entry["status"], entry["records"], entry["friendly_name"]) == ("stored", records, name)
    assert entry["listed_size"] == entry["bytes"] == len(served)
    said = caplog.text + capsys.readouterr().out  # a task's own log is not logging's in Airflow 3
    assert f"Twilio lists 2 files of {DAY}; storing the one of {len(served)} bytes, made on 2026-01-03" in said


def test_newer_file_replaces_the_older_one(store: Store, twilio: Twilio, tmp_path: Path) -> None:
    twilio.served = OLD
    assert store()["friendly_name"] == "old"
    twilio.served = NEW

    assert store()["friendly_name"] == "new"
    assert store()["status"] == "skipped"
    assert next(tmp_path.rglob("part-0.json.gz")).read_bytes() == NEW


@pytest.mark.parametrize("sizes", [(None, None), (0, 0), (None, len(NEW)), (len(OLD), None)])
def test_list_without_sizes_accepts_any_verified_file(store: Store, twilio: Twilio, sizes: Any) -> None:
    twilio.listed = [(sizes[0], "old"), (sizes[1], "new")]

    assert store()["records"] == 30
    assert store()["status"] == "skipped" if sizes != (len(OLD), None) else True
    assert twilio.fetched >= 1


def test_changed_size_alone_is_fetched_again(store: Store, twilio: Twilio) -> None:
    twilio.listed, twilio.served = [(len(OLD), "same")], OLD
    store()
    twilio.listed, twilio.served = [(len(NEW), "same")], NEW

    assert store()["records"] == 30


def test_zero_byte_file_is_empty_only_if_the_result_says_so(store: Store, twilio: Twilio) -> None:
    twilio.listed, twilio.served = [(None, "new")], b""

    with pytest.raises(Exception, match="no bytes"):
        store()
    empty = {"job_sids": [], "resource_type": "Messages", "completed": [], "empty": [DAY], "failed": []}
    assert store(days=empty)["records"] == 0


@pytest.mark.parametrize("change", ["size", "friendly_name"])
def test_day_exported_again_on_the_same_date_is_fetched_again(
    store_as: Callable[..., list[dict[str, Any]]], simulated: Simulator, tmp_path: Path, change: str
) -> None:
    sim = simulated
    sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="first")
    (first,) = store_as(sim.connection_json())
    assert [entry["status"] for entry in store_as(sim.connection_json())] == ["skipped"]
    sim.clock.advance(timedelta(minutes=1))
    if change == "size":
        sim.state.set_record_count("Messages", "2026-01-01", 7)
    sim.create_job("Messages", "2026-01-01", "2026-01-01", FriendlyName="first" if change == "size" else "second")

    (again,) = store_as(sim.connection_json())

    assert again["status"] == "stored"
    assert first["create_date"] == again["create_date"], "it has no time of day"
    assert again["friendly_name"] == ("first" if change == "size" else "second")
    assert again["listed_size"] == again["bytes"] == next(tmp_path.rglob("part-0.json.gz")).stat().st_size


@pytest.fixture
def again(
    store_as: Callable[..., list[dict[str, Any]]], simulated: Simulator
) -> Callable[..., tuple[dict[str, Any], dict[str, Any]]]:
    """Store a day whose prices are late, then the file of a later job with another number of records."""
    simulated.knobs.price_delay_days = 400

    def run(*, records: int = 50, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        simulated.create_job("Messages", DAY, DAY, FriendlyName="first")
        (first,) = store_as(simulated.connection_json(), **arguments)
        simulated.clock.advance(timedelta(days=100))
        simulated.state.set_record_count("Messages", DAY, records)
        simulated.create_job("Messages", DAY, DAY, FriendlyName="second")
        (second,) = store_as(simulated.connection_json(), **arguments)
        return first, second

    return run


CONVERTED = [{"file_format": "parquet"}, {"drop_columns": ["body"]}]


def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out or caplog.text  # a task's own log is not logging's in Airflow 3


@pytest.mark.parametrize("arguments", CONVERTED, ids=["parquet", "json"])
def test_changes_of_a_day_are_logged_and_in_the_manifest(
    again: Any, tmp_path: Path, caplog: Any, capsys: Any, arguments: dict[str, Any]
) -> None:
    if "file_format" in arguments:
        pytest.importorskip("pyarrow")
    caplog.set_level(logging.INFO)

    first, second = again(**arguments)

    assert first["changes"] is None
    assert first["prices_missing"] > 9 and second["prices_missing"] == 0
    assert first["prices_due"] == second["prices_due"] > 30
    assert second["changes"] == {
        "records_gained": 0,
        "records_lost": 0,
        "prices_filled": first["prices_missing"],
        "price_total_before": first["price_total"],
    }
    (written,) = tmp_path.rglob("*.manifest.json")
    assert json.loads(written.read_text()) == second
    line = (
        f"{DAY} was exported again: no records gained, {first['prices_missing']} prices filled in, price total from "
        f"{first['price_total']} to {second['price_total']}"
    )
    assert said(caplog, capsys).count(line) == 1


@pytest.mark.parametrize(
    ("records", "gained", "lost", "words"),
    [(53, 3, 0, "3 records gained"), (51, 1, 0, "1 record gained"), (49, 0, 1, "1 record lost"), (0, 0, 50, "50 reco")],
)
def test_changes_of_plain_files_are_records_only(
    again: Any, caplog: Any, capsys: Any, records: int, gained: int, lost: int, words: str
) -> None:
    caplog.set_level(logging.INFO)

    _, second = again(records=records)

    assert second["changes"] == {
        "records_gained": gained,
        "records_lost": lost,
        "prices_filled": None,
        "price_total_before": None,
    }
    text = said(caplog, capsys)
    assert f"{DAY} was exported again: {words}" in text and "price" not in text


def test_same_file_keeps_what_it_changed(
    again: Any, store_as: Callable[..., Any], simulated: Simulator, caplog: Any, capsys: Any
) -> None:
    caplog.set_level(logging.INFO)
    _, second = again(drop_columns=["body"])
    assert said(caplog, capsys).count("was exported again") == 1
    caplog.clear()
    connection = simulated.connection_json()

    repeated = [
        store_as(connection, drop_columns=["body"]),
        store_as(connection, drop_columns=["body"], if_exists="overwrite"),
        store_as(connection, drop_columns=["from"]),
    ]

    assert [entry["status"] for (entry,) in repeated] == ["skipped", "stored", "stored"]
    assert [entry["changes"] for (entry,) in repeated] == [second["changes"]] * 3
    assert "was exported again" not in said(caplog, capsys)
