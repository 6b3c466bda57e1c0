"""
A session of `requests` that keeps this machine's requests on it, and nothing that it was not given.

Proxies and certificate bundles of the environment are used, as everywhere; ``NO_PROXY`` is honoured. A request to this
machine itself never goes to a proxy, whatever the environment says.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from airflow_provider_bulkexports.api.hosts import is_loopback
from airflow_provider_bulkexports.api.http_logging import guard_http_logs

__all__ = ["PrivateSession"]


class PrivateSession(requests.Session):
    """A session without cookies and redirects, which never asks a proxy for what is on this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        guard_http_logs()

    def mount(self, prefix: str | bytes, adapter: BaseAdapter) -> None:
        """Use an adapter; nothing that it sends or receives is printed, also where `http.client` is told to."""
        if isinstance(adapter, HTTPAdapter):
            _silence(adapter)
        super().mount(prefix, adapter)

    def get_redirect_target(self, _: requests.Response) -> None:
        """
        Where a redirect leads: nowhere.

        Where redirects are not followed, `requests` still reads the body, whatever its size, and prepares the request
        that would follow, with errors of its own.
        """

    def merge_environment_settings(  # type: ignore[override]  # the stubs are stricter than the library
        self, url: str, proxies: MutableMapping[str, str] | None, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Add the environment's settings to a request's own."""
        settings = super().merge_environment_settings(url, proxies or {}, stream, verify, cert)
        if _is_on_this_machine(url):
            settings["proxies"] = {}
        return settings


class _Silent:
    """Connections of which `http.client` prints nothing, whatever level somebody gave to all of them."""

    debuglevel = 0


def _silence(adapter: Any) -> None:
    _make_silent(adapter.poolmanager)
    make_manager = adapter.proxy_manager_for
    adapter.proxy_manager_for = lambda proxy, **options: _make_silent(make_manager(proxy, **options))


def _make_silent(manager: Any) -> Any:
    silent = {}
    for scheme, pool in manager.pool_classes_by_scheme.items():
        kind = pool.ConnectionCls
        if not issubclass(kind, _Silent):
            kind = type(f"Silent{kind.__name__}", (_Silent, kind), {})
            pool = type(f"Silent{pool.__name__}", (pool,), {"ConnectionCls": kind})
        silent[scheme] = pool
    manager.pool_classes_by_scheme = silent
    return manager


def _is_on_this_machine(url: str) -> bool:
    try:
        return is_loopback(parse_url(url).host or "")
    except LocationParseError:
        return False
