"""A destination publishes complete files, in a local folder and in S3 alike."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.s3 import CONN_ID

from airflow_provider_bulkexports.exceptions import BulkExportsInputError, BulkExportsStorageError
from airflow_provider_bulkexports.object_storage.destination import Destination

ACCOUNT = "AC" + "0" * 32


@pytest.fixture(params=["local", "s3"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    if request.param == "local":
        return Destination(f"file://{tmp_path}/stored")
    request.getfixturevalue("s3")
    return Destination("s3://bucket/stored", CONN_ID)


@pytest.fixture
def local(tmp_path: Path) -> Destination:
    return Destination(f"file://{tmp_path}/stored")


def spooled(tmp_path: Path, content: bytes = b"0123456789") -> Path:
    """A file that is ready to be published; on the same disk as a local destination, as in a transfer."""
    file = tmp_path / "spool"
    file.write_bytes(content)
    return file


def test_published_file_is_complete(destination: Destination, tmp_path: Path) -> None:
    assert destination.publish(spooled(tmp_path), "a/b.gz")

    assert destination.size("a/b.gz") == 10
    assert destination.sha256("a/b.gz") == hashlib.sha256(b"0123456789").hexdigest()


@pytest.mark.parametrize("only_new", [True, False])
def test_existing_file_is_replaced_unless_only_new(destination: Destination, tmp_path: Path, only_new: bool) -> None:
    destination.publish(spooled(tmp_path, b"first"), "a.gz")

    assert destination.publish(spooled(tmp_path, b"second one"), "a.gz", only_new=only_new) is not only_new
    assert destination.size("a.gz") == (5 if only_new else 10)


def test_missing_file_has_no_size_json_or_account(destination: Destination) -> None:
    assert destination.size("a.gz") is None
    assert destination.read_json("a.json") is None
    assert destination.account_of("a.gz") is None
    with pytest.raises(BulkExportsStorageError, match=r"Could not read .*a\.gz") as failed:
        destination.sha256("a.gz")
    assert not failed.value.is_transient


def test_folder_is_not_a_file(destination: Destination, tmp_path: Path) -> None:
    destination.publish(spooled(tmp_path), "a/b.gz")

    assert destination.size("a") is None
    assert destination.read_json("a") is None


def test_json_is_read_as_written(destination: Destination) -> None:
    for value in ({"day": "2026-01-01"}, [{"records": 2}]):
        destination.write_json("a/_m.json", value)
        assert destination.read_json("a/_m.json") == value


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"bytes": NaN}', b"[" * 100_000, b" " * (1 << 20) + b"1"], ids=range(6)
)
def test_file_that_is_not_small_json_reads_as_none(destination: Destination, content: bytes) -> None:
    destination.write("a.json", content)

    assert destination.read_json("a.json") is None


def test_account_is_read_from_the_first_record(destination: Destination, tmp_path: Path) -> None:
    record = json.dumps({"account_sid": ACCOUNT, "sid": "SM1"}).encode()
    destination.publish(spooled(tmp_path, gzip.compress(record + b"\n" + b"x" * 100_000)), "a.gz")
    destination.publish(spooled(tmp_path, b"not gzip"), "b.gz")

    assert destination.account_of("a.gz") == ACCOUNT
    assert destination.account_of("b.gz") is None


def test_file_can_be_removed_twice(destination: Destination) -> None:
    destination.write("a.json", b"{}")

    for _ in range(2):
        destination.remove("a.json")
        assert destination.size("a.json") is None


def test_check_leaves_nothing(destination: Destination) -> None:
    destination.check()

    assert destination.size("_bulkexports_check") is None


@pytest.mark.parametrize("only_new", [True, False])
def test_folder_at_the_path_is_an_error(local: Destination, tmp_path: Path, only_new: bool) -> None:
    (tmp_path / "stored/a.gz").mkdir(parents=True)

    with pytest.raises(BulkExportsStorageError, match=r"Could not write .*Remove what is in the way") as failed:
        local.publish(spooled(tmp_path), "a.gz", only_new=only_new)
    assert not failed.value.is_transient
    with pytest.raises(BulkExportsStorageError, match="Could not write"):
        local.write("a.gz", b"{}")
    assert [path.name for path in (tmp_path / "stored").iterdir()] == ["a.gz"], "no spool is left"


def test_file_system_without_links_still_takes_new_files(
    local: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)

    assert local.publish(spooled(tmp_path), "a.gz", only_new=True)
    assert local.size("a.gz") == 10


def test_only_one_of_many_publishers_of_a_new_file_wins(local: Destination, tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def publish(number: int) -> bool:
        file = tmp_path / f"spool-{number}"
        file.write_bytes(bytes([number]) * 10)
        start.wait()
        return local.publish(file, "a.gz", only_new=True)

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(publish, range(8)))

    assert won.count(True) == 1
    assert (tmp_path / "stored/a.gz").read_bytes() == bytes([won.index(True)]) * 10


def test_concurrent_writers_leave_one_complete_file(local: Destination, tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        for _ in range(20):
            local.write_json("a/m.json", {"number": number})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))

    assert [path.name for path in (tmp_path / "stored/a").iterdir()] == ["m.json"]
    assert local.read_json("a/m.json")["number"] in range(8)


@pytest.mark.parametrize(
    ("url", "file", "folder"),
    [
        ("/data/twilio", "file:///data/twilio/a.gz", "file:///data/twilio"),
        ("/data/twilio//", "file:///data/twilio/a.gz", "file:///data/twilio"),
        ("file:///data/twilio/", "file:///data/twilio/a.gz", "file:///data/twilio"),
        ("/", "file:///a.gz", "file:///"),
        ("file:///", "file:///a.gz", "file:///"),
        ("s3://bucket/twilio", "s3://bucket/twilio/a.gz", "s3://bucket/twilio"),
        ("s3://bucket", "s3://bucket/a.gz", "s3://bucket"),
        (f"s3://{CONN_ID}@bucket/twilio", "s3://bucket/twilio/a.gz", "s3://bucket/twilio"),
    ],
)
def test_uris_name_the_file_and_no_connection(request: pytest.FixtureRequest, url: str, file: str, folder: str) -> None:
    if url.startswith("s3"):
        request.getfixturevalue("s3")
    destination = Destination(url)

    assert (destination.uri("a.gz"), destination.folder_uri) == (file, folder)
    if destination.is_local:
        assert f"file://{destination._full('a.gz')}" == file


@pytest.mark.parametrize("scheme", ["abfs", "abfss"])
def test_azure_url_with_its_account_is_refused(scheme: str) -> None:
    """In Airflow, the part before ``@`` names a connection; in Azure's own form it is the container."""
    with pytest.raises(BulkExportsInputError) as refused:
        Destination(f"{scheme}://exports@account.dfs.core.windows.net/twilio", "azure")

    assert f"Write {scheme}://exports/twilio and name the connection of account.dfs.core.windows.net" in str(
        refused.value
    )
