"""What it costs to parse a DAG file of this package's sensors, next to those of other sensors."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .output import markdown_table

PARSED = "CPU seconds to parse a DAG file of 50 sensors in a fresh process (medians):"

#: The plain one comes first: the others are set in relation to it.
PLAIN = "DateTimeSensor"

SENSORS = {
    PLAIN: """
from airflow.providers.standard.sensors.date_time import DateTimeSensor
def sensor(number):
    return DateTimeSensor(task_id=f"wait_{number}", target_time="2026-01-01T00:00:00+00:00")
""",
    "HttpSensor": """
from airflow.providers.http.sensors.http import HttpSensor
def sensor(number):
    return HttpSensor(task_id=f"wait_{number}", endpoint=f"/v1/Exports/Jobs/JS{number:032x}")
""",
    "ExportCustomJobSensor": """
from airflow_provider_bulkexports.sensors.bulkexports import ExportCustomJobSensor
def sensor(number):
    return ExportCustomJobSensor(task_id=f"wait_{number}", job_sid=f"JS{number:032x}", resource_type="Messages")
""",
}

DAG_FILE = """
import datetime
from airflow.sdk import DAG
{sensor}
with DAG("parsed", start_date=datetime.datetime(2026, 1, 1), schedule=None) as dag:
    for number in range(50):
        sensor(number)
"""

#: A DAG processor has imported Airflow before it parses: that is counted in the first figure and not in the second.
TIMED = """
import json, runpy, sys, time
began = time.process_time()
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
imported = time.process_time()
names = runpy.run_path(sys.argv[1])
ended = time.process_time()
assert len(names["dag"].tasks) == 50
print(json.dumps({"with_airflow": ended - began, "after_airflow": ended - imported}))
"""

Seconds = dict[str, float]


def measure_parsing(rounds: int, environment: dict[str, str]) -> dict[str, Seconds]:
    """CPU seconds to parse each sensor's file; the sensors take turns."""
    taken: dict[str, list[Seconds]] = {name: [] for name in SENSORS}
    with tempfile.TemporaryDirectory() as folder:
        for name, sensor in SENSORS.items():
            (Path(folder) / f"{name}.py").write_text(DAG_FILE.format(sensor=sensor))
        for turn in range(rounds + 1):
            for name in SENSORS:
                command = [sys.executable, "-c", TIMED, str(Path(folder) / f"{name}.py")]
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
                if turn:  # the first reads files that the system has not cached
                    taken[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {what: statistics.median(each[what] for each in times) for what in times[0]}
        for name, times in taken.items()
    }


def parsing_table(parsing: dict[str, Seconds]) -> str:
    """Each sensor's file, and its ratio to the plain sensor's, as markdown."""
    plain = parsing[PLAIN]

    def cell(seconds: Seconds, what: str) -> str:
        return f"{seconds[what]:.3f} ({seconds[what] / plain[what]:.2f} times)"

    header = ("50 sensors", "with the import of Airflow", "Airflow imported before")
    rows = [[name, cell(seconds, "with_airflow"), cell(seconds, "after_airflow")] for name, seconds in parsing.items()]
    return markdown_table(header, rows)
