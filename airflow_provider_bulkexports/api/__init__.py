"""Twilio's BulkExports over HTTP. Does not import Airflow; it can be used on its own."""
