"""Keeps what we know of servers and flavors fresh, so that no read has to ask the provider."""

import sqlalchemy as sa
from oslo_log import log as logging

from trove.common import states
from trove.compute import base as compute
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables

LOG = logging.getLogger(__name__)


class Reconciler:
    """Compares the provider with our records; run by the taskmanager from time to time."""

    def __init__(self, provider: compute.Provider) -> None:
        self._provider = provider

    def refresh_flavors(self) -> None:
        """Copy the provider's flavors; one that is gone stays while an instance has it."""
        flavors = self._provider.list_flavors()
        table = tables.instances.c
        with get_db_api().transaction() as session:
            for flavor in flavors:
                values = {name: getattr(flavor, name) for name in ('id', 'name', 'ram', 'vcpus', 'disk', 'ephemeral')}
                session.merge(models.Flavor(**values))
            used = sa.select(table.flavor_id).where(table.is_deleted.is_(False))
            is_gone = tables.flavors.c.id.not_in([flavor.id for flavor in flavors])
            session.execute(
                sa.delete(tables.flavors)
                .where(is_gone, tables.flavors.c.id.not_in(used))
                .execution_options(synchronize_session=False)
            )

    def refresh_servers(self) -> None:
        """Write down the state of every server on which no operation works."""
        table = tables.instances.c
        query = sa.select(table.id, table.server_status).where(
            table.is_deleted.is_(False), table.task_code == states.Tasks.NONE.code
        )
        with get_db_api().reading() as session:
            rows = session.execute(query).all()
        for row in rows:
            server = self._provider.find_server(row.id)
            status = server.status if server else states.ServerStatus.SHUTDOWN
            if status != row.server_status:
                LOG.info('The server of instance %s became %s', row.id, status)
                self._write_status(row.id, status)

    def _write_status(self, instance_id: str, status: str) -> None:
        table = tables.instances.c
        with get_db_api().transaction() as session:
            session.execute(
                sa.update(tables.instances)
                .where(table.id == instance_id, table.task_code == states.Tasks.NONE.code)
                .values(server_status=status)
            )

    def report_orphans(self) -> None:
        """Log what the provider holds under our names although no instance has it; an operator decides."""
        table = tables.instances.c
        held = set(self._provider.list_instance_ids())
        with get_db_api().reading() as session:
            known = set(session.execute(sa.select(table.id).where(table.is_deleted.is_(False))).scalars())
        for instance_id in sorted(held - known):
            LOG.warning('The provider holds something of %s, which is no instance of ours', instance_id)
