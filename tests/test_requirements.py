"""The requirements exclude releases with known faults, and allow those that each Airflow pins."""

from __future__ import annotations

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

REQUIRED = [Requirement(line) for line in requires("airflow-provider-bulkexports") or []]
BY_NAME = {requirement.name: requirement.specifier for requirement in REQUIRED}


@pytest.mark.parametrize(
    ("name", "faulty"),
    [
        ("requests", "2.31.0"),  # CVE-2024-35195
        ("requests", "2.32.3"),  # CVE-2024-47081
        ("urllib3", "2.2.1"),  # CVE-2024-37891
        ("urllib3", "2.4.0"),  # CVE-2025-50181, CVE-2025-50182
        ("starlette", "0.39.2"),  # CVE-2024-47874
        ("apache-airflow-providers-amazon", "9.2.0"),  # cannot be imported on Airflow 3.3
    ],
)
def test_releases_with_known_faults_are_excluded(name: str, faulty: str) -> None:
    assert faulty not in BY_NAME[name]


@pytest.mark.parametrize(
    ("airflow", "pinned"),
    [
        ("2.11.2", {"requests": "2.32.5", "urllib3": "2.6.3", "pendulum": "3.2.0", "rich": "13.9.4"}),
        ("3.0.6", {"requests": "2.32.5", "urllib3": "2.5.0", "pendulum": "3.1.0", "starlette": "0.47.3"}),
        ("3.1.8", {"requests": "2.32.5", "urllib3": "2.6.3", "pendulum": "3.2.0", "starlette": "0.48.0"}),
        ("3.3.2", {"requests": "2.34.2", "urllib3": "2.8.0", "pendulum": "3.2.0", "starlette": "1.7.0"}),
    ],
)
def test_releases_pinned_by_each_airflow_are_allowed(airflow: str, pinned: dict[str, str]) -> None:
    for name, version in pinned.items():
        assert version in BY_NAME[name], f"Airflow {airflow} comes with {name} {version}"
