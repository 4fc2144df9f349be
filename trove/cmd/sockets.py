"""All sockets: the groups of entry points, what a plug of each must be, and whether those that are installed are."""

import dataclasses
from collections.abc import Callable, Iterable

from trove.broker import base as broker
from trove.cmd import common
from trove.common import api, exception, extensions, notification, plugs, policy
from trove.compute import base as compute
from trove.datastore import descriptions
from trove.dns import base as dns
from trove.guestagent import backup, dbaas, replication
from trove.guestagent.datastore import description, manager
from trove.keystore import base as keystore
from trove.storage import base as storage
from trove.taskmanager import operation

Check = Callable[[str, str], object]
"""Loads the plug of a group and a name; ``PlugError`` when it cannot be used."""


@dataclasses.dataclass(frozen=True)
class Socket:
    """A group of entry points; ``base`` is the abstract class of its plugs, or what else is asked of them."""

    group: str
    base: type | Check

    def check(self, name: str) -> None:
        """Load a plug as the processes do; ``PlugError`` when it cannot be used."""
        if isinstance(self.base, type):
            plugs.load(self.group, name, self.base)
        else:
            self.base(self.group, name)


def _function(group: str, name: str) -> None:
    if not callable(plugs.load(group, name)):
        plugs.refuse(plugs.find(group, name), 'is no function')


def _database_plugin(_group: str, name: str) -> None:
    common.DatabasePlugin(name)


SOCKETS = (
    Socket(descriptions.GROUP, description.Description),
    Socket(dbaas.GROUP, manager.Manager),
    Socket(backup.GROUP, backup.BackupStrategy),
    Socket(replication.GROUP, replication.ReplicationStrategy),
    Socket(extensions.GROUP, extensions.ExtensionDescriptor),
    Socket(common.DB_PLUGINS_GROUP, _database_plugin),
    Socket('trove.compute.providers', compute.Provider),
    Socket(storage.GROUP, storage.Store),
    Socket('trove.operations', operation.Operation),
    Socket(broker.GROUP, broker.Accounts),
    Socket(dns.GROUP, dns.Dns),
    Socket(keystore.GROUP, keystore.KeyStore),
    Socket(notification.GROUP, notification.Notifier),
    Socket(api.GROUP, _function),
    Socket(policy.GROUP, _function),
)


@dataclasses.dataclass(frozen=True)
class Row:
    """A plug that is installed, and why it cannot be used, or None."""

    plug: plugs.Plug
    problem: str | None


def survey() -> list[tuple[Socket, list[Row]]]:
    """Load every plug that is installed, one after the other; a broken one keeps no other from being looked at."""
    return [
        (socket, [Row(plug, _problem(socket, plug)) for plug in plugs.installed(socket.group)]) for socket in SOCKETS
    ]


def _problem(socket: Socket, plug: plugs.Plug) -> str | None:
    try:
        socket.check(plug.name)
    except exception.PlugError as error:
        return str(error.details['reason'])
    return None


def render(found: Iterable[tuple[Socket, list[Row]]]) -> str:
    """Return the survey as text: a block for each socket, a line for each plug, another one for what is wrong."""
    lines = []
    for socket, rows in found:
        lines.append(socket.group)
        widths = [max((len(text) for text in column), default=0) for column in zip(*map(_cells, rows), strict=True)]
        for row in rows:
            cells = [text.ljust(width) for text, width in zip(_cells(row), widths, strict=True)]
            lines.append('  ' + '  '.join(cells).rstrip())
            lines += [f'      {row.problem}'] if row.problem else []
        lines += [] if rows else ['  none']
    return '\n'.join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return row.plug.name, 'BROKEN' if row.problem else 'ok', row.plug.package, row.plug.target
