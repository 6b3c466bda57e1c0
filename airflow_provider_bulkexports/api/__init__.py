"""Twilio's BulkExports over HTTP. Nothing in here knows Airflow; it can be used on its own."""
