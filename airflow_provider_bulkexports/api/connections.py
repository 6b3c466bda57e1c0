"""
An adapter of `requests` whose connections print nothing, and that may extend their class.

`urllib3` has a connection class for each scheme and each kind of proxy. All of them are extended in this one place.
"""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

__all__ = ["ConnectionAdapter"]


class ConnectionAdapter(HTTPAdapter):
    """An adapter that extends the class of every connection it makes, direct or through a proxy."""

    def connection_class(self, base: type[Any], *, is_proxied: bool) -> type[Any]:
        """
        Return the class of connections to use instead of a class of `urllib3`.

        Called while the adapter is made: set what it needs before ``super().__init__()``.

        :param is_proxied: Whether these connections go through a proxy, which may be a SOCKS proxy.
        """
        return base

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._extend(self.poolmanager, is_proxied=False)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = self.proxy_manager.get(proxy)
        if manager is None:
            manager = super().proxy_manager_for(proxy, **kwargs)
            self._extend(manager, is_proxied=True)
        return manager

    def _extend(self, manager: Any, *, is_proxied: bool) -> None:
        extended = {}
        for scheme, pool in manager.pool_classes_by_scheme.items():
            base = self.connection_class(pool.ConnectionCls, is_proxied=is_proxied)
            connection = type(f"Silent{base.__name__}", (_Silent, base), {})
            extended[scheme] = type(f"Silent{pool.__name__}", (pool,), {"ConnectionCls": connection})
        manager.pool_classes_by_scheme = extended


class _Silent:
    """A connection that `http.client` does not debug-print, even if its debug level is set for all connections."""

    debuglevel = 0
