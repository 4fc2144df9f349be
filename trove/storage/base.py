"""Where backups lie: the contract that every store fulfils, and what all of them need for it."""

import abc
import dataclasses
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from oslo_config import cfg

from trove.common import exception

GROUP = 'trove.storage'
"""Entry points; the name is the option ``storage_strategy``."""

CHUNK_BYTES = 64 * 1024
"""What a store hands out at a time."""

_CONTAINER = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,254}')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,199}')
_METADATA_KEY = re.compile(r'[a-z][a-z0-9-]{0,63}')
_METADATA_VALUE_BYTES = 256
_METADATA_ITEMS = 20


class NoStore(exception.NotImplementedHere):
    message = 'No place for backups is configured; an operator names one with storage_strategy.'


class BadKey(exception.BadRequest):
    message = "'%(name)s' cannot be a %(what)s in a store: letters, digits, '.', '_' and '-', no more than %(limit)s."


class StoreError(exception.TroveError):
    """The store failed until somebody does something; the text says what was tried and why it failed."""

    code = 500
    message = 'The store failed: %(reason)s'


class StoreBusy(StoreError):
    """It did not work now; the same call may work later."""

    message = 'The store is not ready: %(reason)s'


class ObjectNotFound(exception.NotFound):
    message = 'There is no object %(key)s in the store.'


class ObjectExists(exception.Conflict):
    message = 'There is an object %(key)s in the store already.'


class ObjectCorrupt(StoreError):
    """What is stored, or was sent, is not what its digest says; it is of no use."""

    message = 'Object %(key)s is not what its digest says.'


@dataclasses.dataclass(frozen=True)
class Key:
    """The name of an object: a container, and a name in it; ``BadKey`` when it could be more than that.

    Neither has a slash, begins with a dot or needs quotes anywhere, so that no name leads out of a store.
    """

    container: str
    name: str

    def __post_init__(self) -> None:
        check_container(self.container)
        if not is_name(self.name):
            raise BadKey(name=self.name, what='name', limit=200)

    def __str__(self) -> str:
        return f'{self.container}/{self.name}'


def check_container(container: str) -> None:
    """Raise ``BadKey`` unless this can be the name of a container."""
    if not _CONTAINER.fullmatch(container):
        raise BadKey(name=container, what='container', limit=255)


def is_name(name: str) -> bool:
    """Return whether this can be the name of an object."""
    return _NAME.fullmatch(name) is not None


@dataclasses.dataclass(frozen=True)
class Stored:
    """An object that is whole: its size in bytes, the SHA-256 of its bytes in hex, and what was said of it."""

    key: Key
    size: int
    digest: str
    metadata: Mapping[str, str]


class Store(abc.ABC):
    """Keeps objects: streams of bytes under names. One object serves a whole process, from many threads.

    An object is written once and never changed. It is there when its ``save`` has returned and not
    a moment before; whatever kills a ``save`` earlier leaves nothing that can be found, listed or loaded.
    Memory does not grow with the size of an object. Every call may be repeated after it was killed at any
    point. What an object holds and what is said of it is never logged or put into an error.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the store's own options and read them; nothing is called yet."""

    @abc.abstractmethod
    def save(
        self, key: Key, chunks: Iterable[bytes], metadata: Mapping[str, str] | None = None, digest: str | None = None
    ) -> Stored:
        """Store what the chunks give, however large each is, and return what is known of it.

        Raises ``ObjectExists`` when the name is taken: of two writers of one name, the first to come to
        the end has it, the other one gets this, and nobody ever sees a mixture. A caller that repeats a
        ``save`` which was killed asks ``find`` whether it was killed only after its end. Raises
        ``ObjectCorrupt`` when the bytes do not have the digest that is given. What the chunks raise is
        raised on. All of these leave nothing.
        """

    @abc.abstractmethod
    def load(self, key: Key, digest: str | None = None) -> AbstractContextManager[Iterator[bytes]]:
        """Give the bytes of an object; ``ObjectNotFound`` on entry where there is none.

        They are held against ``digest``, or against the one that is stored. The last chunk is given only after
        that, and ``ObjectCorrupt`` is raised in its place, so who reads to the end has what was
        saved, and a broken object can never be taken for a whole one.
        """

    @abc.abstractmethod
    def find(self, key: Key) -> Stored | None:
        """Return what is known of an object, or None where there is none."""

    @abc.abstractmethod
    def names(self, container: str, prefix: str = '') -> Iterator[str]:
        """Give the names in a container that begin with the prefix, sorted; none for an unknown container."""

    @abc.abstractmethod
    def delete(self, key: Key) -> bool:
        """Delete an object, or what is left of it; return whether it is gone, call again until it is.

        It may be gone already, or never have been. Afterwards its name is free.
        """

    @abc.abstractmethod
    def location(self, key: Key) -> str:
        """Return the text that shows a tenant where an object lies; without secrets, and nothing is called."""


class Tally:
    """Size and digest of the bytes that pass by."""

    def __init__(self) -> None:
        self.size = 0
        self._sum = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Count one more chunk."""
        self.size += len(chunk)
        self._sum.update(chunk)

    @property
    def digest(self) -> str:
        """The SHA-256 of all of them, in hex."""
        return self._sum.hexdigest()


def verified(chunks: Iterable[bytes], stored: Stored, digest: str | None = None) -> Iterator[bytes]:
    """Give what is read of an object, as ``load`` promises it: the last chunk only after all were checked."""
    if digest not in (None, stored.digest):
        raise ObjectCorrupt(key=stored.key)
    tally = Tally()
    held = b''
    for chunk in filter(None, chunks):
        if held:
            yield held
        tally.add(chunk)
        held = chunk
    if (tally.size, tally.digest) != (stored.size, stored.digest):
        raise ObjectCorrupt(key=stored.key)
    if held:
        yield held


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy of what is said of an object; ``BadRequest`` unless every store can keep it."""
    checked = dict(metadata or {})
    if len(checked) > _METADATA_ITEMS:
        raise exception.BadRequest(f'An object has at most {_METADATA_ITEMS} items of metadata.')
    for key, value in checked.items():
        is_short = len(value.encode(errors='replace')) <= _METADATA_VALUE_BYTES
        if not (_METADATA_KEY.fullmatch(key) and value.isprintable() and value == value.strip() and is_short):
            # The value may be anybody's secret.
            raise exception.BadRequest(f"Metadata '{key}' of an object cannot be kept.")
    return checked
