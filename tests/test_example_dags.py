"""Airflow runs every example DAG against the simulator."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import inspect
import json
import re
import sys
from collections import Counter
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import ParamValidationError
from packaging.version import Version
from support.airflow import DAG

from airflow_provider_bulkexports import (
    BulkExportsToObjectStorageOperator,
    ExportDayEventTrigger,
    asset_for,
    plan_quota,
)
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION, BaseOperator
from airflow_provider_bulkexports.model.resources import ResourceType
from airflow_provider_bulkexports.simulator import Simulator

try:
    from airflow.models.asset import AssetActive, AssetEvent, AssetModel

    ASSET_ID_OF_EVENT = AssetEvent.asset_id
except ImportError:  # Airflow 2.11
    from airflow.models.dataset import DatasetEvent as AssetEvent
    from airflow.models.dataset import DatasetModel as AssetModel

    AssetActive = None
    ASSET_ID_OF_EVENT = AssetEvent.dataset_id

NEEDS_WATCHERS = pytest.mark.skipif(Version(AIRFLOW_VERSION) < Version("3.0"), reason="watchers need Airflow 3.0")

EXAMPLES = Path(__file__).parent.parent / "example_dags"

TYPES = [kind.value for kind in ResourceType]


@pytest.fixture
def fast(sim: Simulator) -> Simulator:
    """The simulator with no queue and no work to do: a job is done as soon as it is submitted."""
    sim.knobs.queue_seconds = sim.knobs.seconds_per_day_run = sim.knobs.error_pause_seconds = 0
    return sim


def dags_in(file: Path) -> dict[str, Any]:
    """Import a DAG file as Airflow does, and return its DAGs by id."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    tasks = (getattr(value, "operator", value) for value in vars(module).values())
    dags = [task.dag for task in tasks if isinstance(task, BaseOperator)]
    dags += [value for value in vars(module).values() if isinstance(value, DAG)]
    return {dag.dag_id: dag for dag in dags}


def dag_in(file: Path) -> Any:
    """Import a DAG file as Airflow does, and return its DAG."""
    (dag,) = dags_in(file).values()
    return dag


def run(dag: Any, day: datetime, **arguments: Any) -> Any:
    """Run a DAG in this process; the day's argument has another name in Airflow 2."""
    name = "logical_date" if "logical_date" in inspect.signature(dag.test).parameters else "execution_date"
    return dag.test(**{name: day}, **arguments)


def xcom(dag_run: Any, task_id: str) -> Any:
    return dag_run.get_task_instance(task_id).xcom_pull(task_ids=task_id)


@pytest.mark.parametrize(
    ("file", "fields", "wrong"),
    [
        (
            "range",
            {"resource_type": "choice", "start_day": "date", "end_day": "date", "destination": "text"},
            {"start_day": "last week"},
        ),
        ("backfill", {"resource_type": "choice"}, {"resource_type": "Recordings"}),
        ("automatic_exports", {"days": "text"}, {"days": 7}),
    ],
)
def test_trigger_form_has_pickers_choices_and_help(file: str, fields: dict[str, str], wrong: dict[str, Any]) -> None:
    params = dag_in(EXAMPLES / f"example_bulkexports_{file}.py").params

    assert list(params) == list(fields)
    for name, kind in fields.items():
        param = params.get_param(name)
        assert param.description, name
        assert param.schema["title"], name
        assert param.schema.get("format") == ("date" if kind == "date" else None)
        assert param.schema.get("enum") == (TYPES if kind == "choice" else None)
    with pytest.raises(ParamValidationError):
        params.update(wrong)


def test_every_example_is_tested() -> None:
    assert sorted(file.name for file in EXAMPLES.glob("*.py")) == [
        "example_bulkexports_automatic_exports.py",
        "example_bulkexports_backfill.py",
        "example_bulkexports_daily.py",
        "example_bulkexports_duckdb.py",
        "example_bulkexports_partitions.py",
        "example_bulkexports_range.py",
        "example_bulkexports_refresh_prices.py",
        "example_bulkexports_to_object_storage.py",
    ]


@pytest.mark.slow
def test_daily_example_exports_the_day_of_its_run(airflow_db: None, fast: Simulator, connection: str) -> None:
    ended = run(dag_in(EXAMPLES / "example_bulkexports_daily.py"), datetime(2026, 3, 5, tzinfo=timezone.utc))

    assert ended.state == "success"
    (job,) = fast.state.jobs.values()
    result = xcom(ended, "wait")
    assert result["job_sids"] == [job.sid]
    assert result["completed"] == [result["start_day"]] == [result["end_day"]]
    assert xcom(ended, "report") == "1 day(s) with records, 0 without"
    for key, value in result.items():  # so that wait.output[key] works
        assert ended.get_task_instance("wait").xcom_pull(task_ids="wait", key=key) == value


@pytest.mark.slow
def test_range_example_exports_the_days_of_its_configuration(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path
) -> None:
    fast.state.empty_day("Calls", "2026-02-02")
    conf = {"resource_type": "Calls", "start_day": "2026-02-01", "end_day": "2026-02-03"}
    conf["destination"] = f"file://{tmp_path}"

    ended = run(
        dag_in(EXAMPLES / "example_bulkexports_range.py"), datetime(2026, 3, 6, tzinfo=timezone.utc), run_conf=conf
    )

    assert ended.state == "success"
    result = xcom(ended, "wait")
    assert result["resource_type"] == "Calls"
    assert result["completed"] == ["2026-02-01", "2026-02-03"]
    assert result["empty"] == ["2026-02-02"]
    assert [entry["records"] for entry in xcom(ended, "store")] == [50, 0, 50]
    assert len(list(tmp_path.rglob("part-0.json.gz"))) == 3


@pytest.mark.slow
def test_range_example_stores_other_days_before_it_fails(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path
) -> None:
    fast.state.fail_day("Messages", "2026-01-04")
    conf = {"destination": f"file://{tmp_path}"}

    ended = run(
        dag_in(EXAMPLES / "example_bulkexports_range.py"), datetime(2026, 3, 7, tzinfo=timezone.utc), run_conf=conf
    )

    assert ended.state == "failed"
    states = [ended.get_task_instance(task).state for task in ("submit", "wait", "store")]
    assert states == ["success", "success", "failed"]
    days = sorted(path.parent.name for path in tmp_path.rglob("part-0.json.gz"))
    assert days == [f"day=2026-01-0{number}" for number in (1, 2, 3, 5, 6, 7)]


@pytest.mark.slow
def test_storage_example_stores_the_day_in_the_bucket(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bucket is a folder here; test_s3.py stores in an S3 API.
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')

    file = EXAMPLES / "example_bulkexports_to_object_storage.py"
    ended = run(dag_in(file), datetime(2026, 3, 5, tzinfo=timezone.utc))

    assert ended.state == "success"
    (stored,) = tmp_path.rglob("part-0.json.gz")
    assert xcom(ended, "report") == f"50 records in file://{stored}"


@pytest.mark.slow
def test_duckdb_example_queries_every_stored_day(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("duckdb")
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_TABLES", f"file://{tmp_path}")
    example = EXAMPLES / "example_bulkexports_duckdb.py"

    for number in (5, 6):
        ended = run(dag_in(example), datetime(2026, 3, number, tzinfo=timezone.utc))
        assert ended.state == "success"

    files = sorted(tmp_path.rglob("part-0.parquet"))
    days = [file.parent.name.removeprefix("day=") for file in files]
    totals = [sum(filter(None, parquet.read_table(file, partitioning=None)["price"].to_pylist())) for file in files]
    assert xcom(ended, "cost_by_day") == {day: str(total) for day, total in zip(days, totals, strict=True)}
    assert len(days) == 2


def test_backfill_example_logs_its_quota_plan() -> None:
    file = EXAMPLES / "example_bulkexports_backfill.py"
    dag_in(file)
    example = doctest.DocTestParser().get_doctest(
        sys.modules[file.stem].__doc__ or "",
        {"plan_quota": plan_quota, "MONTHS": sys.modules[file.stem].MONTHS},
        file.stem,
        str(file),
        0,
    )

    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_backfill_example_stores_three_years_across_quota_days(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timeline: Any
) -> None:
    """A task that waits for midnight moves the clocks of tasks and simulator there."""
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    fast.knobs.records_per_day = 1

    ended = run(dag_in(EXAMPLES / "example_bulkexports_backfill.py"), datetime(2026, 3, 8, tzinfo=timezone.utc))

    assert ended.state == "success"
    assert len(list(tmp_path.rglob("part-0.json.gz"))) == 1096
    months = {f"{year}-{month:02}" for year in (2023, 2024, 2025) for month in range(1, 13)}
    copies = ended.get_task_instances()
    for task in ("submit", "wait", "store"):
        names = [copy.rendered_map_index for copy in copies if copy.task_id.endswith(task)]
        assert sorted(names) == sorted(months), task
    jobs = fast.state.jobs.values()
    submitted = Counter(job.created_at.date() for job in jobs for _ in job.request.days())
    assert len(jobs) == 36
    assert sum(submitted.values()) == 1096
    # Airflow runs the months in any order, and twelve of them may be a day too many.
    assert len(submitted) in (3, 4)
    assert max(submitted.values()) <= 366


@pytest.mark.slow
def test_partitions_example_starts_dags_that_wait_for_the_day(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", fast.account_sid)
    dags = dags_in(EXAMPLES / "example_bulkexports_partitions.py")
    activate(asset_for("Messages", fast.account_sid))

    ended = run(dags["example_bulkexports_partitions"], datetime(2026, 3, 5, tzinfo=timezone.utc))

    assert ended.state == "success"
    ((uri, extra, partition),) = asset_events(ended)
    (day,) = extra["days"]
    assert uri == f"twilio-bulkexports://{fast.account_sid}/Messages"
    assert (tmp_path / f"resource_type=Messages/day={day}/part-0.json.gz").exists()
    has_partitions = Version(AIRFLOW_VERSION) >= Version("3.3")
    assert partition == (day if has_partitions else None)
    assert ("example_bulkexports_each_month" in dags) == has_partitions


EVENT = SimpleNamespace(extra={"days": ["2026-01-02", "2026-01-01"]})


@pytest.mark.parametrize(
    ("context", "days"),
    [
        ({"partition_key": "2026-01-01", "triggering_asset_events": {}}, ["2026-01-01"]),
        ({"triggering_asset_events": {"asset": [EVENT]}}, ["2026-01-01", "2026-01-02"]),
        ({"triggering_dataset_events": {"dataset": [EVENT]}}, ["2026-01-01", "2026-01-02"]),
    ],
    ids=["since 3.3", "since 3.0", "2.11"],
)
def test_partitions_example_reads_the_days_in_every_airflow(context: dict[str, Any], days: list[str]) -> None:
    reader = dags_in(EXAMPLES / "example_bulkexports_partitions.py")["example_bulkexports_each_day"]
    assert reader.get_task("days_to_read").python_callable(**context) == days


@pytest.mark.slow
@pytest.mark.skipif(Version(AIRFLOW_VERSION) >= Version("3"), reason="files start the DAG: system/test_watchers.py")
def test_automatic_example_waits_for_the_file_without_watchers(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    fast.state.set_enabled("Messages")
    fast.clock.advance(timedelta(days=2))
    (file, *_) = fast.state.day_files
    end_of_day = datetime.combine(file.day, time(), timezone.utc) + timedelta(days=1)

    ended = run(dag_in(EXAMPLES / "example_bulkexports_automatic_exports.py"), end_of_day)

    assert ended.state == "success"
    assert xcom(ended, "wait")["completed"] == [file.day.isoformat()]
    assert [entry["day"] for entry in xcom(ended, "store")] == [file.day.isoformat()]
    assert not fast.state.jobs


@NEEDS_WATCHERS
def test_automatic_example_is_started_by_every_file() -> None:
    file = EXAMPLES / "example_bulkexports_automatic_exports.py"

    dag = dag_in(file)

    ((asset,),) = [list(dag.timetable.asset_condition.objects)]
    (watcher,) = asset.watchers
    assert isinstance(watcher.trigger, ExportDayEventTrigger)
    assert watcher.trigger.announce_existing
    assert watcher.trigger.watcher == watcher.name
    assert dag.get_task("store").days is None  # those of the events


@pytest.mark.slow
@pytest.mark.timeout(300)  # two runs of a DAG, on a machine that may be busy
def test_refresh_example_exports_again_what_lacks_prices(
    airflow_db: None,
    fast: Simulator,
    connection: str,
    context: dict[str, Any],
    timeline: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a lake of ten days, the last two were stored before Twilio had all of their prices."""
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    fast.knobs.price_delay_days = 3
    lake = [f"2026-11-{day}" for day in range(13, 23)]
    fast.create_job("Messages", lake[0], lake[-1])
    before = BulkExportsToObjectStorageOperator(
        task_id="store", resource_type="Messages", days=lake, destination=f"file://{tmp_path}", file_format="parquet",
        drop_columns=["body"],
    ).execute(context)  # fmt: skip
    assert [entry["day"] for entry in before if entry["prices_missing"]] == ["2026-11-21", "2026-11-22"]
    timeline.advance(timedelta(days=2).total_seconds())

    dag = dag_in(EXAMPLES / "example_bulkexports_refresh_prices.py")
    ended = run(dag, datetime(2026, 3, 8, tzinfo=timezone.utc))

    assert ended.state == "success"
    days = {"start_day": "2026-11-21", "end_day": "2026-11-22"}
    assert xcom(ended, "late_days") == [days]
    _, job = fast.state.jobs.values()
    assert list(map(str, job.request.days())) == list(days.values())
    manifests = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("*.manifest.json")}
    after = [manifests[f"day={day}"] for day in lake]
    assert [entry["prices_missing"] for entry in after] == [0] * 10
    assert after[:8] == before[:8]
    for old, new in zip(before[8:], after[8:], strict=True):
        assert new["changes"] == {
            "records_gained": 0,
            "records_lost": 0,
            "prices_filled": old["prices_missing"],
            "price_total_before": old["price_total"],
        }
        assert Decimal(new["price_total"]) < Decimal(old["price_total"]), "prices are negative"

    timeline.advance(60)  # the run's id has the time
    again = run(dag, datetime(2026, 3, 15, tzinfo=timezone.utc))

    assert again.state == "success"
    assert xcom(again, "late_days") == []
    assert len(fast.state.jobs) == 2


def python_blocks(page: Path) -> list[str]:
    return [dedent(block) for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)]


@pytest.mark.slow
@NEEDS_WATCHERS
def test_manual_run_of_automatic_example_stores_given_days(
    airflow_db: None, fast: Simulator, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")
    fast.create_job("Messages", "2026-01-01", "2026-01-03")
    dag = dag_in(EXAMPLES / "example_bulkexports_automatic_exports.py")

    ended = dag.test(run_conf={"days": "2026-01-01, 2026-01-03"})

    assert ended.state == "success"
    assert [entry["day"] for entry in xcom(ended, "store")] == ["2026-01-01", "2026-01-03"]


@pytest.mark.slow
@NEEDS_WATCHERS
def test_manual_run_of_automatic_example_asks_for_days(
    airflow_db: None,
    connection: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_TWILIO_EXPORTS", f"file://{tmp_path}")

    ended = dag_in(EXAMPLES / "example_bulkexports_automatic_exports.py").test()

    assert ended.state == "failed"
    said = "".join(capfd.readouterr())
    assert "Trigger it with the days" in said
    assert "triggered by hand" in said
    assert "UndefinedError" not in said


def watched_names(text: str) -> list[str]:
    """Names of the assets that a DAG file gives watchers, and of those watchers."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if node.func.id == "AssetWatcher" or (node.func.id == "Asset" and "watchers" in given):
                name = given["name"] if "name" in given else node.args[0]
                assert isinstance(name, ast.Constant)
                names.append(f"{node.func.id} {name.value}")
    return names


def test_copied_examples_share_no_asset_or_watcher() -> None:
    root = EXAMPLES.parent
    blocks = [block for page in [root / "README.md", *(root / "docs").glob("*.md")] for block in python_blocks(page)]
    files = [file.read_text() for file in EXAMPLES.glob("*.py")]

    names = [name for text in [*files, *blocks] for name in watched_names(text)]

    assert "Asset example_bulkexports_message_files" in names
    assert sorted(names) == sorted(set(names))


def activate(wanted: Any) -> None:
    """Make Airflow know an asset, as its DAG processor does with those of the DAGs that it has read."""
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.query(AssetModel).filter_by(uri=wanted.uri).count():
            return
        named = {} if AssetActive is None else {"name": wanted.name, "group": wanted.group, "extra": {}}
        asset = AssetModel(uri=wanted.uri, **named)
        session.add(asset)
        if AssetActive is not None:
            session.add(AssetActive.for_asset(asset))


def asset_events(dag_run: Any) -> list[tuple[str, dict[str, Any], str | None]]:
    """URI, extra and partition key of the asset events that a run has made."""
    from airflow.utils.session import create_session

    with create_session() as session:
        made = session.query(AssetEvent, AssetModel.uri).join(AssetModel, AssetModel.id == ASSET_ID_OF_EVENT)
        found = made.filter(AssetEvent.source_dag_id == dag_run.dag_id, AssetEvent.source_run_id == dag_run.run_id)
        return [(uri, event.extra, getattr(event, "partition_key", None)) for event, uri in found]
