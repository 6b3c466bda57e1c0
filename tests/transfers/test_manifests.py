"""Manifests: a damaged one costs a download; they can be written aside, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_bulkexports.compat import AirflowFailException
from airflow_provider_bulkexports.simulator import Simulator

StoreOne = Callable[..., dict[str, Any]]

FOLDER = "resource_type=Messages/day=2026-01-01"


@pytest.fixture(autouse=True)
def exported(simulated: Simulator) -> None:
    simulated.create_job("Messages", "2026-01-01", "2026-01-01")


@pytest.fixture
def store_one(store: Callable[..., list[dict[str, Any]]]) -> StoreOne:
    def run(**arguments: Any) -> dict[str, Any]:
        (entry,) = store(**arguments)
        return entry

    return run


def manifest_in(folder: Path) -> Path:
    return folder / FOLDER / "_part-0.json.gz.manifest.json"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b" " * (2 << 20),
        b'{"day": "2026-01-01", "bytes": NaN}',
        b'{"day": "2026-01-01", "bytes": Infinity, "records": -Infinity}',
        b'{"day": "2026-01-01", "bytes": ' + b"9" * 5000 + b"}",
        b'{"day": {"a": 1}, "bytes": [], "records": "x", "sha256": 1, "account_sid": {}}',
        b"<Error><Code>NoSuchKey</Code></Error>",
    ],
    ids=range(13),
)
def test_damaged_manifest_costs_a_download(store_one: StoreOne, tmp_path: Path, content: bytes) -> None:
    first = store_one()
    manifest_in(tmp_path).write_bytes(content)

    assert store_one() == first
    assert json.loads(manifest_in(tmp_path).read_text()) == first
    assert store_one()["status"] == "skipped"


@pytest.mark.parametrize("field", ["records", "bytes", "sha256", "day", "account_sid", "listed_size", "friendly_name"])
@pytest.mark.parametrize("value", [None, "x" * 100_000, [], -1, 1.5, True, 2**65, "\u0000"])
def test_odd_manifest_value_never_fails_the_day(store_one: StoreOne, tmp_path: Path, field: str, value: Any) -> None:
    first = store_one()
    manifest_in(tmp_path).write_text(json.dumps(first | {field: value}))

    again = store_one()

    assert again["status"] in ("stored", "skipped")
    assert {**again, "status": "stored"} == first


def test_folder_at_the_manifest_path_does_not_fail_the_day(
    store_one: StoreOne, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = store_one()
    manifest_in(tmp_path).unlink()
    manifest_in(tmp_path).mkdir()

    assert store_one() == first


def test_folder_at_the_file_path_is_an_error(store_one: StoreOne, tmp_path: Path) -> None:
    (tmp_path / FOLDER / "part-0.json.gz").mkdir(parents=True)

    with pytest.raises(AirflowFailException, match=r"Could not write file://.*part-0\.json\.gz: .* Remove what is in"):
        store_one()


def test_manifests_aside_leave_only_data_in_the_folder(store_one: StoreOne, tmp_path: Path) -> None:
    entry = store_one(manifests="aside")

    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["part-0.json.gz"]
    assert json.loads((tmp_path / "_manifests" / FOLDER / "part-0.json.gz.manifest.json").read_text()) == entry
    assert store_one(manifests="aside")["status"] == "skipped"
    assert store_one(manifests="beside")["status"] == "skipped", "the manifest of the other setting is found"


def test_without_manifests_a_day_is_stored_again(store_one: StoreOne, sim: Simulator, tmp_path: Path) -> None:
    store_one(manifests="none")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["part-0.json.gz"]

    assert store_one(manifests="none")["status"] == "stored"


def test_manifest_of_an_earlier_version_is_completed(store_one: StoreOne, sim: Simulator, tmp_path: Path) -> None:
    entry = store_one()
    earlier = {key: entry[key] for key in ("day", "uri", "bytes", "records", "sha256", "create_date", "status")}
    manifest_in(tmp_path).write_text(json.dumps(earlier))
    before = len(sim.requests.matching(origin="storage"))

    again = store_one()

    assert again["status"] == "skipped" and len(sim.requests.matching(origin="storage")) == before
    assert json.loads(manifest_in(tmp_path).read_text()) == entry


def test_write_manifest_writes_all_entries(store_one: StoreOne, tmp_path: Path) -> None:
    entry = store_one(write_manifest=True)

    written = tmp_path / "_manifests/resource_type=Messages/2026-01-01_2026-01-01.json"
    assert json.loads(written.read_text()) == [entry]
