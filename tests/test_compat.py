"""Airflow's names are imported from one place, whatever the version."""

from __future__ import annotations

from airflow_provider_bulkexports import compat


def test_every_name_exists_and_is_listed_in_order() -> None:
    assert not [name for name in compat.__all__ if not hasattr(compat, name)]
    assert sorted(compat.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == compat.__all__


def test_exceptions_are_those_that_airflow_catches() -> None:
    import airflow.exceptions

    for name in ("AirflowException", "AirflowFailException", "AirflowSkipException", "TaskDeferred"):
        assert getattr(compat, name) is getattr(airflow.exceptions, name)


def test_operators_are_rescheduled_from_airflow_3_1_on() -> None:
    major, minor = map(int, compat.AIRFLOW_VERSION.split(".")[:2])

    assert compat.CAN_RESCHEDULE_OPERATORS is ((major, minor) >= (3, 1))
