"""Loopback addresses: one for each instance, claimed by a link that only one can make."""

import contextlib
import errno
import hashlib
import ipaddress
import os
from collections.abc import Iterator, Sequence

from trove.common import exception
from trove.compute.local import folders, listeners

FOLDER = '.addresses'
# Past so many candidates in a row that cannot be bound, the host is at fault and not the address.
MOST_ATTEMPTS = 256


class AddressBook:
    """Who has which address.

    A claim is a symbolic link named after the address that points to the
    instance's id: the kernel makes it whole or not at all, and only once.
    """

    def __init__(self, instances_path: str, address_range: str) -> None:
        self._folder = os.path.join(instances_path, FOLDER)
        self._network = _loopback_network(address_range)

    def claim(self, instance_id: str, tcp_ports: Sequence[int], udp_ports: Sequence[int]) -> str:
        """Return the instance's address; claim one whose ports can be bound when it has none."""
        own = self.find(instance_id)
        if own is not None:
            return own
        folders.make_public(self._folder)
        taken = self._claims()
        attempts = 0
        for address in self._candidates(instance_id):
            if address in taken:
                continue
            blocked = listeners.blocked_port(address, tcp_ports, udp_ports)
            if blocked is None:
                if self._take(address, instance_id):
                    return address
                continue
            check_host(address, blocked)
            attempts += 1
            if attempts >= MOST_ATTEMPTS:
                break
        raise exception.ComputeError(
            reason=f'no address is free in {self._network}; delete instances or widen [local] address_range'
        )

    def find(self, instance_id: str) -> str | None:
        """Return the address that the instance claimed, or None."""
        own = [address for address, holder in self._claims().items() if holder == instance_id]
        return min(own, default=None)

    def release(self, instance_id: str) -> None:
        """Give back what the instance claimed."""
        for address, holder in self._claims().items():
            if holder == instance_id:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._folder, address))

    def holders(self) -> set[str]:
        """Return the ids of all instances that have an address."""
        return set(self._claims().values())

    def _claims(self) -> dict[str, str]:
        claims = {}
        with contextlib.suppress(FileNotFoundError):
            for address in sorted(os.listdir(self._folder)):
                with contextlib.suppress(FileNotFoundError):
                    claims[address] = os.readlink(os.path.join(self._folder, address))
        return claims

    def _take(self, address: str, instance_id: str) -> bool:
        try:
            os.symlink(instance_id, os.path.join(self._folder, address))
        except FileExistsError:
            # Another one was faster, unless a twin of this very call was.
            return self.find(instance_id) == address
        return True

    def _candidates(self, instance_id: str) -> Iterator[str]:
        """Yield all usable addresses once, from a place that the id alone decides.

        So a repeated call comes to the same address, and two deployments seldom meet.
        """
        count = self._network.num_addresses
        start = int.from_bytes(hashlib.sha256(instance_id.encode()).digest()[:8], 'big') % count
        for offset in range(count):
            address = self._network[(start + offset) % count]
            if int(address) & 0xFF not in (0, 255):
                yield str(address)


def check_host(address: str, blocked: tuple[str, int, int]) -> None:
    """Raise ``ComputeError`` when a port is blocked for a reason that no other address would cure."""
    kind, port, error = blocked
    owner = listeners.find_wildcard(port, kind)
    if owner is not None:
        raise exception.ComputeError(
            reason=f'{owner} listens on {kind} port {port} of all addresses of this host (0.0.0.0 or ::), so that no '
            f'instance can have that port; stop it or bind it to one address'
        )
    if error == errno.EACCES:
        raise exception.ComputeError(
            reason=f'{kind} port {port} may not be opened by this user; choose a port above 1023 or run as root'
        )
    if error == errno.EADDRNOTAVAIL:
        raise exception.ComputeError(
            reason=f'this host does not have {address}; change [local] address_range or add it to the loopback device'
        )


def _loopback_network(address_range: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(address_range)
    except ValueError as error:
        raise exception.ConfigurationError(reason=f'[local] address_range: {error}') from error
    if not network.is_loopback:
        raise exception.ConfigurationError(reason=f'[local] address_range {network} is not inside 127.0.0.0/8')
    return network
