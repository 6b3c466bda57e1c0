"""BulkExportsHook: an Airflow connection becomes a BulkExportsClient."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.download import DownloadedDay
from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.transport import BASE_URL, is_loopback
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION, BaseHook, Connection, aget_connection
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, printable
from airflow_provider_bulkexports.hooks.checking import check_connection
from airflow_provider_bulkexports.lineage import asset_uri_of, tell_collector
from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE, DEFAULT_CONN_ID, connection_form

__all__ = ["BulkExportsHook"]

#: Whoever presses the Test button waits for the answer.
_RETRIES_OF_A_TEST = 2


class BulkExportsHook(BaseHook):
    """
    Twilio BulkExports by an Airflow connection of type ``twilio_bulkexports``.

    :param twilio_conn_id: The connection: login and password, optionally host and extra (see the README's table).
    """

    conn_name_attr = "twilio_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONNECTION_TYPE
    hook_name = "Twilio BulkExports"

    def __init__(self, twilio_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.twilio_conn_id = twilio_conn_id

    def get_conn(self) -> BulkExportsClient:
        """
        Return the client, built at the first call.

        :raises BulkExportsInputError: if the connection cannot be right; nothing was sent.
        """
        return self._client

    def download_day(self, resource_type: str, day: str | date, target: str | PathLike[str]) -> DownloadedDay:
        """
        Fetch a day's file to a local path, whole and verified or not at all, and tell Airflow's lineage of it.

        See :meth:`airflow_provider_bulkexports.api.client.BulkExportsClient.download_day`.
        """
        client = self.get_conn()
        downloaded = client.download_day(resource_type, day, target)
        source = asset_uri_of(client, resource_type)
        tell_collector(self, inputs=[source] if source else [], outputs=[Path(target).resolve().as_uri()])
        return downloaded

    async def aget_conn(self, *, most_retries: int | None = None) -> BulkExportsClient:
        """
        Return a new client without blocking an event loop; its methods do block: call them in a thread.

        :param most_retries: Repetitions of one request, if the connection allows as many.
        """
        connection, extra = await aget_connection(self.twilio_conn_id)
        return self._client_for(connection, extra, most_retries=most_retries)

    def test_connection(self) -> tuple[bool, str]:
        """Ask Twilio one free question with the connection; say which account answered, or what is wrong."""
        connection = self.get_connection(self.twilio_conn_id)
        try:
            # Without the connection's id: the Test button's is one that Airflow makes up.
            client = _client_of(connection, connection.extra_dejson, most_retries=_RETRIES_OF_A_TEST)
        except BulkExportsInputError as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001 -- whoever presses the button gets a sentence, whatever went wrong
            return False, f"The connection cannot be used: {printable(redact(error), 500)} ({type(error).__name__})"
        try:
            return check_connection(client)
        finally:
            client.close()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Standard fields of the connection form, for Airflow before 3.2; later ones read ``provider_info``."""
        behaviour = connection_form()["ui-field-behaviour"]
        return {
            "hidden_fields": behaviour["hidden-fields"],
            "relabeling": behaviour["relabeling"],
            "placeholders": behaviour["placeholders"],
        }

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Further fields of the connection form, for Airflow before 3.2; later ones read ``provider_info``."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from wtforms import IntegerField, StringField
        from wtforms.validators import NumberRange, Optional, any_of

        def field(label: str, description: str, schema: Mapping[str, Any]) -> Any:
            validators = [Optional()]
            if "enum" in schema:  # a drop-down in Airflow 3
                validators.append(any_of(schema["enum"]))
            if "minimum" in schema:
                validators.append(NumberRange(min=schema["minimum"], max=schema["maximum"]))
            return (IntegerField if "integer" in schema["type"] else StringField)(
                label,
                description=description,
                default=schema.get("default"),
                widget=BS3TextFieldWidget(),
                validators=validators,
            )

        return {name: field(**declared) for name, declared in connection_form()["conn-fields"].items()}

    @cached_property
    def _client(self) -> BulkExportsClient:
        connection = self.get_connection(self.twilio_conn_id)
        return self._client_for(connection, connection.extra_dejson)

    def _client_for(
        self, connection: Connection, extra: Mapping[str, Any], *, most_retries: int | None = None
    ) -> BulkExportsClient:
        try:
            return _client_of(connection, extra, most_retries=most_retries)
        except BulkExportsInputError as error:
            raise BulkExportsInputError(f"Connection {self.twilio_conn_id!r}: {error}") from error


def _client_of(
    connection: Connection, extra: Mapping[str, Any], *, most_retries: int | None = None
) -> BulkExportsClient:
    retry = RetryPolicy()
    fields = _ExtraFields(extra)
    retries = fields.number("max_retries", default=retry.max_retries, at_least=0)
    return BulkExportsClient(
        connection.login or "",
        connection.password or "",
        base_url=_base_url(connection, edge=fields.text("edge"), region=fields.text("region")),
        account_sid=fields.text("account_sid"),
        connect_timeout=fields.number("connect_timeout", default=10, at_least=1),
        read_timeout=fields.number("read_timeout", default=30, at_least=1),
        retry=RetryPolicy(max_retries=retries if most_retries is None else min(retries, most_retries)),
        user_agent=f"airflow/{AIRFLOW_VERSION}",
    )


class _ExtraFields:
    """Fields of a connection's ``extra``, also under the prefixed names that older forms stored."""

    def __init__(self, extra: Mapping[str, Any]) -> None:
        if not isinstance(extra, Mapping):
            raise BulkExportsInputError('extra is no JSON object: write it like {"account_sid": "AC…"}')
        self._extra = extra

    def text(self, name: str) -> str | None:
        value = self._value(name)
        return None if value is None else str(value).strip()

    def number(self, name: str, *, default: int, at_least: int) -> int:
        value = self._value(name)
        try:
            number = default if value is None else int(value)
        except (OverflowError, TypeError, ValueError):
            number = at_least - 1
        if number < at_least or isinstance(value, bool):
            raise BulkExportsInputError(f"extra {name} {value!r}: write a whole number from {at_least}")
        return number

    def _value(self, name: str) -> Any:
        for key in (name, f"extra__{CONNECTION_TYPE}__{name}"):
            if self._extra.get(key) not in (None, ""):
                return self._extra[key]
        return None


_EDGE = re.compile(r"[a-z0-9-]+")
_HOST_OF_REGION = re.compile(r"(?P<before>.+)\.(?P<region>[a-z]{2}[0-9])\.twilio\.com\.?")


def _base_url(connection: Connection, *, edge: str | None, region: str | None) -> str:
    if region and region.lower() != "us1":
        raise BulkExportsInputError(
            f"region {region!r}: Twilio offers BulkExports in region us1 only; write 'us1' or remove the region"
        )
    host = (connection.host or "").strip().rstrip("/")
    if edge and not _EDGE.fullmatch(edge):
        raise BulkExportsInputError(f"edge {edge!r}: write the name of a Twilio edge location, such as 'dublin'")
    if edge and host:
        raise BulkExportsInputError(f"edge {edge!r} has no effect beside a host: remove one of them")
    if not host:
        return BASE_URL if not edge else f"https://bulkexports.{edge}.us1.twilio.com"
    try:
        url = _completed(host, scheme=connection.schema, port=connection.port)
    except ValueError:
        return host  # the client says what is wrong with it
    _refuse_other_region(urlsplit(url).hostname or "")
    return url


def _refuse_other_region(host: str) -> None:
    match = _HOST_OF_REGION.fullmatch(host)
    if match and match["region"] != "us1":
        raise BulkExportsInputError(
            f"host {host!r} is of region {match['region']!r}: Twilio offers BulkExports in region us1 only; clear the "
            f"host, or write '{match['before']}.us1.twilio.com'"
        )


def _completed(host: str, *, scheme: str | None, port: int | None) -> str:
    """
    Add what a connection keeps in other fields, unless the host has it.

    :raises ValueError: if the host is part of no URL.
    """
    scheme_of_host, mark, rest = host.rpartition("://")
    if _is_ipv6(rest):  # without brackets, as the field is called after a host and not after a URL
        host = f"{scheme_of_host}{mark}[{rest}]"
    if "://" not in host:
        default = "http" if is_loopback(urlsplit(f"//{host}").hostname or "") else "https"
        host = f"{scheme if scheme in ('http', 'https') else default}://{host}"
    parts = urlsplit(host)
    if port and parts.port is None:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts.geturl()


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
