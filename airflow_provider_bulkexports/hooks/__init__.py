"""The hook: makes a client from an Airflow connection."""
