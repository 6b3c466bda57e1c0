"""Pure decisions about days and jobs: no I/O, no clock, no Airflow."""
