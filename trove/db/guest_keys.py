"""The keys of guests: made once for each instance, sealed at rest, and looked up by whoever speaks with one."""

import threading
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from trove.common import clock as trove_clock
from trove.common import crypto, exception, sealing
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables

KEPT_SECONDS = 60.0
"""For how long a key that was read is taken without another look."""
LOOK_AGAIN_SECONDS = 1.0
"""How often a key that is not known is looked for, whoever asks for it."""
MOST_KEPT = 10000


class Keeper:
    """Makes, reads and rotates keys; each read is one look at the database."""

    def __init__(self, sealer: crypto.Sealer) -> None:
        self._sealer = sealer

    def make(self, session: orm.Session, instance_id: str) -> None:
        """Make the key of an instance unless it has one."""
        if session.get(models.GuestKey, instance_id) is None:
            sealed = self._sealer.seal(sealing.Key(sealing.make_secret(), instance_id).encode())
            now = trove_clock.utcnow()
            session.add(models.GuestKey(instance_id=instance_id, number=1, sealed=sealed, created=now))

    def make_next(self, session: orm.Session, instance_id: str) -> None:
        """Make the key that is to follow, unless there is one already; ``GuestError`` when there is none to follow."""
        record = session.get(models.GuestKey, instance_id, with_for_update=True)
        if record is None:
            raise _without_key(instance_id)
        if record.next_sealed is None:
            record.next_sealed = self._sealer.seal(sealing.Key(sealing.make_secret(), instance_id).encode())

    def rotate(self, session: orm.Session, instance_id: str) -> None:
        """Put the next key in the place of the present one; nothing when that was done."""
        record = session.get(models.GuestKey, instance_id, with_for_update=True)
        if record is not None and record.next_sealed is not None:
            record.sealed, record.next_sealed = record.next_sealed, None
            record.number += 1

    def open(self, record: models.GuestKey) -> list[sealing.Key]:
        """Return the keys of a record: the present one, and the next one while it is being rotated."""
        texts = [record.sealed] if record.next_sealed is None else [record.sealed, record.next_sealed]
        return [sealing.Key.decode(self._sealer.open(text), record.instance_id) for text in texts]

    def keys(self, instance_id: str) -> Sequence[sealing.Key]:
        """Return the keys of an instance, the one that seals first; ``GuestError`` when it has none."""
        record = find(instance_id)
        if record is None:
            raise _without_key(instance_id)
        return self.open(record)


class Ring:
    """Keys by instance, for who is sent many messages: what was read is kept for a while."""

    def __init__(self, keeper: Keeper, clock: trove_clock.Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Sequence[sealing.Key]]] = {}

    def keys(self, instance_id: str, key_id: str | None) -> Sequence[sealing.Key]:
        """Return the keys of an instance; none for a stranger. One with another id is looked for at most every second.

        A flood of made-up ids costs no more than that. Any key will do for no id.
        """
        now = self._clock.time()
        with self._lock:
            read_at, keys = self._kept.get(instance_id, (None, ()))
        is_known = any(key_id in (None, key.id) for key in keys)
        limit = KEPT_SECONDS if is_known else LOOK_AGAIN_SECONDS
        if read_at is not None and 0 <= now - read_at < limit:
            return keys
        record = find(instance_id)
        keys = [] if record is None else self._keeper.open(record)
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[instance_id] = (now, keys)
        return keys


def find(instance_id: str) -> models.GuestKey | None:
    """Return the record of an instance's key, or None."""
    with get_db_api().reading() as session:
        record: models.GuestKey | None = session.get(models.GuestKey, instance_id)
        return record


def list_instance_ids() -> list[str]:
    """Return the ids of all instances that have a key."""
    with get_db_api().reading() as session:
        return list(session.execute(sa.select(tables.guest_keys.c.instance_id)).scalars())


def _without_key(instance_id: str) -> exception.GuestError:
    return exception.GuestError(reason=f'instance {instance_id} has no key; rebuild it, which makes one')
