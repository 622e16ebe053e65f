"""Which addresses a webhook may go to: none inside of the server's own networks, whatever a name says [7]."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from server.channel import Rejected, Unreachable

Ip = IPv4Address | IPv6Address
NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")


def is_public(address: Ip) -> bool:
    """Whether it belongs to somebody out there, seen through every way of writing an IPv4 address as an IPv6 one."""
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def resolve(host: str, port: int, *, private: bool) -> str:
    """The one address to connect to: it is checked here and used as it is, so that a name which answers something else
    the next time gains nothing. Rejected when any address of the name is inside; Unreachable when there is none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"The name {host} has no address.") from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not private and not all(is_public(each) for each in addresses):
        raise Rejected(f"{host} is in a private network, where webhooks may not go.")
    return str(addresses[0])


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, NAT64, Teredo, or the old compatible form."""
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
