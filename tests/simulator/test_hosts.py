"""Which hosts are this machine, without looking up names."""

from __future__ import annotations

import pytest

from airflow_provider_bulkexports.simulator.hosts import is_loopback


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_host_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "10.0.0.1", "0.0.0.0", "::ffff:8.8.8.8", "localhost.example.com", "nonsense"])
def test_other_host_is_not_this_machine(host: str) -> None:
    assert not is_loopback(host)
