"""
CPU of parsing a DAG file of 50 sensors, as multiples of 50 of Airflow's DateTimeSensor.

    uv run tests/benchmarks/bench_parsing.py [--rounds 10]

Airflow is imported before, as in a DAG processor. Sensors take turns in fresh processes, so that a busy machine slows
all alike; only the ratios of their medians mean something.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

PLAIN = "DateTimeSensor"

SENSORS = {
    PLAIN: (
        "from airflow.providers.standard.sensors.date_time import DateTimeSensor as Sensor",
        "target_time='2026-01-01T00:00:00+00:00'",
    ),
    "ExportCustomJobSensor": (
        "from airflow_provider_bulkexports import ExportCustomJobSensor as Sensor",
        "job_sid=f'JS{number:032x}', resource_type='Messages'",
    ),
    "ExportDaySensor": (
        "from airflow_provider_bulkexports import ExportDaySensor as Sensor",
        "resource_type='Messages', start_day='2026-01-01', end_day='2026-01-07'",
    ),
    "CreateExportCustomJobOperator": (
        "from airflow_provider_bulkexports import CreateExportCustomJobOperator as Sensor",
        "resource_type='Messages', start_day='2026-01-01', end_day='2026-01-07'",
    ),
    "BulkExportsToObjectStorageOperator": (
        "from airflow_provider_bulkexports import BulkExportsToObjectStorageOperator as Sensor",
        "resource_type='Messages', start_day='2026-01-01', end_day='2026-01-07', destination='file:///data'",
    ),
}

TIMED = """
import datetime, sys, time
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
began = time.process_time()
{imports}
with DAG("parsed", start_date=datetime.datetime(2026, 1, 1), schedule=None) as dag:
    for number in range(50):
        Sensor(task_id=f"wait_{{number}}", {arguments})
taken = time.process_time() - began
assert len(dag.tasks) == 50
print(taken, "requests" in sys.modules)
"""


def measure(name: str) -> tuple[float, bool]:
    """CPU seconds of one parse, and whether it loaded an HTTP library."""
    imports, arguments = SENSORS[name]
    code = TIMED.format(imports=imports, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, has_http = done.stdout.splitlines()[-1].split()
    return float(seconds), has_http == "True"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        taken = {name: [measure(name)] for name in SENSORS}  # left out: it fills the system's cache of files
        for _ in range(rounds):
            for name in SENSORS:
                taken[name].append(measure(name))
    medians = {name: statistics.median(seconds for seconds, _ in measured[1:]) for name, measured in taken.items()}
    for name, seconds in medians.items():
        http = ", loads requests" if taken[name][-1][1] else ""
        print(f"{name:36}{seconds / medians[PLAIN]:5.2f} times{http}")


if __name__ == "__main__":
    main()
