"""Days stored as Parquet, or with personal data dropped or hashed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.s3 import CONN_ID, keys

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.compat import AirflowException, AirflowFailException
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.object_storage.destination import Destination
from airflow_provider_bulkexports.simulator import Simulator

pq = pytest.importorskip("pyarrow.parquet")

Store = Callable[..., list[dict[str, Any]]]

DAY = "resource_type=Messages/day=2026-01-01"
KEY = "a secret of 24 characters"


@pytest.fixture(autouse=True)
def exported(simulated: Simulator) -> None:
    simulated.state.empty_day("Messages", "2026-01-03")
    simulated.create_job("Messages", "2026-01-01", "2026-01-04")


@pytest.fixture
def with_key(store_as: Store, simulated: Simulator) -> Store:
    """Store over a connection that has a key for hashing."""

    def run(*, key: str = KEY, **arguments: Any) -> list[dict[str, Any]]:
        connection = json.loads(simulated.connection_json())
        extra = connection.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        return store_as(json.dumps(connection | {"extra": {**extra, "hash_key": key}}), **arguments)

    return run


def rows(folder: Path, day: str = "2026-01-01") -> list[dict[str, Any]]:
    return pq.read_table(folder / f"resource_type=Messages/day={day}/part-0.parquet", partitioning=None).to_pylist()


def everything_below(folder: Path) -> bytes:
    """Every published byte, packed or not."""
    found = b""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if file.suffix == ".gz":
            content += gzip.decompress(content)
        if file.suffix == ".parquet":
            content += str(pq.read_table(file, partitioning=None).to_pylist()).encode()
        found += content
    return found


def test_day_is_stored_as_parquet(store: Store, tmp_path: Path) -> None:
    (plain,) = store(destination=f"file://{tmp_path}/plain")
    records = [
        json.loads(line)
        for line in gzip.decompress((tmp_path / f"plain/{DAY}/part-0.json.gz").read_bytes()).splitlines()
    ]

    (entry,) = store(file_format="parquet")

    file = tmp_path / f"{DAY}/part-0.parquet"
    assert entry["uri"] == f"file://{file}" and entry["bytes"] == file.stat().st_size
    assert (entry["format"], entry["records"], entry["rescued"]) == ("parquet", len(records), 0)
    assert (entry["source_bytes"], entry["source_sha256"]) == (plain["bytes"], plain["sha256"])
    assert entry["duplicate_sids"] == 0 and entry["price_total"].startswith("-")
    assert entry["prices_missing"] is not None
    assert [row["sid"] for row in rows(tmp_path)] == [record["sid"] for record in records]
    assert json.loads((tmp_path / f"{DAY}/_part-0.parquet.manifest.json").read_text()) == entry


def test_stored_parquet_is_skipped_the_next_time(store: Store, sim: Simulator) -> None:
    store(file_format="parquet")
    sim.requests.clear()

    (entry,) = store(file_format="parquet")

    assert entry["status"] == "skipped" and entry["price_total"].startswith("-")
    assert not sim.requests.matching(path=r".*/Days/2026-01-01")


@pytest.mark.parametrize("file_format", ["json", "parquet"])
def test_empty_day_has_a_file_without_rows_or_none(store: Store, tmp_path: Path, file_format: str) -> None:
    days = ["2026-01-03"]

    assert [entry["status"] for entry in store(days=days, file_format=file_format, empty_days="skip")] == ["empty"]
    (entry,) = store(days=days, file_format=file_format)

    assert (entry["status"], entry["records"]) == ("stored", 0)
    if file_format == "parquet":
        assert rows(tmp_path, "2026-01-03") == []


@pytest.mark.parametrize("file_format", ["json", "parquet"])
def test_dropped_personal_data_is_nowhere(store: Store, tmp_path: Path, file_format: str) -> None:
    (entry,) = store(file_format=file_format, pii="drop")

    published = everything_below(tmp_path)
    assert b"+1500555" not in published and b"body" not in published.replace(b"drop=body,from,to", b"")
    assert entry["columns"] == "drop=body,from,to new_fields=drop"


@pytest.mark.parametrize("file_format", ["json", "parquet"])
def test_numbers_have_the_same_hash_on_every_day_with_the_same_key(
    with_key: Store, tmp_path: Path, file_format: str
) -> None:
    arguments = {"file_format": file_format, "pii": "hash", "days": ["2026-01-01", "2026-01-02"]}
    first = with_key(**arguments, destination=f"file://{tmp_path}/one")
    with_key(**arguments, destination=f"file://{tmp_path}/two", key="another key, as long")

    hashes = [numbers_in(tmp_path / folder, file_format) for folder in ("one", "two")]
    assert all(len(each) <= 10 for each in hashes), "the simulator has ten numbers"
    assert not hashes[0] & hashes[1]
    published = everything_below(tmp_path)
    assert b"+1500555" not in published and KEY.encode() not in published
    assert KEY not in str(first)


def numbers_in(folder: Path, file_format: str) -> set[str]:
    values: set[str] = set()
    for file in folder.rglob("part-0.*"):
        if file.name.startswith("_"):
            continue
        if file_format == "parquet":
            records = pq.read_table(file, partitioning=None).to_pylist()
        else:
            records = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        values |= {record[name] for record in records for name in ("from", "to")}
    return values


def test_other_rules_replace_the_file(store: Store, tmp_path: Path) -> None:
    store()

    (entry,) = store(pii="drop")

    assert entry["status"] == "stored"
    assert b"+1500555" not in everything_below(tmp_path)
    assert [entry["status"] for entry in store(pii="drop")] == ["skipped"]
    assert [entry["status"] for entry in store()] == ["stored"]


def test_hashing_without_a_key_is_refused_before_anything_is_sent(store: Store, sim: Simulator) -> None:
    sim.requests.clear()

    with pytest.raises(AirflowFailException, match="cannot be hashed without a key: add hash_key"):
        store(pii="hash")

    assert len(sim.requests) == 0


def test_short_key_is_refused(with_key: Store) -> None:
    with pytest.raises(AirflowFailException, match="extra hash_key: write at least 16 random characters"):
        with_key(key="short", pii="hash")


@pytest.mark.parametrize(("first", "then"), [("json", "parquet"), ("parquet", "json")])
def test_formats_are_not_mixed_below_one_folder(store: Store, tmp_path: Path, first: str, then: str) -> None:
    store(file_format=first)

    with pytest.raises(AirflowFailException, match="holds files of another format, such as part-0"):
        store(file_format=then, days=["2026-01-02"])

    layout = "{format}/resource_type={resource_type}/day={day}/part-0.{format}"
    assert [entry["status"] for entry in store(file_format=then, layout=layout)] == ["stored"]
    assert (tmp_path / f"{then}/{DAY}/part-0.{then}").exists()


def test_failed_conversion_publishes_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_bulkexports.tables import parquet

    def lose_a_row(*arguments: Any) -> Any:
        statistics = write(*arguments)
        statistics.records -= 1
        return statistics

    write = parquet.write_parquet
    monkeypatch.setattr(parquet, "write_parquet", lose_a_row)

    with pytest.raises(AirflowException, match="49 of 50 records were written, so the file is not published"):
        store(file_format="parquet")

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_kill_during_conversion_publishes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_bulkexports.tables import parquet

    class Killed(BaseException):
        pass

    def write_half(source: Path, target: Path, *rest: Any) -> Any:
        target.write_bytes(b"PAR1 half")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(parquet, "write_parquet", write_half)
        with pytest.raises(Killed):
            store(file_format="parquet")

    assert not list(tmp_path.rglob("part-0.parquet"))
    assert [entry["status"] for entry in store(file_format="parquet")] == ["stored"]


def test_parquet_in_s3(store: Store, s3: Any) -> None:
    target = {"destination": "s3://bucket/twilio", "object_storage_conn_id": CONN_ID, "file_format": "parquet"}

    store(**target, days=["2026-01-01", "2026-01-02"])

    assert [entry["status"] for entry in store(**target)] == ["skipped"]
    assert f"twilio/{DAY}/part-0.parquet" in keys(s3)
    with pytest.raises(AirflowFailException, match="holds files of another format"):
        store(**target | {"file_format": "json"})


def test_folder_is_listed_as_it_is_now(store: Store, s3: Any) -> None:
    """File systems keep what they listed, as long as their process lives."""
    target = {"destination": "s3://bucket/twilio", "object_storage_conn_id": CONN_ID}
    store(**target, file_format="parquet")
    store(**target, file_format="parquet")
    for key in keys(s3):
        s3.delete_object(Bucket="bucket", Key=key)

    assert [entry["status"] for entry in store(**target)] == ["stored"]


def test_unlistable_folder_has_no_sample(tmp_path: Path) -> None:
    assert Destination(f"file://{tmp_path}").sample("nothing/here") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"file_format": "csv"}, "file_format"),
        ({"file_format": "parquet", "layout": "{day}.json.gz"}, "have to end in '.parquet'"),
        ({"layout": "{day}.parquet"}, "have to end in '.json.gz'"),
        ({"drop_columns": ["bdoy"]}, "'bdoy' is not a column of Messages"),
        ({"pii": "mask"}, "pii 'mask'"),
        ({"new_fields": "rescue"}, "new_fields 'rescue'"),
    ],
    ids=str,
)
def test_invalid_argument_is_rejected_when_the_dag_is_parsed(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BulkExportsInputError) as refusal:
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination="file:///data", **arguments
        )

    assert words in str(refusal.value)


def test_missing_pyarrow_is_named_when_the_dag_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_bulkexports.tables.conversion.find_spec", lambda name: None)

    with pytest.raises(BulkExportsInputError, match=r"pip install 'airflow-provider-bulkexports\[parquet\]'"):
        BulkExportsToObjectStorageOperator(
            task_id="store", resource_type="Messages", days="2026-01-01", destination="/data", file_format="parquet"
        )
