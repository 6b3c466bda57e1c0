"""BulkExportsHook: makes a BulkExportsClient from an Airflow connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_bulkexports.api.redact import redact
from airflow_provider_bulkexports.compat import BaseHook, Connection, mask_secret
from airflow_provider_bulkexports.exceptions import BulkExportsInputError, printable
from airflow_provider_bulkexports.hooks.connection_lookup import aget_connection, get_connection
from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE, DEFAULT_CONN_ID, connection_form

if TYPE_CHECKING:
    from airflow_provider_bulkexports.api.client import BulkExportsClient
    from airflow_provider_bulkexports.api.download import DownloadedDay

__all__ = ["BulkExportsHook"]

#: Few, since somebody waits for the result of the Test button.
_RETRIES_OF_A_TEST = 2


class BulkExportsHook(BaseHook):
    """
    Access to Twilio BulkExports with an Airflow connection of type ``twilio_bulkexports``.

    :param twilio_conn_id: The connection; its fields are described in the documentation's page on connections.
    """

    conn_name_attr = "twilio_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONNECTION_TYPE
    hook_name = "Twilio BulkExports"

    def __init__(self, twilio_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.twilio_conn_id = twilio_conn_id

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Look up the connection; in a script, outside a task, also in Airflow's database."""
        return get_connection(conn_id)

    def get_conn(self) -> BulkExportsClient:
        """
        Return the client, made at the first call.

        :raises BulkExportsInputError: if the connection cannot be right; nothing was sent.
        """
        return self._client

    def get_hash_key(self) -> str | None:
        """Return the secret that columns are hashed with (extra ``hash_key``), masked in logs; ``None`` without one."""
        from airflow_provider_bulkexports.hooks.connection import hash_key_of

        key = hash_key_of(self.get_connection(self.twilio_conn_id).extra_dejson)
        if key:
            mask_secret(key)
        return key

    def download_day(self, resource_type: str, day: str | date, target: str | PathLike[str]) -> DownloadedDay:
        """
        Download a day's file to a local path, complete and verified, and report it to Airflow's lineage.

        See :meth:`airflow_provider_bulkexports.api.client.BulkExportsClient.download_day`.
        """
        from airflow_provider_bulkexports.assets.bulkexports import asset_uri_of
        from airflow_provider_bulkexports.assets.lineage import report_hook_lineage

        client = self.get_conn()
        downloaded = client.download_day(resource_type, day, target)
        source = asset_uri_of(client, resource_type)
        report_hook_lineage(self, inputs=[source] if source else [], outputs=[Path(target).resolve().as_uri()])
        return downloaded

    async def aget_conn(self, *, most_retries: int | None = None) -> BulkExportsClient:
        """
        Return a new client without blocking the event loop; call its methods in a thread, since they block.

        :param most_retries: Limit on the connection's ``max_retries``.
        """
        connection, extra = await aget_connection(self.twilio_conn_id)
        return self._client_for(connection, extra, most_retries=most_retries)

    def test_connection(self) -> tuple[bool, str]:
        """Send one request that costs no quota; return whether it worked, and a sentence for the form."""
        from airflow_provider_bulkexports.hooks.connection import client_of
        from airflow_provider_bulkexports.hooks.connection_check import check_connection

        connection = self.get_connection(self.twilio_conn_id)
        try:
            # The error does not name the connection: the Test button uses a made-up id.
            client = client_of(connection, connection.extra_dejson, most_retries=_RETRIES_OF_A_TEST)
        except BulkExportsInputError as error:
            return False, str(error)
        except Exception as error:  # noqa: BLE001 -- the button shows a sentence for any error
            return False, f"The connection cannot be used: {printable(redact(error), 500)} ({type(error).__name__})"
        try:
            return check_connection(client)
        finally:
            client.close()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Standard fields of the connection form for Airflow before 3.2; later ones read ``provider_info``."""
        behaviour = connection_form()["ui-field-behaviour"]
        return {
            "hidden_fields": behaviour["hidden-fields"],
            "relabeling": behaviour["relabeling"],
            "placeholders": behaviour["placeholders"],
        }

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Extra fields of the connection form for Airflow before 3.2; later ones read ``provider_info``."""
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
        from wtforms import IntegerField, PasswordField, StringField
        from wtforms.validators import NumberRange, Optional, any_of

        def field(label: str, description: str, schema: Mapping[str, Any]) -> Any:
            validators = [Optional()]
            if "enum" in schema:  # a drop-down in Airflow 3
                validators.append(any_of(schema["enum"]))
            if "minimum" in schema:
                validators.append(NumberRange(min=schema["minimum"], max=schema["maximum"]))
            is_secret = schema.get("format") == "password"
            kind = IntegerField if "integer" in schema["type"] else PasswordField if is_secret else StringField
            return kind(
                label,
                description=description,
                default=schema.get("default"),
                widget=BS3PasswordFieldWidget() if is_secret else BS3TextFieldWidget(),
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
        from airflow_provider_bulkexports.hooks.connection import client_of

        try:
            return client_of(connection, extra, most_retries=most_retries, name=self.twilio_conn_id)
        except BulkExportsInputError as error:
            refused = BulkExportsInputError(
                f"Connection {self.twilio_conn_id!r}: {error.what}", remedy=error.remedy, details=error.details
            )
            raise refused from None
