"""Who listens on this host: what /proc tells of sockets, and whether an address is free."""

import contextlib
import dataclasses
import errno
import glob
import os
import socket
from collections.abc import Iterable, Iterator

TCP_LISTEN = '0A'
# A UDP socket that takes packets from anybody is "closed" in the kernel's table.
UDP_OPEN = '07'


@dataclasses.dataclass(frozen=True)
class Listener:
    """A socket that waits for clients on every address of the host."""

    port: int
    inode: str


def wildcard_listeners(text: str, state: str = TCP_LISTEN) -> list[Listener]:
    """Return the sockets bound to all addresses, from the text of ``/proc/net/{tcp,udp}{,6}``."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != state:
            continue
        address, _, port = fields[1].partition(':')
        if not address.strip('0'):
            found.append(Listener(int(port, 16), fields[9]))
    return found


def find_wildcard(port: int, kind: str = 'tcp', proc: str = '/proc') -> str | None:
    """Return who is bound to this port on all addresses, as ``'mysqld (process 17)'``, or None."""
    state = TCP_LISTEN if kind == 'tcp' else UDP_OPEN
    for table in (kind, f'{kind}6'):
        for listener in wildcard_listeners(_read(f'{proc}/net/{table}'), state):
            if listener.port == port:
                return _owner(listener.inode, proc)
    return None


def blocked_port(address: str, tcp_ports: Iterable[int], udp_ports: Iterable[int]) -> tuple[str, int, int] | None:
    """Return what cannot be bound at an address as (``tcp`` or ``udp``, port, errno), or None when all can."""
    for kind, port in [*(('tcp', port) for port in tcp_ports), *(('udp', port) for port in udp_ports)]:
        error = _bind_error(address, port, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
        if error:
            return kind, port, error
    return None


def _bind_error(address: str, port: int, socket_type: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, socket_type) as probe:
        if socket_type == socket.SOCK_STREAM:
            # Connections that linger after an engine's end do not matter; a listening socket still does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if socket_type == socket.SOCK_STREAM:
                probe.listen(1)
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0


def _owner(inode: str, proc: str) -> str:
    for pid in _holders(inode, proc):
        name = _read(f'{proc}/{pid}/comm').strip()
        return f'{name} (process {pid})'
    return 'a process of another user'


def _holders(inode: str, proc: str) -> Iterator[str]:
    for link in glob.iglob(f'{proc}/[0-9]*/fd/*'):
        with contextlib.suppress(OSError):
            if os.readlink(link) == f'socket:[{inode}]':
                yield link.removeprefix(f'{proc}/').partition('/')[0]


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8', errors='replace') as stream:
            return stream.read()
    except OSError:
        # No such table (IPv6 is off), or the process ended meanwhile.
        return ''
