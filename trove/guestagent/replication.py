"""How engines replicate: the contract of replication strategies, and the one that is configured."""

import abc
import dataclasses
from typing import Any, ClassVar

from oslo_config import cfg

from trove.common import exception, plugs
from trove.guestagent.datastore import app as datastore_app

GROUP = 'trove.guestagent.replications'
"""Entry points; the name is the option ``replication_strategy``."""

STRATEGY = 'replication_strategy'
NAMESPACE = 'replication_namespace'


@dataclasses.dataclass(frozen=True)
class Source:
    """Whom a replica follows, from where on, and as which user of the engine.

    ``position`` is the strategy's own: what its ``snapshot`` gave it.
    """

    host: str
    port: int
    username: str
    password: str = dataclasses.field(repr=False)
    position: dict[str, Any] = dataclasses.field(default_factory=dict)


class ReplicationStrategy(abc.ABC):
    """One way in which engines of a datastore follow each other; one object for one guest.

    Every call may come twice, and one that was cut off at any moment comes again.
    """

    needs_backup: ClassVar[bool] = True
    """Whether a replica begins with a backup of its source; otherwise the engine copies by itself."""

    def __init__(self, conf: cfg.ConfigOpts, app: datastore_app.App) -> None:
        self.conf = conf
        self.app = app

    @abc.abstractmethod
    def enable_source(self) -> None:
        """Let replicas follow this engine; nothing changes for one that is a source already."""

    @abc.abstractmethod
    def disable_source(self) -> None:
        """Take back what ``enable_source`` made, when there is no replica any more."""

    @abc.abstractmethod
    def make_source(self) -> Source:
        """Return what a new replica needs to follow this engine, with a user of the engine for it alone."""

    @abc.abstractmethod
    def forget_replica(self, source: Source) -> None:
        """Remove from this engine what was made for a replica that follows no more."""

    @abc.abstractmethod
    def follow(self, source: Source) -> None:
        """Follow another engine, and take no writes."""

    @abc.abstractmethod
    def detach(self, is_failover: bool) -> None:
        """Follow nobody any more, with all that was received applied.

        Writes are taken afterwards, except for a failover, which goes on with ``make_read_only``.
        """

    @abc.abstractmethod
    def make_read_only(self, is_read_only: bool) -> None:
        """Refuse writes of all users, or take them again; what is under way is ended first."""

    @abc.abstractmethod
    def last_transaction(self) -> str:
        """Return the newest transaction that this engine has applied, in words that its replicas understand."""

    @abc.abstractmethod
    def has_transaction(self, transaction: str) -> bool:
        """Return whether this engine has applied what ``last_transaction`` of its source told."""


def load(conf: cfg.ConfigOpts, datastore: str) -> type[ReplicationStrategy]:
    """Return how this datastore replicates.

    It is the plug that ``replication_strategy`` names; the option of the guest wins over that of the datastore,
    as it comes with the datastore version. A name with a dot is the path of a class, and ``replication_namespace`` the
    module of one. Raises ``DatastoreOperationNotSupported``, a 501, when none is named, and ``PlugError`` when it
    cannot be used.
    """
    name = _name(conf, datastore)
    namespace = conf[datastore].replication_namespace
    if not name:
        raise exception.DatastoreOperationNotSupported(datastore=datastore, operation='replication')
    if '.' in name:
        found: type[ReplicationStrategy] = plugs.load_path(STRATEGY, name, name, ReplicationStrategy)
    elif namespace:
        found = plugs.load_path(NAMESPACE, name, f'{namespace}.{name}', ReplicationStrategy)
    else:
        found = plugs.load(GROUP, name, ReplicationStrategy)
    return found


def check(conf: cfg.ConfigOpts, datastore: str) -> None:
    """Raise ``PlugError`` for a strategy that is named and cannot be used; for the start of the agent."""
    if _name(conf, datastore):
        load(conf, datastore)


def _name(conf: cfg.ConfigOpts, datastore: str) -> str:
    return str(conf.replication_strategy or conf[datastore].replication_strategy)
