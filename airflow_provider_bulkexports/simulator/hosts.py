"""Which hosts are this machine. The client has its own copy: the simulator shares no code with what it tests."""

from __future__ import annotations

import ipaddress

__all__ = ["is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether a host, without brackets or port, is this machine; ``localhost`` is the only name that counts."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
