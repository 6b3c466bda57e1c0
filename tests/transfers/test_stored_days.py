"""Days that are stored already become Parquet, or lose columns, without Twilio."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.s3 import CONN_ID, keys

from airflow_provider_bulkexports import convert_days
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, DaysNotConvertedError
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.tables.conversion import Conversion

pq = pytest.importorskip("pyarrow.parquet")

Store = Callable[..., list[dict[str, Any]]]

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
OTHER_ACCOUNT = "AC" + "b" * 32
BY_ACCOUNT = "resource_type={resource_type}/account={account_sid}/day={day}/part-0."


@pytest.fixture
def lake(simulated: Simulator, store: Store, tmp_path: Path) -> Path:
    """Three days as Twilio made them, the last without records; Twilio is gone."""
    simulated.state.empty_day("Messages", DAYS[2])
    simulated.create_job("Messages", DAYS[0], DAYS[2])
    store(destination=f"file://{tmp_path}/lake", days=DAYS)
    simulated.stop()
    return tmp_path / "lake"


@pytest.fixture
def convert(lake: Path, tmp_path: Path) -> Store:
    def run(**arguments: Any) -> list[dict[str, Any]]:
        given = {"source": f"file://{lake}", "destination": f"file://{tmp_path}/tables", "resource_type": "Messages"}
        return convert_days(**(given | arguments))

    return run


def file_of(lake: Path, day: str = DAYS[0]) -> Path:
    return lake / f"resource_type=Messages/day={day}/part-0.json.gz"


def manifest_of(lake: Path, day: str = DAYS[0]) -> Path:
    return lake / f"resource_type=Messages/day={day}/_part-0.json.gz.manifest.json"


def records_of(lake: Path, day: str = DAYS[0]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(file_of(lake, day).read_bytes()).splitlines()]


def rows_of(folder: Path, day: str = DAYS[0]) -> list[dict[str, Any]]:
    return pq.read_table(folder / f"resource_type=Messages/day={day}/part-0.parquet", partitioning=None).to_pylist()


def write_day(lake: Path, content: bytes, day: str = DAYS[0]) -> None:
    """Replace a day's file, and describe it in its manifest."""
    file_of(lake, day).write_bytes(content)
    manifest = json.loads(manifest_of(lake, day).read_text())
    digest = hashlib.sha256(content).hexdigest()
    records = len(gzip.decompress(content).splitlines())
    manifest |= {"bytes": len(content), "sha256": digest, "source_bytes": len(content), "source_sha256": digest}
    manifest_of(lake, day).write_text(json.dumps(manifest | {"records": records}))


def test_stored_days_become_parquet(convert: Store, lake: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}

    entries = convert()

    assert [(entry["day"], entry["status"], entry["format"]) for entry in entries] == [
        (day, "stored", "parquet") for day in DAYS
    ]
    for entry, day in zip(entries, DAYS, strict=True):
        former = json.loads(manifest_of(lake, day).read_text())
        for key in ("records", "source_sha256", "source_bytes", "create_date", "friendly_name", "account_sid"):
            assert entry[key] == former[key], (day, key)
        assert len(rows_of(tmp_path / "tables", day)) == former["records"]
    assert [row["sid"] for row in rows_of(tmp_path / "tables")] == [record["sid"] for record in records_of(lake)]
    assert {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before


def test_second_run_skips_what_is_converted(convert: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    convert()
    monkeypatch.setattr(Conversion, "convert", lambda *arguments: pytest.fail("converted again"))

    assert [entry["status"] for entry in convert()] == ["skipped"] * 3


def test_interrupted_conversion_continues(convert: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = Conversion.convert

    def interrupted(self: Conversion, source: Path, *arguments: Any) -> Any:
        if list(tmp_path.glob("tables/*/*/part-0.parquet")):
            raise KeyboardInterrupt
        return whole(self, source, *arguments)

    monkeypatch.setattr(Conversion, "convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert()
    monkeypatch.undo()

    assert [path.parent.name for path in tmp_path.glob("tables/*/*/part-*")] == [f"day={DAYS[0]}"]
    assert [entry["status"] for entry in convert()] == ["skipped", "stored", "stored"]


def test_day_whose_source_changed_is_converted_again(convert: Store, lake: Path, tmp_path: Path) -> None:
    convert()
    first = records_of(lake)[:1]
    write_day(lake, gzip.compress(json.dumps(first[0]).encode() + b"\n"))

    assert [entry["status"] for entry in convert()] == ["stored", "skipped", "skipped"]
    assert [row["sid"] for row in rows_of(tmp_path / "tables")] == [first[0]["sid"]]


def test_other_rules_convert_again(convert: Store, tmp_path: Path) -> None:
    convert()

    (entry,) = convert(start_day=DAYS[0], end_day=DAYS[0], drop_columns=["body"])

    assert (entry["status"], entry["columns"]) == ("stored", "drop=body new_fields=drop")
    assert "body" not in rows_of(tmp_path / "tables")[0]


def test_source_without_columns_keeps_that_in_the_manifest(convert: Store, tmp_path: Path) -> None:
    convert(destination=f"file://{tmp_path}/public", file_format="json", drop_columns=["body"])

    entries = convert(source=f"file://{tmp_path}/public", pii="drop")
    assert entries[0]["columns"] == "drop=body new_fields=drop then drop=body,from,to new_fields=drop"
    again = convert(source=f"file://{tmp_path}/public", pii="drop")
    assert [entry["status"] for entry in again] == ["skipped"] * 3
    same = convert(source=f"file://{tmp_path}/public", destination=f"file://{tmp_path}/same", drop_columns=["body"])
    assert same[0]["columns"] == "drop=body new_fields=drop"


@pytest.mark.parametrize(
    ("days", "converted"),
    [
        ({"start_day": DAYS[1]}, DAYS[1:]),
        ({"end_day": DAYS[1]}, DAYS[:2]),
        ({"start_day": DAYS[1], "end_day": "2026-12-31"}, DAYS[1:]),
    ],
    ids=["from", "until", "within"],
)
def test_only_days_of_the_range_are_converted(convert: Store, days: dict[str, str], converted: list[str]) -> None:
    assert [entry["day"] for entry in convert(**days)] == converted


def test_without_manifest_the_file_is_converted(convert: Store, lake: Path) -> None:
    manifest_of(lake).unlink()

    (entry,) = convert(end_day=DAYS[0])

    assert entry["source_sha256"] == hashlib.sha256(file_of(lake).read_bytes()).hexdigest()
    assert entry["account_sid"] == records_of(lake)[0]["account_sid"]
    assert [entry["status"] for entry in convert(end_day=DAYS[0])] == ["skipped"]


@pytest.mark.parametrize("kind", ["cut", "bit", "replaced", "no gzip"])
def test_damaged_file_fails_its_day_only(convert: Store, lake: Path, tmp_path: Path, kind: str) -> None:
    content = file_of(lake).read_bytes()
    damaged = {
        "cut": content[:-20],
        "bit": content[:60] + bytes([content[60] ^ 1]) + content[61:],
        "replaced": gzip.compress(b"{}\n" * len(records_of(lake))).ljust(len(content), b"\0")[: len(content)],
        "no gzip": b"x" * len(content),
    }[kind]
    file_of(lake).write_bytes(damaged)

    with pytest.raises(DaysNotConvertedError, match=f"1 of 3 days could not be converted: {DAYS[0]}.") as failed:
        convert()

    ((day, error),) = failed.value.failures
    assert str(day) == DAYS[0] and str(file_of(lake)) in str(error)
    assert not failed.value.is_transient
    assert sorted(path.parent.name for path in tmp_path.glob("tables/*/*/part-*")) == [f"day={day}" for day in DAYS[1:]]


def test_broken_line_fails_the_day_by_its_number(
    convert: Store, lake: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_day(lake, gzip.compress(b'{"sid": "SM1"}\n{"sid": \n'))

    with pytest.raises(DaysNotConvertedError, match="line 2 of the file is not JSON"):
        convert()
    assert f"{DAYS[0]} was not converted: " in caplog.text

    assert not list(tmp_path.glob(f"tables/*/day={DAYS[0]}/part-*"))


@pytest.mark.parametrize(
    ("if_exists", "then"), [("skip", "Then run it again: "), ("overwrite", "Then run it again with if_exists='skip': ")]
)
def test_failure_says_how_to_convert_the_missing_days_only(
    convert: Store, lake: Path, if_exists: str, then: str
) -> None:
    content = file_of(lake).read_bytes()
    file_of(lake).write_bytes(content[:-20])

    with pytest.raises(DaysNotConvertedError) as failed:
        convert(if_exists=if_exists)
    assert failed.value.remedy.endswith(f"{then}it converts these days, and skips the others.")

    file_of(lake).write_bytes(content)
    assert [entry["status"] for entry in convert()] == ["stored", "skipped", "skipped"]


def test_other_files_of_the_folder_are_ignored(convert: Store, lake: Path) -> None:
    for name in ("day=2026-13-01/part-0.json.gz", "day=today/part-0.json.gz", "day=2026-01-04/part-1.json.gz"):
        (lake / "resource_type=Messages" / name).parent.mkdir(exist_ok=True)
        (lake / "resource_type=Messages" / name).write_bytes(b"?")

    assert [entry["day"] for entry in convert()] == DAYS


def test_accounts_keep_their_own_folders(convert: Store, lake: Path, tmp_path: Path) -> None:
    own = records_of(lake)[0]["account_sid"]
    for account in (own, OTHER_ACCOUNT):
        folder = tmp_path / f"family/resource_type=Messages/account={account}/day={DAYS[0]}"
        folder.mkdir(parents=True)
        text = json.dumps({"sid": "SM1", "account_sid": account}).encode() + b"\n"
        (folder / "part-0.json.gz").write_bytes(gzip.compress(text))
    family = {"source": f"file://{tmp_path}/family", "source_layout": BY_ACCOUNT + "json.gz"}

    with pytest.raises(BulkExportsInputError, match=r"days of 2 accounts.*pass account_sid"):
        convert(**family)
    entries = convert(**family, layout=BY_ACCOUNT + "parquet")
    assert {entry["account_sid"] for entry in entries} == {own, OTHER_ACCOUNT}
    assert all(f"account={entry['account_sid']}/" in entry["uri"] for entry in entries)
    (entry,) = convert(**family, account_sid=OTHER_ACCOUNT, destination=f"file://{tmp_path}/one")
    assert entry["account_sid"] == OTHER_ACCOUNT

    with pytest.raises(DaysNotConvertedError, match="account_sid"):  # the other account's file is there
        convert(**family, account_sid=own, destination=f"file://{tmp_path}/one")


def test_same_folder_needs_the_format_in_its_paths(convert: Store, lake: Path) -> None:
    with pytest.raises(BulkExportsInputError, match="holds files of another format"):
        convert(destination=f"file://{lake}")


def test_hash_key_is_the_connections(
    convert: Store, tmp_path: Path, simulated: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEYLESS", json.dumps({"conn_type": "twilio_bulkexports"}))
    with pytest.raises(BulkExportsInputError, match="without a key"):
        convert(pii="hash", twilio_conn_id="keyless")
    extra = {"hash_key": "a secret of 24 characters"}
    monkeypatch.setenv("AIRFLOW_CONN_KEY", json.dumps({"conn_type": "twilio_bulkexports", "extra": extra}))

    convert(pii="hash", twilio_conn_id="key")

    assert all(len(row["from"]) == 64 for row in rows_of(tmp_path / "tables"))


def test_from_and_to_s3(simulated: Simulator, store: Store, s3: Any, tmp_path: Path) -> None:
    simulated.create_job("Messages", DAYS[0], DAYS[1])
    store(destination="s3://bucket/lake", object_storage_conn_id=CONN_ID, days=DAYS[:2])

    entries = convert_days("s3://bucket/lake", "s3://bucket/tables", "Messages", object_storage_conn_id=CONN_ID)

    names = [f"tables/resource_type=Messages/day={day}/{name}" for day in DAYS[:2] for name in
             ("_part-0.parquet.manifest.json", "part-0.parquet")]  # fmt: skip
    assert sorted(key for key in keys(s3) if key.startswith("tables/")) == sorted(names)
    assert [entry["uri"] for entry in entries] == [
        f"s3://bucket/tables/resource_type=Messages/day={day}/part-0.parquet" for day in DAYS[:2]
    ]
    again = convert_days("s3://bucket/lake", f"file://{tmp_path}/here", "Messages", source_conn_id=CONN_ID)
    assert [entry["records"] for entry in again] == [entry["records"] for entry in entries]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resource_type": "Faxes"}, "Faxes"),
        ({"start_day": "2026-01-03", "end_day": "2026-01-01"}, "start_day 2026-01-03 is after end_day 2026-01-01"),
        ({"start_day": "soon"}, "start_day 'soon'"),
        ({"start_day": "2027-01-01"}, "has no files of Messages .* there are 3 on other days"),
        ({"resource_type": "Calls"}, "has no files of Calls"),
        ({"source": "file:///nowhere/at/all"}, "has no files of Messages"),
        ({"source": "lake"}, "'lake'"),
        ({"source_layout": "day={day}/part-0.parquet"}, "have to end in '.json.gz'"),
        ({"layout": "day={day}/part-0.json.gz"}, "have to end in '.parquet'"),
        ({"layout": "part-0.parquet"}, "without {day}"),
        ({"layout": BY_ACCOUNT + "parquet"}, "uses {account_sid}, which source_layout does not have: leave it out"),
        ({"file_format": "csv"}, "file_format must be"),
        ({"file_format": "json"}, "changes nothing"),
        ({"if_exists": "adopt"}, "if_exists must be"),
        ({"empty_days": "drop"}, "empty_days must be"),
        ({"manifests": "above"}, "manifests must be"),
        ({"max_parallel_days": 0}, "max_parallel_days must be 1 or more"),
        ({"account_sid": OTHER_ACCOUNT}, "source_layout, which has no {account_sid}"),
        ({"drop_columns": ["sid"]}, "'sid'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_refused(convert: Store, arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BulkExportsInputError, match=message):
        convert(**arguments)
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("size", ["shorter", "empty"])
def test_file_of_another_size_than_its_manifest_fails_its_day(convert: Store, lake: Path, size: str) -> None:
    lines = gzip.decompress(file_of(lake).read_bytes()).splitlines(keepends=True)
    file_of(lake).write_bytes(gzip.compress(b"".join(lines[1:])) if size == "shorter" else b"")

    with pytest.raises(DaysNotConvertedError, match=f"1 of 3 days could not be converted: {DAYS[0]}"):
        convert()


def test_empty_file_without_a_manifest_fails_its_day(convert: Store, lake: Path) -> None:
    file_of(lake).write_bytes(b"")
    manifest_of(lake).unlink()

    with pytest.raises(DaysNotConvertedError, match="the file has no bytes"):
        convert()
