"""The environment in which Airflow's processes run."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["as_environment", "inherited_environment"]


def inherited_environment() -> dict[str, str]:
    """This process's environment, without its own Airflow and without proxies between the components."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def as_environment(options: Mapping[str, str]) -> dict[str, str]:
    """Airflow's options, ``section.name``, as it reads them from the environment."""
    return {f"AIRFLOW__{name.replace('.', '__').upper()}": value for name, value in options.items()}
