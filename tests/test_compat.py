"""One import place for every Airflow."""

from __future__ import annotations

from airflow_provider_bulkexports import compat


def test_every_name_is_there_on_this_airflow() -> None:
    assert not [name for name in compat.__all__ if not hasattr(compat, name)]
    assert sorted(compat.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == compat.__all__


def test_exceptions_are_those_that_this_airflow_catches() -> None:
    import airflow.exceptions

    for name in ("AirflowException", "AirflowFailException", "AirflowSkipException", "TaskDeferred"):
        assert getattr(compat, name) is getattr(airflow.exceptions, name)


def test_a_rescheduled_operator_is_used_only_where_the_scheduler_heeds_the_moment() -> None:
    major, minor = map(int, compat.AIRFLOW_VERSION.split(".")[:2])

    assert compat.CAN_RESCHEDULE_OPERATORS is ((major, minor) >= (3, 1))
