"""The argument ``days``: days in any form, results of waits, and a useful error for everything else."""

from __future__ import annotations

from array import array
from datetime import date, datetime, timezone
from typing import Any

import pytest

from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.planning.requested_days import RequestedDays

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


class NoDate(datetime):
    """Like pandas' NaT: an instance of datetime that is not a time."""

    def utcoffset(self) -> Any:
        raise ValueError("NaT")


def result(kind: str | None = "Messages", **days: Any) -> dict[str, Any]:
    return {"job_sids": ["JS1"], "resource_type": kind, "completed": [], "empty": [], "failed": []} | days


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01, 2026-01-02",
        ["2026-01-02", "2026-01-01", "2026-01-01"],
        ("2026-01-01", SECOND),
        {FIRST, SECOND},
        frozenset({"2026-01-01", "2026-01-02"}),
        [datetime(2026, 1, 1, 23, tzinfo=timezone.utc), SECOND],
        {"2026-01-01": 1, "2026-01-02": 2}.keys(),
        [["2026-01-02"], ["2026-01-01"], []],
    ],
)
def test_days_in_any_order_and_iterable_are_parsed(value: Any) -> None:
    assert RequestedDays.parse(value).days == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "not a wait's result"),
        ({"completed": ["2026-01-01"]}, "without a list of 'empty' days"),
        ({"completed": "2026-01-01", "empty": []}, "without a list of 'completed' days"),
        (20260101, "days is int 20260101"),
        (1.5, "days is float"),
        (True, "days is bool"),
        (b"2026-01-01", "days is bytes"),
        ([None], "days contains NoneType None"),
        (["2026-01-01", None], "days contains NoneType None"),
        ([20260101], "days contains int"),
        ("JS" + "0" * 32, "which is a job, not a day: wait for the job"),
        (["2026-01-01", "JS" + "0" * 32], "which is a job, not a day: wait for the job"),
        ([result(completed=["2026-01-01"]), "2026-01-01"], "days contains dict"),
        ([NoDate(2026, 1, 1)], "is not a valid date"),
        ([datetime(2026, 1, 1)], "has no time zone"),
        (array("i", [1]), "days contains int"),
        ((day for day in ["2026-01-01"]), "days is generator"),
        (object(), "days is object"),
        ([], "days is empty"),
        (set(), "days is empty"),
        ("", "days is an empty string"),
        (result(completed=[None]), "days contains NoneType"),
    ],
)
def test_anything_else_is_an_error_that_says_what_to_pass(value: Any, sentence: str) -> None:
    with pytest.raises(BulkExportsInputError) as refused:
        RequestedDays.parse(value)

    assert sentence in str(refused.value)


def test_numpy_and_pandas_scalars_are_parsed_or_rejected() -> None:
    numpy = pytest.importorskip("numpy")
    for value in (numpy.int64(20260101), numpy.array(20260101), [numpy.datetime64("2026-01-01")]):
        with pytest.raises(BulkExportsInputError, match=r"wait\.output"):
            RequestedDays.parse(value)
    pandas = pytest.importorskip("pandas")
    assert RequestedDays.parse(pandas.Timestamp("2026-01-01", tz="UTC")).days == (FIRST,)
    with pytest.raises(BulkExportsInputError):
        RequestedDays.parse([pandas.NaT])


@pytest.mark.parametrize("text", ["{'completed': ['2026-01-01']}", "['2026-01-01', '2026-01-02']", " [1]"])
def test_rendered_result_is_an_error_that_says_to_pass_the_output(text: str) -> None:
    with pytest.raises(BulkExportsInputError, match=r"write days=wait\.output .* render_template_as_native_obj=True"):
        RequestedDays.parse(text)


def test_results_of_mapped_waits_are_merged() -> None:
    wanted = RequestedDays.parse(
        [
            result(completed=["2026-01-02"], failed=["2026-01-03"], failed_days="store"),
            result(completed=[], empty=["2026-01-01"], job_sids=["JS2"]),
        ]
    )

    assert wanted.days == (FIRST, SECOND)
    assert wanted.empty == {FIRST}
    assert wanted.failed == (THIRD,)
    assert wanted.job_sids == ("JS1", "JS2")
    assert wanted.resource_type == "Messages"


def test_day_exported_by_another_job_has_not_failed() -> None:
    wanted = RequestedDays.parse(
        [result(failed=["2026-01-01"], failed_days="store"), result(completed=["2026-01-01"], failed_days="store")]
    )

    assert (wanted.days, wanted.failed) == ((FIRST,), ())


def test_failed_days_count_only_if_the_result_says_store() -> None:
    assert RequestedDays.parse(result(completed=["2026-01-01"], failed=["2026-01-02"])).failed == ()


@pytest.mark.parametrize(("of_result", "own"), [("Calls", "Messages"), ("Messages", "Participants")])
def test_type_that_differs_from_the_result_is_rejected(of_result: str, own: str) -> None:
    with pytest.raises(BulkExportsInputError, match=f"resource_type is {own}, but days .* for {of_result}"):
        RequestedDays.parse(result(of_result, completed=["2026-01-01"])).type_for(own)


def test_type_defaults_to_that_of_the_result() -> None:
    assert RequestedDays.parse(result("Calls", completed=["2026-01-01"])).type_for(None) == "Calls"
    assert RequestedDays.parse(result(None, completed=["2026-01-01"])).type_for("Calls") == "Calls"
    for value in (result(None, completed=["2026-01-01"]), "2026-01-01"):
        with pytest.raises(BulkExportsInputError, match="resource_type is missing"):
            RequestedDays.parse(value).type_for(None)


def test_results_of_two_types_are_rejected() -> None:
    with pytest.raises(BulkExportsInputError, match="waits for Calls and Messages"):
        RequestedDays.parse([result("Calls", completed=["2026-01-01"]), result(completed=["2026-01-01"])])
