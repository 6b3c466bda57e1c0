"""Classify the host of a URL by its text: this machine, the local network segment, or neither."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["is_link_local", "is_loopback", "is_odd_address"]

#: Notations of IPv4 addresses that resolvers accept but nobody writes: ``127.1``, ``0x7f.1``, ``2130706433``.
_NUMBERS = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+))*\.?")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that plain http does not leave it; the only such name is ``localhost``."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_link_local(host: str) -> bool:
    """Whether an address is link-local, where clouds serve the credentials of their machines."""
    address = _address(host)
    return address is not None and address.is_link_local


def is_odd_address(host: str) -> bool:
    """Whether a host is an IPv4 address in a notation that the other checks do not recognise."""
    return _address(host) is None and _NUMBERS.fullmatch(host) is not None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
