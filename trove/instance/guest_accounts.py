"""Keeps the accounts of guests at the message broker as they should be, whatever became of the broker."""

import sqlalchemy as sa
from oslo_log import log as logging

from trove.broker import base as broker
from trove.common import states
from trove.db import get_db_api, guest_keys
from trove.db.sqlalchemy import tables

LOG = logging.getLogger(__name__)


class Repair:
    """Makes accounts that are missing, and removes those of nobody; run by the taskmanager from time to time."""

    def __init__(self, accounts: broker.Accounts, keeper: guest_keys.Keeper) -> None:
        self._accounts = accounts
        self._keeper = keeper

    def make_missing(self) -> None:
        """Make what a broker has lost: after its restart, or after another one took its place."""
        for instance_id in self._accounts.find_missing(_live()):
            record = guest_keys.find(instance_id)
            if record is not None:
                self._accounts.make(broker.account_of(self._keeper.open(record)[0]))
                LOG.warning('The account of the guest of instance %s was not whole and was mended', instance_id)

    def remove_strays(self) -> None:
        """Remove accounts that a worker made for what was deleted meanwhile."""
        # Asked for in this order: an account is made after its instance.
        held = self._accounts.list_instance_ids()
        known = set(_live())
        for instance_id in held:
            if instance_id not in known:
                LOG.warning('An account of %s, which is no instance of ours, was removed', instance_id)
                self._accounts.delete(instance_id)


def _live() -> list[str]:
    """Return the ids of instances that have a key, and a server or one to come."""
    instances, keys = tables.instances.c, tables.guest_keys.c
    query = (
        sa.select(keys.instance_id)
        .join(tables.instances, instances.id == keys.instance_id)
        .where(
            instances.is_deleted.is_(False),
            instances.task_code != states.Tasks.DELETING.code,
            sa.func.coalesce(instances.server_status, '') != states.ServerStatus.DELETED,
        )
    )
    with get_db_api().reading() as session:
        return list(session.execute(query).scalars())
