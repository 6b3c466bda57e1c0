"""Code, commands, tables and links of the README and the documentation are tried here."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from packaging.version import Version
from support.airflow import DAG
from support.documents import DOCS, README, ROOT, Document, documents, rows

from airflow_provider_bulkexports import exceptions
from airflow_provider_bulkexports.cli.main import main
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.model.resources import Job
from airflow_provider_bulkexports.model.results import WaitResult
from airflow_provider_bulkexports.object_storage.day_store import StoredDay
from airflow_provider_bulkexports.planning.identity import read_marker
from airflow_provider_bulkexports.provider_info import connection_form, get_provider_info
from airflow_provider_bulkexports.simulator import Simulator
from airflow_provider_bulkexports.tasks.days import days_covered_by_run

#: Of the page on tests, the files that its blocks are; they are run by pytest, below.
FILES_OF_TESTS = ("# dags/", "# tests/")

PYTHON_BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in documents()
    for number, block in enumerate(page.blocks("python"), start=1)
    if not block.startswith(FILES_OF_TESTS)
]


def commands() -> list[str]:
    """Every ``bulkexports`` command that is shown, without what installs it."""
    lines = [line for page in documents() for block in page.blocks("bash") for line in block.splitlines()]
    return sorted({found[1] for line in lines if (found := re.search(r"(?:^|uv run )(bulkexports .*)", line))})


def _imports_of_airflow_2(found: re.Match[str]) -> str:
    homes = {"Param": "airflow.models.param", "task": "airflow.decorators"}
    return "\n".join(f"from {homes.get(name, 'airflow')} import {name}" for name in found[1].split(", "))


def for_this_airflow(block: str) -> str:
    """The code for an older Airflow where this is one; the pages say in a comment how a line is there."""
    if find_spec("airflow.sdk") is None:
        block = re.sub(r"from airflow[.]sdk import ([\w, ]*\w)", _imports_of_airflow_2, block)
    if Version(AIRFLOW_VERSION) < Version("3.2"):
        block = block.replace("from airflow.sdk.exceptions", "from airflow.exceptions")
    return block


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_python_blocks_run(block: str, connection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "RollupMapper" in block and Version(AIRFLOW_VERSION) < Version("3.3"):
        pytest.skip("partitions need Airflow 3.3")
    if "AssetWatcher" in block and Version(AIRFLOW_VERSION) < Version("3.0"):
        pytest.skip("watchers need Airflow 3.0")
    if '"parquet"' in block:
        pytest.importorskip("pyarrow")
    for provider in re.findall(r"from (airflow[.]providers[.]\w+)", block):
        pytest.importorskip(provider)
    subject = compile(for_this_airflow(block), "a block of the documentation", "exec")
    names: dict[str, Any] = {"__name__": "documentation"}
    exec("from airflow_provider_bulkexports import CreateExportCustomJobOperator", names)
    with DAG("documentation", schedule=None):
        exec(subject, names)


@pytest.mark.slow
@pytest.mark.timeout(420)  # an Airflow with a database of its own, on a machine that may be busy
def test_tests_on_the_page_pass(tmp_path: Path) -> None:
    files = [for_this_airflow(block) for block in DOCS["testing"].blocks("python") if block.startswith(FILES_OF_TESTS)]
    for file in files:
        name = file.partition("\n")[0].removeprefix("# ")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(file, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]

    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{sum(file.count('def test_') for file in files)} passed" in ended.stdout


@pytest.mark.parametrize("page", documents(), ids=repr)
def test_json_blocks_parse(page: Document) -> None:
    for block in page.blocks("json"):
        json.loads(block)


def test_readme_starts_with_the_two_commands() -> None:
    first, second = README.blocks("bash")[:2]

    assert first == "pip install uv && uv run bulkexports demo\n"
    assert second == "pip install uv && uv run pytest\n"


def test_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 150


def test_readme_has_no_relative_link() -> None:
    """A package index shows the README without the files beside it."""
    assert not re.findall(r"\]\((?!https://)", README.text)


def test_readme_names_every_page() -> None:
    named = set(re.findall(r"`docs/([\w-]+)\.md`", README.text))

    assert named == set(DOCS) - {"index", "changelog"}


@pytest.mark.parametrize("command", commands())
def test_command_is_accepted(command: str) -> None:
    """The demo and the simulator themselves run in ``cli/test_main.py``."""
    program, verb, *options = shlex.split(command)

    assert program == "bulkexports"
    with pytest.raises(SystemExit, match="0"):
        main([verb, *options, "--help"])


def test_poe_tasks_named_exist() -> None:
    tasks = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\n[tool.poe.tasks]\n")[2].partition("\n[")[0]
    )
    pages = "".join(page.text for page in documents())
    contributing = ROOT / ".github" / "CONTRIBUTING.md"  # not beside an installed package
    named = re.findall(r"`uv run poe (\w+)`", pages + (contributing.read_text() if contributing.exists() else ""))

    assert named
    assert set(named) <= set(re.findall(r"^(\w+) = ", tasks, flags=re.MULTILINE))


def test_result_shown_has_the_keys_of_the_sensor_result() -> None:
    shown = json.loads(DOCS["operators"].blocks("json")[0])

    assert set(shown) == WaitResult.__required_keys__


def test_manifest_table_has_the_keys_of_a_stored_day() -> None:
    described = [key for row in rows(DOCS["storing"].section("Manifests")) for key in re.findall(r"`(\w+)`", row[0])]

    assert sorted(described) == sorted(StoredDay.__required_keys__)


@pytest.mark.parametrize("page", documents(), ids=repr)
def test_marker_shown_can_be_read(page: Document) -> None:
    for shown in re.findall(r"`(\[af-[^`]*)`", page.text):
        assert read_marker(Job(job_sid="JS", friendly_name=shown)) is not None


def test_every_connection_field_is_described() -> None:
    described = " ".join(row[0] for row in rows(DOCS["connection"].section("Fields")))
    form = connection_form()

    missing = {label for label in form["ui-field-behaviour"]["relabeling"].values() if label not in described}
    assert not missing | {name for name in form["conn-fields"] if f"`{name}`" not in described}


def test_every_configuration_option_is_described() -> None:
    described = rows(DOCS["operators"].section("Airflow's configuration"))
    options = get_provider_info()["config"]["bulkexports"]["options"]

    assert {(row[0], row[2]) for row in described} >= {
        (f"`[bulkexports] {name}`", option["default"]) for name, option in options.items()
    }


def test_exception_tree_is_complete() -> None:
    (tree,) = DOCS["exceptions"].blocks("text")

    assert sorted(re.findall(r"^[│├└─ ]*(\w+Error)\b", tree, flags=re.MULTILINE)) == sorted(exceptions.__all__)


def test_simulator_settings_named_exist(sim: Simulator) -> None:
    page = DOCS["testing"].text
    named = [call for row in rows(DOCS["testing"].section("What you can script")) for call in row[0].split("`")[1::2]]

    assert named
    for call in named:
        assert hasattr(sim.state, call.partition("(")[0]), call
    for knob in re.findall(r"simulator\.knobs\.(\w+)", page):
        assert hasattr(sim.knobs, knob)
    for fault in re.findall(r"`(Fault\([^`.]+\))`", page):
        ast.parse(fault)
        exec(f"from airflow_provider_bulkexports.simulator import Fault\n{fault}")


def days_of_the_run(timetable: Any, run_after: str) -> str:
    """The days that a run of a schedule exports, as text."""
    last = None
    earliest = TimeRestriction(pendulum.datetime(2025, 12, 1), None, catchup=True)
    while run := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=earliest):
        last = run.data_interval
        if run.run_after >= pendulum.parse(run_after):
            break
    assert run is not None and run.run_after == pendulum.parse(run_after)
    context = {
        "data_interval_start": run.data_interval.start,
        "data_interval_end": run.data_interval.end,
        "logical_date": run.logical_date,
    }
    return str(days_covered_by_run(context))


@pytest.mark.parametrize("row", rows(DOCS["operators"].section("Which days")), ids=lambda row: " ".join(row[:2]))
def test_schedule_exports_the_days_shown(row: list[str]) -> None:
    cron, zone, run_after, with_intervals, without = row
    schedule: dict[str, Any] = {"cron": cron.strip("`"), "timezone": pendulum.timezone(zone)}

    assert days_of_the_run(CronDataIntervalTimetable(**schedule), run_after) == with_intervals
    assert days_of_the_run(CronTriggerTimetable(**schedule), run_after) == without


def test_every_example_is_listed() -> None:
    listed = [row[0].strip("`") for row in rows(DOCS["get-started"].section("Examples"))]

    assert sorted(listed) == sorted(file.name for file in (ROOT / "example_dags").glob("*.py"))


@pytest.mark.parametrize("page", documents(), ids=repr)
def test_links_between_pages_resolve(page: Document) -> None:
    folder = (ROOT / page.name).parent
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.text):
        if not link.startswith("https://") and (folder / link).parent.exists():
            # Where the tests run beside an installed package, only what they need is there.
            assert (folder / link).exists(), link


#: Words of a private vocabulary, and the ones that the field uses.
BETTER = {
    r"looks?|looked": "poll, check, search",
    r"looking(?! up)": "polling, searching",
    r"goes on|gone on|going on": "continues, resumes, is still running",
    r"whoever|whichever": "people who, any",
    r"anew": "again",
    r"told|tells": "says",
    r"for good": "is not retried",
    r"as of": "same as",
    r"by which|by what": "with which, how",
    r"at home|to be had|insists?|stubborn|hoped|fate": "the plain word",
}


@pytest.mark.parametrize("page", documents(), ids=repr)
def test_page_uses_the_words_of_the_field(page: Document) -> None:
    found = {word: better for word, better in BETTER.items() if re.search(rf"(?i)\b({word})\b", page.prose)}

    assert not found


def test_six_steps_use_the_connection_that_the_simulator_prints() -> None:
    """The whole page is typed in ``system/test_quick_start.py``."""
    (shown,) = re.findall(r"^export AIRFLOW_CONN_\w+='(.*8765.*)'$", DOCS["get-started"].text, flags=re.MULTILINE)
    printed = json.loads(Simulator(api_port=8765).connection_json())

    assert json.loads(shown) | printed == json.loads(shown)


@pytest.mark.slow
def test_airflow_reads_the_connection_shown(sim: Simulator, tmp_path: Path) -> None:
    lines = [line for block in README.blocks("bash") for line in block.splitlines()]
    (line,) = [line for line in lines if line.startswith("export AIRFLOW_CONN")]
    name, _, value = line.removeprefix("export ").partition("=")
    shown = json.loads(value.strip("'"))
    simulated = json.loads(sim.connection_json())
    assert shown.keys() <= simulated.keys()

    environment = os.environ | {name: sim.connection_json(), "AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
    command = [sys.executable, "-m", "airflow", "connections", "test", "twilio_bulkexports_default"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Connection success!" in ended.stdout
    assert sim.auth_token not in ended.stdout + ended.stderr


#: Rows of the table of failures, and the tests that show what each says.
SHOWN_BY = {
    "Twilio returns 429 or 5xx, or does not respond": [
        "api/test_retries.py::test_status_is_retried_by_verb",
        "api/test_retry_waits.py::test_retry_after_is_honoured_up_to_the_limit",
        "test_faults.py::test_fault_while_searching_for_the_job",
    ],
    "A response is broken, or about something else": [
        "api/test_bounded_response.py::test_broken_response_is_requested_again",
        "api/test_response_check.py::test_response_about_another_job_is_retried",
    ],
    "The response to a submission is lost": [
        "test_faults.py::test_submission_with_lost_response",
        "test_faults.py::test_submission_that_does_not_arrive",
        "submission/test_lost_responses.py::test_submission_confirmed_absent_is_sent_again",
        "submission/test_lost_responses.py::test_search_outlasts_an_outage_of_ten_minutes",
        "submission/test_lost_responses.py::test_unknown_outcome_is_an_error_that_names_the_next_step",
    ],
    "The submitting task is retried or cleared": [
        "operators/test_create_once.py::test_second_attempt_adopts_the_first_job",
        "operators/test_create_once.py::test_task_cleared_days_later_adopts_its_finished_job",
        "submission/test_adoption.py::test_only_failed_days_are_submitted_again",
        "operators/test_create_once.py::test_deleted_job_is_submitted_again",
    ],
    "A worker dies between the submission and its record": [
        "submission/test_adoption.py::test_retry_waits_for_a_job_that_is_not_listed_yet",
    ],
    "Two equal jobs of a task exist": [
        "submission/test_adoption.py::test_older_of_two_equal_jobs_is_used_with_a_warning",
    ],
    "Mapped tasks submit the same days at the same moment": [
        "submission/test_duplicates.py::test_simultaneous_tasks_use_one_job",
        "submission/test_duplicates.py::test_simultaneous_tasks_use_one_job_of_an_unordered_list",
    ],
    "The days are not exportable yet": [
        "operators/test_create_too_early.py::test_yesterday_and_today_are_waited_for",
        "operators/test_create_too_early.py::test_future_day_is_rejected",
    ],
    "The quota is spent": [
        "operators/test_create_quota.py::test_quota_error_waits_for_midnight_and_submits_again",
        "operators/test_create_quota.py::test_quota_error_is_raised_without_wait_for_quota",
    ],
    "Twilio refuses a submission for any other reason": [
        "operators/test_create_quota.py::test_other_400_fails_at_once_with_the_response_text",
    ],
    "An argument renders to nothing, for example from a skipped task": [
        "tasks/test_missing_arguments.py::test_template_that_renders_to_nothing_is_rejected",
        "tasks/test_missing_arguments.py::test_output_of_a_skipped_task_is_rejected",
        "tasks/test_missing_arguments.py::test_empty_mapped_value_is_rejected",
    ],
    "The schedule does not give each run one UTC day": [
        "tasks/test_schedules.py::test_schedule_without_one_day_per_run_gets_advice",
        "tasks/test_schedules.py::test_schedule_is_checked_when_the_dag_is_parsed",
    ],
    "A poll of the job fails": [
        "test_faults.py::test_wait_survives_passing_fault",
        "test_faults.py::test_wait_fails_on_lasting_fault",
    ],
    "A day ends as `Failed`": [
        "sensors/test_failed_days.py::test_store_mode_passes_failed_days_downstream",
        "sensors/test_ends.py::test_failed_day_fails_the_task_without_retry",
        "sensors/test_ends.py::test_ignored_failed_days_are_in_the_result",
    ],
    "A day is in `ErrorDuringRun`": ["planning/test_progress.py::test_verdict_follows_the_statuses"],
    "The job was deleted, or Twilio does not know it": [
        "sensors/test_ends.py::test_deleted_day_fails_at_once_without_retry",
        "sensors/test_ends.py::test_unknown_job_fails_at_once_without_retry",
    ],
    "Wrong credentials, or input that Twilio would refuse": [
        "sensors/test_ends.py::test_rejected_credentials_fail_at_once_without_retry",
        "operators/test_create_input.py::test_invalid_rendered_value_fails_without_retry_or_request",
        "operators/test_create_input.py::test_invalid_literal_is_rejected_at_parse_time",
    ],
    "A download breaks off, brings nothing, or the file is damaged": [
        "api/test_download.py::test_interrupted_download_resumes",
        "transfers/test_days_without_records.py::test_zero_bytes_of_a_completed_day_are_retried",
        "api/test_download.py::test_one_bad_response_is_retried_and_a_lasting_one_fails",
    ],
    "A day's file cannot be stored": [
        "transfers/test_store_days.py::test_failed_day_does_not_stop_the_others",
        "transfers/test_kills.py::test_retry_of_a_killed_task_stores_the_rest",
    ],
    "The destination is invalid": [
        "object_storage/test_destination_url.py::test_destination_that_cannot_be_right_is_refused",
    ],
    "The store refuses or fails": [
        "object_storage/test_errors.py::test_permanent_error_names_its_remedy",
        "object_storage/test_errors.py::test_transient_error_is_retried",
    ],
    "A file of another account or resource type is in the way": [
        "transfers/test_ownership.py::test_file_of_another_account_is_never_skipped_or_replaced",
        "transfers/test_ownership.py::test_file_of_another_resource_type_is_refused",
    ],
    "Twilio has no file of a day": [
        "transfers/test_days_without_records.py::test_late_file_is_waited_for",
        "transfers/test_days_without_records.py::test_missing_day_fails_with_its_reason_or_is_ignored",
        "transfers/test_days_without_records.py::test_error_says_that_a_file_has_expired",
    ],
    "The wait times out": [
        "sensors/test_timeouts.py::test_timeout_fails_the_task_without_retry",
        "operators/test_create_and_wait.py::test_retry_after_timeout_waits_for_the_same_job",
        "operators/test_create_cancel.py::test_timeout_cancels_jobs_only_with_cancel_on_kill",
    ],
    "A task is killed": [
        "operators/test_create_cancel.py::test_kill_cancels_jobs_only_with_cancel_on_kill",
        "operators/test_create_cancel.py::test_killed_worker_leaves_the_job_unless_the_task_ended",
        "triggers/test_cancel.py::test_task_marked_as_ended_cancels_its_job",
    ],
    "The triggerer restarts, or hands its waits to another": [
        "triggers/test_cancel.py::test_triggerer_restart_cancels_nothing",
        "triggers/test_cancel.py::test_moved_trigger_or_cleared_task_leaves_the_job",
        "sensors/test_timeouts.py::test_triggerer_restart_does_not_extend_the_wait",
    ],
    "`soft_fail` is set": [
        "test_faults.py::test_wait_fails_on_lasting_fault",
        "sensors/test_soft_fail.py::test_same_input_ends_in_the_same_state",
    ],
}


def test_every_failure_has_tests() -> None:
    assert all(SHOWN_BY.values())
    assert [row[0] for row in rows(DOCS["failures"].text)] == list(SHOWN_BY)


@pytest.mark.parametrize("shown_by", sorted({test for tests in SHOWN_BY.values() for test in tests}))
def test_test_of_a_failure_exists(shown_by: str) -> None:
    file, _, name = shown_by.partition("::")

    assert f"\ndef {name}(" in (Path(__file__).parent / file).read_text()
