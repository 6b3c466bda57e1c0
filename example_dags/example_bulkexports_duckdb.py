"""
Export each day's messages as Parquet, and query the whole history with DuckDB.

The files are a table: one stable schema, typed columns, one folder a day. ``table_definition`` writes the view over
them; it does the same for Athena, BigQuery, Redshift, Snowflake and Spark.

To run it: besides the connection to Twilio (see ``example_bulkexports_daily.py``), set the Airflow variable
``twilio_tables`` to a folder such as ``file:///data/twilio``, and install ``airflow-provider-bulkexports[parquet]`` and
``duckdb``. For ``s3://`` add ``object_storage_conn_id`` below, and a secret in DuckDB.
"""

from __future__ import annotations

import pendulum

from airflow_provider_bulkexports import export_to_object_storage, table_definition

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

TABLES = "{{ var.value.twilio_tables }}"

with DAG(
    dag_id="example_bulkexports_duckdb",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["example", "twilio"],
):
    stored = export_to_object_storage(
        resource_type="Messages",
        destination=TABLES,
        file_format="parquet",
        drop_columns=["body"],
        deferrable=True,
    )

    @task
    def cost_by_day(tables: str) -> dict:
        """Replace this with your own questions."""
        import duckdb

        with duckdb.connect() as database:
            database.execute(
                table_definition("Messages", dialect="duckdb", location=tables, drop_columns=["body"]),
            )
            found = database.execute(
                'SELECT "day"::VARCHAR, sum("price")::VARCHAR FROM twilio_messages GROUP BY 1 ORDER BY 1'
            )
            return dict(found.fetchall())

    stored >> cost_by_day(TABLES)
