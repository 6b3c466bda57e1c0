"""What tests share: servers, a task runner, a running Airflow, names of both Airflows."""
