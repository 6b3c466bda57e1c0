"""The same in a real S3 API: nothing partial, nothing twice, also if the task is killed in between."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
from airflow_provider_bulkexports.simulator import Fault, Simulator

pytest.importorskip("s3fs", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
boto3 = pytest.importorskip("boto3")

#: Stores three days in a process of its own, which the test can kill.
TASK = """
import sys
from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator
BulkExportsToObjectStorageOperator(
    task_id="store", resource_type="Messages", start_day="2026-01-01", end_day="2026-01-03",
    destination="s3://bucket/twilio", object_storage_conn_id="aws_default", max_parallel_days=1,
).execute({})
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 API; one for all tests, since Airflow keeps a store's file system for as long as the process lives."""
    server = moto_server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket that is empty before and after, and Airflow's connection to it."""
    connection = {
        "conn_type": "aws",
        "login": "key",
        "password": "secret",
        "extra": {"endpoint_url": endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="bucket")
    yield client
    requests.post(f"{endpoint}/moto-api/reset", timeout=10)


@pytest.fixture
def exported(sim: Simulator, connection: str) -> Simulator:
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = 0
    sim.create_job("Messages", "2026-01-01", "2026-01-03")
    return sim


def store(**arguments: Any) -> list[dict[str, Any]]:
    arguments = {
        "days": ["2026-01-01", "2026-01-02", "2026-01-03"],
        "destination": "s3://bucket/twilio",
        "object_storage_conn_id": "aws_default",
    } | arguments
    return BulkExportsToObjectStorageOperator(task_id="store", resource_type="Messages", **arguments).execute({})


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]


def key_of(day: str) -> str:
    return f"twilio/resource_type=Messages/day={day}/part-0.json.gz"


def test_days_land_in_the_bucket_and_are_skipped_the_next_time(s3: Any, exported: Simulator) -> None:
    entries = store()

    for entry in entries:
        body = s3.get_object(Bucket="bucket", Key=key_of(entry["day"]))["Body"].read()
        assert len(gzip.decompress(body).splitlines()) == entry["records"] == 50
        assert entry["uri"] == f"s3://bucket/{key_of(entry['day'])}"
    assert len(keys(s3)) == 6

    before = len(exported.requests.matching(origin="storage"))
    assert [entry["status"] for entry in store()] == ["skipped"] * 3
    assert len(exported.requests.matching(origin="storage")) == before


def test_a_file_larger_than_one_part_is_one_object(s3: Any, exported: Simulator) -> None:
    exported.knobs.bytes_per_day = 40 << 20

    (entry,) = store(days="2026-01-01")

    assert s3.head_object(Bucket="bucket", Key=key_of("2026-01-01"))["ContentLength"] == entry["bytes"]
    assert s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []


@pytest.mark.slow
def test_a_killed_task_leaves_nothing_partial_and_the_next_one_fetches_the_rest(s3: Any, exported: Simulator) -> None:
    # The second day's file never ends, so that the task is in the middle of it when it is killed.
    exported.faults.add(Fault(origin="storage", path=r".*2026-01-02.*", delay=60, times=1))
    with subprocess.Popen([sys.executable, "-c", TASK], env=dict(os.environ)) as task:
        deadline = time.monotonic() + 60
        while not exported.requests.matching(path=r".*/Days/2026-01-02"):
            assert task.poll() is None, "the task ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        task.send_signal(signal.SIGKILL)

    assert [key for key in keys(s3) if not key.endswith("manifest.json")] == [key_of("2026-01-01")]

    entries = store()

    assert [entry["status"] for entry in entries] == ["skipped", "stored", "stored"]
    assert len(keys(s3)) == 6
