"""Test a connection, and describe the result: which server responded, or what is wrong and what to do about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.api.settings import BASE_URL
from airflow_provider_bulkexports.api.urls import is_twilio
from airflow_provider_bulkexports.exceptions import (
    BulkExportsAPIError,
    BulkExportsAuthError,
    BulkExportsConnectionError,
    BulkExportsError,
    BulkExportsNotFoundError,
    printable,
)
from airflow_provider_bulkexports.model.resources import ResourceType

__all__ = ["check_connection"]

#: Twilio's code for valid credentials without the permission (documentation of error 70051).
_NO_PERMISSION = 70051


def check_connection(client: BulkExportsClient) -> tuple[bool, str]:
    """
    Send one request that costs no quota.

    :return: Whether it worked, and a sentence for the person who filled in the connection.
    """
    try:
        address = client.probe(ResourceType.MESSAGES)
    except BulkExportsError as error:
        return False, _what_is_wrong(client, error)
    except Exception as error:  # noqa: BLE001 -- the button shows a sentence for any error
        return (
            False,
            f"The request to {client.base_url} failed: {printable(redact(error), 500)} ({type(error).__name__})",
        )
    account = f"account {client.account_sid}" if client.account_sid else "the API key's account"
    if client.base_url == BASE_URL:
        return True, f"Connected to Twilio BulkExports as {account}"
    if is_twilio(client.base_url) or is_twilio(address):
        return True, f"Connected to Twilio BulkExports through {client.base_url} as {account}"
    return True, (
        f"Connected to {client.base_url} as {account}; this is a simulator or another host of yours, not Twilio: clear "
        "the connection's host to reach Twilio"
    )


def _what_is_wrong(client: BulkExportsClient, error: BulkExportsError) -> str:
    if isinstance(error, BulkExportsAuthError):
        return _refused(client, error)
    if isinstance(error, BulkExportsNotFoundError):
        return (
            f"Wrong address: {client.base_url} responds, but has no BulkExports API ({_labels(error)}): correct the "
            "connection's host, or clear it"
        )
    if isinstance(error, BulkExportsConnectionError):
        return _unreachable(client, error)
    return str(error)


def _refused(client: BulkExportsClient, error: BulkExportsAuthError) -> str:
    who = "Twilio" if is_twilio(client.base_url) else client.base_url
    if error.status == 403 or error.code == _NO_PERMISSION:
        return (
            f"No permission: {who} does not allow these credentials to use BulkExports ({_labels(error)}): use a "
            "Standard or Main API key, or the account's Auth Token, and check that the account is active"
        )
    return (
        f"Wrong credentials: {who} refused the login and password ({_labels(error)}): copy both again from Twilio's "
        "console with region US1 selected, since those of another region or account are rejected the same way"
    )


def _unreachable(client: BulkExportsClient, error: BulkExportsConnectionError) -> str:
    host = urlsplit(client.base_url).hostname
    if error.kind == "proxy":
        return f"Cannot reach {host} through the proxy: check HTTPS_PROXY and NO_PROXY where Airflow runs. {error}"
    if error.kind == "certificate":
        return (
            f"{host} has a certificate that is not trusted here ({error.reason}): check the host, or "
            "a proxy that substitutes its own certificate"
        )
    if error.kind != "name":
        # The text of the error has advice too, but more general.
        why = error.reason if error.kind == "refused" else error
        return f"{client.base_url} could not be reached: {_whom_to_check(client)}. {why}"
    if client.base_url == BASE_URL:
        return f"No network: the name {host} cannot be resolved where Airflow runs: check its network, DNS and proxy"
    if is_twilio(client.base_url):
        return (
            f"Wrong edge, or no network: there is no address for {host}: correct the connection's edge, or clear it to "
            f"use {urlsplit(BASE_URL).hostname}"
        )
    return f"Wrong host, or no network: there is no address for {host}: correct the connection's host, or clear it"


def _whom_to_check(client: BulkExportsClient) -> str:
    if is_twilio(client.base_url):
        return "check the network, firewall and proxy where Airflow runs"
    return "start the server that should listen there, or correct the connection's host, or clear it to reach Twilio"


def _labels(error: BulkExportsAPIError) -> str:
    labels = [error.twilio_message or "", f"HTTP {error.status}", f"Twilio error {error.code}" if error.code else ""]
    return ", ".join(filter(None, labels))
