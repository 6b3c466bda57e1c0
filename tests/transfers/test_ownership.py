"""A file of another account or resource type is never skipped, replaced or returned as the day's."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports import table_definition
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Simulator

StoreAs = Callable[..., list[dict[str, Any]]]

FOLDER = "resource_type=Messages/day=2026-01-01"


def unnamed_key(sim: Simulator, account: Any) -> str:
    """A connection by an API key without ``account_sid``."""
    connection = json.loads(sim.connection_json(api_key=True, account=account))
    del connection["extra"]
    return json.dumps(connection)


def file_in(folder: Path) -> Path:
    return folder / FOLDER / "part-0.json.gz"


def manifest_in(folder: Path) -> Path:
    return folder / FOLDER / "_part-0.json.gz.manifest.json"


def account_in(file: Path) -> str:
    return str(json.loads(gzip.decompress(file.read_bytes()).splitlines()[0])["account_sid"])


def downloads(sim: Simulator) -> int:
    return len(sim.requests.matching(origin="storage"))


@pytest.fixture
def two(simulated: Simulator) -> tuple[Any, Any]:
    """Two accounts that exported the same day."""
    accounts = simulated.account, simulated.subaccounts[0]
    for account in accounts:
        simulated.create_job("Messages", "2026-01-01", "2026-01-01", account=account)
    return accounts


@pytest.mark.parametrize("if_exists", ["skip", "overwrite", "fail"])
@pytest.mark.parametrize("manifest", ["full", "earlier version", "absent", "damaged"])
@pytest.mark.parametrize("second_is", ["account", "key", "unnamed key"])
def test_file_of_another_account_is_never_skipped_or_replaced(
    store_as: StoreAs,
    sim: Simulator,
    two: tuple[Any, Any],
    tmp_path: Path,
    if_exists: str,
    manifest: str,
    second_is: str,
) -> None:
    first, second = two
    store_as(sim.connection_json(account=first))
    before = file_in(tmp_path).read_bytes()
    if manifest == "earlier version":
        kept = json.loads(manifest_in(tmp_path).read_text())
        for key in ("account_sid", "resource_type", "listed_size", "friendly_name"):
            del kept[key]
        manifest_in(tmp_path).write_text(json.dumps(kept))
    elif manifest == "absent":
        manifest_in(tmp_path).unlink()
    elif manifest == "damaged":
        manifest_in(tmp_path).write_text("{")
    connections = {
        "account": sim.connection_json(account=second),
        "key": sim.connection_json(account=second, api_key=True),
        "unnamed key": unnamed_key(sim, second),
    }

    with pytest.raises(AirflowFailException) as refused:
        store_as(connections[second_is], if_exists=if_exists)

    text = str(refused.value)
    assert first.sid in text and second.sid in text and "put {account_sid} into the layout" in text
    assert file_in(tmp_path).read_bytes() == before
    assert account_in(file_in(tmp_path)) == first.sid


def test_accounts_with_separate_folders_do_not_conflict(store_as: StoreAs, sim: Simulator, two: Any) -> None:
    layout = "account={account_sid}/day={day}.json.gz"

    for account in two:
        (entry,) = store_as(sim.connection_json(account=account), layout=layout)
        assert (entry["status"], entry["account_sid"]) == ("stored", account.sid)
        (entry,) = store_as(sim.connection_json(account=account), layout=layout)
        assert entry["status"] == "skipped"


def test_api_key_learns_its_account_from_the_first_record(
    store_as: StoreAs, sim: Simulator, two: tuple[Any, Any], tmp_path: Path
) -> None:
    sim.create_job("Messages", "2026-01-02", "2026-01-04")
    days = [f"2026-01-0{number}" for number in range(1, 5)]

    entries = store_as(unnamed_key(sim, two[0]), days=days)
    before = downloads(sim)
    again = store_as(unnamed_key(sim, two[0]), days=days)

    assert {entry["account_sid"] for entry in entries} == {two[0].sid}
    assert json.loads(manifest_in(tmp_path).read_text())["account_sid"] == two[0].sid
    assert [entry["status"] for entry in again] == ["skipped"] * 4
    assert downloads(sim) - before == 1, "only the first record of one file is read, to learn the account"


def test_api_key_of_an_unknown_account_asks_for_account_sid(
    store_as: StoreAs, sim: Simulator, two: tuple[Any, Any]
) -> None:
    store_as(sim.connection_json(account=two[0]))
    sim.state.remove_files("Messages", "2026-01-01")

    with pytest.raises(AirflowFailException, match=r"account .*add account_sid to the extra of the Twilio connection"):
        store_as(unnamed_key(sim, two[0]))
    assert [entry["status"] for entry in store_as(sim.connection_json(account=two[0]))] == ["skipped"]


def test_file_of_another_resource_type_is_refused(store_as: StoreAs, sim: Simulator, tmp_path: Path) -> None:
    for kind in ("Messages", "Calls"):
        sim.create_job(kind, "2026-01-01", "2026-01-01")
    store_as(sim.connection_json(), layout="{day}.json.gz")
    before = (tmp_path / "2026-01-01.json.gz").read_bytes()

    with pytest.raises(AirflowFailException, match=r"holds Messages .* put {resource_type} into the layout"):
        store_as(sim.connection_json(), layout="{day}.json.gz", resource_type="Calls", if_exists="overwrite")

    assert (tmp_path / "2026-01-01.json.gz").read_bytes() == before


def test_only_one_of_two_concurrent_accounts_succeeds(
    store_as: StoreAs, sim: Simulator, two: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no file, and each publishes after the other has checked."""
    first, second = two
    store_as(sim.connection_json(account=second), destination=f"file://{tmp_path}/other")
    place = Destination._place

    def overtaken(self: Destination, *args: Any, **kwargs: Any) -> None:
        shutil.copytree(tmp_path / "other", tmp_path / "shared", dirs_exist_ok=True)
        place(self, *args, **kwargs)

    monkeypatch.setattr(Destination, "_place", overtaken)

    with pytest.raises(AirflowException) as refused:
        store_as(sim.connection_json(account=first), destination=f"file://{tmp_path}/shared")

    assert first.sid in str(refused.value) and second.sid in str(refused.value)
    assert account_in(file_in(tmp_path / "shared")) == second.sid, "the first one stays"


@pytest.mark.parametrize("file_format", ["json", "parquet"])
def test_layout_that_the_refusal_names_is_the_one_of_table_definitions(
    store_as: StoreAs, sim: Simulator, two: tuple[Any, Any], tmp_path: Path, file_format: str
) -> None:
    pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    first, second = two
    store_as(sim.connection_json(account=first), file_format=file_format, destination=f"file://{tmp_path}/taken")
    with pytest.raises(AirflowFailException) as refused:
        store_as(sim.connection_json(account=second), file_format=file_format, destination=f"file://{tmp_path}/taken")
    (layout,) = re.findall(r"for example '(\S+)'", str(refused.value))

    for account in two:
        store_as(sim.connection_json(account=account), file_format=file_format, layout=layout)

    if file_format == "json":
        assert (tmp_path / f"resource_type=Messages/account={second.sid}/day=2026-01-01/part-0.json.gz").exists()
        return
    with duckdb.connect() as database:
        sids = [first.sid, second.sid]
        database.execute(table_definition("Messages", dialect="duckdb", location=str(tmp_path), account_sids=sids))
        counted = "SELECT account, day, count(*) FROM twilio_messages GROUP BY ALL ORDER BY account"
        assert [str(account) for account, _, _ in database.execute(counted).fetchall()] == sorted(sids)
