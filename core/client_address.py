"""Where a request comes from. A header is believed only when a proxy of ours has written it."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """An address in its plain form (an IPv4 address inside IPv6 as IPv4), or None when it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_within(address: Address, networks: list[str]) -> bool:
    """Whether the address lies in one of the networks (192.0.2.0/24, 2001:db8::/32, or a single address)."""
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def address_of(request: HttpRequest) -> str:
    """The client's address in its shortest form; empty when none is known.

    The connection's own address, unless that is one of settings.TRUSTED_PROXIES: then the last address of
    X-Forwarded-For that is not a proxy of ours. What stands further left is the client's own word.
    """
    address = parse_address(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXIES
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and forwarded and is_within(address, proxies):
        named = parse_address(forwarded.pop())
        if named is None:
            break
        address = named
    return "" if address is None else str(address)
