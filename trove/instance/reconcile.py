"""Keeps what we know of servers, volumes and flavors fresh, so that no read has to ask the provider."""

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from oslo_log import log as logging
from sqlalchemy import exc, orm

from trove.common import clock as trove_clock
from trove.common import states
from trove.compute import base as compute
from trove.db import get_db_api, models
from trove.db.sqlalchemy import session as db_session
from trove.db.sqlalchemy import tables

LOG = logging.getLogger(__name__)

OPTS = [
    cfg.IntOpt(
        'provider_full_look_turns',
        default=20,
        min=1,
        help='One in so many looks at the provider asks for all servers, and so does the first; the others ask for '
        'those that changed since the look before. A provider that does not tell of deleted servers shows them as '
        'gone at a full look only.',
    ),
    cfg.IntOpt(
        'provider_look_overlap_seconds',
        default=120,
        min=0,
        help='Seconds by which a look for changed servers reaches back beyond the look before. It has to be longer '
        'than the clocks of taskmanager and provider may differ.',
    ),
]

MESSAGE_LENGTH = 1000
IDLE_TASKS = (states.Tasks.NONE.code, states.Tasks.RESTART_REQUIRED.code)
FAULT_COLUMNS = ('fault_message', 'fault_details', 'fault_created')
REPORT = 'The compute provider reports: '
"""How a fault begins that a look found; such a fault goes when what it tells of is gone."""
GONE = (
    'the server was deleted outside of Trove. Have an operator save what its data volume holds, if that is still '
    'there, and delete the instance.'
)
NO_REASON = 'the server is in error and no reason is known. Have an operator look at it.'


class Looks:
    """When all servers are asked for, and otherwise since when those that changed.

    A look that failed is not counted: the next one covers its time.
    """

    def __init__(self, clock: trove_clock.Clock, full_look_turns: int, overlap_seconds: float) -> None:
        self._clock = clock
        self._full_look_turns = full_look_turns
        self._overlap_seconds = overlap_seconds
        self._turns = 0
        self._looked_at = 0.0
        self._began_at = 0.0

    def begin(self) -> datetime.datetime | None:
        """Begin a look; return the moment since when changes are asked for, or None for all."""
        self._began_at = self._clock.time()
        if self._turns % self._full_look_turns == 0:
            return None
        since = self._looked_at - self._overlap_seconds
        return datetime.datetime.fromtimestamp(since, datetime.UTC).replace(tzinfo=None)

    def end(self) -> None:
        """Remember that a look succeeded."""
        self._turns += 1
        self._looked_at = self._began_at


_FLAVOR_FIELDS = ('id', 'name', 'ram', 'vcpus', 'disk', 'ephemeral')


class Reconciler:
    """Compares the provider with our records; run by the taskmanager from time to time."""

    def __init__(self, provider: compute.Provider, looks: Looks) -> None:
        self._provider = provider
        self._looks = looks
        self._missed: set[str] = set()

    def refresh_flavors(self) -> None:
        """Copy the provider's flavors; one that is gone stays while an instance has it."""
        flavors = self._provider.list_flavors()
        table = tables.instances.c

        def write(session: orm.Session) -> None:
            try:
                for flavor in flavors:
                    session.merge(models.Flavor(**{name: getattr(flavor, name) for name in _FLAVOR_FIELDS}))
                session.flush()
            except exc.IntegrityError as error:
                # Another taskmanager wrote a new one first.
                raise db_session.TransactionConflict() from error
            used = sa.select(table.flavor_id).where(table.is_deleted.is_(False))
            is_gone = tables.flavors.c.id.not_in([flavor.id for flavor in flavors])
            session.execute(
                sa.delete(tables.flavors)
                .where(is_gone, tables.flavors.c.id.not_in(used))
                .execution_options(synchronize_session=False)
            )

        get_db_api().run(write)

    def refresh_servers(self) -> None:
        """Write down what changed of servers on which no operation works."""
        # Read before the provider is asked: what is made meanwhile is not taken for lost.
        rows = {row.id: row for row in _idle_rows()}
        since = self._looks.begin()
        seen = _by_instance(self._provider.list_servers(since), rows)
        for instance_id in self._missed & rows.keys() - seen.keys():
            seen[instance_id] = self._provider.find_server(instance_id)
        for instance_id, row in rows.items():
            if since is None or instance_id in seen:
                _write(row, server_changes(row, seen.get(instance_id)))
        # An operation worked on these: what it left is looked at once it has ended.
        self._missed = seen.keys() - rows.keys() if since is None else (self._missed | seen.keys()) - rows.keys()
        self._looks.end()

    def refresh_volumes(self) -> None:
        """Write down the ids of volumes, and the sizes of those that grew outside of Trove."""
        rows = {row.id: row for row in _idle_rows()}
        for volume in self._provider.list_volumes():
            if volume.instance_id in rows:
                _write(rows[volume.instance_id], volume_changes(rows[volume.instance_id], volume))

    def report_orphans(self) -> None:
        """Log what the provider holds under our names although no instance has it; an operator decides."""
        table = tables.instances.c
        held = set(self._provider.list_instance_ids())
        with get_db_api().reading() as session:
            known = set(session.execute(sa.select(table.id).where(table.is_deleted.is_(False))).scalars())
        for instance_id in sorted(held - known):
            LOG.warning('The provider holds something of %s, which is no instance of ours', instance_id)


def server_changes(row: Any, server: compute.Server | None) -> dict[str, Any]:
    """Return the columns of an instance that are to be written because of its server; None means that it is gone."""
    if server is None or server.status == states.ServerStatus.DELETED:
        status, fault = states.ServerStatus.SHUTDOWN, GONE
        values: dict[str, Any] = {'server_status': status}
    else:
        status, fault = server.status, server.fault
        if status == states.ServerStatus.ERROR:
            fault = fault or NO_REASON
        values = {'server_status': status, 'server_id': server.id, 'server_host': server.host or row.server_host}
        addresses = [dataclasses.asdict(address) for address in server.addresses]
        # A server that is being made, or failed, may not tell of them, and it does not lose them by that.
        if addresses and _by_address(addresses) != _by_address(row.addresses):
            values['addresses'] = addresses
    has_changed = status != row.server_status
    return {**_differing(row, values), **_fault_changes(row, f'{REPORT}{fault}' if fault else '', has_changed)}


def volume_changes(row: Any, volume: compute.Volume) -> dict[str, Any]:
    """Return the columns of an instance that are to be written because of its data volume."""
    if row.volume_size is None:
        return {}
    values: dict[str, Any] = {'volume_id': volume.id}
    if volume.is_ready and volume.size > row.volume_size:
        values['volume_size'] = volume.size
    return _differing(row, values)


def _fault_changes(row: Any, fault: str, has_changed: bool) -> dict[str, Any]:
    is_ours = (row.fault_details or '').startswith(REPORT)
    if not fault:
        return dict.fromkeys(FAULT_COLUMNS) if is_ours else {}
    # What an operation told of its failure stays, unless the server has become another one since.
    may_write = has_changed or is_ours or row.fault_details is None
    if not may_write or row.fault_details == fault:
        return {}
    return dict(zip(FAULT_COLUMNS, (fault[:MESSAGE_LENGTH], fault, trove_clock.utcnow()), strict=True))


def _differing(row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def _by_address(addresses: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return sorted(addresses, key=lambda address: address['address'])


def _by_instance(servers: Collection[compute.Server], rows: Mapping[str, Any]) -> dict[str, compute.Server | None]:
    """Return servers by instance; of a deleted one and its successor the latter counts."""
    found: dict[str, compute.Server | None] = {}
    for server in sorted(servers, key=lambda server: server.status != states.ServerStatus.DELETED):
        row = rows.get(server.instance_id)
        is_former = server.status == states.ServerStatus.DELETED and row is not None and row.server_id != server.id
        if not is_former:
            found[server.instance_id] = server
    return found


def _is_idle() -> Any:
    """Return the condition that no operation works on an instance or is about to."""
    table = tables.instances.c
    works = sa.exists().where(tables.operations.c.active_key == table.id).correlate(tables.instances)
    return sa.and_(table.is_deleted.is_(False), table.task_code.in_(IDLE_TASKS), ~works)


def _idle_rows() -> list[Any]:
    table = tables.instances.c
    columns = (
        table.id,
        table.server_id,
        table.server_status,
        table.server_host,
        table.addresses,
        table.volume_id,
        table.volume_size,
        table.fault_details,
        table.updated,
    )
    with get_db_api().reading() as session:
        return list(session.execute(sa.select(*columns).where(_is_idle())).all())


def _write(row: Any, changes: Mapping[str, Any]) -> None:
    """Write changes unless an operation has worked on the instance since the row was read."""
    if not changes:
        return
    table = tables.instances.c
    if 'server_status' in changes:
        LOG.info('The server of instance %s became %s', row.id, changes['server_status'])
    with get_db_api().transaction() as session:
        session.execute(
            sa.update(tables.instances)
            .where(table.id == row.id, table.updated == row.updated, _is_idle())
            .values(**changes)
            .execution_options(synchronize_session=False)
        )
