"""An S3 API on this machine: a bucket, and Airflow's connection to it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from support.s3_policies import PolicyProxy

__all__ = ["CONN_ID", "keys", "proxy", "s3"]

CONN_ID = "aws_of_test"


@functools.cache
def _running() -> PolicyProxy:
    """One for the whole process, because Airflow keeps a store's file system as long as the process lives."""
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(
        "127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    return PolicyProxy(f"http://{host}:{port}")


@pytest.fixture
def proxy() -> Iterator[PolicyProxy]:
    """The S3 API; it allows everything unless the test sets a policy."""
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    proxy = _running()
    yield proxy
    proxy.reset()


@pytest.fixture
def s3(proxy: PolicyProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client with every permission, past the proxy; ``bucket`` is empty before and after."""
    connection = {
        "conn_type": "aws",
        "login": "key",
        "password": "secret",
        "extra": {
            "endpoint_url": proxy.url,
            "region_name": "us-east-1",
            "config_kwargs": {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}},
        },
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps(connection))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = pytest.importorskip("boto3").client(
        "s3",
        endpoint_url=proxy.upstream,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="bucket")
    yield client
    requests.post(f"{proxy.upstream}/moto-api/reset", timeout=10)


def keys(s3: Any) -> list[str]:
    """Keys in the bucket."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]
