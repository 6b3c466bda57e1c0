"""Provider metadata. Airflow loads it in every process, so import nothing heavy here."""

from __future__ import annotations

from typing import Any

__all__ = ["CONNECTION_TYPE", "DEFAULT_CONN_ID", "connection_form", "get_provider_info"]

CONNECTION_TYPE = "twilio_bulkexports"
DEFAULT_CONN_ID = "twilio_bulkexports_default"

_INTEGRATION = "Twilio BulkExports"
_PACKAGE = "airflow_provider_bulkexports"


def connection_form() -> dict[str, Any]:
    """Describe the connection form. Airflow 3.2 and later read it from the metadata, older ones from the hook."""
    return {
        "ui-field-behaviour": {
            "hidden-fields": ["schema"],
            "relabeling": {
                "login": "Account SID or API key SID",
                "password": "Auth Token or API key secret",
                "host": "Base URL",
                "port": "Port",
            },
            "placeholders": {
                "login": "AC… or SK…",
                "password": "from Twilio's console",
                "host": "https://bulkexports.twilio.com",
                # Airflow 3.3.1 and 3.3.2 refuse to test a connection without a port ("Bad Request").
                "port": "0 for the default",
            },
        },
        "conn-fields": {
            "account_sid": _text_field(
                "Account SID",
                "The account (AC…), if the login is an API key. Shown in log messages, assets and lineage.",
            ),
            "connect_timeout": _seconds_field("Connect timeout (s)", "Seconds to wait for a connection.", 10),
            "read_timeout": _seconds_field("Read timeout (s)", "Seconds to wait for the next bytes of a response.", 30),
            "max_retries": {
                "label": "Retries",
                "description": "How often to retry a request after HTTP 429 or 5xx or a network error; 0 disables it.",
                "schema": {"type": ["integer", "null"], "minimum": 0, "maximum": 20, "default": 5},
            },
            "edge": _text_field(
                "Edge", "Twilio edge location, for example dublin. Leave it empty if unsure, or if you set a base URL."
            ),
            "hash_key": {
                "label": "Key for hashing",
                "description": "Long random text, for storing columns with personal data as keyed hashes.",
                "schema": {"type": ["string", "null"], "format": "password"},
            },
            "region": {
                "label": "Region",
                "description": "Leave it empty: Twilio offers BulkExports in us1 only.",
                # No default: it would be stored, and Airflow warns in every task's log that a value of three letters is
                # too short to be masked. The drop-down can be cleared; None among the choices would show as "null".
                "schema": {"type": ["string", "null"], "enum": ["us1"]},
            },
        },
    }


def get_provider_info() -> dict[str, Any]:
    """Return the metadata of the entry point ``apache_airflow_provider``."""
    return {
        "package-name": "airflow-provider-bulkexports",
        "name": _INTEGRATION,
        "description": "Exports Twilio activity logs through BulkExports into any object store.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.twilio.com/docs/usage/bulkexport",
                "tags": ["service"],
            }
        ],
        "hooks": [_modules("hooks.bulkexports")],
        "operators": [_modules("operators.bulkexports")],
        "sensors": [_modules("sensors.bulkexports")],
        "transfers": [
            {
                "source-integration-name": _INTEGRATION,
                "target-integration-name": "Common IO",
                "python-module": f"{_PACKAGE}.transfers.bulkexports",
            }
        ],
        "triggers": [_modules("triggers.bulkexports")],
        "extra-links": [f"{_PACKAGE}.links.BulkExportsLink"],
        "asset-uris": [_asset_uris()],
        "dataset-uris": [_asset_uris()],  # Airflow 2.11
        "config": {"bulkexports": _configuration()},
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-name": _INTEGRATION,
                "hook-class-name": f"{_PACKAGE}.hooks.bulkexports.BulkExportsHook",
                **connection_form(),
            }
        ],
    }


def _asset_uris() -> dict[str, Any]:
    return {
        "schemes": ["twilio-bulkexports"],
        "handler": f"{_PACKAGE}.assets.uris.sanitize_uri",
        "factory": f"{_PACKAGE}.assets.bulkexports.create_asset",
        "to_openlineage_converter": f"{_PACKAGE}.assets.bulkexports.convert_asset_to_openlineage",
    }


def _configuration() -> dict[str, Any]:
    poll_interval = {
        "description": "Default `poll_interval` in seconds.",
        "version_added": "0.1.0",
        "type": "float",
        "example": "120",
        "default": "60",
    }
    max_poll_interval = {
        "description": "Default `max_poll_interval`: upper limit in seconds when Twilio estimates a later completion.",
        "version_added": "0.1.0",
        "type": "float",
        "example": "600",
        "default": "300",
    }
    return {
        "description": "Settings of the provider package for Twilio BulkExports.",
        "options": {"poll_interval": poll_interval, "max_poll_interval": max_poll_interval},
    }


def _modules(module: str) -> dict[str, Any]:
    return {"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.{module}"]}


def _text_field(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"]}}


def _seconds_field(label: str, description: str, default: int) -> dict[str, Any]:
    schema = {"type": ["integer", "null"], "minimum": 1, "maximum": 600, "default": default}
    return {"label": label, "description": description, "schema": schema}
