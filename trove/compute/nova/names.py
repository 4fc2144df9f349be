"""Names of all that is made for an instance, by which it is found again, and the MAC addresses that follow."""

import hashlib
import re

from trove.common import exception
from trove.compute.nova import options

_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
_MADE = re.compile(f'trove-({_ID})(?:-claim|(?:-mgmt)?(?:-[0-9]+)?)')


def of_instance(instance_id: str) -> str:
    """Return the name of the volume, the first port, the server group and the floating IP; it is the server's tag."""
    if not re.fullmatch(_ID, instance_id):
        raise exception.ComputeError(reason=f"'{instance_id}' is no instance id")
    return f'trove-{instance_id}'


def of_user_port(instance_id: str, number: int) -> str:
    """Return the name of the instance's n-th port that tenants see; the first is 0."""
    return of_instance(instance_id) + (f'-{number + 1}' if number else '')


def of_management_port(instance_id: str, number: int) -> str:
    """Return the name of the instance's port on the n-th management network; the first is 0."""
    return f'{of_instance(instance_id)}-mgmt-{number + 1}'


def of_claim(instance_id: str) -> str:
    """Return the name of the port by which the instance's slot is claimed."""
    return f'{of_instance(instance_id)}-claim'


def of_user_ports(instance_id: str) -> list[str]:
    """Return the names of all ports that tenants may see, in their order."""
    return [of_user_port(instance_id, number) for number in range(options.MOST_NETWORKS)]


def of_ports(instance_id: str) -> list[str]:
    """Return the names of all ports that an instance may have, in the order of a server's devices."""
    return [
        *of_user_ports(instance_id),
        *(of_management_port(instance_id, number) for number in range(options.MOST_NETWORKS)),
    ]


def instance_of(name: str | None) -> str:
    """Return the id of the instance that this port or volume was made for; empty when it is none of ours."""
    match = _MADE.fullmatch(name or '')
    return match.group(1) if match else ''


def mac_of(port_name: str) -> str:
    """Return the MAC address of a port, which its name alone decides.

    It is one of 2**46 locally administered addresses of a single station. Neutron
    refuses a second port with the same one in a network, whoever asks first.
    """
    digest = bytearray(hashlib.sha256(port_name.encode()).digest()[:6])
    digest[0] = digest[0] & 0b11111100 | 0b00000010
    return ':'.join(f'{byte:02x}' for byte in digest)
