"""Make a client from the fields of an Airflow connection."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_bulkexports.api.client import BulkExportsClient
from airflow_provider_bulkexports.api.hosts import is_loopback
from airflow_provider_bulkexports.api.retry import RetryPolicy
from airflow_provider_bulkexports.api.settings import BASE_URL
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION, Connection
from airflow_provider_bulkexports.exceptions import BulkExportsInputError
from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE

__all__ = ["client_of", "hash_key_of"]

#: Characters of a key for hashing.
_SHORTEST_KEY = 16


def client_of(
    connection: Connection, extra: Mapping[str, Any], *, most_retries: int | None = None, name: str = ""
) -> BulkExportsClient:
    """
    Make the client that a connection describes.

    :param extra: The connection's ``extra``.
    :param most_retries: Limit on the connection's ``max_retries``.
    :param name: Its id, which the client's errors name; none for a connection that is only tested.
    :raises BulkExportsInputError: for a field that cannot be right; it names the field, but not the connection.
    """
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
        connection=name,
    )


def hash_key_of(extra: Mapping[str, Any]) -> str | None:
    """
    Return the secret that columns are hashed with; ``None`` without one.

    :raises BulkExportsInputError: if it is so short that hashes could be reversed by trying keys.
    """
    key = _ExtraFields(extra).text("hash_key")
    if key and len(key) < _SHORTEST_KEY:
        raise BulkExportsInputError(f"extra hash_key: write at least {_SHORTEST_KEY} random characters")
    return key


class _ExtraFields:
    """Fields of a connection's ``extra``, also under the prefixed names that older forms store."""

    def __init__(self, extra: Mapping[str, Any]) -> None:
        if not isinstance(extra, Mapping):
            raise BulkExportsInputError('extra is not a JSON object: write it like {"account_sid": "AC…"}')
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
            raise BulkExportsInputError(f"extra {name} must be a whole number of at least {at_least}, got {value!r}")
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
        raise BulkExportsInputError(f"edge {edge!r} has no effect together with a host: remove one of them")
    if not host:
        return BASE_URL if not edge else f"https://bulkexports.{edge}.us1.twilio.com"
    try:
        url = _completed(host, scheme=connection.schema, port=connection.port)
    except ValueError:
        return host  # the client refuses it and says why
    _refuse_other_region(urlsplit(url).hostname or "")
    return url


def _refuse_other_region(host: str) -> None:
    match = _HOST_OF_REGION.fullmatch(host)
    if match and match["region"] != "us1":
        raise BulkExportsInputError(
            f"host {host!r} belongs to region {match['region']!r}: Twilio offers BulkExports in region us1 only; clear "
            f"the host, or write '{match['before']}.us1.twilio.com'"
        )


def _completed(host: str, *, scheme: str | None, port: int | None) -> str:
    """
    Complete the host to a URL with the connection's scheme and port, unless it has its own.

    :raises ValueError: if the host cannot be part of a URL.
    """
    scheme_of_host, mark, rest = host.rpartition("://")
    if _is_ipv6(rest):  # without brackets, as people write it into a field named host
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
