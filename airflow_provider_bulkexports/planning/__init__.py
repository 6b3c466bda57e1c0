"""Pure functions over days and jobs: no I/O, no clock, no Airflow."""
