"""How an engine is backed up and restored: the contract of backup strategies, and the one that is configured."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from oslo_config import cfg

from trove.common import exception, plugs
from trove.guestagent.datastore import app as datastore_app

GROUP = 'trove.guestagent.backups'
"""Entry points; the name is the option ``backup_strategy`` in the group of the datastore."""

STRATEGY = 'backup_strategy'
BACKUP_NAMESPACE = 'backup_namespace'
RESTORE_NAMESPACE = 'restore_namespace'

FULL = 'full'
INCREMENTAL = 'incremental'


@dataclasses.dataclass(frozen=True)
class Program:
    """What is run on the guest. Secrets are in files, never in ``argv`` or ``environment``."""

    argv: tuple[str, ...]
    user: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Parent:
    """The backup that an incremental one stands on; ``notes`` are what its strategy noted of it."""

    backup_id: str
    notes: Mapping[str, str]


class Dump(abc.ABC):
    """Streams a backup out of a running engine; one object for one backup."""

    suffix: ClassVar[str]
    """How the names of its objects end: what is in them, such as ``xbstream``."""

    can_be_incremental: ClassVar[bool] = False

    def __init__(self, conf: cfg.ConfigOpts, app: datastore_app.App) -> None:
        self.conf = conf
        self.app = app

    @abc.abstractmethod
    def dump(self, parent: Parent | None) -> Program:
        """Return the program that writes the backup to its standard output.

        With a parent it writes what changed since; it is given one only if ``can_be_incremental``. A code
        other than 0 is a backup that failed, whatever was written.
        """

    @abc.abstractmethod
    def notes(self) -> dict[str, str]:
        """Return what a later backup or a restore must know of this one; asked once, after the program ended well.

        It becomes the metadata of the object in the store, see ``trove.storage.base``.
        """

    @classmethod
    def kind(cls, parent: Parent | None) -> str:
        """Return ``full`` or ``incremental``; ``BadRequest`` for a parent that it can make no use of."""
        if parent is None:
            return FULL
        if not cls.can_be_incremental:
            raise exception.BadRequest(f'Backups by {cls.__name__} cannot stand on another one.')
        return INCREMENTAL


class Restore(abc.ABC):
    """Takes backups into the data of an engine that does not run; one object for one chain of backups."""

    def __init__(self, conf: cfg.ConfigOpts, app: datastore_app.App) -> None:
        self.conf = conf
        self.app = app

    @abc.abstractmethod
    def restore(self, folder: str, notes: Mapping[str, str]) -> Program:
        """Return the program that reads a backup from its standard input and puts it into a folder of data.

        A chain begins with the full backup, in an empty folder; each incremental one follows into the same
        folder. The program has read to the end, and ends with 0, only if all was well.
        """

    @abc.abstractmethod
    def finish(self, folder: str) -> None:
        """Make the folder into data that the engine starts on; called once, after the last backup of the chain."""


class BackupStrategy(Dump, Restore):
    """Both ways of one kind of backup: what a plug of the group is."""


@dataclasses.dataclass(frozen=True)
class Strategies:
    """The classes that are configured."""

    dump: type[Dump]
    restore: type[Restore]


def load(conf: cfg.ConfigOpts, datastore: str) -> Strategies:
    """Return how this datastore is backed up and restored.

    Without a namespace it is the plug that ``backup_strategy`` names. ``backup_namespace`` and
    ``restore_namespace`` are modules, as dotted paths, with a class of that name: one for each way, and the former
    for both without the latter. Raises ``DatastoreOperationNotSupported``, a 501, when no strategy is named, and
    ``PlugError`` when it cannot be used.
    """
    options = conf[datastore]
    name = options.backup_strategy
    if not name:
        raise exception.DatastoreOperationNotSupported(datastore=datastore, operation='create_backup')
    dump = _find(name, BACKUP_NAMESPACE, options.backup_namespace, Dump)
    if options.restore_namespace:
        return Strategies(dump, _find(name, RESTORE_NAMESPACE, options.restore_namespace, Restore))
    return Strategies(dump, _find(name, BACKUP_NAMESPACE, options.backup_namespace, Restore))


def check(conf: cfg.ConfigOpts, datastore: str) -> None:
    """Raise ``PlugError`` for a strategy that is named and cannot be used; for the start of the agent."""
    if conf[datastore].backup_strategy:
        load(conf, datastore)


def _find(name: str, option: str, namespace: str, base: type) -> type:
    if namespace:
        found: type = plugs.load_path(option, name, f'{namespace}.{name}', base)
        return found
    plug: type = plugs.load(GROUP, name, BackupStrategy)
    return plug
