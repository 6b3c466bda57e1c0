"""
A requests session without cookies, redirects or logged links.

It uses the proxies and certificate bundles of the environment, and honours ``NO_PROXY``. A request to this machine
never goes to a proxy, whatever the environment says.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from airflow_provider_bulkexports.api.connections import ConnectionAdapter
from airflow_provider_bulkexports.api.http_logging import guard_http_logs
from airflow_provider_bulkexports.api.urls import is_loopback_url

__all__ = ["PrivateSession"]


class PrivateSession(requests.Session):
    """
    A session without cookies and redirects that uses no proxy to reach this machine.

    :param adapter: Sends all its requests.
    """

    def __init__(self, adapter: ConnectionAdapter) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        guard_http_logs()

    def get_redirect_target(self, _: requests.Response) -> None:
        """
        Return no target for any redirect.

        Even when redirects are not followed, `requests` reads the whole body and prepares the next request, which can
        fail in its own ways.
        """

    def merge_environment_settings(  # type: ignore[override]  # the stubs are stricter than the library
        self, url: str, proxies: MutableMapping[str, str] | None, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Add the environment's settings to those of a request."""
        settings = super().merge_environment_settings(url, proxies or {}, stream, verify, cert)
        if is_loopback_url(url):
            settings["proxies"] = {}
        return settings
